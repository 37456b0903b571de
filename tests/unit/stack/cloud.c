/* SPDX-License-Identifier: BSD-3-Clause */
#include "cloud.h"

#include "base/clock.h"
#include "failing.h"
#include "image/build.h"
#include "image/runtime_file.h"
#include "stack/report.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define SETTINGS "stage=x\naws_region=eu-west-1\nvpc_id=vpc-12345678\nsubnet_cidr=10.0.1.0/27\n"
#define REFUSED	 "User: me is not authorized to perform this"
#define ACTIONS	 64

/* A life makes thousands of allocations; as many of them fail, one in each run. */
#define FAILING_ALLOCATIONS 60
#define READS		    "Describe", "List", "Get", "Detect"

enum fault {
	FAULT_NONE,
	FAULT_REFUSED,
	FAULT_OUTAGE,
	FAULT_CANCELLED,
	FAULT_NO_NETWORK, /* from this call on */
	FAULT_NO_KEYS,	  /* from this call on */
	FAULT_NO_JOURNAL, /* counts the texts that the operation remembers instead */
};

static struct {
	const struct cloud_life *life;
	const struct cloud_reply *asked[ACTIONS]; /* the reply that each action got last */
	enum fault fault;
	unsigned calls, fails, sleeps; /* fails: the call that has the fault */
	char failed[64];	       /* its action */
	bool repeatable;	       /* its request may be sent again */
	struct buf writes;
	struct aws_cancel_token *cancel;
	int64_t now_ms;
	unsigned warnings;
} cloud;

int __wrap_aws_call(struct aws *a, struct aws_request *request, struct aws_cancel_token *token, cJSON **ret,
		    struct error *err);
int __wrap_aws_sleep(struct aws_cancel_token *token, int64_t ms);
int64_t __wrap_clock_monotonic_ms(void);
const char *__wrap_aws_region(const struct aws *a);
int64_t __wrap_aws_now_ms(const struct aws *a);

int64_t __wrap_clock_monotonic_ms(void)
{
	return cloud.now_ms;
}

const char *__wrap_aws_region(const struct aws *a _unused_)
{
	return "eu-west-1";
}

int64_t __wrap_aws_now_ms(const struct aws *a _unused_)
{
	return cloud.now_ms;
}

int __wrap_aws_sleep(struct aws_cancel_token *token, int64_t ms)
{
	if (++cloud.sleeps == (unsigned)cloud.life->cancel_at)
		aws_cancel_token_fire(cloud.cancel);
	cloud.now_ms += ms;
	return aws_cancel_token_fired(token) ? -ECANCELED : 0;
}

/* -- the replies --------------------------------------------------------------------------------------------------- */

static const struct cloud_reply *cloud_row_of(const char *action, const struct cloud_reply *after)
{
	const struct cloud_reply *row = after ? after + 1 : cloud.life->replies;

	for (; row->action; row++)
		if (strcmp(row->action, action) == 0)
			return row;
	return after;
}

static const struct cloud_reply *cloud_next_reply(const char *action)
{
	size_t i = 0;

	while (cloud.asked[i] && strcmp(cloud.asked[i]->action, action) != 0)
		i++;
	assert_true(i < ACTIONS - 1);
	return cloud.asked[i] = cloud_row_of(action, cloud.asked[i]);
}

static bool cloud_is_write(const char *action)
{
	static const char *const reads[] = {READS};

	for (size_t i = 0; i < ARRAY_SIZE(reads); i++)
		if (strncmp(action, reads[i], strlen(reads[i])) == 0)
			return false;
	return true;
}

static int cloud_refuse(const char *code, const char *message, struct error *err)
{
	error_set(err, -EACCES, "%s", message);
	snprintf(err->code, sizeof(err->code), "%s", code);
	err->http_status = strcmp(code, "AccessDenied") == 0 ? 403 : 400;
	return err->errnum;
}

static int cloud_fail(const struct aws_request *r, struct aws_cancel_token *token, struct error *err)
{
	snprintf(cloud.failed, sizeof(cloud.failed), "%s", r->operation);
	cloud.repeatable = r->retry == AWS_RETRY_STANDARD;
	switch (cloud.fault) {
	case FAULT_NO_KEYS:
		error_set(err, -ENOKEY, "no credentials");
		error_remedy(err, "sign in");
		err->duration = ERROR_FIXABLE;
		return err->errnum;
	case FAULT_NO_NETWORK:
	case FAULT_OUTAGE:
		error_set(err, -ENETUNREACH, "the network is unreachable");
		err->duration = ERROR_TRANSIENT;
		return err->errnum;
	case FAULT_CANCELLED:
		aws_cancel_token_fire(cloud.cancel);
		if (token == cloud.cancel)
			return error_set(err, -ECANCELED, "cancelled");
		return 1; /* it cannot be cancelled */
	default:
		return cloud_refuse("AccessDenied", REFUSED, err);
	}
}

