/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * watch.c - polls AWS: reads the stack, its resources, its function and its tasks. Engine thread.
 *
 * A round is a chain of calls on the engine thread, each started by the completion of the one before:
 *
 *   DescribeStacks -> ListChangeSets (in review only, to see who created it)
 *                  -> DescribeStackResources -> ListTasks (running, stopped) -> DescribeTasks...
 *                                            -> DescribeServices
 *                                            -> GetFunctionConfiguration
 *
 * It ends by publishing one snapshot. Without a stack nothing is polled.
 */
#include "aws/services/cloudformation.h"
#include "aws/services/ecs.h"
#include "aws/services/lambda.h"
#include "base/clock.h"
#include "model/internal.h"
#include "stack/changeset.h"
#include "stack/ownership.h"
#include "stack/remedies.h"

#include <assert.h>
#include <string.h>

#define TASK_MOVING_MS	1000   /* while a task starts or stops */
#define STACK_MOVING_MS 3000   /* while CloudFormation works; vastfs's own operations poll more often */
#define IDLE_MS		15000  /* changes by somebody else appear within 30 s */
#define EXPECT_MS	120000 /* ECS replaces a server that has ended within this time, or much later */
#define RETRY_MIN_MS	2000
#define RETRY_MAX_MS	30000
#define TASKS_A_CALL	100 /* DescribeTasks' limit */

static_assert(VIEW_TASKS_MOST == AWS_ENTRIES_MOST && VIEW_RESOURCES_MOST == AWS_RESOURCES_MOST,
	      "the message about left-out entries must match the limits of the calls");

struct watch_waiter {
	struct list link;
	void (*done)(void *arg);
	void *arg;
};

/* The replies that a round has read so far. */
struct watch_round {
	struct watch *watch;
	struct aws *aws;
	struct snapshot *before;
	char name[SETTINGS_STACK_SIZE];
	char *cluster, *function_name;
	unsigned pending; /* calls of the round that are under way */
	cJSON *stacks, *resources, *function, *service;
	cJSON *arns;			 /* of the tasks, as strings */
	cJSON *tasks;			 /* of all DescribeTasks replies */
	bool more_resources, more_tasks; /* AWS has more than were read */
	struct error error;		 /* the first failure */
	bool gone;			 /* there is no such stack */
	bool foreign;			 /* vastfs did not create it */
};

struct watch {
	struct model *model;
	struct engine_timer timer;
	struct watch_round *round; /* NULL: none is running */
	struct list waiting;	   /* callbacks for the end of the running round */
	struct list next;	   /* callbacks for the end of the next round */
	bool again;		   /* another round is wanted as soon as this one ends */
	int64_t retry_ms;
};

static void watch_start_round(struct watch *watch);

/* -- the end of a round ---------------------------------------------------------------------------------------- */

static void watch_round_free(struct watch_round *r)
{
	if (!r)
		return;
	aws_unref(r->aws);
	snapshot_unref(r->before);
	free(r->cluster);
	free(r->function_name);
	cJSON_Delete(r->stacks);
	cJSON_Delete(r->resources);
	cJSON_Delete(r->function);
	cJSON_Delete(r->service);
	cJSON_Delete(r->arns);
	cJSON_Delete(r->tasks);
	free(r);
}

static const char *watch_task_family(const struct stack_view *stack)
{
	const char *family = stack_view_output(stack, "TaskFamily");

	return family ? family : "";
}

static const char *watch_server_port(const struct snapshot *s, const struct stack_view *stack)
{
	const char *port = stack_view_parameter(stack, "ServerPort");

	return port ? port : settings_get(s->settings, SETTING_VAST_PORT);
}

