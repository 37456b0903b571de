/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * image.c - builds the image that task and function run: the image of the setting vast_image with vast-lambda-runtime
 * added, in the stack's own repository.
 *
 * Source registries are read only here, so that a restart of the server depends on nothing outside the account. Images
 * are addressed by digest, so what runs is what was pushed.
 */
#include "aws/services/ecr.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/secret.h"
#include "image/build.h"
#include "image/reference.h"
#include "image/runtime_file.h"
#include "stack/images.h"
#include "stack/operation.h"
#include "stack/previous.h"
#include "stack/server.h"

#include <string.h>

#define REPORT_EVERY_MS 500
#define GARBLED_TRIES	3

struct image_reporter {
	struct operation *op;
	int64_t begun_ms, reported_ms; /* monotonic; 0: not yet */
	bool warned;
};

/* Called often, on the engine thread. */
static void image_report_progress(void *arg, const char *step, uint64_t done, uint64_t total)
{
	struct image_reporter *t = arg;
	int64_t now = clock_monotonic_ms();
	char text[96];

	if (!t->begun_ms)
		t->begun_ms = now;
	if (now - t->reported_ms < REPORT_EVERY_MS && done < total)
		return;
	t->reported_ms = now;
	job_progress(t->op->job, t->op->step, t->op->steps, "%s%s%s", step, total ? ": " : "",
		     total ? images_progress(done, total, now - t->begun_ms, text, sizeof(text)) : "");
}

static void image_warn(void *arg, const struct error *what)
{
	struct image_reporter *t = arg;

	if (t->warned)
		return;
	t->warned = true;
	job_log(t->op->job, "warning: %s%s%s", what->message, *what->remedy ? "; " : "", what->remedy);
}

/* -- passwords for ECR ----------------------------------------------------------------------------------------- */

/* The reply of GetAuthorizationToken: secret, and valid for every registry of its region that the caller may read. */
struct ecr_login {
	cJSON *reply;
	char *registry; /* the registry that the password is for; NULL: the registry that the reply names */
};

static void image_login_release(struct ecr_login *l)
{
	secret_free_json(l->reply);
	free(l->registry);
}

static const char *image_login_endpoint(const struct ecr_login *l)
{
	return aws_text(l->reply, "authorizationData.0.proxyEndpoint");
}

static const char *image_login_secret(const struct ecr_login *l)
{
	return aws_text(l->reply, "authorizationData.0.authorizationToken");
}

/* An image in another region's ECR needs a token from that region. */
static int image_login_to_source(struct operation *op, const struct image_reference *base, struct ecr_login *ret,
				 struct error *err)
{
	struct aws *there = NULL;
	int r = aws_new_in_region(op->aws, base->ecr_region, &there, err);

	if (r == 0)
		r = aws_call(there, ecr_get_authorization_token(), op->cancel, &ret->reply, err);
	aws_unref(there);
	if (r < 0)
		return error_complete(err, r) == -ECANCELED ? r : error_prefix(err, "cannot log in to %s", base->host);
	ret->registry = image_ecr_registry(base, image_login_endpoint(ret), op->account ? op->account : "");
	return ret->registry ? 0 : -ENOMEM;
}

/* -- actions on an image -------------------------------------------------------------------------------- */

/* ret is NULL if nothing is built. */
typedef int image_action(const struct image_build *build, struct image_built *ret, struct error *err);

static int image_run_action(struct operation *op, image_action *action, struct image_build *build,
			    struct image_built *ret, struct error *err)
{
	_cleanup_(image_login_release) struct ecr_login source = {NULL};
	struct image_reference base;
	int r = image_reference_parse(build->base, &base, err);

	if (r == 0 && base.is_ecr)
		r = image_login_to_source(op, &base, &source, err);
	if (r < 0)
		return r;
	build->source_registry = source.registry;
	build->source_authorization = source.reply ? image_login_secret(&source) : NULL;
	return action(build, ret, err);
}

static int image_act_once(struct operation *op, image_action *action, struct image_reporter *reporter,
			  struct image_built *ret, struct error *err)
{
	_cleanup_(image_login_release) struct ecr_login target = {NULL};
	const char *architecture = settings_get(op->settings, SETTING_ARCHITECTURE);
	char runtime[IMAGE_RUNTIME_PATH_MAX];
	struct image_build build = {.engine = op->engine,
				    .base = settings_get(op->settings, SETTING_VAST_IMAGE),
				    .architecture = architecture,
				    .runtime = runtime,
				    .repository = op->name,
				    .ca_file = aws_ca_file(op->aws),
				    .cancel = op->cancel,
				    .progress = image_report_progress,
				    .warn = ret ? image_warn : NULL,
				    .arg = reporter};
	int r = operation_call(op, ecr_get_authorization_token(), &target.reply, err);

