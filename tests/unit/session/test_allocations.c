/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Tests an encrypted session whose allocations fail one after the other: nothing is lost or reported falsely, because
 * the agent sends a message again that was not acknowledged.
 */
#include "failing.h"
#include "session/channel.h"
#include "session/crypt.h"
#include "session/handshake.h"
#include "session/message.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const uint8_t key[CRYPT_KEY_SIZE] = "the first half decrypts what the agent sends; the other encrypts";
static const uint8_t nonce[CRYPT_NONCE_SIZE] = "twelve bytes";

struct side {
	struct channel *channel;
	char output[64], why[256], key_id[64];
	bool is_acknowledged, has_answered;
	int closed;
};

static void side_random(void *out, size_t len)
{
	memset(out, 7, len);
}

static int64_t side_wall_ms(void)
{
	return 1700000000000;
}

static void side_send(const void *frame, size_t len, void *arg)
{
	struct side *s = arg;
	const uint8_t *bytes = frame; /* message_parse() would allocate */

	assert_true(len >= 120);
	if (memcmp(bytes + 4, MESSAGE_ACKNOWLEDGE, strlen(MESSAGE_ACKNOWLEDGE)) == 0)
		s->is_acknowledged = true;
	else if (bytes[115] == PAYLOAD_CHALLENGE_RESPONSE)
		s->has_answered = true;
}

static void side_ready(void *arg _unused_)
{
}

static void side_output(bool is_stderr _unused_, const void *data, size_t len, void *arg)
{
	strncat(((struct side *)arg)->output, data, len);
}

static void side_need_key(const char *id, void *arg)
{
	snprintf(((struct side *)arg)->key_id, 64, "%s", id);
}

static void side_closed(const char *why, void *arg)
{
	struct side *s = arg;

	s->closed++;
	snprintf(s->why, sizeof(s->why), "%s", why);
}

/* The agent repeats a message until it is acknowledged. */
static void agent_says(struct side *s, int64_t sequence, enum payload_type type, const void *data, size_t len)
{
	_buf_ struct buf frame = BUF_INIT(MESSAGE_MAX);
	struct message m = {.type = MESSAGE_OUTPUT,
			    .created_ms = 1,
			    .sequence = sequence,
			    .payload_type = type,
			    .payload = data,
			    .len = len};

	if (message_encode(&m, &frame) < 0)
		assert_int_equal(message_encode(&m, &frame), 0);
	s->is_acknowledged = false;
	for (int tries = 0; !s->is_acknowledged && !s->closed; tries++) {
		int r = channel_receive(s->channel, frame.data, frame.len, 0);

		assert_in_range(tries, 0, 2);
		assert_true(r == 0 || (r == -ENOMEM && failing_happened()));
	}
}

/* Seals as the agent does: its halves of the key are exchanged. */
static void agent_seals(const char *text, struct buf *out)
{
	struct crypt agent;
	uint8_t swapped[CRYPT_KEY_SIZE];

	memcpy(swapped, key + 32, 32);
	memcpy(swapped + 32, key, 32);
	crypt_set(&agent, swapped);
	if (crypt_seal(&agent, nonce, text, strlen(text), out) < 0) {
		buf_clear(out);
		assert_int_equal(crypt_seal(&agent, nonce, text, strlen(text), out), 0);
	}
}

static void agent_challenges(struct side *s)
{
	_buf_ struct buf sealed = BUF_INIT(1000);
	char text[200], coded[160];

	agent_seals("the same text, please", &sealed);
	EVP_EncodeBlock((unsigned char *)coded, (const unsigned char *)sealed.data, (int)sealed.len);
	snprintf(text, sizeof(text), "{\"Challenge\":\"%s\"}", coded);
	agent_says(s, 1, PAYLOAD_CHALLENGE_REQUEST, text, strlen(text));
}

static void agent_prints(struct side *s, int64_t sequence, const char *text)
{
	_buf_ struct buf sealed = BUF_INIT(1000);

	agent_seals(text, &sealed);
	agent_says(s, sequence, PAYLOAD_OUTPUT, sealed.data, sealed.len);
}

static void agent_talks(struct side *s)
{
	static const char request[] = "{\"RequestedClientActions\":[{\"ActionType\":\"KMSEncryption\","
				      "\"ActionParameters\":{\"KMSKeyId\":\"arn:key\"}}]}";

	agent_says(s, 0, PAYLOAD_HANDSHAKE_REQUEST, request, strlen(request));
	assert_string_equal(s->key_id, "arn:key");
	channel_give_key(s->channel, key, "YWJj", 0);
	if (s->closed)
		return;
	agent_challenges(s);
	assert_true(s->has_answered || s->closed);
	agent_says(s, 2, PAYLOAD_HANDSHAKE_COMPLETE, "{}", 2);
	agent_prints(s, 3, "hel");
	agent_prints(s, 4, "lo");
}

static void one_session(const void *arg _unused_)
{
	static const struct channel_environment environment = {side_random, side_wall_ms};
	static const struct channel_events events = {side_send, side_ready, side_output, side_need_key, side_closed};
	_buf_ struct buf greeting = BUF_INIT(1000);
	struct side s = {.channel = channel_new(&environment, &events, &s)};

	if (!s.channel) {
		assert_true(failing_happened());
		return;
	}
	if (channel_greeting(s.channel, "token", &greeting) < 0)
		assert_true(failing_happened());
	channel_connected(s.channel, 0);
	agent_talks(&s);
	if (s.closed) {
		assert_true(failing_happened());
		assert_string_equal(s.why, "out of memory"); /* not: that the keys differ */
	} else {
		assert_string_equal(s.output, "hello");
		while (channel_write(s.channel, "x", 1, 0) == 0)
			assert_true(failing_happened());
		channel_terminate(s.channel, 0);
	}
	channel_free(s.channel);
	ERR_clear_error();
}

static void test_a_session_without_memory(void **state _unused_)
{
	assert_in_range(failing_each(one_session, NULL), 50, 5000);
}

/* A message that arrives early is stored, or must be sent again. */
static void one_early_message(const void *arg _unused_)
{
	static const struct channel_environment environment = {side_random, side_wall_ms};
	static const struct channel_events events = {side_send, side_ready, side_output, side_need_key, side_closed};
	struct side s = {.channel = channel_new(&environment, &events, &s)};

	if (!s.channel)
		return;
	channel_connected(s.channel, 0);
	agent_says(&s, 1, PAYLOAD_OUTPUT, "b", 1);
	agent_says(&s, 0, PAYLOAD_OUTPUT, "a", 1);
	assert_string_equal(s.output, "ab");
	channel_free(s.channel);
}

static void test_early_messages_without_memory(void **state _unused_)
{
	assert_in_range(failing_each(one_early_message, NULL), 5, 500);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_session_without_memory),
		cmocka_unit_test(test_early_messages_without_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
