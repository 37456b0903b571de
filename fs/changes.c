/* SPDX-License-Identifier: BSD-3-Clause */
#include "fs/changes.h"

#include "fs/file.h"

#include <string.h>

struct comparison {
	struct fs *fs;
	const struct snapshot *old, *fresh;
	const struct row *row;
};

static void tell_gone(const struct comparison *c, const char *key)
{
	if (tree_is_dynamic(c->row))
		fuse_lowlevel_notify_delete(c->fs->session, node_number(tree_parent(c->row), ""),
					    node_number(c->row, key), key, strlen(key));
}

/* One row with one key, which was there in the old snapshot. */
static int compare(void *arg, const char *key)
{
	const struct comparison *c = arg;
	_scope_ struct scope before = {0};
	_scope_ struct scope now = {0};

	if (scope_open(&before, c->fs, c->old, c->row, key) < 0)
		return 0;
	if (scope_open(&now, c->fs, c->fresh, c->row, key) < 0)
		tell_gone(c, key);
	else if (c->row->changed(&before) != c->row->changed(&now))
		fuse_lowlevel_notify_inval_inode(c->fs->session, node_number(c->row, key), 0, 0);
	return 0;
}

void changes_tell(struct fs *fs, const struct snapshot *old, const struct snapshot *fresh)
{
	struct comparison c = {.fs = fs, .old = old, .fresh = fresh};
	struct scope all = {.fs = fs, .snapshot = old};

	if (old->stack == fresh->stack && old->tasks == fresh->tasks)
		return;
	for (size_t i = 0; i < tree_rows_n; i++) {
		const struct lister *lister = tree_lister(&tree_rows[i]);

		c.row = &tree_rows[i];
		if (c.row->cache != CACHE_CLOUD)
			continue;
		if (lister)
			lister->list(&all, compare, &c);
		else
			compare(&c, "");
	}
}
