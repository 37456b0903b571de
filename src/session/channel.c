/* SPDX-License-Identifier: BSD-3-Clause */
#include "session/channel.h"

#include "session/crypt.h"
#include "session/handshake.h"
#include "session/incoming.h"
#include "session/message.h"
#include "session/outgoing.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <string.h>

#define CHALLENGE_MAX 4096

struct channel {
	struct channel_environment env;
	struct channel_events events;
	void *arg;
	bool connected, paused, ready, closed;
	struct incoming incoming;
	struct outgoing outgoing;
	int64_t next_sequence;
	unsigned columns, rows; /* 0: not known yet */
	struct handshake handshake;
	bool encrypted;
	struct crypt crypt;
	int64_t now_ms; /* the time that the caller of the current function has passed */
};

static int channel_deliver(const struct message *m, void *arg);

struct channel *channel_new(const struct channel_environment *env, const struct channel_events *events, void *arg)
{
	struct channel *c = calloc(1, sizeof(*c));

	if (!c)
		return NULL;
	c->env = *env;
	c->events = *events;
	c->arg = arg;
	incoming_init(&c->incoming, channel_deliver, c);
	outgoing_init(&c->outgoing);
	return c;
}

void channel_free(struct channel *c)
{
	if (!c)
		return;
	incoming_free(&c->incoming);
	outgoing_free(&c->outgoing);
	handshake_free(&c->handshake);
	crypt_clear(&c->crypt);
	free(c);
}

static void channel_close(struct channel *c, const char *why)
{
	if (c->closed)
		return;
	c->closed = true;
	c->events.closed(why, c->arg);
}

/* -- sending --------------------------------------------------------------------------------------------------- */

/* A UUID of version 4. */
static void channel_new_id(struct channel *c, uint8_t id[16])
{
	c->env.random(id, 16);
	id[6] = (uint8_t)((id[6] & 0x0f) | 0x40);
	id[8] = (uint8_t)((id[8] & 0x3f) | 0x80);
}

int channel_greeting(struct channel *c, const char *token, struct buf *out)
{
	char request[MESSAGE_UUID_SIZE], client[MESSAGE_UUID_SIZE];
	uint8_t id[16];

	channel_new_id(c, id);
	message_uuid(id, request);
	channel_new_id(c, id);
	message_uuid(id, client);
	return handshake_greeting(token, request, client, out);
}

static void channel_send_frame(const void *frame, size_t len, void *arg)
{
	struct channel *c = arg;

	if (c->connected)
		c->events.send(frame, len, c->arg);
}

static int channel_encode(struct channel *c, struct message *m, struct buf *out)
{
	m->created_ms = c->env.wall_ms();
	channel_new_id(c, m->id);
	return message_encode(m, out);
}

/* Keeps the message until it is acknowledged, and sends it unless publication is paused or there is no connection. */
static int channel_send_data(struct channel *c, enum payload_type type, const void *data, size_t len)
{
	_buf_ struct buf frame = BUF_INIT(MESSAGE_MAX);
	struct message m = {
		.type = MESSAGE_INPUT, .sequence = c->next_sequence, .payload_type = type, .payload = data, .len = len};
	int r = channel_encode(c, &m, &frame);

	if (r < 0)
		return r;
	if (!c->paused)
		channel_send_frame(frame.data, frame.len, c);
	r = outgoing_add(&c->outgoing, m.sequence, &frame, c->now_ms);
	if (r == 0)
		c->next_sequence++;
	return r;
}

static void channel_acknowledge(struct channel *c, const struct message *of)
{
	_buf_ struct buf text = BUF_INIT(1024), frame = BUF_INIT(MESSAGE_MAX);
	struct message m = {.type = MESSAGE_ACKNOWLEDGE, .flags = FLAG_SYN_FIN};

	if (handshake_acknowledgement(of, &text) < 0)
		return;
	m.payload = text.data;
	m.len = text.len;
	if (channel_encode(c, &m, &frame) == 0)
		channel_send_frame(frame.data, frame.len, c);
}

static int channel_send_input(struct channel *c, const void *data, size_t len)
{
	_buf_ struct buf sealed = BUF_INIT(MESSAGE_PAYLOAD_MAX);
	uint8_t nonce[CRYPT_NONCE_SIZE];
	int r;

	if (!c->encrypted)
		return channel_send_data(c, PAYLOAD_OUTPUT, data, len);
	c->env.random(nonce, sizeof(nonce));
	r = crypt_seal(&c->crypt, nonce, data, len, &sealed);
	return r < 0 ? r : channel_send_data(c, PAYLOAD_OUTPUT, sealed.data, sealed.len);
}

