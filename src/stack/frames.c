/* SPDX-License-Identifier: BSD-3-Clause */
#include "stack/frames.h"

#include "base/crc32.h"
#include "base/json.h"
#include "stack/query.h"

#include "runtime/frames.h"

#include <cjson/cJSON.h>
#include <string.h>
#include <zlib.h>

void frames_init(struct frames *f, int (*printed)(bool is_stderr, const void *data, size_t len, void *arg), void *arg)
{
	*f = (struct frames){.printed = printed, .arg = arg};
	buf_init(&f->json, FRAMES_END_MAX);
}

void frames_free(struct frames *f)
{
	buf_free(&f->json);
	if (f->plain_stdout)
		inflateEnd(&f->plain_stdout->inflater);
	free(move_ptr(f->plain_stdout));
}

bool frames_ended(const struct frames *f)
{
	return !f->failed && f->state == FRAMES_ENDED;
}

static void frames_count(struct frames *f, const void *data, size_t len)
{
	f->length += len;
	f->crc = crc32_add(f->crc, data, len);
}

/* Collects up to `wanted` bytes in f->head and returns how many bytes of data it consumed. */
static size_t frames_gather(struct frames *f, const uint8_t *data, size_t len, size_t wanted)
{
	size_t n = wanted - f->have < len ? wanted - f->have : len;

	memcpy(f->head + f->have, data, n);
	f->have += n;
	return n;
}

static ssize_t frames_take_preamble(struct frames *f, const uint8_t *data, size_t len)
{
	size_t n = frames_gather(f, data, len, FRAMES_PREAMBLE_LEN);

	if (memcmp(f->head, FRAMES_PREAMBLE, f->have) != 0) {
		f->plain = true;
		return -EBADMSG;
	}
	if (f->have == FRAMES_PREAMBLE_LEN) {
		frames_count(f, f->head, f->have);
		f->have = 0;
		f->state = FRAMES_HEAD_STATE;
	}
	return (ssize_t)n;
}

static int frames_start_inflating(struct frames *f)
{
	struct frames_plain *plain = calloc(1, sizeof(*plain));

	if (!plain || inflateInit2(&plain->inflater, -MAX_WBITS) != Z_OK) {
		free(plain);
		return -ENOMEM;
	}
	f->plain_stdout = plain;
	return 0;
}

/* A frame of stdout begins. All frames of stdout in a stream have the same type, so the bytes arrive in their order. */
static int frames_check_stdout(struct frames *f)
{
	if (f->type != FRAME_STDOUT && f->type != FRAME_DEFLATED)
		return -EBADMSG;
	if (f->stdout_type)
		return f->type == f->stdout_type ? 0 : -EBADMSG;
	f->stdout_type = f->type;
	return f->type == FRAME_DEFLATED ? frames_start_inflating(f) : 0;
}

/* A frame of output or the end frame begins. */
static int frames_begin(struct frames *f)
{
	const uint8_t *h = f->head;
	int r;

	f->left = (size_t)h[1] << 24 | (size_t)h[2] << 16 | (size_t)h[3] << 8 | h[4];
	f->have = 0;
	if (h[0] == FRAME_END) {
		f->state = FRAMES_END_STATE;
		return f->left && f->left <= FRAMES_END_MAX ? 0 : -EBADMSG;
	}
	if (f->left > FRAME_PAYLOAD_MAX)
		return -EBADMSG;
	f->type = (char)h[0];
	r = f->type == FRAME_STDERR ? 0 : frames_check_stdout(f);
	if (r < 0)
		return r;
	frames_count(f, h, FRAME_HEAD_LEN);
	if (f->left)
		f->state = FRAMES_PAYLOAD_STATE;
	return 0;
}

static ssize_t frames_take_head(struct frames *f, const uint8_t *data, size_t len)
{
	size_t n = frames_gather(f, data, len, FRAME_HEAD_LEN);
	int r = f->have == FRAME_HEAD_LEN ? frames_begin(f) : 0;

	return r < 0 ? r : (ssize_t)n;
}

static int frames_inflate_piece(struct frames *f)
{
	struct frames_plain *plain = f->plain_stdout;
	int r;

	plain->inflater.next_out = plain->piece;
	plain->inflater.avail_out = sizeof(plain->piece);
	r = inflate(&plain->inflater, Z_SYNC_FLUSH);
	if (r == Z_MEM_ERROR)
		return -ENOMEM;
	if (r != Z_OK && r != Z_STREAM_END && r != Z_BUF_ERROR)
		return -EBADMSG;
	plain->ended = r == Z_STREAM_END;
	return 0;
}

