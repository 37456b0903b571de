/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * drift.c - has CloudFormation compare the stack's resources with the template, and reports what differs.
 *
 * AWS detects in the background, one detection at a time for each stack. A detection changes nothing, so a request
 * whose reply is lost, or that a crash interrupted, is sent again.
 */
#include "aws/services/cloudformation.h"
#include "base/clock.h"
#include "stack/drift_text.h"
#include "stack/operation.h"
#include "stack/states.h"
#include "stack/view.h"

#include <string.h>

#define DETECTION_LIMIT_MS (30 * 60 * INT64_C(1000)) /* AWS: "several minutes" for a large stack */
#define BEGIN_LIMIT_MS	   DETECTION_LIMIT_MS	     /* somebody else's detection may be running */
#define DRIFT_TEXT_MAX	   (256 * 1024)		     /* bytes */
#define DRIFT_REASON_MAX   1024
#define MEMORY_DETECTION   "detection" /* key of the operation's memory: ID of the accepted detection */

struct drift {
	char id[64];
	cJSON *status;	  /* DescribeStackDriftDetectionStatus' reply */
	cJSON *drifts;	  /* DescribeStackResourceDrifts' reply */
	cJSON *resources; /* DescribeStackResources' reply */
	cJSON *before;	  /* the stack's record at the start of the detection */
	int64_t begun_ms; /* monotonic */
};

static void drift_release(struct drift *d)
{
	cJSON_Delete(move_ptr(d->status));
	cJSON_Delete(move_ptr(d->drifts));
	cJSON_Delete(move_ptr(d->resources));
	cJSON_Delete(move_ptr(d->before));
}

/* -- detecting ------------------------------------------------------------------------------------------------- */

static int drift_refuse_status(const struct operation *op, struct error *err)
{
	const char *status = operation_status(op);

	if (stack_state(status)->kind == STACK_BUSY) {
		error_set(err, -EBUSY, "somebody else is changing the stack %s: it is %s", op->name, status);
		error_remedy(err, "wait until stack/status has changed, then: touch stack/drift-check");
	} else {
		error_set(err, -EIO, "the stack %s is %s, and AWS detects no drift in this status", op->name, status);
		error_remedy(err, "run: touch control/deploy, which repairs the stack");
	}
	return err->errnum;
}

/* The statuses in which AWS accepts a detection (CloudFormation User Guide). */
static bool drift_is_detectable(const char *status)
{
	return stack_state(status)->kind == STACK_READY || strcmp(status, "UPDATE_ROLLBACK_FAILED") == 0;
}

static int drift_look(struct operation *op, struct error *err)
{
	int r = operation_read_own_stack(op, err);
	enum stack_kind kind = stack_state(operation_status(op))->kind;

	if (r < 0)
		return r;
	if (kind == STACK_NONE || kind == STACK_EMPTY)
		return stack_refuse_absent(op->name, operation_status(op), err);
	return drift_is_detectable(operation_status(op)) ? 0 : drift_refuse_status(op, err);
}

static bool drift_is_running_already(const struct error *err)
{
	return strstr(err->message, "already in progress");
}

/* Another operation may have started since the stack was read. */
static int drift_explain_refusal(struct operation *op, struct error *err)
{
	struct error why = *err;
	int r = operation_read_stack_by_id(op, err);

	if (r == 0 && !drift_is_detectable(operation_status(op)))
		return op->stack ? drift_refuse_status(op, err) : stack_refuse_absent(op->name, NULL, err);
	*err = r < 0 ? *err : why;
	return err->errnum;
}

static int drift_try_to_begin(struct operation *op, void *arg, struct error *err)
{
	struct drift *d = arg;
	cJSON *reply = NULL;
	int r = operation_call(op, cloudformation_detect_stack_drift(aws_text(op->stack, "StackId")), &reply, err);

	snprintf(d->id, sizeof(d->id), "%s", aws_text(reply, "StackDriftDetectionId"));
	cJSON_Delete(reply);
	if (r < 0 && drift_is_running_already(err)) {
		job_progress(op->job, op->step, op->steps, "waiting for the end of a drift detection that is running");
		return 0;
	}
	if (r < 0 && error_has_code(err, "ValidationError"))
		return drift_explain_refusal(op, err);
	if (r < 0)
		return r;
	r = operation_remember(op, MEMORY_DETECTION, d->id, err);
	return r < 0 ? r : OPERATION_DONE;
}

static int drift_check_detection(struct operation *op, void *arg, struct error *err)
{
	struct drift *d = arg;
	char lasts[CLOCK_TEXT_SIZE];
	int r;

	cJSON_Delete(move_ptr(d->status));
	r = operation_call(op, cloudformation_describe_stack_drift_detection_status(d->id), &d->status, err);
	if (r < 0)
		return r;
	if (strcmp(aws_text(d->status, "DetectionStatus"), "DETECTION_IN_PROGRESS") != 0)
		return OPERATION_DONE;
	job_progress(op->job, op->step, op->steps, "CloudFormation compares the resources, since %s",
		     clock_duration(clock_monotonic_ms() - d->begun_ms, lasts));
	return 0;
}