bool channel_is_writable(const struct channel *c)
{
	return c->ready && !c->closed && c->outgoing.n < OUTGOING_MOST;
}

size_t channel_write(struct channel *c, const void *data, size_t len, int64_t now_ms)
{
	size_t done = 0;

	c->now_ms = now_ms;
	while (done < len && channel_is_writable(c)) {
		size_t n = len - done < CHANNEL_INPUT_MAX ? len - done : CHANNEL_INPUT_MAX;

		if (channel_send_input(c, (const char *)data + done, n) < 0)
			break;
		done += n;
	}
	return done;
}

static void channel_send_size(struct channel *c)
{
	char text[64];
	int n = snprintf(text, sizeof(text), "{\"cols\":%u,\"rows\":%u}", c->columns, c->rows);

	if (c->ready && !c->closed && c->columns && c->rows)
		channel_send_data(c, PAYLOAD_SIZE, text, (size_t)n);
}

void channel_resize(struct channel *c, unsigned columns, unsigned rows, int64_t now_ms)
{
	c->now_ms = now_ms;
	c->columns = columns;
	c->rows = rows;
	channel_send_size(c);
}

void channel_terminate(struct channel *c, int64_t now_ms)
{
	static const uint8_t flag[4] = {0, 0, 0, FLAG_TERMINATE_SESSION};

	c->now_ms = now_ms;
	if (!c->closed)
		channel_send_data(c, PAYLOAD_FLAG, flag, sizeof(flag));
}

/* -- connections and time -------------------------------------------------------------------------------------- */

void channel_connected(struct channel *c, int64_t now_ms)
{
	c->connected = true;
	c->paused = false;
	outgoing_send_all(&c->outgoing, channel_send_frame, c, now_ms);
}

void channel_disconnected(struct channel *c)
{
	c->connected = false;
}

int64_t channel_tick(struct channel *c, int64_t now_ms)
{
	const struct buf *again;

	c->now_ms = now_ms;
	if (c->closed || !c->connected)
		return INT64_MAX;
	if (outgoing_is_lost(&c->outgoing, now_ms)) {
		channel_close(c, "the agent in the container has not answered for 5 minutes");
		return INT64_MAX;
	}
	again = c->paused ? NULL : outgoing_due(&c->outgoing, now_ms);
	if (again)
		channel_send_frame(again->data, again->len, c);
	return c->paused && c->outgoing.n ? c->outgoing.heard_ms + OUTGOING_LOST_MS : outgoing_when(&c->outgoing);
}

/* -- the handshake --------------------------------------------------------------------------------------------- */

static void channel_become_ready(struct channel *c)
{
	if (c->ready)
		return;
	c->ready = true;
	channel_send_size(c);
	c->events.ready(c->arg);
}

static int channel_answer_handshake(struct channel *c)
{
	_buf_ struct buf answer = BUF_INIT(MESSAGE_PAYLOAD_MAX);
	int r = handshake_answer(&c->handshake, &answer);

	return r < 0 ? r : channel_send_data(c, PAYLOAD_HANDSHAKE_RESPONSE, answer.data, answer.len);
}

static int channel_take_handshake(struct channel *c, const struct message *m)
{
	int r = handshake_read(&c->handshake, m->payload, m->len);

	if (r == -EBADMSG) {
		channel_close(c, "the handshake request of the agent in the container is invalid");
		return 0;
	}
	if (r < 0)
		return r;
	if (!*c->handshake.key_id)
		return channel_answer_handshake(c);
	c->events.need_key(c->handshake.key_id, c->arg);
	return 0;
}

void channel_give_key(struct channel *c, const uint8_t key[64], const char *encrypted, int64_t now_ms)
{
	c->now_ms = now_ms;
	crypt_set(&c->crypt, key);
	c->encrypted = handshake_take_key(&c->handshake, encrypted) == 0 && channel_answer_handshake(c) == 0;
	if (!c->encrypted)
		channel_close(c, "out of memory");
}

void channel_refuse_key(struct channel *c, const char *why, int64_t now_ms)
{
	c->now_ms = now_ms;
	handshake_refuse_key(&c->handshake, why);
	channel_answer_handshake(c);
	channel_close(c, why);
}

/*
 * The agent verifies that both sides have the same key: it sends an encrypted text and expects the same text, encrypted
 * with the other half of the key.
 */
