/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * ingest.c - creates and ends imports, and queues the bytes of their writers. The worker thread is in worker.c.
 */
#include "ingest/inside.h"

#include <stdatomic.h>
#include <string.h>

/* -- imports --------------------------------------------------------------------------------------------------- */

/* Errors are rare, so their memory is separate. Without memory for the text, the failure is known nevertheless. */
static struct error ingest_no_memory = {.errnum = -ENOMEM, .message = "out of memory"};

static struct error *ingest_copy_error(const struct error *err)
{
	struct error *copy = malloc(sizeof(*copy));

	if (!copy)
		return &ingest_no_memory;
	*copy = *err;
	return copy;
}

static void ingest_free_error(struct error *err)
{
	if (err != &ingest_no_memory)
		free(err);
}

static void ingest_place_unref(struct shared_place *p)
{
	if (p && ref_put(&p->ref))
		free(p);
}

/* Returns a reference to the place, which is the same object as that of the newest import if both are equal. */
static struct shared_place *ingest_share_place(struct ingest *in, const struct place *place)
{
	struct shared_place *p, *old = NULL;

	pthread_mutex_lock(&in->lock);
	p = in->place && memcmp(&in->place->place, place, sizeof(*place)) == 0 ? in->place : malloc(sizeof(*p));
	if (p && p != in->place) {
		ref_init(&p->ref);
		p->place = *place;
		old = in->place;
		in->place = p;
	}
	if (p)
		ref_get(&p->ref);
	pthread_mutex_unlock(&in->lock);
	ingest_place_unref(old);
	return p;
}

struct import *import_new(struct ingest *in, struct job *j, const struct batch_facts *facts)
{
	struct import *imp = calloc(1, sizeof(*imp));

	if (!imp)
		return NULL;
	ref_init(&imp->ref);
	imp->ingest = in;
	imp->job = job_ref(j);
	imp->number = facts->import;
	snprintf(imp->format, sizeof(imp->format), "%s", facts->format);
	imp->is_ordered = facts->ordered;
	list_init(&imp->link);
	list_init(&imp->busy);
	list_init(&imp->pieces);
	list_init(&imp->batches);
	imp->place = ingest_share_place(in, &facts->place);
	imp->intake = intake_new(imp, facts);
	if (!imp->place || !imp->intake) {
		import_unref(imp);
		return NULL;
	}
	pthread_mutex_lock(&in->lock);
	list_append(&in->imports, &imp->link);
	import_ref(imp); /* the reference of the list */
	pthread_mutex_unlock(&in->lock);
	return imp;
}

struct import *import_ref(struct import *imp)
{
	ref_get(&imp->ref);
	return imp;
}

void import_unref(struct import *imp)
{
	if (!imp || !ref_put(&imp->ref))
		return;
	list_for_each_safe (l, next, &imp->pieces)
		free(container_of(l, struct piece, link));
	list_for_each_safe (l, next, &imp->batches)
		free(container_of(l, struct batch, link));
	intake_free(imp);
	ingest_place_unref(imp->place);
	ingest_free_error(imp->error);
	ingest_free_error(imp->fatal);
	job_unref(imp->job);
	free(imp);
}

struct job *import_job(struct import *imp)
{
	return imp->job;
}

uint64_t import_number(const struct import *imp)
{
	return imp->number;
}

const char *import_format(const struct import *imp)
{
	return imp->format;
}

const struct place *import_place(const struct import *imp)
{
	return &imp->place->place;
}

static struct import *ingest_find_in(const struct list *list, uint64_t number)
{
	list_for_each (l, list) {
		struct import *imp = container_of(l, struct import, link);

		if (imp->number == number)
			return import_ref(imp);
	}
	return NULL;
}

struct import *ingest_find(struct ingest *in, uint64_t number)
{
	struct import *found;

	pthread_mutex_lock(&in->lock);
	found = ingest_find_in(&in->kept, number);
	if (!found)
		found = ingest_find_in(&in->imports, number);
	pthread_mutex_unlock(&in->lock);
	return found;
}

void ingest_changed(struct ingest *in)
{
	in->config.changed(in->config.arg);
}

bool import_keep_error(struct import *imp, const struct error *err)
{
	bool is_first;

	pthread_mutex_lock(&imp->ingest->lock);
	is_first = !imp->error;
	if (is_first)
		imp->error = ingest_copy_error(err);
	pthread_mutex_unlock(&imp->ingest->lock);
	return is_first;
}

void import_set_error(struct import *imp, const struct error *err)
{
	if (import_keep_error(imp, err))
		job_remark(imp->job, err->message);
	else
		job_log(imp->job, "%s", err->message);
}

