/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * parked.h - requests that wait for something: one list, one small mutex.
 *
 * Who unlinks a request owns it and answers it; nothing of FUSE is called under the mutex. An interrupt answers EINTR
 * on the loop thread, everything else is answered by the notifier.
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
	bool (*ready)(struct parked *p); /* under the mutex: quick */
	/* Replies and frees p. why: 0 it is ready, -ETIMEDOUT, -EINTR also when the mount ends. */
	void (*answer)(struct fs *fs, struct parked *p, int why);
};

struct parked_list {
	pthread_mutex_t lock;
	struct list waiting;
};

void parked_init(struct parked_list *l);

/* Takes p, whose fields are set but link. Answers at once if it was interrupted already. Loop thread. */
void parked_add(struct fs *fs, struct parked *p);

/* From answer: it was not ready after all and waits on. Answers at once if it was interrupted. The notifier. */
void parked_again(struct fs *fs, struct parked *p);

/* Answers all that are ready or late; everything if the mount ends. Returns the next deadline (monotonic ms), 0: none.
 */
int64_t parked_answer(struct fs *fs, bool ending);

#endif
