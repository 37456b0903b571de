/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * server_wait.c - waits until a server answers.
 *
 * Without a health check ECS only knows that a task's process is alive; with one, healthStatus HEALTHY means that the
 * server's port accepts connections. A service starts another task when one has ended, so any task of the service is
 * waited for; a standalone task is waited for by its ID.
 */
#include "aws/services/ecs.h"
#include "base/clock.h"
#include "stack/container.h"
#include "stack/crash_loop.h"
#include "stack/remedies.h"
#include "stack/server.h"
#include "stack/server_list.h"

#include <string.h>

#define START_LIMIT_MS	(15 * 60 * INT64_C(1000))
#define CLOSED_LIMIT_MS 15000 /* another machine that restarts the server has started it by then */
#define EVENTS_A_LOOK	5

static int64_t wait_timeout_ms(const struct operation *op)
{
	return op->settings->server_start_timeout * INT64_C(1000);
}

static int wait_run(struct operation *op, struct server_wait *w,
		    int (*check)(struct operation *op, void *arg, struct error *err), struct error *err)
{
	int r = operation_wait(op, START_LIMIT_MS + wait_timeout_ms(op), "starting the server", check, w, err);

	return r < 0 ? r : 0;
}

void server_wait_release(struct server_wait *w)
{
	cJSON_Delete(move_ptr(w->reported));
}

/* -- one task -------------------------------------------------------------------------------------------------- */

static int wait_read_definition(struct operation *op, struct server_wait *w, const cJSON *task, struct error *err)
{
	cJSON *reply = NULL;
	int r = operation_call(op, ecs_describe_task_definition(aws_text(task, "taskDefinitionArn")), &reply, err);
	const cJSON *container = container_find(aws_at(reply, "taskDefinition.containerDefinitions"));

	w->checks_health = cJSON_IsObject(aws_at(container, "healthCheck"));
	cJSON_Delete(reply);
	return r;
}

static int wait_turn_to(struct operation *op, struct server_wait *w, const cJSON *task, struct error *err)
{
	if (strcmp(w->id, task_record_id(task)) == 0 && w->reported)
		return 0;
	if (!w->reported)
		w->reported = cJSON_CreateObject();
	if (strcmp(w->id, task_record_id(task)) != 0)
		operation_say(op, "task %s was started", task_record_id(task));
	snprintf(w->id, sizeof(w->id), "%s", task_record_id(task));
	w->running_ms = 0;
	return wait_read_definition(op, w, task, err);
}

static int wait_fail_silent(struct operation *op, const struct server_wait *w, struct error *err)
{
	_buf_ struct buf tail = BUF_INIT(4096);

	server_log_tail(op, w->id, &tail);
	error_set(err, -ETIMEDOUT,
		  "server %s runs, but does not accept connections on port %u after %u s (server_start_timeout)%s%s",
		  w->id, op->settings->vast_port, op->settings->server_start_timeout,
		  tail.len ? "; its log ends: " : "", buf_str(&tail));
	error_remedy(
		err,
		"read tasks/%s/task.log and health: if the server needs longer, set server_start_timeout; else fix "
		"vast_command or vast_port, then touch control/deploy and control/restart-task",
		w->id);
	return err->errnum;
}

static void wait_note_endpoint(const struct operation *op, struct server_wait *w, const cJSON *task)
{
	const cJSON *attachment, *detail;

	cJSON_ArrayForEach (attachment, aws_at(task, "attachments"))
		cJSON_ArrayForEach (detail, aws_at(attachment, "details"))
			if (strcmp(aws_text(detail, "name"), "privateIPv4Address") == 0)
				snprintf(w->endpoint, sizeof(w->endpoint), "%s:%s", aws_text(detail, "value"),
					 operation_parameter(op, "ServerPort"));
}

/* A task that ECS wants to run: OPERATION_DONE once it answers. */
static int wait_judge(struct operation *op, struct server_wait *w, const cJSON *task, struct error *err)
{
	const char *status = aws_text(task, "lastStatus"), *health = container_text(task, "healthStatus");
	int r = wait_turn_to(op, w, task, err);
	int64_t so_far;

	if (r < 0)
		return r;
	op->refresh(op);
	if (strcmp(status, "RUNNING") != 0) {
		job_progress(op->job, op->step, op->steps, "task %s is %s", w->id, status);
		return 0;
	}
	if (!w->running_ms)
		w->running_ms = clock_monotonic_ms();
	if (!w->checks_health || strcmp(health, "HEALTHY") == 0) {
		wait_note_endpoint(op, w, task);
		return OPERATION_DONE;
	}
	so_far = clock_monotonic_ms() - w->running_ms;
	if (so_far >= wait_timeout_ms(op))
		return wait_fail_silent(op, w, err);
	job_progress(op->job, op->step, op->steps,
		     "task %s runs, waiting until it accepts connections (%s): %d s of at most %u s", w->id,
		     *health ? health : "UNKNOWN", (int)(so_far / 1000), op->settings->server_start_timeout);
	return 0;
}

/* -- a task without a service ---------------------------------------------------------------------------------- */

static int wait_check_task(struct operation *op, void *arg, struct error *err)
{
	struct server_wait *w = arg;
	cJSON *task = NULL;
	int r = tasks_describe(op, w->id, &task, err);

	if (r == 0 && !task) {
		job_progress(op->job, op->step, op->steps, "task %s is not listed yet", w->id);
	} else if (r == 0 && task_record_is_live(task)) {
		r = wait_judge(op, w, task, err);
	} else if (r == 0 && task_record_has_stopped(task)) {
		_buf_ struct buf reason = BUF_INIT(4096);

		task_record_put_end(task, &reason);
		snprintf(w->reason, sizeof(w->reason), "%s", buf_str(&reason));
		r = OPERATION_DONE;
	} else if (r == 0) {
		job_progress(op->job, op->step, op->steps, "task %s is stopping: %s", w->id,
			     aws_text(task, "lastStatus"));
	}
	cJSON_Delete(task);
	return r;
}

