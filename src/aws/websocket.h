/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * websocket.h - a WebSocket (RFC 6455) over the engine: libcurl connects, with the proxy, the certificates and the
 * limits of every other call; libwslay frames.
 *
 * All functions and callbacks run on the engine thread. A peer that does not answer pings is treated as
 * disconnected. Compression and other extensions are not requested.
 */
#ifndef VASTFS_AWS_WEBSOCKET_H
#define VASTFS_AWS_WEBSOCKET_H

#include "aws/engine.h"
#include "base/error.h"

#include <stddef.h>

#define WEBSOCKET_QUEUE_MAX ((size_t)8 << 20) /* bytes that wait to be sent */

struct websocket_request {
	const char *url;     /* ws or wss; its query may contain a secret and is never shown */
	const char *ca_file; /* NULL: the system's */
	size_t message_max;  /* most bytes of a message; a longer one ends the WebSocket */
	int ping_ms;	     /* interval between pings, each of which must be answered before the next; 0: 30 s */
};

struct websocket_events {
	void (*open)(void *arg);
	void (*message)(bool is_text, const void *data, size_t len, void *arg);
	/*
	 * The last event, once; the WebSocket is freed after it. -ENOTCONN: the server closed; -ETIMEDOUT: no reply,
	 * ...
	 */
	void (*closed)(const struct error *why, void *arg);
};

struct websocket;

/* NULL without memory. closed() reports all other failures, later; -EINVAL: an invalid URL. */
struct websocket *websocket_start(struct engine *e, const struct websocket_request *request,
				  const struct websocket_events *events, void *arg);

/* Copies the data and sends it. -ENOTCONN before open(), -ENOBUFS if too much data is queued, -ENOMEM. */
int websocket_send(struct websocket *ws, bool is_text, const void *data, size_t len);

/* Sends queued data at once instead of in the next turn of the engine, which may be about to stop. */
void websocket_flush(struct websocket *ws);

/* While paused nothing is read; the TCP window makes the peer wait. */
void websocket_pause(struct websocket *ws, bool paused);

/*
 * Sends a close frame if possible without waiting, and frees the WebSocket; closed() is not called. NULL is allowed.
 * May be called in any callback.
 */
void websocket_close(struct websocket *ws);

#endif
