/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * destroy.c - deletes the stack. The file system with the database is kept unless the argument is "purge".
 */
#include "aws/rights.h"
#include "aws/services/cloudformation.h"
#include "stack/changeset.h"
#include "stack/cost.h"
#include "stack/server.h"
#include "stack/write.h"

#include <string.h>

#define DELETE_TRIES   3
#define QUICK_ROUNDS   2
#define DELETE_ROUNDS  10
#define RETRY_PAUSE_MS 5000
#define MEMORY_STACK   "stack" /* key of the operation's memory: ID of the stack that is deleted */
#define NO_STACK_UUID  "00000000-0000-0000-0000-000000000000"

/* -- the permission -------------------------------------------------------------------------------------------- */

/*
 * A stack ID ends in the stack's name, a slash and a UUID. Policies have a wildcard in place of the UUID, because it is
 * not known before the stack exists; so they allow the same for an ID with another UUID.
 */
static char *destroy_id_of_no_stack(const char *stack_id)
{
	const char *slash = strrchr(stack_id, '/');
	char *id = NULL;

	if (asprintf(&id, "%.*s" NO_STACK_UUID, slash ? (int)(slash + 1 - stack_id) : 0, stack_id) < 0)
		return NULL;
	return id;
}

/*
 * CloudFormation has no dry run, but it checks the permission before it looks for the stack, and deleting a stack that
 * does not exist has no effect (API Reference, DeleteStack). Any other failure is left to the deletion itself.
 */
int stack_check_may_delete(struct operation *op, struct error *err)
{
	_free_ char *id = destroy_id_of_no_stack(aws_text(op->stack, "StackId"));
	struct error why = {0};
	int r = id ? operation_call(op, cloudformation_delete_stack(id, NULL), NULL, &why) : -ENOMEM;

	if (r == 0 || (r != -ECANCELED && r != -ENOMEM && !rights_are_missing(&why)))
		return 0;
	*err = why;
	return r;
}

/* -- deleting the stack, also after DELETE_FAILED -------------------------------------------------------------- */

/*
 * The cluster is found by its resource type rather than in the outputs: a partly created stack has no outputs, but it
 * may have a cluster.
 */
static int destroy_find_cluster(struct operation *op, struct error *err)
{
	cJSON *resources = NULL;
	const cJSON *item;
	int r = operation_read_resources(op, &resources, err);

	op->cluster[0] = '\0';
	cJSON_ArrayForEach (item, aws_at(resources, "StackResources"))
		if (strcmp(aws_text(item, "ResourceType"), "AWS::ECS::Cluster") == 0 &&
		    strcmp(aws_text(item, "ResourceStatus"), "DELETE_COMPLETE") != 0)
			snprintf(op->cluster, sizeof(op->cluster), "%s", aws_text(item, "PhysicalResourceId"));
	cJSON_Delete(resources);
	return r;
}

static int destroy_stop_tasks(struct operation *op, struct error *err)
{
	int r = destroy_find_cluster(op, err);

	return r < 0 || !*op->cluster ? r : server_remove(op, err);
}

/* Removes what would delay the deletion: tasks, and the function's network interfaces. */
static int destroy_clear_the_way(struct operation *op, struct error *err)
{
	int r;

	operation_say(op, "stopping the tasks");
	r = destroy_stop_tasks(op, err);
	if (r == -ECANCELED)
		return r;
	if (r < 0)
		job_log(op->job, "cannot stop the tasks: %s (continuing)", err->message);
	operation_say(op, "taking the Lambda function out of the VPC");
	return interfaces_free_function(op);
}

/* -EBUSY if somebody else is deploying the stack: a deletion would undo that. */
static int destroy_check_others(const struct operation *op, struct error *err)
{
	if (stack_state(operation_status(op))->destroy != DESTROY_BUSY)
		return 0;
	error_set(err, -EBUSY, "somebody else is deploying the stack %s: it is %s", op->name, operation_status(op));
	error_remedy(err, "run: cat operations/latest/result, which waits until the change has ended; then: touch "
			  "control/destroy");
	return err->errnum;
}

/*
 * DeleteStack was refused because an operation is running: a deletion, which is then followed, or somebody else's
 * deploy.
 */
static int destroy_explain_refusal(struct operation *op, struct error *err)
{
	struct error why = *err;
	int r = operation_read_stack_by_id(op, err);

	if (r < 0 || stack_state(operation_status(op))->kind != STACK_BUSY) {
		*err = r < 0 ? *err : why;
		return err->errnum;
	}
	return destroy_check_others(op, err);
}

