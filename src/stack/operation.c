/* SPDX-License-Identifier: BSD-3-Clause */
#include "stack/operation.h"

#include "aws/services/cloudformation.h"
#include "aws/services/sts.h"
#include "base/clock.h"
#include "stack/changeset.h"
#include "stack/ownership.h"
#include "stack/view.h"

#include <string.h>

#define WAIT_FIRST_MS 100
#define WAIT_MOST_MS  3000

void operation_release(struct operation *op)
{
	cJSON_Delete(op->stack);
	cJSON_Delete(op->facts);
	cJSON_Delete(op->memory);
	free(op->account);
	free(op->file_system);
	free(op->repository_uri);
	free(op->image);
	free(op->base_image);
	free(op->zone);
	free(op->internet_gateway);
	buf_free(&op->result);
}

int operation_run_steps(struct operation *op, const struct operation_step *steps, size_t n, struct error *err)
{
	for (size_t i = 0; i < n; i++) {
		int r;

		op->step = (unsigned)i;
		op->steps = (unsigned)n;
		operation_say(op, "%s", steps[i].what);
		r = steps[i].run(op, err);
		if (r < 0)
			return r;
		if (r == OPERATION_DONE)
			break;
	}
	return 0;
}

/* -- outages ------------------------------------------------------------------------------------------------------ */

/* The remedy is written before the reason, because the end of the line may be cut. */
static void operation_show_no_credentials(struct operation *op, const struct error *why)
{
	char lasts[CLOCK_TEXT_SIZE], limit[CLOCK_TEXT_SIZE];

	clock_duration(clock_monotonic_ms() - op->outage.since_ms, lasts);
	clock_duration(OUTAGE_LIMIT_MS, limit);
	job_progress(op->job, op->step, op->steps, "waiting for credentials (%s of %s): %s%s%s", lasts, limit,
		     why->remedy, *why->remedy ? ": " : "", why->message);
}

static void operation_show_outage(struct operation *op, const struct error *why)
{
	int64_t lasts_ms = clock_monotonic_ms() - op->outage.since_ms;
	char since[CLOCK_TEXT_SIZE], lasts[CLOCK_TEXT_SIZE];

	if (why->errnum == -ENOKEY) {
		operation_show_no_credentials(op, why);
		return;
	}
	job_progress(op->job, op->step, op->steps, "no usable reply since %s (%s): %s",
		     clock_format(clock_wall_ms() - lasts_ms, since), clock_duration(lasts_ms, lasts), why->message);
}

/* One line for each outage, however many calls fail during it. */
static void operation_warn_of_outage(struct operation *op, const struct error *why)
{
	struct error warning = *why;
	char limit[CLOCK_TEXT_SIZE];

	clock_duration(op->outage.begun ? OUTAGE_LIMIT_MS : OUTAGE_FIRST_LIMIT_MS, limit);
	if (why->errnum == -ENOKEY)
		error_prefix(&warning, "no usable credentials, waiting for new ones for up to %s", limit);
	else
		error_prefix(&warning, "no usable reply, retrying for up to %s", limit);
	job_log(op->job, "%s", warning.message);
	op->warn(op, &warning);
}

static void operation_end_outage(struct operation *op)
{
	int64_t lasted_ms = outage_answered(&op->outage, clock_monotonic_ms());
	char lasted[CLOCK_TEXT_SIZE];

	if (lasted_ms)
		operation_say(op, "usable replies again after %s", clock_duration(lasted_ms, lasted));
}

static void operation_give_up(struct operation *op, struct error *err)
{
	bool credentials = err->errnum == -ENOKEY;
	char lasts[CLOCK_TEXT_SIZE];

	if (err->duration == ERROR_OUTLASTED)
		return; /* an inner call was cancelled and has set the message */
	err->duration = ERROR_OUTLASTED;
	if (!op->outage.begun)
		return; /* nothing was started, so the message is complete */
	clock_duration(clock_monotonic_ms() - op->outage.since_ms, lasts);
	error_prefix(err, "no usable %s for %s", credentials ? "credentials" : "reply", lasts);
	error_remedy(err, "%s, then %s%s%s%s/%s: AWS continues the operation meanwhile, and %s",
		     credentials ? "get new credentials (touch control/login signs in to IAM Identity Center)"
				 : "wait until the network is back",
		     *op->argument ? "echo " : "touch ", op->argument, *op->argument ? " > " : "", op->directory,
		     op->job->name,
		     strcmp(op->job->name, "run-task") == 0 ? "a server that has started by then stays the only one"
							    : "vastfs then follows it to its end");
}

