/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The reply to an invocation in its streamed form (frames.h), sent while the command runs.
 *
 * stream_wait(), stream_work() and stream_output() are a command's (command.h), with the stream as their context.
 * Memory does not depend on what is printed. When one of them fails, the peer has refused the stream or is gone:
 * stream_give_up() is all that is left to do.
 */
#ifndef VAST_RUNTIME_STREAM_H
#define VAST_RUNTIME_STREAM_H

#include <stdbool.h>
#include <stdint.h>

#include "command.h"
#include "deflater.h"
#include "http.h"

struct reply_stream {
	struct http *api;
	const char *id;
	int64_t until;	  /* monotonic; the limit for waiting for Lambda to read */
	int64_t spoke_at; /* monotonic, of the last frame */
	uint64_t length;
	uint32_t crc;
	uint64_t err_len;   /* bytes of stderr; the limit plus one: cut */
	bool begun;	    /* the invocation has an answer, of which this is the beginning */
	int error;	    /* the first of the peer's; negative errno */
	bool is_deflated;   /* stdout is sent through the deflater */
	int64_t held_since; /* monotonic, while the deflater is holding something */
	struct deflater deflater;
};

/* stream_free() afterwards. If there is no memory for compressing, the reply is plain, which every reader takes. */
void stream_init(struct reply_stream *stream, struct http *api, const char *id, int64_t until, bool may_deflate);
void stream_free(struct reply_stream *stream);

int stream_wait(void *context, struct command_wait *ret_wait);
int stream_work(void *context, short ready);
int stream_output(void *context, enum command_stream from, const char *data, size_t len);

/* The last frame, and the peer's word on the whole. Returns as functions of runtime_api.h do. */
int stream_end(struct reply_stream *stream, const struct command_end *end);

/* Leaves the stream without its last frame and says why in its place. Returns as functions of runtime_api.h do. */
int stream_fail(struct reply_stream *stream, const char *type, const char *message);

/* After `error`. Returns as functions of runtime_api.h do. */
int stream_give_up(struct reply_stream *stream);

#endif
