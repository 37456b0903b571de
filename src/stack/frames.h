/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * frames.h - parses the output of a streamed command as it arrives. Pure; the parser belongs to one thread.
 *
 * Source of the format: runtime/frames.h. Bytes are passed on as they arrive, even from an incomplete frame. Only the
 * end frame, whose length and CRC-32 must match, proves that the output is complete.
 */
#ifndef VASTFS_STACK_FRAMES_H
#define VASTFS_STACK_FRAMES_H

#include "base/buf.h"
#include "base/error.h"

#include <stdint.h>

#define FRAMES_END_MAX 4096 /* bytes of an end frame's payload */

enum frames_state {
	FRAMES_PREAMBLE_STATE,
	FRAMES_HEAD_STATE,
	FRAMES_PAYLOAD_STATE,
	FRAMES_END_STATE, /* within the end frame */
	FRAMES_ENDED,
};

struct frames_end {
	int exit_code;
	int signal; /* 0: none */
	bool timed_out;
	int64_t stdin_bytes; /* written into the command's stdin; -1: not reported */
};

struct frames {
	/* Called with what was printed; a negative errno ends the parsing. */
	int (*printed)(bool is_stderr, const void *data, size_t len, void *arg);
	void *arg;
	enum frames_state state;
	uint8_t head[8]; /* preamble or frame head, as far as received */
	size_t have;	 /* bytes in head */
	size_t left;	 /* of the payload */
	bool is_stderr;
	uint64_t length; /* bytes before the end frame */
	uint32_t crc;	 /* of those bytes */
	struct buf json; /* the end frame's payload */
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
