/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * transfer.h - the part of the engine that drives libcurl, for the transports http.c and websocket.c only.
 *
 * A transfer is an easy handle that the engine drives. The number of connecting transfers is limited, because libcurl
 * resolves each name in a thread of its own: a thousand queries that start together must not create a thousand threads.
 * All functions run on the engine thread.
 */
#ifndef VASTFS_AWS_TRANSFER_H
#define VASTFS_AWS_TRANSFER_H

#include "aws/engine.h"

#include <curl/curl.h>

/* An object to be notified when the engine stops. stopped() must call engine_leave() and notify its own owner. */
struct engine_member {
	struct list link;
	void (*stopped)(struct engine_member *g);
};

void engine_join(struct engine *e, struct engine_member *g);
void engine_leave(struct engine_member *g); /* may be called twice after engine_join() */

struct transfer {
	struct list link; /* member of the queue or of the list of running transfers */
	struct transfers *owner;
	CURL *easy;	    /* owned by the caller of transfer_start() */
	bool running;	    /* it has been added to the multi handle */
	bool connecting;    /* it counts towards the limit of connecting transfers */
	bool keep;	    /* CURLOPT_CONNECT_ONLY: the owner may use the connection until transfer_remove() */
	bool option_failed; /* an option could not be set */
	bool sent;	    /* a connection was established, so a part of the request may have been sent */
	void (*done)(struct transfer *t, CURLcode result);
};

/*
 * Sets an option of the easy handle. A request without one of its options could have another method or trust other
 * certificate authorities. So it must not be started if t->option_failed is set.
 */
#define transfer_set(t, option, value) ((t)->option_failed |= curl_easy_setopt((t)->easy, option, value) != CURLE_OK)

struct transfers {
	CURLM *multi;
	struct list queue;   /* waiting for permission to connect */
	struct list running; /* added to the multi handle */
	int connecting;
};

int transfers_open(struct transfers *ts);
void transfers_close(struct transfers *ts);

/* Lets libcurl work, starts queued transfers and calls done() of those that have ended. */
void transfers_work(struct transfers *ts);

/* Whether a queued transfer can start now. */
bool transfers_can_start(const struct transfers *ts);

struct transfers *engine_transfers(struct engine *e);

/*
 * Uses CURLOPT_PRIVATE and CURLOPT_PREREQFUNCTION of easy. done() is called once, later, unless the transfer is
 * removed.
 */
void transfer_start(struct transfers *ts, struct transfer *t);
void transfer_remove(struct transfer *t);

#endif
