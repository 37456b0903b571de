/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Lambda's Runtime API, version 2018-06-01 (AWS Lambda Developer Guide, "Using the Lambda runtime API for custom
 * runtimes").
 *
 * Functions return 0 or a negative errno after which this process is of no more use: the environment has gone wrong,
 * which Lambda notices by its exit. A refusal that concerns only one invocation is logged and is no error.
 */
#ifndef VAST_RUNTIME_RUNTIME_API_H
#define VAST_RUNTIME_RUNTIME_API_H

#include <stdint.h>

#include "http.h"

/* The largest reply that Lambda takes from a function that does not stream: 6 MiB and 100 bytes. */
#define RUNTIME_API_REPLY_MAX 6291556

struct invocation {
	char id[128];
	char trace[1024];    /* "" if none */
	int64_t deadline_ms; /* wall clock, since 1970; 0 if none */
	struct buffer event;
};

int runtime_api_init(struct http *api, const char *address);

/* Waits for an invocation, for ever. invocation_free() after success. */
int runtime_api_next(struct http *api, struct invocation *ret_invocation);

void invocation_free(struct invocation *invocation);

/* `body` is that of struct http_request. -EMSGSIZE: larger than Lambda takes; the invocation has no answer yet. */
int runtime_api_respond(struct http *api, const char *id, size_t length, int (*body)(void *, struct http *),
			void *context);

/*
 * An answer whose end is not known at its beginning: http_stream_begin() to the invocation's response, to which pieces
 * are then added with http.h. 0 or what http_stream_begin() returns.
 */
int runtime_api_stream_begin(struct http *api, const char *id, int64_t until);

/* Ends it. A peer that refuses it, or is gone, has what it has: that is logged. */
int runtime_api_stream_end(struct http *api, const char *id);

/* Ends it by an error, in trailers. */
int runtime_api_stream_fail(struct http *api, const char *id, const char *type, const char *message);

/* After the error `why` of one of http.h's functions for bodies in pieces. */
int runtime_api_stream_abandon(struct http *api, const char *id, int why);

/* Answers an invocation with an error; with `id` NULL says that the runtime could not start. */
int runtime_api_error(struct http *api, const char *id, const char *type, const char *message);

#endif
