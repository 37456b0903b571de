/* SPDX-License-Identifier: BSD-3-Clause */
#include "session/session.h"

#include "aws/services/ecs.h"
#include "aws/services/kms.h"
#include "aws/services/ssm.h"
#include "aws/websocket.h"
#include "base/clock.h"
#include "session/channel.h"
#include "session/message.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <string.h>
#include <unistd.h>

#define AGENT_WAIT_MS  60000 /* limit of the wait for the agent, which starts seconds after the container */
#define AGENT_ASK_MS   1000
#define RESUME_WAIT_MS 60000 /* limit of the attempts to resume a broken connection */
#define RESUME_MIN_MS  200
#define RESUME_MAX_MS  5000
#define END_WAIT_MS    5000 /* limit of the wait for the end of the command after a request to terminate */
#define STAY_MS	       (4 * 60 * 1000)

struct session {
	struct engine *engine;
	struct aws *aws;
	struct session_events events;
	void *arg;
	char *cluster, *task, *container, *target, *command;
	unsigned columns, rows;
	bool stays, paused;
	char *id; /* NULL: no session has been started */
	struct channel *channel;
	struct websocket *ws;
	struct buf greeting;   /* contains the token, a secret */
	struct aws_call *call; /* the current call, or NULL */
	struct engine_timer timer, tick, stay;
	int64_t give_up_ms; /* monotonic time after which no connection is tried; 0: connected
			     */
	int64_t pause_ms;
	bool wants_to_write, terminating;
	bool over, released; /* over: the session has ended and closed() is due; released: it is freed when busy is 0 */
	unsigned busy;
	struct error error;
};

static void session_ask_agent(void *arg);
static void session_resume(void *arg);

/* -- the end --------------------------------------------------------------------------------------------------- */

static void session_forget_greeting(struct session *s)
{
	if (s->greeting.data)
		OPENSSL_cleanse(s->greeting.data, s->greeting.len);
	buf_free(&s->greeting);
}

static void session_release(struct session *s)
{
	s->released = true;
	s->busy++; /* cancelled calls may call back */
	engine_timer_cancel(&s->timer);
	engine_timer_cancel(&s->tick);
	engine_timer_cancel(&s->stay);
	if (s->call)
		aws_cancel(s->call);
	websocket_close(s->ws);
	channel_free(s->channel);
	session_forget_greeting(s);
	aws_unref(s->aws);
	free(s->cluster);
	free(s->task);
	free(s->container);
	free(s->target);
	free(s->command);
	free(s->id);
	free(s);
}

static void session_enter(struct session *s)
{
	s->busy++;
}

static void session_leave(struct session *s)
{
	if (--s->busy)
		return;
	if (s->over && !s->released) {
		s->busy++;
		s->events.closed(&s->error, s->arg);
		s->busy--;
		s->released = true;
	}
	if (s->released)
		session_release(s);
}

static void session_terminated(struct aws_reply *reply _unused_, void *arg _unused_)
{
}

/* Uses the API, because the data channel may be broken. */
static void session_ask_to_terminate(struct session *s)
{
	struct aws_request *request = s->id ? ssm_terminate_session(s->id) : NULL;

	if (request)
		aws_start(s->aws, request, session_terminated, NULL);
}

static void session_finish(struct session *s, const struct error *why)
{
	if (s->over)
		return;
	s->over = true;
	s->error = *why;
	/* Otherwise the command would run in the container until the service ends the idle session. */
	if (error_is(why) && why->errnum != -ECANCELED && !s->terminating)
		session_ask_to_terminate(s);
}

static void session_fail(struct session *s, int errnum, const char *words)
{
	struct error err;

	error_set(&err, errnum, "%s", words);
	session_finish(s, &err);
}

void session_free(struct session *s)
{
	if (!s)
		return;
	s->released = true;
	if (!s->busy)
		session_release(s);
}

/* -- time ------------------------------------------------------------------------------------------------------ */

static void session_tick(void *arg);

static void session_set_tick(struct session *s)
{
	int64_t now = clock_monotonic_ms(), when = s->over ? INT64_MAX : channel_tick(s->channel, now);

	if (when == INT64_MAX)
		engine_timer_cancel(&s->tick);
	else
		engine_timer_set(s->engine, &s->tick, when > now ? when - now : 0, session_tick, s);
}

