/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * changes.h - tells the kernel what it has cached and AWS has changed.
 */
#ifndef VASTFS_FS_CHANGES_H
#define VASTFS_FS_CHANGES_H

struct fs;
struct snapshot;

/* Never on the loop thread: the kernel may ask the loop before it takes the notification. */
void changes_tell(struct fs *fs, const struct snapshot *old, const struct snapshot *fresh);

#endif
