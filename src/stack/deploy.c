/*
 * deploy.c - creating the stack or bringing it up to date.
 *
 * CloudFormation does the work; vastfs checks first what AWS would find out only after minutes, makes what must outlive
 * the stack, and follows. Each step looks at what is there, so deploying again, after a crash, or while a colleague
 * deploys, comes to the same end.
 */
#include "aws/cloudformation.h"
#include "aws/iam.h"
#include "aws/lambda.h"
#include "aws/sts.h"
#include "stack/changeset.h"
#include "stack/operation.h"
#include "stack/remedies.h"
#include "stack/role_policies.h"
#include "stack/template.h"

#include <string.h>

#define CHANGE_SET_LIMIT_MS  (10 * 60 * INT64_C(1000))
#define CHANGE_SET_NAME_SIZE 96

/* -- who and where --------------------------------------------------------------------------------------------- */

static int identify(struct operation *op, struct error *err)
{
	cJSON *reply = NULL;
	int r = operation_call(op, sts_get_caller_identity(), &reply, err);

	if (r < 0)
		return r;
	free(op->account);
	op->account = strdup(aws_text(reply, "Account"));
	operation_say(op, "account %s, region %s, as %s", op->account, aws_region(op->aws), aws_text(reply, "Arn"));
	cJSON_Delete(reply);
	return op->account ? 0 : -ENOMEM;
}

/* An account that never used ECS lacks it, and the first cluster then fails. Not being allowed to look is no reason to
 * stop. */
static int ensure_service_linked_role(struct operation *op, struct error *err)
{
	int r = operation_try(op, iam_create_service_linked_role("ecs.amazonaws.com"), NULL, err);

	if (r == 0 || r == -ECANCELED || r == -ENOKEY)
		return r;
	if (!strstr(err->message, "has been taken"))
		job_log(op->job, "warning: the service-linked role of ECS could not be checked: %s", err->message);
	return 0;
}

/* -- what is there --------------------------------------------------------------------------------------------- */

/* Somebody, or this machine before a crash, is at it: what they apply is what they end with. */
static int follow_running(struct operation *op, struct error *err)
{
	if (stack_state(operation_status(op))->kind != STACK_BUSY)
		return 0;
	operation_say(op, "following the running operation: %s", operation_status(op));
	stack_follow(op, err);
	if (aws_cancel_token_fired(op->cancel))
		return -ECANCELED;
	return operation_read_own_stack(op, err);
}

static int look(struct operation *op, struct error *err)
{
	int r = operation_read_own_stack(op, err);

	if (r == 0)
		r = follow_running(op, err);
	if (r < 0)
		return r;
	if (stack_state(operation_status(op))->kind == STACK_DELETE_FIRST) {
		operation_say(op, "the stack is %s: deleting it first", operation_status(op));
		r = stack_delete(op, err);
		if (r == 0)
			r = operation_read_own_stack(op, err);
	}
	if (r < 0)
		return r;
	op->created = !op->stack || stack_state(operation_status(op))->kind == STACK_EMPTY;
	return template_check_version(aws_at(op->stack, "Outputs"), err);
}

/* -- the change set -------------------------------------------------------------------------------------------- */

struct change_set {
	char name[CHANGE_SET_NAME_SIZE];
	cJSON *made;   /* CreateChangeSet's reply: Id, StackId; NULL: the request was repeated */
	cJSON *record; /* DescribeChangeSet's reply */
};

static cJSON *make_parameters(struct operation *op)
{
	struct template_facts facts = {.internet_gateway_id = op->internet_gateway,
				       .availability_zone = op->zone,
				       .image_uri = op->image,
				       .file_system_id = op->file_system ? op->file_system : ""};

	return template_parameters(op->settings, &facts);
}

/* By its id, and by name only while it has none: a stack that takes its place meanwhile is not touched. */
static const char *change_set_stack(const struct operation *op, const struct change_set *set)
{
	const char *made = aws_text(set->made, "StackId"), *known = aws_text(op->stack, "StackId");

	return *made ? made : *known ? known : op->name;
}