static int destroy_begin_delete(struct operation *op, struct error *err)
{
	int r;

	operation_say(op, "deleting the stack");
	r = stack_write(op, WRITE_DELETE_STACK, NULL, err);
	if (r < 0)
		return changeset_lost_race(err) ? destroy_explain_refusal(op, err) : r;
	operation_commit(op);
	return 0;
}

static int destroy_wait_until_idle(struct operation *op, struct error *err)
{
	int r;

	operation_say(op, "waiting for the running operation: %s", operation_status(op));
	op->mark[0] = '\0';
	r = stack_follow(op, err);
	return r == -EIO ? 0 : r; /* the status shows how it ended */
}

/*
 * Follows one deletion to its end, also if somebody else started it. Returns 0 even if resources are left; the caller
 * then deletes again.
 */
static int destroy_delete_once(struct operation *op, struct error *err)
{
	int r;

	if (strcmp(operation_status(op), "DELETE_IN_PROGRESS") == 0) {
		operation_say(op, "following the running deletion");
		op->mark[0] = '\0';
		return stack_follow(op, err);
	}
	if (stack_state(operation_status(op))->kind == STACK_BUSY)
		return destroy_wait_until_idle(op, err);
	r = destroy_clear_the_way(op, err);
	if (r == 0)
		r = destroy_begin_delete(op, err);
	return r < 0 ? r : stack_follow(op, err);
}

static bool destroy_is_gone(const struct operation *op)
{
	return !op->stack || stack_state(operation_status(op))->kind == STACK_NONE;
}

static bool destroy_has_failed(const struct operation *op, int r)
{
	return r == -EIO && op->stack && strcmp(operation_status(op), "DELETE_FAILED") == 0;
}

/*
 * The stack is still there after a deletion that AWS accepted. What AWS shows may be older than the deletion, or
 * somebody else's operation came first.
 */
static int destroy_prepare_round(struct operation *op, unsigned rounds, struct error *err)
{
	if (rounds <= QUICK_ROUNDS)
		return 0;
	if (rounds < DELETE_ROUNDS)
		return operation_sleep(op, RETRY_PAUSE_MS);
	error_set(err, -EIO, "the stack %s is %s after %u deletions that AWS accepted", op->name, operation_status(op),
		  rounds);
	error_remedy(err, "touch control/destroy again in some minutes; or delete the stack in the CloudFormation "
			  "console");
	return err->errnum;
}

int stack_delete(struct operation *op, struct error *err)
{
	unsigned failures = 0, rounds = 0;

	while (!destroy_is_gone(op)) {
		int r = destroy_delete_once(op, err);

		if (r < 0 && !destroy_has_failed(op, r))
			return destroy_is_gone(op) && r != -ECANCELED ? 0 : r;
		if (r < 0 && ++failures == DELETE_TRIES)
			return r;
		if (r < 0) {
			operation_say(op, "trying again in %d s: %s", RETRY_PAUSE_MS / 1000, err->message);
			r = operation_sleep(op, RETRY_PAUSE_MS);
		} else if (!destroy_is_gone(op)) {
			r = destroy_prepare_round(op, ++rounds, err);
		}
		if (r < 0)
			return r;
	}
	return 0;
}

/* -- the steps ------------------------------------------------------------------------------------------------- */

static bool destroy_is_purge(const struct operation *op)
{
	return strcmp(op->argument, "purge") == 0;
}

static int destroy_refuse_protected(const struct operation *op, struct error *err)
{
	error_set(err, -EPERM, "the stack %s has termination protection; nothing was changed", op->name);
	error_remedy(
		err,
		"switch the protection off in the CloudFormation console (Edit termination protection) or with: aws "
		"cloudformation update-termination-protection --region %s --stack-name %s "
		"--no-enable-termination-protection, then %s control/destroy again",
		aws_region(op->aws), op->name, destroy_is_purge(op) ? "echo purge >" : "touch");
	return err->errnum;
}

/*
 * After a crash this reads the stack that the operation was started for, even if that is deleted and another stack has
 * its name now.
 */
static int destroy_read_stack(struct operation *op, struct error *err)
{
	const char *id = operation_recall(op, MEMORY_STACK);
	int r;

	if (*id)
		return operation_read_stack_of_id(op, id, err);
	r = operation_read_own_stack(op, err);
	if (r < 0 || !op->stack)
		return r;
	return operation_remember(op, MEMORY_STACK, aws_text(op->stack, "StackId"), err);
}

