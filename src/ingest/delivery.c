/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * delivery.c - the delivery of batches. A batch is taken and sent (group.c), and then acknowledged, put back or
 * rejected. Only the worker changes the spool. A batch leaves its import after its file has left the spool.
 */
#include "ingest/inside.h"
#include "ingest/outcome.h"

#include <inttypes.h>
#include <string.h>

uint32_t batch_index(const struct batch *b)
{
	return b->file.index;
}

const struct batch_contents *batch_contents(const struct batch *b)
{
	return &b->contents;
}

struct import *batch_import(struct batch *b)
{
	return b->import;
}

unsigned batch_attempts(const struct batch *b)
{
	return b->attempts;
}

struct batch *batch_add(struct import *imp, const struct batch_facts *facts, enum spool_state state, uint64_t size)
{
	struct batch *b = calloc(1, sizeof(*b));
	struct import_counts *c = &imp->counts;
	bool kept = state == SPOOL_REJECTED;

	if (!b)
		return NULL;
	*b = (struct batch){.import = imp,
			    .file = {facts->import, facts->index, state},
			    .contents = {facts->events, facts->bytes, facts->inflated},
			    .size = size,
			    .goes_alone = facts->goes_alone,
			    .state = kept ? BATCH_KEPT : BATCH_READY,
			    .may_be_there = state == SPOOL_SENT};
	pthread_mutex_lock(&imp->ingest->lock);
	list_append(&imp->batches, &b->link);
	c->batches++;
	c->events += facts->events;
	c->bytes += facts->bytes;
	c->batches_waiting += !kept;
	c->batches_rejected += kept;
	c->rejected += kept ? facts->events : 0;
	c->rejected_bytes += kept ? facts->bytes : 0;
	pthread_mutex_unlock(&imp->ingest->lock);
	if (!kept)
		atomic_fetch_add(&imp->ingest->ready, 1);
	ingest_changed(imp->ingest);
	return b;
}

void batch_drop(struct batch *b)
{
	pthread_mutex_lock(&b->import->ingest->lock);
	list_remove(&b->link);
	pthread_mutex_unlock(&b->import->ingest->lock);
	free(b);
}

/* -- tasks of the worker --------------------------------------------------------------------------------------- */

static void delivery_chore_done(struct chore *t)
{
	import_settle(t->import);
	ingest_changed(t->import->ingest);
	import_unref(t->import);
	free(t);
}

/* The caller holds the lock. */
static void delivery_count_doubtful(struct import_counts *c, const struct batch *b)
{
	size_t len = strlen(c->batches_doubtful);

	c->doubtful += b->contents.events;
	if (len + 16 < sizeof(c->batches_doubtful))
		snprintf(c->batches_doubtful + len, sizeof(c->batches_doubtful) - len, "%s%" PRIu32, len ? " " : "",
			 b->file.index);
	else if (c->batches_doubtful[len - 1] != '.')
		snprintf(c->batches_doubtful + len, sizeof(c->batches_doubtful) - len, " ...");
}

static void delivery_run_acknowledge(struct chore *t)
{
	struct ingest *in = t->import->ingest;
	struct import_counts *c = &t->import->counts;
	struct batch *b = t->batch;
	struct error err = {0};

	if (spool_remove(in->spool, &b->file, &err) < 0)
		job_log(t->import->job, "batch %" PRIu32 " was delivered, but: %s", b->file.index, err.message);
	pthread_mutex_lock(&in->lock);
	c->batches_in_flight--;
	c->delivered += b->contents.events;
	c->delivered_bytes += b->contents.bytes;
	in->delivered += b->contents.events;
	if (b->may_be_there)
		delivery_count_doubtful(c, b);
	pthread_mutex_unlock(&in->lock);
	batch_drop(b);
	delivery_chore_done(t);
}

void batch_lose(struct batch *b, struct error *err)
{
	struct import *imp = b->import;

	error_prefix(err, "batch %" PRIu32 " with %" PRIu64 " events is lost", b->file.index, b->contents.events);
	error_remedy(err, "import these events again");
	import_set_error(imp, err);
	pthread_mutex_lock(&imp->ingest->lock);
	imp->counts.batches_in_flight--;
	imp->counts.refused += b->contents.events;
	pthread_mutex_unlock(&imp->ingest->lock);
	batch_drop(b);
}

