/* SPDX-License-Identifier: BSD-3-Clause */
#include "session/world.h"

#include "base/clock.h"
#include "session/message.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

struct world world;

const struct session_request world_request = {.cluster = "c",
					      .task = "t",
					      .container = "n",
					      .target = "ecs:c_t_n",
					      .command = "/bin/sh",
					      .columns = 80,
					      .rows = 24,
					      .stays = true};

void world_reset(void)
{
	memset(&world, 0, sizeof(world));
	world.now_ms = 1000000;
}

static bool world_fails(const char *function)
{
	return world.fails && strcmp(world.fails, function) == 0;
}

/* -- what the session calls -------------------------------------------------------------------------------------- */

struct aws_call *__wrap_aws_start(struct aws *a, struct aws_request *request,
				  void (*done)(struct aws_reply *reply, void *arg), void *arg);
void __wrap_aws_cancel(struct aws_call *call);
struct aws *__wrap_aws_ref(struct aws *a);
void __wrap_aws_unref(struct aws *a);
const char *__wrap_aws_ca_file(const struct aws *a);
struct websocket *__wrap_websocket_start(struct engine *e, const struct websocket_request *request,
					 const struct websocket_events *events, void *arg);
int __wrap_websocket_send(struct websocket *ws, bool is_text, const void *data, size_t len);
void __wrap_websocket_flush(struct websocket *ws);
void __wrap_websocket_pause(struct websocket *ws, bool paused);
void __wrap_websocket_close(struct websocket *ws);
void __wrap_engine_timer_set(struct engine *e, struct engine_timer *t, int64_t delay_ms, void (*fn)(void *arg),
			     void *arg);
void __wrap_engine_timer_cancel(struct engine_timer *t);
int64_t __wrap_clock_monotonic_ms(void);

struct aws_call *__wrap_aws_start(struct aws *a _unused_, struct aws_request *request,
				  void (*done)(struct aws_reply *reply, void *arg), void *arg)
{
	if (world_fails("aws_start")) {
		aws_request_free(request);
		return NULL;
	}
	world.asked += strcmp(request->operation, "ExecuteCommand") == 0;
	if (strcmp(request->operation, "ExecuteCommand") == 0)
		snprintf(world.command, sizeof(world.command), "%s", aws_text(request->params, "command"));
	world.resumed += strcmp(request->operation, "ResumeSession") == 0;
	if (strcmp(request->operation, "TerminateSession") == 0) {
		world.terminated++; /* nobody waits for its reply */
	} else {
		snprintf(world.call.operation, sizeof(world.call.operation), "%s", request->operation);
		world.call.done = done;
		world.call.arg = arg;
	}
	aws_request_free(request);
	return (struct aws_call *)&world.call;
}

/* Calls back, as the client does. */
void __wrap_aws_cancel(struct aws_call *call _unused_)
{
	struct aws_reply reply = {0};

	error_set(&reply.error, -ECANCELED, "cancelled");
	world.call.done(&reply, world.call.arg);
	world.call.done = NULL;
}

struct aws *__wrap_aws_ref(struct aws *a)
{
	return a;
}

void __wrap_aws_unref(struct aws *a _unused_)
{
}

const char *__wrap_aws_ca_file(const struct aws *a _unused_)
{
	return NULL;
}

struct websocket *__wrap_websocket_start(struct engine *e _unused_, const struct websocket_request *request _unused_,
					 const struct websocket_events *events, void *arg)
{
	assert_false(world.has_socket);
	if (world_fails("websocket_start"))
		return NULL;
	world.socket = *events;
	world.socket_arg = arg;
	world.has_socket = true;
	return (struct websocket *)&world.socket;
}

/* Notes what the agent gets, and acknowledges nothing. */
int __wrap_websocket_send(struct websocket *ws _unused_, bool is_text, const void *data, size_t len)
{
	struct message m;

	world.greetings += is_text;
	if (is_text)
		return world_fails("websocket_send") ? -ENOMEM : 0;
	assert_int_equal(message_parse(data, len, &m), 0);
	world.terminal_sizes += m.payload_type == PAYLOAD_SIZE;
	if (message_is(&m, MESSAGE_INPUT) && m.payload_type == PAYLOAD_OUTPUT)
		strncat(world.keys, m.payload, m.len < 8 ? m.len : 8);
	return 0;
}

void __wrap_websocket_flush(struct websocket *ws _unused_)
{
}

void __wrap_websocket_pause(struct websocket *ws _unused_, bool paused)
{
	world.is_paused = paused;
}

