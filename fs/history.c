/* SPDX-License-Identifier: BSD-3-Clause */
#include "fs/history.h"

#include <errno.h>

bool history_is_entry(const struct row *row)
{
	return row->flags & ROW_HISTORY;
}

/* Returns the bit of a file in its entry. The rows of an entry's files follow the row of the entry in the table. */
static uint64_t history_bit(const struct row *row)
{
	return UINT64_C(1) << (tree_index(row) - tree_index(tree_parent(row)));
}

bool history_has(const struct scope *s)
{
	if (s->job && history_is_entry(s->row))
		return history_lists(s->snapshot, s->job);
	return !s->job || !history_is_entry(tree_parent(s->row)) ||
	       !(atomic_load(&s->job->removed_files) & history_bit(s->row));
}

bool history_lists(const struct snapshot *s, struct job *j)
{
	_cleanup_(job_view_unref_cleanup) struct job_view *v = NULL;

	if (!s->settings || s->settings->history_keep)
		return true;
	v = job_view(j);
	return !job_state_ended(v->state) || v->keeps_data;
}

/* Binds ret to the entry for name in dir, and stores the key in key. Returns -ENOENT if there is no such name. */
static int history_find(struct call *c, const struct node *dir, const char *name, char key[static TREE_KEY_MAX],
			struct scope *ret)
{
	_scope_ struct scope s = {0};
	const struct row *row;
	int r = scope_open(&s, c->fs, c->snapshot, dir->row, dir->key);

	if (r >= 0)
		r = names_lookup(&s, name, &row, key);
	return r < 0 ? r : scope_open(ret, c->fs, c->snapshot, row, key);
}

int history_unlink(struct call *c, const struct node *dir, const char *name)
{
	_scope_ struct scope s = {0};
	char key[TREE_KEY_MAX];
	int r;

	if (!history_is_entry(dir->row))
		return -EPERM;
	r = history_find(c, dir, name, key, &s);
	if (r == 0)
		r = model_history_check(s.job, &c->err);
	if (r == 0)
		atomic_fetch_or(&s.job->removed_files, history_bit(s.row));
	return r;
}

int history_rmdir(struct call *c, const struct node *dir, const char *name)
{
	_scope_ struct scope s = {0};
	char key[TREE_KEY_MAX];
	int r = history_find(c, dir, name, key, &s);

	if (r < 0)
		return r;
	if (!history_is_entry(s.row))
		return -EPERM;
	return model_history_remove(c->fs->model, s.job, c->who, &c->err);
}