static int watch_edit_seen(struct snapshot *s, void *arg)
{
	struct watch_round *r = arg;
	struct stack_view *stack;
	struct task_list *tasks;

	if (s->settings != r->before->settings)
		return -ESTALE; /* the settings have changed since: the replies are about another stack */
	stack = stack_view_parse(r->name, r->foreign, r->gone ? NULL : r->stacks, r->resources, r->function, s->stack);
	tasks = stack ? task_list_parse(r->tasks, watch_server_port(s, stack), watch_task_family(stack), s->tasks)
		      : NULL;
	if (!stack || !tasks) {
		stack_view_unref(stack);
		return -ENOMEM;
	}
	stack_view_unref(s->stack);
	s->stack = stack;
	task_list_unref(s->tasks);
	s->tasks = tasks;
	s->more_resources = r->more_resources;
	s->more_tasks = r->more_tasks;
	s->service = service_parse(r->service, settings_get(s->settings, SETTING_STAGE));
	s->contact_ms = clock_wall_ms();
	s->contact_monotonic_ms = clock_monotonic_ms();
	s->contact_error = r->error;
	return 0;
}

static int watch_edit_failed(struct snapshot *s, void *arg)
{
	const struct watch_round *r = arg;

	s->contact_error = r->error;
	return 0;
}

static bool watch_operation_runs(const struct snapshot *s)
{
	struct job *last = job_list_last(s->operations);
	_cleanup_(job_view_unref_cleanup) struct job_view *v = last ? job_view(last) : NULL;

	return v && !job_state_ended(v->state);
}

/* Reported in error also for tasks that were started elsewhere. A running operation reports its own tasks. */
static void watch_report_failed_start(struct model *m, const struct task *t, const struct snapshot *now)
{
	char path[128];
	struct error err;

	if (!t->stop_code || strcmp(t->stop_code, "TaskFailedToStart") != 0 || watch_operation_runs(now))
		return;
	error_set(&err, -EIO, "ECS could not start a task: %s",
		  t->stopped_reason ? t->stopped_reason : "AWS gives no reason");
	remedy_apply(&err);
	snprintf(path, sizeof(path), "tasks/%s", t->id);
	failures_add(m->failures, &(struct failure_site){.path = path}, &err);
}

static bool watch_has_new_status(const struct task *t, const struct task *was)
{
	return t->status && (!was || !was->status || strcmp(was->status, t->status) != 0);
}

/* A task may run on without a container that others have injected, so the reason would go unnoticed. */
static void watch_report_injected(struct model *m, const struct task *t, const struct task *was)
{
	char path[128];
	struct error err;

	if (!t->foreign_failure || (was && was->foreign_failure))
		return;
	error_set(&err, -EIO, "task %s: %s", t->id, t->foreign_failure);
	error_remedy(&err, "contact the organisation that injects this container into the tasks of this account; the "
			   "server is the container vast-server");
	snprintf(path, sizeof(path), "tasks/%s", t->id);
	failures_add(m->failures, &(struct failure_site){.path = path}, &err);
	model_event(m, "%s", err.message);
}

static void watch_report_status(struct model *m, const struct task *t)
{
	bool ended = t->exit_code && strcmp(t->status, "STOPPED") == 0;

	model_event(m, "task %s: %s%s%s%s%s", t->id, t->status, ended ? ", exit code " : "", ended ? t->exit_code : "",
		    t->stopped_reason ? ", " : "", t->stopped_reason ? t->stopped_reason : "");
}

static void watch_report_changes(struct model *m, const struct snapshot *old, const struct snapshot *new)
{
	const char *before = old->stack->status ? old->stack->status : "", *now = new->stack->status;

	if (strcmp(before, now ? now : "") != 0)
		model_event(m, "stack %s: %s", new->stack->name, now ? now : "gone");
	for (size_t i = 0; i < new->tasks->n; i++) {
		const struct task *t = &new->tasks->tasks[i], *was = task_list_find(old->tasks, t->id);

		if (task_is_live(t))
			watch_report_injected(m, t, was);
		if (!watch_has_new_status(t, was))
			continue;
		watch_report_status(m, t);
		if (old->contact_ms &&
		    strcmp(t->status, "STOPPED") == 0) /* else it stopped before vastfs was started */
			watch_report_failed_start(m, t, new);
	}
}

static bool watch_task_changes(const struct task *t)
{
	return t->status && strcmp(t->status, "STOPPED") != 0 &&
	       (strcmp(t->status, "RUNNING") != 0 || !task_is_live(t));
}

