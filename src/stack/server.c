/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * server.c - the operations run-task, restart-task and stop-all-tasks.
 *
 * One database has one server: a server is started only when every other one, even if somebody else started or stopped
 * it, has lastStatus STOPPED. Before an operation starts a server it remembers that, and restart-task also remembers
 * which servers existed before, so that a resumed operation joins its own new server instead of refusing or stopping
 * it.
 */
#include "stack/server.h"

#include "aws/services/efs.h"
#include "base/clock.h"
#include "stack/cost.h"
#include "stack/server_list.h"
#include "stack/states.h"

#include <string.h>

#define MEMORY_STARTING "server-starting" /* a server may have been started by this operation */
#define MEMORY_BEFORE	"server-before"	  /* creation time of the newest task when restart-task began */
#define MEMORY_DEFAULT	"server-default"  /* the default server at that time */

static int server_require_stack(struct operation *op, struct error *err)
{
	int r = operation_read_own_stack(op, err);

	if (r < 0)
		return r;
	snprintf(op->cluster, sizeof(op->cluster), "%s", operation_output(op, "ClusterName"));
	if (op->stack && *op->cluster && *operation_output(op, "TaskDefinitionArn"))
		return 0;
	return stack_refuse_absent(op->name, operation_status(op), err);
}

/* Refuses while the stack is being updated, which may replace the server's network or storage. */
static int server_require_idle_stack(struct operation *op, struct error *err)
{
	int r = server_require_stack(op, err);

	return r < 0 ? r : stack_check_run(op->name, operation_status(op), err);
}

static int server_explain(const struct operation *op, int r, struct error *err)
{
	if (r == 0 || !error_has_code(err, "ClusterNotFoundException"))
		return r;
	return operation_explain_deleted(op, "the ECS cluster", op->cluster, err);
}

/* -- run-task -------------------------------------------------------------------------------------------------- */

static int server_refuse_second(const struct server_state *s, struct error *err)
{
	const cJSON *live = server_list_newest_live(s->servers, NULL, 0);

	if (live)
		error_set(err, -EEXIST, "a server runs already: task %s is %s", task_record_id(live),
			  aws_text(live, "lastStatus"));
	else if (service_is_wanted(&s->service))
		error_set(err, -EEXIST, "a server is starting already: the service %s has a desired count of %u",
			  SERVICE_NAME, s->service.desired);
	else
		return 0;
	error_remedy(err, "touch control/restart-task to replace the server");
	return err->errnum;
}

/* Somebody scaled the service by hand, but one database has one server. */
static int server_undo_scaling(struct operation *op, const struct service *s, struct error *err)
{
	int r = operation_remember(op, MEMORY_STARTING, "1", err);

	if (r < 0)
		return r;
	operation_say(op, "the service %s was scaled to %u by hand: scaling it back to 1", SERVICE_NAME, s->desired);
	buf_printf(&op->result, "the service was scaled to %u by hand; it is back at 1\n", s->desired);
	return service_narrow(op, err);
}

/* 0: no other server is left. 1: another server was running and has been waited for. */
static int server_clear_once(struct operation *op, struct error *err)
{
	_server_state_ struct server_state s = {0};
	int r = server_state_read(op, &s, err);

	if (r == 0)
		r = op->settings->server_restart ? service_check_ours(&s.service, err) : 0;
	if (r < 0)
		return r;
	if (service_is_wanted(&s.service) && s.service.desired > 1)
		return server_undo_scaling(op, &s.service, err);
	r = server_refuse_second(&s, err);
	if (r < 0 || cJSON_GetArraySize(s.servers) == 0)
		return r;
	operation_say(op, "waiting until the server that is stopping has stopped");
	r = tasks_stop(op, s.servers, err);
	return r < 0 ? r : 1;
}

static int server_clear_the_way(struct operation *op, struct error *err)
{
	int r = 1;

	if (*operation_recall(op, MEMORY_STARTING) || strcmp(op->argument, "force") == 0)
		return 0;
	while (r == 1)
		r = server_clear_once(op, err);
	return r;
}

