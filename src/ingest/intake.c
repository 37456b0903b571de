/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * intake.c - brings the bytes of a writer into the spool: they are inflated, cut, packed and stored. Worker thread
 * only.
 */
#include "ingest/inside.h"

#include "base/clock.h"

#include <inttypes.h>
#include <string.h>

#define CROWDED	       10 /* while more batches than this are being made, each of them is smaller */
#define CROWDED_TARGET (128 << 10)

static int intake_events(const char *data, size_t len, uint64_t n, void *arg);
static int intake_header(const char *data, size_t len, void *arg);
static int intake_oversized(const char *data, size_t len, void *arg);
static int intake_refused(uint64_t number, const char *why, const char *data, size_t len, void *arg);
static int intake_plain(const char *data, size_t len, void *arg);

/* -- life ------------------------------------------------------------------------------------------------------ */

struct intake *intake_new(struct import *imp, const struct batch_facts *facts)
{
	struct intake *in = calloc(1, sizeof(*in));

	if (!in)
		return NULL;
	in->import = imp;
	in->facts = *facts;
	in->sink = (struct cutter_sink){intake_events, intake_header, intake_oversized, intake_refused, imp};
	gunzip_init(&in->gunzip, intake_plain, imp);
	cutter_init(&in->cutter, format_cutter(facts->format), &in->sink);
	packer_init(&in->packer);
	packer_init(&in->oversized);
	buf_init(&in->header, CUTTER_HEADER_MAX);
	list_init(&in->link);
	in->next_index = 1;
	return in;
}

void intake_free(struct import *imp)
{
	struct intake *in = move_ptr(imp->intake);

	if (!in)
		return;
	list_remove(&in->link);
	gunzip_free(&in->gunzip);
	cutter_free(&in->cutter);
	packer_free(&in->packer);
	packer_free(&in->oversized);
	buf_free(&in->header);
	free(in);
}

/* -- batches --------------------------------------------------------------------------------------------------- */

static void intake_drop_last_line(struct import *imp)
{
	struct error err = {0};

	if (!imp->intake->has_last_line)
		return;
	imp->intake->has_last_line = false;
	spool_remove(imp->ingest->spool, &(struct spool_file){imp->number, 0, SPOOL_LAST_LINE}, &err);
}

static int intake_move_last_line(struct import *imp, struct error *err)
{
	_buf_ struct buf data = BUF_INIT(PACKER_MAX + 4 * (BATCH_FACTS_MAX + BATCH_FOOTER_SIZE));
	struct spool_file file = {imp->number, imp->intake->last_line_index, SPOOL_LAST_LINE};
	struct batch_facts facts;
	int r = spool_load(imp->ingest->spool, &file, &data, &facts, err);

	if (r == 0)
		r = spool_move(imp->ingest->spool, &file, *facts.why ? SPOOL_REJECTED : SPOOL_WAITING, err);
	if (r < 0)
		return r;
	imp->intake->next_index++;
	imp->intake->events += facts.events;
	imp->intake->bytes += facts.bytes;
	return batch_add(imp, &facts, file.state, data.len) ? 0 : -ENOMEM;
}

/*
 * Makes a normal or a rejected batch of the last line, as recover.c does. It was accepted, and the data that was to
 * replace it cannot be stored.
 */
static void intake_keep_accepted_line(struct import *imp)
{
	struct error err = {0};

	if (!imp->intake->has_last_line)
		return;
	if (imp->intake->next_index > imp->intake->last_line_index) {
		intake_drop_last_line(imp);
		return;
	}
	imp->intake->has_last_line = false;
	if (intake_move_last_line(imp, &err) < 0)
		job_log(imp->job, "the last line is stored, but is delivered only after the next mount: %s",
			err.message);
}

/* Stores no more data of this import. The data in the spool is still delivered. */
static int intake_fail(struct import *imp, struct error *err)
{
	struct intake *in = imp->intake;

	in->drops = true;
	intake_keep_accepted_line(imp);
	if (err->errnum == -ENOSPC || err->errnum == -EDQUOT) {
		struct error cause = *err;

		error_set(err, cause.errnum,
			  "no space for more events: %" PRIu64
			  " events were accepted, the remaining events were not: %s",
			  in->events, cause.message);
		error_remedy(err, "%s", cause.remedy);
	}
	import_set_fatal(imp, err);
	return err->errnum;
}

static void intake_facts(const struct import *imp, const struct packer *p, struct batch_facts *ret)
{
	*ret = imp->intake->facts;
	ret->index = imp->intake->next_index;
	ret->events = p->events;
	ret->bytes = p->bytes;
	ret->inflated = p->inflated;
	ret->events_before = imp->intake->events;
	ret->bytes_before = imp->intake->bytes;
}

