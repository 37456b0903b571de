/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Removes new files from /tmp, which Lambda preserves from one invocation to the next.
 *
 * Removed is what appeared directly in /tmp since the snapshot and belongs to this user, with all that is inside, on
 * this file system only and without following symbolic links. Changes inside of directories that were there before
 * stay. Nothing is removed while other processes of this user are around: the files could be theirs.
 */
#ifndef VAST_RUNTIME_TMP_H
#define VAST_RUNTIME_TMP_H

#include <stddef.h>
#include <sys/types.h>

struct tmp {
	int fd; /* -1: no snapshot, nothing is ever removed */
	dev_t device;
	ino_t *known; /* sorted */
	size_t count;
};

/* Failures are logged and leave a snapshot by which nothing is removed. */
void tmp_snapshot(struct tmp *ret_tmp);

/* Removes what is new and frees the snapshot. */
void tmp_restore(struct tmp *tmp);

#endif