	build.registry = image_login_endpoint(&target);
	build.authorization = image_login_secret(&target);
	if (r == 0)
		r = image_runtime_find(architecture, runtime, err);
	return r == 0 ? image_run_action(op, action, &build, ret, err) : r;
}

/*
 * Blobs that the registry has received are not sent again, so a retry after an outage is cheap. A malformed
 * reply, such as the error page of a proxy, is retried, too, but at most GARBLED_TRIES times: it may be the registry's
 * fault.
 */
static int image_act(struct operation *op, image_action *action, struct image_built *ret, struct error *err)
{
	struct image_reporter reporter = {.op = op};
	unsigned garbled = 0;
	int r;

	do {
		r = image_act_once(op, action, &reporter, ret, err);
		if (r == -EBADMSG && ++garbled < GARBLED_TRIES)
			err->duration = ERROR_TRANSIENT;
	} while (operation_outlasts(op, &r, err));
	return r;
}

static int image_check_base(const struct image_build *build, struct image_built *ret, struct error *err)
{
	(void)ret;
	return image_check(build, err);
}

/* Detects a mistyped image name, or an image for another processor, before anything is created. */
int image_check_first(struct operation *op, struct error *err)
{
	return op->created && !previous_is_asked_for(op) ? image_act(op, image_check_base, NULL, err) : 0;
}

static int image_set_name(struct operation *op, const struct image_built *built)
{
	free(op->image);
	if (asprintf(&op->image, "%s@%s", op->repository_uri, built->digest) < 0) {
		op->image = NULL;
		return -ENOMEM;
	}
	if (built->pushed)
		operation_say(op, "pushed %.1f MB: %s", (double)built->bytes / 1e6, op->image);
	else
		operation_say(op, "the image exists already: %s", op->image);
	buf_printf(&op->result, "image %s, %s\n", op->image, built->pushed ? "new" : "unchanged");
	return 0;
}

int image_ensure(struct operation *op, struct error *err)
{
	struct image_built built = {.pushed = false};
	int r = previous_note(op, err);

	if (r < 0)
		return r;
	if (previous_is_asked_for(op))
		return previous_choose(op, err);
	r = image_act(op, image_build, &built, err);
	return r < 0 ? r : image_set_name(op, &built);
}

int image_find(struct operation *op, struct error *err)
{
	struct image_built found = {.pushed = false};
	int r;

	if (!op->repository_uri)
		return 0;
	r = image_act(op, image_look_up, &found, err);
	if (r < 0 || !*found.digest)
		return r;
	free(op->image);
	if (asprintf(&op->image, "%s@%s", op->repository_uri, found.digest) < 0)
		op->image = NULL;
	return op->image ? 0 : -ENOMEM;
}

/* -- cleaning up ----------------------------------------------------------------------------------------------- */

/* Appends the digests of the images that tasks run, or the service starts next. */
static int image_list_used(struct operation *op, cJSON *used, struct error *err)
{
	cJSON *tasks = NULL;
	const cJSON *task;
	int r = tasks_list(op, &tasks, err);

	cJSON_ArrayForEach (task, tasks)
		json_append_text(&r, used, images_digest_of_task(task));
	cJSON_Delete(tasks);
	return r < 0 ? r : service_add_image(op, used, err);
}

static int image_remove_outdated(struct operation *op, struct error *err)
{
	const char *current = strchr(op->image, '@') + 1;
	cJSON *reply = NULL, *used, *outdated = NULL;
	struct previous before;
	int r = 0;

	used = json_array(&r);
	if (r == 0)
		r = image_list_used(op, used, err);
	if (r == 0)
		r = previous_read(op, &before, err);
	if (r == 0)
		r = operation_call(op, ecr_describe_images(op->name), &reply, err);
	if (r == 0)
		outdated = images_outdated(aws_at(reply, "imageDetails"), current, before.digest, used);
	if (cJSON_GetArraySize(outdated) > 0) {
		r = operation_call(op, ecr_batch_delete_image(op->name, outdated), NULL, err);
		job_log(op->job, "removed %d images that nothing uses", cJSON_GetArraySize(outdated));
	}
	cJSON_Delete(outdated);
	cJSON_Delete(used);
	cJSON_Delete(reply);
	return r;
}

/* Old images that remain cost cents, so a failure here does not fail the deploy. */
int image_clean(struct operation *op, struct error *err)
{
	int r = previous_store(op, err);

	if (r < 0)
		return r;
	snprintf(op->cluster, sizeof(op->cluster), "%s", operation_output(op, "ClusterName"));
	r = image_remove_outdated(op, err);
	if (r == -ECANCELED)
		return r;
	if (r < 0)
		job_log(op->job, "warning: old images were not removed: %s", err->message);
	return 0;
}
