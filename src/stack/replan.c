/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * replan.c - asks CloudFormation what a deploy would change: makes a change set, reads it, and deletes it.
 *
 * Nothing is executed, built or pushed: an image or a file system that the deploy would make is represented by a
 * placeholder. A change set for a stack that does not exist makes a stack in REVIEW_IN_PROGRESS, which is deleted
 * again if no other change set is in it. An operation that is resumed after a crash starts over, after it has deleted
 * the change set that it had made before.
 */
#include "stack/replan.h"

#include "aws/services/cloudformation.h"
#include "stack/changeset.h"
#include "stack/ownership.h"
#include "stack/plan_changes.h"
#include "stack/plan_text.h"
#include "stack/remedies.h"
#include "stack/report.h"
#include "stack/template.h"
#include "stack/view.h"
#include "stack/write.h"

#include <string.h>

#define CHANGE_SET_LIMIT_MS (10 * 60 * INT64_C(1000))
#define DELETE_LIMIT_MS	    (5 * 60 * INT64_C(1000))
#define PLAN_NAME_SIZE	    96
#define PLAN_TEXT_MAX	    (256 * 1024) /* bytes */
#define TRIES		    3		 /* a colleague's plan may delete the empty stack that this one has found */

/* Placeholders for the image and the file system that a deploy would make; AWS checks neither while it computes a
 * change set. */
#define IMAGE_TO_COME	    "assembled-by-deploy"
#define FILE_SYSTEM_TO_COME "fs-00000000"

struct plan_set {
	char name[PLAN_NAME_SIZE];
	cJSON *record; /* DescribeChangeSet's reply */
	cJSON *before; /* the stack before the change set; NULL: there was none */
};

static void replan_release(struct plan_set *set)
{
	cJSON_Delete(move_ptr(set->record));
	cJSON_Delete(move_ptr(set->before));
}

/* -- names ----------------------------------------------------------------------------------------------------- */

static void replan_put_prefix(const struct operation *op, char out[static PLAN_NAME_SIZE])
{
	snprintf(out, PLAN_NAME_SIZE, CHANGE_SET_PREFIX "plan-%s-", op->installation);
}

static void replan_put_name(const struct operation *op, unsigned attempt, char out[static PLAN_NAME_SIZE])
{
	char prefix[PLAN_NAME_SIZE];

	replan_put_prefix(op, prefix);
	snprintf(out, PLAN_NAME_SIZE, "%.60s%.16s-%u", prefix, op->token, attempt);
}

static int replan_delete_change_set(struct operation *op, const char *name, struct error *err)
{
	int r = operation_call(op, cloudformation_delete_change_set(aws_text(op->stack, "StackId"), name), NULL, err);

	return r < 0 && (changeset_is_missing(err) || stack_error_is_missing(err)) ? 0 : r;
}

bool replan_made(const struct operation *op, const char *change_set)
{
	char prefix[PLAN_NAME_SIZE];

	replan_put_prefix(op, prefix);
	return strncmp(change_set, prefix, strlen(prefix)) == 0;
}

int replan_remove_leftovers(struct operation *op, struct error *err)
{
	cJSON *sets = NULL;
	const cJSON *set;
	int r;

	if (!op->stack || stack_state(operation_status(op))->kind == STACK_EMPTY)
		return 0;
	r = operation_call(op, cloudformation_list_change_sets(aws_text(op->stack, "StackId")), &sets, err);
	cJSON_ArrayForEach (set, aws_at(sets, "Summaries")) {
		const char *name = aws_text(set, "ChangeSetName");

		if (r < 0 || !replan_made(op, name))
			continue;
		job_log(op->job, "deleting the change set of an interrupted plan: %s", name);
		r = replan_delete_change_set(op, name, err);
	}
	cJSON_Delete(sets);
	return r;
}

/* -- the image and the file system ---------------------------------------------------------------------------- */

static int replan_refuse_busy(const struct operation *op, struct error *err)
{
	error_set(err, -EBUSY, "somebody else is changing the stack %s: it is %s", op->name, operation_status(op));
	error_remedy(err, "wait until stack/status has changed, then: touch stack/replan");
	return err->errnum;
}