/* Whether ECS is about to start a server: it does so at once, or after minutes if the server failed repeatedly. */
static bool watch_expects_server(const struct snapshot *s)
{
	int64_t changed_ms = s->tasks->changed_ms;

	for (size_t i = 0; i < s->tasks->n; i++) {
		const struct task *t = &s->tasks->tasks[i];

		if (t->server && task_is_live(t))
			return false;
		if (t->changed_ms > changed_ms)
			changed_ms = t->changed_ms;
	}
	return service_is_wanted(&s->service) && clock_wall_ms() - changed_ms <= EXPECT_MS;
}

static bool watch_tasks_change(const struct snapshot *s)
{
	if (watch_expects_server(s))
		return true;
	for (size_t i = 0; i < s->tasks->n; i++)
		if (watch_task_changes(&s->tasks->tasks[i]))
			return true;
	return false;
}

/* Returns the milliseconds until the next round, or -1: no round without a request. */
static int64_t watch_next_delay(struct watch *watch, const struct watch_round *r, const struct snapshot *now)
{
	if (watch->again)
		return 0;
	if (!now->settings)
		return -1;
	if (error_is(&r->error) && (!r->stacks || now->stack->exists)) {
		watch->retry_ms = watch->retry_ms ? watch->retry_ms * 2 : RETRY_MIN_MS;
		if (watch->retry_ms > RETRY_MAX_MS)
			watch->retry_ms = RETRY_MAX_MS;
		return watch->retry_ms;
	}
	watch->retry_ms = 0;
	if (!now->stack->exists)
		return -1;
	if (watch_tasks_change(now))
		return TASK_MOVING_MS;
	return stack_state(now->stack->status)->kind == STACK_BUSY ? STACK_MOVING_MS : IDLE_MS;
}

static void watch_call_waiters(struct list *waiters)
{
	list_for_each_safe (l, next, waiters) {
		struct watch_waiter *waiter = container_of(l, struct watch_waiter, link);

		list_remove(l);
		waiter->done(waiter->arg);
		free(waiter);
	}
}

static void watch_timer_fired(void *arg)
{
	struct watch *watch = arg;

	if (!watch->round)
		watch_start_round(watch);
}

/* Reports a failure once, not again at every retry. */
static void watch_report_failure(struct model *m, const struct watch_round *r)
{
	struct error err = r->error;

	if (err.errnum == -ECANCELED || strcmp(err.message, r->before->contact_error.message) == 0)
		return;
	error_prefix(&err, "cannot read the stack");
	failures_add(m->failures, &(struct failure_site){.path = "status"}, &err);
	model_event(m, "%s", err.message);
}

static void watch_end_round(struct watch_round *r)
{
	struct watch *watch = r->watch;
	struct model *m = watch->model;
	_cleanup_(snapshot_unref_cleanup) struct snapshot *now = NULL;
	bool answered = r->stacks || r->gone;
	int64_t delay;

	if (model_publish(m, answered ? watch_edit_seen : watch_edit_failed, r) == -ESTALE)
		watch->again = true;
	now = model_snapshot(m);
	if (answered && now->contact_ms) {
		watch_report_changes(m, r->before, now);
		if (error_is(&r->before->contact_error) && !error_is(&r->error))
			discover_retry(m);
		external_follow(m, now);
		deployed_follow(m, now);
		crash_loop_judge(m, now, r->tasks);
	}
	if (error_is(&r->error))
		watch_report_failure(m, r);
	delay = watch_next_delay(watch, r, now);
	watch->round = NULL;
	watch->again = false;
	watch_round_free(r);
	watch_call_waiters(&watch->waiting);
	list_splice(&watch->waiting, &watch->next);
	if (delay >= 0)
		engine_timer_set(m->engine, &watch->timer, delay, watch_timer_fired, watch);
}

/* -- the calls of a round -------------------------------------------------------------------------------------- */

static void watch_call_ended(struct watch_round *r)
{
	if (--r->pending == 0)
		watch_end_round(r);
}

static void watch_note_error(struct watch_round *r, const struct error *err)
{
	if (!error_is(&r->error))
		r->error = *err;
}

static void watch_begin_call(struct watch_round *r, struct aws_request *request,
			     void (*done)(struct aws_reply *reply, void *arg))
{
	if (!request || !aws_start(r->aws, request, done, r)) {
		watch_note_error(r, &(struct error){.errnum = -ENOMEM, .message = "out of memory"});
		return;
	}
	r->pending++;
}

