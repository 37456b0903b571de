/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * channel.h - the client side of a Session Manager data channel. No I/O and no clock of its own: the caller passes
 * bytes and the time, and gets bytes and events. One thread at a time.
 *
 * Sources: aws/session-manager-plugin, src/datachannel; aws/amazon-ssm-agent, agent/session/datachannel (the other
 * side). The connection that carries the messages may break and be replaced: sequence numbers continue, so no data is
 * lost or delivered twice. Memory is bounded for every input. Times are monotonic milliseconds.
 */
#ifndef VASTFS_SESSION_CHANNEL_H
#define VASTFS_SESSION_CHANNEL_H

#include "base/buf.h"

#include <stdbool.h>
#include <stdint.h>

/* The client version reported to the agent, which sends clients before 1.2.295 no separate stderr. */
#define CHANNEL_CLIENT_VERSION "1.2.694.0"
#define CHANNEL_INPUT_MAX      1024 /* bytes of input in one message */

/* The source of random bytes, and the wall clock. */
struct channel_environment {
	void (*random)(void *out, size_t len);
	int64_t (*wall_ms)(void);
};

/* Called by the functions below, on the thread of their caller. May call channel_write(), must not free the channel. */
struct channel_events {
	void (*send)(const void *frame, size_t len, void *arg); /* one message, as one binary WebSocket message */
	void (*ready)(void *arg);				/* the command accepts input from now on */
	void (*output)(bool is_stderr, const void *data, size_t len,
		       void *arg); /* output of the command in order, each byte once */
	void (*need_key)(const char *kms_key_id,
			 void *arg); /* the caller answers by channel_give_key() or _refuse_key() */
	/* The last event, once. why: "" after the normal end of the session, else the reason. */
	void (*closed)(const char *why, void *arg);
};

struct channel;

/* NULL without memory. */
struct channel *channel_new(const struct channel_environment *env, const struct channel_events *events, void *arg);
void channel_free(struct channel *c); /* c may be NULL */

/* The text message that opens a connection. The token is a secret. */
int channel_greeting(struct channel *c, const char *token, struct buf *out);

/* Call this for a new connection: it sends all unacknowledged messages again. */
void channel_connected(struct channel *c, int64_t now_ms);
void channel_disconnected(struct channel *c);

/*
 * Takes one message of the agent. -EBADMSG: not a valid message; it is ignored, and the agent sends its data again.
 * -ENOMEM.
 */
int channel_receive(struct channel *c, const void *data, size_t len, int64_t now_ms);

/* Sends input to the command. Returns the number of bytes accepted: unacknowledged data is limited; 0 before ready. */
size_t channel_write(struct channel *c, const void *data, size_t len, int64_t now_ms);
bool channel_is_writable(const struct channel *c);

/* Sets the size of the terminal; sent after the handshake and on every call, so the same size again is a keep-alive. */
void channel_resize(struct channel *c, unsigned columns, unsigned rows, int64_t now_ms);

/* Asks the agent to end the command. */
void channel_terminate(struct channel *c, int64_t now_ms);

/* Sends the repetitions that are due. Returns the time of the next call, INT64_MAX for never. */
int64_t channel_tick(struct channel *c, int64_t now_ms);

/* The data key of 64 bytes, and the same key encrypted by KMS in base64, for the agent. */
void channel_give_key(struct channel *c, const uint8_t key[64], const char *encrypted, int64_t now_ms);
void channel_refuse_key(struct channel *c, const char *why, int64_t now_ms);

#endif
