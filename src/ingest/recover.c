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

	if (rec->last && rec->last->number == facts->import)
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

static void recover_set_rejection(struct import *imp, const struct batch *b, const char *why)
{
	struct error err;

	error_set(&err, -EIO, "batch %" PRIu32 " was rejected: %s", b->file.index, why);
	import_keep_error(imp, &err);
}

static int recover_batch(const struct spool_file *file, const struct batch_facts *facts, uint64_t size, void *arg)
{
	struct recovery *rec = arg;
	struct import *imp = recover_import(rec, facts);
	struct batch *b = imp ? batch_add(imp, facts, file->state, size) : NULL;

	if (!b)
		return -ENOMEM;
	b->is_durable = true;
	b->is_incomplete = file->state == SPOOL_LAST_LINE && *facts->why;
	if (facts->events_before + facts->events > imp->seen_events)
		imp->seen_events = facts->events_before + facts->events;
	if (facts->bytes_before + facts->bytes > imp->seen_bytes)
		imp->seen_bytes = facts->bytes_before + facts->bytes;
	if (file->state == SPOOL_REJECTED)
		recover_set_rejection(imp, b, *facts->why ? facts->why : "the reason is not known");
	return 0;
}

/* Returns NULL if the import has no last line. */
static struct batch *recover_find_last_line(const struct import *imp)
{
	list_for_each (l, &imp->batches) {
		struct batch *b = container_of(l, struct batch, link);

		if (b->file.state == SPOOL_LAST_LINE)
			return b;
	}
	return NULL;
}

/* Returns whether the spool has data that follows the last line, which is then not the last one. */
static bool recover_is_superseded(const struct import *imp, const struct batch *last)
{
	list_for_each (l, &imp->batches) {
		const struct batch *b = container_of(l, struct batch, link);

		if (b != last && b->file.index >= last->file.index)
			return true;
	}
	return false;
}

static void recover_forget(struct import *imp, struct batch *b)
{
	imp->counts.batches--;
	imp->counts.batches_waiting--;
	imp->counts.events -= b->contents.events;
	imp->counts.bytes -= b->contents.bytes;
	batch_drop(b);
}

/* Makes the last line a normal or a rejected batch, because no more bytes arrived. */
static void recover_last_line(struct import *imp, struct batch *b, struct error *note)
{
	struct spool *spool = imp->ingest->spool;
	char why[64];

	if (recover_is_superseded(imp, b)) {
		spool_remove(spool, &b->file, note);
		recover_forget(imp, b);
		return;
	}
	/* The name of its file is the first of the import, but the last line is delivered last. */
	list_remove(&b->link);
	list_append(&imp->batches, &b->link);
	spool_move(spool, &b->file, b->is_incomplete ? SPOOL_REJECTED : SPOOL_WAITING, note);
	if (!b->is_incomplete)
		return;
	snprintf(why, sizeof(why), "the last %s is incomplete", format_cutter(imp->format)->unit);
	recover_set_rejection(imp, b, why);
	b->state = BATCH_KEPT;
	imp->counts.batches_waiting--;
	imp->counts.batches_rejected++;
	imp->counts.rejected += b->contents.events;
	imp->counts.rejected_bytes += b->contents.bytes;
}

/* The batches that are missing in the spool were delivered. */
static void recover_count(struct import *imp)
{
	struct import_counts *c = &imp->counts;

	if (imp->seen_events <= c->events)
		return;
	c->delivered = imp->seen_events - c->events;
	c->delivered_bytes = imp->seen_bytes > c->bytes ? imp->seen_bytes - c->bytes : 0;
	c->events = imp->seen_events;
	c->bytes = imp->seen_bytes;
}

static void recover_settle(struct import *imp, void *arg)
{
	struct batch *last = recover_find_last_line(imp);

	if (last)
		recover_last_line(imp, last, arg);
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