static int create_change_set(struct operation *op, struct change_set *set, struct error *err)
{
	struct cloudformation_change_set request = {.stack = change_set_stack(op, set),
						    .name = set->name,
						    .create = op->created,
						    .template_body = template_text(NULL),
						    .parameters = make_parameters(op),
						    .token = set->name,
						    .stage = settings_get(op->settings, SETTING_STAGE)};
	int r = operation_call(op, cloudformation_create_change_set(&request), &set->made, err);

	return r < 0 && error_has_code(err, "AlreadyExistsException") ? 0 : r;
}

static int check_change_set(struct operation *op, void *arg, struct error *err)
{
	struct change_set *set = arg;
	const char *status;
	int r;

	cJSON_Delete(move_ptr(set->record));
	r = operation_call(op, cloudformation_describe_change_set(change_set_stack(op, set), set->name), &set->record,
			   err);
	if (r < 0)
		return r;
	status = aws_text(set->record, "Status");
	return strcmp(status, "CREATE_COMPLETE") == 0 || strcmp(status, "FAILED") == 0 ? OPERATION_DONE : 0;
}

static void delete_change_set(struct operation *op, const struct change_set *set)
{
	struct error ignored = {0};

	operation_call(op, cloudformation_delete_change_set(change_set_stack(op, set), set->name), NULL, &ignored);
}

/* A first deploy that came to nothing leaves an empty stack in review: ours to remove. */
static void delete_review(struct operation *op)
{
	struct error ignored = {0};

	if (op->created && operation_read_own_stack(op, &ignored) == 0 && op->stack &&
	    stack_state(operation_status(op))->kind == STACK_EMPTY)
		operation_call(op, cloudformation_delete_stack(aws_text(op->stack, "StackId"), op->token), NULL,
			       &ignored);
}

static int change_set_failed(struct operation *op, const struct change_set *set, struct error *err)
{
	const char *reason = aws_text(set->record, "StatusReason");
	struct error ignored = {0};
	cJSON *events = NULL;

	error_set(err, -EIO, "CloudFormation refused the change set: %s", reason);
	if (operation_try(op, cloudformation_describe_events(aws_text(set->record, "ChangeSetId")), &events,
			  &ignored) == 0) {
		const cJSON *event;

		cJSON_ArrayForEach (event, aws_at(events, "OperationEvents")) {
			const char *why = aws_text(event, "ValidationStatusReason");

			if (*why)
				job_log(op->job, "%s: %s", aws_text(event, "LogicalResourceId"), why);
		}
	}
	cJSON_Delete(events);
	remedy_apply(err);
	return err->errnum;
}

/* Replacing what a running server lives on would cut it off. */
static int refuse_under_tasks(struct operation *op, const struct change_set *set, struct error *err)
{
	cJSON *tasks = NULL;
	int r, n;

	if (op->created)
		return 0;
	snprintf(op->cluster, sizeof(op->cluster), "%s", operation_output(op, "ClusterName"));
	r = tasks_list(op, &tasks, err);
	n = cJSON_GetArraySize(tasks);
	cJSON_Delete(tasks);
	return r < 0 ? r : changeset_check_tasks(set->record, n > 0, err);
}

static void tell_changes(struct operation *op, const struct change_set *set)
{
	const cJSON *change;

	cJSON_ArrayForEach (change, aws_at(set->record, "Changes"))
		job_log(op->job, "%s %s (%s)%s%s", aws_text(change, "ResourceChange.Action"),
			aws_text(change, "ResourceChange.LogicalResourceId"),
			aws_text(change, "ResourceChange.ResourceType"),
			*aws_text(change, "ResourceChange.Replacement") ? " replacement: " : "",
			aws_text(change, "ResourceChange.Replacement"));
}

