/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * exec.c - runs commands in a task's container, by ECS Exec. Engine thread.
 */
#include "base/clock.h"
#include "model/internal.h"
#include "model/printed.h"
#include "session/remote.h"
#include "stack/query.h"

#include <inttypes.h>
#include <string.h>

#define STDERR_MAX ((uint64_t)20 << 20)
/* No person sees this terminal, but some programs cut their lines to its width. */
#define COLUMNS 200
#define ROWS	50

struct exec {
	struct list link; /* member of the model's list of execs */
	struct execs *execs;
	struct job *job;
	struct remote *remote;
	struct printed printed;
	int64_t sent_ms; /* monotonic: when the command was sent; 0: not yet */
	bool refreshed;	 /* the stack was polled because nothing was known about it */
	struct error error;
};

struct execs {
	struct model *model;
	struct list running;
};

/* -- the end --------------------------------------------------------------------------------------------------- */

static void exec_forget(struct exec *x)
{
	struct model *m = x->execs->model;

	job_on_cancel(x->job, NULL, NULL);
	list_remove(&x->link);
	printed_release(&x->printed);
	job_unref(x->job);
	free(x);
	model_trim_history(m);
}

static void exec_fail(struct exec *x, const struct error *err)
{
	model_job_fail(x->execs->model, x->job, err);
	exec_forget(x);
}

struct exec_outcome {
	int status;
	int64_t duration_ms;
	char remark[256];
};

static void exec_edit_outcome(struct job_view *v, void *arg)
{
	struct exec_outcome *o = arg;

	v->ran = true;
	v->exit_code = o->status;
	v->state = o->status == 0 ? JOB_SUCCEEDED : JOB_FAILED;
	v->duration_ms = o->duration_ms;
	if (*o->remark && !*v->error->message)
		job_view_set_warning(v, o->remark);
	v->step[0] = '\0';
}

static void exec_succeed(struct exec *x, int status)
{
	struct exec_outcome o = {.status = status, .duration_ms = clock_monotonic_ms() - x->sent_ms};

	query_remark(status, 0, false, o.remark, sizeof(o.remark));
	job_edit(x->job, exec_edit_outcome, &o);
	exec_forget(x);
}

static void exec_fail_broken(struct exec *x, const struct error *why)
{
	_cleanup_(snapshot_unref_cleanup) struct snapshot *s = model_snapshot(x->execs->model);
	const struct task *t = task_list_find(s->tasks, x->job->argument);
	struct error err = *why;

	if (!t || !task_is_live(t))
		error_prefix(&err, "the task has been stopped");
	if (!*err.remedy)
		error_remedy(&err, "read status and stopped_reason in tasks/%s", x->job->argument);
	watch_now(x->execs->model, NULL, NULL); /* the task may have ended */
	exec_fail(x, &err);
}

static void exec_on_ended(int status, const struct error *why, void *arg)
{
	struct exec *x = arg;

	x->remote = NULL;
	if (error_is(&x->error)) {
		exec_fail(x, &x->error);
	} else if (job_cancel_wished(x->job) && error_is(why)) {
		job_cancelled(x->job, x->sent_ms ? "cancelled: the command in the container was ended"
						 : "cancelled before it was sent");
		exec_forget(x);
	} else if (error_is(why)) {
		exec_fail_broken(x, why);
	} else {
		exec_succeed(x, status);
	}
}

/* -- the running command --------------------------------------------------------------------------------------- */

static void exec_on_waiting(const struct error *why, void *arg)
{
	struct exec *x = arg;

	job_progress(x->job, 0, 0, "waiting for the agent in the container: %s", *why->code ? why->code : why->message);
}

static void exec_give_up(struct exec *x, const struct error *err)
{
	if (!error_is(&x->error))
		x->error = *err;
	remote_cancel(x->remote);
}

static void exec_refuse_plain(struct exec *x, int r, const char *missing)
{
	struct error err;

	error_set(&err, r,
		  "the container lacks %s, so vastfs would have to type the command into a terminal, which is not "
		  "possible: %s",
		  missing,
		  r == -EFBIG ? "a line of the command has more than 4000 bytes"
			      : "the command has control characters");
	exec_give_up(x, &err);
}

static void exec_on_ready(const char *missing, void *arg)
{
	struct exec *x = arg;
	const struct blob *text = x->job->query;
	int r;

	x->sent_ms = clock_monotonic_ms();
	job_start(x->job);
	r = printed_begin(&x->printed, &x->error);
	if (r == 0)
		r = remote_write(x->remote, text->data, text->len);
	if (r == 0)
		r = remote_write_end(x->remote);
	if (r == -EINVAL || r == -EFBIG)
		exec_refuse_plain(x, r, missing);
	else if (r < 0)
		exec_give_up(x, &(struct error){.errnum = -ENOMEM, .message = "out of memory"});
	else if (*missing)
		job_remark(x->job,
			   "the container lacks at least one of stty, dd, od, tr and base64, so the output passed "
			   "through a terminal: it includes standard error, and bytes that are not UTF-8 are lost");
}

static void exec_on_output(bool is_stderr, const void *data, size_t len, void *arg)
{
	struct exec *x = arg;
	struct error err = {0};

	if (error_is(&x->error))
		return;
	if (printed_add(&x->printed, is_stderr, data, len, &err) < 0)
		exec_give_up(x, &err);
	else
		printed_tell(&x->printed);
}

