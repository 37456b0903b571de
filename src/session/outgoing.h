/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * outgoing.h - messages that were sent and not acknowledged yet. Pure.
 *
 * The round trip is measured as TCP does it (RFC 6298, with the bounds of aws/session-manager-plugin); a message that
 * was sent twice does not count, for nobody knows which of the two was acknowledged. Times are monotonic milliseconds.
 */
#ifndef VASTFS_SESSION_OUTGOING_H
#define VASTFS_SESSION_OUTGOING_H

#include "base/buf.h"
#include "base/list.h"

#include <stdbool.h>
#include <stdint.h>

#define OUTGOING_MOST	 256		 /* messages under way */
#define OUTGOING_LOST_MS (5 * 60 * 1000) /* without any acknowledgement: the agent is gone */
#define OUTGOING_NEVER	 INT64_MAX

struct outgoing {
	struct list unacked; /* by sequence */
	size_t n;
	double round_trip_ms, variation_ms;
	double timeout_ms; /* before the oldest is sent again */
	int64_t heard_ms;  /* the last acknowledgement, or when the first of these was sent */
};

void outgoing_init(struct outgoing *o);
void outgoing_free(struct outgoing *o);

/* Takes the frame's content. -ENOMEM. */
int outgoing_add(struct outgoing *o, int64_t sequence, struct buf *frame, int64_t now_ms);

/* False if it was acknowledged before, or never sent. */
bool outgoing_acknowledge(struct outgoing *o, int64_t sequence, int64_t now_ms);

/* Calls send for all, the oldest first: after a reconnection. */
void outgoing_send_all(struct outgoing *o, void (*send)(const void *frame, size_t len, void *arg), void *arg,
		       int64_t now_ms);

/* The oldest if it is time to send it again, which counts as done; else NULL. */
const struct buf *outgoing_due(struct outgoing *o, int64_t now_ms);

/* When that is so, OUTGOING_NEVER if nothing is under way. */
int64_t outgoing_when(const struct outgoing *o);

bool outgoing_is_lost(const struct outgoing *o, int64_t now_ms);

#endif
