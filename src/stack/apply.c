/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * apply.c - creates or updates the stack by a change set, also while others do the same.
 *
 * Every request that changes the stack is recorded on disk before it is sent (write.h), so that a deploy which is
 * resumed after a crash follows the operation that it started instead of starting another.
 */
#include "aws/services/cloudformation.h"
#include "stack/changeset.h"
#include "stack/ownership.h"
#include "stack/remedies.h"
#include "stack/replan.h"
#include "stack/server.h"
#include "stack/template.h"
#include "stack/view.h"
#include "stack/write.h"

#include <string.h>

#define CHANGE_SET_LIMIT_MS  (10 * 60 * INT64_C(1000))
#define EVIDENCE_LIMIT_MS    30000 /* how long AWS may take to show an accepted request in all its replies */
#define CHANGE_SET_NAME_SIZE 128

/* Keys of the operation's memory. */
#define MEMORY_TRY    "try"    /* number of the attempt to create the stack: part of the change set's name */
#define MEMORY_STACK  "stack"  /* ID of the stack whose change set is executed */
#define MEMORY_KIND   "kind"   /* "create" or "update" */
#define MEMORY_RESULT "result" /* the operation's result so far */

struct change_set {
	char name[CHANGE_SET_NAME_SIZE];
	cJSON *record; /* DescribeChangeSet's reply */
};

static cJSON *apply_parameters(struct operation *op)
{
	struct template_facts facts = {.internet_gateway_id = op->internet_gateway,
				       .availability_zone = op->zone,
				       .image_uri = op->image,
				       .base_image = op->base_image,
				       .file_system_id = op->file_system};

	if (op->image && !op->file_system)
		facts.file_system_id =
			""; /* the earlier steps have found no file system; NULL would mean that it is not known yet */
	return template_parameters(op->settings, &facts);
}

/* -- the change set -------------------------------------------------------------------------------------------- */

static void apply_name_change_set(const struct operation *op, char out[static CHANGE_SET_NAME_SIZE])
{
	snprintf(out, CHANGE_SET_NAME_SIZE, CHANGE_SET_PREFIX "%s-%u", op->token, op->tries);
}

static int apply_read_change_set(struct operation *op, struct change_set *set, struct error *err)
{
	cJSON_Delete(move_ptr(set->record));
	return operation_call(op, cloudformation_describe_change_set(aws_text(op->stack, "StackId"), set->name),
			      &set->record, err);
}

static int apply_check_change_set(struct operation *op, void *arg, struct error *err)
{
	struct change_set *set = arg;
	const char *status;
	int r = apply_read_change_set(op, set, err);

	if (r < 0)
		return r;
	status = aws_text(set->record, "Status");
	return strcmp(status, "CREATE_COMPLETE") == 0 || strcmp(status, "FAILED") == 0 ? OPERATION_DONE : 0;
}

static void apply_log_reasons(struct operation *op, const struct change_set *set)
{
	struct error ignored = {0};
	cJSON *events = NULL;
	const cJSON *event;

	operation_try(op, cloudformation_describe_events(aws_text(set->record, "ChangeSetId")), &events, &ignored);
	cJSON_ArrayForEach (event, aws_at(events, "OperationEvents")) {
		const char *why = aws_text(event, "ValidationStatusReason");

		if (*why)
			job_log(op->job, "%s: %s", aws_text(event, "LogicalResourceId"), why);
	}
	cJSON_Delete(events);
}

static int apply_explain_change_set(struct operation *op, const struct change_set *set, struct error *err)
{
	error_set(err, -EIO, "CloudFormation refused the change set: %s", aws_text(set->record, "StatusReason"));
	apply_log_reasons(op, set);
	remedy_apply(err);
	return err->errnum;
}

static void apply_log_changes(struct operation *op, const struct change_set *set)
{
	const cJSON *change;

	cJSON_ArrayForEach (change, aws_at(set->record, "Changes"))
		job_log(op->job, "%s %s (%s)%s%s", aws_text(change, "ResourceChange.Action"),
			aws_text(change, "ResourceChange.LogicalResourceId"),
			aws_text(change, "ResourceChange.ResourceType"),
			*aws_text(change, "ResourceChange.Replacement") ? " replacement: " : "",
			aws_text(change, "ResourceChange.Replacement"));
}

