/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * history.h - implements rm -r in lambda/history/ and tasks/<id>/exec/history/.
 *
 * rmdir removes an entry with all its files, as in cgroup. unlink removes one file of an entry, because some programs
 * empty a directory before they remove it. Both are refused while the command is in flight. Loop thread only. The
 * caller answers the request.
 */
#ifndef VASTFS_FS_HISTORY_H
#define VASTFS_FS_HISTORY_H

#include "fs/fs.h"
#include "fs/names.h"

/*
 * Returns whether a command has an entry. With history_keep=0, a command that has ended has no entry, not even the
 * newest one, unless it keeps rejected events.
 */
bool history_lists(const struct snapshot *s, struct job *j);

/*
 * Returns whether a name exists: an entry as above, or a file of it until the file is removed. An open file remains
 * readable.
 */
bool history_has(const struct scope *s);

/* These functions return 0, -EBUSY with a message, -ENOENT, or -EPERM for a directory without a history. */
int history_unlink(struct call *c, const struct node *dir, const char *name);
int history_rmdir(struct call *c, const struct node *dir, const char *name);

/* Returns whether a directory is an entry. */
bool history_is_entry(const struct row *row);

#endif
