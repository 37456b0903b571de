/* SPDX-License-Identifier: BSD-3-Clause */
/* Checks that a stream that arrives in pieces has the same output and the same end as one that arrives as a whole. */
#include "runtime/frames.h"
#include "stack/frames.h"

#include "fuzz.h"

struct frames_result {
	struct buf out, errors;
	int r, exit_code;
	bool ended, plain;
};

static int frames_note(bool is_stderr, const void *data, size_t len, void *arg)
{
	struct frames_result *result = arg;

	return buf_append(is_stderr ? &result->errors : &result->out, data, len);
}

static void frames_run(const uint8_t *data, size_t len, bool in_pieces, struct frames_result *ret)
{
	struct frames f;

	*ret = (struct frames_result){.out = BUF_INIT(4 << 20), .errors = BUF_INIT(4 << 20)};
	frames_init(&f, frames_note, ret);
	while (len && ret->r == 0) {
		size_t n = in_pieces ? fuzz_piece(data, len) : len;

		ret->r = frames_feed(&f, data, n);
		data += n;
		len -= n;
	}
	ret->ended = frames_ended(&f);
	ret->plain = f.plain;
	ret->exit_code = ret->ended ? f.end.exit_code : 0;
	frames_free(&f);
}

/* After an error, the pieces may have more output, from the frame that contains the error. */
static void frames_compare(const uint8_t *data, size_t len)
{
	struct frames_result whole, pieces;

	frames_run(data, len, false, &whole);
	frames_run(data, len, true, &pieces);
	fuzz_require(whole.r == pieces.r && whole.ended == pieces.ended && whole.plain == pieces.plain);
	fuzz_require(whole.exit_code == pieces.exit_code);
	fuzz_require(whole.r < 0 || (whole.out.len == pieces.out.len && whole.errors.len == pieces.errors.len));
	fuzz_require(whole.r < 0 || strcmp(buf_str(&whole.out), buf_str(&pieces.out)) == 0);
	buf_free(&whole.out);
	buf_free(&whole.errors);
	buf_free(&pieces.out);
	buf_free(&pieces.errors);
}

/* Compares the input, between a preamble and an end frame with the correct length and checksum. */
static void frames_seal(const uint8_t *data, size_t len)
{
	struct buf stream = BUF_INIT(4 << 20);
	char json[256];
	int n;

	buf_append(&stream, FRAMES_PREAMBLE, FRAMES_PREAMBLE_LEN);
	buf_append(&stream, data, len);
	n = snprintf(json, sizeof(json), "{\"exit_code\":%d,\"length\":%zu,\"crc32\":%lu}", len ? data[0] : 0,
		     stream.len, crc32(0, (const Bytef *)stream.data, (uInt)stream.len));
	buf_append(&stream, (char[]){FRAME_END, 0, 0, 0, (char)n}, FRAME_HEAD_LEN);
	buf_append(&stream, json, (size_t)n);
	frames_compare((const uint8_t *)stream.data, stream.len);
	buf_free(&stream);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	frames_compare(data, len);
	frames_seal(data, len);
	return 0;
}
