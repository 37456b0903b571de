/* SPDX-License-Identifier: BSD-3-Clause */
#include "model/round.h"

#include "aws/rights.h"
#include "aws/services/cloudformation.h"
#include "aws/services/ecs.h"
#include "aws/services/efs.h"
#include "aws/services/lambda.h"
#include "stack/changeset.h"
#include "stack/ownership.h"

#include <assert.h>
#include <string.h>

#define TASKS_A_CALL 100 /* DescribeTasks' limit */

static_assert(VIEW_TASKS_MOST == AWS_ENTRIES_MOST && VIEW_RESOURCES_MOST == AWS_RESOURCES_MOST,
	      "the message about left-out entries must match the limits of the calls");

static const struct {
	const char *action, *path;
} calls[ROUND_CALLS] = {
	[ROUND_STACKS] = {"cloudformation:DescribeStacks", "stack"},
	[ROUND_CHANGE_SETS] = {"cloudformation:ListChangeSets", "stack"},
	[ROUND_RESOURCES] = {"cloudformation:DescribeStackResources", "stack/resources"},
	[ROUND_LISTS] = {"ecs:ListTasks", "tasks"},
	[ROUND_TASKS] = {"ecs:DescribeTasks", "tasks"},
	[ROUND_SERVICES] = {"ecs:DescribeServices", "tasks"},
	[ROUND_FUNCTION] = {"lambda:GetFunctionConfiguration", "lambda/function.json"},
	[ROUND_STORAGE] = {"elasticfilesystem:DescribeFileSystems", "status"},
};

const char *round_call_action(enum round_call call)
{
	return calls[call].action;
}

const char *round_call_path(enum round_call call)
{
	return calls[call].path;
}

/* -- life ------------------------------------------------------------------------------------------------------ */

void round_forget(struct round_known *k)
{
	settings_unref(k->settings);
	cJSON_Delete(k->resources);
	cJSON_Delete(k->function);
	free(k->cluster);
	free(k->function_name);
	*k = (struct round_known){0};
}

void round_free(struct round *r)
{
	if (!r)
		return;
	aws_unref(r->aws);
	snapshot_unref(r->before);
	cJSON_Delete(r->stacks);
	cJSON_Delete(r->service);
	cJSON_Delete(r->arns);
	cJSON_Delete(r->tasks);
	for (int call = 0; call < ROUND_CALLS; call++)
		free(r->denials[call]);
	free(r);
}

static uint64_t round_hash(uint64_t hash, const char *text)
{
	for (; *text; text++)
		hash = (hash ^ (unsigned char)*text) * UINT64_C(0x100000001b3);
	return hash ? hash : 1;
}

/* -- calls ----------------------------------------------------------------------------------------------------- */

/* A task that no reply mentions must not count as gone; ECS lists a task that it does not know as a failure. */
static void round_check_tasks(struct round *r)
{
	if (!r->has_tasks || r->tasks_answered >= r->tasks_asked)
		return;
	r->has_tasks = false;
	if (!error_is(&r->error))
		error_set(&r->error, -ENOMSG, "ecs DescribeTasks described only %d of %d tasks", r->tasks_answered,
			  r->tasks_asked);
}

static void round_call_ended(struct round *r)
{
	if (--r->pending != 0)
		return;
	round_check_tasks(r);
	r->done(r, r->arg);
}

static void round_without_memory(struct round *r)
{
	r->has_tasks = false;
	if (!error_is(&r->error))
		r->error = (struct error){.errnum = -ENOMEM, .message = "out of memory"};
}

static void round_begin_call(struct round *r, struct aws_request *request,
			     void (*done)(struct aws_reply *reply, void *arg))
{
	if (request && aws_start(r->aws, request, done, r))
		r->pending++;
	else
		round_without_memory(r);
}

static void round_note_denial(struct round *r, enum round_call call, const struct error *err)
{
	r->denied |= 1u << call;
	if (!r->denials[call])
		r->denials[call] = malloc(sizeof(*err));
	if (r->denials[call])
		*r->denials[call] = *err;
}