/* ListTasks is asked for one status and then for the other, so each has its own rows. */
static const char *cloud_key(const struct aws_request *r, char out[static 64])
{
	const char *status = aws_text(r->params, "desiredStatus");

	snprintf(out, 64, "%s%s%s", r->operation, *status ? " " : "", status);
	return out;
}

static int cloud_answer(const struct aws_request *r, cJSON **ret, struct error *err)
{
	const struct cloud_reply *reply;
	char key[64];
	cJSON *tree;

	if (cloud_is_write(r->operation))
		buf_printf(&cloud.writes, "%s%s", cloud.writes.len ? " " : "", r->operation);
	reply = cloud_next_reply(cloud_key(r, key));
	if (!reply && !cloud_is_write(r->operation))
		fail_msg("%s: no reply to %s%s%s", cloud.life->name, key,
			 *cloud.failed	      ? " after failed "
			 : failing_happened() ? " without memory"
					      : "",
			 cloud.failed);
	if (reply && reply->code)
		return cloud_refuse(reply->code, reply->json, err);
	tree = cJSON_Parse(reply ? reply->json : "{}");
	if (!tree && !failing_happened())
		fail_msg("%s: %s is not JSON", cloud.life->name, reply ? reply->json : "");
	if (!tree)
		return error_set(err, -ENOMEM, "out of memory");
	if (ret)
		*ret = tree;
	else
		cJSON_Delete(tree);
	return 0;
}

static bool cloud_has_fault(void)
{
	if (cloud.fault == FAULT_NONE || cloud.fault == FAULT_NO_JOURNAL)
		return false;
	cloud.calls++;
	return cloud.calls == cloud.fails || (cloud.fault >= FAULT_NO_NETWORK && cloud.calls > cloud.fails);
}

int __wrap_aws_call(struct aws *a _unused_, struct aws_request *request, struct aws_cancel_token *token, cJSON **ret,
		    struct error *err)
{
	int r = 1;

	if (!request)
		return error_set(err, -ENOMEM, "out of memory");
	cloud.now_ms += 50;
	if (aws_cancel_token_fired(token))
		r = error_set(err, -ECANCELED, "cancelled");
	else if (cloud_has_fault())
		r = cloud_fail(request, token, err);
	if (r == 1)
		r = cloud_answer(request, ret, err);
	aws_request_free(request);
	return r;
}

/* -- images -------------------------------------------------------------------------------------------------------- */

int __wrap_aws_new_in_region(struct aws *a, const char *region, struct aws **ret, struct error *err);
void __wrap_aws_unref(struct aws *a);
const char *__wrap_aws_ca_file(const struct aws *a);
int __wrap_image_runtime_find(const char *architecture, char ret_path[IMAGE_RUNTIME_PATH_MAX], struct error *err);
int __wrap_image_check(const struct image_build *b, struct error *err);
int __wrap_image_look_up(const struct image_build *b, struct image_built *ret, struct error *err);
int __wrap_image_build(const struct image_build *b, struct image_built *ret, struct error *err);

int __wrap_aws_new_in_region(struct aws *a _unused_, const char *region, struct aws **ret, struct error *err _unused_)
{
	assert_true(*region != '\0');
	*ret = NULL;
	return 0;
}

void __wrap_aws_unref(struct aws *a _unused_)
{
}

const char *__wrap_aws_ca_file(const struct aws *a _unused_)
{
	return NULL;
}

int __wrap_image_runtime_find(const char *architecture _unused_, char ret_path[IMAGE_RUNTIME_PATH_MAX],
			      struct error *err _unused_)
{
	strcpy(ret_path, "/nonexistent");
	return 0;
}

/* Asks the table like a call of AWS, so that it fails in every way, too. */
static int cloud_act(const char *action, const struct image_build *b, struct image_built *ret, struct error *err)
{
	struct aws_request *request = aws_request_new(&(struct aws_service){.name = "image"}, action);
	cJSON *reply = NULL;
	int r;

	assert_true(failing_happened() || (b->registry && b->authorization));
	b->progress(b->arg, "copying", 1, 2);
	r = __wrap_aws_call(NULL, request, b->cancel, &reply, err);
	if (r < 0 && strcmp(err->code, "Garbled") == 0)
		r = error_set(err, -EBADMSG, "the registry's reply is not JSON");
	if (ret) {
		snprintf(ret->digest, sizeof(ret->digest), "%s", aws_text(reply, "digest"));
		ret->pushed = cJSON_IsTrue(aws_at(reply, "pushed"));
	}
	cJSON_Delete(reply);
	return r;
}

