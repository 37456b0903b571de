/* SPDX-License-Identifier: BSD-3-Clause */
#include "jobs/job.h"

#include "base/clock.h"
#include "base/escape.h"
#include "base/list.h"

#include <pthread.h>
#include <stdarg.h>
#include <string.h>

struct job_private {
	pthread_mutex_t lock; /* guards the following pointers; never held while a view is made or rendered */
	pthread_mutex_t edit; /* serializes edits */
	struct job_view *view;
	struct job_view *spare; /* memory for the last view, so that a job can always end */
	bool cancel;
	void (*on_cancel)(struct job *j, void *arg);
	void *on_cancel_arg;
};

static void (*listener)(struct job *j, void *arg);
static void *listener_arg;

void job_set_listener(void (*changed)(struct job *j, void *arg), void *arg)
{
	listener = changed;
	listener_arg = arg;
}

const char *job_state_name(enum job_state s)
{
	static const char *const names[] = {"queued", "running", "succeeded", "failed", "cancelled", "unknown"};

	return names[s];
}

/* -- the error of a view --------------------------------------------------------------------------------------- */

struct job_error {
	struct ref ref;
	struct error error;
};

static const struct error job_no_error;
static const struct error job_no_memory = {.errnum = -ENOMEM, .message = "out of memory"};

/* NULL for the errors that are not counted. */
static struct job_error *job_error_of(const struct error *e)
{
	return e == &job_no_error || e == &job_no_memory ? NULL : container_of(e, struct job_error, error);
}

static void job_error_ref(const struct error *e)
{
	struct job_error *counted = job_error_of(e);

	if (counted)
		ref_get(&counted->ref);
}

static void job_error_unref(const struct error *e)
{
	struct job_error *counted = job_error_of(e);

	if (counted && ref_put(&counted->ref))
		free(counted);
}

void job_view_set_error(struct job_view *v, const struct error *err)
{
	struct job_error *made = malloc(sizeof(*made));
	const struct error *old = v->error;

	v->error = error_is(err) ? &job_no_memory : &job_no_error;
	if (made) {
		ref_init(&made->ref);
		made->error = *err;
		v->error = &made->error;
	}
	job_error_unref(old);
}

void job_view_set_warning(struct job_view *v, const char *text)
{
	struct error warning;

	error_set(&warning, 0, "%s", text);
	job_view_set_error(v, &warning);
}

/* -- views ----------------------------------------------------------------------------------------------------- */

static struct job_view *job_view_new(void)
{
	struct job_view *v = calloc(1, sizeof(*v));

	if (!v)
		return NULL;
	ref_init(&v->ref);
	v->error = &job_no_error;
	v->duration_ms = -1;
	v->changed_ms = clock_wall_ms();
	return v;
}

static void job_view_fill(struct job_view *v, const struct job_view *old)
{
	/* All members except the reference count, which other threads change. */
	memcpy((char *)v + sizeof(v->ref), (const char *)old + sizeof(old->ref), sizeof(*v) - sizeof(v->ref));
	ref_init(&v->ref);
	job_error_ref(v->error);
	blob_ref(v->result);
	blob_ref(v->errors);
	output_ref(v->output);
	output_ref(v->stderr_output);
}

static void job_view_empty(struct job_view *v)
{
	job_error_unref(v->error);
	blob_unref(v->result);
	blob_unref(v->errors);
	output_unref(v->output);
	output_unref(v->stderr_output);
}

void job_view_unref(struct job_view *v)
{
	if (!v || !ref_put(&v->ref))
		return;
	job_view_empty(v);
	free(v);
}

struct job *job_new(enum job_kind kind, uint64_t number, const char *name, struct blob *query)
{
	struct job *j = calloc(1, sizeof(*j));