static void session_tick(void *arg)
{
	struct session *s = arg;

	session_enter(s);
	session_set_tick(s);
	session_leave(s);
}

/* Sending the same terminal size again changes nothing but counts as activity. */
static void session_keep_alive(void *arg)
{
	struct session *s = arg;

	channel_resize(s->channel, s->columns, s->rows, clock_monotonic_ms());
	engine_timer_set(s->engine, &s->stay, STAY_MS, session_keep_alive, s);
	session_tick(s);
}

/* -- the channel ----------------------------------------------------------------------------------------------- */

static void session_random_bytes(void *out, size_t len)
{
	/* Never continue without randomness: a reused nonce would break the encryption. */
	if (RAND_bytes(out, (int)len) != 1 && getentropy(out, len) < 0)
		abort();
}

static void session_on_send(const void *frame, size_t len, void *arg)
{
	struct session *s = arg;

	/* Without a connection the channel sends the message again later. */
	if (s->ws)
		websocket_send(s->ws, false, frame, len);
}

static void session_on_ready(void *arg)
{
	struct session *s = arg;

	if (s->released || s->over)
		return;
	if (s->stays)
		engine_timer_set(s->engine, &s->stay, STAY_MS, session_keep_alive, s);
	s->events.ready(s->arg);
}

static void session_on_output(bool is_stderr _unused_, const void *data, size_t len, void *arg)
{
	struct session *s = arg;

	if (!s->released && !s->over)
		s->events.output(data, len, s->arg);
}

static void session_on_closed(const char *why, void *arg)
{
	struct session *s = arg;
	struct error end = {0};

	snprintf(end.message, sizeof(end.message), "%s", why);
	session_finish(s, &end);
}

/* -- encryption ------------------------------------------------------------------------------------------------ */

static int session_read_key(const cJSON *body, uint8_t key[static 64])
{
	const char *text = aws_text(body, "Plaintext");
	uint8_t bytes[72];

	/* 64 bytes are 88 characters, the last two of padding. */
	if (strlen(text) != 88 || EVP_DecodeBlock(bytes, (const uint8_t *)text, 88) != 66)
		return -EBADMSG;
	memcpy(key, bytes, 64);
	OPENSSL_cleanse(bytes, sizeof(bytes));
	return 0;
}

static void session_got_key(struct aws_reply *reply, void *arg)
{
	struct session *s = arg;
	uint8_t key[64];
	int64_t now = clock_monotonic_ms();

	s->call = NULL;
	if (s->released)
		return;
	session_enter(s);
	if (error_is(&reply->error)) {
		error_prefix(&reply->error, "cannot encrypt the session as the cluster requires: KMS returned no key");
		session_finish(s, &reply->error);
		channel_refuse_key(s->channel, reply->error.message, now);
	} else if (session_read_key(reply->body, key) < 0) {
		channel_refuse_key(s->channel, "the reply of KMS contains no valid key", now);
	} else {
		channel_give_key(s->channel, key, aws_text(reply->body, "CiphertextBlob"), now);
	}
	OPENSSL_cleanse(key, sizeof(key));
	session_set_tick(s);
	session_leave(s);
}

static void session_call(struct session *s, struct aws_request *request,
			 void (*done)(struct aws_reply *reply, void *arg))
{
	s->call = request ? aws_start(s->aws, request, done, s) : NULL;
	if (!s->call)
		session_fail(s, -ENOMEM, "out of memory");
}

static void session_on_need_key(const char *key_id, void *arg)
{
	struct session *s = arg;

	if (!s->call)
		session_call(s, kms_generate_session_key(key_id, s->id, s->target), session_got_key);
}

/* -- the connection -------------------------------------------------------------------------------------------- */

static void session_on_open(void *arg)
{
	struct session *s = arg;

	session_enter(s);
	if (websocket_send(s->ws, true, s->greeting.data, s->greeting.len) < 0)
		session_fail(s, -ENOMEM, "out of memory"); /* unlike messages, it is not sent again */
	session_forget_greeting(s);
	websocket_pause(s->ws, s->paused);
	channel_connected(s->channel, clock_monotonic_ms());
	session_set_tick(s);
	session_leave(s);
}

