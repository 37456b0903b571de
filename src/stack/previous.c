/* SPDX-License-Identifier: BSD-3-Clause */
#include "stack/previous.h"

#include "aws/services/ecr.h"
#include "aws/services/service.h"

#include <string.h>

#define TAG_IMAGE	 "vastfs:previous-image"
#define TAG_ARCHITECTURE "vastfs:previous-architecture"
#define TAG_BASE	 "vastfs:previous-base"
#define MEMORY_IMAGE	 "image-before" /* key of the memory: "digest architecture base" of the deployed image */

bool previous_is_asked_for(const struct operation *op)
{
	return strcmp(op->argument, "previous") == 0;
}

bool previous_parse(const char *text, struct previous *ret)
{
	if (sscanf(text, "%79s %15s %255s", ret->digest, ret->architecture, ret->base) == 3)
		return true;
	*ret = (struct previous){0};
	return false;
}

/* -- the repository's tags ------------------------------------------------------------------------------------- */

static int previous_read_arn(struct operation *op, char arn[static 512], struct error *err)
{
	cJSON *reply = NULL;
	int r = operation_call(op, ecr_describe_repository(op->name), &reply, err);

	snprintf(arn, 512, "%s", aws_text(reply, "repositories.0.repositoryArn"));
	cJSON_Delete(reply);
	return r;
}

static void previous_take_tag(struct previous *p, const cJSON *tag)
{
	const char *key = aws_text(tag, "Key"), *value = aws_text(tag, "Value");

	if (strcmp(key, TAG_IMAGE) == 0)
		snprintf(p->digest, sizeof(p->digest), "%s", value);
	else if (strcmp(key, TAG_ARCHITECTURE) == 0)
		snprintf(p->architecture, sizeof(p->architecture), "%s", value);
	else if (strcmp(key, TAG_BASE) == 0)
		snprintf(p->base, sizeof(p->base), "%s", value);
}

int previous_read(struct operation *op, struct previous *ret, struct error *err)
{
	cJSON *reply = NULL;
	const cJSON *tag;
	char arn[512];
	int r = previous_read_arn(op, arn, err);

	*ret = (struct previous){0};
	if (r == 0)
		r = operation_call(op, ecr_list_tags_for_resource(arn), &reply, err);
	cJSON_ArrayForEach (tag, aws_at(reply, "tags"))
		previous_take_tag(ret, tag);
	cJSON_Delete(reply);
	return r;
}

static int previous_write(struct operation *op, const struct previous *p, struct error *err)
{
	struct aws_pair tags[] = {{TAG_IMAGE, p->digest}, {TAG_ARCHITECTURE, p->architecture}, {TAG_BASE, p->base}};
	char arn[512];
	int r = previous_read_arn(op, arn, err);

	return r < 0 ? r : operation_call(op, ecr_tag_resource(arn, tags, ARRAY_SIZE(tags)), NULL, err);
}

/* -- recording the image before and after a deploy ------------------------------------------------------------- */

static const char *previous_deployed_digest(const struct operation *op)
{
	const char *at = strchr(operation_parameter(op, "ImageUri"), '@');

	return at ? at + 1 : "";
}

int previous_note(struct operation *op, struct error *err)
{
	char text[OPERATION_MEMORY_MAX];

	if (!*previous_deployed_digest(op))
		return 0;
	snprintf(text, sizeof(text), "%s %s %s", previous_deployed_digest(op), operation_parameter(op, "Architecture"),
		 operation_parameter(op, "BaseImage"));
	return operation_remember(op, MEMORY_IMAGE, text, err);
}

int previous_store(struct operation *op, struct error *err)
{
	struct previous before;
	int r;

	if (!previous_parse(operation_recall(op, MEMORY_IMAGE), &before) ||
	    strcmp(before.digest, previous_deployed_digest(op)) == 0)
		return 0;
	r = previous_write(op, &before, err);
	if (r == -ECANCELED)
		return r;
	if (r < 0)
		job_log(op->job, "warning: the image that was deployed before is not recorded: %s", err->message);
	return 0;
}

/* -- deploying the previous image ------------------------------------------------------------------------------ */

/* Completes the error that error_set() has begun with the reason. */
static int previous_refuse(struct error *err)
{
	error_prefix(err, "there is no previous image");
	error_remedy(err, "set vast_image in config/default.env to that image, then touch control/deploy");
	return err->errnum;
}

static int previous_check(struct operation *op, const struct previous *p, struct error *err)
{
	int r;

	if (!*p->digest || !*p->base) {
		error_set(err, -EINVAL, "no other image was deployed before");
		return previous_refuse(err);
	}
	if (strcmp(p->architecture, settings_get(op->settings, SETTING_ARCHITECTURE)) != 0) {
		error_set(err, -EINVAL, "the previous image is for the processor %s", p->architecture);
		return previous_refuse(err);
	}
	r = operation_call(op, ecr_describe_image(op->name, p->digest), NULL, err);
	if (r < 0 && error_has_code(err, "ImageNotFoundException")) {
		error_set(err, -EINVAL, "%s was removed from the repository", p->digest);
		return previous_refuse(err);
	}
	return r;
}

int previous_choose(struct operation *op, struct error *err)
{
	struct previous p;
	int r = previous_read(op, &p, err);

	if (r == 0)
		r = previous_check(op, &p, err);
	if (r < 0)
		return r;
	op->base_image = strdup(p.base);
	if (!op->base_image || asprintf(&op->image, "%s@%s", op->repository_uri, p.digest) < 0) {
		op->image = NULL;
		return -ENOMEM;
	}
	operation_say(op, "going back to the image deployed before: %s, assembled from %s", op->image, p.base);
	buf_printf(&op->result,
		   "image %s, the one deployed before, assembled from %s\n"
		   "touch control/restart-task to run it; touch control/deploy to return to vast_image\n",
		   op->image, p.base);
	return 0;
}