/* Moves the items of one array to the end of another. */
static void watch_move_items(cJSON *to, const cJSON *from)
{
	cJSON *item;

	while (from && (item = cJSON_DetachItemFromArray((cJSON *)from, 0)))
		cJSON_AddItemToArray(to, item);
}

static void watch_got_tasks(struct aws_reply *reply, void *arg)
{
	struct watch_round *r = arg;

	if (error_is(&reply->error))
		watch_note_error(r, &reply->error);
	else
		watch_move_items(r->tasks, aws_at(reply->body, "tasks"));
	watch_call_ended(r);
}

/* Detaching the first item is fast; counting the rest each time would be slow. */
static void watch_describe_tasks(struct watch_round *r)
{
	while (r->arns->child) {
		cJSON *some = cJSON_CreateArray();

		if (!some) {
			watch_note_error(r, &(struct error){.errnum = -ENOMEM, .message = "out of memory"});
			return;
		}
		for (int i = 0; i < TASKS_A_CALL && r->arns->child; i++)
			cJSON_AddItemToArray(some, cJSON_DetachItemViaPointer(r->arns, r->arns->child));
		watch_begin_call(r, ecs_describe_tasks(r->cluster, some), watch_got_tasks);
	}
}

static void watch_got_task_arns(struct aws_reply *reply, void *arg)
{
	struct watch_round *r = arg;

	if (!error_is(&reply->error)) {
		watch_move_items(r->arns, aws_at(reply->body, "taskArns"));
		r->more_tasks = r->more_tasks || reply->truncated;
		watch_describe_tasks(r);
	} else if (!error_has_code(&reply->error, "ClusterNotFoundException")) {
		watch_note_error(r, &reply->error);
	}
	watch_call_ended(r);
}

static void watch_got_service(struct aws_reply *reply, void *arg)
{
	struct watch_round *r = arg;

	if (!error_is(&reply->error))
		r->service = move_ptr(reply->body);
	else if (!error_has_code(&reply->error, "ClusterNotFoundException"))
		watch_note_error(r, &reply->error);
	watch_call_ended(r);
}

static void watch_got_function(struct aws_reply *reply, void *arg)
{
	struct watch_round *r = arg;

	if (!error_is(&reply->error))
		r->function = move_ptr(reply->body);
	else if (!error_has_code(&reply->error, "ResourceNotFoundException"))
		watch_note_error(r, &reply->error);
	watch_call_ended(r);
}

static char *watch_physical_id(const cJSON *resources, const char *type)
{
	const cJSON *item;

	cJSON_ArrayForEach (item, aws_at(resources, "StackResources"))
		if (strcmp(aws_text(item, "ResourceType"), type) == 0 && *aws_text(item, "PhysicalResourceId") &&
		    strcmp(aws_text(item, "ResourceStatus"), "DELETE_COMPLETE") != 0)
			return strdup(aws_text(item, "PhysicalResourceId"));
	return NULL;
}

static void watch_got_resources(struct aws_reply *reply, void *arg)
{
	struct watch_round *r = arg;

	if (error_is(&reply->error)) {
		watch_note_error(r, &reply->error);
		watch_call_ended(r);
		return;
	}
	r->resources = move_ptr(reply->body);
	r->more_resources = reply->truncated;
	r->cluster = watch_physical_id(r->resources, "AWS::ECS::Cluster");
	r->function_name = watch_physical_id(r->resources, "AWS::Lambda::Function");
	if (r->cluster && !r->foreign) {
		watch_begin_call(r, ecs_list_tasks(r->cluster, "RUNNING"), watch_got_task_arns);
		watch_begin_call(r, ecs_list_tasks(r->cluster, "STOPPED"), watch_got_task_arns);
		watch_begin_call(r, ecs_describe_service(r->cluster, SERVICE_NAME), watch_got_service);
	}
	if (r->function_name)
		watch_begin_call(r, lambda_get_function_configuration(r->function_name), watch_got_function);
	watch_call_ended(r);
}

static const char *watch_stack_id(const struct watch_round *r)
{
	return aws_text(r->stacks, "Stacks.0.StackId");
}