/*
 * Records the outcome of a call; false: it failed or was denied. Without DescribeStacks' reply the round cannot
 * continue.
 */
static bool round_succeeded(struct round *r, enum round_call call, const struct error *err)
{
	r->asked |= 1u << call;
	if (!error_is(err))
		return true;
	if (rights_are_missing(err) && call != ROUND_STACKS)
		round_note_denial(r, call, err);
	else if (!error_is(&r->error))
		r->error = *err;
	return false;
}

/* -- tasks ----------------------------------------------------------------------------------------------------- */

/* Moves the items of one array to the end of another. */
static void round_move_items(cJSON *to, const cJSON *from)
{
	cJSON *item;

	while (from && (item = cJSON_DetachItemFromArray((cJSON *)from, 0)))
		cJSON_AddItemToArray(to, item);
}

static void round_got_tasks(struct aws_reply *reply, void *arg)
{
	struct round *r = arg;

	r->tasks_answered += cJSON_GetArraySize(aws_at(reply->body, "tasks"));
	r->tasks_answered += cJSON_GetArraySize(aws_at(reply->body, "failures"));
	if (round_succeeded(r, ROUND_TASKS, &reply->error))
		round_move_items(r->tasks, aws_at(reply->body, "tasks"));
	else
		r->has_tasks = false;
	round_call_ended(r);
}

/* Detaching the first item is fast; counting the rest each time would be slow. */
static void round_describe_tasks(struct round *r)
{
	r->has_tasks = true;
	while (r->arns->child) {
		cJSON *some = cJSON_CreateArray();

		if (!some) {
			round_without_memory(r);
			return;
		}
		for (int i = 0; i < TASKS_A_CALL && r->arns->child; i++, r->tasks_asked++)
			cJSON_AddItemToArray(some, cJSON_DetachItemViaPointer(r->arns, r->arns->child));
		round_begin_call(r, ecs_describe_tasks(r->known->cluster, some), round_got_tasks);
	}
}

static void round_got_service(struct aws_reply *reply, void *arg)
{
	struct round *r = arg;
	bool no_cluster = error_has_code(&reply->error, "ClusterNotFoundException");

	if (no_cluster || round_succeeded(r, ROUND_SERVICES, &reply->error)) {
		r->has_service = true;
		r->service = no_cluster ? NULL : move_ptr(reply->body);
	}
	round_call_ended(r);
}

/* Each start or stop of a task changes a list; the details and the service have then changed, too. */
static void round_got_lists(struct round *r)
{
	bool changed = r->lists != r->known->lists;

	if (r->lists_failed)
		return;
	r->known->lists = r->lists;
	if (changed && !(r->parts & SCHEDULE_SERVICE))
		round_begin_call(r, ecs_describe_service(r->known->cluster, SERVICE_NAME), round_got_service);
	if (changed || r->parts & SCHEDULE_DETAILS)
		round_describe_tasks(r);
}

static void round_got_list(struct round *r, struct aws_reply *reply, const char *list)
{
	const cJSON *arn;

	if (error_has_code(&reply->error, "ClusterNotFoundException"))
		r->lists += 1;
	else if (!round_succeeded(r, ROUND_LISTS, &reply->error))
		r->lists_failed = true;
	cJSON_ArrayForEach (arn, aws_at(reply->body, "taskArns"))
		if (cJSON_IsString(arn))
			r->lists += round_hash(round_hash(UINT64_C(0xcbf29ce484222325), list), arn->valuestring);
	round_move_items(r->arns, aws_at(reply->body, "taskArns"));
	r->more_tasks = r->more_tasks || reply->truncated;
	if (--r->lists_pending == 0)
		round_got_lists(r);
	round_call_ended(r);
}

static void round_got_running(struct aws_reply *reply, void *arg)
{
	round_got_list(arg, reply, "RUNNING");
}

static void round_got_stopped(struct aws_reply *reply, void *arg)
{
	round_got_list(arg, reply, "STOPPED");
}

