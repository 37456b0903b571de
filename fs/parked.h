/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * parked.h - the requests that wait for an event. They are in one list, which a mutex guards.
 *
 * The thread that unlinks a request owns and answers it. No FUSE function is called under the mutex. The loop thread
 * answers interrupted requests with EINTR, and the notifier answers all other requests.
 */
#ifndef VASTFS_FS_PARKED_H
#define VASTFS_FS_PARKED_H

#include "base/list.h"

#include <fuse_lowlevel.h>
#include <pthread.h>
#include <stdint.h>

struct fs;

struct parked {
	struct list link;
	fuse_req_t req;
	int64_t deadline_ms;		 /* monotonic; 0: none */
	bool (*ready)(struct parked *p); /* called under the mutex, so it must not wait */
	/*
	 * Replies to the request and frees p. why is 0 if p is ready, -ETIMEDOUT after the deadline, or -EINTR after an
	 * interrupt or at the end of the mount.
	 */
	void (*answer)(struct fs *fs, struct parked *p, int why);
};

struct parked_list {
	pthread_mutex_t lock;
	struct list waiting;
};

void parked_init(struct parked_list *l);

/*
 * Takes p, in which all fields except link are set. Answers at once if the request was already interrupted. Loop thread
 * only.
 */
void parked_add(struct fs *fs, struct parked *p);

/*
 * Parks p again. answer calls this function if p was not ready after all. Answers at once if the request was
 * interrupted. Notifier only.
 */
void parked_again(struct fs *fs, struct parked *p);

/*
 * Answers every request that is ready or past its deadline, or all requests if the mount ends. Returns the next
 * deadline (monotonic ms), or 0 if there is none.
 */
int64_t parked_answer(struct fs *fs, bool ending);

#endif