int __wrap_image_check(const struct image_build *b, struct error *err)
{
	return cloud_act("GetImage", b, NULL, err);
}

int __wrap_image_look_up(const struct image_build *b, struct image_built *ret, struct error *err)
{
	return cloud_act("GetImage", b, ret, err);
}

int __wrap_image_build(const struct image_build *b, struct image_built *ret, struct error *err)
{
	struct error warning;

	error_set(&warning, 0, "the base image is old");
	b->warn(b->arg, &warning);
	b->warn(b->arg, &warning);
	return cloud_act("BuildImage", b, ret, err);
}

/* -- the operation ------------------------------------------------------------------------------------------------- */

static void cloud_refresh(struct operation *op _unused_)
{
}

static void cloud_warn(struct operation *op _unused_, const struct error *err)
{
	assert_true(*err->message != '\0');
	cloud.warnings++;
}

static int cloud_remember(struct operation *op _unused_, const char *key, const char *value, struct error *err)
{
	assert_true(*key && value);
	if (cloud.fault != FAULT_NO_JOURNAL || ++cloud.calls != cloud.fails)
		return 0;
	snprintf(cloud.failed, sizeof(cloud.failed), "%s", key);
	return error_set(err, -ENOSPC, "cannot write the journal");
}

static void cloud_publish(struct operation *op, enum stack_report_kind kind _unused_, struct stack_report *report)
{
	buf_append(&op->result, report->text->data, report->text->len);
	stack_report_unref(report);
}

struct outcome {
	int r;
	struct error err;
	char result[4096];
};

static void cloud_set_stack(struct operation *op)
{
	cJSON *reply = cJSON_Parse(cloud.life->stack);

	op->stack = cJSON_DetachItemFromArray(cJSON_GetObjectItem(reply, "Stacks"), 0);
	cJSON_Delete(reply);
}

/* No allocation fails in here but those of the operation. */
static void cloud_live(const struct cloud_life *life, enum fault fault, unsigned fails, struct outcome *out)
{
	struct aws_cancel_token *stop = aws_cancel_token_new(), *cancel = aws_cancel_token_new();
	_buf_ struct buf text = BUF_INIT(4096);
	struct settings *settings = NULL;
	struct operation op = {.argument = life->argument ? life->argument : "",
			       .token = "0123456789abcdef",
			       .directory = "control",
			       .installation = "a1b2",
			       .default_task = "",
			       .cancel = cancel,
			       .stop = stop,
			       .refresh = cloud_refresh,
			       .warn = cloud_warn,
			       .remember = cloud_remember,
			       .publish = cloud_publish,
			       .name = "vast-x"};

	memset(out, 0, sizeof(*out));
	buf_free(&cloud.writes);
	memset(&cloud, 0, sizeof(cloud));
	cloud.life = life;
	cloud.fault = fault;
	cloud.fails = fails;
	cloud.now_ms = INT64_C(1800000000000);
	cloud.cancel = cancel;
	buf_init(&cloud.writes, 4096);
	buf_init(&op.result, 4096);
	buf_printf(&text, SETTINGS "%s", life->settings ? life->settings : "");
	if (stop && cancel && !text.error && settings_parse(text.data, text.len, &settings, &out->err) == 0)
		op.job = job_new(JOB_OPERATION, 1, "deploy", NULL);
	op.settings = settings;
	op.account = strdup("123456789012");
	if (life->stack)
		cloud_set_stack(&op);
	op.memory = life->memory ? cJSON_Parse(life->memory) : NULL;
	if (op.job && op.account && (op.memory || !life->memory) && (op.stack || !life->stack)) {
		if (life->prepare)
			life->prepare(&op);
		out->r = life->run(&op, &out->err);
	} else {
		out->r = -ENOMEM;
	}
	snprintf(out->result, sizeof(out->result), "%s", buf_str(&op.result));
	operation_release(&op);
	job_unref(op.job);
	settings_unref(settings);
	aws_cancel_token_free(stop);
	aws_cancel_token_free(cancel);
}

/* -- the lives ----------------------------------------------------------------------------------------------------- */

static void cloud_expect_text(const struct cloud_life *life, const struct outcome *out)
{
	_buf_ struct buf said = BUF_INIT(8192);

	if (out->r < 0)
		buf_printf(&said, "%s; %s", out->err.message, out->err.remedy);
	else
		buf_puts(&said, out->result);
	if (life->words && !strstr(buf_str(&said), life->words))
		fail_msg("%s: no \"%s\" in: %s", life->name, life->words, buf_str(&said));
}

