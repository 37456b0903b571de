/* SPDX-License-Identifier: BSD-3-Clause */
#include "stream.h"

#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>

#include "clock.h"
#include "frames.h"
#include "runtime_api.h"

/* The tests compile a variant with a shorter interval. */
#ifndef STREAM_LIFE_SIGN_MS
#define STREAM_LIFE_SIGN_MS FRAME_LIFE_SIGN_MS
#endif

_Static_assert(FRAME_HEAD_LEN + FRAME_PAYLOAD_MAX <= HTTP_PIECE_MAX, "a frame is a piece");

static int stream_send_deflated(void *context, const void *data, size_t len);

void stream_init(struct reply_stream *stream, struct http *api, const char *id, int64_t until, bool may_deflate)
{
	*stream = (struct reply_stream){.api = api, .id = id, .until = until};
	stream->is_deflated = may_deflate && deflater_init(&stream->deflater, stream_send_deflated, stream) == 0;
}

void stream_free(struct reply_stream *stream)
{
	if (stream->is_deflated)
		deflater_free(&stream->deflater);
}

static int stream_send(struct reply_stream *stream, const void *head, size_t head_len, const void *data, size_t len)
{
	stream->crc = (uint32_t)crc32(crc32(stream->crc, head, (uInt)head_len), data, (uInt)len);
	stream->length += head_len + len;
	stream->spoke_at = clock_now_ms();
	return http_stream_write(stream->api, head, head_len, data, len);
}

/* Records that the error came from the connection to Lambda. */
static int stream_check(struct reply_stream *stream, int err)
{
	if (err < 0 && !stream->error)
		stream->error = err;
	return err;
}

static int stream_begin(struct reply_stream *stream)
{
	int err;

	if (stream->begun)
		return 0;
	stream->begun = true;
	err = runtime_api_stream_begin(stream->api, stream->id, stream->until);
	if (err == 0)
		err = stream_send(stream, FRAMES_PREAMBLE, FRAMES_PREAMBLE_LEN, "", 0);
	return stream_check(stream, err);
}

static int stream_frame(struct reply_stream *stream, char type, const void *data, size_t len)
{
	const uint8_t head[FRAME_HEAD_LEN] = {(uint8_t)type, (uint8_t)(len >> 24), (uint8_t)(len >> 16),
					      (uint8_t)(len >> 8), (uint8_t)len};
	int err = stream_begin(stream);

	return err < 0 ? err : stream_check(stream, stream_send(stream, head, sizeof(head), data, len));
}

static int stream_send_deflated(void *context, const void *data, size_t len)
{
	return stream_frame(context, FRAME_DEFLATED, data, len);
}

static int stream_flush(struct reply_stream *stream)
{
	return stream->is_deflated && stream->deflater.is_holding ? deflater_flush(&stream->deflater) : 0;
}

/* The time at which a frame is due even if the command prints nothing. */
static int64_t stream_next_time(const struct reply_stream *stream)
{
	int64_t flush = stream->held_since + FRAME_FLUSH_MS, life_sign = stream->spoke_at + STREAM_LIFE_SIGN_MS;

	return stream->is_deflated && stream->deflater.is_holding && flush < life_sign ? flush : life_sign;
}

int stream_wait(void *context, struct command_wait *ret_wait)
{
	struct reply_stream *stream = context;
	int err = stream_begin(stream);

	if (err < 0)
		return err;
	ret_wait->fd = stream->api->fd;
	ret_wait->events = http_stream_events(stream->api);
	ret_wait->full = ret_wait->events & POLLOUT;
	ret_wait->at = ret_wait->full ? INT64_MAX : stream_next_time(stream);
	stream->deflater.peer_is_slow |= ret_wait->full;
	return 0;
}

int stream_work(void *context, short ready)
{
	struct reply_stream *stream = context;
	int err = stream_check(stream, http_stream_work(stream->api, ready));
	bool waiting = http_stream_events(stream->api) & POLLOUT;

	if (err < 0 || waiting || clock_now_ms() < stream_next_time(stream))
		return err;
	if (stream->is_deflated && stream->deflater.is_holding)
		return stream_flush(stream);
	return stream_frame(stream, FRAME_STDERR, "", 0);
}

static int stream_bytes(struct reply_stream *stream, char type, const char *data, size_t len)
{
	int err = 0;

	while (len > 0 && err == 0) {
		size_t n = len < FRAME_PAYLOAD_MAX ? len : FRAME_PAYLOAD_MAX;

		err = stream_frame(stream, type, data, n);
		data += n;
		len -= n;
	}
	return err;
}

static int stream_stdout(struct reply_stream *stream, const char *data, size_t len)
{
	if (!stream->is_deflated)
		return stream_bytes(stream, FRAME_STDOUT, data, len);
	if (!stream->deflater.is_holding)
		stream->held_since = clock_now_ms();
	return deflater_add(&stream->deflater, data, len);
}

static int stream_stderr(struct reply_stream *stream, const char *data, size_t len)
{
	static const char cut[] =
		"\nvast-lambda-runtime: stderr is longer than 16 MiB; the rest of it is only in the log\n";
	uint64_t left;
	int err;

	if (stream->err_len > FRAMES_STDERR_MAX)
		return 0;
	left = FRAMES_STDERR_MAX - stream->err_len;
	stream->err_len += len <= left ? len : left + 1;
	err = stream_bytes(stream, FRAME_STDERR, data, len <= left ? len : (size_t)left);
	return err < 0 || len <= left ? err : stream_bytes(stream, FRAME_STDERR, cut, strlen(cut));
}

int stream_output(void *context, enum command_stream from, const char *data, size_t len)
{
	struct reply_stream *stream = context;

	int err;

	if (from == COMMAND_STDOUT)
		return stream_stdout(stream, data, len);
	err = stream_flush(stream);
	if (err < 0)
		return err;
	return from == COMMAND_STDERR ? stream_stderr(stream, data, len)
				      : stream_bytes(stream, FRAME_STDERR, data, len);
}

/* Ends the deflate stream, if there is one, and describes the uncompressed bytes in `text`. */
static int stream_end_stdout(struct reply_stream *stream, char *text, size_t size)
{
	const struct deflater *deflater = &stream->deflater;

	if (!stream->is_deflated || deflater->length == 0)
		return 0;
	snprintf(text, size, "\"stdout_length\":%" PRIu64 ",\"stdout_crc32\":%" PRIu32 ",", deflater->length,
		 deflater->crc);
	return deflater_end(&stream->deflater);
}

int stream_end(struct reply_stream *stream, const struct command_end *end)
{
	char text[COMMAND_END_TEXT_MAX + 160], ended[COMMAND_END_TEXT_MAX], deflated[80] = "";
	int len, err;

	err = stream_begin(stream);
	if (err == 0)
		err = stream_end_stdout(stream, deflated, sizeof(deflated));
	command_end_text(end, ended);
	len = snprintf(text, sizeof(text), "{%s%s\"length\":%" PRIu64 ",\"crc32\":%" PRIu32 "}", ended, deflated,
		       stream->length, stream->crc);
	if (err == 0)
		err = stream_frame(stream, FRAME_END, text, (size_t)len);
	return err < 0 ? stream_give_up(stream) : runtime_api_stream_end(stream->api, stream->id);
}

int stream_fail(struct reply_stream *stream, const char *type, const char *message)
{
	if (stream_flush(stream) < 0)
		return stream_give_up(stream);
	return runtime_api_stream_fail(stream->api, stream->id, type, message);
}

int stream_give_up(struct reply_stream *stream)
{
	return runtime_api_stream_abandon(stream->api, stream->id, stream->error);
}