static int server_run(struct operation *op, struct error *err)
{
	int r;

	if (!*operation_recall(op, MEMORY_STARTING)) {
		r = server_check_startable(op, err);
		if (r == 0)
			r = operation_remember(op, MEMORY_STARTING, "1", err);
		if (r < 0)
			return r;
	}
	return server_start(op, 0, err);
}

static const struct operation_step run_steps[] = {
	{"reading the stack", server_require_idle_stack},
	{"checking for a running server", server_clear_the_way},
	{"starting a server", server_run},
};

int operation_run_task(struct operation *op, struct error *err)
{
	return server_explain(op, operation_run_steps(op, run_steps, ARRAY_SIZE(run_steps), err), err);
}

/* -- restart-task ---------------------------------------------------------------------------------------------- */

static double server_before(const struct operation *op)
{
	return strtod(operation_recall(op, MEMORY_BEFORE), NULL);
}

static int server_check_restart(struct operation *op, struct error *err)
{
	_server_state_ struct server_state s = {0};
	char before[32];
	int r;

	if (*operation_recall(op, MEMORY_BEFORE))
		return 0;
	r = server_check_startable(op, err);
	if (r == 0)
		r = server_state_read(op, &s, err);
	if (r == 0 && op->settings->server_restart)
		r = service_check_ours(&s.service, err);
	if (r < 0)
		return r;
	snprintf(before, sizeof(before), "%.6f", server_list_last_created(s.tasks, NULL));
	r = operation_remember(op, MEMORY_DEFAULT, op->default_task, err);
	return r < 0 ? r : operation_remember(op, MEMORY_BEFORE, before, err);
}

/*
 * With efs, all servers that existed when the operation began are stopped. Without it, servers that were started by
 * force beside the default server are left alone.
 */
static bool server_is_to_stop(const struct operation *op, const cJSON *task, const struct service *s)
{
	const char *chosen = operation_recall(op, MEMORY_DEFAULT);

	if (task_record_created(task) > server_before(op))
		return !task_record_is_live(task) && op->settings->efs;
	return op->settings->efs || !*chosen || strcmp(task_record_id(task), chosen) == 0 ||
	       (s->ours && strcmp(task_record_service(task), SERVICE_NAME) == 0);
}

static void server_keep_to_stop(const struct operation *op, cJSON *servers, const struct service *s)
{
	for (int i = cJSON_GetArraySize(servers); i-- > 0;)
		if (!server_is_to_stop(op, cJSON_GetArrayItem(servers, i), s))
			cJSON_DeleteItemFromArray(servers, i);
}

/* 0: the old servers had already stopped. 1: the operation has waited for them. */
static int server_stop_once(struct operation *op, struct error *err)
{
	_server_state_ struct server_state s = {0};
	int r = server_state_read(op, &s, err);

	/* Another machine that restarts the server at the same moment may have started one already. */
	if (r == 0 && !server_list_newest_live(s.servers, NULL, server_before(op)))
		r = service_close(op, &s.service, err);
	if (r < 0)
		return r;
	server_keep_to_stop(op, s.servers, &s.service);
	if (cJSON_GetArraySize(s.servers) == 0)
		return 0;
	r = tasks_stop(op, s.servers, err);
	return r < 0 ? r : 1;
}

static int server_stop(struct operation *op, struct error *err)
{
	int r = 1;

	if (*operation_recall(op, MEMORY_STARTING))
		return 0;
	while (r == 1)
		r = server_stop_once(op, err);
	return r < 0 ? r : operation_remember(op, MEMORY_STARTING, "1", err);
}

static int server_start_again(struct operation *op, struct error *err)
{
	int r = server_start(op, server_before(op), err);

	if (r < 0 && r != -EEXIST && r != -ETIMEDOUT && error_complete(err, r) < 0)
		error_prefix(err, "no server is running now");
	return r;
}

static const struct operation_step restart_steps[] = {
	{"reading the stack", server_require_idle_stack},
	{"checking the task definition", server_check_restart},
	{"stopping the server", server_stop},
	{"starting a server", server_start_again},
};

