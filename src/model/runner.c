/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * runner.c - the operation thread: one operation at a time, as plain sequential code.
 *
 * An operation is in the journal before its touch is answered, and its outcome is there before any process can read it.
 * An operation that was running when vastfs ended continues in AWS. The next mount of the same account, region,
 * endpoint and stack (resume.c) runs the same function again, whose steps first read what exists.
 */
#include "stack/operation.h"

#include "base/clock.h"
#include "model/work.h"

#include <inttypes.h>
#include <malloc.h>
#include <string.h>

#define REFRESH_LIMIT_MS 10000

struct runner {
	struct model *model;
	pthread_t thread;
	bool started;
	pthread_mutex_t lock;
	pthread_cond_t wake;
	struct list queue;
	bool stopping;
	struct aws_cancel_token *cancel,
		*stop; /* tokens of the running operation, owned by its work; NULL between operations */
	struct aws_cancel_token
		*refreshed; /* fired when the refresh at the end of an operation is done; NULL: none is waited for */
};

/* -- the journal ------------------------------------------------------------------------------------------------ */

static int runner_cannot_write(int r, struct error *err)
{
	error_set(err, r, "cannot write the journal of operations: %s", strerror(-r));
	error_remedy(err, "make room in the state directory or make it writable, then start the operation again");
	return r;
}

/* When it returns 0, the entry is on disk. */
static int runner_journal_work(struct model *m, const struct work *work, struct error *err)
{
	int r = journal_update(m->journal, &work->entry);

	if (r == 0)
		r = journal_sync(m->journal);
	return r < 0 ? runner_cannot_write(r, err) : 0;
}

/* The operation ends even if the journal cannot be written, but then the next mount may run it again. */
static void runner_journal_end(struct model *m, struct work *work, enum job_state state, const struct operation *op,
			       const struct error *err)
{
	struct error lost;
	char name[48];

	work->entry.state = state;
	work->entry.exit_code = state == JOB_SUCCEEDED ? 0 : 1;
	work->entry.ended_ms = clock_wall_ms();
	snprintf(work->entry.result, sizeof(work->entry.result), "%s",
		 state == JOB_SUCCEEDED ? buf_str(&op->result) : "");
	snprintf(work->entry.message, sizeof(work->entry.message), "%s", err->message);
	if (runner_journal_work(m, work, &lost) == 0)
		return;
	error_prefix(&lost, "cannot record the end of this operation, so the next mount may run it again");
	error_remedy(&lost, "make room in the state directory or make it writable before vastfs ends");
	job_log(work->job, "warning: %s", lost.message);
	snprintf(name, sizeof(name), "operations/%" PRIu64, work->entry.number);
	failures_add(m->failures, &(struct failure_site){.job = name}, &lost);
}

/* -- the outcome ----------------------------------------------------------------------------------------------- */

static void runner_end_failed(struct model *m, struct job *j, const struct error *err)
{
	job_log(j, "failed: %s", err->message);
	if (*err->remedy)
		job_log(j, "what to do: %s", err->remedy);
	model_job_fail(m, j, err);
}

/* A warning of an operation that succeeded appears in /error too. */
static void runner_report_warnings(struct model *m, struct job *j)
{
	_cleanup_(job_view_unref_cleanup) struct job_view *v = job_view(j);
	char name[64];

	snprintf(name, sizeof(name), "operations/%" PRIu64, j->number);
	if (*v->error->message)
		failures_add(m->failures, &(struct failure_site){.pid = j->pid, .uid = j->uid, .job = name}, v->error);
}

static void runner_end_succeeded(struct model *m, struct operation *op)
{
	job_log(op->job, "succeeded");
	job_progress(op->job, op->steps, op->steps, "done");
	job_succeed(op->job, blob_from_buf(&op->result));
	runner_report_warnings(m, op->job);
	model_event(m, "operations/%" PRIu64 " %s succeeded", op->job->number, op->job->name);
}

