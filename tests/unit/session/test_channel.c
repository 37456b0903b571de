/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Tests the channel against an agent that is written here from the description of the protocol, over a connection that
 * loses, duplicates and reorders messages.
 */
#include "session/channel.h"
#include "session/crypt.h"
#include "session/message.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define FRAMES_MOST 4096

struct frame {
	char *data;
	size_t len;
};

/* What the channel has sent and reported. */
struct side {
	struct channel *channel;
	struct frame sent[FRAMES_MOST];
	size_t n;
	struct buf output, errors;
	int ready, closed;
	char why[256], key_id[256];
	int64_t now;
};

static unsigned seed = 1;

static void chance(void *out, size_t len)
{
	for (size_t i = 0; i < len; i++)
		((uint8_t *)out)[i] = (uint8_t)rand_r(&seed);
}

static int64_t wall(void)
{
	return 1700000000000;
}

static void on_send(const void *frame, size_t len, void *arg)
{
	struct side *s = arg;

	assert_true(s->n < FRAMES_MOST);
	s->sent[s->n].data = malloc(len);
	memcpy(s->sent[s->n].data, frame, len);
	s->sent[s->n++].len = len;
}

static void on_ready(void *arg)
{
	((struct side *)arg)->ready++;
}

static void on_output(bool is_stderr, const void *data, size_t len, void *arg)
{
	struct side *s = arg;

	buf_append(is_stderr ? &s->errors : &s->output, data, len);
}

static void on_key(const char *id, void *arg)
{
	snprintf(((struct side *)arg)->key_id, 256, "%s", id);
}

static void on_closed(const char *why, void *arg)
{
	struct side *s = arg;

	s->closed++;
	snprintf(s->why, sizeof(s->why), "%s", why);
}

static int setup(void **state)
{
	static const struct channel_environment env = {chance, wall};
	static const struct channel_events events = {on_send, on_ready, on_output, on_key, on_closed};
	struct side *s = calloc(1, sizeof(*s));

	buf_init(&s->output, 64 << 20);
	buf_init(&s->errors, 64 << 20);
	s->channel = channel_new(&env, &events, s);
	channel_connected(s->channel, 0);
	*state = s;
	return 0;
}

static void forget_sent(struct side *s)
{
	while (s->n)
		free(s->sent[--s->n].data);
}

static int teardown(void **state)
{
	struct side *s = *state;

	channel_free(s->channel);
	forget_sent(s);
	buf_free(&s->output);
	buf_free(&s->errors);
	free(s);
	return 0;
}

static struct message sent(const struct side *s, size_t i)
{
	struct message m;

	assert_true(i < s->n);
	assert_int_equal(message_parse(s->sent[i].data, s->sent[i].len, &m), 0);
	return m;
}

static int receive(struct side *s, const char *type, int64_t sequence, uint32_t payload_type, const void *data,
		   size_t len)
{
	_buf_ struct buf frame = BUF_INIT(MESSAGE_MAX);
	struct message m = {
		.created_ms = 1, .sequence = sequence, .payload_type = payload_type, .payload = data, .len = len};

	snprintf(m.type, sizeof(m.type), "%s", type);
	assert_int_equal(message_encode(&m, &frame), 0);
	return channel_receive(s->channel, frame.data, frame.len, s->now);
}

static int agent_says(struct side *s, int64_t sequence, uint32_t type, const char *text)
{
	return receive(s, MESSAGE_OUTPUT, sequence, type, text, strlen(text));
}

static void acknowledge(struct side *s, int64_t sequence)
{
	char text[200];

	snprintf(text, sizeof(text), "{\"AcknowledgedMessageSequenceNumber\":%lld}", (long long)sequence);
	assert_int_equal(receive(s, MESSAGE_ACKNOWLEDGE, 0, 0, text, strlen(text)), 0);
}

static const char plain_request[] =
	"{\"AgentVersion\":\"3.1\",\"RequestedClientActions\":[{\"ActionType\":\"SessionType\",\"ActionParameters\":"
	"{\"SessionType\":\"InteractiveCommands\"}},{\"ActionType\":\"Dance\",\"ActionParameters\":{}}]}";

