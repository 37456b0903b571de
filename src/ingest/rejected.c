/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * rejected.c - reads, retries or deletes the batches that import_command rejected.
 */
#include "ingest/inside.h"

#include <string.h>

struct rejected {
	struct import *import;
	struct spool_file *files;
	size_t n, at;	 /* the number of files, and the index of the current file */
	struct buf data; /* the compressed data of the current file; empty: the file is not read yet */
	z_stream z;
	bool has_stream;
	uint64_t offset; /* offset of the next byte of output */
};

static size_t rejected_count_batches(const struct import *imp)
{
	size_t n = 0;

	list_for_each (l, &imp->batches)
		n += container_of(l, struct batch, link)->state == BATCH_KEPT;
	return n;
}

uint64_t rejected_size(struct import *imp)
{
	uint64_t size = 0;

	pthread_mutex_lock(&imp->ingest->lock);
	list_for_each (l, &imp->batches) {
		struct batch *b = container_of(l, struct batch, link);

		size += b->state == BATCH_KEPT ? b->contents.inflated : 0;
	}
	pthread_mutex_unlock(&imp->ingest->lock);
	return size;
}

struct rejected *rejected_open(struct import *imp)
{
	struct rejected *r = calloc(1, sizeof(*r));

	if (!r)
		return NULL;
	r->import = import_ref(imp);
	buf_init(&r->data, PACKER_MAX + 4 * (BATCH_FACTS_MAX + BATCH_FOOTER_SIZE));
	pthread_mutex_lock(&imp->ingest->lock);
	r->files = calloc(rejected_count_batches(imp) + 1, sizeof(*r->files));
	list_for_each (l, &imp->batches) {
		struct batch *b = container_of(l, struct batch, link);

		if (r->files && b->state == BATCH_KEPT)
			r->files[r->n++] = b->file;
	}
	pthread_mutex_unlock(&imp->ingest->lock);
	if (r->files)
		return r;
	rejected_close(r);
	return NULL;
}

void rejected_close(struct rejected *r)
{
	if (!r)
		return;
	if (r->has_stream)
		inflateEnd(&r->z);
	buf_free(&r->data);
	free(r->files);
	import_unref(r->import);
	free(r);
}

static int rejected_next_file(struct rejected *r)
{
	struct batch_facts facts;
	struct error err = {0};
	int e;

	buf_clear(&r->data);
	e = spool_load(r->import->ingest->spool, &r->files[r->at], &r->data, &facts, &err);
	if (e < 0) {
		job_log(r->import->job, "%s", err.message);
		return -EIO;
	}
	if ((r->has_stream ? inflateReset(&r->z) : inflateInit2(&r->z, 16 + MAX_WBITS)) != Z_OK)
		return -ENOMEM;
	r->has_stream = true;
	r->z.next_in = (const Bytef *)r->data.data;
	r->z.avail_in = (uInt)r->data.len;
	return 0;
}

/* Returns the number of the next bytes, or 0 at the end. */
static ssize_t rejected_step(struct rejected *r, void *out, size_t len)
{
	int e = 0;

	while (r->at < r->n) {
		if (!r->data.len)
			e = rejected_next_file(r);
		if (e < 0)
			return e;
		r->z.next_out = out;
		r->z.avail_out = (uInt)len;
		e = inflate(&r->z, Z_NO_FLUSH);
		if (e == Z_STREAM_END) {
			r->at++;
			buf_clear(&r->data);
		} else if (e != Z_OK) {
			return -EIO;
		}
		e = 0;
		if (r->z.avail_out < len)
			return (ssize_t)(len - r->z.avail_out);
	}
	return 0;
}

static void rejected_rewind(struct rejected *r)
{
	r->at = 0;
	r->offset = 0;
	buf_clear(&r->data);
}

/* Skips the bytes before the offset. */
static int rejected_seek(struct rejected *r, uint64_t offset)
{
	char skipped[16 << 10];

	if (offset < r->offset)
		rejected_rewind(r);
	while (r->offset < offset) {
		uint64_t left = offset - r->offset;
		ssize_t n = rejected_step(r, skipped, left < sizeof(skipped) ? (size_t)left : sizeof(skipped));

		if (n <= 0)
			return (int)n;
		r->offset += (uint64_t)n;
	}
	return 0;
}

