/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * deflater.h - compresses the stdout of a command into one raw deflate stream (RFC 1951), in pieces that fit into a
 * frame.
 *
 * It needs about 330 KB of memory, independent of the size of the output. The compression level depends on the data and
 * on the speed of the reader; see deflater_level(). The functions that compress pass each full piece to `send`. If
 * `send` returns a negative value, they return it, and only deflater_free() may be called afterwards. One thread at a
 * time uses a deflater; its owner calls deflater_free().
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
	uint64_t length;   /* number of plain bytes */
	uint32_t crc;	   /* CRC-32 of the plain bytes */
	bool is_holding;   /* the reader cannot inflate all added bytes yet */
	bool peer_is_slow; /* the peer was waited for since the level was chosen; set by the owner */
	int level;
	uint64_t level_in, level_out; /* plain and compressed bytes when the level was chosen */
	int64_t level_at;	      /* monotonic, ms, when the level was chosen */
};

/* Returns 0, or -ENOMEM, after which deflater_free() is not needed. */
int deflater_init(struct deflater *deflater, int (*send)(void *context, const void *data, size_t len), void *context);

int deflater_add(struct deflater *deflater, const void *data, size_t len);

/* Passes on all bytes that were added, so that the reader can inflate them. */
int deflater_flush(struct deflater *deflater);

/* Passes on all bytes that were added and ends the deflate stream. */
int deflater_end(struct deflater *deflater);

void deflater_free(struct deflater *deflater);

/*
 * The number of plain bytes that are compressed until a level is chosen again. Data that does not shrink is copied for
 * a longer span, because testing it again costs as much time as compressing it.
 */
uint64_t deflater_span(int level);

/*
 * Chooses zlib's level for the next span from the result of the last one: its plain and compressed bytes, and its
 * duration in milliseconds. A better level is worth its time only if the network is the slowest part. That is the case
 * if the peer had to be waited for, or if more bytes were compressed than Lambda transfers in that time; megabytes of
 * buffers in between can delay the first sign. Otherwise the function's share of a processor, or the command itself, is
 * the slowest part. Pure.
 */
int deflater_level(int level, uint64_t in, uint64_t out, int64_t ms, bool peer_is_slow);

#endif