static int channel_take_challenge(struct channel *c, const struct message *m)
{
	_buf_ struct buf sealed = BUF_INIT(CHALLENGE_MAX), plain = BUF_INIT(CHALLENGE_MAX),
			 again = BUF_INIT(CHALLENGE_MAX), answer = BUF_INIT(2 * CHALLENGE_MAX);
	uint8_t nonce[CRYPT_NONCE_SIZE];
	int r = c->encrypted ? handshake_read_challenge(m->payload, m->len, &sealed) : -EBADMSG;

	c->env.random(nonce, sizeof(nonce));
	if (r == 0)
		r = crypt_open(&c->crypt, buf_str(&sealed), sealed.len, &plain);
	if (r == 0)
		r = crypt_seal(&c->crypt, nonce, buf_str(&plain), plain.len, &again);
	if (r == 0)
		r = handshake_answer_challenge(again.data, again.len, &answer);
	if (r == 0)
		r = channel_send_data(c, PAYLOAD_CHALLENGE_RESPONSE, answer.data, answer.len);
	if (r == 0 || r == -ENOMEM)
		return r;
	channel_close(c, "the agent and vastfs do not have the same encryption key");
	return 0;
}

/* -- receiving ------------------------------------------------------------------------------------------------- */

static int channel_take_output(struct channel *c, const struct message *m)
{
	_buf_ struct buf plain = BUF_INIT(MESSAGE_PAYLOAD_MAX);
	const void *data = m->payload;
	size_t len = m->len;

	if (c->encrypted) {
		int r = crypt_open(&c->crypt, data, len, &plain);

		if (r == -EBADMSG)
			channel_close(c, "the output of the container was not encrypted with the session's key");
		if (r < 0)
			return r == -EBADMSG ? 0 : r;
		data = buf_str(&plain);
		len = plain.len;
	}
	channel_become_ready(c); /* an old agent sends output without a handshake */
	if (len)
		c->events.output(m->payload_type != PAYLOAD_OUTPUT, data, len, c->arg);
	return 0;
}

/* Handles messages with data, each once and in order. */
static int channel_deliver(const struct message *m, void *arg)
{
	struct channel *c = arg;

	if (c->closed)
		return 0;
	switch (m->payload_type) {
	case PAYLOAD_OUTPUT:
	case PAYLOAD_ERROR:
	case PAYLOAD_STDERR:
		return channel_take_output(c, m);
	case PAYLOAD_HANDSHAKE_REQUEST:
		return channel_take_handshake(c, m);
	case PAYLOAD_CHALLENGE_REQUEST:
		return channel_take_challenge(c, m);
	case PAYLOAD_HANDSHAKE_COMPLETE:
		channel_become_ready(c);
		return 0;
	default:
		/*
		 * A message of a later version is acknowledged and ignored; so is PAYLOAD_EXIT_CODE, which the
		 * agent of ECS does not send: that of /bin/sh itself would not be the program's.
		 */
		return 0;
	}
}

static void channel_take_acknowledgement(struct channel *c, const struct message *m)
{
	int64_t sequence;

	if (handshake_read_acknowledgement(m->payload, m->len, &sequence) == 0)
		outgoing_acknowledge(&c->outgoing, sequence, c->now_ms);
}

static void channel_take_closed(struct channel *c, const struct message *m)
{
	cJSON *json = cJSON_ParseWithLength(m->payload, m->len);
	const char *text = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(json, "Output"));

	channel_close(c, text ? text : "");
	cJSON_Delete(json);
}

static int channel_take_data(struct channel *c, const struct message *m)
{
	int r = incoming_take(&c->incoming, m);

	if (r == INCOMING_LEFT)
		return 0; /* too far ahead: the agent sends it again */
	if (r == 0)
		channel_acknowledge(c, m);
	return r;
}

int channel_receive(struct channel *c, const void *data, size_t len, int64_t now_ms)
{
	struct message m;
	int r = message_parse(data, len, &m);

	c->now_ms = now_ms;
	if (r < 0 || c->closed)
		return r;
	if (message_is(&m, MESSAGE_OUTPUT))
		return channel_take_data(c, &m);
	if (message_is(&m, MESSAGE_ACKNOWLEDGE))
		channel_take_acknowledgement(c, &m);
	else if (message_is(&m, MESSAGE_CLOSED))
		channel_take_closed(c, &m);
	else if (message_is(&m, MESSAGE_PAUSE))
		c->paused = true;
	else if (message_is(&m, MESSAGE_START)) {
		c->paused = false;
		outgoing_send_all(&c->outgoing, channel_send_frame, c, now_ms);
	}
	return 0;
}