	if (!j)
		return NULL;
	ref_init(&j->ref);
	j->kind = kind;
	j->number = number;
	snprintf(j->name, sizeof(j->name), "%s", name);
	j->created_ms = clock_wall_ms();
	j->query = blob_ref(query);
	j->log = stream_new(JOB_LOG_KEEP);
	j->priv = calloc(1, sizeof(*j->priv));
	if (j->priv) {
		pthread_mutex_init(&j->priv->lock, NULL);
		pthread_mutex_init(&j->priv->edit, NULL);
		j->priv->view = job_view_new();
		j->priv->spare = malloc(sizeof(struct job_view));
	}
	if (!j->log || !j->priv || !j->priv->view || !j->priv->spare) {
		job_unref(j);
		return NULL;
	}
	return j;
}

struct job *job_ref(struct job *j)
{
	ref_get(&j->ref);
	return j;
}

void job_unref(struct job *j)
{
	if (!j || !ref_put(&j->ref))
		return;
	if (j->priv) {
		job_view_unref(j->priv->view);
		free(j->priv->spare);
		pthread_mutex_destroy(&j->priv->lock);
		pthread_mutex_destroy(&j->priv->edit);
		free(j->priv);
	}
	blob_unref(j->query);
	stream_unref(j->log);
	free(j);
}

struct job_view *job_view(struct job *j)
{
	struct job_view *v;

	pthread_mutex_lock(&j->priv->lock);
	v = j->priv->view;
	ref_get(&v->ref);
	pthread_mutex_unlock(&j->priv->lock);
	return v;
}

static struct job_view *job_view_swap(struct job *j, struct job_view *fresh)
{
	struct job_view *old;

	pthread_mutex_lock(&j->priv->lock);
	old = j->priv->view;
	j->priv->view = fresh;
	pthread_mutex_unlock(&j->priv->lock);
	return old;
}

/* Under the edit lock: a new view, or -ESTALE if the job has ended. */
static int job_edit_locked(struct job *j, void (*edit)(struct job_view *v, void *arg), void *arg)
{
	struct job_view *fresh, *made;

	if (job_state_ended(j->priv->view->state))
		return -ESTALE;
	made = malloc(sizeof(*made));
	fresh = made ? made : j->priv->spare;
	job_view_fill(fresh, j->priv->view);
	edit(fresh, arg);
	if (!made && !job_state_ended(fresh->state)) {
		job_view_empty(fresh);
		return -ENOMEM;
	}
	if (!made)
		j->priv->spare = NULL;
	fresh->changed_ms = clock_wall_ms();
	if (job_state_ended(fresh->state) && !fresh->ended_ms)
		fresh->ended_ms = fresh->changed_ms;
	job_view_unref(job_view_swap(j, fresh));
	return 0;
}

int job_edit(struct job *j, void (*edit)(struct job_view *v, void *arg), void *arg)
{
	int r;

	pthread_mutex_lock(&j->priv->edit);
	r = job_edit_locked(j, edit, arg);
	pthread_mutex_unlock(&j->priv->edit);
	if (r == 0 && listener)
		listener(j, listener_arg);
	return r;
}

void job_grown(struct job *j)
{
	if (listener)
		listener(j, listener_arg);
}

static void job_edit_start(struct job_view *v, void *arg _unused_)
{
	v->state = JOB_RUNNING;
	if (!v->started_ms)
		v->started_ms = clock_wall_ms();
}

void job_start(struct job *j)
{
	job_edit(j, job_edit_start, NULL);
}

struct progress {
	unsigned done, total;
	const char *step;
};

static void job_edit_progress(struct job_view *v, void *arg)
{
	const struct progress *p = arg;

	if (job_state_ended(v->state)) /* another thread has just ended the job */
		return;
	v->done = p->done;
	v->total = p->total;
	snprintf(v->step, sizeof(v->step), "%s", p->step);
}

void job_progress(struct job *j, unsigned done, unsigned total, const char *format, ...)
{
	char step[sizeof(((struct job_view *)0)->step)], escaped[sizeof(step)];
	va_list args;

	va_start(args, format);
	vsnprintf(step, sizeof(step), format, args);
	va_end(args);
	escape_copy(escaped, sizeof(escaped), step);
	job_edit(j, job_edit_progress, &(struct progress){done, total, escaped});
}