static void shake_hands(struct side *s)
{
	agent_says(s, 0, PAYLOAD_HANDSHAKE_REQUEST, plain_request);
	acknowledge(s, 0);
	agent_says(s, 1, PAYLOAD_HANDSHAKE_COMPLETE, "{\"HandshakeTimeToComplete\":1,\"CustomerMessage\":\"\"}");
	forget_sent(s);
}

/* -- the handshake --------------------------------------------------------------------------------------------- */

static void test_greeting(void **state)
{
	struct side *s = *state;
	_buf_ struct buf text = BUF_INIT(4096);
	cJSON *json;

	assert_int_equal(channel_greeting(s->channel, "to\"ken", &text), 0);
	json = cJSON_Parse(text.data);
	assert_string_equal(cJSON_GetObjectItem(json, "MessageSchemaVersion")->valuestring, "1.0");
	assert_string_equal(cJSON_GetObjectItem(json, "TokenValue")->valuestring, "to\"ken");
	assert_int_equal(strlen(cJSON_GetObjectItem(json, "ClientId")->valuestring), 36);
	cJSON_Delete(json);
}

static void test_every_action_is_answered(void **state)
{
	struct side *s = *state;
	struct message m;
	cJSON *json, *actions;

	assert_int_equal(agent_says(s, 0, PAYLOAD_HANDSHAKE_REQUEST, plain_request), 0);
	assert_int_equal(s->n, 2);
	m = sent(s, 0);
	assert_int_equal(m.payload_type, PAYLOAD_HANDSHAKE_RESPONSE);
	json = cJSON_ParseWithLength(m.payload, m.len);
	actions = cJSON_GetObjectItem(json, "ProcessedClientActions");
	assert_int_equal(cJSON_GetArraySize(actions), 2);
	assert_int_equal(cJSON_GetObjectItem(cJSON_GetArrayItem(actions, 0), "ActionStatus")->valueint, 1);
	assert_int_equal(cJSON_GetObjectItem(cJSON_GetArrayItem(actions, 1), "ActionStatus")->valueint, 3);
	cJSON_Delete(json);
	m = sent(s, 1);
	assert_true(message_is(&m, MESSAGE_ACKNOWLEDGE));
	assert_int_equal(s->ready, 0);
	agent_says(s, 1, PAYLOAD_HANDSHAKE_COMPLETE, "{}");
	assert_int_equal(s->ready, 1);
}

static void test_the_size_is_sent_when_it_may_be(void **state)
{
	struct side *s = *state;
	struct message m;

	channel_resize(s->channel, 1, 1, 0);
	channel_resize(s->channel, 500, 300, 0);
	assert_int_equal(s->n, 0);
	agent_says(s, 0, PAYLOAD_HANDSHAKE_REQUEST, plain_request);
	agent_says(s, 1, PAYLOAD_HANDSHAKE_COMPLETE, "{}");
	m = sent(s, s->n - 2);
	assert_int_equal(m.payload_type, PAYLOAD_SIZE);
	assert_memory_equal(m.payload, "{\"cols\":500,\"rows\":300}", m.len);
}

static void test_an_old_agent_does_without_a_handshake(void **state)
{
	struct side *s = *state;

	assert_int_equal(channel_write(s->channel, "x", 1, 0), 0);
	agent_says(s, 0, PAYLOAD_OUTPUT, "# ");
	assert_int_equal(s->ready, 1);
	assert_string_equal(s->output.data, "# ");
	assert_int_equal(channel_write(s->channel, "x", 1, 0), 1);
}

static void test_a_handshake_that_makes_no_sense_ends_it(void **state)
{
	struct side *s = *state;

	agent_says(s, 0, PAYLOAD_HANDSHAKE_REQUEST, "<html>");
	assert_int_equal(s->closed, 1);
	assert_true(strstr(s->why, "handshake") != NULL);
}

/* -- order, loss, repetition ----------------------------------------------------------------------------------- */

