/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * recover.c - makes imports from the batches that an earlier mount left in the spool. It runs before the worker starts.
 */
#include "ingest/inside.h"

#include <inttypes.h>

struct recovery {
	struct ingest *ingest;
	struct job *(*make)(const struct batch_facts *facts, void *arg);
	void *arg;
	struct import *last; /* the files are sorted by import */
};

static struct import *recover_import(struct recovery *rec, const struct batch_facts *facts)
{
	struct batch_facts common = *facts;
	struct job *j;

	if (rec->last && rec->last->facts.import == facts->import)
		return rec->last;
	j = rec->make(facts, rec->arg);
	if (!j)
		return NULL;
	common.is_last_line = false;
	common.why[0] = '\0';
	rec->last = import_new(rec->ingest, j, &common);
	job_unref(j);
	if (!rec->last)
		return NULL;
	import_unref(rec->last); /* the list has a reference */
	intake_free(rec->last);
	rec->last->counts.is_written = rec->last->counts.is_recovered = true;
	return rec->last;
}

static int recover_batch(const struct spool_file *file, const struct batch_facts *facts, uint64_t size, void *arg)
{
	struct recovery *rec = arg;
	struct import *imp = recover_import(rec, facts);
	struct batch *b = imp ? batch_add(imp, facts, file->state, size) : NULL;

	if (!b)
		return -ENOMEM;
	b->is_durable = true;
	return 0;
}

static bool recover_is_last_line(const struct list *l)
{
	return container_of(l, struct batch, link)->file.state == SPOOL_LAST_LINE;
}

/* Returns whether the spool has data that follows the last line, which is then not the last one. */
static bool recover_is_superseded(const struct import *imp, const struct batch *last)
{
	list_for_each (l, &imp->batches)
		if (!recover_is_last_line(l) && container_of(l, struct batch, link)->facts.index >= last->facts.index)
			return true;
	return false;
}

static void recover_forget(struct import *imp, struct batch *b)
{
	imp->counts.batches--;
	imp->counts.batches_waiting--;
	imp->counts.events -= b->facts.events;
	imp->counts.bytes -= b->facts.bytes;
	batch_drop(b);
}

/* Makes the last line a normal or a rejected batch, because no more bytes arrived. */
static void recover_last_line(struct import *imp, struct batch *b, struct error *note)
{
	struct spool *spool = imp->ingest->spool;

	if (recover_is_superseded(imp, b)) {
		spool_remove(spool, &b->file, note);
		recover_forget(imp, b);
		return;
	}
	spool_move(spool, &b->file, *b->facts.why ? SPOOL_REJECTED : SPOOL_WAITING, note);
	if (!*b->facts.why)
		return;
	b->state = BATCH_KEPT;
	imp->counts.batches_waiting--;
	imp->counts.batches_rejected++;
	imp->counts.rejected += b->facts.events;
	imp->counts.rejected_bytes += b->facts.bytes;
}

/* The batches that are missing in the spool were delivered. */
static void recover_count(struct import *imp)
{
	uint64_t events = 0, bytes = 0;

	list_for_each (l, &imp->batches) {
		const struct batch_facts *f = &container_of(l, struct batch, link)->facts;

		if (f->events_before + f->events > events)
			events = f->events_before + f->events;
		if (f->bytes_before + f->bytes > bytes)
			bytes = f->bytes_before + f->bytes;
		if (*f->why && !error_is(&imp->counts.error))
			error_set(&imp->counts.error, -EIO, "batch %" PRIu32 " was rejected: %s", f->index, f->why);
	}
	if (events > imp->counts.events) {
		imp->counts.delivered = events - imp->counts.events;
		imp->counts.delivered_bytes = bytes > imp->counts.bytes ? bytes - imp->counts.bytes : 0;
		imp->counts.events = events;
		imp->counts.bytes = bytes;
	}
}

static void recover_settle(struct import *imp, void *arg)
{
	struct error *note = arg;

	list_for_each_safe (l, tmp, &imp->batches)
		if (recover_is_last_line(l))
			recover_last_line(imp, container_of(l, struct batch, link), note);
	recover_count(imp);
	import_settle(imp);
}

int ingest_recover(struct ingest *in, struct job *(*make)(const struct batch_facts *facts, void *arg), void *arg,
		   struct error *note)
{
	struct recovery rec = {.ingest = in, .make = make, .arg = arg};
	int r = spool_recover(in->spool, recover_batch, &rec, note);

	ingest_each(in, recover_settle, note);
	return r;
}
