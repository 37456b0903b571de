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
	int timeout_ms;	     /* limit of the whole exchange; 0: none */
	int stall_s;	     /* the exchange ends after this number of seconds without data; 0: never */
	size_t reply_max;    /* most bytes of the body; 0: HTTP_REPLY_MAX */
	const char *ca_file; /* NULL: the system's certificates */
	bool fresh;	     /* use a new connection: on a reused one libcurl may send the request twice */
	bool no_proxy;
	bool secret; /* the reply contains a secret: its body is overwritten when it is freed */
	/* Gets the bytes of a 2xx reply instead of reply->body; a negative errno ends the exchange. */
	int (*sink)(const void *data, size_t len, void *arg);
	void *sink_arg;
	/*
	 * Produces the body_len bytes of the request instead of body. Returns the number of bytes put into data; 0:
	 * none at the moment, the exchange pauses until http_resume(); a negative errno ends it.
	 */
	ssize_t (*source)(void *data, size_t len, void *arg);
	void *source_arg;
	bool bulk; /* many bytes are expected: larger buffers */
};

/* Returned by a sink that cannot accept the bytes now: it gets them again after http_resume(). */
#define HTTP_PAUSE 1

struct http_reply {
	int status;	   /* HTTP status; 0 without a reply */
	struct buf body;   /* the whole body, unless a sink got it */
	struct buf header; /* lines "Name: value\n" of the last header block */
	bool sent;	   /* a part of the request may have reached the server */
	/*
	 * Set if there is no complete reply: -ETIMEDOUT, -ENETUNREACH (no route, no name), -ECONNREFUSED, -ECONNRESET,
	 * -EPROTO (TLS), -EFBIG (over reply_max), -ENOMEM, -ECANCELED, the errno of the sink. A status of 404 or 500 is
	 * not an error here.
	 */
	struct error error;
};

/* Copies the value of the first header of that name to out and returns it; "" if absent. */
char *http_header(const struct http_reply *reply, const char *name, char *out, size_t size);

/* Copies all values of a header that may be repeated, joined by commas (RFC 9110 section 5.3). */
char *http_header_all(const struct http_reply *reply, const char *name, char *out, size_t size);

void http_reply_free(struct http_reply *reply); /* frees the content, not the struct */

struct http_exchange;

/*
 * done is called once, later; it may take over the content of the reply, which is freed afterwards. NULL without
 * memory.
 */
struct http_exchange *http_start(struct engine *e, const struct http_request *request,
				 void (*done)(struct http_reply *reply, void *arg), void *arg);

/* Cancels the exchange; done is not called. NULL is allowed. */
void http_cancel(struct http_exchange *x);

/* Continues after a pause. Not allowed in a callback of an exchange: use a timer of 0 ms. */
void http_resume(struct http_exchange *x);

#endif
