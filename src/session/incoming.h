/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * incoming.h - messages of the agent, put into their order. Pure.
 */
#ifndef VASTFS_SESSION_INCOMING_H
#define VASTFS_SESSION_INCOMING_H

#include "base/list.h"
#include "session/message.h"

#define INCOMING_MOST	   1000		     /* messages ahead of the expected one */
#define INCOMING_BYTES_MAX ((size_t)4 << 20) /* of these */
#define INCOMING_LEFT	   1

struct incoming {
	int64_t expected;
	struct list ahead; /* by sequence */
	size_t n, bytes;
	/* Gets each message once, in order. A negative errno: it is not taken, and expected again. */
	int (*deliver)(const struct message *m, void *arg);
	void *arg;
};

void incoming_init(struct incoming *in, int (*deliver)(const struct message *m, void *arg), void *arg);
void incoming_free(struct incoming *in);

/*
 * 0: it is to be acknowledged: delivered, kept until its turn, or delivered before. INCOMING_LEFT: there is no room, it
 * must come again. deliver's errno, -ENOMEM: likewise.
 */
int incoming_take(struct incoming *in, const struct message *m);

#endif
