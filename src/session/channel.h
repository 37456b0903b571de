/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * channel.h - the client's side of a Session Manager data channel. Pure: bytes and time in, bytes and events out.
 *
 * Sources: aws/session-manager-plugin, src/datachannel; aws/amazon-ssm-agent, agent/session/datachannel (what its peer
 * does). Whatever connection carries the messages may break and be made anew: the numbers go on, nothing is lost or
 * comes twice. Memory is bounded, whatever the peer sends. Times are monotonic milliseconds.
 */
#ifndef VASTFS_SESSION_CHANNEL_H
#define VASTFS_SESSION_CHANNEL_H

#include "base/buf.h"

#include <stdbool.h>
#include <stdint.h>

/* What it says to the agent that it is: those before 1.2.295 get no stderr of its own. */
#define CHANNEL_CLIENT_VERSION "1.2.694.0"
#define CHANNEL_INPUT_MAX      1024 /* bytes of input in a message */

/* Where chance and the wall clock come from: a test has its own. */
struct channel_environment {
	void (*random)(void *out, size_t len);
	int64_t (*wall_ms)(void);
};

/* Called by the functions below, on their caller's thread; may call channel_write(), but must not free the channel. */
struct channel_events {
	void (*send)(const void *frame, size_t len, void *arg); /* one message, as one binary WebSocket message */
	void (*ready)(void *arg);				/* input goes to the command from now on */
	void (*output)(bool is_stderr, const void *data, size_t len, void *arg); /* in order, each byte once */
	void (*exit_code)(int code, void *arg);		     /* if the agent says it, which ECS's does not */
	void (*need_key)(const char *kms_key_id, void *arg); /* to be answered by one of the two below */
	/* Once, the last: "" is the session's normal end, else why it ended. */
	void (*closed)(const char *why, void *arg);
};

struct channel;

/* NULL without memory. */
struct channel *channel_new(const struct channel_environment *env, const struct channel_events *events, void *arg);
void channel_free(struct channel *c); /* NULL is fine */

/* The text message that opens a connection. The token is a secret. */
int channel_greeting(struct channel *c, const char *token, struct buf *out);

/* Sends again what the peer may not have. */
void channel_connected(struct channel *c, int64_t now_ms);
void channel_disconnected(struct channel *c);

/* -EBADMSG for what is no message: it is left out, and what it carried comes again. -ENOMEM. */
int channel_receive(struct channel *c, const void *data, size_t len, int64_t now_ms);

/* Input for the command. How many bytes were taken: as many as may be under way; 0 before ready. */
size_t channel_write(struct channel *c, const void *data, size_t len, int64_t now_ms);
bool channel_is_writable(const struct channel *c);

/* The terminal's size; sent once the handshake is over, and with every change. Same size again: a sign of life. */
void channel_resize(struct channel *c, unsigned columns, unsigned rows, int64_t now_ms);

/* Asks the agent to end the command. */
void channel_terminate(struct channel *c, int64_t now_ms);

/* Does what is due. Returns when to call it again, INT64_MAX for never. */
int64_t channel_tick(struct channel *c, int64_t now_ms);

/* 64 bytes, and the same encrypted by KMS, in base64, for the agent. */
void channel_give_key(struct channel *c, const uint8_t key[64], const char *encrypted, int64_t now_ms);
void channel_refuse_key(struct channel *c, const char *why, int64_t now_ms);

#endif
