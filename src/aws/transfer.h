/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * transfer.h - the engine's side of libcurl, for the rooms' own transports (http.c) and nobody else.
 *
 * A transfer is an easy handle that the engine drives. Few of them may be connecting at a time: libcurl resolves each
 * name in a thread of its own, and a thousand queries that start together must not become a thousand threads.
 * Everything here runs on the engine thread.
 */
#ifndef VASTFS_AWS_TRANSFER_H
#define VASTFS_AWS_TRANSFER_H

#include "aws/engine.h"

#include <curl/curl.h>

/* Who wants to hear that the engine ends. stopped() must remove the guest (engine_leave) and tell its own owner. */
struct engine_guest {
	struct list link;
	void (*stopped)(struct engine_guest *g);
};

void engine_join(struct engine *e, struct engine_guest *g);
void engine_leave(struct engine_guest *g); /* twice is harmless after a join */

struct transfer {
	struct list link; /* in the queue, or among the running */
	struct transfers *owner;
	CURL *easy;	 /* owned by whoever starts the transfer */
	bool running;	 /* the multi handle has it */
	bool connecting; /* counts against the limit */
	bool keep;	 /* CURLOPT_CONNECT_ONLY: after success the connection is the owner's until removal */
	bool sent;	 /* a connection stood, so a part of the request may have left this machine */
	void (*done)(struct transfer *t, CURLcode result);
};

struct transfers {
	CURLM *multi;
	struct list queue;   /* waiting for their turn to connect */
	struct list running; /* known to the multi handle */
	int connecting;
};

int transfers_open(struct transfers *ts);
void transfers_close(struct transfers *ts);

/* Lets libcurl work, starts what was queued and calls done() of what has ended. */
void transfers_work(struct transfers *ts);

/* True if something is queued that need not wait. */
bool transfers_can_start(const struct transfers *ts);

struct transfers *engine_transfers(struct engine *e);

/* Takes easy's CURLOPT_PRIVATE and CURLOPT_PREREQFUNCTION. done() is called once, later, unless it is removed. */
void transfer_start(struct transfers *ts, struct transfer *t);
void transfer_remove(struct transfer *t);

#endif
