/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * crash_loop.c - stops the restarts of a server that ends repeatedly while no operation waits for it.
 *
 * The sequence: UpdateService to a desired count of 0, GetLogEvents, then a line in error and in events.log.
 */
#include "stack/crash_loop.h"

#include "aws/services/ecs.h"
#include "aws/services/logs.h"
#include "model/internal.h"
#include "stack/container.h"
#include "stack/server_list.h"

#include <string.h>

struct giving_up {
	struct model *model;
	cJSON *task; /* the newest task that has ended */
};

static void crash_loop_report(struct giving_up *g, const cJSON *events)
{
	_buf_ struct buf tail = BUF_INIT(4096);
	char path[128];
	struct error err;

	crash_loop_quote_log(events, &tail);
	crash_loop_error(g->task, buf_str(&tail), &err);
	snprintf(path, sizeof(path), "tasks/%s", task_record_id(g->task));
	failures_add(g->model->failures, &(struct failure_site){.path = path}, &err);
	model_event(g->model, "%s", err.message);
}

static void crash_loop_end(struct giving_up *g)
{
	g->model->giving_up = false;
	watch_now(g->model, NULL, NULL);
	cJSON_Delete(g->task);
	free(g);
}

/* If the log cannot be read, the report is still useful. */
static void crash_loop_got_log(struct aws_reply *reply, void *arg)
{
	crash_loop_report(arg, error_is(&reply->error) ? NULL : aws_at(reply->body, "events"));
	crash_loop_end(arg);
}

static void crash_loop_read_log(struct giving_up *g)
{
	_cleanup_(snapshot_unref_cleanup) struct snapshot *s = model_snapshot(g->model);
	const char *group = stack_view_output(s->stack, "ServerLogGroup");
	struct aws *aws = model_aws(g->model);
	struct aws_request *request = NULL;
	char stream[CONTAINER_LOG_STREAM_SIZE];

	container_log_stream(task_record_id(g->task), stream);
	if (aws && group)
		request = logs_get_last_events(group, stream, CRASH_LOG_LINES);
	if (!request || !aws_start(aws, request, crash_loop_got_log, g)) {
		crash_loop_report(g, NULL);
		crash_loop_end(g);
	}
	aws_unref(aws);
}

static void crash_loop_scaled(struct aws_reply *reply, void *arg)
{
	struct giving_up *g = arg;

	if (!error_is(&reply->error)) {
		crash_loop_read_log(g);
		return;
	}
	error_prefix(&reply->error, "the server ends repeatedly, and the service %s could not be scaled to 0",
		     SERVICE_NAME);
	failures_add(g->model->failures, &(struct failure_site){.path = "status"}, &reply->error);
	crash_loop_end(g);
}

static void crash_loop_give_up(struct model *m, const char *cluster, const cJSON *task)
{
	struct giving_up *g = calloc(1, sizeof(*g));
	struct aws *aws = model_aws(m);

	if (g) {
		g->model = m;
		g->task = cJSON_Duplicate(task, true);
	}
	if (g && g->task && aws && aws_start(aws, ecs_scale_service(cluster, SERVICE_NAME, 0), crash_loop_scaled, g)) {
		m->giving_up = true;
	} else if (g) {
		cJSON_Delete(g->task);
		free(g);
	}
	aws_unref(aws);
}

/* An operation that waits for the server handles the crash loop itself. */
static bool crash_loop_is_judged_elsewhere(const struct snapshot *s)
{
	const struct job *running = snapshot_running_operation(s);

	return running && strcmp(running->name, "deploy") != 0;
}

void crash_loop_judge(struct model *m, const struct snapshot *s, const cJSON *tasks)
{
	const char *cluster = stack_view_output(s->stack, "ClusterName");
	const cJSON *crashed = NULL;
	struct aws *aws;

	if (m->read_only || m->giving_up || !cluster || !service_is_wanted(&s->service) ||
	    crash_loop_is_judged_elsewhere(s))
		return;
	aws = model_aws(m);
	if (aws)
		crashed = crash_loop_find(tasks, SERVICE_NAME, s->service.after, aws_now_ms(aws));
	aws_unref(aws);
	if (crashed)
		crash_loop_give_up(m, cluster, crashed);
}
