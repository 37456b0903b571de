/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * message.h - encodes and parses the messages of a Session Manager data channel. Pure.
 *
 * Source: aws/session-manager-plugin, src/message/clientmessage.go and messageparser.go; aws/amazon-ssm-agent,
 * agent/session/contracts. A message is one binary WebSocket message: a header of fixed layout, big-endian, then
 * the payload. Messages with data are numbered from 0 in each direction and acknowledged one by one.
 */
#ifndef VASTFS_SESSION_MESSAGE_H
#define VASTFS_SESSION_MESSAGE_H

#include "base/buf.h"

#include <stdbool.h>
#include <stdint.h>

#define MESSAGE_TYPE_SIZE   33 /* bytes of a type with its NUL */
#define MESSAGE_PAYLOAD_MAX ((size_t)1 << 20)
#define MESSAGE_MAX	    (MESSAGE_PAYLOAD_MAX + 4096)
#define MESSAGE_UUID_SIZE   37

#define MESSAGE_INPUT	    "input_stream_data"	 /* type of messages to the agent */
#define MESSAGE_OUTPUT	    "output_stream_data" /* type of messages from the agent */
#define MESSAGE_ACKNOWLEDGE "acknowledge"
#define MESSAGE_CLOSED	    "channel_closed"
#define MESSAGE_START	    "start_publication"
#define MESSAGE_PAUSE	    "pause_publication"

enum payload_type {
	PAYLOAD_NONE = 0,
	PAYLOAD_OUTPUT = 1, /* bytes of standard output or of input */
	PAYLOAD_ERROR = 2,
	PAYLOAD_SIZE = 3,
	PAYLOAD_HANDSHAKE_REQUEST = 5,
	PAYLOAD_HANDSHAKE_RESPONSE = 6,
	PAYLOAD_HANDSHAKE_COMPLETE = 7,
	PAYLOAD_CHALLENGE_REQUEST = 8,
	PAYLOAD_CHALLENGE_RESPONSE = 9,
	PAYLOAD_FLAG = 10,
	PAYLOAD_STDERR = 11,
	PAYLOAD_EXIT_CODE = 12,
};

#define FLAG_SYN_FIN	       3 /* flag of an acknowledgement */
#define FLAG_TERMINATE_SESSION 2 /* payload of PAYLOAD_FLAG */

struct message {
	char type[MESSAGE_TYPE_SIZE];
	int64_t created_ms; /* wall clock */
	int64_t sequence;
	uint64_t flags;
	uint8_t id[16]; /* a UUID in its usual order */
	uint32_t payload_type;
	const void *payload; /* not owned */
	size_t len;
};

/* Appends the encoded message. -EFBIG: over the maximum of the buffer; -ENOMEM. */
int message_encode(const struct message *m, struct buf *out);

/*
 * Parses one message; the payload points into data. -EBADMSG: a length or the digest does not match, or the type is
 * empty or not a word. Of the messages that start and pause publication only the type is read, as the client of AWS
 * does.
 */
int message_parse(const void *data, size_t len, struct message *ret);

bool message_is(const struct message *m, const char *type);

void message_uuid(const uint8_t id[16], char ret[MESSAGE_UUID_SIZE]);

#endif
