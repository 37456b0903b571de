/* SPDX-License-Identifier: BSD-3-Clause */
/* Tests the life of a session: the waits, the repetitions and the ends. */
#include "failing.h"
#include "session/message.h"
#include "session/world.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* -- a session -------------------------------------------------------------------------------------------------- */

static struct {
	unsigned waiting, ready, writable, closed;
	char output[200];
	struct error why;
	struct session *session;
	const char *frees; /* the event in which the session is freed, NULL: none */
} user;

static void user_free_in(const char *event)
{
	if (user.frees && strcmp(user.frees, event) == 0)
		session_free(user.session);
}

static void user_waiting(const struct error *why _unused_, void *arg _unused_)
{
	user.waiting++;
	user_free_in("waiting");
}

static void user_ready(void *arg _unused_)
{
	user.ready++;
	user_free_in("ready");
}

static void user_output(const void *data, size_t len, void *arg _unused_)
{
	strncat(user.output, data, len);
	user_free_in("output");
}

static void user_writable(void *arg _unused_)
{
	user.writable++;
	user_free_in("writable");
}

static void user_closed(const struct error *why, void *arg _unused_)
{
	user.closed++;
	user.why = *why;
}

static int begin(void **state _unused_)
{
	static const struct session_events events = {user_waiting, user_ready, user_output, user_writable, user_closed};

	world_reset();
	memset(&user, 0, sizeof(user));
	user.session = session_start(NULL, &world_request, &events, NULL);
	assert_non_null(user.session);
	return 0;
}

/* Whatever happened, nothing of the session is left in the engine. */
static int end(void **state _unused_)
{
	if (!user.closed)
		session_free(user.session);
	assert_null(world_next_timer());
	assert_false(world.has_socket);
	return 0;
}

static void test_output_arrives_and_the_end_has_a_reason(void **state _unused_)
{
	agent_answers();
	assert_int_equal(user.ready, 1);
	agent_prints("hello");
	assert_string_equal(user.output, "hello");
	agent_closes("Session timed out");
	assert_int_equal(user.closed, 1);
	assert_int_equal(user.why.errnum, 0);
	assert_string_equal(user.why.message, "Session timed out");
	assert_int_equal(world.terminated, 0); /* the service has ended it */
}

static void test_the_agent_has_a_minute_to_start(void **state _unused_)
{
	world_wait(0);
	while (!user.closed) {
		assert_int_equal(user.waiting, world.asked - 1);
		agent_is_absent();
		world_wait(1000);
	}
	assert_in_range(world.asked, 59, 62);
	assert_non_null(strstr(user.why.message, "does not answer"));
	assert_non_null(strstr(user.why.remedy, "ssmmessages"));
}

static void test_an_agent_that_starts_late(void **state _unused_)
{
	world_wait(0);
	world_reply(NULL, 400, -EINVAL, "TargetNotConnectedException", "x");
	assert_int_equal(user.waiting, 1);
	world_wait(1000);
	agent_answers();
	assert_int_equal(user.ready, 1);
}

static void test_other_refusals_are_final(void **state _unused_)
{
	static const char *const codes[] = {"AccessDeniedException", "InvalidParameterException"};

	world_wait(0);
	world_reply(NULL, 400, -EACCES, codes[0], "not authorized");
	assert_int_equal(user.closed, 1);
	assert_int_equal(user.waiting, 0);
	assert_int_equal(user.why.errnum, -EACCES);
	begin(NULL);
	world_wait(0);
	world_reply(NULL, 400, -EINVAL, codes[1], "the task is not running");
	assert_int_equal(user.closed, 1);
	assert_int_equal(user.waiting, 0);
}

static void test_a_reply_without_a_url(void **state _unused_)
{
	world_wait(0);
	world_reply("{\"session\":{\"sessionId\":\"s-1\",\"streamUrl\":\"\",\"tokenValue\":\"t\"}}", 200, 0, "", "");
	assert_int_equal(user.why.errnum, -EPROTO);
	assert_int_equal(world.terminated, 1); /* otherwise the command would wait in the container */
}

static void test_a_lost_connection_is_resumed_with_growing_waits(void **state _unused_)
{
	unsigned resumed;

	agent_answers();
	world_lose_socket(-ECONNRESET);
	assert_int_equal(world.resumed, 0); /* not at once */
	world_wait(200);
	assert_int_equal(world.resumed, 1);
	world_reply(NULL, 503, -EIO, "", "unavailable");
	world_wait(399);
	assert_int_equal(world.resumed, 1);
	world_wait(1);
	assert_int_equal(world.resumed, 2);
	world_reply("{\"StreamUrl\":\"wss://y/\",\"TokenValue\":\"u\"}", 200, 0, "", "");
	world.socket.open(world.socket_arg);
	agent_prints("again");
	assert_string_equal(user.output, "again");
	resumed = world.resumed;
	/* After a message the waits are short again. */
	world_lose_socket(-ECONNRESET);
	world_wait(200);
	assert_int_equal(world.resumed, resumed + 1);
}

