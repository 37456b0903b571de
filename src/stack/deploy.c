/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * deploy.c - creates the stack or brings it up to date.
 *
 * CloudFormation does the work. Before that, vastfs checks what AWS would refuse only after minutes, and creates what
 * must outlive the stack: the image repository and the file system. Each step first reads what exists, so a deploy that
 * is repeated, resumed after a crash, or run beside a colleague's deploy has the same result.
 */
#include "aws/services/iam.h"
#include "stack/changeset.h"
#include "stack/cost.h"
#include "stack/previous.h"
#include "stack/replan.h"
#include "stack/role_policies.h"
#include "stack/server.h"
#include "stack/template.h"
#include "stack/write.h"

#include <string.h>

#define LOOKS_MAX \
	10 /* number of times that the stack is read again because others changed it, before this deploy gives up */

/* -- checks before the deploy ---------------------------------------------------------------------------------- */

/*
 * An account that has never used ECS lacks this role, and its first cluster then fails. If the credentials may not
 * create the role, the deploy continues.
 */
static int deploy_ensure_linked_role(struct operation *op, struct error *err)
{
	int r = operation_try(op, iam_create_service_linked_role("ecs.amazonaws.com"), NULL, err);

	if (r == 0 || r == -ECANCELED || r == -ENOKEY)
		return r;
	if (!strstr(err->message, "has been taken"))
		job_log(op->job, "warning: the service-linked role of ECS could not be checked: %s", err->message);
	return 0;
}

/* -- the existing stack ---------------------------------------------------------------------------------------- */

/* A running deletion belongs to this deploy if it was started before a crash, in order to create the stack again. */
static int deploy_wait_or_refuse(struct operation *op, struct error *err)
{
	cJSON *events = NULL;
	int r = stack_read_events(op, &events, err);

	if (r == 0)
		r = stack_write_is_newest(op, events);
	cJSON_Delete(events);
	if (r != 0)
		return r < 0 ? r : stack_delete(op, err);
	return stack_join(op, err); /* refuses: somebody else is destroying the stack */
}

static int deploy_wait_for_end(struct operation *op, struct error *err)
{
	int r;

	operation_say(op, "waiting for the running operation: %s", operation_status(op));
	op->mark[0] = '\0';
	r = stack_follow(op, err);
	return r == -EIO ? 0 : r; /* the status shows how it ended */
}

static int deploy_delete_first(struct operation *op, struct error *err)
{
	int r;

	operation_say(op, "the stack is %s: deleting it first", operation_status(op));
	r = stack_check_may_delete(op, err);
	return r < 0 ? r : stack_delete(op, err);
}

static int deploy_refuse_status(const struct operation *op, struct error *err)
{
	error_set(err, -EIO, "the stack %s is %s, and AWS refuses updates in this status", op->name,
		  operation_status(op));
	error_remedy(err, "run: touch control/destroy, then touch control/deploy; the database is kept");
	return err->errnum;
}

/* One step towards a status in which the stack can be created or updated. OPERATION_DONE: it has such a status. */
static int deploy_take_step(struct operation *op, struct error *err)
{
	switch (stack_state(operation_status(op))->deploy) {
	case DEPLOY_CREATE:
	case DEPLOY_UPDATE:
		return OPERATION_DONE;
	case DEPLOY_JOIN:
		return stack_join(op, err);
	case DEPLOY_WAIT:
		return deploy_wait_for_end(op, err);
	case DEPLOY_DELETE_FIRST:
		return deploy_delete_first(op, err);
	case DEPLOY_CONTINUE:
		return stack_continue_rollback(op, err);
	case DEPLOY_BUSY:
		return deploy_wait_or_refuse(op, err);
	case DEPLOY_REFUSE:
		break;
	}
	return deploy_refuse_status(op, err);
}

static int deploy_reach_status(struct operation *op, struct error *err)
{
	for (unsigned i = 0; i < LOOKS_MAX; i++) {
		int r = operation_read_own_stack(op, err);

		if (r == 0)
			r = template_check_version(aws_at(op->stack, "Outputs"), err);
		if (r == 0)
			r = deploy_take_step(op, err);
		if (r != 0)
			return r < 0 ? r : 0;
	}
	return error_set(err, -EBUSY, "somebody else changed the stack %s repeatedly during this deploy; it is now %s",
			 op->name, operation_status(op));
}

/* -- after the change set -------------------------------------------------------------------------------------- */

/* An interrupted destroy leaves the function outside its VPC, and CloudFormation does not know that. */
static int deploy_reconcile_function(struct operation *op, struct error *err)
{
	int r = operation_read_own_stack(op, err);

	if (r == 0 && !op->stack) {
		r = error_set(err, -EIO, "the stack %s was deleted by somebody else just after it was deployed",
			      op->name);
		error_remedy(err, "run: touch control/deploy; the database is kept");
	}
	return r < 0 ? r : function_enter_vpc(op, err);
}

/* A deploy never restarts a server; its result says whether the server is outdated. */
static int deploy_report_result(struct operation *op, struct error *err)
{
	struct cost cost;

	snprintf(op->cluster, sizeof(op->cluster), "%s", operation_output(op, "ClusterName"));
	buf_printf(&op->result, "the stack %s is deployed: %s\n", op->name, operation_status(op));
	cost_of_settings(op->settings, op->storage_bytes > 0 ? op->storage_bytes : -1, &cost);
	cost_put_totals(&cost, &op->result);
	return server_put_advice(op, err);
}

/* -- the steps ------------------------------------------------------------------------------------------------- */

/* The steps that are left if the change set was executed before a crash. Old images are removed by the next deploy. */
static int deploy_finish(struct operation *op, struct error *err)
{
	int r = deploy_reconcile_function(op, err);

	if (r == 0)
		r = previous_store(op, err);
	if (r == 0)
		r = deploy_report_result(op, err);
	return r < 0 ? r : OPERATION_DONE;
}

/* Removes the change sets of interrupted plans. If that fails, the deploy still succeeds. */
static int deploy_remove_plans(struct operation *op)
{
	struct error err = {0};
	int r = replan_remove_leftovers(op, &err);

	if (r < 0 && r != -ECANCELED)
		job_log(op->job, "warning: change sets of interrupted plans were not deleted: %s", err.message);
	return r == -ECANCELED ? r : 0;
}

static int deploy_look(struct operation *op, struct error *err)
{
	int r = stack_resume(op, err);

	if (r < 0 || op->executed)
		return r < 0 ? r : deploy_finish(op, err);
	r = deploy_reach_status(op, err);
	if (r == 0)
		r = deploy_remove_plans(op);
	if (r < 0)
		return r;
	op->created = stack_state(operation_status(op))->deploy == DEPLOY_CREATE;
	return 0;
}

static const struct operation_step steps[] = {
	{"reading the stack", deploy_look},
	{"checking role_policies", role_policies_check},
	{"checking the VPC", vpc_check},
	{"checking quotas", quota_check},
	{"checking vast_image", image_check_first},
	{"checking the service-linked role of ECS", deploy_ensure_linked_role},
	{"checking the image repository", repository_ensure},
	{"checking the file system", storage_ensure},
	{"assembling the image", image_ensure},
	{"preparing the change set", stack_apply},
	{"checking the Lambda function", deploy_reconcile_function},
	{"removing old images", image_clean},
	{"reading the result", deploy_report_result},
};

int operation_deploy(struct operation *op, struct error *err)
{
	return operation_run_steps(op, steps, ARRAY_SIZE(steps), err);
}
