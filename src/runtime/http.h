/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * http.h - a client for the subset of HTTP/1.1 (RFC 9112) that Lambda's Runtime API uses on the loopback interface.
 *
 * It has one connection, which is kept alive and reopened after the server has closed it. A request has a body of known
 * length, or a body that is sent in pieces between other work. A reply has a length, or is in chunks, or ends with the
 * connection. One thread uses a client. The caller owns the struct and the body of each reply.
 *
 * Errors: -ECONNREFUSED and others of connect(2); -ECONNRESET: the connection was lost; -EPROTO: the reply is not HTTP;
 * -EMSGSIZE: the reply exceeds the limits; -ETIMEDOUT: the server stopped in the middle of a message. After an error
 * the connection is closed; the next call opens a new one.
 */
#ifndef VAST_RUNTIME_HTTP_H
#define VAST_RUNTIME_HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "buffer.h"

#define HTTP_HEAD_MAX 16384
#define HTTP_BODY_MAX (8 * 1024 * 1024) /* Lambda's events have at most 6 MiB */

/* The maximum size of one piece of a body. The queue has room for two pieces and their HTTP framing. */
#define HTTP_PIECE_MAX	65600
#define HTTP_QUEUE_SIZE (2 * (HTTP_PIECE_MAX + 16))

struct http {
	char host[256];
	char port[8];
	int fd;	    /* -1: not connected */
	bool heard; /* the reply to the current request has begun */
	size_t in_at, in_len, out_at, out_len;
	int64_t until; /* the deadline of a body in pieces */
	char in[16384], out[HTTP_QUEUE_SIZE];
};

struct api_request {
	const char *method;
	const char *path;
	const char *headers; /* complete lines with CRLF, or "" */
	bool for_ever;	     /* wait for the first byte of the reply without a limit */
	size_t length;
	/* Passes exactly `length` bytes to http_write() and returns its errors. May be called twice. NULL: no body. */
	int (*body)(void *context, struct http *http);
	void *context;
};

struct api_reply {
	int status;
	char head[HTTP_HEAD_MAX];
	struct buffer body;
};

/*
 * `address` is host:port, with brackets around an IPv6 address. Returns -EINVAL for any other form. Does not connect.
 */
int http_init(struct http *http, const char *address);

/* Sends one request and reads its reply. The caller frees ret_reply->body after success. */
int http_call(struct http *http, const struct api_request *request, struct api_reply *ret_reply);

/* For the `body` function of a request only. */
int http_write(struct http *http, const void *data, size_t len);

/*
 * Starts a request whose body is sent in pieces, as chunks. Of the request, only the method, the path and the headers
 * are used. The functions wait for the server at most until `until` (monotonic, ms; INT64_MAX: without limit) and then
 * return -ETIMEDOUT. They return -EPIPE if the server has replied before the end of the body or has closed the
 * connection. After an error of one of these functions, only http_stream_abandon() may be called.
 */
int http_stream_begin(struct http *http, const struct api_request *request, int64_t until);

/*
 * Sends one piece, given in two parts, of at most HTTP_PIECE_MAX bytes in total. Waits only if the queue has no room
 * for it.
 */
int http_stream_write(struct http *http, const void *head, size_t head_len, const void *data, size_t len);

/* The events for poll(2) while there is nothing to write. They include POLLOUT only while queued bytes are unsent. */
short http_stream_events(const struct http *http);

/* Sends queued bytes after poll(2) has returned `ready` for http_stream_events(). */
int http_stream_work(struct http *http, short ready);

/* Ends the body with trailers (complete lines, or "") and reads the reply. After success the caller owns its body. */
int http_stream_end(struct http *http, const char *trailers, struct api_reply *ret_reply);

/*
 * Closes the connection. Returns 0 with the reply that the server may have sent before, or -ENODATA if there is none.
 */
int http_stream_abandon(struct http *http, struct api_reply *ret_reply);

/* Copies the value of a header. Returns false if the header is absent or its value is longer than `size` - 1. */
bool http_header(const struct api_reply *reply, const char *name, char *ret_value, size_t size);

#endif
