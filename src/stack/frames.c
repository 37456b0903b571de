/* SPDX-License-Identifier: BSD-3-Clause */
#include "stack/frames.h"
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
}

bool frames_ended(const struct frames *f)
{
	return !f->failed && f->state == FRAMES_ENDED;
}

static void frames_count(struct frames *f, const void *data, size_t len)
{
	f->length += len;
	f->crc = (uint32_t)crc32(f->crc, data, (uInt)len);
}

/* Collects up to wanted bytes in f->head and returns how many bytes of data it consumed. */
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

/* A frame of output or the end frame begins. */
static int frames_begin(struct frames *f)
{
	const uint8_t *h = f->head;

	f->left = (size_t)h[1] << 24 | (size_t)h[2] << 16 | (size_t)h[3] << 8 | h[4];
	f->have = 0;
	if (h[0] == FRAME_END) {
		f->state = FRAMES_END_STATE;
		return f->left && f->left <= FRAMES_END_MAX ? 0 : -EBADMSG;
	}
	if ((h[0] != FRAME_STDOUT && h[0] != FRAME_STDERR) || f->left > FRAME_PAYLOAD_MAX)
		return -EBADMSG;
	f->is_stderr = h[0] == FRAME_STDERR;
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

static ssize_t frames_take_payload(struct frames *f, const uint8_t *data, size_t len)
{
	size_t n = f->left < len ? f->left : len;
	int r;

	frames_count(f, data, n);
	f->left -= n;
	if (!f->left)
		f->state = FRAMES_HEAD_STATE;
	r = f->printed(f->is_stderr, data, n, f->arg);
	return r < 0 ? r : (ssize_t)n;
}

static bool frames_is_number(const cJSON *n, double value)
{
	return cJSON_IsNumber(n) && n->valuedouble == value;
}

static int frames_read_end(struct frames *f)
{
	cJSON *end = cJSON_ParseWithLength(f->json.data, f->json.len);
	const cJSON *code = cJSON_GetObjectItemCaseSensitive(end, "exit_code");
	const cJSON *signal = cJSON_GetObjectItemCaseSensitive(end, "signal");
	bool good = cJSON_IsNumber(code) &&
		    frames_is_number(cJSON_GetObjectItemCaseSensitive(end, "length"), (double)f->length) &&
		    frames_is_number(cJSON_GetObjectItemCaseSensitive(end, "crc32"), (double)f->crc);

	if (good)
		f->end = (struct frames_end){
			.exit_code = code->valueint,
			.signal = cJSON_IsNumber(signal) ? signal->valueint : 0,
			.timed_out = cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(end, "timed_out")),
			.stdin_bytes = query_byte_count(cJSON_GetObjectItemCaseSensitive(end, "stdin_bytes"))};
	cJSON_Delete(end);
	return good ? 0 : -EBADMSG;
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