int server_wait_task(struct operation *op, struct server_wait *w, struct error *err)
{
	return wait_run(op, w, wait_check_task, err);
}

/* -- a task of the service ------------------------------------------------------------------------------------- */

static void wait_report_events(struct operation *op, struct server_wait *w, const cJSON *reply)
{
	const char *messages[EVENTS_A_LOOK];
	unsigned n = service_new_events(reply, w->event, messages, EVENTS_A_LOOK);

	while (n-- > 0)
		job_log(op->job, "ECS: %s", messages[n]);
	snprintf(w->event, sizeof(w->event), "%s", service_last_event_id(reply));
}

static void wait_report_ends(struct operation *op, struct server_wait *w, const struct server_state *s)
{
	double after = s->service.after > w->after ? s->service.after : w->after;
	const cJSON *task;

	if (!w->reported)
		w->reported = cJSON_CreateObject();
	cJSON_ArrayForEach (task, s->tasks) {
		const char *id = task_record_id(task);
		_buf_ struct buf reason = BUF_INIT(4096);

		if (!task_record_has_stopped(task) || task_record_created(task) <= after ||
		    strcmp(task_record_service(task), SERVICE_NAME) != 0 || cJSON_HasObjectItem(w->reported, id))
			continue;
		cJSON_AddTrueToObject(w->reported, id);
		task_record_put_end(task, &reason);
		operation_say(op, "task %s ended: %s", id, buf_str(&reason));
	}
}

static int wait_give_up(struct operation *op, const struct service *s, const cJSON *crashed, struct error *err)
{
	_buf_ struct buf reason = BUF_INIT(4096), tail = BUF_INIT(4096);
	int r;

	task_record_put_end(crashed, &reason);
	if (server_is_too_early(op, buf_str(&reason)))
		return 0;
	r = service_close(op, s, err);
	if (r < 0)
		return r;
	server_log_tail(op, task_record_id(crashed), &tail);
	return crash_loop_error(crashed, buf_str(&tail), err);
}

/* The desired count is 0: another machine that restarts the server sets it for a moment, a user permanently. */
static int wait_judge_closed(struct operation *op, struct server_wait *w, const struct server_state *s,
			     struct error *err)
{
	if (cJSON_GetArraySize(s->servers) > 0 || !w->closed_ms)
		w->closed_ms = clock_monotonic_ms();
	job_progress(op->job, op->step, op->steps, "the service was scaled to 0 meanwhile");
	if (clock_monotonic_ms() - w->closed_ms < CLOSED_LIMIT_MS)
		return 0;
	error_set(err, -EIO, "the server was stopped while it was starting: the service %s was %s", SERVICE_NAME,
		  s->service.state == SERVICE_ACTIVE ? "scaled to 0" : "deleted");
	error_remedy(err, "touch control/run-task");
	return err->errnum;
}

static unsigned wait_count_of_service(const cJSON *servers)
{
	const cJSON *task;
	unsigned n = 0;

	cJSON_ArrayForEach (task, servers)
		n += strcmp(task_record_service(task), SERVICE_NAME) == 0;
	return n;
}

static int wait_judge_service(struct operation *op, struct server_wait *w, const struct server_state *s,
			      struct error *err)
{
	const cJSON *crashed = crash_loop_find(s->tasks, SERVICE_NAME, s->service.after, aws_now_ms(op->aws));
	const cJSON *live = server_list_newest_live(s->servers, SERVICE_NAME, w->after);
	unsigned n = wait_count_of_service(s->servers);

	wait_report_events(op, w, s->service_reply);
	wait_report_ends(op, w, s);
	if (!service_is_wanted(&s->service))
		return wait_judge_closed(op, w, s, err);
	w->closed_ms = 0;
	if (crashed)
		return wait_give_up(op, &s->service, crashed, err);
	if (live && n <= 1)
		return wait_judge(op, w, live, err);
	if (live)
		job_progress(op->job, op->step, op->steps, "waiting until ECS has stopped all tasks but one (%u)", n);
	else
		job_progress(op->job, op->step, op->steps, "waiting until ECS starts a task");
	op->refresh(op);
	return 0;
}

static int wait_check_service(struct operation *op, void *arg, struct error *err)
{
	_server_state_ struct server_state s = {0};
	int r = server_state_read(op, &s, err);

	return r < 0 ? r : wait_judge_service(op, arg, &s, err);
}

/* Stops the service: otherwise ECS would go on starting tasks, which costs money and is easily overlooked. */
static int wait_abandon(struct operation *op, struct server_wait *w, struct error *err)
{
	_server_state_ struct server_state s = {0};
	struct error ignored = {0};
	const char *last = NULL;

	if (server_state_read(op, &s, &ignored) < 0 || w->running_ms)
		return err->errnum;
	service_new_events(s.service_reply, "", &last, 1);
	service_close(op, &s.service, &ignored);
	if (last)
		error_set(err, -ETIMEDOUT, "the server did not start within %d minutes; ECS's last event: %s",
			  (int)(START_LIMIT_MS / 60000), last);
	remedy_apply(err);
	return err->errnum;
}

int server_wait_service(struct operation *op, struct server_wait *w, struct error *err)
{
	int r = wait_run(op, w, wait_check_service, err);

	return r == -ETIMEDOUT ? wait_abandon(op, w, err) : r;
}
