/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * incoming.h - delivers the messages of the agent in the order of their sequence numbers. Pure.
 */
#ifndef VASTFS_SESSION_INCOMING_H
#define VASTFS_SESSION_INCOMING_H

#include "base/list.h"
#include "session/message.h"

#define INCOMING_MOST	   1000		     /* most messages that are stored ahead of the expected one */
#define INCOMING_BYTES_MAX ((size_t)4 << 20) /* most bytes of payload of these messages */
#define INCOMING_LEFT	   1

struct incoming {
	int64_t expected;
	struct list ahead; /* sorted by sequence number */
	size_t n, bytes;
	/* Called with each message once, in order. After a negative errno the message is expected again. */
	int (*deliver)(const struct message *m, void *arg);
	void *arg;
};

void incoming_init(struct incoming *in, int (*deliver)(const struct message *m, void *arg), void *arg);
void incoming_free(struct incoming *in);

/*
 * 0: the caller acknowledges the message, which was delivered, stored until its turn, or delivered before. Otherwise
 * the agent must send it again: INCOMING_LEFT if there is no room, the errno of deliver, or -ENOMEM.
 */
int incoming_take(struct incoming *in, const struct message *m);

#endif
