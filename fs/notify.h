/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * notify.h - the notifier: the thread that tells the kernel.
 *
 * Woken by every change of the model, it answers requests that waited, wakes pollers, and has the kernel forget cached
 * entries and attributes that AWS changed. It also receives SIGTERM, SIGINT and SIGHUP, and ends the loop then.
 */
#ifndef VASTFS_FS_NOTIFY_H
#define VASTFS_FS_NOTIFY_H

#include <stdbool.h>
#include <sys/types.h>

struct fs;
struct inotify;
struct notifier;

/* The signals must be blocked in every thread. The caller is the loop thread. */
int notify_start(struct fs *fs, struct notifier **ret);
/* Answers everything that waits and ends the thread; waking it stays harmless. After the loop has ended. */
void notify_stop(struct notifier *n);
void notify_free(struct notifier *n);
struct inotify *notify_inotify(struct notifier *n); /* NULL: none */
void notify_wake(struct notifier *n);		    /* any thread; NULL is none */
void notify_changed(struct notifier *n);	    /* likewise, and something of the tree may have changed */

#endif