static void session_offer_to_write(struct session *s)
{
	if (!s->wants_to_write || s->over || s->released || !channel_is_writable(s->channel))
		return;
	s->wants_to_write = false;
	s->events.writable(s->arg);
}

static void session_on_message(bool is_text _unused_, const void *data, size_t len, void *arg)
{
	struct session *s = arg;

	session_enter(s);
	if (channel_receive(s->channel, data, len, clock_monotonic_ms()) == 0)
		s->give_up_ms = s->pause_ms = 0; /* the connection works again */
	session_offer_to_write(s);
	session_set_tick(s);
	session_leave(s);
}

static void session_try_again(struct session *s, const struct error *why)
{
	int64_t now = clock_monotonic_ms();

	if (!s->give_up_ms)
		s->give_up_ms = now + RESUME_WAIT_MS;
	if (why->errnum == -ECANCELED || s->terminating || now >= s->give_up_ms) {
		session_finish(s, why);
		return;
	}
	s->pause_ms = s->pause_ms ? s->pause_ms * 2 : RESUME_MIN_MS;
	if (s->pause_ms > RESUME_MAX_MS)
		s->pause_ms = RESUME_MAX_MS;
	engine_timer_set(s->engine, &s->timer, s->pause_ms, session_resume, s);
}

static void session_on_disconnected(const struct error *why, void *arg)
{
	struct session *s = arg;

	s->ws = NULL;
	if (s->released)
		return;
	session_enter(s);
	channel_disconnected(s->channel);
	if (!s->over)
		session_try_again(s, why);
	session_leave(s);
}

static void session_connect(struct session *s, const char *url, const char *token)
{
	static const struct websocket_events events = {
		.open = session_on_open, .message = session_on_message, .closed = session_on_disconnected};
	const struct websocket_request request = {
		.url = url, .ca_file = aws_ca_file(s->aws), .message_max = MESSAGE_MAX};

	if (!*url || !*token) {
		session_fail(s, -EPROTO, "the reply of AWS contains no URL or no token for the session");
		return;
	}
	session_forget_greeting(s);
	if (channel_greeting(s->channel, token, &s->greeting) == 0)
		s->ws = websocket_start(s->engine, &request, &events, s);
	if (!s->ws)
		session_fail(s, -ENOMEM, "out of memory");
}

/* HTTP 4xx: the session has ended. Other failures are those of the network and are retried. */
static void session_resumed(struct aws_reply *reply, void *arg)
{
	struct session *s = arg;

	s->call = NULL;
	if (s->released)
		return;
	session_enter(s);
	if (!error_is(&reply->error)) {
		session_connect(s, aws_text(reply->body, "StreamUrl"), aws_text(reply->body, "TokenValue"));
	} else if (reply->status >= 400 && reply->status < 500) {
		error_prefix(&reply->error, "the connection to the container was lost and cannot be resumed");
		session_finish(s, &reply->error);
	} else {
		session_try_again(s, &reply->error);
	}
	session_leave(s);
}

static void session_resume(void *arg)
{
	struct session *s = arg;

	session_enter(s);
	session_call(s, ssm_resume_session(s->id), session_resumed);
	session_leave(s);
}

/* -- the start ------------------------------------------------------------------------------------------------- */

/*
 * ECS returns the same error for an agent that has not started and for a task without ECS Exec; the caller of this
 * module has checked that ECS Exec is enabled.
 */
static bool session_agent_is_absent(const struct error *err)
{
	return error_has_code(err, "TargetNotConnectedException") ||
	       (error_has_code(err, "InvalidParameterException") && strstr(err->message, "execute command agent"));
}

/* After a request to terminate, the timer ends the session; the agent is not asked again. */
static void session_wait_for_agent(struct session *s, struct error *why)
{
	if (s->terminating)
		return;
	if (clock_monotonic_ms() < s->give_up_ms) {
		s->events.waiting(why, s->arg);
		if (!s->terminating)
			engine_timer_set(s->engine, &s->timer, AGENT_ASK_MS, session_ask_agent, s);
		return;
	}
	error_prefix(why, "the ECS Exec agent in this container does not answer");
	error_remedy(
		why,
		"see managedAgents in task.json; check that the subnet has a route to ssmmessages (a NAT gateway or an "
		"endpoint), the task role allows ssmmessages:*, and the root file system is writable");
	session_finish(s, why);
}