bool operation_outlasts(struct operation *op, int *r, struct error *err)
{
	enum outage_advice advice;

	if (*r == -ECANCELED)
		return false;
	advice = outage_failed(&op->outage, *r < 0 ? err->duration : ERROR_PERMANENT, clock_monotonic_ms());
	if (advice == OUTAGE_NONE)
		operation_end_outage(op);
	if (advice == OUTAGE_TOO_LONG)
		operation_give_up(op, err);
	if (advice == OUTAGE_BEGINS)
		operation_warn_of_outage(op, err);
	if (advice != OUTAGE_BEGINS && advice != OUTAGE_GOES_ON)
		return false;
	operation_show_outage(op, err);
	if (operation_sleep(op, op->outage.pause_ms) == 0)
		return true;
	*r = error_set(err, -ECANCELED, "cancelled");
	return false;
}

int operation_try(struct operation *op, struct aws_request *request, cJSON **ret, struct error *err)
{
	return aws_call(op->aws, request, op->cancel, ret, err);
}

int operation_call(struct operation *op, struct aws_request *request, cJSON **ret, struct error *err)
{
	bool repeatable = request && request->retry == AWS_RETRY_STANDARD;
	struct error why = {0};
	int r;

	do {
		r = operation_try(op, aws_request_copy(request), ret, &why);
	} while (repeatable && operation_outlasts(op, &r, &why));
	aws_request_free(request);
	if (r < 0 && err)
		*err = why;
	return r;
}

int operation_try_or_skip(struct operation *op, struct aws_request *request, const char *what, cJSON **ret)
{
	struct error err = {0};
	int r = operation_try(op, request, ret, &err);

	if (r == 0 || r == -ECANCELED)
		return r;
	job_log(op->job, "%s could not be checked: %s", what, err.message);
	return 0;
}

int operation_sleep(struct operation *op, int64_t ms)
{
	return aws_sleep(op->cancel, ms);
}

void operation_commit(struct operation *op)
{
	op->cancel = op->stop;
}

void operation_say(struct operation *op, const char *format, ...)
{
	char text[512];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	job_log(op->job, "%s", text);
	job_progress(op->job, op->step, op->steps, "%s", text);
}

static int operation_set_memory(struct operation *op, const char *key, const char *value)
{
	cJSON *text = cJSON_CreateString(value);

	if (!op->memory)
		op->memory = cJSON_CreateObject();
	if (!text || !op->memory) {
		cJSON_Delete(text);
		return -ENOMEM;
	}
	cJSON_DeleteItemFromObjectCaseSensitive(op->memory, key);
	if (cJSON_AddItemToObject(op->memory, key, text))
		return 0;
	cJSON_Delete(text);
	return -ENOMEM;
}

int operation_remember(struct operation *op, const char *key, const char *value, struct error *err)
{
	int r;

	if (strlen(value) > OPERATION_MEMORY_MAX)
		return error_set(err, -EINVAL,
				 "cannot record %s in the journal: its value has %zu bytes; the maximum is %d", key,
				 strlen(value), OPERATION_MEMORY_MAX);
	r = op->remember(op, key, value, err);
	if (r == 0)
		r = operation_set_memory(op, key, value);
	return r;
}

const char *operation_recall(const struct operation *op, const char *key)
{
	const char *value = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(op->memory, key));

	return value ? value : "";
}

int operation_identify(struct operation *op, struct error *err)
{
	cJSON *reply = NULL;
	int r = op->account ? 0 : operation_call(op, sts_get_caller_identity(), &reply, err);

	if (r < 0 || op->account)
		return r;
	op->account = strdup(aws_text(reply, "Account"));
	if (op->account)
		operation_say(op, "account %s, region %s, as %s", op->account, aws_region(op->aws),
			      aws_text(reply, "Arn"));
	cJSON_Delete(reply);
	return op->account ? 0 : -ENOMEM;
}

