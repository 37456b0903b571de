/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * eventstream.h - decodes messages of application/vnd.amazon.eventstream as their bytes arrive. Pure.
 *
 * Source: "Amazon Event Stream Specification" (Smithy 2.0, aws/amazon-eventstream): a message is total length and
 * headers' length (big-endian, 4 bytes each), zlib's CRC-32 of these eight, headers, payload, CRC-32 of all before it.
 * Headers have at most 128 KiB and a payload at most 24 MiB; longer messages are refused, so memory is bounded.
 */
#ifndef VASTFS_AWS_EVENTSTREAM_H
#define VASTFS_AWS_EVENTSTREAM_H

#include "base/buf.h"
#include "base/error.h"

#define EVENTSTREAM_HEADERS_MAX ((size_t)128 << 10)
#define EVENTSTREAM_PAYLOAD_MAX ((size_t)24 << 20)

/* One message. Its payload is valid until the callback returns. Headers that are absent are "". */
struct eventstream_message {
	char message_type[16];	 /* event, exception, error */
	char event_type[64];	 /* PayloadChunk, InvokeComplete */
	char exception_type[80]; /* the code of an exception */
	char error_code[80];	 /* the code of an error */
	char error_message[256];
	const void *payload;
	size_t len;
};

struct eventstream {
	struct buf pending; /* the bytes of an incomplete message */
	/* Called for every message; a negative errno ends the decoding. */
	int (*message)(const struct eventstream_message *m, void *arg);
	void *arg;
	int failed; /* permanent: data after a broken message cannot be decoded */
};

void eventstream_init(struct eventstream *s, int (*message)(const struct eventstream_message *m, void *arg), void *arg);
void eventstream_free(struct eventstream *s);

/* Decodes more bytes. -EBADMSG: not an event stream; -ENOMEM, or the errno of message(). Failures are permanent. */
int eventstream_feed(struct eventstream *s, const void *data, size_t len);

/* Whether the bytes so far end between two messages. */
bool eventstream_is_whole(const struct eventstream *s);

#endif
