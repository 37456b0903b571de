/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * report.c - reports the changes that a poll of AWS has found in events.log and error. Engine thread.
 */
#include "model/internal.h"
#include "stack/remedies.h"

#include <string.h>

static bool report_operation_runs(const struct snapshot *s)
{
	struct job *last = job_list_last(s->operations);
	_cleanup_(job_view_unref_cleanup) struct job_view *v = last ? job_view(last) : NULL;

	return v && !job_state_ended(v->state);
}

/* A failed task is reported in error even if it was started elsewhere. A running operation reports its own tasks. */
static void report_failed_start(struct model *m, const struct task *t, const struct snapshot *now)
{
	char path[128];
	struct error err;

	if (!t->stop_code || strcmp(t->stop_code, "TaskFailedToStart") != 0 || report_operation_runs(now))
		return;
	error_set(&err, -EIO, "ECS could not start a task: %s",
		  t->stopped_reason ? t->stopped_reason : "AWS gives no reason");
	remedy_apply(&err);
	snprintf(path, sizeof(path), "tasks/%s", t->id);
	failures_add(m->failures, &(struct failure_site){.path = path}, &err);
}

static bool report_is_new(const struct task *t, const struct task *was)
{
	return t->status && (!was || !was->status || strcmp(was->status, t->status) != 0);
}

/*
 * A task may continue to run without a container that others have injected, so without a report the failure would not
 * be noticed.
 */
static void report_injected(struct model *m, const struct task *t, const struct task *was)
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

static void report_status(struct model *m, const struct task *t)
{
	bool ended = t->exit_code && strcmp(t->status, "STOPPED") == 0;

	model_event(m, "task %s: %s%s%s%s%s", t->id, t->status, ended ? ", exit code " : "", ended ? t->exit_code : "",
		    t->stopped_reason ? ", " : "", t->stopped_reason ? t->stopped_reason : "");
}

void report_changes(struct model *m, const struct snapshot *old, const struct snapshot *new)
{
	const char *before = old->stack->status ? old->stack->status : "", *now = new->stack->status;

	if (strcmp(before, now ? now : "") != 0)
		model_event(m, "stack %s: %s", new->stack->name, now ? now : "gone");
	for (size_t i = 0; i < new->tasks->n; i++) {
		const struct task *t = &new->tasks->tasks[i], *was = task_list_find(old->tasks, t->id);

		if (task_is_live(t))
			report_injected(m, t, was);
		if (!report_is_new(t, was))
			continue;
		report_status(m, t);
		if (old->contact_ms &&
		    strcmp(t->status, "STOPPED") == 0) /* otherwise the task stopped before vastfs was started */
			report_failed_start(m, t, new);
	}
}
