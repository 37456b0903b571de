/* SPDX-License-Identifier: BSD-3-Clause */
#include "aws/websocket.h"

#include "aws/failure.h"
#include "aws/http.h"
#include "aws/upgrade.h"

#include <openssl/rand.h>
#include <poll.h>
#include <string.h>
#include <wslay/wslay.h>

#define PING_MS	   30000
#define UPGRADE_MS 10000 /* limit of the wait for the reply to the upgrade request */
#define OUT_MAX	   ((size_t)64 << 10)
#define TURN_MAX   ((size_t)1 << 20) /* most bytes read in one turn of the engine */

struct websocket {
	struct engine *engine;
	struct engine_member member;
	struct transfer transfer;
	struct engine_socket socket;
	struct engine_timer timer; /* timer for the report of a failure, the reply to the upgrade, or a ping */
	struct engine_timer again; /* timer for data that was read but not processed in the last turn */
	struct websocket_events events;
	void *arg;
	struct upgrade_url url;
	char key[UPGRADE_KEY_SIZE];
	struct buf request,
		reply; /* request and reply of the upgrade; data that follows the reply is processed first */
	size_t request_sent, reply_taken;
	struct buf out;			/* frames to send: small ones are sent together */
	wslay_event_context_ptr frames; /* NULL until the server has accepted */
	int ping_ms;
	size_t message_max, turn; /* bytes read in this turn */
	bool paused, pinged;
	bool busy, released; /* busy: a callback is running; released: the WebSocket is freed after it */
	struct error error;
	char curl_says[CURL_ERROR_SIZE];
};

static void websocket_release(struct websocket *ws)
{
	engine_timer_cancel(&ws->timer);
	engine_timer_cancel(&ws->again);
	engine_unwatch(&ws->socket);
	engine_leave(&ws->member);
	if (ws->transfer.owner)
		transfer_remove(&ws->transfer);
	curl_easy_cleanup(ws->transfer.easy);
	if (ws->frames)
		wslay_event_context_free(ws->frames);
	upgrade_url_free(&ws->url);
	buf_free(&ws->request);
	buf_free(&ws->reply);
	buf_free(&ws->out);
	free(ws);
}

static void websocket_end(struct websocket *ws)
{
	ws->busy = true; /* websocket_close() must not free it now */
	ws->events.closed(&ws->error, ws->arg);
	websocket_release(ws);
}

static void websocket_stopped(struct engine_member *g)
{
	struct websocket *ws = container_of(g, struct websocket, member);

	error_set(&ws->error, -ECANCELED, "vastfs is shutting down");
	websocket_end(ws);
}

/* -- bytes ----------------------------------------------------------------------------------------------------- */

/* -EAGAIN: no data now; 0: the server closed the connection. */
static ssize_t websocket_read_some(struct websocket *ws, void *data, size_t len)
{
	size_t n = 0;
	CURLcode code = curl_easy_recv(ws->transfer.easy, data, len, &n);

	if (code == CURLE_AGAIN)
		return -EAGAIN;
	return code == CURLE_OK ? (ssize_t)n : -ECONNRESET;
}

static ssize_t websocket_write_some(struct websocket *ws, const void *data, size_t len)
{
	size_t n = 0;
	CURLcode code = curl_easy_send(ws->transfer.easy, data, len, &n);

	if (code == CURLE_AGAIN)
		return -EAGAIN;
	return code == CURLE_OK ? (ssize_t)n : -ECONNRESET;
}

static void websocket_fail(struct websocket *ws, int errnum, const char *words)
{
	if (!error_is(&ws->error))
		error_set(&ws->error, errnum, "%s: %s", ws->url.host, words);
}

/* -- frames ---------------------------------------------------------------------------------------------------- */

static ssize_t websocket_on_recv(wslay_event_context_ptr frames, uint8_t *data, size_t len, int flags _unused_,
				 void *arg)
{
	struct websocket *ws = arg;
	size_t early = ws->reply.len - ws->reply_taken;
	ssize_t n;

	if (ws->paused || ws->released || ws->turn >= TURN_MAX) {
		wslay_event_set_error(frames, WSLAY_ERR_WOULDBLOCK);
		return -1;
	}
	if (early) {
		n = (ssize_t)(early < len ? early : len);
		memcpy(data, ws->reply.data + ws->reply_taken, (size_t)n);
		ws->reply_taken += (size_t)n;
	} else {
		n = websocket_read_some(ws, data, len);
	}
	if (n > 0) {
		ws->turn += (size_t)n;
		return n;
	}
	if (n != -EAGAIN)
		websocket_fail(ws, -ENOTCONN, "the connection was closed");
	wslay_event_set_error(frames, n == -EAGAIN ? WSLAY_ERR_WOULDBLOCK : WSLAY_ERR_CALLBACK_FAILURE);
	return -1;
}