/* Releases one of two references: the waiting thread's or the callback's. */
struct runner_refresh {
	struct ref ref;
	struct aws_cancel_token *done;
};

static void runner_refresh_unref(struct runner_refresh *l)
{
	if (!ref_put(&l->ref))
		return;
	aws_cancel_token_free(l->done);
	free(l);
}

static void runner_refresh_done(void *arg)
{
	struct runner_refresh *l = arg;

	aws_cancel_token_fire(l->done);
	runner_refresh_unref(l);
}

static struct runner_refresh *runner_refresh_new(void)
{
	struct runner_refresh *l = calloc(1, sizeof(*l));

	if (!l)
		return NULL;
	ref_init(&l->ref);
	l->done = aws_cancel_token_new();
	if (l->done)
		return l;
	free(l);
	return NULL;
}

static void runner_set_refresh(struct runner *o, struct aws_cancel_token *done)
{
	pthread_mutex_lock(&o->lock);
	o->refreshed = done;
	if (done && o->stopping)
		aws_cancel_token_fire(done);
	pthread_mutex_unlock(&o->lock);
}

/* Waits until the tree shows AWS's current state, at most REFRESH_LIMIT_MS, or until vastfs ends. */
static void runner_refresh_and_wait(struct runner *o)
{
	struct runner_refresh *l = runner_refresh_new();

	if (!l)
		return;
	runner_set_refresh(o, l->done);
	ref_get(&l->ref);
	watch_now(o->model, runner_refresh_done, l);
	aws_sleep(l->done, REFRESH_LIMIT_MS);
	runner_set_refresh(o, NULL);
	runner_refresh_unref(l);
	model_wait_until_shown(o->model);
}

static enum job_state runner_end_state(int r)
{
	if (r == -ECANCELED)
		return JOB_CANCELLED;
	return r < 0 ? JOB_FAILED : JOB_SUCCEEDED;
}

/*
 * The tree is refreshed first, so that a process that has read the result sees the new stack and no running operation.
 */
static void runner_conclude(struct runner *o, struct work *work, struct operation *op, int r, struct error *err)
{
	struct model *m = o->model;
	enum job_state state = runner_end_state(r);

	if (aws_cancel_token_fired(o->stop))
		return;
	runner_refresh_and_wait(o);
	if (r < 0)
		error_complete(err, r);
	runner_journal_end(m, work, state, op, err);
	if (state == JOB_CANCELLED) {
		job_log(op->job, "cancelled");
		job_cancelled(op->job, err->message);
		model_event(m, "operations/%" PRIu64 " %s cancelled", op->job->number, op->job->name);
	} else if (state == JOB_FAILED) {
		runner_end_failed(m, op->job, err);
	} else {
		runner_end_succeeded(m, op);
	}
}

/* The operation belongs to another place: the journal keeps it for a mount there. */
static void runner_conclude_unknown(struct runner *o, struct work *work, const struct error *err)
{
	struct error why = *err;

	if (aws_cancel_token_fired(o->stop))
		return;
	error_prefix(&why, "not resumed");
	job_log(work->job, "%s", why.message);
	model_job_unknown(o->model, work->job, &why);
}

/* -- running --------------------------------------------------------------------------------------------------- */

static void runner_show_now(struct operation *op)
{
	watch_now(op->model, NULL, NULL);
}

static int runner_remember(struct operation *op, const char *key, const char *value, struct error *err)
{
	struct model *m = op->model;
	int r = journal_remember(m->journal, op->job->number, key, value);

	return r < 0 ? runner_cannot_write(r, err) : 0;
}

static void runner_show_warning(struct operation *op, const struct error *err)
{
	struct model *m = op->model;
	char name[48];

	snprintf(name, sizeof(name), "operations/%" PRIu64, op->job->number);
	failures_add(m->failures, &(struct failure_site){.pid = op->job->pid, .uid = op->job->uid, .job = name}, err);
	model_event(m, "%s %s: %s", name, op->job->name, err->message);
}

