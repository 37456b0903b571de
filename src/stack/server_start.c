/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * server_start.c - starts a server: by a service that ECS keeps running, or as a standalone task.
 */
#include "aws/services/ecs.h"
#include "aws/sign.h"
#include "base/clock.h"
#include "stack/remedies.h"
#include "stack/server.h"
#include "stack/server_list.h"

#include <string.h>

#define SEEN_MAX	      ((size_t)8 << 20) /* enough bytes for the ARNs of 10,000 tasks */
#define MOUNT_TARGET_YOUNG_MS 180000		/* age of a mount target whose DNS name may not resolve yet */
#define START_TRIES	      3
#define TRY_PAUSE_MS	      5000

static bool start_is_forced(const struct operation *op)
{
	return strcmp(op->argument, "force") == 0;
}

/* -- a standalone task ----------------------------------------------------------------------------------------- */

/*
 * Machines that race see the same tasks, send the same token, and so get the same task. Stopped tasks count, too,
 * because ECS returns the old task for a token that it knows. A forced start is meant to add a task: its token is made
 * from the operation's token, so that only a resumed operation gets the same task.
 */
static int start_make_token(const struct operation *op, const cJSON *tasks, unsigned attempt,
			    char out[static AWS_SHA256_HEX])
{
	_buf_ struct buf seen = BUF_INIT(SEEN_MAX);
	const cJSON *task;

	buf_printf(&seen, "%s %s %u", operation_output(op, "ClusterArn"), operation_output(op, "TaskDefinitionArn"),
		   attempt);
	if (start_is_forced(op))
		buf_printf(&seen, " %s", op->token);
	else
		cJSON_ArrayForEach (task, tasks)
			buf_printf(&seen, " %s", aws_text(task, "taskArn"));
	return seen.error ? seen.error : aws_sha256_hex(seen.data, seen.len, out);
}

static int start_run_task(struct operation *op, unsigned attempt, struct server_wait *w, struct error *err)
{
	char token[AWS_SHA256_HEX];
	struct ecs_server server = {.cluster = op->cluster,
				    .task_definition = operation_output(op, "TaskDefinitionArn"),
				    .subnet = operation_output(op, "PrivateSubnetId"),
				    .security_group = operation_output(op, "ServerSecurityGroupId"),
				    .stage = settings_get(op->settings, SETTING_STAGE),
				    .client_token = token};
	cJSON *tasks = NULL, *reply = NULL;
	int r = tasks_read(op, &tasks, err);

	if (r == 0)
		r = start_make_token(op, tasks, attempt, token);
	cJSON_Delete(tasks);
	if (r == 0)
		r = operation_call(op, ecs_run_task(&server), &reply, err);
	if (r == 0 && !*aws_text(reply, "tasks.0.taskArn"))
		r = error_set(err, -EIO, "ECS started no task: %s %s", aws_text(reply, "failures.0.reason"),
			      aws_text(reply, "failures.0.detail"));
	remedy_apply(err);
	if (r == 0)
		snprintf(w->id, sizeof(w->id), "%s", task_record_id(aws_at(reply, "tasks.0")));
	cJSON_Delete(reply);
	return r;
}

static bool start_is_mount_trouble(const char *reason)
{
	return strstr(reason, "ResourceInitializationError") &&
	       (strstr(reason, "EFS") || strstr(reason, "efs") || strstr(reason, "resolve"));
}

bool server_is_too_early(struct operation *op, const char *reason)
{
	struct error ignored = {0};
	cJSON *resources = NULL;
	const cJSON *item;
	int64_t made = 0;

	if (!start_is_mount_trouble(reason) || operation_read_resources(op, &resources, &ignored) < 0)
		return false;
	cJSON_ArrayForEach (item, aws_at(resources, "StackResources"))
		if (strcmp(aws_text(item, "LogicalResourceId"), "MountTarget") == 0)
			made = clock_parse(aws_text(item, "Timestamp"));
	cJSON_Delete(resources);
	return made > 0 && aws_now_ms(op->aws) - made < MOUNT_TARGET_YOUNG_MS;
}

static bool start_is_capacity(const struct error *err)
{
	return strstr(err->message, "Capacity is unavailable") || error_has_code(err, "ThrottlingException");
}

static int start_stopped_early(struct operation *op, const struct server_wait *w, struct error *err)
{
	_buf_ struct buf tail = BUF_INIT(4096);

	server_log_tail(op, w->id, &tail);
	error_set(err, -EIO, "the server stopped before it %s: %s%s%s", w->running_ms ? "accepted connections" : "ran",
		  w->reason, tail.len ? "; its log ends: " : "", buf_str(&tail));
	remedy_apply(err);
	if (!*err->remedy)
		error_remedy(err, "read tasks/%s/task.log and stopped_reason", w->id);
	return err->errnum;
}

