/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * outgoing.h - keeps sent messages until they are acknowledged, and decides when to send them again. Pure.
 *
 * The round trip time is estimated as in TCP (RFC 6298, with the bounds of aws/session-manager-plugin). A message that
 * was sent twice is not measured, because its acknowledgement may belong to either one. Times are monotonic
 * milliseconds.
 */
#ifndef VASTFS_SESSION_OUTGOING_H
#define VASTFS_SESSION_OUTGOING_H

#include "base/buf.h"
#include "base/list.h"

#include <stdbool.h>
#include <stdint.h>

#define OUTGOING_MOST	 256		 /* most unacknowledged messages */
#define OUTGOING_LOST_MS (5 * 60 * 1000) /* after this time without an acknowledgement the agent counts as lost */
#define OUTGOING_NEVER	 INT64_MAX

struct outgoing {
	struct list unacked; /* sorted by sequence number */
	size_t n;
	double round_trip_ms, variation_ms;
	double timeout_ms; /* wait before the oldest message is sent again */
	int64_t heard_ms;  /* time of the last acknowledgement, or of the first message */
};

void outgoing_init(struct outgoing *o);
void outgoing_free(struct outgoing *o);

/* Takes ownership of the frame's content. -ENOMEM. */
int outgoing_add(struct outgoing *o, int64_t sequence, struct buf *frame, int64_t now_ms);

/* False if it was acknowledged before, or never sent. */
bool outgoing_acknowledge(struct outgoing *o, int64_t sequence, int64_t now_ms);

/* Calls send for all messages, the oldest first: for a new connection. */
void outgoing_send_all(struct outgoing *o, void (*send)(const void *frame, size_t len, void *arg), void *arg,
		       int64_t now_ms);

/* The oldest message if it is time to send it again, and marks it as sent; else NULL. */
const struct buf *outgoing_due(struct outgoing *o, int64_t now_ms);

/* The time when outgoing_due() returns a message; OUTGOING_NEVER if all are acknowledged. */
int64_t outgoing_when(const struct outgoing *o);

bool outgoing_is_lost(const struct outgoing *o, int64_t now_ms);

#endif