static ssize_t websocket_on_send(wslay_event_context_ptr frames, const uint8_t *data, size_t len, int flags _unused_,
				 void *arg)
{
	struct websocket *ws = arg;
	size_t room = OUT_MAX - ws->out.len;
	size_t n = len < room ? len : room;

	if (n && buf_append(&ws->out, data, n) == 0)
		return (ssize_t)n;
	wslay_event_set_error(frames, room ? WSLAY_ERR_CALLBACK_FAILURE : WSLAY_ERR_WOULDBLOCK);
	return -1;
}

/* False if the connection accepts no more data now, or was closed. */
static bool websocket_send_out(struct websocket *ws)
{
	ssize_t n = ws->out.len ? websocket_write_some(ws, ws->out.data, ws->out.len) : 0;

	if (n > 0)
		buf_drop(&ws->out, (size_t)n);
	else if (n < 0 && n != -EAGAIN)
		websocket_fail(ws, -ENOTCONN, "the connection was closed");
	return n >= 0 && !ws->out.len;
}

static int websocket_send_frames(struct websocket *ws)
{
	int r;

	do
		r = wslay_event_send(ws->frames);
	while (r == 0 && websocket_send_out(ws) && wslay_event_want_write(ws->frames));
	return r;
}

static int websocket_on_mask(wslay_event_context_ptr frames _unused_, uint8_t *data, size_t len, void *arg _unused_)
{
	return RAND_bytes(data, (int)len) == 1 ? 0 : -1;
}

static void websocket_on_message(wslay_event_context_ptr frames _unused_, const struct wslay_event_on_msg_recv_arg *m,
				 void *arg)
{
	struct websocket *ws = arg;

	if (ws->released)
		return;
	if (m->opcode == WSLAY_PONG) {
		ws->pinged = false;
	} else if (m->opcode == WSLAY_CONNECTION_CLOSE) {
		error_set(&ws->error, -ENOTCONN, "%s closed the WebSocket (%u)", ws->url.host, m->status_code);
	} else if (m->opcode == WSLAY_TEXT_FRAME || m->opcode == WSLAY_BINARY_FRAME) {
		ws->events.message(m->opcode == WSLAY_TEXT_FRAME, m->msg, m->msg_length, ws->arg);
	}
}

static void websocket_run_again(void *arg);

static void websocket_set_events(struct websocket *ws)
{
	bool wants =
		ws->frames ? wslay_event_want_write(ws->frames) || ws->out.len : ws->request_sent < ws->request.len;

	ws->socket.events = (short)((ws->paused ? 0 : POLLIN) | (wants ? POLLOUT : 0));
	if (ws->turn >= TURN_MAX)
		engine_timer_set(ws->engine, &ws->again, 0, websocket_run_again, ws);
}

static void websocket_exchange(struct websocket *ws)
{
	int r;

	ws->turn = 0;
	r = wslay_event_recv(ws->frames);
	if (r == 0 && !error_is(&ws->error))
		r = websocket_send_frames(ws);
	/* wslay itself sends the close frame after a protocol error. */
	if (r != 0 || (!ws->released && wslay_event_get_close_sent(ws->frames)))
		websocket_fail(ws, r == WSLAY_ERR_NOMEM ? -ENOMEM : -EPROTO,
			       "received an invalid WebSocket frame or a message that is too long");
}

/* -- the upgrade ----------------------------------------------------------------------------------------------- */

static int websocket_make_frames(struct websocket *ws)
{
	static const struct wslay_event_callbacks callbacks = {.recv_callback = websocket_on_recv,
							       .send_callback = websocket_on_send,
							       .genmask_callback = websocket_on_mask,
							       .on_msg_recv_callback = websocket_on_message};

	if (wslay_event_context_client_init(&ws->frames, &callbacks, ws) != 0) {
		ws->frames = NULL; /* wslay does not clear the pointer to the context that it has freed */
		return -ENOMEM;
	}
	wslay_event_config_set_max_recv_msg_length(ws->frames, ws->message_max);
	return 0;
}

