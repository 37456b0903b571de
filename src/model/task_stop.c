/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * task_stop.c - stops one task. Engine thread, except model_task_stop.
 *
 * ECS would replace a task of the service that keeps the server running, so the service is scaled to 0 first.
 */
#include "aws/services/ecs.h"
#include "model/internal.h"

#include <string.h>

struct task_stop {
	struct model *model;
	struct requester who;
	char id[64];
};

static void task_stop_end(struct task_stop *stop, const struct error *err)
{
	char path[96];

	snprintf(path, sizeof(path), "tasks/%s/stop", stop->id);
	if (error_is(err))
		failures_add(stop->model->failures,
			     &(struct failure_site){.pid = stop->who.pid, .uid = stop->who.uid, .path = path}, err);
	watch_now(stop->model, NULL, NULL);
	free(stop);
}

/* The touch has been answered already, so a later failure can only be reported in error. */
static void task_stop_fail_unknown(struct task_stop *stop)
{
	struct error err;

	error_set(&err, -ENXIO, "cannot stop the task: the task or its cluster no longer exists");
	error_remedy(&err, "touch control/refresh, then check tasks/");
	task_stop_end(stop, &err);
}

static void task_stop_answered(struct aws_reply *reply, void *arg)
{
	task_stop_end(arg, &reply->error);
}

static void task_stop_send(struct task_stop *stop)
{
	_cleanup_(snapshot_unref_cleanup) struct snapshot *s = model_snapshot(stop->model);
	const struct task *t = task_list_find(s->tasks, stop->id);
	const char *cluster = stack_view_output(s->stack, "ClusterName");
	struct aws *aws = model_aws(stop->model);
	struct aws_request *request = NULL;

	if (t && aws && cluster)
		request = ecs_stop_task(cluster, t->arn, "stopped by vastfs");
	if (!request || !aws_start(aws, request, task_stop_answered, stop))
		task_stop_fail_unknown(stop);
	aws_unref(aws);
}

static void task_stop_scaled(struct aws_reply *reply, void *arg)
{
	struct task_stop *stop = arg;

	if (!error_is(&reply->error)) {
		model_event(stop->model, "service %s: scaled to 0", SERVICE_NAME);
		task_stop_send(stop);
		return;
	}
	error_prefix(&reply->error,
		     "cannot stop the task, because its service %s, which would start another task, could not be "
		     "scaled to 0",
		     SERVICE_NAME);
	task_stop_end(stop, &reply->error);
}

static bool task_stop_is_of_service(const struct snapshot *s, const struct task *t)
{
	return t && t->group && strcmp(t->group, "service:" SERVICE_NAME) == 0 && service_is_wanted(&s->service);
}

static void task_stop_begin(void *arg)
{
	struct task_stop *stop = arg;
	_cleanup_(snapshot_unref_cleanup) struct snapshot *s = model_snapshot(stop->model);
	const char *cluster = stack_view_output(s->stack, "ClusterName");
	struct aws *aws = model_aws(stop->model);

	if (!aws || !cluster || !task_stop_is_of_service(s, task_list_find(s->tasks, stop->id)))
		task_stop_send(stop);
	else if (!aws_start(aws, ecs_scale_service(cluster, SERVICE_NAME, 0), task_stop_scaled, stop))
		task_stop_fail_unknown(stop);
	aws_unref(aws);
}

int model_task_stop(struct model *m, const char *id, struct requester who, struct error *err)
{
	_cleanup_(snapshot_unref_cleanup) struct snapshot *s = model_snapshot(m);
	struct task_stop *stop;

	if (own_stack_check(s, err) < 0)
		return err->errnum;
	if (!task_list_find(s->tasks, id))
		return error_set(err, -ENOENT, "%s is not a known task", id);
	if (credentials_check(m, err) < 0)
		return err->errnum;
	stop = calloc(1, sizeof(*stop));
	if (!stop)
		return -ENOMEM;
	stop->model = m;
	stop->who = who;
	snprintf(stop->id, sizeof(stop->id), "%s", id);
	model_event(m, "task %s: pid %d requested its stop", id, (int)who.pid);
	if (engine_post(m->engine, task_stop_begin, stop) < 0)
		free(stop);
	return 0;
}