static void exec_on_drained(void *arg _unused_)
{
}

/* -- the start ------------------------------------------------------------------------------------------------- */

struct remote *exec_start(struct model *m, const struct snapshot *s, const struct task *t, const struct exec_form *form,
			  const struct remote_events *events, void *arg)
{
	const char *cluster = stack_view_output(s->stack, "ClusterName");
	_buf_ struct buf target = BUF_INIT(1024);
	struct session_request request = {.aws = model_aws(m),
					  .cluster = cluster,
					  .task = t->arn,
					  .container = t->container,
					  .columns = form->columns,
					  .rows = form->rows,
					  .stays = form->kind != COMMAND_SHELL};
	struct remote *r = NULL;

	buf_printf(&target, "ecs:%s_%s_%s", cluster ? cluster : "", t->id, t->runtime_id ? t->runtime_id : "");
	request.target = buf_str(&target);
	if (request.aws && !target.error)
		r = remote_start(m->engine, form->kind, &request, events, arg);
	aws_unref(request.aws);
	return r;
}

static int exec_start_command(struct exec *x, const struct snapshot *s, const struct task *t)
{
	static const struct remote_events events = {.waiting = exec_on_waiting,
						    .ready = exec_on_ready,
						    .output = exec_on_output,
						    .drained = exec_on_drained,
						    .ended = exec_on_ended};
	static const struct exec_form form = {COMMAND_JOB, COLUMNS, ROWS};
	struct model *m = x->execs->model;

	printed_init(&x->printed, x->job, m->cache_dir, (uint64_t)s->settings->lambda_result_limit << 20, STDERR_MAX);
	x->remote = exec_start(m, s, t, &form, &events, x);
	return x->remote ? 0 : -ENOMEM;
}

static void exec_attempt(struct exec *x);

static void exec_refreshed(void *arg)
{
	struct exec *x = arg;

	if (!atomic_load(&x->execs->model->stopping))
		exec_attempt(x);
}

/* If nothing is known about the stack yet, it is polled first. */
static void exec_attempt(struct exec *x)
{
	struct model *m = x->execs->model;
	_cleanup_(snapshot_unref_cleanup) struct snapshot *s = model_snapshot(m);
	const struct task *t = task_list_find(s->tasks, x->job->argument);
	struct error err = {0};

	if (job_cancel_wished(x->job)) {
		job_cancelled(x->job, "cancelled before it was sent");
		exec_forget(x);
	} else if (!t && !x->refreshed && s->settings) {
		x->refreshed = true;
		watch_now(m, exec_refreshed, x);
	} else if (exec_check(s, x->job->argument, &err) < 0) {
		exec_fail(x, &err);
	} else if (!t || !s->settings || exec_start_command(x, s, t) < 0) {
		exec_fail(x, &(struct error){.errnum = -ENOMEM, .message = "out of memory"});
	}
}

int exec_check(const struct snapshot *s, const char *task, struct error *err)
{
	const struct task *t = task_list_find(s->tasks, task);

	if (own_stack_check(s, err) < 0)
		return err->errnum;
	if (!t && snapshot_is_current(s))
		return error_set(err, -ENXIO, "there is no task %s", task);
	if (!t || !snapshot_is_current(s))
		return 0;
	if (!t->status || strcmp(t->status, "RUNNING") != 0 || !task_is_live(t)) {
		error_set(err, -ENXIO, "the task is %s, so it cannot run commands",
			  task_is_live(t) && t->status ? t->status : "stopped");
		error_remedy(err, task_is_live(t) ? "wait until the task is RUNNING" : "touch control/run-task");
		return err->errnum;
	}
	if (t->exec_enabled)
		return 0;
	error_set(err, -EPERM, "the task was started without ECS Exec, which cannot be changed while it runs");
	error_remedy(err, "touch control/restart-task, which starts it with ECS Exec");
	return err->errnum;
}

/* -- requests -------------------------------------------------------------------------------------------------- */

void execs_cancel(struct execs *execs, struct job *j)
{
	list_for_each (l, &execs->running) {
		struct exec *x = container_of(l, struct exec, link);

		if (x->job != j)
			continue;
		if (x->remote)
			remote_cancel(x->remote);
		return;
	}
}

int execs_begin(struct execs *execs, struct job *j)
{
	struct exec *x = calloc(1, sizeof(*x));

	if (!x)
		return -ENOMEM;
	x->execs = execs;
	x->job = job_ref(j);
	list_append(&execs->running, &x->link);
	exec_attempt(x);
	return 0;
}

/* -- life ------------------------------------------------------------------------------------------------------ */

int execs_new(struct model *m, struct execs **ret)
{
	struct execs *execs = calloc(1, sizeof(*execs));

	if (!execs)
		return -ENOMEM;
	execs->model = m;
	list_init(&execs->running);
	*ret = execs;
	return 0;
}

/* The engine has stopped, so calls and connections have ended. */
void execs_free(struct execs *execs)
{
	if (!execs)
		return;
	list_for_each_safe (l, next, &execs->running) {
		struct exec *x = container_of(l, struct exec, link);

		remote_free(x->remote);
		exec_forget(x);
	}
	free(execs);
}