int operation_restart_task(struct operation *op, struct error *err)
{
	return server_explain(op, operation_run_steps(op, restart_steps, ARRAY_SIZE(restart_steps), err), err);
}

/* -- stop-all-tasks -------------------------------------------------------------------------------------------- */

static int server_put_foreign(struct operation *op, struct error *err)
{
	cJSON *tasks = NULL;
	const cJSON *task;
	int r = tasks_list(op, &tasks, err);

	cJSON_ArrayForEach (task, tasks)
		if (*task_record_service(task))
			buf_printf(&op->result,
				   "task %s belongs to the service %s, which vastfs did not create: left alone\n",
				   task_record_id(task), task_record_service(task));
	cJSON_Delete(tasks);
	return r < 0 && error_has_code(err, "ClusterNotFoundException") ? 0 : r;
}

/* Reports the resources that are billed although no task runs, because they are easily overlooked. */
static void server_put_cost_stopped(struct operation *op, int64_t storage_bytes)
{
	struct cost cost;

	cost_of_settings(op->settings, -1, &cost);
	buf_puts(&op->result, "the NAT gateway and its address still cost money, ");
	cost_put_rate(&cost, cost.stopped_dollars, &op->result);
	if (storage_bytes >= 0) {
		buf_puts(&op->result, ", and so does the storage, ");
		cost_put_storage(aws_region(op->aws), storage_bytes, &op->result);
	} else if (op->settings->efs) {
		buf_puts(&op->result, ", and the storage by its size");
	}
	buf_puts(&op->result, "; touch control/destroy removes the stack and keeps the database\n");
}

static int server_report_cost_stopped(struct operation *op)
{
	cJSON *found = NULL;
	int r = operation_try_or_skip(op, efs_describe_file_systems(op->name), "the size of the file system", &found);

	if (r == 0)
		server_put_cost_stopped(op, aws_integer(found, "FileSystems.0.SizeInBytes.Value", -1));
	cJSON_Delete(found);
	return r;
}

static int server_stop_all(struct operation *op, struct error *err)
{
	unsigned n = 0;
	int r = tasks_stop_all(op, &n, err);

	if (r < 0)
		return r;
	buf_printf(&op->result, "%u task%s stopped\n", n, n == 1 ? "" : "s");
	r = server_report_cost_stopped(op);
	return r < 0 ? r : server_put_foreign(op, err);
}

static const struct operation_step stop_steps[] = {
	{"reading the stack", server_require_stack},
	{"stopping all tasks", server_stop_all},
};

int operation_stop_all_tasks(struct operation *op, struct error *err)
{
	return operation_run_steps(op, stop_steps, ARRAY_SIZE(stop_steps), err);
}

/* -- functions for deploy and destroy -------------------------------------------------------------------------- */

int server_remove(struct operation *op, struct error *err)
{
	unsigned n;
	int r = service_delete(op, err);

	if (r == 0)
		r = tasks_stop_all(op, &n, err);
	return r < 0 ? r : service_wait_gone(op, err);
}

int server_is_used(struct operation *op, bool *ret, struct error *err)
{
	_server_state_ struct server_state s = {0};
	const cJSON *task;
	int r = server_state_read(op, &s, err);

	*ret = service_is_wanted(&s.service);
	cJSON_ArrayForEach (task, s.tasks)
		*ret |= !task_record_has_stopped(task);
	return r;
}

int server_put_advice(struct operation *op, struct error *err)
{
	const char *current = operation_output(op, "TaskDefinitionArn");
	_server_state_ struct server_state s = {0};
	const cJSON *live;
	int r = server_state_read(op, &s, err);

	if (r < 0)
		return r;
	live = server_list_newest_live(s.servers, NULL, 0);
	if (live && strcmp(aws_text(live, "taskDefinitionArn"), current) != 0)
		buf_puts(&op->result, "server outdated, touch control/restart-task\n");
	else if (!live && !service_is_wanted(&s.service))
		buf_puts(&op->result, cJSON_GetArraySize(s.servers) > 0
					      ? "the server is stopping, touch control/restart-task to start another\n"
					      : "no server is running, touch control/run-task\n");
	return 0;
}