static int execute(struct operation *op, struct change_set *set, struct error *err)
{
	int r = op->created ? 0 : stack_mark(op, err);

	if (r == 0)
		r = operation_call(op,
				   cloudformation_execute_change_set(change_set_stack(op, set), set->name, op->token),
				   NULL, err);
	if (r == 0)
		r = operation_read_own_stack(op, err);
	return r;
}

/* 0: executed; OPERATION_DONE: nothing to change. */
static int prepare_and_execute(struct operation *op, struct change_set *set, struct error *err)
{
	int r = create_change_set(op, set, err);

	if (r == 0 && op->created)
		r = operation_read_own_stack(op, err); /* somebody else's review may have begun just before */
	if (r == 0)
		r = operation_wait(op, CHANGE_SET_LIMIT_MS, "the change set", check_change_set, set, err);
	if (r < 0)
		return r;
	if (strcmp(aws_text(set->record, "Status"), "FAILED") == 0) {
		if (changeset_is_empty("FAILED", aws_text(set->record, "StatusReason")))
			return OPERATION_DONE;
		return change_set_failed(op, set, err);
	}
	tell_changes(op, set);
	r = refuse_under_tasks(op, set, err);
	return r < 0 ? r : execute(op, set, err);
}

/* -- losing a race --------------------------------------------------------------------------------------------- */

static int compare_with_winner(struct operation *op, struct error *err)
{
	cJSON *mine = make_parameters(op), *names = template_differences(mine, aws_at(op->stack, "Parameters"));
	_free_ char *differing = cJSON_GetArraySize(names) ? cJSON_PrintUnformatted(names) : NULL;

	cJSON_Delete(mine);
	cJSON_Delete(names);
	if (!differing) {
		operation_say(op, "somebody else deployed the same settings");
		return 0;
	}
	error_set(err, -EBUSY, "somebody else deployed other settings at the same time; they differ in %s", differing);
	error_remedy(err, "agree on the settings, then touch control/deploy again");
	return err->errnum;
}

/* Somebody else deploys at this moment: what they applied either is what was to be applied here, or not. */
static int join_winner(struct operation *op, struct error *err)
{
	int r = operation_read_own_stack(op, err);

	if (r == 0)
		r = follow_running(op, err);
	if (r < 0)
		return r;
	if (!op->stack || stack_state(operation_status(op))->failed)
		return error_set(err, -EIO, "somebody else's deploy ended as %s",
				 op->stack ? operation_status(op) : "deleted");
	return compare_with_winner(op, err);
}

/* -- executing ------------------------------------------------------------------------------------------------- */

static int follow_own(struct operation *op, struct error *err)
{
	int r;

	operation_say(op, "%s the stack", op->created ? "creating" : "updating");
	op->look(op);
	r = stack_follow(op, err);
	if (r == -ECANCELED && job_cancel_wished(op->job) && op->cancel != op->stop)
		return stack_cancel(op, err);
	return r;
}

/* Change sets are deleted after use, whatever came of them. Tidying up is not to be cancelled. */
static void tidy_up(struct operation *op, const struct change_set *set, bool failed)
{
	struct aws_cancel_token *cancel = op->cancel;

	op->cancel = op->stop;
	delete_change_set(op, set);
	if (failed)
		delete_review(op);
	op->cancel = cancel;
}

static int apply(struct operation *op, struct error *err)
{
	struct change_set set = {.record = NULL};
	bool lost;
	int r;

	snprintf(set.name, sizeof(set.name), "vastfs-%s-%u", op->token, op->tries);
	r = prepare_and_execute(op, &set, err);
	lost = r < 0 && changeset_lost_race(err);
	if (r == OPERATION_DONE)
		buf_puts(&op->result, "nothing to change\n");
	else if (r == 0)
		r = follow_own(op, err);
	tidy_up(op, &set, r < 0 && !lost);
	cJSON_Delete(set.made);
	cJSON_Delete(set.record);
	if (lost)
		return join_winner(op, err);
	return r < 0 ? r : 0;
}