static int frames_hand_on_piece(struct frames *f)
{
	struct frames_plain *plain = f->plain_stdout;
	size_t len = sizeof(plain->piece) - plain->inflater.avail_out;

	if (!len)
		return 0;
	plain->length += len;
	plain->crc = crc32_add(plain->crc, plain->piece, len);
	return f->printed(false, plain->piece, len, f->arg);
}

/* After a full piece the inflater may have more output. */
static int frames_inflate(struct frames *f, const uint8_t *data, size_t len)
{
	struct frames_plain *plain = f->plain_stdout;
	int r = 0;

	plain->inflater.next_in = (z_const Bytef *)data;
	plain->inflater.avail_in = (uInt)len;
	do {
		r = plain->ended ? -EBADMSG : frames_inflate_piece(f);
		if (r == 0)
			r = frames_hand_on_piece(f);
	} while (r >= 0 && (plain->inflater.avail_in || (!plain->inflater.avail_out && !plain->ended)));
	return r;
}

static ssize_t frames_take_payload(struct frames *f, const uint8_t *data, size_t len)
{
	size_t n = f->left < len ? f->left : len;
	int r;

	frames_count(f, data, n);
	f->left -= n;
	if (!f->left)
		f->state = FRAMES_HEAD_STATE;
	r = f->type == FRAME_DEFLATED ? frames_inflate(f, data, n)
				      : f->printed(f->type == FRAME_STDERR, data, n, f->arg);
	return r < 0 ? r : (ssize_t)n;
}

static bool frames_is_number(const cJSON *n, double value)
{
	return cJSON_IsNumber(n) && n->valuedouble == value;
}

/* Whether the inflated stdout has the length and the CRC-32 of the end frame. */
static bool frames_is_stdout_whole(const struct frames *f, const cJSON *end)
{
	const struct frames_plain *plain = f->plain_stdout;
	const cJSON *length = cJSON_GetObjectItemCaseSensitive(end, "stdout_length");
	const cJSON *crc = cJSON_GetObjectItemCaseSensitive(end, "stdout_crc32");

	if (!plain)
		return !length || frames_is_number(length, 0) || f->stdout_type == FRAME_STDOUT;
	return plain->ended && frames_is_number(length, (double)plain->length) && frames_is_number(crc, plain->crc);
}

static int frames_read_end(struct frames *f)
{
	cJSON *end;
	int r = json_parse(buf_str(&f->json), f->json.len, &end, NULL);
	const cJSON *code = cJSON_GetObjectItemCaseSensitive(end, "exit_code");
	const cJSON *signal = cJSON_GetObjectItemCaseSensitive(end, "signal");
	bool good = cJSON_IsNumber(code) &&
		    frames_is_number(cJSON_GetObjectItemCaseSensitive(end, "length"), (double)f->length) &&
		    frames_is_number(cJSON_GetObjectItemCaseSensitive(end, "crc32"), (double)f->crc) &&
		    frames_is_stdout_whole(f, end);

	if (good)
		f->end = (struct frames_end){
			.exit_code = code->valueint,
			.signal = cJSON_IsNumber(signal) ? signal->valueint : 0,
			.timed_out = cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(end, "timed_out")),
			.stdin_bytes = query_byte_count(cJSON_GetObjectItemCaseSensitive(end, "stdin_bytes"))};
	cJSON_Delete(end);
	return good ? 0 : r == -ENOMEM ? r : -EBADMSG;
}

static ssize_t frames_take_end(struct frames *f, const uint8_t *data, size_t len)
{
	size_t n = f->left < len ? f->left : len;
	int r = buf_append(&f->json, data, n);

	f->left -= n;
	if (r == 0 && !f->left) {
		r = frames_read_end(f);
		f->state = FRAMES_ENDED;
	}
	return r < 0 ? r : (ssize_t)n;
}

/* Nothing may follow the end frame. */
static ssize_t frames_take_nothing(struct frames *f _unused_, const uint8_t *data _unused_, size_t len _unused_)
{
	return -EBADMSG;
}

int frames_feed(struct frames *f, const void *data, size_t len)
{
	static ssize_t (*const takes[])(struct frames * f, const uint8_t *data, size_t len) = {
		[FRAMES_PREAMBLE_STATE] = frames_take_preamble, [FRAMES_HEAD_STATE] = frames_take_head,
		[FRAMES_PAYLOAD_STATE] = frames_take_payload,	[FRAMES_END_STATE] = frames_take_end,
		[FRAMES_ENDED] = frames_take_nothing,
	};
	const uint8_t *p = data;

	while (!f->failed && len) {
		ssize_t n = takes[f->state](f, p, len);

		if (n < 0) {
			f->failed = (int)n;
			break;
		}
		p += n;
		len -= (size_t)n;
	}
	return f->failed;
}
