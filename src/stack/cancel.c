/*
 * cancel.c - cancelling what CloudFormation is doing: an update is rolled back, a creation is deleted again.
 */
#include "aws/cloudformation.h"
#include "stack/operation.h"

static int cancel_creation(struct operation *op, struct error *err)
{
	int r;

	operation_say(op, "cancelling: deleting what was made");
	r = operation_call(op, cloudformation_delete_stack(aws_text(op->stack, "StackId"), op->token), NULL, err);
	return r < 0 ? r : stack_follow(op, err);
}

static int cancel_update(struct operation *op, struct error *err)
{
	int r;

	operation_say(op, "cancelling: CloudFormation rolls the update back");
	r = operation_call(op, cloudformation_cancel_update_stack(aws_text(op->stack, "StackId"), op->token), NULL,
			   err);
	if (r == 0)
		stack_follow(op, err);
	return r;
}

int stack_cancel(struct operation *op, struct error *err)
{
	int r;

	operation_commit(op);
	r = stack_mark(op, err);
	if (r == 0)
		r = op->created ? cancel_creation(op, err) : cancel_update(op, err);
	if (r < 0)
		return r;
	return error_set(err, -ECANCELED, "cancelled: %s",
			 op->created ? "what was created is deleted again" : "the update was rolled back");
}
