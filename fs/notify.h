/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * notify.h - the notifier, which is the thread that sends notifications to the kernel.
 *
 * Every change of the model wakes the notifier. It answers requests that waited, wakes processes in poll(2), and makes
 * the kernel forget cached entries and attributes that AWS has changed. It also receives SIGTERM, SIGINT and SIGHUP,
 * and then ends the loop. The struct fs owns the notifier.
 */
#ifndef VASTFS_FS_NOTIFY_H
#define VASTFS_FS_NOTIFY_H

#include <stdbool.h>
#include <sys/types.h>

struct fs;
struct inotify;
struct notifier;

/* The caller must be the loop thread. The three signals must be blocked in every thread. */
int notify_start(struct fs *fs, struct notifier **ret);
/*
 * Answers every request that waits and ends the thread. Call it after the loop has ended. Other threads may still call
 * notify_wake() afterwards, which then has no effect.
 */
void notify_stop(struct notifier *n);
void notify_free(struct notifier *n);
struct inotify *notify_inotify(struct notifier *n); /* NULL: inotify events are not available */
void notify_wake(struct notifier *n);		    /* any thread; n may be NULL */
void notify_changed(struct notifier *n);	    /* notify_wake() for a change that may be visible in the tree */

#endif