void import_set_fatal(struct import *imp, const struct error *err)
{
	import_set_error(imp, err);
	pthread_mutex_lock(&imp->ingest->lock);
	if (!imp->fatal)
		imp->fatal = ingest_copy_error(err);
	pthread_mutex_unlock(&imp->ingest->lock);
	ingest_changed(imp->ingest);
}

void import_counts(struct import *imp, struct import_counts *ret)
{
	pthread_mutex_lock(&imp->ingest->lock);
	*ret = imp->counts;
	pthread_mutex_unlock(&imp->ingest->lock);
}

void import_error(struct import *imp, struct error *ret)
{
	pthread_mutex_lock(&imp->ingest->lock);
	*ret = imp->error ? *imp->error : (struct error){0};
	pthread_mutex_unlock(&imp->ingest->lock);
}

/* The caller holds the lock. */
static bool ingest_import_is_done(const struct import *imp)
{
	if (imp->has_ended || !(imp->counts.is_written || imp->counts.is_cancelled) || !list_empty(&imp->pieces))
		return false;
	list_for_each (l, &imp->batches)
		if (container_of(l, struct batch, link)->state != BATCH_KEPT)
			return false;
	return true;
}

/* An import stays in the list while its end is told, so that it is under way until its job has ended. */
void import_settle(struct import *imp)
{
	struct ingest *in = imp->ingest;
	bool done, is_listed;

	pthread_mutex_lock(&in->lock);
	done = ingest_import_is_done(imp);
	imp->has_ended |= done;
	pthread_mutex_unlock(&in->lock);
	if (!done)
		return;
	in->config.ended(imp, in->config.arg);
	pthread_mutex_lock(&in->lock);
	is_listed = !list_empty(&imp->link); /* the user may have removed its rejected batches at once */
	list_remove(&imp->link);
	if (is_listed && !list_empty(&imp->batches)) {
		list_append(&in->kept, &imp->link);
		is_listed = false;
	}
	pthread_mutex_unlock(&in->lock);
	ingest_changed(in);
	if (is_listed)
		import_unref(imp); /* the reference of the list */
}

/* -- writers --------------------------------------------------------------------------------------------------- */

static struct piece *ingest_piece_new(enum piece_kind kind, const void *data, size_t len)
{
	struct piece *p = malloc(sizeof(*p) + len);

	if (!p)
		return NULL;
	*p = (struct piece){.kind = kind, .len = len};
	if (len)
		memcpy(p->data, data, len);
	return p;
}

/* The caller holds the lock. */
static void ingest_queue_piece(struct import *imp, struct piece *p)
{
	list_append(&imp->pieces, &p->link);
	imp->queued += p->len;
	imp->ingest->queued += p->len;
	if (list_empty(&imp->busy)) {
		list_append(&imp->ingest->busy, &imp->busy);
		import_ref(imp); /* of this list: a cancelled import may have left the others before its writer ends */
	}
	pthread_cond_signal(&imp->ingest->wake);
}

/* The caller holds the lock. */
static bool ingest_import_has_room(const struct import *imp)
{
	return imp->queued < INGEST_INPUT_MAX && (!imp->queued || imp->ingest->queued < INGEST_INPUT_ALL_MAX);
}

int import_write(struct import *imp, const void *data, size_t len, struct error *err)
{
	struct piece *p = ingest_piece_new(PIECE_DATA, data, len);
	int r = 0;

	if (!p)
		return -ENOMEM;
	pthread_mutex_lock(&imp->ingest->lock);
	if (imp->fatal) {
		*err = *imp->fatal;
		r = err->errnum;
	} else if (!ingest_import_has_room(imp)) {
		imp->ingest->was_full = true;
		r = -EAGAIN;
	} else {
		ingest_queue_piece(imp, p);
	}
	pthread_mutex_unlock(&imp->ingest->lock);
	if (r < 0)
		free(p);
	return r;
}

bool import_is_writable(struct import *imp)
{
	bool writable;

	pthread_mutex_lock(&imp->ingest->lock);
	writable = imp->fatal || ingest_import_has_room(imp);
	if (!writable)
		imp->ingest->was_full = true;
	pthread_mutex_unlock(&imp->ingest->lock);
	return writable;
}

int import_sync(struct import *imp, void (*done)(int result, const struct error *err, void *arg), void *arg)
{
	struct piece *p = ingest_piece_new(PIECE_SYNC, NULL, 0);

	if (!p)
		return -ENOMEM;
	p->done = done;
	p->arg = arg;
	pthread_mutex_lock(&imp->ingest->lock);
	ingest_queue_piece(imp, p);
	pthread_mutex_unlock(&imp->ingest->lock);
	return 0;
}

