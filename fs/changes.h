/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * changes.h - the differences between two observations of the tree: the entries that appeared, disappeared or changed.
 *
 * All changes are found here. They update the kernel's caches (invalidate.h) and become inotify events (inotify.h). The
 * observations belong to the caller.
 */
#ifndef VASTFS_FS_CHANGES_H
#define VASTFS_FS_CHANGES_H

#include "fs/observation.h"

enum change {
	CHANGE_NONE,
	CHANGE_GONE,
	CHANGE_APPEARED,
	/* Only the time of the last change differs. For a directory, its content may differ too. */
	CHANGE_TIME,
	CHANGE_CONTENT, /* the size or the text differs as well */
};

/* A consumer of changes, and the changes that it needs. */
struct changes_reader {
	/* Returns whether the walk enters a directory of this row. NULL: the walk enters every directory. */
	bool (*enters)(const struct row *dir);
	/* Returns whether the walk compares this entry. directory is the inode of the directory that contains it. */
	bool (*wants)(void *arg, const struct row *row, uint64_t inode, uint64_t directory);
	/*
	 * The walk reports nothing below a directory that disappeared. If this field is set, the walk reports every
	 * entry below a new directory as changed, because a process may have read the directory before its appearance
	 * was reported.
	 */
	bool below_new;
	void (*tell)(void *arg, enum change what, const struct row *row, const char *key);
	void *arg;
};

/*
 * Reports entries that disappeared or changed first, then entries that appeared. Any thread except the loop thread may
 * call this function.
 */
void changes_find(struct fs *fs, const struct observation *old, const struct observation *fresh,
		  const struct changes_reader *reader);

#endif
