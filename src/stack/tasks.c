/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * tasks.c - lists the tasks of the stack's cluster, stops them, and waits until they have stopped.
 */
#include "aws/services/ecs.h"
#include "base/clock.h"
#include "base/json.h"
#include "stack/server.h"
#include "stack/server_list.h"

#include <string.h>

#define STOP_TIMEOUT_S 120 /* the template's stopTimeout: from SIGTERM to SIGKILL */
#define STOP_LIMIT_MS  ((STOP_TIMEOUT_S + 180) * INT64_C(1000))
#define STOP_ROUNDS    5 /* rounds of stop-all, because tasks may be started meanwhile */

/* -- listing --------------------------------------------------------------------------------------------------- */

/* Takes DescribeTasks' reply to a request for n tasks. A task that the reply omits must not count as stopped. */
static int tasks_take(cJSON *reply, int n, cJSON *tasks, struct error *err)
{
	int answered = cJSON_GetArraySize(aws_at(reply, "tasks")) + cJSON_GetArraySize(aws_at(reply, "failures"));
	cJSON *task;

	if (answered < n)
		return error_set(err, -EIO, "ecs DescribeTasks described only %d of %d tasks", answered, n);
	while ((task = cJSON_DetachItemFromArray(cJSON_GetObjectItem(reply, "tasks"), 0)))
		cJSON_AddItemToArray(tasks, task);
	return 0;
}

static int tasks_describe_all(struct operation *op, cJSON *arns, cJSON *tasks, struct error *err)
{
	while (cJSON_GetArraySize(arns) > 0) {
		int r = 0, n = 0;
		cJSON *some = json_array(&r), *reply = NULL;

		if (r < 0)
			return r;
		for (; n < ECS_DESCRIBE_TASKS_MAX && cJSON_GetArraySize(arns) > 0; n++)
			cJSON_AddItemToArray(some, cJSON_DetachItemFromArray(arns, 0));
		r = operation_call(op, ecs_describe_tasks(op->cluster, some), &reply, err);
		if (r == 0)
			r = tasks_take(reply, n, tasks, err);
		cJSON_Delete(reply);
		if (r < 0)
			return r;
	}
	return 0;
}

int tasks_describe(struct operation *op, const char *arn, cJSON **ret_task, struct error *err)
{
	int r = 0;
	cJSON *arns = json_array(&r), *tasks = json_array(&r);

	json_append_text(&r, arns, arn);
	if (r == 0)
		r = tasks_describe_all(op, arns, tasks, err);
	*ret_task = cJSON_DetachItemFromArray(tasks, 0);
	cJSON_Delete(arns);
	cJSON_Delete(tasks);
	return r;
}

/*
 * After StopTask a task is listed under STOPPED although its containers run for up to the stop timeout, so both lists
 * are read.
 */
int tasks_read(struct operation *op, cJSON **ret_tasks, struct error *err)
{
	static const char *const statuses[] = {"RUNNING", "STOPPED"};
	int r = 0;

	*ret_tasks = json_array(&r);
	for (size_t i = 0; i < ARRAY_SIZE(statuses) && r == 0; i++) {
		cJSON *reply = NULL;

		r = operation_call(op, ecs_list_tasks(op->cluster, statuses[i]), &reply, err);
		if (r == 0)
			r = tasks_describe_all(op, cJSON_GetObjectItem(reply, "taskArns"), *ret_tasks, err);
		cJSON_Delete(reply);
	}
	return r;
}

static void tasks_drop_stopped(cJSON *tasks)
{
	for (int i = cJSON_GetArraySize(tasks); i-- > 0;)
		if (task_record_has_stopped(cJSON_GetArrayItem(tasks, i)))
			cJSON_DeleteItemFromArray(tasks, i);
}

int tasks_list(struct operation *op, cJSON **ret_tasks, struct error *err)
{
	int r = tasks_read(op, ret_tasks, err);

	tasks_drop_stopped(*ret_tasks);
	return r;
}

/* -- stopping -------------------------------------------------------------------------------------------------- */

struct stopping {
	cJSON *arns; /* strings: the ARNs of the tasks that have not stopped */
	int64_t begun_ms;
};

static void tasks_report_stopping(struct operation *op, const struct stopping *s, const cJSON *task)
{
	int others = cJSON_GetArraySize(s->arns) - 1;
	char more[32] = "";

	if (others > 0)
		snprintf(more, sizeof(more), " and %d more", others);
	job_progress(op->job, op->step, op->steps,
		     "waiting for task %s%s to stop (%s): %d s so far, the server has up to %d s", task_record_id(task),
		     more, aws_text(task, "lastStatus"), (int)((clock_monotonic_ms() - s->begun_ms) / 1000),
		     STOP_TIMEOUT_S);
}