static int intake_put(struct import *imp, const struct packer *p, enum spool_state state, const char *why)
{
	struct batch_facts facts;
	struct error err = {0};
	int r;

	intake_facts(imp, p, &facts);
	snprintf(facts.why, sizeof(facts.why), "%s", why);
	r = spool_put(imp->ingest->spool, state, &facts, &p->out, &err);
	if (r == 0 && !batch_add(imp, &facts, state, p->out.len))
		r = error_set(&err, -ENOMEM, "out of memory");
	if (r < 0)
		return intake_fail(imp, &err);
	imp->intake->next_index++;
	imp->intake->events += p->events;
	imp->intake->bytes += p->bytes;
	return 0;
}

/* The import is one batch. The part of it that an fsync has stored is of no use without the rest. */
static int intake_too_large(struct import *imp)
{
	struct error err = {0};

	intake_drop_last_line(imp);
	error_set(&err, -EFBIG,
		  "vastfs does not know where to cut %s, so an import of it is one batch of at most %.1f MB after "
		  "compression; this import is larger, and no part of it was accepted",
		  imp->format, PACKER_MAX / 1e6);
	error_remedy(&err, "split the data into smaller imports, or use a format that ls import/ shows");
	return intake_fail(imp, &err);
}

static int intake_finish_batch(struct import *imp)
{
	struct intake *in = imp->intake;
	struct error err = {0};
	int r = packer_finish(&in->packer);

	if (r == 0)
		return intake_put(imp, &in->packer, SPOOL_WAITING, "");
	if (r == -EFBIG && in->cutter.kind->is_whole)
		return intake_too_large(imp);
	error_set(&err, r, "cannot compress a batch: %s", strerror(-r));
	return intake_fail(imp, &err);
}

int intake_close(struct import *imp)
{
	struct intake *in = imp->intake;
	int r = 0;

	list_remove(&in->link);
	if (!packer_is_empty(&in->packer) && !in->drops)
		r = intake_finish_batch(imp);
	packer_next(&in->packer);
	return r;
}

static size_t intake_target(const struct ingest *all)
{
	size_t n = 0;

	list_for_each (l, &all->open)
		n++;
	return n > CROWDED ? CROWDED_TARGET : PACKER_TARGET;
}

static int intake_open(struct import *imp)
{
	struct intake *in = imp->intake;

	if (!packer_is_empty(&in->packer))
		return 0;
	in->opened_ms = clock_monotonic_ms();
	list_remove(&in->link);
	list_append(&imp->ingest->open, &in->link);
	return packer_add_header(&in->packer, in->header.data, in->header.len);
}

/* -- output of the cutter -------------------------------------------------------------------------------------- */

static int intake_events(const char *data, size_t len, uint64_t n, void *arg)
{
	struct import *imp = arg;
	struct intake *in = imp->intake;
	bool whole = in->cutter.kind->is_whole;
	int r = 0;

	if (!whole && !packer_has_room(&in->packer, len))
		r = intake_close(imp);
	if (r == 0)
		r = intake_open(imp);
	if (r == 0)
		r = packer_add(&in->packer, data, len, n);
	if (r == -EFBIG && whole)
		r = intake_too_large(imp);
	if (r == 0 && !whole && packer_is_full(&in->packer, intake_target(imp->ingest)))
		r = intake_close(imp);
	return r;
}

static int intake_header(const char *data, size_t len, void *arg)
{
	struct import *imp = arg;
	int r = intake_close(imp);

	if (r < 0)
		return r;
	buf_clear(&imp->intake->header);
	return buf_append(&imp->intake->header, data, len);
}

static void intake_count_refused(struct import *imp)
{
	pthread_mutex_lock(&imp->ingest->lock);
	imp->counts.refused++;
	pthread_mutex_unlock(&imp->ingest->lock);
}

/* Packs the header and these bytes. */
static int intake_pack_alone(const struct import *imp, const char *data, size_t len, uint64_t n, struct packer *p)
{
	int r;

	packer_init(p);
	r = packer_add_header(p, imp->intake->header.data, imp->intake->header.len);
	if (r == 0)
		r = packer_add(p, data, len, n);
	return r == 0 ? packer_finish(p) : r;
}

static int intake_oversized(const char *data, size_t len, void *arg)
{
	struct intake *in = ((struct import *)arg)->intake;
	int r = 0;

	if (in->oversized_is_lost)
		return 0;
	if (packer_is_empty(&in->oversized))
		r = packer_add_header(&in->oversized, in->header.data, in->header.len);
	if (r == 0 && (!packer_has_room(&in->oversized, len) || in->oversized.inflated + len > PACKER_PLAIN))
		r = -EFBIG;
	if (r == 0)
		r = packer_add(&in->oversized, data, len, 0);
	if (r != -EFBIG)
		return r;
	in->oversized_is_lost = true;
	packer_free(&in->oversized);
	return 0;
}

