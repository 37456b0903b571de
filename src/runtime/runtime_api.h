/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * runtime_api.h - a client for Lambda's Runtime API, version 2018-06-01: it receives invocations and sends their
 * responses.
 *
 * Functions return 0 or a negative errno. After an errno the process must exit, so that Lambda replaces the execution
 * environment. A refusal that concerns only one invocation is logged and is not an error. One thread uses these
 * functions. The caller owns the connection (http.h) and each invocation.
 *
 * Source: AWS Lambda Developer Guide, "Using the Lambda runtime API for custom runtimes".
 */
#ifndef VAST_RUNTIME_RUNTIME_API_H
#define VAST_RUNTIME_RUNTIME_API_H

#include <stdint.h>

#include "http.h"

/* The largest response that Lambda accepts from a function that does not stream: 6 MiB + 100 bytes. */
#define RUNTIME_API_REPLY_MAX 6291556

struct invocation {
	char id[128];
	char trace[1024];    /* "" if there is none */
	int64_t deadline_ms; /* wall clock, ms since 1970; 0: none */
	struct buffer event;
};

int runtime_api_init(struct http *api, const char *address);

/* Waits for an invocation without a limit. The caller calls invocation_free() after success. */
int runtime_api_next(struct http *api, struct invocation *ret_invocation);

void invocation_free(struct invocation *invocation);

/*
 * `body` is the function of struct api_request. Returns -EMSGSIZE if the response is larger than Lambda accepts; the
 * invocation then has no response yet.
 */
int runtime_api_respond(struct http *api, const char *id, size_t length, int (*body)(void *, struct http *),
			void *context);

/*
 * Starts a streamed response to the invocation with http_stream_begin(). The caller adds its pieces with http.h.
 * Returns 0 or the errno of http_stream_begin().
 */
int runtime_api_stream_begin(struct http *api, const char *id, int64_t until);

/* Ends the response. If Lambda refuses it or has closed the connection, that is logged. */
int runtime_api_stream_end(struct http *api, const char *id);

/* Ends the response with an error in its trailers. */
int runtime_api_stream_fail(struct http *api, const char *id, const char *type, const char *message);

/* Abandons the response after an http_stream_ function has returned the error `why`. */
int runtime_api_stream_abandon(struct http *api, const char *id, int why);

/* Reports an error for an invocation. If `id` is NULL, it reports that the runtime could not start. */
int runtime_api_error(struct http *api, const char *id, const char *type, const char *message);

#endif