void __wrap_websocket_close(struct websocket *ws)
{
	if (ws)
		world.has_socket = false;
}

void __wrap_engine_timer_cancel(struct engine_timer *t)
{
	for (size_t i = 0; i < TIMERS_MOST; i++)
		if (world.timers[i] == t)
			world.timers[i] = NULL;
}

void __wrap_engine_timer_set(struct engine *e _unused_, struct engine_timer *t, int64_t delay_ms, void (*fn)(void *arg),
			     void *arg)
{
	size_t i = 0;

	engine_timer_cancel(t);
	while (world.timers[i])
		assert_in_range(++i, 0, TIMERS_MOST - 1);
	t->when_ms = world.now_ms + delay_ms;
	t->fn = fn;
	t->arg = arg;
	world.timers[i] = t;
}

int64_t __wrap_clock_monotonic_ms(void)
{
	return world.now_ms;
}

struct engine_timer *world_next_timer(void)
{
	struct engine_timer *next = NULL;

	for (size_t i = 0; i < TIMERS_MOST; i++)
		if (world.timers[i] && (!next || world.timers[i]->when_ms < next->when_ms))
			next = world.timers[i];
	return next;
}

void world_wait(int64_t ms)
{
	int64_t until_ms = world.now_ms + ms;
	struct engine_timer *t;

	while ((t = world_next_timer()) && t->when_ms <= until_ms) {
		world.now_ms = t->when_ms;
		engine_timer_cancel(t);
		t->fn(t->arg);
	}
	world.now_ms = until_ms;
}

void world_reply(const char *body, int status, int errnum, const char *code, const char *message)
{
	struct aws_reply reply = {.status = status, .body = body ? cJSON_Parse(body) : NULL};
	void (*done)(struct aws_reply *, void *) = move_ptr(world.call.done);

	if (errnum) {
		error_set(&reply.error, errnum, "%s", message);
		snprintf(reply.error.code, sizeof(reply.error.code), "%s", code);
	}
	assert_non_null(done);
	done(&reply, world.call.arg);
	cJSON_Delete(reply.body);
}

void world_lose_socket(int errnum)
{
	struct error err = {0};

	error_set(&err, errnum, "the connection was lost");
	world.has_socket = false;
	world.socket.closed(&err, world.socket_arg);
}

/* -- the agent ---------------------------------------------------------------------------------------------------- */

void agent_sends(const char *type, unsigned payload_type, const char *text)
{
	_buf_ struct buf frame = BUF_INIT(MESSAGE_MAX);
	struct message m = {.created_ms = 1, .payload_type = payload_type, .payload = text, .len = strlen(text)};

	snprintf(m.type, sizeof(m.type), "%s", type);
	if (message_is(&m, MESSAGE_OUTPUT))
		m.sequence = world.sequence++;
	assert_int_equal(message_encode(&m, &frame), 0);
	world.socket.message(false, frame.data, frame.len, world.socket_arg);
}

void agent_prints(const char *text)
{
	agent_sends(MESSAGE_OUTPUT, PAYLOAD_OUTPUT, text);
}

void agent_acknowledges(int64_t sequence)
{
	char text[100];

	snprintf(text, sizeof(text), "{\"AcknowledgedMessageSequenceNumber\":%lld}", (long long)sequence);
	agent_sends(MESSAGE_ACKNOWLEDGE, 0, text);
}

void agent_closes(const char *why)
{
	char text[200];

	snprintf(text, sizeof(text), "{\"Output\":\"%s\"}", why);
	agent_sends(MESSAGE_CLOSED, 0, text);
}

void agent_answers(void)
{
	world_wait(0);
	assert_string_equal(world.call.operation, "ExecuteCommand");
	world_reply("{\"session\":{\"sessionId\":\"s-1\",\"streamUrl\":\"wss://x/\",\"tokenValue\":\"t\"}}", 200, 0, "",
		    "");
	world.socket.open(world.socket_arg);
	assert_int_equal(world.greetings, 1);
	agent_sends(MESSAGE_OUTPUT, PAYLOAD_HANDSHAKE_COMPLETE, "{}");
}

void agent_is_absent(void)
{
	world_reply(NULL, 400, -EINVAL, "InvalidParameterException", "the execute command agent isn't running");
}

void agent_greets(void)
{
	const char *nonce = world.command;
	char text[20];

	while (strspn(nonce, "0123456789abcdef") != 16)
		assert_true(*++nonce);
	snprintf(text, sizeof(text), "\n%.16s;", nonce);
	agent_prints(text);
}
