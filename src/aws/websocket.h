/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * websocket.h - a WebSocket (RFC 6455) over the engine: libcurl connects, with the proxy, the certificates and the
 * limits of every other call; libwslay frames.
 *
 * All functions and callbacks run on the engine thread. A peer that does not answer pings is as gone as one that has
 * closed. Compression and other extensions are not asked for.
 */
#ifndef VASTFS_AWS_WEBSOCKET_H
#define VASTFS_AWS_WEBSOCKET_H

#include "aws/engine.h"
#include "base/error.h"

#include <stddef.h>

#define WEBSOCKET_QUEUE_MAX ((size_t)8 << 20) /* bytes that wait to be sent */

struct websocket_request {
	const char *url;     /* ws or wss; its query may hold a secret and is not shown */
	const char *ca_file; /* NULL: the system's */
	size_t message_max;  /* bytes of a message; a longer one ends it */
	int ping_ms;	     /* between pings, each of which must be answered before the next; 0: 30 s */
};

struct websocket_events {
	void (*open)(void *arg);
	void (*message)(bool is_text, const void *data, size_t len, void *arg);
	/* Once, the last; it is freed behind it. -ENOTCONN: the peer has closed, -ETIMEDOUT: it is silent, ... */
	void (*closed)(const struct error *why, void *arg);
};

struct websocket;

/* NULL without memory. -EINVAL of the url comes by closed(), like all other failures, later. */
struct websocket *websocket_start(struct engine *e, const struct websocket_request *request,
				  const struct websocket_events *events, void *arg);

/* Takes a copy. -ENOTCONN before open(), -ENOBUFS if too much waits already, -ENOMEM. */
int websocket_send(struct websocket *ws, bool is_text, const void *data, size_t len);

/* Sends what the peer takes now, rather than in the next turn: for the last words before the engine ends. */
void websocket_flush(struct websocket *ws);

/* While paused nothing is read, so that the peer must wait; TCP tells it so. */
void websocket_pause(struct websocket *ws, bool paused);

/* Says good bye if that goes at once, and frees; closed() is not called. NULL is fine. In any callback. */
void websocket_close(struct websocket *ws);

#endif