/* Replacing its network or its storage would cut off a running server. */
static int apply_refuse_under_tasks(struct operation *op, const struct change_set *set, struct error *err)
{
	bool used = false;
	int r;

	if (op->created)
		return 0;
	snprintf(op->cluster, sizeof(op->cluster), "%s", operation_output(op, "ClusterName"));
	r = *op->cluster ? server_is_used(op, &used, err) : 0;
	if (r < 0 && error_has_code(err, "ClusterNotFoundException"))
		return operation_explain_deleted(op, "the ECS cluster", op->cluster, err);
	return r < 0 ? r : changeset_check_tasks(set->record, used, err);
}

/* 0: it can be executed; OPERATION_DONE: nothing to change. */
static int apply_prepare_change_set(struct operation *op, struct change_set *set, struct error *err)
{
	int r = stack_write_change_set(op, set->name, apply_parameters(op), err);

	if (r == 0)
		r = operation_wait(op, CHANGE_SET_LIMIT_MS, "the change set", apply_check_change_set, set, err);
	if (r < 0)
		return r;
	if (strcmp(aws_text(set->record, "Status"), "FAILED") == 0) {
		if (changeset_is_empty("FAILED", aws_text(set->record, "StatusReason")))
			return OPERATION_DONE;
		return apply_explain_change_set(op, set, err);
	}
	apply_log_changes(op, set);
	return apply_refuse_under_tasks(op, set, err);
}

/* -- concurrent changes by others ------------------------------------------------------------------------------ */

/* -EBUSY with a message that names the parameters in which the stack differs from this operation. */
static int apply_compare_with_winner(struct operation *op, struct error *err)
{
	cJSON *mine = apply_parameters(op);
	cJSON *names = mine ? template_differences(mine, aws_at(op->stack, "Parameters")) : NULL;
	_free_ char *differing = names ? cJSON_PrintUnformatted(names) : NULL;
	int n = cJSON_GetArraySize(names);

	cJSON_Delete(mine);
	cJSON_Delete(names);
	if (!differing)
		return -ENOMEM;
	if (n == 0) {
		operation_say(op, "the change was made with the same settings");
		return 0;
	}
	error_set(err, -EBUSY, "somebody else deployed other settings at the same time; they differ in %s", differing);
	error_remedy(err, "agree on the settings, then: touch control/deploy");
	return err->errnum;
}

static int apply_refuse_being_destroyed(const struct operation *op, struct error *err)
{
	error_set(err, -EBUSY, "somebody else is destroying the stack %s", op->name);
	error_remedy(err, "run: cat operations/latest/result, which waits until the change has ended; then: touch "
			  "control/deploy");
	return err->errnum;
}

int stack_join(struct operation *op, struct error *err)
{
	int r = 0;

	while (r == 0 && op->stack && stack_state(operation_status(op))->kind == STACK_BUSY) {
		if (stack_state(operation_status(op))->deploy == DEPLOY_BUSY)
			return apply_refuse_being_destroyed(op, err);
		operation_say(op, "following the change that is running: %s", operation_status(op));
		op->mark[0] = '\0';
		r = stack_follow(op, err);
	}
	if (r < 0 && r != -EIO)
		return r;
	if (r == -EIO)
		return error_prefix(err, "the deploy that was running failed");
	if (!op->stack || stack_state(operation_status(op))->kind != STACK_READY)
		return error_set(err, -EIO, "the deploy that was running left no usable stack: %s is %s", op->name,
				 op->stack ? operation_status(op) : "deleted");
	return apply_compare_with_winner(op, err);
}

static int apply_join_winner(struct operation *op, struct error *err)
{
	int r = operation_read_own_stack(op, err);

	return r < 0 ? r : stack_join(op, err);
}

/* -- executing ------------------------------------------------------------------------------------------------- */