/* Starts one task and waits until it answers. 1: a retry may help. */
static int start_try_task(struct operation *op, unsigned attempt, struct server_wait *w, struct error *err)
{
	int r = start_run_task(op, attempt, w, err);

	if (r < 0)
		return start_is_capacity(err) ? 1 : r;
	operation_say(op, "started task %s", w->id);
	r = server_wait_task(op, w, err);
	if (r < 0 || !*w->reason)
		return r;
	r = start_stopped_early(op, w, err);
	return server_is_too_early(op, w->reason) ? 1 : r;
}

static int start_task(struct operation *op, struct server_wait *w, struct error *err)
{
	for (unsigned attempt = 1;; attempt++) {
		int r;

		server_wait_release(w);
		*w = (struct server_wait){0};
		r = start_try_task(op, attempt, w, err);
		if (r != 1)
			return r;
		if (attempt == START_TRIES)
			return err->errnum;
		operation_say(op, "trying again: %s", err->message);
		r = operation_sleep(op, TRY_PAUSE_MS);
		if (r < 0)
			return r;
	}
}

/* -- a service or a standalone task ---------------------------------------------------------------------------- */

/* Two machines may have started a task each at the same moment: the newer one is stopped. */
static int start_stop_surplus(struct operation *op, const char *id, struct error *err)
{
	_server_state_ struct server_state s = {0};
	int r = server_state_read(op, &s, err);
	const cJSON *oldest = server_list_oldest_live(s.servers), *mine = server_list_find(s.servers, id);

	if (r < 0 || !op->settings->efs || !mine || oldest == mine)
		return r;
	operation_say(op, "another server, task %s, was started first: stopping this one", task_record_id(oldest));
	if (strcmp(task_record_service(mine), SERVICE_NAME) == 0)
		service_close(op, &s.service, err);
	operation_call(op, ecs_stop_task(op->cluster, aws_text(mine, "taskArn"), "another server was started first"),
		       NULL, err);
	return error_set(err, -EEXIST, "another server runs already: task %s", task_record_id(oldest));
}

static int start_service(struct operation *op, const struct server_state *s, struct server_wait *w, struct error *err)
{
	int r;

	snprintf(w->event, sizeof(w->event), "%s", service_last_event_id(s->service_reply));
	r = service_open(op, s, err);
	return r < 0 ? r : server_wait_service(op, w, err);
}

/*
 * Joins a server that this operation started before it was interrupted, or that another machine started at the same
 * moment.
 */
static int start_join(struct operation *op, const struct server_state *s, const cJSON *live, struct server_wait *w,
		      struct error *err)
{
	int r;

	operation_say(op, "task %s was started already", task_record_id(live));
	if (strcmp(task_record_service(live), SERVICE_NAME) == 0 && s->service.ours)
		return server_wait_service(op, w, err);
	snprintf(w->id, sizeof(w->id), "%s", task_record_id(live));
	r = server_wait_task(op, w, err);
	return r < 0 || !*w->reason ? r : start_stopped_early(op, w, err);
}

static int start_begin(struct operation *op, struct server_wait *w, struct error *err)
{
	_server_state_ struct server_state s = {0};
	int r = server_state_read(op, &s, err);
	const cJSON *live = start_is_forced(op) ? NULL : server_list_newest_live(s.servers, NULL, w->after);

	if (r < 0)
		return r;
	if (live)
		return start_join(op, &s, live, w, err);
	if (op->settings->server_restart && !start_is_forced(op))
		return start_service(op, &s, w, err);
	return start_task(op, w, err);
}

int server_start(struct operation *op, double after, struct error *err)
{
	struct server_wait w = {.after = after};
	int r = start_begin(op, &w, err);

	server_wait_release(&w);
	if (r < 0 && r != -ECANCELED && !*err->remedy)
		error_remedy(err, "touch control/restart-task to try again; api.log has ECS's replies");
	if (r == 0)
		r = start_stop_surplus(op, w.id, err);
	if (r < 0)
		return r;
	op->refresh(op);
	if (w.checks_health)
		buf_printf(&op->result, "server %s is running and accepts connections at %s\n", w.id, w.endpoint);
	else
		buf_printf(&op->result, "server %s is running\n", w.id);
	return 0;
}