static void test_order_and_doubles(void **state)
{
	struct side *s = *state;

	shake_hands(s);
	agent_says(s, 4, PAYLOAD_OUTPUT, "c");
	agent_says(s, 3, PAYLOAD_STDERR, "b");
	agent_says(s, 4, PAYLOAD_OUTPUT, "c");
	assert_int_equal(s->output.len + s->errors.len, 0);
	agent_says(s, 2, PAYLOAD_OUTPUT, "a");
	agent_says(s, 2, PAYLOAD_OUTPUT, "a");
	assert_string_equal(s->output.data, "ac");
	assert_string_equal(s->errors.data, "b");
	assert_int_equal(s->n, 5); /* each is acknowledged, duplicates too, or the agent would repeat them forever */
}

static void test_what_is_too_far_ahead_must_come_again(void **state)
{
	struct side *s = *state;

	shake_hands(s);
	for (int i = 0; i < 2000; i++)
		agent_says(s, 3 + i, PAYLOAD_OUTPUT, "x");
	assert_int_equal(s->n, 1000);
	agent_says(s, 2, PAYLOAD_OUTPUT, "x");
	assert_int_equal(s->output.len, 1001);
}

static void test_a_damaged_message_is_left_out(void **state)
{
	struct side *s = *state;
	_buf_ struct buf frame = BUF_INIT(MESSAGE_MAX);
	struct message m = {
		.type = MESSAGE_OUTPUT, .created_ms = 1, .sequence = 2, .payload_type = 1, .payload = "a", .len = 1};

	shake_hands(s);
	message_encode(&m, &frame);
	frame.data[120] = 'b';
	assert_int_equal(channel_receive(s->channel, frame.data, frame.len, 0), -EBADMSG);
	assert_int_equal(s->n, 0);
	agent_says(s, 2, PAYLOAD_OUTPUT, "a");
	assert_string_equal(s->output.data, "a");
}

static void test_sent_again_until_acknowledged(void **state)
{
	struct side *s = *state;
	int64_t next;

	shake_hands(s);
	s->now = 1000;
	assert_int_equal(channel_write(s->channel, "ls\n", 3, s->now), 3);
	next = channel_tick(s->channel, s->now);
	assert_true(next > s->now && next <= s->now + 1000);
	assert_int_equal(s->n, 1);
	for (int i = 2; i < 12; i++) {
		s->now = next;
		next = channel_tick(s->channel, s->now);
		assert_int_equal(s->n, i);
		assert_true(next > s->now && next <= s->now + 1000);
	}
	acknowledge(s, 1);
	assert_true(channel_tick(s->channel, s->now) == INT64_MAX);
}

static void test_never_acknowledged_ends_it(void **state)
{
	struct side *s = *state;

	shake_hands(s);
	channel_write(s->channel, "x", 1, 0);
	while (!s->closed && s->now < 10 * 60 * 1000) {
		s->now = channel_tick(s->channel, s->now);
		forget_sent(s);
	}
	assert_int_equal(s->closed, 1);
	assert_true(strstr(s->why, "5 minutes") != NULL);
}

static void test_paused_nothing_is_sent(void **state)
{
	struct side *s = *state;

	shake_hands(s);
	receive(s, MESSAGE_PAUSE, 0, 0, "", 0);
	assert_int_equal(channel_write(s->channel, "x", 1, 0), 1);
	channel_tick(s->channel, 5000);
	assert_int_equal(s->n, 0);
	receive(s, MESSAGE_START, 0, 0, "", 0);
	assert_int_equal(s->n, 1);
}

static void test_only_so_much_is_under_way(void **state)
{
	struct side *s = *state;
	static char much[1 << 20];

	shake_hands(s);
	assert_int_equal(channel_write(s->channel, much, sizeof(much), 0), 256 * 1024);
	assert_false(channel_is_writable(s->channel));
	assert_int_equal(channel_write(s->channel, much, 1, 0), 0);
	acknowledge(s, 1);
	assert_int_equal(channel_write(s->channel, much, 5000, 0), 1024);
}