/* The search for the user whose request changed the stack: this operation or somebody else. */
struct evidence {
	struct change_set set;
	cJSON *events;	 /* the stack's events, newest first */
	char status[64]; /* the stack's status in the operation that this one started; "" until an event shows it */
	bool accepted;	 /* AWS has accepted a change set, so its replies must show it sooner or later */
	enum changeset_executor executor;
};

static void apply_release_evidence(struct evidence *e)
{
	cJSON_Delete(move_ptr(e->set.record));
	cJSON_Delete(move_ptr(e->events));
}

static int apply_read_evidence(struct operation *op, struct evidence *e, struct error *err)
{
	const char *status = "";
	int r;

	apply_release_evidence(e);
	r = stack_read_events(op, &e->events, err);
	if (r == 0)
		r = stack_write_status(op, WRITE_EXECUTE_CHANGE_SET, e->events, &status);
	snprintf(e->status, sizeof(e->status), "%s", status);
	if (r == 0 && !*e->status)
		r = apply_read_change_set(op, &e->set, err);
	if (r < 0 && (changeset_is_missing(err) || stack_error_is_missing(err)))
		r = 0;
	if (r == 0)
		e->executor = changeset_find_executor(e->status, e->set.record, e->events, op->mark);
	return r;
}

static int apply_check_evidence(struct operation *op, void *arg, struct error *err)
{
	struct evidence *e = arg;
	int r = operation_read_stack_by_id(op, err);

	if (r == 0)
		r = apply_read_evidence(op, e, err);
	if (r < 0 || e->executor != EXECUTED_UNKNOWN)
		return r < 0 ? r : OPERATION_DONE;
	return e->accepted || stack_state(operation_status(op))->kind == STACK_BUSY ? 0 : OPERATION_DONE;
}

/* Afterwards e->executor may still be unknown. The caller releases e in any case. */
static int apply_wait_for_evidence(struct operation *op, struct evidence *e, struct error *err)
{
	int r;

	apply_name_change_set(op, e->set.name);
	r = operation_wait(op, EVIDENCE_LIMIT_MS, "looking for the process that executed the change set",
			   apply_check_evidence, e, err);
	return r < 0 && r != -ETIMEDOUT ? r : 0;
}

static int apply_remember(struct operation *op, struct error *err)
{
	_free_ char *result = strndup(buf_str(&op->result), OPERATION_MEMORY_MAX);
	int r = operation_remember(op, MEMORY_STACK, aws_text(op->stack, "StackId"), err);

	if (r == 0)
		r = operation_remember(op, MEMORY_KIND, op->created ? "create" : "update", err);
	if (r == 0)
		r = operation_remember(op, MEMORY_RESULT, result ? result : "", err);
	return r;
}

/* A refusal may mean that an earlier sending of this very request was accepted. */
static int apply_execute_change_set(struct operation *op, struct change_set *set, struct error *err)
{
	struct evidence e = {.accepted = true};
	struct error why;
	int r = apply_remember(op, err);

	if (r < 0)
		return r;
	r = stack_write(op, WRITE_EXECUTE_CHANGE_SET, aws_text(set->record, "ChangeSetId"), err);
	if (r == 0 || !changeset_lost_race(err))
		return r;
	why = *err;
	if (apply_wait_for_evidence(op, &e, err) == 0 && e.executor == EXECUTED_BY_US)
		r = 0;
	else
		*err = why;
	apply_release_evidence(&e);
	return r;
}

static int apply_explain_deleted(const struct operation *op, struct error *err)
{
	error_set(err, -EIO, "the stack %s was deleted by somebody else while it was being %s", op->name,
		  op->created ? "created" : "updated");
	error_remedy(err, "run: touch control/deploy; the database is kept");
	return err->errnum;
}

/* If somebody else deletes the stack meanwhile, the operation has not failed, but there is no stack. */
static int apply_check_stack_exists(const struct operation *op, struct error *err)
{
	if (op->stack && stack_state(operation_status(op))->kind == STACK_READY)
		return 0;
	return apply_explain_deleted(op, err);
}

