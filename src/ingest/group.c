/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * group.c - chooses the batches that one invocation delivers, and reads their data. Each invocation takes some
 * milliseconds in AWS and on this machine, so small imports share an invocation.
 */
#include "ingest/inside.h"

#include <inttypes.h>
#include <string.h>

#define SMALL_MAX (64 << 10) /* most bytes of a small batch */

/* -- taking ---------------------------------------------------------------------------------------------------- */

/* A group that is being made. The caller of the functions below holds the lock. */
struct taking {
	const struct take_rules *rules;
	struct batch_group *group;
	const char *format; /* format of the batches in the group */
	uint64_t size, inflated;
};

static bool group_batch_is_small(const struct batch *b)
{
	return !b->goes_alone && b->size < SMALL_MAX && format_cutter(b->import->format)->is_joinable;
}

static bool group_taking_is_full(const struct taking *t)
{
	return t->group->n == BATCH_GROUP_MAX || t->size + SMALL_MAX > PACKER_TARGET || t->inflated >= PACKER_PLAIN / 2;
}

static void group_taking_add(struct taking *t, struct batch *b)
{
	t->format = b->import->format;
	t->size += b->size;
	t->inflated += b->contents.inflated;
	t->group->batches[t->group->n++] = b;
}

/* Finds the next batch of the import that is ready, after the given one. An ordered import has at most one ready batch.
 */
static struct batch *group_next_ready_import(struct import *imp, const struct batch *after)
{
	const struct list *l = after ? after->link.next : imp->batches.next;

	if (after && imp->is_ordered)
		return NULL;
	for (; l != &imp->batches; l = l->next) {
		struct batch *b = container_of(l, struct batch, link);

		if (b->state == BATCH_READY)
			return b;
		if (b->state == BATCH_TAKEN && imp->is_ordered)
			return NULL;
	}
	return NULL;
}

static void group_visit_small(struct taking *t, struct import *imp)
{
	struct batch *b = NULL;

	if (t->format && strcmp(t->format, imp->format) != 0)
		return;
	while (!group_taking_is_full(t) && (b = group_next_ready_import(imp, b)))
		if (group_batch_is_small(b))
			group_taking_add(t, b);
}

static void group_visit_large(struct taking *t, struct import *imp)
{
	struct batch *b = NULL;

	while (!t->group->n && (b = group_next_ready_import(imp, b)))
		if (!group_batch_is_small(b))
			group_taking_add(t, b);
}

static void group_taking_run(struct taking *t, struct ingest *in, void (*visit)(struct taking *t, struct import *imp))
{
	list_for_each (l, &in->imports) {
		struct import *imp = container_of(l, struct import, link);

		if (!imp->counts.is_cancelled && t->rules->may_go(&imp->place->place, t->rules->arg))
			visit(t, imp);
	}
}

static void group_batch_take(struct batch *b)
{
	b->state = BATCH_TAKEN;
	b->attempts++;
	b->import->counts.batches_waiting--;
	b->import->counts.batches_in_flight++;
}

bool ingest_take(struct ingest *in, const struct take_rules *rules, struct batch_group *ret)
{
	struct taking t = {.rules = rules, .group = ret};

	ret->n = 0;
	ret->failure = (struct error){0};
	pthread_mutex_lock(&in->lock);
	/* Small batches are sent first, so that they do not wait for hours behind a large import. */
	group_taking_run(&t, in, group_visit_small);
	if (rules->delay_small && !group_taking_is_full(&t))
		ret->n = 0;
	if (!ret->n)
		group_taking_run(&t, in, group_visit_large);
	for (size_t i = 0; i < ret->n; i++)
		group_batch_take(ret->batches[i]);
	pthread_mutex_unlock(&in->lock);
	return ret->n != 0;
}

bool batch_group_is_small(const struct batch_group *g)
{
	return g->n && group_batch_is_small(g->batches[0]);
}

/* -- loading --------------------------------------------------------------------------------------------------- */

/*
 * Appends the data of a batch. Returns false if the batch could not be read; it then no longer belongs to the caller.
 * failure gets the reason if the batch was put back.
 */
static bool group_batch_load(struct batch *b, struct buf *data, struct error *failure)
{
	struct import *imp = import_ref(b->import);
	struct batch_facts facts;
	struct error err = {0};
	int r = 0;

	/* The file is renamed before the batch is sent, so a crash cannot hide an attempt. */
	if (b->file.state == SPOOL_WAITING)
		r = spool_move(imp->ingest->spool, &b->file, SPOOL_SENT, &err);
	if (r == 0 || r == -ENOENT)
		r = spool_load(imp->ingest->spool, &b->file, data, &facts, &err);
	if (r == -ENOENT || r == -EBADMSG) {
		batch_lose(b, &err);
	} else if (r < 0) {
		job_log(imp->job, "batch %" PRIu32 " waits: %s", b->file.index, err.message);
		batch_put_back(b, false);
		*failure = err;
	}
	if (r < 0)
		import_settle(imp);
	import_unref(imp);
	return r == 0;
}

static void group_run_load(struct chore *t)
{
	_buf_ struct buf data = BUF_INIT(PACKER_MAX + 4 * (BATCH_FACTS_MAX + BATCH_FOOTER_SIZE));
	struct batch_group *g = t->group;
	size_t n = 0;

	for (size_t i = 0; i < g->n; i++) {
		size_t before = data.len;

		if (group_batch_load(g->batches[i], &data, &g->failure))
			g->batches[n++] = g->batches[i];
		else
			data.len = before; /* the file may have been read in part */
	}
	g->n = n;
	t->loaded(&data, t->arg);
	free(t);
}

void batch_group_load(struct ingest *in, struct batch_group *g, void (*loaded)(struct buf *data, void *arg), void *arg)
{
	struct chore *t = chore_new(group_run_load, NULL, NULL);

	if (!t) {
		for (size_t i = 0; i < g->n; i++)
			batch_put_back(g->batches[i], false);
		g->n = 0;
		error_set(&g->failure, -ENOMEM, "out of memory");
		loaded(NULL, arg);
		return;
	}
	t->group = g;
	t->loaded = loaded;
	t->arg = arg;
	ingest_post(in, t);
}