ssize_t rejected_read(struct rejected *r, uint64_t offset, void *out, size_t len)
{
	ssize_t n = rejected_seek(r, offset), done = 0;

	while (n >= 0 && (size_t)done < len && r->offset >= offset) {
		n = rejected_step(r, (char *)out + done, len - (size_t)done);
		if (n <= 0)
			break;
		done += n;
		r->offset += (uint64_t)n;
	}
	return done ? done : n;
}

/* -- retrying and deleting ------------------------------------------------------------------------------------- */

/* Returns the first kept batch, or NULL. Only the worker removes kept batches. */
static struct batch *rejected_first_batch(struct import *imp)
{
	struct batch *found = NULL;

	pthread_mutex_lock(&imp->ingest->lock);
	list_for_each (l, &imp->batches) {
		if (container_of(l, struct batch, link)->state != BATCH_KEPT)
			continue;
		found = container_of(l, struct batch, link);
		break;
	}
	pthread_mutex_unlock(&imp->ingest->lock);
	return found;
}

static void rejected_drop_batch(struct import *imp, struct batch *b)
{
	struct error err = {0};

	if (spool_remove(imp->ingest->spool, &b->file, &err) < 0)
		job_log(imp->job, "%s", err.message);
	batch_drop(b);
}

/* Frees an ended import that no longer keeps batches. */
static void rejected_settle_batch(struct import *imp)
{
	bool forgotten;

	pthread_mutex_lock(&imp->ingest->lock);
	forgotten = imp->has_ended && list_empty(&imp->batches) && !list_empty(&imp->link);
	if (forgotten)
		list_remove(&imp->link);
	pthread_mutex_unlock(&imp->ingest->lock);
	if (forgotten)
		import_unref(imp);
}

static int rejected_retry_batch(struct import *from, struct import *to, struct batch *b, struct error *err)
{
	_buf_ struct buf data = BUF_INIT(PACKER_MAX + 4 * (BATCH_FACTS_MAX + BATCH_FOOTER_SIZE));
	struct spool *spool = from->ingest->spool;
	struct intake *in = to->intake;
	struct batch_facts facts;
	struct spool_file file;
	int r = spool_load(spool, &b->file, &data, &facts, err);

	if (r < 0)
		return r;
	facts.import = to->number;
	facts.index = in->next_index++;
	facts.created_ms = in->facts.created_ms;
	facts.events_before = in->events;
	facts.bytes_before = in->bytes;
	facts.ordered = to->is_ordered;
	facts.place = to->place->place;
	facts.is_last_line = false;
	facts.goes_alone = true; /* the events of another import must not be rejected with them again */
	facts.why[0] = '\0';
	in->events += facts.events;
	in->bytes += facts.bytes;
	file = (struct spool_file){facts.import, facts.index, SPOOL_WAITING};
	r = spool_put(spool, SPOOL_WAITING, &facts, &data, err);
	if (r == 0)
		r = spool_sync_file(spool, &file, err);
	if (r == 0)
		r = spool_sync_names(spool, err);
	return r == 0 && !batch_add(to, &facts, SPOOL_WAITING, data.len) ? -ENOMEM : r;
}

static void rejected_run_retry(struct chore *t)
{
	struct import *from = t->import, *to = t->other;
	struct error err = {0};
	struct batch *b;
	int r = 0;

	while (r == 0 && (b = rejected_first_batch(from))) {
		r = rejected_retry_batch(from, to, b, &err);
		if (r == 0)
			rejected_drop_batch(from, b);
	}
	if (r < 0) {
		if (!error_is(&err))
			error_set(&err, r, "cannot send the rejected batches again: %s", strerror(-r));
		import_set_error(to, &err);
	}
	rejected_settle_batch(from);
	import_end(to);
	import_unref(from);
	import_unref(to);
	free(t);
}

int import_retry(struct import *from, struct import *to)
{
	struct chore *t = chore_new(rejected_run_retry, NULL, from);

	if (!t)
		return -ENOMEM;
	t->other = import_ref(to);
	ingest_post(from->ingest, t);
	return 0;
}

static void rejected_run_forget(struct chore *t)
{
	struct batch *b;

	while ((b = rejected_first_batch(t->import)))
		rejected_drop_batch(t->import, b);
	rejected_settle_batch(t->import);
	import_unref(t->import);
	free(t);
}

int import_forget(struct import *imp)
{
	struct chore *t = chore_new(rejected_run_forget, NULL, imp);

	if (!t)
		return -ENOMEM;
	ingest_post(imp->ingest, t);
	return 0;
}