struct runner_report {
	enum stack_report_kind kind;
	struct stack_report *report;
};

static int runner_edit_report(struct snapshot *s, void *arg)
{
	struct runner_report *p = arg;

	stack_report_unref(s->reports[p->kind]);
	s->reports[p->kind] = stack_report_ref(p->report);
	return 0;
}

static void runner_publish(struct operation *op, enum stack_report_kind kind, struct stack_report *report)
{
	struct runner_report p = {kind, report};

	model_publish(op->model, runner_edit_report, &p);
	stack_report_unref(report);
}

static void runner_fire_cancel(struct job *j _unused_, void *arg)
{
	struct runner *o = arg;

	pthread_mutex_lock(&o->lock);
	if (o->cancel)
		aws_cancel_token_fire(o->cancel);
	pthread_mutex_unlock(&o->lock);
}

/* -- the place of an operation ---------------------------------------------------------------------------------- */

/*
 * Ends older operations of this place that were never finished, so that a later mount does not resume them after this
 * one.
 */
static void runner_end_superseded(struct model *m, const struct work *work)
{
	struct journal_entry e;

	for (size_t i = 0; journal_get(m->journal, i, &e); i++) {
		if (!resume_is_superseded(&e, &work->entry, work->settings))
			continue;
		e.state = JOB_FAILED;
		e.exit_code = 1;
		e.ended_ms = clock_wall_ms();
		snprintf(e.message, sizeof(e.message), "not resumed: operation %" PRIu64 " (%s) was started instead",
			 work->entry.number, work->entry.name);
		journal_update(m->journal, &e);
	}
}

/* Records the account in the journal before anything is changed in it. */
static int runner_settle_account(struct model *m, struct work *work, struct operation *op, struct error *err)
{
	struct place here = work->entry.place;
	int r = 0;

	snprintf(here.account, sizeof(here.account), "%s", op->account);
	if (work->resumed)
		r = resume_check_account(&work->entry, &here, err);
	if (r < 0)
		return r;
	identity_set(m, work->settings, op->account);
	work->entry.place = here;
	runner_end_superseded(m, work);
	return runner_journal_work(m, work, err);
}

static int runner_identify(const struct work *work, struct operation *op, struct error *err)
{
	int r = operation_identify(op, err);

	if (r < 0 && r != -ECANCELED && work->resumed)
		error_prefix(err, "the account is not known");
	return r;
}

/* No other request is sent until the place is certain. If this fails, a resumed operation is not ended. */
static int runner_prepare(struct model *m, struct work *work, struct operation *op, struct error *err)
{
	int r = journal_memory(m->journal, work->job->number, &op->memory);

	if (r == 0)
		r = runner_journal_work(m, work, err);
	if (r == 0)
		r = runner_identify(work, op, err);
	return r < 0 ? r : runner_settle_account(m, work, op, err);
}

/* -- one operation ---------------------------------------------------------------------------------------------- */

static int runner_run_operation(struct runner *o, struct work *work)
{
	struct model *m = o->model;
	_cleanup_(snapshot_unref_cleanup) struct snapshot *s = model_snapshot(m);
	struct operation op = {.aws = aws_ref(work->aws),
			       .engine = m->engine,
			       .settings = work->settings,
			       .job = work->job,
			       .argument = work->job->argument,
			       .token = work->entry.token,
			       .directory = model_verb_directory(work->job->name),
			       .installation = m->installation,
			       .default_task = s->default_task,
			       .cancel = o->cancel,
			       .stop = o->stop,
			       .refresh = runner_show_now,
			       .remember = runner_remember,
			       .warn = runner_show_warning,
			       .publish = runner_publish,
			       .outage = {.begun = work->resumed},
			       .model = m,
			       .result = BUF_INIT(64 * 1024)};
	struct error err = {0};
	int r;

	settings_stack_name(op.settings, op.name);
	r = runner_prepare(m, work, &op, &err);
	if (r < 0 && work->resumed && r != -ECANCELED) {
		runner_conclude_unknown(o, work, &err);
	} else {
		if (r == 0)
			r = work->verb->run(&op, &err);
		runner_conclude(o, work, &op, r, &err);
	}
	aws_unref(op.aws);
	operation_release(&op);
	return r;
}

