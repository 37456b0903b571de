/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Sends the agent's messages in any order. In the input, a message begins with a byte that selects its type, a byte
 * with its number, and two bytes with the length of its payload. Checks that the channel reports its end once, and no
 * event after it.
 */
#include "session/channel.h"
#include "session/message.h"

#include "fuzz.h"

static int closed;

static void channel_zero(void *out, size_t len)
{
	memset(out, 0x5a, len);
}

static int64_t channel_wall(void)
{
	return 1700000000000;
}

static void channel_note(const void *frame, size_t len, void *arg)
{
	struct message m;

	(void)arg;
	fuzz_require(message_parse(frame, len, &m) == 0);
}

static void channel_ready(void *arg)
{
	(void)arg;
	fuzz_require(!closed);
}

static void channel_output(bool is_stderr, const void *data, size_t len, void *arg)
{
	(void)is_stderr, (void)data, (void)len, (void)arg;
	fuzz_require(!closed);
}

static void channel_key(const char *id, void *arg)
{
	(void)id, (void)arg;
	fuzz_require(!closed);
}

static void channel_closed(const char *why, void *arg)
{
	(void)arg;
	fuzz_require(why && !closed++);
}

static const struct channel_environment environment = {channel_zero, channel_wall};
static const struct channel_events events = {.send = channel_note,
					     .ready = channel_ready,
					     .output = channel_output,
					     .need_key = channel_key,
					     .closed = channel_closed};

/* Returns the number of bytes of the input that belong to the message. */
static size_t channel_take(struct channel *c, const uint8_t *data, size_t len, int64_t now_ms)
{
	static const char *const types[] = {MESSAGE_OUTPUT, MESSAGE_ACKNOWLEDGE, MESSAGE_CLOSED, MESSAGE_START,
					    MESSAGE_PAUSE};
	size_t n = (size_t)(data[2] << 8 | data[3]), left = len - 4;
	struct message m = {
		.sequence = data[1], .payload_type = data[0] & 15, .payload = data + 4, .len = n < left ? n : left};
	struct buf frame = BUF_INIT(MESSAGE_MAX);
	static const uint8_t key[64];

	snprintf(m.type, sizeof(m.type), "%s", types[(data[0] >> 4) % 5]);
	fuzz_require(message_encode(&m, &frame) == 0);
	channel_receive(c, frame.data, frame.len, now_ms);
	buf_free(&frame);
	if (data[0] & 0x80)
		channel_give_key(c, key, "a2V5", now_ms);
	channel_tick(c, now_ms);
	channel_write(c, "x\n", 2, now_ms);
	return 4 + m.len;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct channel *c = channel_new(&environment, &events, NULL);
	int64_t now_ms = 1;

	fuzz_require(c);
	closed = 0;
	channel_connected(c, now_ms);
	channel_receive(c, data, len, now_ms);
	while (len >= 4 && !closed) {
		size_t n = channel_take(c, data, len, now_ms += 10);

		data += n;
		len -= n;
	}
	channel_free(c);
	return 0;
}
