/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * http.h - one HTTP/1.1 exchange, asynchronously, over the engine's connections.
 *
 * Connections are kept and reused, redirects are not followed, proxies come from the environment as libcurl reads it
 * (http_proxy, https_proxy, NO_PROXY). An exchange never sends its request twice. All functions run on the engine
 * thread; durations are in milliseconds.
 */
#ifndef VASTFS_AWS_HTTP_H
#define VASTFS_AWS_HTTP_H

#include "aws/engine.h"
#include "base/buf.h"
#include "base/error.h"

#include <sys/types.h>

#define HTTP_CONNECT_TIMEOUT_MS 3100
#define HTTP_REPLY_MAX		((size_t)16 << 20)

struct http_request {
	const char *method;
	const char *url;
	const char *const *headers; /* "Name: value", NULL-terminated; NULL: none */
	const void *body;	    /* must live until the exchange has ended */
	size_t body_len;
	int timeout_ms;	     /* of the whole exchange; 0: none */
	int stall_s;	     /* ends it if for so many seconds nothing moves; 0: never */
	size_t reply_max;    /* bytes kept of the reply; 0: HTTP_REPLY_MAX */
	const char *ca_file; /* NULL: the system's */
	bool fresh;	     /* on a connection of its own start: libcurl resends what met a dead kept one */
	bool no_proxy;
	bool secret; /* the reply holds a secret: its body is overwritten when it is freed */
	/* Takes the bytes of a reply with a status of 2xx in place of reply->body; a negative errno ends the exchange.
	 */
	int (*sink)(const void *data, size_t len, void *arg);
	void *sink_arg;
	/*
	 * Gives the body_len bytes of the request in place of body: how many it has put into data; 0: none for now, the
	 * exchange pauses until http_resume(); a negative errno ends it.
	 */
	ssize_t (*source)(void *data, size_t len, void *arg);
	void *source_arg;
	bool bulk; /* many bytes are expected: larger buffers */
};

/* What a sink returns that cannot take the bytes now: they come again after http_resume(). */
#define HTTP_PAUSE 1

struct http_reply {
	int status;	   /* 0 if no reply came */
	struct buf body;   /* whole, unless a sink took it */
	struct buf header; /* lines "Name: value\n" of the last header block */
	bool sent;	   /* a part of the request may have reached the peer */
	/*
	 * No (whole) reply came: -ETIMEDOUT, -ENETUNREACH (no route, no name), -ECONNREFUSED, -ECONNRESET, -EPROTO
	 * (TLS), -EFBIG (over reply_max), -ENOMEM, -ECANCELED, the sink's errno. A status of 404 or 500 is no error
	 * here.
	 */
	struct error error;
};

/* The value of a header (first of its name) into out, which is returned; "" if it is absent. */
char *http_header(const struct http_reply *reply, const char *name, char *out, size_t size);

/* All values of a header that may come several times, joined by commas (RFC 9110 section 5.3). */
char *http_header_all(const struct http_reply *reply, const char *name, char *out, size_t size);

void http_reply_free(struct http_reply *reply); /* the content */

struct http_exchange;

/* done is called once, later; it may take the reply's content, the rest is freed behind it. NULL without memory. */
struct http_exchange *http_start(struct engine *e, const struct http_request *request,
				 void (*done)(struct http_reply *reply, void *arg), void *arg);

/* Abandons it; done is not called. */
void http_cancel(struct http_exchange *x);

/* Goes on after a pause. Not in a callback of any exchange: a timer of 0 ms is the place. */
void http_resume(struct http_exchange *x);

#endif
