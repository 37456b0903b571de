/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Compresses what a command prints to stdout, as one raw deflate stream (RFC 1951) in pieces of a frame's payload.
 *
 * Memory does not depend on what is printed, about 330 KB. The effort follows the data and the peer, see
 * deflater_level(). The functions that compress hand on each piece as it is full, and return the first negative value
 * of `send`, after which only deflater_free() may follow.
 */
#ifndef VAST_RUNTIME_DEFLATER_H
#define VAST_RUNTIME_DEFLATER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <zlib.h>

#include "frames.h"

struct deflater {
	int (*send)(void *context, const void *data, size_t len);
	void *context;
	z_stream stream;
	uint8_t piece[FRAME_PAYLOAD_MAX];
	uint64_t length;   /* of the plain bytes */
	uint32_t crc;	   /* of the plain bytes */
	bool is_holding;   /* bytes were added of which the reader does not have all */
	bool peer_is_slow; /* the peer had to be waited for since the level was last chosen; the owner sets it */
	int level;
	uint64_t level_in, level_out; /* plain and compressed bytes when the level was chosen */
	int64_t level_at;	      /* monotonic, ms, when it was chosen */
};

/* 0 or -ENOMEM, after which deflater_free() is not needed. */
int deflater_init(struct deflater *deflater, int (*send)(void *context, const void *data, size_t len), void *context);

int deflater_add(struct deflater *deflater, const void *data, size_t len);

/* Hands on everything that was added, so that the reader can inflate it. */
int deflater_flush(struct deflater *deflater);

/* The same, and the end of the deflate stream. */
int deflater_end(struct deflater *deflater);

void deflater_free(struct deflater *deflater);

/*
 * How many plain bytes to compress until the next choice of a level. Data that does not shrink is copied for longer
 * than data that does is compressed, for it costs as much time to find out.
 */
uint64_t deflater_span(int level);

/*
 * zlib's level for the next span, from what the last one came to: plain and compressed bytes, and milliseconds. The
 * next better level is worth its time if the network is the slowest part: the peer had to be waited for, or more was
 * compressed than Lambda passes on, which may show late, for there are megabytes of buffers in between. Otherwise the
 * function's share of a processor is the slowest part, or the command is. Pure.
 */
int deflater_level(int level, uint64_t in, uint64_t out, int64_t ms, bool peer_is_slow);

#endif