static int apply_follow_stack(struct operation *op, struct error *err)
{
	int r;

	operation_say(op, "%s the stack", op->created ? "creating" : "updating");
	op->refresh(op);
	r = stack_follow(op, err);
	if (r == -ECANCELED && job_cancel_wished(op->job) && op->cancel != op->stop)
		return stack_cancel(op, err);
	if (r == -EIO && op->stack && strcmp(operation_status(op), "DELETE_FAILED") == 0)
		return error_prefix(err, "somebody else began to delete the stack while it was being %s",
				    op->created ? "created" : "updated");
	return r < 0 ? r : apply_check_stack_exists(op, err);
}

/* Whether the list has a change set that neither this deploy nor a plan of this installation has made. */
static bool apply_has_others(const struct operation *op, const cJSON *sets, const char *name)
{
	const cJSON *set;

	cJSON_ArrayForEach (set, aws_at(sets, "Summaries")) {
		const char *found = aws_text(set, "ChangeSetName");

		if (strcmp(found, name) != 0 && !replan_made(op, found))
			return true;
	}
	return false;
}

static int apply_delete_unless_shared(struct operation *op, const char *name)
{
	struct error ignored = {0};
	cJSON *sets = NULL;
	int r = operation_call(op, cloudformation_list_change_sets(aws_text(op->stack, "StackId")), &sets, &ignored);

	if (r == 0 && !apply_has_others(op, sets, name))
		r = stack_write(op, WRITE_DELETE_STACK, NULL, &ignored);
	cJSON_Delete(sets);
	return r;
}

/*
 * A first deploy that failed leaves a stack in REVIEW_IN_PROGRESS. It is deleted unless it contains change sets of
 * others. Fails if the stack may still be in review: without a change set it would count as foreign for ever.
 */
static int apply_delete_review(struct operation *op, const char *name)
{
	struct error ignored = {0};
	int r = operation_read_own_stack(op, &ignored);

	if (r == -EEXIST)
		return 0; /* the stack is somebody else's, who has change sets of their own in it */
	if (r < 0 || stack_state(operation_status(op))->kind != STACK_EMPTY)
		return r;
	return apply_delete_unless_shared(op, name);
}

/* Change sets are deleted after use, whether they were executed or not. This cannot be cancelled. */
static void apply_clean_up(struct operation *op, const struct change_set *set, bool failed)
{
	_free_ char *id = strdup(aws_text(op->stack, "StackId"));
	struct aws_cancel_token *cancel = op->cancel;
	struct error ignored = {0};
	int r = 0;

	op->cancel = op->stop;
	if (failed && op->created)
		r = apply_delete_review(op, set->name);
	if (r == 0 && id && *id)
		operation_call(op, cloudformation_delete_change_set(id, set->name), NULL, &ignored);
	op->cancel = cancel;
}

static int apply_once(struct operation *op, struct error *err)
{
	struct change_set set = {.record = NULL};
	char attempt[16];
	bool lost;
	int r;

	snprintf(attempt, sizeof(attempt), "%u", op->tries);
	r = operation_remember(op, MEMORY_TRY, attempt, err);
	if (r < 0)
		return r;
	apply_name_change_set(op, set.name);
	r = apply_prepare_change_set(op, &set, err);
	if (r == 0)
		r = apply_execute_change_set(op, &set, err);
	lost = r < 0 && changeset_lost_race(err);
	if (r == OPERATION_DONE)
		buf_puts(&op->result, "nothing to change\n");
	else if (r == 0)
		r = apply_follow_stack(op, err);
	apply_clean_up(op, &set, r < 0 && !lost);
	cJSON_Delete(set.record);
	if (lost)
		return apply_join_winner(op, err);
	if (r < 0 && stack_error_is_missing(err))
		return apply_explain_deleted(op, err);
	return r < 0 ? r : 0;
}

/* IAM needs some seconds to make a new role known everywhere: a failure for that reason is worth one retry. */
static bool apply_is_worth_retrying(const struct operation *op, int r, struct error *err)
{
	return r == -EIO && op->created && op->tries == 0 && remedy_apply(err);
}