/* Roles that are seconds old are not known everywhere: such a failure is worth one more try. */
static int apply_twice(struct operation *op, struct error *err)
{
	int r = apply(op, err);

	if (r != -EIO || !op->created || !remedy_apply(err))
		return r;
	operation_say(op, "creating once more: %s", err->message);
	r = operation_read_own_stack(op, err);
	if (r == 0 && op->stack)
		r = stack_delete(op, err);
	if (r == 0)
		r = operation_read_own_stack(op, err);
	op->tries++;
	op->mark[0] = '\0';
	return r < 0 ? r : apply(op, err);
}

/* -- afterwards ------------------------------------------------------------------------------------------------ */

/* An interrupted destroy leaves the function outside of its VPC, and CloudFormation does not know. */
static int reconcile_function(struct operation *op, struct error *err)
{
	const char *function, *subnet, *group;
	cJSON *reply = NULL, *subnets, *groups;
	bool inside;
	int r = operation_read_own_stack(op, err);

	function = operation_output(op, "FunctionName");
	subnet = operation_output(op, "PrivateSubnetId");
	group = operation_output(op, "LambdaSecurityGroupId");
	if (r == 0 && (!*function || !*subnet || !*group))
		return error_set(err, -EIO, "the stack %s is %s but does not say what it made (no outputs)", op->name,
				 operation_status(op));
	if (r == 0)
		r = operation_call(op, lambda_get_function_configuration(function), &reply, err);
	inside = strcmp(aws_text(reply, "VpcConfig.SubnetIds.0"), subnet) == 0;
	cJSON_Delete(reply);
	if (r < 0 || inside)
		return r;
	operation_say(op, "putting the function back into the VPC");
	subnets = cJSON_CreateStringArray((const char *const[]){subnet}, 1);
	groups = cJSON_CreateStringArray((const char *const[]){group}, 1);
	r = operation_call(op, lambda_update_vpc(function, subnets, groups), NULL, err);
	cJSON_Delete(subnets);
	cJSON_Delete(groups);
	return r < 0 ? r : function_wait_settled(op, function, err);
}

/* Deploying never restarts a server: it says whether one is outdated. */
static int tell_result(struct operation *op, struct error *err)
{
	cJSON *tasks = NULL;
	const cJSON *task;
	bool outdated = false;
	int r;

	snprintf(op->cluster, sizeof(op->cluster), "%s", operation_output(op, "ClusterName"));
	r = tasks_list(op, &tasks, err);
	cJSON_ArrayForEach (task, tasks)
		outdated |= strcmp(aws_text(task, "taskDefinitionArn"), operation_output(op, "TaskDefinitionArn")) != 0;
	buf_printf(&op->result, "the stack %s is deployed: %s\n", op->name, operation_status(op));
	if (outdated)
		buf_puts(&op->result, "server outdated, touch control/restart-task\n");
	else if (cJSON_GetArraySize(tasks) == 0)
		buf_puts(&op->result, "no server is running, touch control/run-task\n");
	cJSON_Delete(tasks);
	return r;
}

static const struct operation_step steps[] = {
	{"asking who we are", identify},
	{"looking at the stack", look},
	{"checking role_policies", role_policies_check},
	{"checking the VPC", vpc_check},
	{"looking for vast_image", image_check_first},
	{"checking the service-linked role of ECS", ensure_service_linked_role},
	{"looking for the image repository", repository_ensure},
	{"looking for the file system", storage_ensure},
	{"assembling the image", image_ensure},
	{"preparing the change set", apply_twice},
	{"checking the Lambda function", reconcile_function},
	{"removing old images", image_clean},
	{"looking at the result", tell_result},
};

int operation_deploy(struct operation *op, struct error *err)
{
	return operation_run_steps(op, steps, ARRAY_SIZE(steps), err);
}
