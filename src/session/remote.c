/* SPDX-License-Identifier: BSD-3-Clause */
#include "session/remote.h"

#include "base/clock.h"

#include <openssl/rand.h>
#include <string.h>

#define PENDING_MAX ((size_t)2 << 20)
#define FULL	    ((size_t)64 << 10)
#define GREETING_MS 60000 /* limit of the wait for the greeting of the script around the program */
#define LINGER_MS   1000  /* silence after the program's exit that ends the session: a child may keep the output open */
#define CANCEL_MS   2000  /* wait between the steps of a cancellation */

struct remote {
	struct engine *engine;
	struct session *session;
	struct exec_command command;
	struct remote_events events;
	void *arg;
	struct buf pending; /* input that the session has not accepted yet */
	struct engine_timer timer, flush;
	bool has_status, told, cancelled, dropped;
	bool input_over;
	int status;
	unsigned cancel_step;
};

void remote_free(struct remote *r)
{
	if (!r)
		return;
	engine_timer_cancel(&r->timer);
	engine_timer_cancel(&r->flush);
	session_free(r->session);
	buf_free(&r->pending);
	free(r);
}

/* -- input ----------------------------------------------------------------------------------------------------- */

static void remote_push(struct remote *r)
{
	buf_drop(&r->pending, session_write(r->session, buf_str(&r->pending), r->pending.len));
}

bool remote_is_full(const struct remote *r)
{
	return r->pending.len > FULL;
}

int remote_write(struct remote *r, const void *data, size_t len)
{
	int e;

	if (r->command.kind == COMMAND_SHELL)
		e = buf_append(&r->pending, data, len);
	else
		e = r->input_over ? 0 : command_program(&r->command, data, len, &r->pending);
	if (e == 0)
		remote_push(r);
	return e;
}

int remote_write_end(struct remote *r)
{
	int e;

	if (r->input_over || r->command.kind == COMMAND_SHELL)
		return 0;
	r->input_over = true;
	e = command_program_end(&r->command, &r->pending);
	if (e == 0)
		remote_push(r);
	return e;
}

static void remote_on_writable(void *arg)
{
	struct remote *r = arg;

	remote_push(r);
	if (!r->pending.len && !r->told && !r->dropped)
		r->events.drained(r->arg);
}

/* -- the end --------------------------------------------------------------------------------------------------- */

static void remote_report_end(struct remote *r, const struct error *why)
{
	if (r->told)
		return;
	command_flush(&r->command);
	r->told = true;
	if (!r->dropped)
		r->events.ended(r->status, why, r->arg);
}

/* The session or the command has ended. */
static void remote_conclude(struct remote *r, const struct error *why)
{
	struct error err = {0};
	int result = command_result(&r->command);

	if (result == 0 ||
	    (r->has_status && r->command.kind != COMMAND_SHELL && !error_is(why) && result != -EBADMSG)) {
		remote_report_end(r, &err);
		return;
	}
	if (error_is(why))
		err = *why;
	else if (result == -EBADMSG)
		error_set(&err, result, "a part of the output was lost between the container and vastfs");
	else if (*why->message)
		error_set(&err, -EIO, "%s", why->message);
	else
		error_set(&err, -EIO, "the session ended before the command did");
	remote_report_end(r, &err);
}

static void remote_end_session(struct remote *r)
{
	r->dropped = r->dropped || r->told;
	session_terminate(r->session);
}

static void remote_linger(void *arg)
{
	struct remote *r = arg;

	remote_conclude(r, &(struct error){0});
	remote_end_session(r);
}

static void remote_on_closed(const struct error *why, void *arg)
{
	struct remote *r = arg;

	r->session = NULL; /* it frees itself */
	remote_conclude(r, why);
	remote_free(r);
}

/* -- output ---------------------------------------------------------------------------------------------------- */

static void remote_on_program_wanted(const char *missing, void *arg)
{
	struct remote *r = arg;

	engine_timer_cancel(&r->timer);
	if (!r->dropped)
		r->events.ready(missing, r->arg);
}

static void remote_on_printed(bool is_stderr, const void *data, size_t len, void *arg)
{
	struct remote *r = arg;

	if (!r->dropped && !r->told)
		r->events.output(is_stderr, data, len, r->arg);
}