static void cloud_run_undisturbed(const struct cloud_life *life)
{
	struct outcome out;

	cloud_live(life, FAULT_NONE, 0, &out);
	if (out.r != life->result)
		fail_msg("%s: %d, not %d: %s", life->name, out.r, life->result, out.err.message);
	cloud_expect_text(life, &out);
	if (strcmp(buf_str(&cloud.writes), life->writes) != 0)
		fail_msg("%s: writes %s", life->name, buf_str(&cloud.writes));
}

static bool cloud_has_word(const char *words, const char *word)
{
	const char *found = words ? strstr(words, word) : NULL;

	return found && found[strlen(word)] == ' ';
}

static bool cloud_is_optional(const struct cloud_life *life)
{
	return cloud_has_word(life->optional, cloud.failed) || cloud_has_word(life->also, cloud.failed);
}

/*
 * A refusal ends the operation and is its message; or the operation can do without that call, or has failed already and
 * reports that.
 */
static void cloud_check_refused(const struct cloud_life *life, const struct outcome *out)
{
	if (cloud_is_optional(life) || (life->result < 0 && out->r == life->result))
		return;
	if (out->r == 0 || (out->r != -ECANCELED && !strstr(out->err.message, "not authorized")))
		fail_msg("%s: refused %s: %d %s", life->name, cloud.failed, out->r, out->err.message);
}

/* After an outage everything goes on as without it. */
static void cloud_check_outage(const struct cloud_life *life, const struct outcome *out)
{
	if (!cloud.repeatable || cloud_is_optional(life))
		return;
	if (out->r != life->result || !cloud.warnings)
		fail_msg("%s: outage at %s: %d %s", life->name, cloud.failed, out->r, out->err.message);
	cloud_expect_text(life, out);
	if (strcmp(buf_str(&cloud.writes), life->writes) != 0)
		fail_msg("%s: outage at %s: writes %s", life->name, cloud.failed, buf_str(&cloud.writes));
}

/* What is cancelled says so, unless it can only go on. */
static void cloud_check_cancelled(const struct cloud_life *life, const struct outcome *out)
{
	if (out->r != -ECANCELED && out->r != life->result)
		fail_msg("%s: cancelled at %s: %d %s", life->name, cloud.failed, out->r, out->err.message);
}

/* The outage outlasts the operation, which says so and ends. */
static void cloud_check_given_up(const struct cloud_life *life, const struct outcome *out)
{
	if (cloud_is_optional(life) || (life->result < 0 && out->r == life->result))
		return;
	if (out->r == 0 || (!strstr(out->err.message, "unreachable") && !strstr(out->err.message, "no credentials")))
		fail_msg("%s: nothing since %s: %d %s", life->name, cloud.failed, out->r, out->err.message);
}

/* What cannot be remembered must not be done. */
static void cloud_check_unremembered(const struct cloud_life *life, const struct outcome *out)
{
	if (cloud_is_optional(life) || (life->result < 0 && out->r == life->result))
		return;
	if (out->r != -ENOSPC)
		fail_msg("%s: cannot remember %s: %d %s", life->name, cloud.failed, out->r, out->err.message);
}

static void cloud_run_disturbed(const struct cloud_life *life)
{
	static void (*const checks[])(const struct cloud_life *, const struct outcome *) = {
		[FAULT_REFUSED] = cloud_check_refused,	   [FAULT_OUTAGE] = cloud_check_outage,
		[FAULT_CANCELLED] = cloud_check_cancelled, [FAULT_NO_NETWORK] = cloud_check_given_up,
		[FAULT_NO_KEYS] = cloud_check_given_up,	   [FAULT_NO_JOURNAL] = cloud_check_unremembered,
	};

	for (enum fault fault = FAULT_REFUSED; fault <= FAULT_NO_JOURNAL; fault++) {
		for (unsigned fails = 1;; fails += 1 + fails / 16) { /* fewer of the calls that repeat others */
			struct outcome out;

			cloud_live(life, fault, fails, &out);
			if (!*cloud.failed)
				break;
			checks[fault](life, &out);
		}
	}
}

static void cloud_run_without_memory(const void *arg)
{
	const struct cloud_life *life = arg;
	struct outcome out;

	cloud_live(life, FAULT_NONE, 0, &out);
	if (out.r != life->result && !failing_happened())
		fail_msg("%s: %d without a failed allocation: %s", life->name, out.r, out.err.message);
}

void cloud_run(const struct cloud_life *lives, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		cloud_run_undisturbed(&lives[i]);
		cloud_run_disturbed(&lives[i]);
		failing_sample(cloud_run_without_memory, &lives[i], FAILING_ALLOCATIONS);
	}
	buf_free(&cloud.writes);
}