static void delivery_run_reject(struct chore *t)
{
	struct ingest *in = t->import->ingest;
	struct import_counts *c = &t->import->counts;
	struct batch *b = t->batch;
	struct error err = {0};
	int r = spool_reject(in->spool, &b->file, t->why, &err);

	if (r == -ENOENT || r == -EBADMSG) {
		batch_lose(b, &err);
		delivery_chore_done(t);
		return;
	}
	/* Sending the batch again now would only repeat the rejection. */
	if (r < 0)
		job_log(t->import->job, "batch %" PRIu32 " was rejected, but the next mount will send it again: %s",
			b->file.index, err.message);
	pthread_mutex_lock(&in->lock);
	b->state = BATCH_KEPT;
	c->batches_in_flight--;
	c->batches_rejected++;
	c->rejected += b->contents.events;
	c->rejected_bytes += b->contents.bytes;
	c->exit_code = t->exit_code;
	in->rejected += b->contents.events;
	pthread_mutex_unlock(&in->lock);
	delivery_chore_done(t);
}

/* -- results of deliveries ------------------------------------------------------------------------------------- */

void batch_acknowledge(struct batch *b)
{
	struct chore *t = chore_new(delivery_run_acknowledge, b, b->import);

	if (t)
		ingest_post(b->import->ingest, t);
	else
		batch_put_back(b, true);
}

void batch_put_back(struct batch *b, bool may_be_there)
{
	struct import *imp = import_ref(b->import);
	struct ingest *in = imp->ingest;

	pthread_mutex_lock(&in->lock);
	b->state = BATCH_READY;
	b->may_be_there = b->may_be_there || may_be_there;
	imp->counts.batches_in_flight--;
	imp->counts.batches_waiting++;
	pthread_mutex_unlock(&in->lock);
	if (imp->counts.is_cancelled)
		import_cancel(imp);
	ingest_changed(in);
	import_unref(imp);
}

void batch_put_back_alone(struct batch *b, bool may_be_there)
{
	pthread_mutex_lock(&b->import->ingest->lock);
	b->goes_alone = true;
	b->attempts = 0;
	pthread_mutex_unlock(&b->import->ingest->lock);
	batch_put_back(b, may_be_there);
}

void batch_reject(struct batch *b, int exit_code, const char *why)
{
	struct chore *t = chore_new(delivery_run_reject, b, b->import);
	struct error err;

	error_set(&err, -EIO, "batch %" PRIu32 " with %" PRIu64 " events was rejected: %s", b->file.index,
		  b->contents.events, why);
	report_remedy(b->import->number, exit_code, &err);
	import_set_error(b->import, &err);
	if (!t) {
		batch_put_back(b, true);
		return;
	}
	t->exit_code = exit_code;
	snprintf(t->why, sizeof(t->why), "%s", why);
	ingest_post(b->import->ingest, t);
}

/* -- cancelling ------------------------------------------------------------------------------------------------ */

/* Takes a waiting batch, which belongs to the caller from then on. */
static struct batch *delivery_take_waiting(struct import *imp)
{
	struct batch *found = NULL;

	pthread_mutex_lock(&imp->ingest->lock);
	list_for_each (l, &imp->batches) {
		struct batch *b = container_of(l, struct batch, link);

		if (b->state != BATCH_READY)
			continue;
		b->state = BATCH_TAKEN;
		imp->counts.batches_waiting--;
		found = b;
		break;
	}
	pthread_mutex_unlock(&imp->ingest->lock);
	return found;
}

static void delivery_run_cancel(struct chore *t)
{
	struct error err = {0};
	struct batch *b;

	if (t->import->intake)
		t->import->intake->drops = true;
	while ((b = delivery_take_waiting(t->import))) {
		spool_remove(t->import->ingest->spool, &b->file, &err);
		batch_drop(b);
	}
	delivery_chore_done(t);
}

void import_cancel(struct import *imp)
{
	struct chore *t = chore_new(delivery_run_cancel, NULL, imp);
	struct error err;

	error_set(&err, -ECANCELED, "the import was cancelled");
	import_set_fatal(imp, &err);
	pthread_mutex_lock(&imp->ingest->lock);
	imp->counts.is_cancelled = true;
	pthread_mutex_unlock(&imp->ingest->lock);
	if (t)
		ingest_post(imp->ingest, t);
}
