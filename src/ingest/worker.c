/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * worker.c - the worker thread: runs tasks, takes the pieces of the writers in turn, and ends batches that are old
 * enough.
 */
#include "ingest/inside.h"

#include "base/clock.h"

#define BLOCKED_MS 50 /* wait before an import that has no room in the spool tries again */

/* -- tasks ----------------------------------------------------------------------------------------------------- */

struct chore *chore_new(void (*run)(struct chore *t), struct batch *b, struct import *imp)
{
	struct chore *t = calloc(1, sizeof(*t));

	if (!t)
		return NULL;
	list_init(&t->link);
	t->run = run;
	t->batch = b;
	t->import = imp ? import_ref(imp) : NULL;
	return t;
}

void ingest_post(struct ingest *in, struct chore *t)
{
	bool queued;

	pthread_mutex_lock(&in->lock);
	queued = in->has_thread && !in->stopping;
	if (queued) {
		list_append(&in->tasks, &t->link);
		pthread_cond_signal(&in->wake);
	}
	pthread_mutex_unlock(&in->lock);
	if (!queued)
		t->run(t);
}

/* -- pieces ---------------------------------------------------------------------------------------------------- */

static void worker_sync(struct import *imp, struct piece *p)
{
	struct error err = {0};
	int r = intake_sync(imp, &err);

	pthread_mutex_lock(&imp->ingest->lock);
	if (imp->fatal) {
		err = *imp->fatal;
		r = err.errnum;
	}
	pthread_mutex_unlock(&imp->ingest->lock);
	p->done(r, &err, p->arg);
}

static void worker_end(struct import *imp)
{
	intake_end(imp);
	pthread_mutex_lock(&imp->ingest->lock);
	imp->counts.is_written = true;
	pthread_mutex_unlock(&imp->ingest->lock);
}

/* Returns false if there is no room for the piece at present. */
static bool worker_run_piece(struct import *imp, struct piece *p)
{
	switch (p->kind) {
	case PIECE_DATA:
		if (intake_has_room(imp, p->len) == 0) {
			intake_close(imp);
			return false;
		}
		intake_take(imp, p->data, p->len);
		break;
	case PIECE_SYNC:
		worker_sync(imp, p);
		break;
	case PIECE_END:
		worker_end(imp);
		break;
	}
	return true;
}

/*
 * Returns the next import with a piece that can be taken, and moves that import to the end of the list. The caller
 * holds the lock.
 */
static struct import *worker_next(struct ingest *in, int64_t now)
{
	list_for_each (l, &in->busy) {
		struct import *imp = container_of(l, struct import, busy);

		if (imp->blocked_ms > now)
			continue;
		list_remove(&imp->busy);
		list_append(&in->busy, &imp->busy);
		return import_ref(imp);
	}
	return NULL;
}

/* The caller holds the lock, which is released during the work. */
static void worker_take_piece(struct ingest *in, struct import *imp)
{
	struct piece *p = container_of(imp->pieces.next, struct piece, link);
	bool taken, was_full, was_last = false;

	pthread_mutex_unlock(&in->lock);
	taken = worker_run_piece(imp, p);
	pthread_mutex_lock(&in->lock);
	if (!taken) {
		imp->blocked_ms = clock_monotonic_ms() + BLOCKED_MS;
	} else {
		list_remove(&p->link);
		imp->queued -= p->len;
		in->queued -= p->len;
		was_last = list_empty(&imp->pieces);
		if (was_last)
			list_remove(&imp->busy);
	}
	was_full = in->was_full;
	in->was_full = false;
	pthread_mutex_unlock(&in->lock);
	if (taken)
		free(p);
	if (was_full)
		ingest_changed(in);
	import_settle(imp);
	if (was_last)
		import_unref(imp); /* the reference of the list */
	import_unref(imp);
	pthread_mutex_lock(&in->lock);
}

/*
 * Ends batches that are old enough. Returns the time at which the next batch will be old enough (monotonic ms), or 0 if
 * there is none.
 */
static int64_t worker_close_old(struct ingest *in, int64_t now)
{
	int64_t next = 0;

	list_for_each_safe (l, tmp, &in->open) {
		struct intake *open = container_of(l, struct intake, link);
		int64_t due = open->opened_ms + INGEST_BATCH_AGE_MS;

		if (open->cutter.kind->is_whole)
			continue;
		if (due <= now)
			intake_close(open->import);
		else if (!next || due < next)
			next = due;
	}
	return next;
}

/* -- the thread ------------------------------------------------------------------------------------------------ */

static void worker_wait(struct ingest *in, int64_t until_ms)
{
	struct timespec t = {.tv_sec = until_ms / 1000, .tv_nsec = until_ms % 1000 * 1000000};

	if (until_ms)
		pthread_cond_timedwait(&in->wake, &in->lock, &t);
	else
		pthread_cond_wait(&in->wake, &in->lock);
}

/*
 * Runs one step. The caller holds the lock, which is released during the work. Returns false if there is no work at
 * present.
 */
static bool worker_step(struct ingest *in)
{
	struct import *imp;

	if (!list_empty(&in->tasks)) {
		struct chore *t = container_of(in->tasks.next, struct chore, link);

		list_remove(&t->link);
		pthread_mutex_unlock(&in->lock);
		t->run(t);
		pthread_mutex_lock(&in->lock);
		return true;
	}
	imp = worker_next(in, clock_monotonic_ms());
	if (imp)
		worker_take_piece(in, imp);
	return imp != NULL;
}

static void *worker_run(void *arg)
{
	struct ingest *in = arg;

	pthread_mutex_lock(&in->lock);
	for (;;) {
		int64_t now = clock_monotonic_ms(), next;

		pthread_mutex_unlock(&in->lock);
		next = worker_close_old(in, now);
		pthread_mutex_lock(&in->lock);
		if (worker_step(in))
			continue;
		if (in->stopping)
			break;
		if (!list_empty(&in->busy) && (!next || now + BLOCKED_MS < next))
			next = now + BLOCKED_MS;
		worker_wait(in, next);
	}
	pthread_mutex_unlock(&in->lock);
	return NULL;
}

int ingest_start(struct ingest *in)
{
	in->has_thread = true;
	if (pthread_create(&in->thread, NULL, worker_run, in) == 0)
		return 0;
	in->has_thread = false;
	return -EAGAIN;
}

void ingest_stop(struct ingest *in)
{
	if (!in || !in->has_thread)
		return;
	pthread_mutex_lock(&in->lock);
	in->stopping = true;
	pthread_cond_signal(&in->wake);
	pthread_mutex_unlock(&in->lock);
	pthread_join(in->thread, NULL);
	in->has_thread = false;
	/* Deliver the complete units of the imports whose writers have not ended. */
	list_for_each_safe (l, tmp, &in->open)
		intake_close(container_of(l, struct intake, link)->import);
}