void job_log(struct job *j, const char *format, ...)
{
	char line[1536], escaped[1536], when[CLOCK_TEXT_SIZE];
	va_list args;

	va_start(args, format);
	vsnprintf(line, sizeof(line), format, args);
	va_end(args);
	stream_printf(j->log, "%s %s\n", clock_format(clock_wall_ms(), when),
		      escape_copy(escaped, sizeof(escaped), line));
}

static void job_edit_succeed(struct job_view *v, void *arg)
{
	v->state = JOB_SUCCEEDED;
	v->ran = true;
	v->exit_code = 0;
	blob_unref(v->result);
	v->result = blob_ref(arg);
	v->done = v->total;
}

void job_succeed(struct job *j, struct blob *result)
{
	job_edit(j, job_edit_succeed, result);
	blob_unref(result);
}

static void job_edit_fail(struct job_view *v, void *arg)
{
	v->state = JOB_FAILED;
	v->exit_code = 1;
	job_view_set_error(v, arg);
}

void job_fail(struct job *j, const struct error *err)
{
	struct error copy = *err;

	job_edit(j, job_edit_fail, &copy);
}

static void job_edit_cancelled(struct job_view *v, void *arg)
{
	struct error err;

	v->state = JOB_CANCELLED;
	v->exit_code = 1;
	error_set(&err, -ECANCELED, "%s", (const char *)arg);
	job_view_set_error(v, &err);
}

void job_cancelled(struct job *j, const char *why)
{
	char copy[sizeof(((struct error *)0)->message)];

	snprintf(copy, sizeof(copy), "%s", why);
	job_edit(j, job_edit_cancelled, copy);
}

static void job_edit_unknown(struct job_view *v, void *arg)
{
	job_edit_fail(v, arg);
	v->state = JOB_UNKNOWN;
}

void job_unknown(struct job *j, const struct error *why)
{
	struct error copy = *why;

	job_edit(j, job_edit_unknown, &copy);
}

/* Appends the warning, unless it is the same as the last one (a second attempt). */
static void job_edit_remark(struct job_view *v, void *arg)
{
	const char *before = v->error->message;
	struct error warning;

	if (strstr(before, arg))
		return;
	error_set(&warning, 0, "%s%s%s", before, *before ? "; " : "", (const char *)arg);
	job_view_set_error(v, &warning);
}

void job_remark(struct job *j, const char *text)
{
	job_log(j, "%s", text);
	job_edit(j, job_edit_remark, (void *)text);
}

/* Takes the handler out of the job, so that it is called only once. */
static void job_call_on_cancel(struct job *j)
{
	void (*handler)(struct job *, void *);
	void *arg;

	pthread_mutex_lock(&j->priv->lock);
	handler = j->priv->cancel ? j->priv->on_cancel : NULL;
	arg = j->priv->on_cancel_arg;
	if (handler)
		j->priv->on_cancel = NULL;
	pthread_mutex_unlock(&j->priv->lock);
	if (handler)
		handler(j, arg);
}

void job_cancel(struct job *j)
{
	pthread_mutex_lock(&j->priv->lock);
	j->priv->cancel = true;
	pthread_mutex_unlock(&j->priv->lock);
	job_call_on_cancel(j);
}

bool job_cancel_wished(struct job *j)
{
	bool wished;

	pthread_mutex_lock(&j->priv->lock);
	wished = j->priv->cancel;
	pthread_mutex_unlock(&j->priv->lock);
	return wished;
}

void job_on_cancel(struct job *j, void (*on_cancel)(struct job *j, void *arg), void *arg)
{
	pthread_mutex_lock(&j->priv->lock);
	j->priv->on_cancel = on_cancel;
	j->priv->on_cancel_arg = arg;
	pthread_mutex_unlock(&j->priv->lock);
	job_call_on_cancel(j);
}
