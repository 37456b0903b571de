/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * cancel.c - cancels CloudFormation's running operation: an update is rolled back, a stack that is being created is
 * deleted.
 */
#include "stack/changeset.h"
#include "stack/write.h"

#include <string.h>

#define CANCEL_MEMORY "cancel" /* key of the operation's memory: a cancellation was started */

/* AWS accepts DeleteStack at any moment of a creation. */
static int cancel_creation(struct operation *op, struct error *err)
{
	int r = 0;

	if (stack_state(operation_status(op))->deploy == DEPLOY_JOIN) {
		r = stack_write(op, WRITE_DELETE_STACK, NULL, err);
		if (r == 0)
			r = stack_follow(op, err);
		if (r < 0 && r != -EIO)
			return r;
		r = operation_read_stack_by_id(op, err);
	}
	if (r == 0)
		r = stack_delete(op, err);
	return r < 0 ? r : error_set(err, -ECANCELED, "cancelled: the resources that had been created are deleted");
}

/* The outcome of a cancelled update; err holds the reason if the rollback failed. */
static int cancel_update_outcome(struct operation *op, struct error *err)
{
	const char *status = operation_status(op);

	if (strcmp(status, "UPDATE_ROLLBACK_COMPLETE") == 0)
		return error_set(err, -ECANCELED, "cancelled: the update was rolled back");
	if (!stack_state(status)->failed) {
		job_log(op->job, "the cancellation came too late: the stack is %s", status);
		return 0;
	}
	error_prefix(err, "cancelled, but the update could not be rolled back");
	error_remedy(err, "run: touch control/deploy, which continues the rollback");
	return err->errnum;
}

static int cancel_update(struct operation *op, struct error *err)
{
	int r = 0;

	if (stack_state(operation_status(op))->deploy == DEPLOY_JOIN)
		r = stack_write(op, WRITE_CANCEL_UPDATE, NULL, err);
	if (r < 0 && !error_has_code(err, "ValidationError"))
		return r;
	if (r < 0)
		op->mark[0] = '\0'; /* refused because the update has ended: its events show the outcome */
	r = stack_follow(op, err);
	return r < 0 && r != -EIO ? r : cancel_update_outcome(op, err);
}

bool stack_cancel_was_begun(const struct operation *op)
{
	return *operation_recall(op, CANCEL_MEMORY);
}

int stack_cancel(struct operation *op, struct error *err)
{
	int r;

	operation_commit(op);
	operation_say(op, op->created ? "cancelling: deleting what was created"
				      : "cancelling: CloudFormation rolls the update back");
	r = operation_remember(op, CANCEL_MEMORY, "yes", err);
	if (r == 0)
		r = operation_read_stack_by_id(op, err);
	if (r < 0)
		return r;
	return op->created ? cancel_creation(op, err) : cancel_update(op, err);
}
