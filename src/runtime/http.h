/*
 * The little of HTTP/1.1 (RFC 9112) that takes to talk to one peer on the loopback: one connection that is kept alive
 * and opened again when the peer has closed it, requests with a body of known length, replies with a length, in chunks
 * or until the end of the connection.
 *
 * Errors: -ECONNREFUSED and others of connect(2); -ECONNRESET: cut off; -EPROTO: not HTTP; -EMSGSIZE: larger than the
 * bounds; -ETIMEDOUT: the peer stopped in the middle. After an error the connection is closed; the next call opens a
 * new one.
 */
#ifndef VAST_RUNTIME_HTTP_H
#define VAST_RUNTIME_HTTP_H

#include <stdbool.h>
#include <stddef.h>

#include "buffer.h"

#define HTTP_HEAD_MAX 16384
#define HTTP_BODY_MAX (8 * 1024 * 1024) /* Lambda's events have at most 6 MiB */

struct http {
	char host[256];
	char port[8];
	int fd;	    /* -1: not connected */
	bool heard; /* the reply to the current request has begun */
	size_t in_at, in_len, out_len;
	char in[16384], out[16384];
};

struct http_request {
	const char *method;
	const char *path;
	const char *headers; /* whole lines with CRLF, or "" */
	bool for_ever;	     /* wait for the reply's first byte without limit */
	size_t length;
	/* Gives exactly `length` bytes to http_write() and returns its errors; may be called twice. NULL: no body. */
	int (*body)(void *context, struct http *http);
	void *context;
};

struct http_reply {
	int status;
	char head[HTTP_HEAD_MAX];
	struct buffer body;
};

/* `address` is host:port, with [] around the host if it is an IPv6 address. -EINVAL if it is not. Does not connect. */
int http_init(struct http *http, const char *address);

/* Sends one request and reads its reply. The caller frees ret_reply->body after success. */
int http_call(struct http *http, const struct http_request *request, struct http_reply *ret_reply);

/* For the body function of a request. */
int http_write(struct http *http, const void *data, size_t len);

/* The value of a header, copied; false if it is absent or longer than `size` - 1. */
bool http_header(const struct http_reply *reply, const char *name, char *ret_value, size_t size);

#endif
