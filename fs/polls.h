/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * polls.h - the processes that wait in poll(2) for an open file.
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
	struct fuse_pollhandle *kernel; /* NULL: nobody sleeps */
	_Atomic uint64_t seen;		/* ROW_STATE: what the last read at offset 0 saw */
};

struct polls {
	pthread_mutex_t lock; /* guards the list and .kernel of its members */
	struct list watched;
};

void polls_init(struct polls *p);

/* Takes ph: the sleeper to be woken when something is new for this handle; an older one is destroyed. Loop thread. */
void poll_watch(struct fs *fs, struct handle *h, struct fuse_pollhandle *ph);
void poll_unwatch(struct fs *fs, struct handle *h); /* at release */

/* Events of the handle now. */
unsigned poll_events(struct fs *fs, const struct snapshot *s, struct handle *h);

/* Wakes all for whom something is new. Notifier. */
void poll_wake(struct fs *fs, const struct snapshot *s);

#endif