static int drift_wait(struct operation *op, struct drift *d, struct error *err)
{
	int r = operation_wait(op, DETECTION_LIMIT_MS, "the drift detection", drift_check_detection, d, err);

	if (r == -ETIMEDOUT)
		error_remedy(err, "run: touch stack/drift-check again; AWS may still finish this detection, and then "
				  "the new one begins");
	return r < 0 ? r : 0;
}

/*
 * After a crash the detection that was started before is followed. If AWS no longer knows it, another one is started.
 */
static int drift_resume(struct operation *op, struct drift *d, struct error *err)
{
	int r;

	snprintf(d->id, sizeof(d->id), "%s", operation_recall(op, MEMORY_DETECTION));
	if (!*d->id)
		return -ENOENT;
	r = drift_wait(op, d, err);
	return r < 0 && error_has_code(err, "ValidationError") ? -ENOENT : r;
}

static int drift_run_detection(struct operation *op, struct drift *d, struct error *err)
{
	int r = drift_resume(op, d, err);

	if (r != -ENOENT)
		return r;
	r = operation_wait(op, BEGIN_LIMIT_MS, "another drift detection of this stack", drift_try_to_begin, d, err);
	return r < 0 ? r : drift_wait(op, d, err);
}

/* -- reporting ------------------------------------------------------------------------------------------------- */

static int drift_read_results(struct operation *op, struct drift *d, struct error *err)
{
	const char *id = aws_text(op->stack, "StackId");
	int r = operation_call(op, cloudformation_describe_stack_resource_drifts(id), &d->drifts, err);

	if (r < 0)
		return r;
	r = operation_read_resources(op, &d->resources, err);
	return r < 0 ? r : operation_read_stack_by_id(op, err);
}

/* Whether somebody has changed the stack since the detection began. */
static bool drift_is_outdated(const struct operation *op, const struct drift *d)
{
	return !op->stack || stack_state(operation_status(op))->kind == STACK_BUSY ||
	       strcmp(aws_text(op->stack, "LastUpdatedTime"), aws_text(d->before, "LastUpdatedTime")) != 0;
}

static void drift_put_outcome(const struct operation *op, const struct drift *d, struct buf *text)
{
	if (drift_is_outdated(op, d))
		buf_puts(text, "the stack was changed while it was checked, so this may be wrong: touch "
			       "stack/drift-check\n");
	if (strcmp(aws_text(d->status, "DetectionStatus"), "DETECTION_COMPLETE") == 0)
		return;
	buf_puts(text, "incomplete: ");
	drift_put_reason(text, aws_text(d->status, "DetectionStatusReason"));
	buf_putc(text, '\n');
}

static int drift_fail_incomplete(const struct drift *d, struct error *err)
{
	_buf_ struct buf reason = BUF_INIT(DRIFT_REASON_MAX);

	drift_put_reason(&reason, aws_text(d->status, "DetectionStatusReason"));
	error_set(err, -EIO, "CloudFormation could not check every resource: %s", buf_str(&reason));
	error_remedy(err, "read stack/drift, which has the results of the others, then: touch stack/drift-check; the "
			  "credentials need the right to read each resource");
	return err->errnum;
}

static int drift_report(struct operation *op, const struct drift *d, struct error *err)
{
	_buf_ struct buf text = BUF_INIT(DRIFT_TEXT_MAX);
	struct stack_report *report;
	struct drift_counts n;
	int r;

	drift_put_outcome(op, d, &text);
	r = drift_put_resources(&text, d->drifts, d->resources, &n);
	if (r < 0)
		return r == -EFBIG ? error_set(err, r, "the report is longer than %d bytes", DRIFT_TEXT_MAX) : r;
	report = stack_report_new(&text, NULL, d->before);
	if (!report)
		return -ENOMEM;
	op->publish(op, REPORT_DRIFT, report);
	if (strcmp(aws_text(d->status, "DetectionStatus"), "DETECTION_COMPLETE") != 0)
		return drift_fail_incomplete(d, err);
	buf_printf(&op->result, "%u resource%s modified, %u deleted, %u in sync, %u not checked; see stack/drift\n",
		   n.modified, n.modified == 1 ? "" : "s", n.deleted, n.in_sync, n.unchecked + n.unknown);
	return 0;
}

static int drift_detect(struct operation *op, struct error *err)
{
	struct drift d = {.begun_ms = clock_monotonic_ms(), .before = cJSON_Duplicate(op->stack, true)};
	int r = d.before ? drift_run_detection(op, &d, err) : -ENOMEM;

	if (r == 0)
		r = drift_read_results(op, &d, err);
	if (r == 0)
		r = drift_report(op, &d, err);
	if (r < 0 && stack_error_is_missing(err))
		r = error_set(err, -EIO, "the stack %s was deleted by somebody else while it was checked", op->name);
	drift_release(&d);
	return r;
}

static const struct operation_step steps[] = {
	{"reading the stack", drift_look},
	{"detecting drift", drift_detect},
};

int operation_drift_check(struct operation *op, struct error *err)
{
	return operation_run_steps(op, steps, ARRAY_SIZE(steps), err);
}