static void test_a_connection_that_stays_lost_ends_the_session(void **state _unused_)
{
	agent_answers();
	world_lose_socket(-ENETUNREACH);
	for (int tries = 0; !user.closed; tries++) {
		assert_in_range(tries, 0, 100);
		if (world.call.done)
			world_reply(NULL, 0, -ENETUNREACH, "", "no route");
		world_wait(5000);
	}
	assert_int_equal(user.why.errnum, -ENETUNREACH);
	assert_in_range(world.now_ms - 1000000, MINUTE_MS, 2 * MINUTE_MS);
	assert_in_range(world.resumed, 10, 20); /* 5 s apart at the end */
	assert_int_equal(world.terminated, 1);
}

static void test_a_session_that_has_ended_cannot_be_resumed(void **state _unused_)
{
	agent_answers();
	world_lose_socket(-ENOTCONN);
	world_wait(200);
	world_reply(NULL, 400, -EINVAL, "DoesNotExistException", "no such session");
	assert_int_equal(user.closed, 1);
	assert_non_null(strstr(user.why.message, "cannot be resumed"));
}

static void test_a_silent_session_is_kept_alive(void **state _unused_)
{
	unsigned before;

	agent_answers();
	before = world.terminal_sizes;
	for (int64_t sent = 0; sent < 5; sent++)
		agent_acknowledges(sent);
	for (int minutes = 0; minutes < 60; minutes++) {
		world_wait(MINUTE_MS);
		for (int64_t sent = 0; sent < 200; sent++)
			agent_acknowledges(sent);
	}
	assert_in_range(world.terminal_sizes - before, 14, 40); /* every 4 minutes, some of them twice */
	assert_int_equal(user.closed, 0);
}

static void test_an_agent_that_is_silent_for_minutes_is_lost(void **state _unused_)
{
	agent_answers();
	world_wait(10 * MINUTE_MS);
	assert_int_equal(user.closed, 1);
	assert_non_null(strstr(user.why.message, "has not answered"));
}

static void test_input_that_is_too_much_waits(void **state _unused_)
{
	static char text[400000];
	size_t n;

	assert_int_equal(session_write(user.session, "x", 1), 0); /* not ready */
	agent_answers();
	n = session_write(user.session, text, sizeof(text));
	assert_in_range(n, 100000, sizeof(text) - 1);
	agent_acknowledges(100000); /* of nothing */
	assert_in_range(user.writable, 0, 1);
	user.writable = 0;
	session_write(user.session, text, 1);
	agent_acknowledges(1);
	assert_int_equal(user.writable, 1);
	assert_int_equal(session_write(user.session, text, 1), 1);
}

static void test_a_pause_is_passed_on_and_survives(void **state _unused_)
{
	agent_answers();
	session_pause(user.session, true);
	session_pause(user.session, true);
	assert_true(world.is_paused);
	world.is_paused = false;
	world_lose_socket(-ECONNRESET);
	world_wait(200);
	world_reply("{\"StreamUrl\":\"wss://y/\",\"TokenValue\":\"u\"}", 200, 0, "", "");
	world.socket.open(world.socket_arg);
	assert_true(world.is_paused);
	session_pause(user.session, false);
	assert_false(world.is_paused);
}

static void test_terminating_ends_it_within_5_seconds(void **state _unused_)
{
	agent_answers();
	session_terminate(user.session);
	session_terminate(user.session);
	assert_int_equal(world.terminated, 1);
	world_wait(4999);
	assert_int_equal(user.closed, 0);
	world_wait(1);
	assert_int_equal(user.closed, 1);
	assert_int_equal(user.why.errnum, 0);
}

/* Nothing is started in the container for a caller who has given up. */
static void test_terminating_during_the_call(void **state _unused_)
{
	world_wait(0);
	session_terminate(user.session);
	world_reply("{\"session\":{\"sessionId\":\"s\",\"streamUrl\":\"wss://x/\",\"tokenValue\":\"t\"}}", 200, 0, "",
		    "");
	assert_false(world.has_socket);
	assert_int_equal(world.terminated, 1);
	world_wait(0);
	assert_int_equal(user.closed, 1);
}

static void test_terminating_before_there_is_a_session(void **state _unused_)
{
	session_terminate(user.session);
	world_wait(0);
	assert_int_equal(user.closed, 1);
	assert_int_equal(world.terminated, 0);
}

/* The reply to a call that is under way comes after the end. */
static void test_freeing_during_a_call(void **state _unused_)
{
	world_wait(0);
	session_free(user.session);
	assert_null(world.call.done);
	user.closed = 1;
}