/* Makes a rejected batch of the oversized unit, or counts it if it was too large even for that. */
static int intake_keep_oversized(struct import *imp, const char *why)
{
	struct intake *in = imp->intake;
	int r = 0;

	in->oversized.events = 1;
	if (in->oversized_is_lost)
		intake_count_refused(imp);
	else
		r = packer_finish(&in->oversized);
	if (r == 0 && !in->oversized_is_lost)
		r = intake_put(imp, &in->oversized, SPOOL_REJECTED, why);
	packer_free(&in->oversized);
	in->oversized_is_lost = false;
	return r;
}

static int intake_keep_alone(struct import *imp, const char *data, size_t len, const char *why)
{
	struct packer alone;
	int r = intake_pack_alone(imp, data, len, 1, &alone);

	if (r == 0)
		r = intake_put(imp, &alone, SPOOL_REJECTED, why);
	packer_free(&alone);
	return r;
}

static int intake_refused(uint64_t number, const char *why, const char *data, size_t len, void *arg)
{
	struct import *imp = arg;
	bool is_lost = !data && imp->intake->oversized_is_lost;
	struct error err = {0};
	int r;

	error_set(&err, -EINVAL, "%s %" PRIu64 " was rejected%s: %s", imp->intake->cutter.kind->unit, number,
		  is_lost ? " and not kept" : "", is_lost ? "it is larger than one invocation takes" : why);
	import_set_error(imp, &err);
	r = intake_close(imp);
	if (r < 0)
		return r;
	return data ? intake_keep_alone(imp, data, len, err.message) : intake_keep_oversized(imp, err.message);
}

static int intake_plain(const char *data, size_t len, void *arg)
{
	struct import *imp = arg;
	struct error err = {0};
	int r = cutter_feed(&imp->intake->cutter, data, len, &err);

	/* The content is invalid. The units before the error are delivered. */
	if (r < 0 && error_is(&err)) {
		intake_close(imp);
		err.errnum = -EINVAL;
		return intake_fail(imp, &err);
	}
	return r;
}

/* -- input of the writer --------------------------------------------------------------------------------------- */

/* Returns the room that all batches under way will take when they end. */
static size_t intake_pending(const struct ingest *all)
{
	size_t bytes = 0;

	list_for_each (l, &all->open)
		bytes += container_of(l, struct intake, link)->packer.out.len;
	return bytes;
}

/* Returns whether the spool has only rejected batches, which stay there until the user acts. */
static bool intake_has_only_rejected(struct ingest *all, size_t pending)
{
	struct ingest_totals totals;

	ingest_totals(all, &totals);
	return !pending && !totals.bytes_waiting;
}

/* Returns whether batches are leaving the spool, or the sender has not seen the newest one yet. */
static bool intake_room_comes(struct ingest *all)
{
	return atomic_load(&all->offered) != atomic_load(&all->ready) || atomic_load(&all->is_delivering);
}

int intake_has_room(struct import *imp, size_t len)
{
	struct ingest *all = imp->ingest;
	bool room_comes = intake_room_comes(all); /* before the disk: the last batch may leave in between */
	size_t pending = intake_pending(all);
	struct error err = {0};

	if (imp->intake->drops)
		return 1;
	switch (spool_room(all->spool, atomic_load(&all->limit), pending + len)) {
	case SPOOL_HAS_ROOM:
		return 1;
	case SPOOL_AT_LIMIT:
		if (!intake_has_only_rejected(all, pending))
			return 0;
		error_set(&err, -ENOSPC, "rejected events fill the spool up to import_spool_limit");
		error_remedy(&err, "remove them: rm -r import/history/<n>; or raise import_spool_limit in "
				   "config/default.env");
		break;
	case SPOOL_DISK_FULL:
		if (room_comes)
			return 0;
		error_set(&err, -ENOSPC, "the disk of the spool is full");
		error_remedy(&err, "make room on the disk of the spool (vastfs leaves its last tenth free), or set "
				   "XDG_STATE_HOME to a larger disk and mount again");
		break;
	}
	intake_close(imp);
	return intake_fail(imp, &err);
}

int intake_take(struct import *imp, const char *data, size_t len)
{
	struct error err = {0};
	int r;

	if (imp->intake->drops)
		return 0;
	r = gunzip_feed(&imp->intake->gunzip, data, len, &err);
	if (r == -EBADMSG && error_is(&err)) {
		intake_close(imp);
		err.errnum = -EINVAL;
		return intake_fail(imp, &err);
	}
	if (r < 0 && !imp->intake->drops)
		return intake_fail(imp, (error_set(&err, r, "cannot accept events: %s", strerror(-r)), &err));
	return r;
}

