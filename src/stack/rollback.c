/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * rollback.c - continues the failed rollback of an update. In this state AWS accepts only this and a deletion.
 */
#include "stack/changeset.h"
#include "stack/write.h"

#include <string.h>

/* The resources that CloudFormation could not restore and would have to skip: " A B". */
static int rollback_list_broken(struct operation *op, struct buf *names, struct error *err)
{
	cJSON *resources = NULL;
	const cJSON *item;
	int r = operation_read_resources(op, &resources, err);

	cJSON_ArrayForEach (item, aws_at(resources, "StackResources"))
		if (strcmp(aws_text(item, "ResourceStatus"), "UPDATE_FAILED") == 0)
			buf_printf(names, " %s", aws_text(item, "LogicalResourceId"));
	cJSON_Delete(resources);
	return r;
}

/* err holds the first event that failed. */
static int rollback_explain(struct operation *op, struct error *err)
{
	_buf_ struct buf names = BUF_INIT(400);
	struct error ignored = {0};

	if (rollback_list_broken(op, &names, &ignored) < 0 || !names.len)
		return err->errnum;
	error_prefix(err, "the rollback of an earlier update failed again because of%s", buf_str(&names));
	error_remedy(
		err,
		"repair these resources, then: touch control/deploy; or: touch control/destroy (the database is kept); "
		"or skip them in the CloudFormation console (Continue update rollback) or with: aws cloudformation "
		"continue-update-rollback --region %s --stack-name %s --resources-to-skip%s",
		aws_region(op->aws), op->name, buf_str(&names));
	return err->errnum;
}

int stack_continue_rollback(struct operation *op, struct error *err)
{
	int r;

	operation_say(op, "continuing the rollback that failed");
	r = stack_write(op, WRITE_CONTINUE_ROLLBACK, NULL, err);
	if (r < 0)
		return changeset_lost_race(err) ? 0 : r; /* somebody else continues it */
	r = stack_follow(op, err);
	if (stack_state(operation_status(op))->deploy == DEPLOY_CONTINUE)
		return rollback_explain(op, err);
	return r == -EIO ? 0 : r; /* rolled back, as intended */
}