static void round_read_tasks(struct round *r)
{
	const char *cluster = r->known->cluster;

	if (!(r->parts & SCHEDULE_TASKS))
		return;
	if (!cluster || r->known->foreign) {
		r->has_tasks = r->has_service = true; /* there is no cluster, so there are no tasks and no service */
		return;
	}
	r->lists = 1;
	r->lists_pending = 2;
	round_begin_call(r, ecs_list_tasks(cluster, "RUNNING"), round_got_running);
	round_begin_call(r, ecs_list_tasks(cluster, "STOPPED"), round_got_stopped);
	if (r->parts & SCHEDULE_SERVICE)
		round_begin_call(r, ecs_describe_service(cluster, SERVICE_NAME), round_got_service);
}

/* -- the stack ------------------------------------------------------------------------------------------------- */

static void round_got_function(struct aws_reply *reply, void *arg)
{
	struct round *r = arg;

	if (error_has_code(&reply->error, "ResourceNotFoundException") ||
	    round_succeeded(r, ROUND_FUNCTION, &reply->error)) {
		cJSON_Delete(r->known->function);
		r->known->function = error_is(&reply->error) ? NULL : move_ptr(reply->body);
	}
	round_call_ended(r);
}

static void round_read_function(struct round *r)
{
	if (r->known->function_name && r->parts & SCHEDULE_FUNCTION)
		round_begin_call(r, lambda_get_function_configuration(r->known->function_name), round_got_function);
}

static void round_got_storage(struct aws_reply *reply, void *arg)
{
	struct round *r = arg;

	if (error_has_code(&reply->error, "FileSystemNotFound") || round_succeeded(r, ROUND_STORAGE, &reply->error)) {
		r->has_storage = r->known->storage = true;
		r->storage_bytes = aws_integer(reply->body, "FileSystems.0.SizeInBytes.Value", -1);
	}
	round_call_ended(r);
}

/* An operation has everything read again often, and the size is not worth that. */
static void round_read_storage(struct round *r)
{
	bool enough = r->known->storage && snapshot_running_operation(r->before);

	if (r->parts & SCHEDULE_STORAGE && !r->known->foreign && !enough)
		round_begin_call(r, efs_describe_file_systems(r->name), round_got_storage);
}

static char *round_physical_id(const cJSON *resources, const char *type)
{
	const cJSON *item;

	cJSON_ArrayForEach (item, aws_at(resources, "StackResources"))
		if (strcmp(aws_text(item, "ResourceType"), type) == 0 && *aws_text(item, "PhysicalResourceId") &&
		    strcmp(aws_text(item, "ResourceStatus"), "DELETE_COMPLETE") != 0)
			return strdup(aws_text(item, "PhysicalResourceId"));
	return NULL;
}

/* A changed stack may have another cluster and function: everything about them is read. */
static void round_take_resources(struct round *r, cJSON *resources)
{
	struct round_known *k = r->known;

	cJSON_Delete(k->resources);
	k->resources = resources;
	free(k->cluster);
	k->cluster = round_physical_id(resources, "AWS::ECS::Cluster");
	free(k->function_name);
	k->function_name = round_physical_id(resources, "AWS::Lambda::Function");
	if (!k->function_name)
		cJSON_Delete(move_ptr(k->function));
	r->parts |= SCHEDULE_ALL & ~SCHEDULE_STORAGE;
}

static char *round_output(const struct round *r, const char *key)
{
	const cJSON *item;

	cJSON_ArrayForEach (item, aws_at(r->stacks, "Stacks.0.Outputs"))
		if (strcmp(aws_text(item, "OutputKey"), key) == 0)
			return strdup(aws_text(item, "OutputValue"));
	return NULL;
}

/* If the credentials may not list the resources, the outputs of a complete stack name these two. */
static void round_take_outputs(struct round *r)
{
	struct round_known *k = r->known;

	free(k->cluster);
	k->cluster = round_output(r, "ClusterName");
	free(k->function_name);
	k->function_name = round_output(r, "FunctionName");
}

