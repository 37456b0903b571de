/* SPDX-License-Identifier: BSD-3-Clause */
/* Parses a message and encodes it. Checks that the result parses to the same message. Its payload is parsed as each of
 * the documents. */
#include "session/handshake.h"
#include "session/message.h"

#include "fuzz.h"

static void message_take_document(const void *data, size_t len)
{
	struct handshake h = {0};
	struct buf out = BUF_INIT(1 << 20);
	int64_t sequence;

	if (handshake_read(&h, data, len) == 0)
		fuzz_require(handshake_answer(&h, &out) == 0);
	handshake_free(&h);
	buf_clear(&out);
	if (handshake_read_challenge(data, len, &out) == 0) {
		struct buf answer = BUF_INIT(1 << 20);

		fuzz_require(handshake_answer_challenge(buf_str(&out), out.len, &answer) == 0);
		buf_free(&answer);
	}
	if (handshake_read_acknowledgement(data, len, &sequence) == 0)
		fuzz_require(sequence >= 0);
	buf_free(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct buf out = BUF_INIT(MESSAGE_MAX);
	struct message m, again;

	message_take_document(data, len);
	if (message_parse(data, len, &m) < 0 || message_is(&m, MESSAGE_START) || message_is(&m, MESSAGE_PAUSE))
		return 0;
	fuzz_require(message_encode(&m, &out) == 0);
	fuzz_require(message_parse(out.data, out.len, &again) == 0);
	fuzz_require(strcmp(m.type, again.type) == 0 && m.sequence == again.sequence && m.flags == again.flags);
	fuzz_require(m.created_ms == again.created_ms && m.payload_type == again.payload_type && m.len == again.len);
	fuzz_require(memcmp(m.id, again.id, sizeof(m.id)) == 0);
	fuzz_require(m.len == 0 || memcmp(m.payload, again.payload, m.len) == 0);
	message_take_document(m.payload, m.len);
	buf_free(&out);
	return 0;
}