/* If there is no memory for the piece, the import ends when the worker stops. */
void import_end(struct import *imp)
{
	struct piece *p = ingest_piece_new(PIECE_END, NULL, 0);

	if (!p)
		return;
	pthread_mutex_lock(&imp->ingest->lock);
	ingest_queue_piece(imp, p);
	pthread_mutex_unlock(&imp->ingest->lock);
}

/* -- the module ------------------------------------------------------------------------------------------------ */

void ingest_set_limit(struct ingest *in, uint64_t bytes)
{
	atomic_store(&in->limit, bytes);
}

uint64_t ingest_ready(struct ingest *in)
{
	return atomic_load(&in->ready);
}

void ingest_set_delivering(struct ingest *in, bool is_delivering, uint64_t ready)
{
	atomic_store(&in->is_delivering, is_delivering);
	atomic_store(&in->offered, ready); /* intake_room_comes() reads them in the other order */
}

int ingest_check(struct ingest *in, struct error *err)
{
	return spool_check_version(in->spool, err);
}

int ingest_new(const struct ingest_config *config, struct ingest **ret, struct error *note)
{
	struct ingest *in = calloc(1, sizeof(*in));
	pthread_condattr_t attr;

	if (!in)
		return -ENOMEM;
	in->config = *config;
	in->limit = UINT64_C(1) << 30;
	pthread_mutex_init(&in->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&in->wake, &attr);
	pthread_condattr_destroy(&attr);
	list_init(&in->imports);
	list_init(&in->kept);
	list_init(&in->busy);
	list_init(&in->tasks);
	list_init(&in->open);
	if (spool_open(config->directory, &in->spool, note) < 0) {
		ingest_free(in);
		return -ENOMEM;
	}
	*ret = in;
	return 0;
}

static void ingest_abandon(struct import *imp)
{
	struct error err;

	error_set(&err, -ECANCELED, "vastfs is being unmounted");
	list_for_each (l, &imp->pieces) {
		struct piece *p = container_of(l, struct piece, link);

		if (p->kind == PIECE_SYNC)
			p->done(err.errnum, &err, p->arg);
	}
}

static void ingest_free_list(struct list *list)
{
	list_for_each_safe (l, tmp, list) {
		struct import *imp = container_of(l, struct import, link);

		list_remove(l);
		import_unref(imp);
	}
}

/* These are the imports with pieces that the worker has not taken. */
static void ingest_free_busy(struct ingest *in)
{
	list_for_each_safe (l, tmp, &in->busy) {
		struct import *imp = container_of(l, struct import, busy);

		list_remove(l);
		ingest_abandon(imp);
		import_unref(imp);
	}
}

void ingest_free(struct ingest *in)
{
	if (!in)
		return;
	ingest_free_busy(in);
	ingest_free_list(&in->imports);
	ingest_free_list(&in->kept);
	ingest_place_unref(in->place);
	spool_close(in->spool);
	pthread_cond_destroy(&in->wake);
	pthread_mutex_destroy(&in->lock);
	free(in);
}

/*
 * A script that has read the result of the last import finds no import under way, and the other way round. The caller
 * holds the lock.
 */
static bool ingest_import_is_under_way(const struct import *imp)
{
	_cleanup_(job_view_unref_cleanup) struct job_view *v = imp->has_ended ? job_view(imp->job) : NULL;

	return !v || !job_state_ended(v->state);
}

/* The caller holds the lock. */
static void ingest_add_totals(const struct import *imp, struct ingest_totals *ret)
{
	ret->imports += ingest_import_is_under_way(imp);
	list_for_each (l, &imp->batches) {
		const struct batch *b = container_of(l, struct batch, link);

		if (b->state == BATCH_KEPT)
			continue;
		ret->events_waiting += b->contents.events;
		ret->bytes_waiting += b->contents.bytes;
	}
}

void ingest_totals(struct ingest *in, struct ingest_totals *ret)
{
	*ret = (struct ingest_totals){0};
	pthread_mutex_lock(&in->lock);
	list_for_each (l, &in->imports)
		ingest_add_totals(container_of(l, struct import, link), ret);
	ret->delivered = in->delivered;
	ret->rejected = in->rejected;
	pthread_mutex_unlock(&in->lock);
	ret->spool_bytes = spool_bytes(in->spool);
}

void ingest_each(struct ingest *in, void (*each)(struct import *imp, void *arg), void *arg)
{
	struct import **all;
	size_t n = 0, i = 0;

	pthread_mutex_lock(&in->lock);
	list_for_each (l, &in->imports)
		n++;
	all = calloc(n + 1, sizeof(*all));
	list_for_each (l, &in->imports)
		if (all)
			all[i++] = import_ref(container_of(l, struct import, link));
	pthread_mutex_unlock(&in->lock);
	for (size_t k = 0; k < i; k++) {
		each(all[k], arg);
		import_unref(all[k]);
	}
	free(all);
}