/* Registers the tokens of an operation, so that a cancellation fires them. False if vastfs ends. */
static bool runner_begin(struct runner *o, const struct work *work)
{
	bool going;

	pthread_mutex_lock(&o->lock);
	going = !o->stopping;
	o->cancel = work->cancel;
	o->stop = work->stop;
	pthread_mutex_unlock(&o->lock);
	return going;
}

static void runner_end(struct runner *o)
{
	pthread_mutex_lock(&o->lock);
	o->cancel = NULL;
	o->stop = NULL;
	pthread_mutex_unlock(&o->lock);
}

static void runner_do_work(struct runner *o, struct work *work)
{
	if (runner_begin(o, work)) {
		job_start(work->job);
		job_log(work->job, "%s%s%s", work->job->name, *work->job->argument ? " " : "", work->job->argument);
		work->entry.state = JOB_RUNNING;
		if (!work->entry.started_ms)
			work->entry.started_ms = clock_wall_ms();
		job_on_cancel(work->job, runner_fire_cancel, o);
		runner_run_operation(o, work);
		job_on_cancel(work->job, NULL, NULL);
	}
	runner_end(o);
}

void runner_enqueue(struct runner *o, struct work *work)
{
	pthread_mutex_lock(&o->lock);
	list_append(&o->queue, &work->link);
	pthread_cond_signal(&o->wake);
	pthread_mutex_unlock(&o->lock);
}

static struct work *runner_next_work(struct runner *o)
{
	struct work *work = NULL;

	pthread_mutex_lock(&o->lock);
	while (list_empty(&o->queue) && !o->stopping)
		pthread_cond_wait(&o->wake, &o->lock);
	if (!o->stopping) {
		work = container_of(o->queue.next, struct work, link);
		list_remove(&work->link);
	}
	pthread_mutex_unlock(&o->lock);
	return work;
}

static void *runner_thread(void *arg)
{
	struct runner *o = arg;
	struct work *work;

	while ((work = runner_next_work(o))) {
		runner_do_work(o, work);
		work_free(work);
		malloc_trim(0); /* an operation, above all assembling an image, leaves megabytes of free heap behind */
	}
	return NULL;
}

/* -- life ------------------------------------------------------------------------------------------------------ */

int runner_new(struct model *m, struct runner **ret)
{
	struct runner *o = calloc(1, sizeof(*o));
	int r;

	if (!o)
		return -ENOMEM;
	o->model = m;
	list_init(&o->queue);
	pthread_mutex_init(&o->lock, NULL);
	pthread_cond_init(&o->wake, NULL);
	r = -pthread_create(&o->thread, NULL, runner_thread, o);
	o->started = r == 0;
	*ret = o;
	return r;
}

static void runner_stop_thread(struct runner *o)
{
	pthread_mutex_lock(&o->lock);
	o->stopping = true;
	if (o->stop)
		aws_cancel_token_fire(o->stop);
	if (o->cancel)
		aws_cancel_token_fire(o->cancel);
	if (o->refreshed)
		aws_cancel_token_fire(o->refreshed);
	pthread_cond_signal(&o->wake);
	pthread_mutex_unlock(&o->lock);
	if (o->started)
		pthread_join(o->thread, NULL);
}

void runner_free(struct runner *o)
{
	if (!o)
		return;
	runner_stop_thread(o);
	list_for_each_safe (l, next, &o->queue)
		work_free(container_of(l, struct work, link));
	pthread_cond_destroy(&o->wake);
	pthread_mutex_destroy(&o->lock);
	free(o);
}