/* Publishes a plan that needs no change set, because AWS makes none for a stack in this status. */
static int replan_finish_without(struct operation *op)
{
	buf_printf(&op->result,
		   "the stack %s is %s, and AWS makes no change set in this status; stack/plan says what deploy would "
		   "do\n",
		   op->name, operation_status(op));
	return OPERATION_DONE;
}

static int replan_look(struct operation *op, struct error *err)
{
	int r = operation_read_own_stack(op, err);

	if (r == 0)
		r = template_check_version(aws_at(op->stack, "Outputs"), err);
	if (r == 0)
		r = replan_remove_leftovers(op, err);
	if (r < 0)
		return r;
	switch (stack_state(operation_status(op))->kind) {
	case STACK_BUSY:
		return replan_refuse_busy(op, err);
	case STACK_DELETE_FIRST:
	case STACK_STUCK:
		return replan_finish_without(op);
	case STACK_NONE:
	case STACK_EMPTY:
	case STACK_READY:
		break;
	}
	op->created = stack_state(operation_status(op))->deploy == DEPLOY_CREATE;
	return 0;
}

static int replan_set_text(char **member, const char *text)
{
	free(*member);
	*member = strdup(text);
	return *member ? 0 : -ENOMEM;
}

static int replan_find_storage(struct operation *op, struct error *err)
{
	cJSON *found = NULL;
	const char *id;
	int r;

	if (!op->settings->efs)
		return replan_set_text(&op->file_system, "");
	r = storage_find(op, &found, err);
	id = aws_text(found, "FileSystemId");
	if (r == 0)
		r = replan_set_text(&op->file_system, *id ? id : FILE_SYSTEM_TO_COME);
	cJSON_Delete(found);
	return r;
}

static int replan_find_image(struct operation *op, struct error *err)
{
	int r = repository_find(op, err);

	if (r == 0)
		r = image_find(op, err);
	if (r < 0 || op->image)
		return r;
	job_log(op->job, "the image does not exist yet: deploy would assemble it");
	return replan_set_text(&op->image, IMAGE_TO_COME);
}

/* -- the change set -------------------------------------------------------------------------------------------- */

static cJSON *replan_parameters(struct operation *op)
{
	struct template_facts facts = {.internet_gateway_id = op->internet_gateway,
				       .availability_zone = op->zone,
				       .image_uri = op->image,
				       .file_system_id = op->file_system};

	return template_parameters(op->settings, &facts);
}

static int replan_create(struct operation *op, const struct plan_set *set, struct error *err)
{
	int r = stack_write_change_set(op, set->name, replan_parameters(op), err);

	if (r == 0 && !op->stack)
		return error_set(err, -ENOENT, "somebody else deleted the empty stack %s", op->name);
	return r;
}

static int replan_check(struct operation *op, void *arg, struct error *err)
{
	struct plan_set *set = arg;
	const char *status;
	int r;

	cJSON_Delete(move_ptr(set->record));
	r = operation_call(op, cloudformation_describe_change_set_values(aws_text(op->stack, "StackId"), set->name),
			   &set->record, err);
	if (r < 0)
		return r;
	status = aws_text(set->record, "Status");
	return strcmp(status, "CREATE_COMPLETE") == 0 || strcmp(status, "FAILED") == 0 ? OPERATION_DONE : 0;
}

/* The number of change sets of op->stack that were not made for a plan of this installation. */
static int replan_count_others(struct operation *op, unsigned *ret, struct error *err)
{
	cJSON *sets = NULL;
	const cJSON *other;
	int r = operation_call(op, cloudformation_list_change_sets(aws_text(op->stack, "StackId")), &sets, err);

	*ret = 0;
	cJSON_ArrayForEach (other, aws_at(sets, "Summaries"))
		*ret += !replan_made(op, aws_text(other, "ChangeSetName"));
	cJSON_Delete(sets);
	return r;
}

