/*
 * destroy.c - removing the stack. What holds the database is kept unless it is to be purged.
 */
#include "aws/cloudformation.h"
#include "stack/changeset.h"
#include "stack/operation.h"

#include <string.h>

#define DELETE_TRIES	    3
#define EFS_GB_MONTH_DOLLAR 0.30 /* EFS Standard in us-east-1, 2026; a hint, not a bill */

/* -- deleting, through DELETE_FAILED --------------------------------------------------------------------------- */

/* By type rather than from the outputs: a half-made stack has none yet, but it may have a cluster. */
static int find_cluster(struct operation *op, struct error *err)
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

static int stop_tasks_of(struct operation *op, struct error *err)
{
	unsigned n = 0;
	int r = find_cluster(op, err);

	return r < 0 || !*op->cluster ? r : tasks_stop_all(op, &n, err);
}

/* What would hold up the deletion: tasks, and the function's network interfaces. */
static int clear_the_way(struct operation *op, struct error *err)
{
	int r;

	operation_say(op, "stopping the tasks");
	r = stop_tasks_of(op, err);
	if (r == -ECANCELED)
		return r;
	if (r < 0)
		job_log(op->job, "stopping the tasks: %s (going on)", err->message);
	operation_say(op, "taking the Lambda function out of the VPC");
	return interfaces_free_function(op);
}

static int begin_delete(struct operation *op, unsigned attempt, struct error *err)
{
	char token[128];
	int r = stack_mark(op, err);

	if (r < 0)
		return r;
	snprintf(token, sizeof(token), "%s-%u", op->token, attempt);
	operation_say(op, "deleting the stack");
	r = operation_call(op, cloudformation_delete_stack(aws_text(op->stack, "StackId"), token), NULL, err);
	if (r == 0)
		operation_commit(op);
	return r;
}

static bool is_deleting(const struct operation *op)
{
	return strcmp(operation_status(op), "DELETE_IN_PROGRESS") == 0;
}

static int delete_once(struct operation *op, unsigned attempt, struct error *err)
{
	int r;

	if (stack_state(operation_status(op))->kind == STACK_BUSY && !is_deleting(op)) {
		operation_say(op, "waiting for the running operation: %s", operation_status(op));
		r = stack_follow(op, err);
		if (r < 0 && r != -EIO)
			return r;
		r = operation_read_stack_by_id(op, err);
		if (r < 0)
			return r;
	}
	r = clear_the_way(op, err);
	if (r == 0)
		r = begin_delete(op, attempt, err);
	return r < 0 ? r : stack_follow(op, err);
}

static bool is_gone(const struct operation *op)
{
	return !op->stack || strcmp(operation_status(op), "DELETE_COMPLETE") == 0;
}

int stack_delete(struct operation *op, struct error *err)
{
	int r = 0;

	for (unsigned attempt = 1; attempt <= DELETE_TRIES && !is_gone(op); attempt++) {
		r = delete_once(op, attempt, err);
		if (r < 0 && (r != -EIO || !op->stack || strcmp(operation_status(op), "DELETE_FAILED") != 0))
			break;
		if (r < 0)
			operation_say(op, "trying again: %s", err->message);
	}
	if (is_gone(op) && r != -ECANCELED)
		r = 0;
	return r;
}

/* -- the steps ------------------------------------------------------------------------------------------------- */

static int look(struct operation *op, struct error *err)
{
	int r = operation_read_own_stack(op, err);

	if (r < 0 || !op->stack)
		return r;
	if (strcmp(aws_text(op->stack, "EnableTerminationProtection"), "true") == 0) {
		error_set(err, -EPERM, "the stack %s is protected against termination; nothing was touched", op->name);
		error_remedy(err,
			     "aws cloudformation update-termination-protection --stack-name %s "
			     "--no-enable-termination-protection, then touch control/destroy again",
			     op->name);
		return err->errnum;
	}
	return 0;
}

static int delete_it(struct operation *op, struct error *err)
{
	int r;

	if (!op->stack) {
		buf_puts(&op->result, "no stack was deployed\n");
		return 0;
	}
	r = stack_delete(op, err);
	if (r == 0)
		buf_printf(&op->result, "the stack %s is deleted\n", op->name);
	return r;
}

/* A colleague may have begun to deploy again meanwhile: then the repository is theirs. */
static int delete_repository(struct operation *op, struct error *err)
{
	int r = operation_read_stack(op, err);

	if (r < 0)
		return r;
	if (op->stack) {
		buf_puts(&op->result, "a stack of that name was begun again meanwhile; the image repository is kept\n");
		return 0;
	}
	return repository_delete(op, err);
}

static void name_kept(struct operation *op, const cJSON *found)
{
	double bytes = aws_number(found, "SizeInBytes.Value", 0), gb = bytes / 1e9;

	buf_printf(&op->result,
		   "the database is kept on the file system %s: %.3f GB, about $%.2f a month\n"
		   "echo purge > control/destroy deletes it too\n",
		   aws_text(found, "FileSystemId"), gb, gb * EFS_GB_MONTH_DOLLAR);
}

/* delete_repository has just seen a stack of that name: whoever made it, the database may be in use again. */
static int refuse_purge(const struct operation *op, struct error *err)
{
	error_set(err, -EBUSY, "the file system is kept: a stack %s exists again, it is %s", op->name,
		  operation_status(op));
	error_remedy(err, "see status, then echo purge > control/destroy again when no such stack exists");
	return err->errnum;
}

static int settle_storage(struct operation *op, struct error *err)
{
	cJSON *found = NULL;
	int r;

	if (strcmp(op->argument, "purge") == 0)
		return op->stack ? refuse_purge(op, err) : storage_purge(op, err);
	r = storage_find(op, &found, err);
	if (r == 0 && found)
		name_kept(op, found);
	cJSON_Delete(found);
	return r;
}

static const struct operation_step steps[] = {
	{"looking at the stack", look},
	{"deleting the stack", delete_it},
	{"deleting the image repository", delete_repository},
	{"looking at the storage", settle_storage},
};

int operation_destroy(struct operation *op, struct error *err)
{
	return operation_run_steps(op, steps, ARRAY_SIZE(steps), err);
}