static int destroy_check_services(struct operation *op, struct error *err)
{
	int r = destroy_find_cluster(op, err);

	return r < 0 || !*op->cluster ? r : service_refuse_foreign(op, err);
}

static int destroy_look(struct operation *op, struct error *err)
{
	int r = destroy_read_stack(op, err);

	if (r < 0 || !op->stack)
		return r;
	if (strcmp(aws_text(op->stack, "EnableTerminationProtection"), "true") == 0)
		return destroy_refuse_protected(op, err);
	r = destroy_check_others(op, err);
	if (r == 0)
		r = stack_check_may_delete(op, err);
	return r < 0 ? r : destroy_check_services(op, err);
}

/* A destroy that ends before the deletion has started leaves the function outside its VPC; this connects it again. */
static int destroy_undo(struct operation *op, int r, struct error *err)
{
	struct error why = *err, trouble = {0};

	if (aws_cancel_token_fired(op->stop) || stack_state(operation_status(op))->kind != STACK_READY)
		return r;
	operation_commit(op);
	if (function_enter_vpc(op, &trouble) < 0) {
		error_set(err, -EIO, "%s, but the function could not be put back into its VPC: %s",
			  r == -ECANCELED ? "cancelled" : why.message, trouble.message);
		error_remedy(err, "%s%stouch control/deploy, which puts the function back", why.remedy,
			     *why.remedy ? "; or to keep the stack: " : "run: ");
		return -EIO;
	}
	if (r == -ECANCELED)
		error_set(err, r,
			  "cancelled before the stack was deleted; the function is in its VPC again, tasks may have "
			  "been stopped (control/run-task starts a server)");
	return r;
}

static int destroy_delete_stack(struct operation *op, struct error *err)
{
	int r;

	if (!op->stack) {
		buf_printf(&op->result, "no stack was deployed: %s does not exist in account %s, region %s\n", op->name,
			   op->account, aws_region(op->aws));
		return 0;
	}
	r = stack_delete(op, err);
	if (r == 0)
		buf_printf(&op->result, "the stack %s is deleted\n", op->name);
	return r < 0 ? destroy_undo(op, r, err) : 0;
}

/* A colleague may have started another deploy meanwhile, which uses the repository. */
static int destroy_delete_repository(struct operation *op, struct error *err)
{
	int r = operation_read_stack(op, err);

	if (r < 0)
		return r;
	if (op->stack) {
		buf_puts(&op->result, "a new stack of that name was created meanwhile; the image repository is kept\n");
		return 0;
	}
	return repository_delete(op, err);
}

static void destroy_report_kept(struct operation *op, const cJSON *found)
{
	int64_t bytes = aws_integer(found, "SizeInBytes.Value", 0);

	buf_printf(&op->result, "the database is kept on the file system %s: ", aws_text(found, "FileSystemId"));
	cost_put_storage(aws_region(op->aws), bytes > 0 ? bytes : 0, &op->result);
	buf_puts(&op->result, "\necho purge > control/destroy deletes it too\n");
}

/* A stack that was created meanwhile may use the database. */
static int destroy_refuse_purge(const struct operation *op, struct error *err)
{
	error_set(err, -EBUSY, "the file system is kept: a stack %s exists again, it is %s", op->name,
		  operation_status(op));
	error_remedy(err, "delete that stack (cat status shows its state), then run: echo purge > control/destroy");
	return err->errnum;
}

/* Reads the stack again, because deleting the repository may have taken minutes. */
static int destroy_purge(struct operation *op, struct error *err)
{
	int r = operation_read_stack(op, err);

	if (r < 0)
		return r;
	return op->stack ? destroy_refuse_purge(op, err) : storage_purge(op, err);
}

static int destroy_settle_storage(struct operation *op, struct error *err)
{
	cJSON *found = NULL;
	int r;

	if (destroy_is_purge(op))
		return destroy_purge(op, err);
	r = storage_find(op, &found, err);
	if (r == 0 && found)
		destroy_report_kept(op, found);
	cJSON_Delete(found);
	return r;
}

static const struct operation_step steps[] = {
	{"reading the stack", destroy_look},
	{"deleting the stack", destroy_delete_stack},
	{"deleting the image repository", destroy_delete_repository},
	{"checking the file system", destroy_settle_storage},
};

int operation_destroy(struct operation *op, struct error *err)
{
	return operation_run_steps(op, steps, ARRAY_SIZE(steps), err);
}
