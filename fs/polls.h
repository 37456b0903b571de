/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * polls.h - wakes the processes that wait in poll(2) for an open file. A handle contains its entry of the list, and
 * releasing the handle removes the entry.
 */
#ifndef VASTFS_FS_POLLS_H
#define VASTFS_FS_POLLS_H

#include "base/list.h"

#include <fuse_lowlevel.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>

struct fs;
struct handle;
struct snapshot;

struct poll_watch {
	struct list link;
	struct handle *handle;
	struct fuse_pollhandle *kernel; /* NULL: no process waits */
	_Atomic uint64_t seen;		/* ROW_STATE: the state at the last read at offset 0 */
};

struct polls {
	pthread_mutex_t lock; /* guards the list and the field kernel of its members */
	struct list watched;
};

void polls_init(struct polls *p);

/*
 * Takes ph, the waiting process that is woken when the handle has news. An older ph of this handle is destroyed. Loop
 * thread only.
 */
void poll_watch(struct fs *fs, struct handle *h, struct fuse_pollhandle *ph);
void poll_unwatch(struct fs *fs, struct handle *h); /* called at release */

/* Returns the current events of the handle. */
unsigned poll_events(struct fs *fs, const struct snapshot *s, struct handle *h);

/* Wakes every process whose handle has news. Notifier only. */
void poll_wake(struct fs *fs, const struct snapshot *s);

#endif
