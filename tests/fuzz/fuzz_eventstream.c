/* SPDX-License-Identifier: BSD-3-Clause */
/* Checks that a stream that arrives in pieces has the same messages as one that arrives as a whole. */
#include "aws/protocol/eventstream.h"

#include "fuzz.h"

#include <zlib.h>

/* Appends a message in a form that differs for any two different messages. */
static int eventstream_note(const struct eventstream_message *m, void *arg)
{
	buf_printf(arg, "%s/%s/%s/%s/%s/%zu/", m->message_type, m->event_type, m->exception_type, m->error_code,
		   m->error_message, m->len);
	return buf_append(arg, m->payload, m->len);
}

static int eventstream_run(const uint8_t *data, size_t len, bool in_pieces, struct buf *out)
{
	struct eventstream s;
	int r = 0;

	eventstream_init(&s, eventstream_note, out);
	while (len && r == 0) {
		size_t n = in_pieces ? fuzz_piece(data, len) : len;

		r = eventstream_feed(&s, data, n);
		data += n;
		len -= n;
	}
	buf_printf(out, "end %d %d", r, eventstream_is_whole(&s));
	eventstream_free(&s);
	return r;
}

static void eventstream_compare(const uint8_t *data, size_t len)
{
	struct buf whole = BUF_INIT(1 << 20), pieces = BUF_INIT(1 << 20);

	fuzz_require(eventstream_run(data, len, false, &whole) == eventstream_run(data, len, true, &pieces));
	fuzz_require(strcmp(buf_str(&whole), buf_str(&pieces)) == 0 && whole.len == pieces.len);
	buf_free(&whole);
	buf_free(&pieces);
}

static void eventstream_put_number(uint8_t *out, size_t n)
{
	for (int i = 0; i < 4; i++)
		out[i] = (uint8_t)(n >> (24 - 8 * i));
}

/*
 * A fuzzer does not find checksums, so the input is also used as headers and payload of a message with correct
 * checksums.
 */
static void eventstream_wrap(const uint8_t *data, size_t len)
{
	size_t total = len + 15, headers = data[0] < len ? data[0] : len - 1;
	uint8_t *m = malloc(total);

	fuzz_require(m);
	eventstream_put_number(m, total);
	eventstream_put_number(m + 4, headers);
	eventstream_put_number(m + 8, crc32(0, m, 8));
	memcpy(m + 12, data + 1, len - 1);
	eventstream_put_number(m + total - 4, crc32(0, m, (uInt)total - 4));
	eventstream_compare(m, total);
	free(m);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	eventstream_compare(data, len);
	if (len)
		eventstream_wrap(data, len);
	return 0;
}