/* A task that is no longer listed stopped more than an hour ago. */
static int tasks_check_stopped(struct operation *op, void *arg, struct error *err)
{
	struct stopping *s = arg;
	int r = 0;
	cJSON *asked = cJSON_Duplicate(s->arns, true), *tasks = json_array(&r), *left = json_array(&r);
	const cJSON *task;

	if (!asked)
		r = -ENOMEM;
	if (r == 0)
		r = tasks_describe_all(op, asked, tasks, err);
	tasks_drop_stopped(tasks);
	cJSON_ArrayForEach (task, tasks)
		json_append_text(&r, left, aws_text(task, "taskArn"));
	if (r == 0) {
		cJSON_Delete(s->arns);
		s->arns = move_ptr(left);
		if (tasks->child)
			tasks_report_stopping(op, s, tasks->child);
		r = tasks->child ? 0 : OPERATION_DONE;
	}
	cJSON_Delete(left);
	cJSON_Delete(asked);
	cJSON_Delete(tasks);
	return r;
}

/* A task that ECS no longer knows counts as stopped. */
static int tasks_tell_to_stop(struct operation *op, const cJSON *task, struct error *err)
{
	int r;

	if (!task_record_is_live(task))
		return 0;
	job_log(op->job, "stopping task %s", task_record_id(task));
	r = operation_call(op, ecs_stop_task(op->cluster, aws_text(task, "taskArn"), "stopped by vastfs"), NULL, err);
	if (r < 0 && strstr(err->message, "task was not found"))
		r = 0;
	return r;
}

int tasks_stop(struct operation *op, const cJSON *tasks, struct error *err)
{
	int r = 0;
	struct stopping s = {.arns = json_array(&r), .begun_ms = clock_monotonic_ms()};
	const cJSON *task;

	cJSON_ArrayForEach (task, tasks) {
		if (r == 0)
			r = tasks_tell_to_stop(op, task, err);
		json_append_text(&r, s.arns, aws_text(task, "taskArn"));
	}
	op->refresh(op);
	if (r >= 0 && cJSON_GetArraySize(s.arns) > 0)
		r = operation_wait(op, STOP_LIMIT_MS, "stopping the tasks", tasks_check_stopped, &s, err);
	cJSON_Delete(s.arns);
	return r < 0 ? r : 0;
}

/* -- stopping all tasks ---------------------------------------------------------------------------------------- */

/*
 * Tasks of a service that vastfs did not create are left alone, because it would only start others. The tasks of
 * vastfs's own service are stopped even if that service is deleted.
 */
static bool tasks_is_of_foreign_service(const cJSON *task, const struct service *s)
{
	const char *name = task_record_service(task);

	if (strcmp(name, SERVICE_NAME) == 0)
		return s->state != SERVICE_NONE && !s->ours;
	return *name != '\0';
}

static void tasks_drop_foreign(cJSON *tasks, const struct service *s)
{
	for (int i = cJSON_GetArraySize(tasks); i-- > 0;)
		if (tasks_is_of_foreign_service(cJSON_GetArrayItem(tasks, i), s))
			cJSON_DeleteItemFromArray(tasks, i);
}

/* One round; *ret_n is the number of tasks that had to be stopped. */
static int tasks_stop_round(struct operation *op, unsigned *ret_n, struct error *err)
{
	_server_state_ struct server_state state = {0};
	int r = server_state_read(op, &state, err);

	if (r == 0)
		r = service_close(op, &state.service, err);
	if (r < 0)
		return r;
	tasks_drop_stopped(state.tasks);
	tasks_drop_foreign(state.tasks, &state.service);
	*ret_n = (unsigned)cJSON_GetArraySize(state.tasks);
	return tasks_stop(op, state.tasks, err);
}

int tasks_stop_all(struct operation *op, unsigned *ret_n, struct error *err)
{
	unsigned n = 1;

	*ret_n = 0;
	for (unsigned round = 0; round < STOP_ROUNDS && n; round++) {
		int r = tasks_stop_round(op, &n, err);

		if (r < 0)
			return error_has_code(err, "ClusterNotFoundException") ? 0 : r;
		*ret_n += n;
	}
	if (!n)
		return 0;
	error_set(err, -EIO, "tasks are started again as fast as they are stopped");
	error_remedy(err, "find out who starts them: run grep startedBy tasks/*/task.json");
	return err->errnum;
}
