/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * changes.h - the difference of two observations over the table: what has appeared, gone and changed.
 *
 * The one place that finds changes. It feeds the kernel's caches (invalidate.h) and inotify events (inotify.h).
 */
#ifndef VASTFS_FS_CHANGES_H
#define VASTFS_FS_CHANGES_H

#include "fs/observation.h"

enum change {
	CHANGE_NONE,
	CHANGE_GONE,
	CHANGE_APPEARED,
	CHANGE_TIME,	/* only the time of the last change; of a directory also what is in it */
	CHANGE_CONTENT, /* or the size */
};

/* Who wants to know of changes, and of which. */
struct changes_reader {
	/* Whether to look below a directory of this row; NULL: everywhere. */
	bool (*enters)(const struct row *dir);
	/* Whether to compare an entry. directory: the inode that it is in. */
	bool (*wants)(void *arg, const struct row *row, uint64_t inode, uint64_t directory);
	/* Below a directory that has gone nothing is told; below one that has appeared, if wished, everything as
	 * changed: somebody may have looked at it before it did. */
	bool below_new;
	void (*tell)(void *arg, enum change what, const struct row *row, const char *key);
	void *arg;
};

/* First what has gone or changed, then what has appeared. Any thread but the loop's. */
void changes_find(struct fs *fs, const struct observation *old, const struct observation *fresh,
		  const struct changes_reader *reader);

#endif
