/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * frames.h - parses the output of a streamed command as it arrives. Pure; the parser belongs to one thread.
 *
 * Source of the format: runtime/frames.h. Bytes are passed on as they arrive, even from an incomplete frame. Only the
 * end frame, whose length and CRC-32 must match, proves that the output is complete. Compressed output is inflated in
 * pieces of at most FRAMES_INFLATED_MAX bytes; the owner limits the inflated size by an error that its function
 * returns.
 */
#ifndef VASTFS_STACK_FRAMES_H
#define VASTFS_STACK_FRAMES_H

#include "base/buf.h"
#include "base/error.h"

#include <stdint.h>
#include <zlib.h>

#define FRAMES_END_MAX	    4096  /* bytes of an end frame's payload */
#define FRAMES_INFLATED_MAX 65536 /* bytes in one call of the callback */

enum frames_state {
	FRAMES_PREAMBLE_STATE,
	FRAMES_HEAD_STATE,
	FRAMES_PAYLOAD_STATE,
	FRAMES_END_STATE, /* inside the end frame */
	FRAMES_ENDED,
};

struct frames_end {
	int exit_code;
	int signal; /* 0: none */
	bool timed_out;
	int64_t stdin_bytes; /* written into the command's stdin; -1: not reported */
};

/* State for inflating frames; it is allocated only for a stream that has compressed frames. */
struct frames_plain {
	z_stream inflater;
	bool ended; /* the deflate stream is at its end */
	uint64_t length;
	uint32_t crc;
	uint8_t piece[FRAMES_INFLATED_MAX];
};

struct frames {
	/* Called with the bytes that the command has written; a negative errno ends the parsing. */
	int (*printed)(bool is_stderr, const void *data, size_t len, void *arg);
	void *arg;
	enum frames_state state;
	uint8_t head[8];		   /* preamble or frame head, as far as received */
	size_t have;			   /* bytes in head */
	size_t left;			   /* bytes of the payload that have not arrived */
	char type;			   /* type of the current frame */
	char stdout_type;		   /* type of the frames of stdout; 0: none has arrived */
	uint64_t length;		   /* number of bytes before the end frame */
	uint32_t crc;			   /* CRC-32 of those bytes */
	struct frames_plain *plain_stdout; /* inflated; NULL unless stdout_type is FRAME_DEFLATED */
	struct buf json;		   /* the end frame's payload */
	struct frames_end end;
	bool plain; /* the stream does not begin with the preamble: it is not vast-lambda-runtime's */
	int failed; /* a negative errno, kept once it is set */
};

void frames_init(struct frames *f, int (*printed)(bool is_stderr, const void *data, size_t len, void *arg), void *arg);
void frames_free(struct frames *f);

/*
 * Parses the next bytes. -EBADMSG with f->plain set if the stream does not begin with the preamble, without it if a
 * frame or the end frame is invalid; -ENOMEM; or the callback's errno. Every later call returns the same error.
 */
int frames_feed(struct frames *f, const void *data, size_t len);

/* Whether the end frame has proved that the output is complete; f->end is valid then. */
bool frames_ended(const struct frames *f);

#endif