static void session_asked(struct aws_reply *reply, void *arg)
{
	struct session *s = arg;

	s->call = NULL;
	if (s->released)
		return;
	session_enter(s);
	if (error_is(&reply->error) && session_agent_is_absent(&reply->error)) {
		session_wait_for_agent(s, &reply->error);
	} else if (error_is(&reply->error)) {
		session_finish(s, &reply->error);
	} else {
		s->give_up_ms = 0;
		s->id = strdup(aws_text(reply->body, "session.sessionId"));
		if (s->id && s->terminating)
			session_ask_to_terminate(s);
		else if (s->id)
			session_connect(s, aws_text(reply->body, "session.streamUrl"),
					aws_text(reply->body, "session.tokenValue"));
		else
			session_finish(s, &(struct error){.errnum = -ENOMEM, .message = "out of memory"});
	}
	session_leave(s);
}

static void session_ask_agent(void *arg)
{
	struct session *s = arg;

	session_enter(s);
	session_call(s, ecs_execute_command(s->cluster, s->task, s->container, s->command), session_asked);
	session_leave(s);
}

static int session_copy_text(const char *text, char **ret)
{
	*ret = strdup(text ? text : "");
	return *ret ? 0 : -ENOMEM;
}

static int session_copy_request(struct session *s, const struct session_request *r)
{
	s->aws = aws_ref(r->aws);
	s->columns = r->columns;
	s->rows = r->rows;
	s->stays = r->stays;
	if (session_copy_text(r->cluster, &s->cluster) < 0 || session_copy_text(r->task, &s->task) < 0 ||
	    session_copy_text(r->container, &s->container) < 0 || session_copy_text(r->target, &s->target) < 0)
		return -ENOMEM;
	return session_copy_text(r->command, &s->command);
}

struct session *session_start(struct engine *e, const struct session_request *request,
			      const struct session_events *events, void *arg)
{
	static const struct channel_environment environment = {.random = session_random_bytes,
							       .wall_ms = clock_wall_ms};
	static const struct channel_events of_channel = {.send = session_on_send,
							 .ready = session_on_ready,
							 .output = session_on_output,
							 .need_key = session_on_need_key,
							 .closed = session_on_closed};
	struct session *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	s->engine = e;
	s->events = *events;
	s->arg = arg;
	s->give_up_ms = clock_monotonic_ms() + AGENT_WAIT_MS;
	buf_init(&s->greeting, 64 << 10);
	s->channel = channel_new(&environment, &of_channel, s);
	if (session_copy_request(s, request) < 0 || !s->channel) {
		session_release(s);
		return NULL;
	}
	channel_resize(s->channel, s->columns, s->rows, clock_monotonic_ms());
	engine_timer_set(e, &s->timer, 0, session_ask_agent,
			 s); /* the timer ensures that no event is called before this returns */
	return s;
}

/* -- while it runs ------------------------------------------------------------------------------------------------ */

size_t session_write(struct session *s, const void *data, size_t len)
{
	size_t n = s->over ? len : channel_write(s->channel, data, len, clock_monotonic_ms());

	s->wants_to_write = n < len;
	if (!s->busy)
		session_tick(s);
	return n;
}

void session_resize(struct session *s, unsigned columns, unsigned rows)
{
	s->columns = columns;
	s->rows = rows;
	channel_resize(s->channel, columns, rows, clock_monotonic_ms());
	if (!s->busy)
		session_tick(s);
}

void session_pause(struct session *s, bool paused)
{
	if (s->paused == paused)
		return;
	s->paused = paused;
	if (s->ws)
		websocket_pause(s->ws, paused);
}

static void session_end_is_late(void *arg)
{
	struct session *s = arg;

	session_enter(s);
	session_finish(s, &(struct error){0});
	session_leave(s);
}

/* Uses both the channel, which is faster, and the API. */
void session_terminate(struct session *s)
{
	if (s->terminating)
		return;
	s->terminating = true;
	session_pause(s, false);
	channel_terminate(s->channel, clock_monotonic_ms());
	if (s->ws)
		websocket_flush(s->ws);
	session_ask_to_terminate(s);
	engine_timer_set(s->engine, &s->timer, s->ws ? END_WAIT_MS : 0, session_end_is_late, s);
	if (!s->busy)
		session_tick(s);
}