static void watch_got_change_sets(struct aws_reply *reply, void *arg)
{
	struct watch_round *r = arg;

	if (error_is(&reply->error))
		watch_note_error(r, &reply->error);
	else
		r->foreign = !stack_review_is_ours(reply->body);
	watch_call_ended(r);
}

/* A stack in review has no tags yet. Its change sets show whether vastfs created it. */
static void watch_judge_stack(struct watch_round *r, const cJSON *stack)
{
	if (stack_state(aws_text(stack, "StackStatus"))->kind == STACK_EMPTY)
		watch_begin_call(r, cloudformation_list_change_sets(watch_stack_id(r)), watch_got_change_sets);
	else
		r->foreign = !stack_is_ours(stack, settings_get(r->before->settings, SETTING_STAGE));
}

static void watch_got_stacks(struct aws_reply *reply, void *arg)
{
	struct watch_round *r = arg;

	if (!error_is(&reply->error)) {
		r->stacks = move_ptr(reply->body);
		watch_judge_stack(r, aws_at(r->stacks, "Stacks.0"));
		watch_begin_call(r, cloudformation_describe_stack_resources(watch_stack_id(r)), watch_got_resources);
	} else if (stack_error_is_missing(&reply->error)) {
		r->gone = true;
	} else {
		watch_note_error(r, &reply->error);
	}
	watch_call_ended(r);
}

static struct watch_round *watch_round_new(struct watch *watch)
{
	struct watch_round *r = calloc(1, sizeof(*r));

	if (!r)
		return NULL;
	r->watch = watch;
	r->before = model_snapshot(watch->model);
	r->aws = model_aws(watch->model);
	r->arns = cJSON_CreateArray();
	r->tasks = cJSON_CreateArray();
	if (r->arns && r->tasks)
		return r;
	watch_round_free(r);
	return NULL;
}

static void watch_start_round(struct watch *watch)
{
	struct watch_round *r = watch_round_new(watch);

	engine_timer_cancel(&watch->timer);
	if (!r || !r->aws || !r->before->settings) {
		watch_round_free(r);
		watch_call_waiters(&watch->waiting);
		return;
	}
	watch->round = r;
	settings_stack_name(r->before->settings, r->name);
	r->pending = 1;
	watch_begin_call(r, cloudformation_describe_stacks(r->name), watch_got_stacks);
	watch_call_ended(r);
}

/* -- asking for one -------------------------------------------------------------------------------------------- */

struct watch_request {
	struct watch *watch;
	struct watch_waiter *waiter;
};

static void watch_take_request(void *arg)
{
	struct watch_request *request = arg;
	struct watch *watch = request->watch;

	if (request->waiter)
		list_append(watch->round ? &watch->next : &watch->waiting, &request->waiter->link);
	free(request);
	if (watch->round)
		watch->again = true;
	else
		watch_start_round(watch);
}

static struct watch_waiter *watch_waiter_new(void (*done)(void *arg), void *arg)
{
	struct watch_waiter *waiter = calloc(1, sizeof(*waiter));

	if (waiter) {
		waiter->done = done;
		waiter->arg = arg;
	}
	return waiter;
}

void watch_now(struct model *m, void (*done)(void *arg), void *arg)
{
	struct watch_waiter *waiter = done ? watch_waiter_new(done, arg) : NULL;
	struct watch_request *request = calloc(1, sizeof(*request));

	if (request && (waiter || !done) && !atomic_load(&m->stopping)) {
		*request = (struct watch_request){m->watch, waiter};
		if (engine_post(m->engine, watch_take_request, request) == 0)
			return;
	}
	free(request);
	free(waiter);
	if (done)
		done(arg);
}

/* -- life ------------------------------------------------------------------------------------------------------ */

int watch_new(struct model *m, struct watch **ret)
{
	struct watch *watch = calloc(1, sizeof(*watch));

	if (!watch)
		return -ENOMEM;
	watch->model = m;
	list_init(&watch->waiting);
	list_init(&watch->next);
	*ret = watch;
	return 0;
}

/* The engine has stopped and has completed its calls with -ECANCELED, so no round is running. */
void watch_free(struct watch *watch)
{
	if (!watch)
		return;
	watch_call_waiters(&watch->waiting);
	watch_call_waiters(&watch->next);
	free(watch);
}
