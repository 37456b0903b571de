/* SPDX-License-Identifier: BSD-3-Clause */
#include "input.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#define INPUT_GZIP (16 + MAX_WBITS) /* inflateInit2() (zlib.h): gzip only, with the largest window */

int input_init(struct input *input, const void *gzip, size_t len)
{
	memset(input, 0, sizeof(*input));
	input->inflater.next_in = (z_const Bytef *)gzip;
	input->inflater.avail_in = (uInt)len;
	return inflateInit2(&input->inflater, INPUT_GZIP) == Z_OK ? 0 : -ENOMEM;
}

void input_free(struct input *input)
{
	inflateEnd(&input->inflater);
}

static int input_is_damaged(struct input *input, const char *why)
{
	input->damage = why ? why : "not gzip data";
	return -EBADMSG;
}

/* gzip data consists of one or more members (RFC 1952, section 2.2). */
static int input_end_member(struct input *input)
{
	if (input->inflater.avail_in == 0)
		input->is_whole = true;
	else
		inflateReset(&input->inflater);
	return 0;
}

static int input_inflate(struct input *input)
{
	int result = inflate(&input->inflater, Z_NO_FLUSH);

	if (result == Z_STREAM_END)
		return input_end_member(input);
	if (result == Z_MEM_ERROR)
		return -ENOMEM;
	if (result != Z_OK && result != Z_BUF_ERROR)
		return input_is_damaged(input, input->inflater.msg);
	if (input->inflater.avail_in == 0 && input->inflater.avail_out > 0)
		return input_is_damaged(input, "truncated");
	return 0;
}

/* Inflates the next piece. Only the last piece may be shorter than the buffer; all data is then verified. */
static int input_fill(struct input *input)
{
	z_stream *inflater = &input->inflater;
	int err = 0;

	inflater->next_out = input->piece;
	inflater->avail_out = sizeof(input->piece);
	while (err == 0 && !input->is_whole && inflater->avail_out > 0)
		err = input_inflate(input);
	input->at = 0;
	input->len = err < 0 ? 0 : sizeof(input->piece) - inflater->avail_out;
	return err;
}

int input_write(struct input *input, int fd)
{
	ssize_t n = 0;

	if (input->len == 0 && !input->is_whole) {
		int err = input_fill(input);

		if (err < 0)
			return err;
	}
	if (input->len > 0)
		n = write(fd, input->piece + input->at, input->len);
	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : -errno;
	input->at += (size_t)n;
	input->len -= (size_t)n;
	input->written += n;
	return input->len == 0 && input->is_whole;
}

int input_check_rest(struct input *input)
{
	int err = 0;

	while (err == 0 && !input->is_whole)
		err = input_fill(input);
	return err;
}