static void websocket_ping(void *arg);

static void websocket_take_reply(struct websocket *ws)
{
	int r = upgrade_reply(buf_str(&ws->reply), ws->reply.len, ws->key, &ws->error);

	if (r < 0 && ws->error.http_status == 407)
		failure_explain_proxy(ws->url.connect, 407, &ws->error);
	if (r <= 0)
		return;
	ws->reply_taken = (size_t)r;
	if (websocket_make_frames(ws) < 0) {
		websocket_fail(ws, -ENOMEM, "out of memory");
		return;
	}
	engine_timer_set(ws->engine, &ws->timer, ws->ping_ms, websocket_ping, ws);
	ws->events.open(ws->arg);
}

static void websocket_upgrade(struct websocket *ws)
{
	char piece[4096];
	ssize_t n = 0;

	if (ws->request_sent < ws->request.len)
		n = websocket_write_some(ws, ws->request.data + ws->request_sent, ws->request.len - ws->request_sent);
	if (n > 0)
		ws->request_sent += (size_t)n;
	while (!ws->frames && !error_is(&ws->error) && (n >= 0 || n == -EAGAIN)) {
		n = websocket_read_some(ws, piece, sizeof(piece));
		if (n <= 0)
			break;
		n = buf_append(&ws->reply, piece, (size_t)n);
		websocket_take_reply(ws);
	}
	if (!ws->frames && n != -EAGAIN)
		websocket_fail(ws, -EPROTO, "the server closed the connection without a reply");
}

/* -- turns ----------------------------------------------------------------------------------------------------- */

static void websocket_run(void *arg)
{
	struct websocket *ws = arg;

	ws->busy = true;
	if (!ws->frames)
		websocket_upgrade(ws);
	if (ws->frames && !ws->released && !error_is(&ws->error))
		websocket_exchange(ws);
	ws->busy = false;
	if (ws->released)
		websocket_release(ws);
	else if (error_is(&ws->error))
		websocket_end(ws);
	else
		websocket_set_events(ws);
}

static void websocket_run_again(void *arg)
{
	websocket_run(arg);
}

static void websocket_ping(void *arg)
{
	struct websocket *ws = arg;
	const struct wslay_event_msg m = {.opcode = WSLAY_PING, .msg = (const uint8_t *)"vastfs", .msg_length = 6};

	if (ws->pinged && !ws->paused)
		websocket_fail(ws, -ETIMEDOUT, "the server no longer answers pings");
	else if (wslay_event_queue_msg(ws->frames, &m) == 0)
		ws->pinged = true;
	engine_timer_set(ws->engine, &ws->timer, ws->ping_ms, websocket_ping, ws);
	websocket_run(ws);
}

static void websocket_upgrade_is_late(void *arg)
{
	struct websocket *ws = arg;

	websocket_fail(ws, -ETIMEDOUT, "the server did not reply in time");
	websocket_run(ws);
}

/* -- life ------------------------------------------------------------------------------------------------------ */

static void websocket_connected(struct transfer *t, CURLcode code)
{
	struct websocket *ws = container_of(t, struct websocket, transfer);
	curl_socket_t fd = CURL_SOCKET_BAD;

	if (code == CURLE_OK)
		curl_easy_getinfo(t->easy, CURLINFO_ACTIVESOCKET, &fd);
	if (fd == CURL_SOCKET_BAD) {
		failure_explain(t, code == CURLE_OK ? CURLE_COULDNT_CONNECT : code, ws->curl_says, &ws->error);
		websocket_end(ws);
		return;
	}
	ws->socket.fd = fd;
	ws->socket.ready = websocket_run;
	ws->socket.arg = ws;
	engine_watch(ws->engine, &ws->socket);
	engine_timer_set(ws->engine, &ws->timer, UPGRADE_MS, websocket_upgrade_is_late, ws);
	websocket_run(ws);
}

static void websocket_report_failure(void *arg)
{
	websocket_end(arg);
}