static int apply_prepare_retry(struct operation *op, struct error *err)
{
	int r;

	operation_say(op, "creating the stack again: %s", err->message);
	op->tries++;
	r = operation_remember(op, MEMORY_STACK, "", err); /* forget the stack ID of the previous attempt */
	if (r == 0)
		r = operation_remember(op, MEMORY_TRY, "1", err);
	if (r == 0)
		r = operation_read_own_stack(op, err);
	if (r == 0 && op->stack)
		r = stack_delete(op, err);
	return r < 0 ? r : operation_read_own_stack(op, err);
}

int stack_apply(struct operation *op, struct error *err)
{
	int r = apply_once(op, err);

	if (!apply_is_worth_retrying(op, r, err))
		return r;
	r = apply_prepare_retry(op, err);
	return r < 0 ? r : apply_once(op, err);
}

/* -- after a crash --------------------------------------------------------------------------------------------- */

/* The change set failed, and the stack has changed since, so there is nothing to follow: reports why it failed. */
static int apply_resume_explain(struct operation *op, const char *status, const cJSON *events, struct error *err)
{
	cJSON *own = stack_write_events(op, WRITE_EXECUTE_CHANGE_SET, events);
	int r = own ? stack_explain_failure(op, status, own, err) : -ENOMEM;

	cJSON_Delete(own);
	return r;
}

static int apply_resume_following(struct operation *op, const char *status, struct error *err)
{
	operation_say(op, "following the operation that was started before vastfs ended: %s", status);
	buf_puts(&op->result, operation_recall(op, MEMORY_RESULT));
	op->mark[0] = '\0';
	return apply_follow_stack(op, err);
}

/* The change set has been applied: the stack has the parameters of this deploy. */
static int apply_resume_succeeded(struct operation *op)
{
	char name[CHANGE_SET_NAME_SIZE];
	struct error ignored = {0};

	apply_name_change_set(op, name);
	operation_call(op, cloudformation_delete_change_set(aws_text(op->stack, "StackId"), name), NULL, &ignored);
	op->executed = true;
	op->image = strdup(operation_parameter(op, "ImageUri"));
	return op->image ? 0 : -ENOMEM;
}

static int apply_resume_executed(struct operation *op, const char *status, const cJSON *events, struct error *err)
{
	int r;

	if (stack_state(status)->kind != STACK_BUSY && stack_state(status)->failed &&
	    strcmp(status, operation_status(op)) != 0)
		return apply_resume_explain(op, status, events, err);
	r = apply_resume_following(op, status, err);
	if (apply_is_worth_retrying(op, r, err))
		return apply_prepare_retry(op, err);
	return r < 0 ? r : apply_resume_succeeded(op);
}

/* Returns 0 if the cancellation came too late. */
static int apply_resume_cancelling(struct operation *op, struct error *err)
{
	int r = stack_cancel(op, err);

	return r < 0 ? r : apply_resume_succeeded(op);
}

/* The stack is read again: its operation may have ended while the events were read. */
static int apply_resume_change_set(struct operation *op, struct error *err)
{
	struct evidence e = {.accepted = false};
	int r = apply_wait_for_evidence(op, &e, err);
	bool ours = r == 0 && e.executor == EXECUTED_BY_US;

	if (ours)
		r = operation_read_stack_by_id(op, err);
	if (ours && r == 0)
		r = apply_resume_executed(op, *e.status ? e.status : operation_status(op), e.events, err);
	apply_release_evidence(&e);
	return r;
}

int stack_resume(struct operation *op, struct error *err)
{
	const char *id = operation_recall(op, MEMORY_STACK);
	int r;

	op->tries = (unsigned)strtoul(operation_recall(op, MEMORY_TRY), NULL, 10);
	op->created = strcmp(operation_recall(op, MEMORY_KIND), "create") == 0;
	if (!*id || !stack_write_was_tried(op, WRITE_EXECUTE_CHANGE_SET))
		return 0;
	r = operation_read_stack_of_id(op, id, err);
	if (r < 0 || !op->stack)
		return r;
	return stack_cancel_was_begun(op) ? apply_resume_cancelling(op, err) : apply_resume_change_set(op, err);
}
