/* SPDX-License-Identifier: BSD-3-Clause */
#include "stack/frames.h"

#include "runtime/frames.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <zlib.h>

#include <cmocka.h>

static void put_frame(struct buf *b, char type, const char *payload)
{
	size_t len = strlen(payload);

	buf_putc(b, type);
	for (int shift = 24; shift >= 0; shift -= 8)
		buf_putc(b, (char)(len >> shift));
	buf_puts(b, payload);
}

static void put_end(struct buf *b, const char *more, size_t length_lie, uint32_t crc_lie)
{
	_buf_ struct buf json = BUF_INIT(FRAMES_END_MAX);
	uint32_t crc = (uint32_t)crc32(0, (const Bytef *)b->data, (uInt)b->len);

	buf_printf(&json, "{\"exit_code\":3,%s\"length\":%zu,\"crc32\":%u}", more, b->len + length_lie, crc ^ crc_lie);
	put_frame(b, FRAME_END, buf_str(&json));
}

static int note(bool is_stderr, const void *data, size_t len, void *arg)
{
	struct buf *out = arg;

	return buf_append(out + is_stderr, data, len);
}

struct parsed {
	struct buf out[2];
	struct frames f;
	int r;
};

static void parse(struct parsed *p, const struct buf *in, size_t step)
{
	*p = (struct parsed){.out = {BUF_INIT(1 << 20), BUF_INIT(1 << 20)}};
	frames_init(&p->f, note, p->out);
	for (size_t at = 0; at < in->len && p->r == 0; at += step)
		p->r = frames_feed(&p->f, in->data + at, in->len - at < step ? in->len - at : step);
}

static void parsed_free(struct parsed *p)
{
	frames_free(&p->f);
	buf_free(&p->out[0]);
	buf_free(&p->out[1]);
}

static void put_example(struct buf *in)
{
	buf_puts(in, FRAMES_PREAMBLE);
	put_frame(in, FRAME_STDOUT, "one ");
	put_frame(in, FRAME_STDERR, "");
	put_frame(in, FRAME_STDERR, "careful");
	put_frame(in, FRAME_STDOUT, "two");
}

static void frames_in_any_pieces(void **state _unused_)
{
	_buf_ struct buf in = BUF_INIT(1 << 20);

	put_example(&in);
	put_end(&in, "\"signal\":9,\"timed_out\":true,\"stdin_bytes\":5000000000,\"new\":[],", 0, 0);
	for (size_t step = 1; step <= in.len; step++) {
		struct parsed p;

		parse(&p, &in, step);
		assert_int_equal(p.r, 0);
		assert_true(frames_ended(&p.f));
		assert_string_equal(buf_str(&p.out[0]), "one two");
		assert_string_equal(buf_str(&p.out[1]), "careful");
		assert_int_equal(p.f.end.exit_code, 3);
		assert_int_equal(p.f.end.signal, 9);
		assert_true(p.f.end.timed_out);
		assert_int_equal(p.f.end.stdin_bytes, 5000000000);
		parsed_free(&p);
	}
}

static void no_byte_of_a_cut_stream_ends_it(void **state _unused_)
{
	_buf_ struct buf in = BUF_INIT(1 << 20);

	put_example(&in);
	put_end(&in, "", 0, 0);
	while (in.len--) {
		struct parsed p;

		parse(&p, &in, in.len ? in.len : 1);
		assert_int_equal(p.r, 0);
		assert_false(frames_ended(&p.f));
		parsed_free(&p);
	}
}

static void expect_garbage(const struct buf *in, bool plain)
{
	for (size_t step = 1; step <= in->len; step += 3) {
		struct parsed p;

		parse(&p, in, step);
		assert_int_equal(p.r, -EBADMSG);
		assert_int_equal(p.f.plain, plain);
		assert_false(frames_ended(&p.f));
		assert_int_equal(frames_feed(&p.f, "o", 1), -EBADMSG);
		parsed_free(&p);
	}
}

static void ends_that_do_not_match(void **state _unused_)
{
	_buf_ struct buf length = BUF_INIT(1 << 20), crc = BUF_INIT(1 << 20), text = BUF_INIT(1 << 20);

	put_example(&length);
	put_end(&length, "", 1, 0);
	expect_garbage(&length, false);
	put_example(&crc);
	put_end(&crc, "", 0, 1);
	expect_garbage(&crc, false);
	put_example(&text);
	put_frame(&text, FRAME_END, "no JSON");
	expect_garbage(&text, false);
}

static void hostile_frames(void **state _unused_)
{
	static const struct {
		const char *bytes;
		size_t len;
	} lies[] = {
		{"q\0\0\0\0", 5}, {"o\0\1\0\1", 5}, {"o\377\377\377\377", 5}, {"x\0\0\0\0", 5}, {"x\0\1\0\0", 5},
	};

	for (size_t i = 0; i < ARRAY_SIZE(lies); i++) {
		_buf_ struct buf in = BUF_INIT(1 << 20);

		put_example(&in);
		buf_append(&in, lies[i].bytes, lies[i].len);
		expect_garbage(&in, false);
	}
}

static void nothing_follows_the_end(void **state _unused_)
{
	_buf_ struct buf in = BUF_INIT(1 << 20);

	put_example(&in);
	put_end(&in, "", 0, 0);
	buf_putc(&in, '\n');
	expect_garbage(&in, false);
}

static void without_the_preamble_it_is_something_else(void **state _unused_)
{
	_buf_ struct buf in = BUF_INIT(1 << 10), near = BUF_INIT(1 << 10);

	buf_puts(&in, "{\"errorMessage\":\"no shell\"}");
	expect_garbage(&in, true);
	buf_puts(&near, "vastfs3\n");
	expect_garbage(&near, true);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(frames_in_any_pieces),	   cmocka_unit_test(no_byte_of_a_cut_stream_ends_it),
		cmocka_unit_test(ends_that_do_not_match),  cmocka_unit_test(hostile_frames),
		cmocka_unit_test(nothing_follows_the_end), cmocka_unit_test(without_the_preamble_it_is_something_else),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