/* An event may free the session; none follows, and nothing remains. */
static void test_freeing_in_an_event(void **state _unused_)
{
	static const char *const events[] = {"waiting", "ready", "output", "writable"};
	static char text[400000];

	for (size_t i = 0; i < ARRAY_SIZE(events); i++) {
		if (i)
			begin(NULL);
		user.frees = events[i];
		world_wait(0);
		if (i == 0) {
			agent_is_absent();
		} else {
			agent_answers();
			if (i > 1)
				agent_prints("hello");
			if (i > 2) {
				session_write(user.session, text, sizeof(text));
				agent_acknowledges(1);
			}
		}
		assert_int_equal(user.closed, 0);
		assert_null(world_next_timer());
	}
	user.closed = 1; /* for the end of the test */
}

static void test_no_memory_for_a_call_or_a_connection(void **state _unused_)
{
	static const char *const functions[] = {"aws_start", "websocket_start", "websocket_send"};

	for (size_t i = 0; i < ARRAY_SIZE(functions); i++) {
		if (i)
			begin(NULL);
		world.fails = functions[i];
		world_wait(0);
		if (i)
			world_reply(
				"{\"session\":{\"sessionId\":\"s\",\"streamUrl\":\"wss://x/\",\"tokenValue\":\"t\"}}",
				200, 0, "", "");
		if (i == 2)
			world.socket.open(world.socket_arg);
		assert_int_equal(user.closed, 1);
		assert_int_equal(user.why.errnum, -ENOMEM);
		assert_int_equal(world.terminated, i > 0); /* the command has been started */
	}
}

static void one_start(const void *arg _unused_)
{
	struct session *s =
		session_start(NULL, &world_request, &(struct session_events){.waiting = user_waiting}, NULL);
	assert_true(s || failing_happened());
	session_free(s);
	assert_null(world_next_timer());
}

static void test_starting_without_memory(void **state _unused_)
{
	session_free(user.session);
	assert_in_range(failing_each(one_start, NULL), 7, 100);
	user.closed = 1;
}

/* -- encryption --------------------------------------------------------------------------------------------------- */

static void ask_for_key(void)
{
	agent_answers();
	agent_sends(MESSAGE_OUTPUT, PAYLOAD_HANDSHAKE_REQUEST,
		    "{\"RequestedClientActions\":[{\"ActionType\":\"KMSEncryption\",\"ActionParameters\":{\"KMSKeyId\":"
		    "\"k\"}}]}");
	assert_string_equal(world.call.operation, "GenerateDataKey");
}

static void test_no_key_no_session(void **state _unused_)
{
	ask_for_key();
	world_reply(NULL, 400, -EACCES, "AccessDeniedException", "not authorized");
	assert_int_equal(user.closed, 1);
	assert_int_equal(user.why.errnum, -EACCES);
	assert_non_null(strstr(user.why.message, "KMS returned no key"));
}

static void test_a_key_that_is_none(void **state _unused_)
{
	static const char *const replies[] = {
		"{\"Plaintext\":\"c2hvcnQ=\",\"CiphertextBlob\":\"YWJj\"}",
		"{\"Plaintext\":\"!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!"
		"!==\","
		"\"CiphertextBlob\":\"YWJj\"}",
	};

	for (size_t i = 0; i < 2; i++) {
		if (i)
			begin(NULL);
		ask_for_key();
		world_reply(replies[i], 200, 0, "", "");
		assert_int_equal(user.closed, 1);
		assert_non_null(strstr(user.why.message, "no valid key"));
	}
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_output_arrives_and_the_end_has_a_reason),
		TEST(test_the_agent_has_a_minute_to_start),
		TEST(test_an_agent_that_starts_late),
		TEST(test_other_refusals_are_final),
		TEST(test_a_reply_without_a_url),
		TEST(test_a_lost_connection_is_resumed_with_growing_waits),
		TEST(test_a_connection_that_stays_lost_ends_the_session),
		TEST(test_a_session_that_has_ended_cannot_be_resumed),
		TEST(test_a_silent_session_is_kept_alive),
		TEST(test_an_agent_that_is_silent_for_minutes_is_lost),
		TEST(test_input_that_is_too_much_waits),
		TEST(test_a_pause_is_passed_on_and_survives),
		TEST(test_terminating_ends_it_within_5_seconds),
		TEST(test_terminating_during_the_call),
		TEST(test_terminating_before_there_is_a_session),
		TEST(test_freeing_during_a_call),
		TEST(test_freeing_in_an_event),
		TEST(test_no_memory_for_a_call_or_a_connection),
		TEST(test_starting_without_memory),
		TEST(test_no_key_no_session),
		TEST(test_a_key_that_is_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