/* -- durability ------------------------------------------------------------------------------------------------ */

static int intake_peek(struct packer *p, struct packer *ret)
{
	packer_init(ret);
	ret->events = p->events;
	ret->bytes = p->bytes;
	ret->inflated = p->inflated;
	return packer_peek(p, &ret->out);
}

static int intake_pack_last(struct import *imp, struct packer *ret)
{
	struct intake *in = imp->intake;
	int r;

	if (in->cutter.kind->is_whole)
		return intake_peek(&in->packer, ret);
	if (!in->cutter.is_oversized)
		return intake_pack_alone(imp, in->cutter.rest.data, in->cutter.rest.len, 1, ret);
	r = intake_peek(&in->oversized, ret);
	ret->events = 1;
	return r;
}

/* Returns whether bytes have arrived that are in no batch yet. */
static bool intake_has_last(const struct intake *in)
{
	if (in->drops || in->oversized_is_lost)
		return false;
	if (in->cutter.kind->is_whole)
		return !packer_is_empty(&in->packer);
	return in->cutter.rest.len || in->cutter.is_oversized;
}

/*
 * Stores a line without its end, or a stream that is one unit, as the batch that it would be if no more bytes arrived.
 */
static int intake_keep_last_line(struct import *imp, struct error *err)
{
	struct intake *in = imp->intake;
	bool whole = in->cutter.kind->is_whole, complete = whole || cutter_rest_is_complete(&in->cutter);
	struct packer alone;
	struct batch_facts facts;
	int r = intake_pack_last(imp, &alone);

	intake_facts(imp, &alone, &facts);
	facts.is_last_line = facts.goes_alone = true;
	if (!complete)
		snprintf(facts.why, sizeof(facts.why), "the last %s is incomplete", in->cutter.kind->unit);
	if (r == 0)
		r = spool_put(imp->ingest->spool, SPOOL_LAST_LINE, &facts, &alone.out, err);
	packer_free(&alone);
	if (r == -EFBIG && whole)
		return intake_too_large(imp);
	if (r == 0) {
		in->has_last_line = true;
		in->last_line_index = facts.index;
	}
	if (r == 0)
		r = spool_sync_file(imp->ingest->spool, &(struct spool_file){facts.import, 0, SPOOL_LAST_LINE}, err);
	return r < 0 && !error_is(err) ? error_set(err, r, "cannot store the last line: %s", strerror(-r)) : r;
}

/* Finds a batch that may not be on disk yet. Returns false if there is none. */
static bool intake_next_to_sync(struct import *imp, struct spool_file *ret)
{
	bool found = false;

	pthread_mutex_lock(&imp->ingest->lock);
	list_for_each (l, &imp->batches) {
		struct batch *b = container_of(l, struct batch, link);

		if (b->is_durable)
			continue;
		b->is_durable = true;
		*ret = b->file;
		found = true;
		break;
	}
	pthread_mutex_unlock(&imp->ingest->lock);
	return found;
}

static int intake_sync_files(struct import *imp, struct error *err)
{
	struct spool_file file;
	int r = 0;

	while (r == 0 && intake_next_to_sync(imp, &file))
		r = spool_sync_file(imp->ingest->spool, &file, err);
	if (r == 0 && (imp->intake->next_index > 1 || imp->intake->has_last_line))
		r = spool_sync_names(imp->ingest->spool, err);
	return r;
}

int intake_sync(struct import *imp, struct error *err)
{
	struct intake *in = imp->intake;
	bool has_last;
	int r = 0;

	if (!in->cutter.kind->is_whole)
		intake_close(imp);
	has_last = intake_has_last(in);
	if (has_last)
		r = intake_keep_last_line(imp, err);
	if (r == 0)
		r = intake_sync_files(imp, err);
	/* Only now is the data that has replaced an earlier last line on the disk. */
	if (r == 0 && !has_last)
		intake_drop_last_line(imp);
	/* The kernel reports a failed write once. A later sync would succeed although the data is not on the disk. */
	return r < 0 && !in->drops ? intake_fail(imp, err) : r;
}

void intake_end(struct import *imp)
{
	struct intake *in = imp->intake;
	struct error err = {0};
	int r;

	if (!in->drops && gunzip_end(&in->gunzip, &err) < 0 && error_is(&err))
		import_set_error(imp, &err);
	if (!in->drops && (r = cutter_end(&in->cutter)) < 0 && !in->drops)
		intake_fail(imp, (error_set(&err, r, "cannot accept the last line: %s", strerror(-r)), &err));
	intake_close(imp);
	if (in->has_last_line)
		intake_sync_files(imp, &err);
	intake_drop_last_line(imp);
	intake_free(imp);
}
