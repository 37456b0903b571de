/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * tmp.h - removes new files from /tmp, which Lambda preserves from one invocation to the next.
 *
 * Everything is removed that has appeared directly in /tmp since the snapshot and belongs to this user, with its
 * content, on this file system only and without following symbolic links. Changes inside directories that existed
 * before are kept. Nothing is removed while other processes of this user run, because the files could be theirs. One
 * thread uses a snapshot; the caller owns it until tmp_restore().
 */
#ifndef VAST_RUNTIME_TMP_H
#define VAST_RUNTIME_TMP_H

#include <stddef.h>
#include <sys/types.h>

struct tmp {
	int fd; /* -1: no snapshot, so nothing is removed */
	dev_t device;
	ino_t *known; /* sorted */
	size_t count;
};

/* Logs failures. After a failure the snapshot is empty, and tmp_restore() removes nothing. */
void tmp_snapshot(struct tmp *ret_tmp);

/* Removes the new files and frees the snapshot. */
void tmp_restore(struct tmp *tmp);

#endif
