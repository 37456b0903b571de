/* SPDX-License-Identifier: BSD-3-Clause */
#include "fs/observation.h"

#include "fs/attr.h"
#include "fs/file.h"
#include "fs/fs.h"
#include "fs/node.h"

#include <errno.h>

/* -- jobs ------------------------------------------------------------------------------------------------------ */

static const struct job_list *observation_list(const struct snapshot *s, enum job_kind kind)
{
	const struct job_list *const lists[JOB_KIND_MAX] = {[JOB_OPERATION] = s->operations,
							    [JOB_QUERY] = s->queries,
							    [JOB_EXEC] = s->execs,
							    [JOB_CHECK] = s->checks,
							    [JOB_IMPORT] = s->imports};

	return lists[kind];
}

static int observation_take_views(struct observation *o, enum job_kind kind)
{
	const struct job_list *l = observation_list(o->snapshot, kind);

	if (!l)
		return 0;
	o->views[kind] = calloc(l->n + 1, sizeof(struct job_view *));
	if (!o->views[kind])
		return -ENOMEM;
	for (size_t i = 0; i < l->n; i++)
		o->views[kind][i] = job_view(l->jobs[i]);
	return 0;
}

static void observation_free_views(struct observation *o, enum job_kind kind)
{
	for (size_t i = 0; o->views[kind] && o->views[kind][i]; i++)
		job_view_unref(o->views[kind][i]);
	free(o->views[kind]);
}

struct job_view *observation_view(const struct observation *o, struct job *j)
{
	const struct job_list *l = observation_list(o->snapshot, j->kind);

	for (size_t i = o->views[j->kind] ? l->n : 0; i-- > 0;) {
		if (l->jobs[i] == j) {
			ref_get(&o->views[j->kind][i]->ref);
			return o->views[j->kind][i];
		}
	}
	return job_view(j);
}

int observation_scope(struct scope *s, struct fs *fs, const struct observation *o, const struct row *row,
		      const char *key)
{
	return scope_open_at(s, fs, o->snapshot, o, row, key);
}

/* -- notes ----------------------------------------------------------------------------------------------------- */

bool observation_is_noted(const struct row *row)
{
	if (row->flags & ROW_LIVE)
		return true;
	return !tree_lister(row) && row->cache == CACHE_NEVER && !(row->flags & (ROW_LAST_QUERY | ROW_LAST_IMPORT)) &&
	       row->class != &class_query;
}

static int observation_add(struct observation *o, const struct note *n)
{
	if (o->notes_n == o->notes_room) {
		size_t room = o->notes_room ? 2 * o->notes_room : 128;
		struct note *more = reallocarray(o->notes, room, sizeof(*more));

		if (!more)
			return -ENOMEM;
		o->notes = more;
		o->notes_room = room;
	}
	o->notes[o->notes_n++] = *n;
	return 0;
}

struct observing {
	struct fs *fs;
	struct observation *observation;
	const struct row *row;
};

static int observation_note_one(void *arg, const char *key)
{
	const struct observing *at = arg;
	_scope_ struct scope s = {0};
	struct note n = {.inode = node_number(at->row, key)};

	if (scope_open(&s, at->fs, at->observation->snapshot, at->row, key) < 0)
		return 0;
	n.changed_ms = at->row->changed ? at->row->changed(&s) : 0;
	n.size = attr_size(&s);
	return observation_add(at->observation, &n);
}

static int observation_compare(const void *a, const void *b)
{
	const struct note *x = a, *y = b;

	return x->inode < y->inode ? -1 : x->inode > y->inode;
}

static int observation_take_notes(struct fs *fs, struct observation *o)
{
	struct observing at = {.fs = fs, .observation = o};
	struct scope all = {.fs = fs, .snapshot = o->snapshot, .key = ""};
	int r = 0;

	for (size_t i = 0; i < tree_rows_n && r >= 0; i++) {
		const struct lister *lister = tree_lister(&tree_rows[i]);

		at.row = &tree_rows[i];
		if (!observation_is_noted(at.row))
			continue;
		r = lister ? lister->list(&all, observation_note_one, &at) : observation_note_one(&at, "");
	}
	if (o->notes_n)
		qsort(o->notes, o->notes_n, sizeof(*o->notes), observation_compare);
	return r;
}

const struct note *observation_note(const struct observation *o, uint64_t inode)
{
	struct note n = {.inode = inode};

	return o->notes_n ? bsearch(&n, o->notes, o->notes_n, sizeof(n), observation_compare) : NULL;
}

/* -- the observation ------------------------------------------------------------------------------------------- */

int observation_take(struct fs *fs, struct observation *ret)
{
	int r = 0;

	*ret = (struct observation){.snapshot = model_snapshot(fs->model)};
	for (enum job_kind kind = 0; kind < JOB_KIND_MAX && r == 0; kind++)
		r = observation_take_views(ret, kind);
	if (r == 0)
		r = observation_take_notes(fs, ret);
	if (r < 0)
		observation_free(ret);
	return r;
}

void observation_free(struct observation *o)
{
	for (enum job_kind kind = 0; kind < JOB_KIND_MAX; kind++)
		observation_free_views(o, kind);
	free(o->notes);
	snapshot_unref(o->snapshot);
	*o = (struct observation){0};
}
