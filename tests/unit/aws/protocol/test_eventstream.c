/* SPDX-License-Identifier: BSD-3-Clause */
#include "aws/protocol/eventstream.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <zlib.h>

#include <cmocka.h>

static void put32(struct buf *b, uint32_t n)
{
	for (int shift = 24; shift >= 0; shift -= 8)
		buf_putc(b, (char)(n >> shift));
}

static void put_header(struct buf *b, const char *name, const char *value)
{
	buf_putc(b, (char)strlen(name));
	buf_puts(b, name);
	buf_append(b, "\7\0", 2);
	buf_putc(b, (char)strlen(value));
	buf_puts(b, value);
}

static void put_message(struct buf *b, const struct buf *headers, const void *payload, size_t len)
{
	_buf_ struct buf m = BUF_INIT(1 << 20);

	put32(&m, (uint32_t)(16 + headers->len + len));
	put32(&m, (uint32_t)headers->len);
	put32(&m, (uint32_t)crc32(0, (const Bytef *)m.data, 8));
	buf_append(&m, buf_str(headers), headers->len);
	buf_append(&m, payload, len);
	put32(&m, (uint32_t)crc32(0, (const Bytef *)m.data, (uInt)m.len));
	buf_append(b, m.data, m.len);
}

static void put_event(struct buf *b, const char *type, const char *payload)
{
	_buf_ struct buf headers = BUF_INIT(1 << 16);

	put_header(&headers, ":message-type", "event");
	put_header(&headers, ":event-type", type);
	put_message(b, &headers, payload, strlen(payload));
}

/* Records "<event>=<payload>;". */
static int note(const struct eventstream_message *m, void *arg)
{
	return buf_printf(arg, "%s%s=%.*s;", m->event_type, m->exception_type, (int)m->len, (const char *)m->payload);
}

static int decode(const struct buf *in, size_t step, struct buf *out)
{
	struct eventstream s;
	int r = 0;

	eventstream_init(&s, note, out);
	for (size_t at = 0; at < in->len && r == 0; at += step)
		r = eventstream_feed(&s, in->data + at, in->len - at < step ? in->len - at : step);
	if (r < 0)
		assert_int_equal(eventstream_feed(&s, "", 0), r);
	else
		r = eventstream_is_whole(&s);
	eventstream_free(&s);
	return r;
}

static void messages_in_any_pieces(void **state _unused_)
{
	_buf_ struct buf in = BUF_INIT(1 << 20);

	put_event(&in, "PayloadChunk", "hello");
	put_event(&in, "PayloadChunk", "");
	put_event(&in, "InvokeComplete", "{}");
	for (size_t step = 1; step <= in.len; step++) {
		_buf_ struct buf out = BUF_INIT(1 << 16);

		assert_int_equal(decode(&in, step, &out), 1);
		assert_string_equal(buf_str(&out), "PayloadChunk=hello;PayloadChunk=;InvokeComplete={};");
	}
}

static void every_type_of_header(void **state _unused_)
{
	_buf_ struct buf in = BUF_INIT(1 << 20), headers = BUF_INIT(1 << 16), out = BUF_INIT(1 << 16);
	static const uint8_t lengths[] = {0, 0, 1, 2, 4, 8, 0, 0, 8, 16};

	for (int type = 0; type < 10; type++) {
		buf_append(&headers, "\1x", 2);
		buf_putc(&headers, (char)type);
		if (type == 6 || type == 7)
			buf_append(&headers, "\0\3abc", 5);
		buf_append(&headers, "0123456789abcdef", lengths[type]);
	}
	put_header(&headers, ":message-type", "exception");
	put_header(&headers, ":exception-type", "Oops");
	put_message(&in, &headers, "x", 1);
	assert_int_equal(decode(&in, in.len, &out), 1);
	assert_string_equal(buf_str(&out), "Oops=x;");
}

static void what_is_cut_is_not_whole(void **state _unused_)
{
	_buf_ struct buf in = BUF_INIT(1 << 20);

	put_event(&in, "PayloadChunk", "hello");
	while (--in.len) {
		_buf_ struct buf out = BUF_INIT(1 << 16);

		assert_int_equal(decode(&in, 7, &out), 0);
		assert_int_equal(out.len, 0);
	}
}

/* A change of any byte is detected by one of the two checksums. */
static void changed_bytes(void **state _unused_)
{
	_buf_ struct buf in = BUF_INIT(1 << 20);

	put_event(&in, "PayloadChunk", "hello");
	for (size_t i = 0; i < in.len; i++) {
		_buf_ struct buf out = BUF_INIT(1 << 16);

		in.data[i] ^= 0x10;
		assert_int_equal(decode(&in, 11, &out), -EBADMSG);
		assert_int_equal(out.len, 0);
		in.data[i] ^= 0x10;
	}
}

static void put_prelude(struct buf *b, uint32_t total, uint32_t headers)
{
	put32(b, total);
	put32(b, headers);
	put32(b, (uint32_t)crc32(0, (const Bytef *)b->data, 8));
}

static void lengths_that_lie(void **state _unused_)
{
	static const uint32_t lies[][2] = {{0, 0},
					   {15, 0},
					   {16, 1},
					   {0xffffffff, 0},
					   {0xffffffff, 0xffffffff},
					   {200000, 131073},
					   {16 + 25165825, 0},
					   {20, 0xfffffffc}};

	for (size_t i = 0; i < ARRAY_SIZE(lies); i++) {
		_buf_ struct buf in = BUF_INIT(64), out = BUF_INIT(64);

		put_prelude(&in, lies[i][0], lies[i][1]);
		assert_int_equal(decode(&in, 5, &out), -EBADMSG);
	}
}

static void headers_that_lie(void **state _unused_)
{
	static const struct {
		const char *bytes;
		size_t len;
	} lies[] = {{"\5ab", 3},    {"\0\0", 2},	   {"\1a", 2},	   {"\1a\12", 3},
		    {"\1a\7\0", 4}, {"\1a\7\377\377x", 6}, {"\1a\11x", 4}, {"\1a\4xyz", 6}};

	for (size_t i = 0; i < ARRAY_SIZE(lies); i++) {
		_buf_ struct buf in = BUF_INIT(1 << 16), out = BUF_INIT(64), headers = BUF_INIT(64);

		buf_append(&headers, lies[i].bytes, lies[i].len);
		put_message(&in, &headers, "", 0);
		assert_int_equal(decode(&in, 3, &out), -EBADMSG);
		assert_int_equal(out.len, 0);
	}
}

static int refuse(const struct eventstream_message *m _unused_, void *arg _unused_)
{
	return -ENOSPC;
}

static void the_receiver_may_refuse(void **state _unused_)
{
	_buf_ struct buf in = BUF_INIT(1 << 20);
	struct eventstream s;

	put_event(&in, "PayloadChunk", "hello");
	eventstream_init(&s, refuse, NULL);
	assert_int_equal(eventstream_feed(&s, in.data, in.len), -ENOSPC);
	assert_false(eventstream_is_whole(&s));
	eventstream_free(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(messages_in_any_pieces),   cmocka_unit_test(every_type_of_header),
		cmocka_unit_test(what_is_cut_is_not_whole), cmocka_unit_test(changed_bytes),
		cmocka_unit_test(lengths_that_lie),	    cmocka_unit_test(headers_that_lie),
		cmocka_unit_test(the_receiver_may_refuse),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
