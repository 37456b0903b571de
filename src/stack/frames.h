/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * frames.h - what a streamed command printed, as it comes. Pure.
 *
 * Source of the format: runtime/frames.h. Bytes are handed on as they come, also of a frame that is not whole yet; only
 * the end frame, whose length and CRC-32 must match, says that they were all.
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
	uint8_t head[8]; /* preamble or frame head, as far as it has come */
	size_t have;	 /* bytes of it */
	size_t left;	 /* of the payload */
	bool is_stderr;
	uint64_t length; /* before the end frame */
	uint32_t crc;	 /* of these */
	struct buf json; /* the end frame's payload */
	struct frames_end end;
	bool plain; /* it does not begin with the preamble: not ours */
	int failed; /* sticks */
};

void frames_init(struct frames *f, int (*printed)(bool is_stderr, const void *data, size_t len, void *arg), void *arg);
void frames_free(struct frames *f);

/*
 * The next bytes. -EBADMSG with f->plain set if the stream does not begin with the preamble, and without it if frames
 * or their end do not match; -ENOMEM, or what printed returned. The same ever after.
 */
int frames_feed(struct frames *f, const void *data, size_t len);

/* Whether all has come, which the end frame has proved; f->end is valid then. */
bool frames_ended(const struct frames *f);

#endif