static void remote_on_exited(int status, void *arg)
{
	struct remote *r = arg;

	r->has_status = true;
	r->status = status;
	remote_write_end(r); /* a script may exit before all of its text was read */
}

static void remote_flush(void *arg)
{
	struct remote *r = arg;

	command_flush(&r->command);
}

/* Messages are small and arrive in bursts: their output is reported once per turn of the engine. */
static void remote_on_output(const void *data, size_t len, void *arg)
{
	struct remote *r = arg;

	command_take(&r->command, data, len);
	if (command_has_output(&r->command))
		engine_timer_set(r->engine, &r->flush, 0, remote_flush, r);
	if (r->cancelled || r->told)
		return;
	if (r->command.state == COMMAND_ENDED)
		remote_conclude(r, &(struct error){0}); /* the end of the session follows */
	else if (r->has_status)
		engine_timer_set(r->engine, &r->timer, LINGER_MS, remote_linger, r);
}

/* -- the start ------------------------------------------------------------------------------------------------- */

static void remote_on_waiting(const struct error *why, void *arg)
{
	struct remote *r = arg;

	if (!r->dropped)
		r->events.waiting(why, r->arg);
}

static void remote_greeting_is_late(void *arg)
{
	struct remote *r = arg;
	struct error err;

	error_set(&err, -ETIMEDOUT, "the shell in the container has printed nothing for %d s", GREETING_MS / 1000);
	remote_conclude(r, &err);
	remote_end_session(r);
}

static void remote_on_session_ready(void *arg)
{
	struct remote *r = arg;

	if (r->command.kind != COMMAND_SHELL)
		engine_timer_set(r->engine, &r->timer, GREETING_MS, remote_greeting_is_late, r);
	else if (!r->dropped)
		r->events.ready("", r->arg);
}

static int remote_start_session(struct remote *r, const struct session_request *request)
{
	static const struct session_events events = {.waiting = remote_on_waiting,
						     .ready = remote_on_session_ready,
						     .output = remote_on_output,
						     .writable = remote_on_writable,
						     .closed = remote_on_closed};
	struct session_request own = *request;
	_buf_ struct buf line = BUF_INIT(COMMAND_LINE_MAX);
	int e = command_line(&r->command, &line);

	if (e < 0)
		return e;
	own.command = line.data;
	r->session = session_start(r->engine, &own, &events, r);
	return r->session ? 0 : -ENOMEM;
}

struct remote *remote_start(struct engine *e, enum command_kind kind, const struct session_request *request,
			    const struct remote_events *events, void *arg)
{
	static const struct command_events of_command = {
		.ready = remote_on_program_wanted, .output = remote_on_printed, .exited = remote_on_exited};
	struct remote *r = calloc(1, sizeof(*r));
	uint8_t random[8];

	if (!r || RAND_bytes(random, sizeof(random)) != 1) {
		free(r);
		return NULL;
	}
	r->engine = e;
	r->events = *events;
	r->arg = arg;
	buf_init(&r->pending, PENDING_MAX);
	command_init(&r->command, kind, random, &of_command, r);
	if (remote_start_session(r, request) == 0)
		return r;
	remote_free(r);
	return NULL;
}

/* -- while it runs ------------------------------------------------------------------------------------------------ */

void remote_resize(struct remote *r, unsigned columns, unsigned rows)
{
	session_resize(r->session, columns, rows);
}

void remote_pause(struct remote *r, bool paused)
{
	session_pause(r->session, paused);
}

/* Many programs handle ^C (SIGINT) themselves, few handle ^\ (SIGQUIT). */
static void remote_cancel_step(void *arg)
{
	static const char keys[] = {0x03, 0x1c};
	struct remote *r = arg;

	if (r->cancel_step == sizeof(keys)) {
		session_terminate(r->session);
		return;
	}
	session_write(r->session, &keys[r->cancel_step++], 1);
	engine_timer_set(r->engine, &r->timer, CANCEL_MS, remote_cancel_step, r);
}

void remote_cancel(struct remote *r)
{
	if (r->cancelled)
		return;
	r->cancelled = true;
	if (r->command.state == COMMAND_GREETING) /* nothing runs yet */
		r->cancel_step = 2;
	remote_cancel_step(r);
}

void remote_drop(struct remote *r)
{
	if (!r)
		return;
	r->dropped = true;
	session_terminate(r->session);
}