static void websocket_set_options(struct websocket *ws, const struct websocket_request *request)
{
	struct transfer *t = &ws->transfer;

	transfer_set(t, CURLOPT_URL, ws->url.connect);
	transfer_set(t, CURLOPT_CONNECT_ONLY, 1L);
	transfer_set(t, CURLOPT_HTTPPROXYTUNNEL, 1L);
	transfer_set(t, CURLOPT_NOSIGNAL, 1L);
	transfer_set(t, CURLOPT_PROTOCOLS_STR, "http,https");
	transfer_set(t, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	transfer_set(t, CURLOPT_SSL_ENABLE_ALPN, 0L);
	transfer_set(t, CURLOPT_CONNECTTIMEOUT_MS, (long)HTTP_CONNECT_TIMEOUT_MS);
	transfer_set(t, CURLOPT_TCP_NODELAY, 1L);
	transfer_set(t, CURLOPT_ERRORBUFFER, ws->curl_says);
	if (request->ca_file)
		transfer_set(t, CURLOPT_CAINFO, request->ca_file);
}

static int websocket_prepare(struct websocket *ws, const struct websocket_request *request)
{
	uint8_t random[16];
	int r = upgrade_url_parse(request->url, &ws->url, &ws->error);

	if (r < 0)
		return r;
	if (RAND_bytes(random, sizeof(random)) != 1)
		return -ENOMEM;
	upgrade_key(random, ws->key);
	ws->transfer.easy = curl_easy_init();
	if (!ws->transfer.easy)
		return -ENOMEM;
	websocket_set_options(ws, request);
	if (ws->transfer.option_failed)
		return -ENOMEM;
	return upgrade_request(&ws->url, ws->key, &ws->request);
}

struct websocket *websocket_start(struct engine *e, const struct websocket_request *request,
				  const struct websocket_events *events, void *arg)
{
	struct websocket *ws = calloc(1, sizeof(*ws));
	int r;

	if (!ws)
		return NULL;
	ws->engine = e;
	ws->events = *events;
	ws->arg = arg;
	ws->message_max = request->message_max;
	ws->ping_ms = request->ping_ms ? request->ping_ms : PING_MS;
	ws->member.stopped = websocket_stopped;
	ws->transfer.done = websocket_connected;
	ws->transfer.keep = true;
	list_init(&ws->socket.link);
	list_init(&ws->member.link);
	buf_init(&ws->request, 2 * UPGRADE_REPLY_MAX);
	buf_init(&ws->reply, 2 * UPGRADE_REPLY_MAX);
	buf_init(&ws->out, OUT_MAX + 1);
	r = websocket_prepare(ws, request);
	if (r == -ENOMEM) {
		websocket_release(ws);
		return NULL;
	}
	engine_join(e, &ws->member);
	if (r < 0)
		engine_timer_set(e, &ws->timer, 0, websocket_report_failure, ws);
	else
		transfer_start(engine_transfers(e), &ws->transfer);
	return ws;
}

int websocket_send(struct websocket *ws, bool is_text, const void *data, size_t len)
{
	const struct wslay_event_msg m = {
		.opcode = is_text ? WSLAY_TEXT_FRAME : WSLAY_BINARY_FRAME, .msg = data, .msg_length = len};

	if (!ws->frames || ws->released)
		return -ENOTCONN;
	if (wslay_event_get_queued_msg_length(ws->frames) > WEBSOCKET_QUEUE_MAX)
		return -ENOBUFS;
	if (wslay_event_queue_msg(ws->frames, &m) != 0)
		return -ENOMEM;
	if (!ws->busy) /* otherwise the current turn sends it */
		engine_timer_set(ws->engine, &ws->again, 0, websocket_run_again, ws);
	return 0;
}

void websocket_flush(struct websocket *ws)
{
	if (ws->frames && !ws->busy && !ws->released)
		websocket_send_frames(ws);
}

void websocket_pause(struct websocket *ws, bool paused)
{
	ws->paused = paused;
	ws->pinged = false;
	if (!ws->busy)
		engine_timer_set(ws->engine, &ws->again, 0, websocket_run_again, ws);
}

void websocket_close(struct websocket *ws)
{
	if (!ws)
		return;
	if (ws->frames) {
		wslay_event_queue_close(ws->frames, WSLAY_CODE_NORMAL_CLOSURE, NULL, 0);
		websocket_send_frames(ws);
	}
	ws->released = true;
	if (!ws->busy)
		websocket_release(ws);
}
