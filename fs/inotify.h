/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * inotify.h - makes inotify(7) events for changes that come by themselves, so that file managers show them.
 *
 * No notification of FUSE wakes inotify, but what is done through the mount does. So a helper thread does it: utimensat
 * for what has changed; mkdir, mknod, symlink, unlink and rmdir for what has come and gone. The loop thread recognizes
 * the helper's requests and answers them so that the kernel goes through with them (inotify_answer_*).
 *
 * A system call inside the mount keeps an unmount from succeeding while it lasts (EBUSY). So the helper goes inside
 * only if somebody watches just what has changed (watchers.h), some time after the change, which is when scripts
 * unmount, and for one system call at a time; it never holds a descriptor there meanwhile.
 *
 * The helper has its own table of descriptors, without the connection to the kernel: when vastfs is killed in the
 * middle of a call, the connection ends and the helper with it.
 */
#ifndef VASTFS_FS_INOTIFY_H
#define VASTFS_FS_INOTIFY_H

#include <fuse_lowlevel.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct call;
struct fs;
struct inotify;
struct node;

/* wake: called by the helper when inotify_work has something to do; wake_fd: the descriptor that it needs for that. */
int inotify_start(struct fs *fs, int wake_fd, struct inotify **ret);
/* Before the loop ends; waits for a call under way. Twice is harmless, NULL is none. Not while the loop is stuck. */
void inotify_stop(struct inotify *i);
void inotify_free(struct inotify *i);

/* changed: something may have. Returns when it wants to be called again (monotonic ms), 0: when woken. The notifier. */
int64_t inotify_work(struct inotify *i, bool changed);

/* -- the loop thread ------------------------------------------------------------------------------------------- */

bool inotify_is_own(struct inotify *i, pid_t tid);
/* Each answers a request of the helper's about a name, and returns true; false: it is somebody else's. */
bool inotify_answer_lookup(struct call *c, const struct node *dir, const char *name);
bool inotify_answer_make(struct call *c, const struct node *dir, const char *name);
bool inotify_answer_remove(struct call *c);

#endif
