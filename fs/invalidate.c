/* SPDX-License-Identifier: BSD-3-Clause */
#include "fs/invalidate.h"

#include "fs/changes.h"
#include "fs/fs.h"

#include <string.h>

/* The kernel caches an entry until a notification only below directories that it caches as well. */
static bool invalidate_enters(const struct row *dir)
{
	return dir->cache != CACHE_NEVER;
}

static bool invalidate_wants(void *arg _unused_, const struct row *row, uint64_t inode _unused_,
			     uint64_t directory _unused_)
{
	return row->cache == CACHE_CLOUD;
}

static const char *invalidate_name(const char *key)
{
	const char *slash = strrchr(key, '/');

	return slash ? slash + 1 : key;
}

static void invalidate_one(void *arg, enum change what, const struct row *row, const char *key)
{
	struct fs *fs = arg;
	const char *name = invalidate_name(key);
	char above[TREE_KEY_MAX];

	if (what == CHANGE_TIME || what == CHANGE_CONTENT) {
		fuse_lowlevel_notify_inval_inode(fs->session, node_number(row, key), 0, 0);
	} else if (what == CHANGE_GONE && tree_is_dynamic(row)) {
		tree_parent_key(row, key, above);
		fuse_lowlevel_notify_delete(fs->session, node_number(tree_parent(row), above), node_number(row, key),
					    name, strlen(name));
	}
}

void invalidate(struct fs *fs, struct snapshot *old, struct snapshot *fresh)
{
	/* The views of jobs are not needed, because AWS does not change any of them. */
	struct observation before = {.snapshot = old}, now = {.snapshot = fresh};
	struct changes_reader reader = {
		.enters = invalidate_enters, .wants = invalidate_wants, .tell = invalidate_one, .arg = fs};

	if (old->stack != fresh->stack || old->tasks != fresh->tasks)
		changes_find(fs, &before, &now, &reader);
}
