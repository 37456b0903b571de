/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The subset of HTTP/1.1 (RFC 9112) for one server on the loopback interface: one connection, kept alive and reopened
 * after the server closed it; requests with a body of known length or with a body that is sent in pieces between other
 * work; replies with a length, in chunks, or until the end of the connection. One thread.
 *
 * Errors: -ECONNREFUSED and others of connect(2); -ECONNRESET: the connection was lost; -EPROTO: not HTTP; -EMSGSIZE:
 * larger than the bounds; -ETIMEDOUT: the server stopped in the middle of a message. After an error the connection is
 * closed; the next call opens a new one.
 */
#ifndef VAST_RUNTIME_HTTP_H
#define VAST_RUNTIME_HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "buffer.h"

#define HTTP_HEAD_MAX 16384
#define HTTP_BODY_MAX (8 * 1024 * 1024) /* Lambda's events have at most 6 MiB */

/* A piece of a body that is sent in pieces; two of them are kept, with what HTTP puts around. */
#define HTTP_PIECE_MAX	65600
#define HTTP_QUEUE_SIZE (2 * (HTTP_PIECE_MAX + 16))

struct http {
	char host[256];
	char port[8];
	int fd;	    /* -1: not connected */
	bool heard; /* the reply to the current request has begun */
	size_t in_at, in_len, out_at, out_len;
	int64_t until; /* of a body in pieces */
	char in[16384], out[HTTP_QUEUE_SIZE];
};

struct api_request {
	const char *method;
	const char *path;
	const char *headers; /* whole lines with CRLF, or "" */
	bool for_ever;	     /* wait for the reply's first byte without limit */
	size_t length;
	/* Gives exactly `length` bytes to http_write() and returns its errors; may be called twice. NULL: no body. */
	int (*body)(void *context, struct http *http);
	void *context;
};

struct api_reply {
	int status;
	char head[HTTP_HEAD_MAX];
	struct buffer body;
};

/* `address` is host:port, with [] around the host if it is an IPv6 address. -EINVAL if it is not. Does not connect. */
int http_init(struct http *http, const char *address);

/* Sends one request and reads its reply. The caller frees ret_reply->body after success. */
int http_call(struct http *http, const struct api_request *request, struct api_reply *ret_reply);

/* For the body function of a request. */
int http_write(struct http *http, const void *data, size_t len);

/*
 * A request whose body is sent in pieces, as chunks. http_stream_begin() takes the path, headers and nothing else of
 * the request. Whatever has to wait for the peer waits until `until` (monotonic, ms; INT64_MAX: without limit) and is
 * then -ETIMEDOUT. -EPIPE: the peer has answered before the end, or has closed. After an error of any of these nothing
 * but http_stream_abandon() may follow.
 */
int http_stream_begin(struct http *http, const struct api_request *request, int64_t until);

/* One piece in two parts, of HTTP_PIECE_MAX bytes at most. Waits only if two pieces have not gone before it. */
int http_stream_write(struct http *http, const void *head, size_t head_len, const void *data, size_t len);

/* What to wait for, with poll(2), while there is nothing to write; POLLOUT only while something has not gone. */
short http_stream_events(const struct http *http);

/* Does what can be done when http_stream_events() are ready. */
int http_stream_work(struct http *http, short ready);

/* Ends the body, with trailers (whole lines, or ""), and reads the reply; its body is the caller's after success. */
int http_stream_end(struct http *http, const char *trailers, struct api_reply *ret_reply);

/* Closes the connection. The reply that the peer may have given before is there after 0; else -ENODATA. */
int http_stream_abandon(struct http *http, struct api_reply *ret_reply);

/* The value of a header, copied; false if it is absent or longer than `size` - 1. */
bool http_header(const struct api_reply *reply, const char *name, char *ret_value, size_t size);

#endif
