/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * deploy.c - creating the stack or bringing it up to date.
 *
 * CloudFormation does the work; vastfs checks first what AWS would find out only after minutes, makes what must outlive
 * the stack, and follows. Each step looks at what is there, so deploying again, after a crash, or while a colleague
 * deploys, comes to the same end.
 */
#include "aws/services/iam.h"
#include "stack/changeset.h"
#include "stack/previous.h"
#include "stack/role_policies.h"
#include "stack/server.h"
#include "stack/template.h"
#include "stack/write.h"

#include <string.h>

#define LOOKS_MAX 10 /* at what others do to the stack, before this deploy gives up */

/* -- before ---------------------------------------------------------------------------------------------------- */

/* An account that never used ECS lacks it, and the first cluster then fails. Not being allowed to look is no reason to
 * stop. */
static int deploy_ensure_linked_role(struct operation *op, struct error *err)
{
	int r = operation_try(op, iam_create_service_linked_role("ecs.amazonaws.com"), NULL, err);

	if (r == 0 || r == -ECANCELED || r == -ENOKEY)
		return r;
	if (!strstr(err->message, "has been taken"))
		job_log(op->job, "warning: the service-linked role of ECS could not be checked: %s", err->message);
	return 0;
}

/* -- what is there --------------------------------------------------------------------------------------------- */

/* A deletion is this deploy's own if it was begun before a crash, to create the stack again. */
static int deploy_wait_or_refuse(struct operation *op, struct error *err)
{
	cJSON *events = NULL;
	int r = stack_read_events(op, &events, err);
	bool own = r == 0 && stack_write_is_newest(op, events);

	cJSON_Delete(events);
	if (r < 0 || own)
		return r < 0 ? r : stack_delete(op, err);
	return stack_join(op, err); /* which refuses */
}

static int deploy_wait_for_end(struct operation *op, struct error *err)
{
	int r;

	operation_say(op, "waiting for the running operation: %s", operation_status(op));
	op->mark[0] = '\0';
	r = stack_follow(op, err);
	return r == -EIO ? 0 : r; /* how it ended shows in the status */
}

static int deploy_delete_first(struct operation *op, struct error *err)
{
	operation_say(op, "the stack is %s: deleting it first", operation_status(op));
	return stack_delete(op, err);
}

static int deploy_refuse_status(const struct operation *op, struct error *err)
{
	error_set(err, -EIO, "the stack %s is %s, which AWS does not let anybody update", op->name,
		  operation_status(op));
	error_remedy(err, "run: touch control/destroy, then touch control/deploy; the database is kept");
	return err->errnum;
}

/* Towards a status in which the stack can be created or updated. OPERATION_DONE: it is. */
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
	return error_set(err, -EBUSY, "the stack %s is changed by others again and again; it is %s", op->name,
			 operation_status(op));
}

/* -- afterwards ------------------------------------------------------------------------------------------------ */

/* An interrupted destroy leaves the function outside of its VPC, and CloudFormation does not know. */
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

/* Deploying never restarts a server: it says whether one is outdated. */
static int deploy_report_result(struct operation *op, struct error *err)
{
	snprintf(op->cluster, sizeof(op->cluster), "%s", operation_output(op, "ClusterName"));
	buf_printf(&op->result, "the stack %s is deployed: %s\n", op->name, operation_status(op));
	return server_put_advice(op, err);
}

/* -- the steps ------------------------------------------------------------------------------------------------- */

/* The change set was executed before a crash: what is left to do. Images are removed by the next deploy. */
static int deploy_finish(struct operation *op, struct error *err)
{
	int r = deploy_reconcile_function(op, err);

	if (r == 0)
		r = previous_store(op, err);
	if (r == 0)
		r = deploy_report_result(op, err);
	return r < 0 ? r : OPERATION_DONE;
}

static int deploy_look(struct operation *op, struct error *err)
{
	int r = stack_resume(op, err);

	if (r < 0 || op->executed)
		return r < 0 ? r : deploy_finish(op, err);
	r = deploy_reach_status(op, err);
	if (r < 0)
		return r;
	op->created = stack_state(operation_status(op))->deploy == DEPLOY_CREATE;
	return 0;
}

static const struct operation_step steps[] = {
	{"looking at the stack", deploy_look},
	{"checking role_policies", role_policies_check},
	{"checking the VPC", vpc_check},
	{"looking for vast_image", image_check_first},
	{"checking the service-linked role of ECS", deploy_ensure_linked_role},
	{"looking for the image repository", repository_ensure},
	{"looking for the file system", storage_ensure},
	{"assembling the image", image_ensure},
	{"preparing the change set", stack_apply},
	{"checking the Lambda function", deploy_reconcile_function},
	{"removing old images", image_clean},
	{"looking at the result", deploy_report_result},
};

int operation_deploy(struct operation *op, struct error *err)
{
	return operation_run_steps(op, steps, ARRAY_SIZE(steps), err);
}