static int replan_check_gone(struct operation *op, void *arg _unused_, struct error *err)
{
	int r = operation_read_stack_by_id(op, err);

	if (r < 0)
		return r;
	if (!op->stack || stack_state(operation_status(op))->kind == STACK_NONE)
		return OPERATION_DONE;
	if (stack_state(operation_status(op))->kind == STACK_BUSY)
		return 0;
	return error_set(err, -EIO, "the empty stack %s was not deleted: it is %s", op->name, operation_status(op));
}

/* Another plan may be deleting the stack, and somebody else may have created it in the meantime. */
static int replan_delete_review(struct operation *op, struct error *err)
{
	int r = 0;

	if (stack_state(operation_status(op))->kind == STACK_EMPTY)
		r = stack_write(op, WRITE_DELETE_STACK, NULL, err);
	else if (strcmp(operation_status(op), "DELETE_IN_PROGRESS") != 0)
		return 0;
	return r < 0 ? r
		     : operation_wait(op, DELETE_LIMIT_MS, "deleting the empty stack", replan_check_gone, NULL, err);
}

/*
 * Deletes the change set, and the stack if it contains nothing else. If two plans end at the same time, each may see
 * the change set of the other. So the change sets are listed again after the plan has deleted its own: the last plan
 * deletes the stack, which would count as foreign without a change set.
 */
static int replan_delete_from_review(struct operation *op, const struct plan_set *set, struct error *err)
{
	unsigned others;
	int r = replan_count_others(op, &others, err);

	if (r == 0 && others) {
		r = replan_delete_change_set(op, set->name, err);
		if (r == 0)
			r = replan_count_others(op, &others, err);
	}
	if (r < 0 || others)
		return r;
	r = operation_read_stack_by_id(op, err);
	return r < 0 || !op->stack ? r : replan_delete_review(op, err);
}

static int replan_delete(struct operation *op, const struct plan_set *set, struct error *err)
{
	int r = operation_read_stack_by_id(op, err);

	if (r < 0 || !op->stack)
		return r;
	if (stack_state(operation_status(op))->kind == STACK_EMPTY)
		r = replan_delete_from_review(op, set, err);
	else
		r = replan_delete_change_set(op, set->name, err);
	return r < 0 && !stack_error_is_missing(err) ? r : 0;
}

/* This cannot be cancelled. */
static int replan_clean_up(struct operation *op, const struct plan_set *set, struct error *err)
{
	struct aws_cancel_token *cancel = op->cancel;
	int r;

	if (!op->stack)
		return 0;
	op->cancel = op->stop;
	operation_say(op, "deleting the change set");
	r = replan_delete(op, set, err);
	op->cancel = cancel;
	if (r < 0 && r != -ECANCELED)
		error_prefix(err, "cannot delete the change set %s", set->name);
	return r;
}

/* -- the report ------------------------------------------------------------------------------------------------ */

static int replan_refused(const struct plan_set *set, struct error *err)
{
	error_set(err, -EIO, "CloudFormation refused the change set: %s", aws_text(set->record, "StatusReason"));
	remedy_apply(err);
	return err->errnum;
}

static int replan_put_update(struct operation *op, const struct plan_set *set, struct buf *text)
{
	cJSON *wanted = replan_parameters(op);
	const cJSON *deployed = aws_at(set->before, "Parameters");
	cJSON *names = wanted ? template_differences(wanted, deployed) : NULL;
	int r = names ? 0 : -ENOMEM;

	if (r == 0 && cJSON_GetArraySize(names) > 0) {
		buf_puts(text, "settings that differ from what is deployed\n");
		r = plan_put_settings(text, names, wanted, deployed);
	}
	if (r == 0)
		r = plan_put_changes(text, set->record);
	cJSON_Delete(names);
	cJSON_Delete(wanted);
	return r;
}

static int replan_publish(struct operation *op, const struct plan_set *set, bool empty, struct error *err)
{
	_buf_ struct buf text = BUF_INIT(PLAN_TEXT_MAX);
	struct stack_report *report;
	int r;

	if (empty)
		r = buf_puts(&text, "up to date\n");
	else if (op->created)
		r = plan_put_changes(&text, set->record);
	else
		r = replan_put_update(op, set, &text);
	if (r < 0)
		return r == -EFBIG ? error_set(err, r, "the plan is longer than %d bytes", PLAN_TEXT_MAX) : r;
	buf_puts(&op->result, empty ? "nothing to change\n" : "stack/plan has the exact plan\n");
	report = stack_report_new(&text, op->settings, set->before);
	if (!report)
		return -ENOMEM;
	op->publish(op, REPORT_PLAN, report);
	return 0;
}

