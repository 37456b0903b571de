/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * invalidate.h - makes the kernel forget cached entries and attributes that AWS has changed. The notifier calls it with
 * the snapshots before and after the change, which belong to the caller.
 */
#ifndef VASTFS_FS_INVALIDATE_H
#define VASTFS_FS_INVALIDATE_H

struct fs;
struct snapshot;

/*
 * Never call this function on the loop thread: the kernel may send a request to the loop before it accepts the
 * notification.
 */
void invalidate(struct fs *fs, struct snapshot *old, struct snapshot *fresh);

#endif
