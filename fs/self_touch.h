/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * self_touch.h - makes inotify events for changes that come from AWS.
 *
 * No notification of FUSE wakes inotify, but a touch through the mount does: a helper thread makes it, and the tree
 * takes a touch by that thread for nothing else. The helper has its own table of descriptors, without the connection
 * to the kernel: when vastfs is killed in the middle of a touch, the connection ends and the helper with it.
 */
#ifndef VASTFS_FS_SELF_TOUCH_H
#define VASTFS_FS_SELF_TOUCH_H

#include <stdbool.h>
#include <sys/types.h>

struct fs;
struct snapshot;
struct self_touch;

int self_touch_start(const char *mountpoint, struct self_touch **ret);
/* Before the loop ends; waits for a touch under way. Twice is harmless, NULL is none. Not while the loop is stuck. */
void self_touch_stop(struct self_touch *t);
void self_touch_free(struct self_touch *t);
bool self_touch_is_own(const struct self_touch *t, pid_t tid); /* the loop thread */

/* Tells of what differs from what was told last. The notifier. */
void self_touch_tell(struct self_touch *t, const struct snapshot *old, const struct snapshot *fresh);

#endif