static int replan_read(struct operation *op, struct plan_set *set, struct error *err)
{
	bool failed, empty;
	int r = operation_wait(op, CHANGE_SET_LIMIT_MS, "the change set", replan_check, set, err);

	if (r < 0)
		return r;
	failed = strcmp(aws_text(set->record, "Status"), "FAILED") == 0;
	empty = changeset_is_empty(aws_text(set->record, "Status"), aws_text(set->record, "StatusReason"));
	return failed && !empty ? replan_refused(set, err) : replan_publish(op, set, empty, err);
}

static bool replan_is_deleted_by_another(const struct operation *op)
{
	return op->created && strcmp(operation_status(op), "DELETE_IN_PROGRESS") == 0;
}

/*
 * Returns whether another attempt may succeed: somebody else was faster. The last plan in an empty stack deletes the
 * stack, and may not have seen the change set of this plan. Without change sets, such a stack counts as foreign.
 */
static bool replan_lost_race(const struct operation *op, const struct error *err)
{
	bool is_empty = stack_state(operation_status(op))->kind == STACK_EMPTY;

	if (changeset_lost_race(err) || stack_error_is_missing(err) || err->errnum == -ENOENT)
		return true;
	return err->errnum == -EEXIST && op->created && (is_empty || replan_is_deleted_by_another(op));
}

/* Reads the stack for another attempt. Returns -EBUSY if somebody else is changing the stack. */
static int replan_explain_race(struct operation *op, struct error *err)
{
	struct error why = *err;
	int r = operation_read_own_stack(op, err);

	if (r == -EEXIST && replan_is_deleted_by_another(op)) {
		r = operation_wait(op, DELETE_LIMIT_MS, "the deletion of the empty stack", replan_check_gone, NULL,
				   err);
		if (r >= 0)
			r = operation_read_own_stack(op, err);
	}
	if (r == 0 && stack_state(operation_status(op))->kind == STACK_BUSY)
		return replan_refuse_busy(op, err);
	if (r == 0 || (r == -EEXIST && replan_lost_race(op, err))) {
		*err = why;
		return 0;
	}
	return r;
}

static int replan_attempt(struct operation *op, unsigned attempt, struct error *err)
{
	struct plan_set set = {.record = NULL};
	struct error later = {0};
	int r, deleted;

	replan_put_name(op, attempt, set.name);
	if (op->stack && !(set.before = cJSON_Duplicate(op->stack, true)))
		return -ENOMEM;
	r = replan_create(op, &set, err);
	if (r == 0)
		r = replan_read(op, &set, err);
	deleted = replan_clean_up(op, &set, &later);
	replan_release(&set);
	if (r == 0 && deleted < 0)
		*err = later;
	return r < 0 ? r : deleted;
}

static int replan_ask(struct operation *op, struct error *err)
{
	int r = 0;

	for (unsigned attempt = 0; attempt < TRIES; attempt++) {
		r = replan_attempt(op, attempt, err);
		if (r == 0 || r == -ECANCELED || !replan_lost_race(op, err))
			return r;
		r = replan_explain_race(op, err);
		if (r < 0)
			return r;
		operation_say(op, "somebody else changed the stack at the same time, trying again: %s", err->message);
		op->created = stack_state(operation_status(op))->deploy == DEPLOY_CREATE;
	}
	return err->errnum;
}

static const struct operation_step steps[] = {
	{"reading the stack", replan_look},
	{"checking the VPC", vpc_check},
	{"reading the file system", replan_find_storage},
	{"looking for the image", replan_find_image},
	{"asking CloudFormation", replan_ask},
};

int operation_replan(struct operation *op, struct error *err)
{
	return operation_run_steps(op, steps, ARRAY_SIZE(steps), err);
}