static int operation_read_stack_record(struct operation *op, const char *name_or_id, struct error *err)
{
	cJSON *reply = NULL;
	int r = operation_call(op, cloudformation_describe_stacks(name_or_id), &reply, err);

	/* What was read before stays: a cancellation that interrupts this call reads the stack by its ID next. */
	if (r < 0 && !stack_error_is_missing(err))
		return r;
	cJSON_Delete(op->stack);
	op->stack = NULL;
	if (r < 0)
		return 0;
	op->stack = cJSON_DetachItemFromArray(cJSON_GetObjectItem(reply, "Stacks"), 0);
	cJSON_Delete(reply);
	return 0;
}

int operation_explain_deleted(const struct operation *op, const char *what, const char *name, struct error *err)
{
	struct error why = *err;

	error_set(err, -EIO, "%s %s of the stack %s was deleted outside of vastfs", what, name, op->name);
	error_remedy(err, "run: touch control/destroy, then touch control/deploy; the database is kept");
	memcpy(err->code, why.code, sizeof(err->code));
	memcpy(err->request_id, why.request_id, sizeof(err->request_id));
	return err->errnum;
}

int operation_read_stack_of_id(struct operation *op, const char *id, struct error *err)
{
	return operation_read_stack_record(op, id, err);
}

int operation_read_stack(struct operation *op, struct error *err)
{
	return operation_read_stack_record(op, op->name, err);
}

/* A stack in review has no tags yet; its change sets show who created it. */
static int operation_check_review(struct operation *op, struct error *err)
{
	cJSON *sets = NULL;
	int r = operation_call(op, cloudformation_list_change_sets(aws_text(op->stack, "StackId")), &sets, err);
	bool ours = stack_review_is_ours(sets);

	cJSON_Delete(sets);
	if (r < 0 || ours)
		return r;
	return stack_refuse_foreign(op->name, settings_get(op->settings, SETTING_STAGE), err);
}

int operation_read_own_stack(struct operation *op, struct error *err)
{
	int r = operation_read_stack(op, err);

	if (r < 0 || !op->stack)
		return r;
	if (stack_state(operation_status(op))->kind == STACK_EMPTY)
		return operation_check_review(op, err);
	return stack_check_ours(op->stack, op->name, settings_get(op->settings, SETTING_STAGE), err);
}

int operation_read_resources(struct operation *op, cJSON **ret, struct error *err)
{
	return operation_call(op, cloudformation_describe_stack_resources(aws_text(op->stack, "StackId")), ret, err);
}

int operation_read_stack_by_id(struct operation *op, struct error *err)
{
	_free_ char *id = strdup(aws_text(op->stack, "StackId"));

	if (!id)
		return -ENOMEM;
	/* A stack that was gone stays gone; by its name, another one could be found. */
	return *id ? operation_read_stack_record(op, id, err) : 0;
}

const char *operation_status(const struct operation *op)
{
	return aws_text(op->stack, "StackStatus");
}

static const char *operation_pair_value(const cJSON *array, const char *key_name, const char *value_name,
					const char *key)
{
	const cJSON *item;

	cJSON_ArrayForEach (item, array)
		if (strcmp(aws_text(item, key_name), key) == 0)
			return aws_text(item, value_name);
	return "";
}

const char *operation_output(const struct operation *op, const char *key)
{
	return operation_pair_value(aws_at(op->stack, "Outputs"), "OutputKey", "OutputValue", key);
}

const char *operation_parameter(const struct operation *op, const char *key)
{
	return operation_pair_value(aws_at(op->stack, "Parameters"), "ParameterKey", "ParameterValue", key);
}

int operation_wait(struct operation *op, int64_t limit_ms, const char *what,
		   int (*check)(struct operation *op, void *arg, struct error *err), void *arg, struct error *err)
{
	int64_t began_ms = clock_monotonic_ms() - op->outage.outlasted_ms, pause = WAIT_FIRST_MS;
	char limit[CLOCK_TEXT_SIZE];

	for (;;) {
		int r = check(op, arg, err);

		if (r != 0)
			return r;
		if (clock_monotonic_ms() - op->outage.outlasted_ms - began_ms >= limit_ms)
			return error_set(err, -ETIMEDOUT, "%s did not finish within %s", what,
					 clock_duration(limit_ms, limit));
		r = operation_sleep(op, pause);
		if (r < 0)
			return r;
		pause = pause * 3 / 2 < WAIT_MOST_MS ? pause * 3 / 2 : WAIT_MOST_MS;
	}
}
