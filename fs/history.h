/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * history.h - rm -r in lambda/history/ and tasks/<id>/exec/history/.
 *
 * rmdir removes an entry with all that is in it, as in cgroup; unlink removes one file of an entry, so that programs
 * which empty a directory before they remove it get on. Both are refused while the command is in flight. Loop thread
 * only.
 */
#ifndef VASTFS_FS_HISTORY_H
#define VASTFS_FS_HISTORY_H

#include "fs/fs.h"
#include "fs/names.h"

/* Whether a command has an entry: with history_keep=0 none has that has ended, not even the newest,
 * unless it keeps rejected events. */
bool history_lists(const struct snapshot *s, struct job *j);

/* Whether a name is to be found: an entry as above, a file of it until it is removed. An open file stays readable.
 */
bool history_has(const struct scope *s);

/* 0, -EBUSY with a message, -ENOENT, and -EPERM where there is no history. */
int history_unlink(struct call *c, const struct node *dir, const char *name);
int history_rmdir(struct call *c, const struct node *dir, const char *name);

/* Whether a directory is an entry. */
bool history_is_entry(const struct row *row);

#endif
