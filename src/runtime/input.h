/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What a command reads from its stdin: gzip data (RFC 1952) that is inflated piece by piece while it is written into
 * the command's pipe. Memory does not depend on the inflated size.
 *
 * The end of the pipe means that the data is complete: the caller closes it only after input_write() has returned
 * 1, by which time the checksum and the length at the end of the data have been compared.
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
	size_t at, len;	    /* of the piece: what is not written yet */
	bool is_whole;	    /* all has been inflated, and the checksums match */
	const char *damage; /* what is wrong with the data (static); NULL if nothing is known to be */
	int64_t written;    /* inflated bytes */
};

/* `gzip` has to stay until input_free(). 0 or -ENOMEM, after which input_free() is not needed. */
int input_init(struct input *input, const void *gzip, size_t len);

/*
 * Writes at most one piece to `fd`, which does not block. 1: everything has been written; 0: there may be more;
 * -EPIPE: no process reads from it any more; -EBADMSG: the data is damaged, see `damage`; or another errno of write(2).
 */
int input_write(struct input *input, int fd);

/* Inflates what has not been written, and drops it. 0, or -EBADMSG or -ENOMEM as for input_write(). */
int input_check_rest(struct input *input);

void input_free(struct input *input);

#endif