static void test_a_new_connection_sends_what_is_missing(void **state)
{
	struct side *s = *state;

	shake_hands(s);
	channel_write(s->channel, "a", 1, 0);
	channel_write(s->channel, "b", 1, 0);
	acknowledge(s, 1);
	channel_disconnected(s->channel);
	forget_sent(s);
	channel_write(s->channel, "c", 1, 0);
	assert_int_equal(s->n, 0);
	channel_connected(s->channel, 100);
	assert_int_equal(s->n, 2);
	assert_memory_equal(sent(s, 0).payload, "b", 1);
	assert_memory_equal(sent(s, 1).payload, "c", 1);
}

/* -- the end --------------------------------------------------------------------------------------------------- */

static void test_closed_says_why_once(void **state)
{
	struct side *s = *state;
	static const char text[] = "{\"SessionId\":\"s\",\"Output\":\"Your session timed out due to inactivity\"}";

	shake_hands(s);
	receive(s, MESSAGE_CLOSED, 0, 0, text, strlen(text));
	receive(s, MESSAGE_CLOSED, 0, 0, text, strlen(text));
	agent_says(s, 2, PAYLOAD_OUTPUT, "late");
	assert_int_equal(s->closed, 1);
	assert_string_equal(s->why, "Your session timed out due to inactivity");
	assert_int_equal(s->output.len, 0);
}

static void test_an_exit_code_is_no_output(void **state)
{
	struct side *s = *state;

	shake_hands(s);
	agent_says(s, 2, PAYLOAD_EXIT_CODE, "EXIT_CODE: 43");
	agent_says(s, 3, PAYLOAD_OUTPUT, "a");
	assert_string_equal(s->output.data, "a");
	assert_int_equal(s->n, 2); /* acknowledgements */
}

/* -- encryption ------------------------------------------------------------------------------------------------ */

static const char secret_request[] = "{\"RequestedClientActions\":[{\"ActionType\":\"KMSEncryption\","
				     "\"ActionParameters\":{\"KMSKeyId\":\"arn:key\"}}]}";

static void test_encrypted_both_ways(void **state)
{
	struct side *s = *state;
	_buf_ struct buf sealed = BUF_INIT(1000), plain = BUF_INIT(1000);
	uint8_t key[64], swapped[64];
	struct crypt agent;
	struct message m;

	chance(key, sizeof(key));
	memcpy(swapped, key + 32, 32);
	memcpy(swapped + 32, key, 32);
	crypt_set(&agent, swapped);
	agent_says(s, 0, PAYLOAD_HANDSHAKE_REQUEST, secret_request);
	assert_string_equal(s->key_id, "arn:key");
	channel_give_key(s->channel, key, "YWJj", 0);
	agent_says(s, 1, PAYLOAD_HANDSHAKE_COMPLETE, "{}");
	crypt_seal(&agent, (const uint8_t *)"abcdefghijkl", "hello", 5, &sealed);
	receive(s, MESSAGE_OUTPUT, 2, PAYLOAD_OUTPUT, sealed.data, sealed.len);
	assert_string_equal(s->output.data, "hello");
	forget_sent(s);
	channel_write(s->channel, "secret", 6, 0);
	m = sent(s, 0);
	assert_int_equal(crypt_open(&agent, m.payload, m.len, &plain), 0);
	assert_string_equal(plain.data, "secret");
}

static void test_what_is_not_sealed_with_the_key_ends_it(void **state)
{
	struct side *s = *state;
	uint8_t key[64] = {0};

	agent_says(s, 0, PAYLOAD_HANDSHAKE_REQUEST, secret_request);
	channel_give_key(s->channel, key, "YWJj", 0);
	agent_says(s, 1, PAYLOAD_OUTPUT, "in the clear, and long enough for nonce and tag");
	assert_int_equal(s->closed, 1);
	assert_int_equal(s->output.len, 0);
}

static void test_a_key_that_is_refused(void **state)
{
	struct side *s = *state;

	agent_says(s, 0, PAYLOAD_HANDSHAKE_REQUEST, secret_request);
	channel_refuse_key(s->channel, "kms:GenerateDataKey is not allowed", 0);
	assert_string_equal(s->why, "kms:GenerateDataKey is not allowed");
}