static void round_got_resources(struct aws_reply *reply, void *arg)
{
	struct round *r = arg;

	if (round_succeeded(r, ROUND_RESOURCES, &reply->error)) {
		r->more_resources = reply->truncated;
		round_take_resources(r, move_ptr(reply->body));
	} else if (r->denied & 1u << ROUND_RESOURCES) {
		round_take_outputs(r);
	} else {
		r->known->record = 0; /* read again at the next round */
	}
	round_read_tasks(r);
	round_read_function(r);
	round_call_ended(r);
}

static const char *round_stack_id(const struct round *r)
{
	return aws_text(r->stacks, "Stacks.0.StackId");
}

static void round_got_change_sets(struct aws_reply *reply, void *arg)
{
	struct round *r = arg;

	if (round_succeeded(r, ROUND_CHANGE_SETS, &reply->error))
		r->known->foreign = !stack_review_is_ours(reply->body);
	round_call_ended(r);
}

/*
 * Whether the stack's record differs from the last one, or CloudFormation is working: then resources change although
 * the record does not.
 */
static bool round_note_record(struct round *r, const cJSON *stack)
{
	enum stack_kind kind = stack_state(aws_text(stack, "StackStatus"))->kind;
	char *text = cJSON_PrintUnformatted(stack);
	uint64_t before = r->known->record;

	r->known->record = text ? round_hash(UINT64_C(0xcbf29ce484222325), text) : 0;
	cJSON_free(text);
	return r->all || r->known->record != before || kind == STACK_BUSY || kind == STACK_EMPTY;
}

/* A stack in review has no tags yet. Its change sets show whether vastfs created it. */
static void round_judge_stack(struct round *r, const cJSON *stack)
{
	if (stack_state(aws_text(stack, "StackStatus"))->kind == STACK_EMPTY)
		round_begin_call(r, cloudformation_list_change_sets(round_stack_id(r)), round_got_change_sets);
	else
		r->known->foreign = !stack_is_ours(stack, settings_get(r->before->settings, SETTING_STAGE));
}

static void round_got_stack(struct round *r)
{
	const cJSON *stack = aws_at(r->stacks, "Stacks.0");

	round_judge_stack(r, stack);
	round_read_storage(r);
	if (round_note_record(r, stack)) {
		round_begin_call(r, cloudformation_describe_stack_resources(round_stack_id(r)), round_got_resources);
		return;
	}
	round_read_tasks(r);
	round_read_function(r);
}

static void round_got_stacks(struct aws_reply *reply, void *arg)
{
	struct round *r = arg;

	if (stack_error_is_missing(&reply->error)) {
		r->gone = true;
		r->has_tasks = r->has_service = true;
		round_forget(r->known);
		r->known->settings = settings_ref(r->before->settings);
	} else if (round_succeeded(r, ROUND_STACKS, &reply->error)) {
		r->stacks = move_ptr(reply->body);
		round_got_stack(r);
	}
	round_call_ended(r);
}

/* -- a round --------------------------------------------------------------------------------------------------- */

/* Data about another stack is discarded. */
static void round_recall(struct round *r)
{
	if (r->known->settings == r->before->settings)
		return;
	round_forget(r->known);
	r->known->settings = settings_ref(r->before->settings);
	r->parts = SCHEDULE_ALL;
}

bool round_start(struct aws *aws, struct snapshot *before, unsigned parts, bool all, struct round_known *known,
		 void (*done)(struct round *r, void *arg), void *arg)
{
	struct round *r = aws && before->settings ? calloc(1, sizeof(*r)) : NULL;

	if (!r)
		return false;
	*r = (struct round){.aws = aws_ref(aws),
			    .before = snapshot_ref(before),
			    .parts = parts,
			    .all = all,
			    .known = known,
			    .done = done,
			    .arg = arg,
			    .arns = cJSON_CreateArray(),
			    .tasks = cJSON_CreateArray(),
			    .pending = 1};
	if (!r->arns || !r->tasks) {
		round_free(r);
		return false;
	}
	settings_stack_name(before->settings, r->name);
	round_recall(r);
	if (r->parts & SCHEDULE_STACK)
		round_begin_call(r, cloudformation_describe_stacks(r->name), round_got_stacks);
	else
		round_read_tasks(r);
	round_call_ended(r);
	return true;
}
