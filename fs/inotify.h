/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * inotify.h - makes inotify(7) events for changes that no process made through the mount, so that file managers show
 * these changes.
 *
 * No FUSE notification creates an inotify event, but a system call through the mount does. So a helper thread makes
 * such calls: utimensat for entries that changed; mkdir, mknod, symlink, unlink and rmdir for entries that appeared or
 * disappeared. The loop thread recognizes the helper's requests and answers them so that the kernel completes the calls
 * (inotify_answer_*).
 *
 * An unmount fails with EBUSY during a system call inside the mount. Scripts tend to unmount just after a change. So
 * the helper enters the mount only if a process watches the entry that changed (watchers.h), only some time after the
 * change, and only for one system call at a time. Between the calls it holds no descriptor there.
 *
 * The helper has its own table of descriptors, which does not contain the connection to the kernel. If vastfs is killed
 * during a call of the helper, the connection closes and the helper ends too.
 *
 * The notifier owns the struct inotify. It starts, drives and stops the helper.
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

/* The helper writes to wake_fd, the notifier's event descriptor, when inotify_work() has work to do. */
int inotify_start(struct fs *fs, int wake_fd, struct inotify **ret);
/*
 * Stops the helper and waits for its current call. Call this function before the loop ends and while the loop answers
 * requests. A second call has no effect, and i may be NULL.
 */
void inotify_stop(struct inotify *i);
void inotify_free(struct inotify *i);

/*
 * changed: the tree may have changed. Returns the time of the next call that is needed (monotonic ms), or 0 if the next
 * wake-up is enough. Notifier only.
 */
int64_t inotify_work(struct inotify *i, bool changed);

/* -- the loop thread ------------------------------------------------------------------------------------------- */

bool inotify_is_own(struct inotify *i, pid_t tid);
/*
 * Each function answers a request of the helper about a name and returns true. It returns false for a request of any
 * other thread.
 */
bool inotify_answer_lookup(struct call *c, const struct node *dir, const char *name);
bool inotify_answer_make(struct call *c, const struct node *dir, const char *name);
bool inotify_answer_remove(struct call *c);

#endif
