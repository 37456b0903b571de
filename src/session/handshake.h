/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * handshake.h - makes and parses the JSON documents of a data channel: greeting, handshake, challenge, acknowledgement.
 * Pure.
 *
 * Source: aws/session-manager-plugin, src/message/messageparser.go and src/service; aws/amazon-ssm-agent,
 * agent/session/contracts/model.go.
 */
#ifndef VASTFS_SESSION_HANDSHAKE_H
#define VASTFS_SESSION_HANDSHAKE_H

#include "base/buf.h"
#include "session/message.h"

#include <cjson/cJSON.h>

/* The handshake request of the agent and the data for the response. All zeroes: no request has arrived. */
struct handshake {
	cJSON *request;	   /* owned */
	char key_id[2049]; /* ID of the KMS key; "": the session is not encrypted */
	char *encrypted;   /* the data key encrypted by KMS, in base64; owned; NULL: none */
	char refusal[256]; /* the reason why there is no key */
};

void handshake_free(struct handshake *h);

/* The text message that opens a connection. */
int handshake_greeting(const char *token, const char *request_id, const char *client_id, struct buf *out);

/* Parses a request. -EBADMSG: invalid. A second request replaces the first. */
int handshake_read(struct handshake *h, const void *data, size_t len);

int handshake_take_key(struct handshake *h, const char *encrypted);
void handshake_refuse_key(struct handshake *h, const char *why);

/* Makes the response to every requested action; unknown actions are answered as unsupported. */
int handshake_answer(const struct handshake *h, struct buf *out);

/* Parses the sealed text that the agent expects back. -EBADMSG. */
int handshake_read_challenge(const void *data, size_t len, struct buf *ret_sealed);
int handshake_answer_challenge(const void *sealed, size_t len, struct buf *out);

int handshake_acknowledgement(const struct message *of, struct buf *out);
/* -EBADMSG */
int handshake_read_acknowledgement(const void *data, size_t len, int64_t *ret_sequence);

#endif