/* -- an unreliable connection ---------------------------------------------------------------------------------- */

#define LINE_MESSAGES 10000

/*
 * The agent sends numbered bytes, up to 100 at a time, and repeats the unacknowledged ones over an unreliable
 * connection.
 */
static void test_a_line_that_loses_doubles_and_reorders(void **state)
{
	struct side *s = *state;
	static bool acked[LINE_MESSAGES];
	int first = 0, rounds = 0;

	shake_hands(s);
	memset(acked, 0, sizeof(acked));
	while (first < LINE_MESSAGES) {
		for (int k = 0; k < 100; k++) {
			int i = first + rand_r(&seed) % 100;
			char byte = (char)i;

			if (i < LINE_MESSAGES && rand_r(&seed) % 5)
				receive(s, MESSAGE_OUTPUT, 2 + i, PAYLOAD_OUTPUT, &byte, 1);
		}
		for (size_t k = 0; k < s->n; k++) {
			struct message m = sent(s, k);
			cJSON *json = cJSON_ParseWithLength(m.payload, m.len);
			int i = cJSON_GetObjectItem(json, "AcknowledgedMessageSequenceNumber")->valueint - 2;

			if (rand_r(&seed) % 5)
				acked[i] = true;
			cJSON_Delete(json);
		}
		forget_sent(s);
		while (first < LINE_MESSAGES && acked[first])
			first++;
		assert_true(++rounds < 100000);
	}
	assert_int_equal(s->output.len, LINE_MESSAGES);
	for (int i = 0; i < LINE_MESSAGES; i++)
		assert_int_equal(s->output.data[i], (char)i);
}

/* The input arrives complete and in order, although the connection loses frames and acknowledgements. */
static void test_input_over_a_bad_line(void **state)
{
	struct side *s = *state;
	static char text[300000], arrived[300000];
	size_t written = 0, got = 0;
	int64_t expected = 1;

	shake_hands(s);
	chance(text, sizeof(text));
	for (int rounds = 0; got < sizeof(text); rounds++) {
		assert_true(rounds < 100000);
		written += channel_write(s->channel, text + written, sizeof(text) - written, s->now);
		for (size_t k = 0; k < s->n; k++) {
			struct message m = sent(s, k);

			if (rand_r(&seed) % 3 == 0 || m.sequence > expected)
				continue;
			if (m.sequence == expected) {
				memcpy(arrived + got, m.payload, m.len);
				got += m.len;
				expected++;
			}
			if (rand_r(&seed) % 3)
				acknowledge(s, m.sequence);
		}
		forget_sent(s);
		s->now += 50;
		channel_tick(s->channel, s->now);
		if (rounds % 50 == 49) {
			channel_disconnected(s->channel);
			channel_connected(s->channel, s->now);
		}
	}
	assert_memory_equal(arrived, text, sizeof(text));
	assert_int_equal(s->closed, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_greeting),
		TEST(test_every_action_is_answered),
		TEST(test_the_size_is_sent_when_it_may_be),
		TEST(test_an_old_agent_does_without_a_handshake),
		TEST(test_a_handshake_that_makes_no_sense_ends_it),
		TEST(test_order_and_doubles),
		TEST(test_what_is_too_far_ahead_must_come_again),
		TEST(test_a_damaged_message_is_left_out),
		TEST(test_sent_again_until_acknowledged),
		TEST(test_never_acknowledged_ends_it),
		TEST(test_paused_nothing_is_sent),
		TEST(test_only_so_much_is_under_way),
		TEST(test_a_new_connection_sends_what_is_missing),
		TEST(test_closed_says_why_once),
		TEST(test_an_exit_code_is_no_output),
		TEST(test_encrypted_both_ways),
		TEST(test_what_is_not_sealed_with_the_key_ends_it),
		TEST(test_a_key_that_is_refused),
		TEST(test_a_line_that_loses_doubles_and_reorders),
		TEST(test_input_over_a_bad_line),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
