/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * stream.h - the streamed reply to an invocation (frames.h), which is sent while the command runs.
 *
 * stream_wait(), stream_work() and stream_output() are the callbacks of a command (command.h), with the stream as their
 * context. The memory does not depend on the size of the output. If one of them fails, Lambda has refused the stream or
 * the connection is lost, and only stream_give_up() may be called. One thread uses a stream. Its owner calls
 * stream_free(); the connection and the ID stay the caller's.
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
	int64_t until;	  /* monotonic; the limit for waiting until Lambda reads */
	int64_t spoke_at; /* monotonic; when the last frame was sent */
	uint64_t length;
	uint32_t crc;
	uint64_t err_len;   /* bytes of stderr; the limit plus one: truncated */
	bool begun;	    /* the start of this reply was sent, so the invocation cannot have another one */
	int error;	    /* the first error of the connection; negative errno */
	bool is_deflated;   /* stdout is compressed by the deflater */
	int64_t held_since; /* monotonic; since when the deflater has been holding bytes */
	struct deflater deflater;
};

/*
 * The caller calls stream_free() afterwards. Without memory for compression the reply is plain, which every reader
 * accepts.
 */
void stream_init(struct reply_stream *stream, struct http *api, const char *id, int64_t until, bool may_deflate);
void stream_free(struct reply_stream *stream);

int stream_wait(void *context, struct command_wait *ret_wait);
int stream_work(void *context, short ready);
int stream_output(void *context, enum command_stream from, const char *data, size_t len);

/* Sends the end frame and reads Lambda's answer to the stream. Returns as the functions of runtime_api.h do. */
int stream_end(struct reply_stream *stream, const struct command_end *end);

/* Ends the stream with an error in place of the end frame. Returns as the functions of runtime_api.h do. */
int stream_fail(struct reply_stream *stream, const char *type, const char *message);

/* Abandons the stream after its `error`. Returns as the functions of runtime_api.h do. */
int stream_give_up(struct reply_stream *stream);

#endif
