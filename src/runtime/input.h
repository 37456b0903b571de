/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * input.h - the stdin of a command: gzip data (RFC 1952) that is inflated piece by piece while it is written into the
 * command's pipe. The memory does not depend on the inflated size.
 *
 * For the command, the end of the pipe means that its input is complete. The caller therefore closes the pipe only
 * after input_write() has returned 1, when the checksum and the length at the end of the data have been verified.
 *
 * One thread at a time uses an input. The caller owns the gzip data and calls input_free().
 */
#ifndef VAST_RUNTIME_INPUT_H
#define VAST_RUNTIME_INPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <zlib.h>

#define INPUT_PIECE_SIZE 65536

struct input {
	z_stream inflater;
	uint8_t piece[INPUT_PIECE_SIZE];
	size_t at, len;	    /* position and number of the bytes of the piece that are not written yet */
	bool is_whole;	    /* all data has been inflated, and the checksums match */
	const char *damage; /* the fault of the data (static); NULL: none is known */
	int64_t written;    /* inflated bytes */
};

/* `gzip` must stay valid until input_free(). Returns 0, or -ENOMEM, after which input_free() is not needed. */
int input_init(struct input *input, const void *gzip, size_t len);

/*
 * Writes at most one piece to the non-blocking `fd`. Returns 1 if everything has been written; 0 if there may be more;
 * -EPIPE if no process reads from the pipe any more; -EBADMSG if the data is damaged, see `damage`; or another errno of
 * write(2).
 */
int input_write(struct input *input, int fd);

/*
 * Inflates the rest of the data without writing it, to verify its checksum. Returns 0, or -EBADMSG or -ENOMEM as
 * input_write() does.
 */
int input_check_rest(struct input *input);

void input_free(struct input *input);

#endif
