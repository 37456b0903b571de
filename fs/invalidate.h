/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * invalidate.h - tells the kernel what it has cached and AWS has changed.
 */
#ifndef VASTFS_FS_INVALIDATE_H
#define VASTFS_FS_INVALIDATE_H

struct fs;
struct snapshot;

/* Never on the loop thread: the kernel may ask the loop before it takes the notification. */
void invalidate(struct fs *fs, struct snapshot *old, struct snapshot *fresh);

#endif
