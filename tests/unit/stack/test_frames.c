/* SPDX-License-Identifier: BSD-3-Clause */
#include "stack/frames.h"

#include "runtime/frames.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <zlib.h>

#include <cmocka.h>

static void put_bytes(struct buf *b, char type, const void *payload, size_t len)
{
	buf_putc(b, type);
	for (int shift = 24; shift >= 0; shift -= 8)
		buf_putc(b, (char)(len >> shift));
	buf_append(b, payload, len);
}

static void put_frame(struct buf *b, char type, const char *payload)
{
	put_bytes(b, type, payload, strlen(payload));
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

/* -- compressed stdout ------------------------------------------------------------------------------------------ */

/*
 * Compresses with zlib's deflate, with a window and in raw form as the format requires. The mode of the last addition
 * determines whether the stream ends.
 */
struct deflating {
	z_stream stream;
	struct buf out;
};

static void deflating_begin(struct deflating *d)
{
	*d = (struct deflating){.out = BUF_INIT(1 << 22)};
	assert_int_equal(deflateInit2(&d->stream, 6, Z_DEFLATED, -MAX_WBITS, 8, Z_DEFAULT_STRATEGY), Z_OK);
}

static void deflating_add(struct deflating *d, const void *data, size_t len, int mode)
{
	uint8_t room[4096];

	d->stream.next_in = (z_const Bytef *)data;
	d->stream.avail_in = (uInt)len;
	do {
		d->stream.next_out = room;
		d->stream.avail_out = sizeof(room);
		deflate(&d->stream, mode);
		buf_append(&d->out, room, sizeof(room) - d->stream.avail_out);
	} while (!d->stream.avail_out);
}

static void deflating_end(struct deflating *d)
{
	deflateEnd(&d->stream);
	buf_free(&d->out);
}

static void put_deflated_end(struct buf *in, const char *plain, size_t length_lie, uint32_t crc_lie)
{
	_buf_ struct buf more = BUF_INIT(FRAMES_END_MAX);
	uint32_t crc = (uint32_t)crc32(0, (const Bytef *)plain, (uInt)strlen(plain));

	buf_printf(&more, "\"stdout_length\":%zu,\"stdout_crc32\":%u,", strlen(plain) + length_lie, crc ^ crc_lie);
	put_end(in, buf_str(&more), 0, 0);
}

/* Writes two frames that split a symbol, with stderr in between. No runtime splits the stream there. */
static void put_deflated(struct buf *in, const char *plain, int mode)
{
	struct deflating d;

	deflating_begin(&d);
	deflating_add(&d, plain, strlen(plain), mode);
	buf_puts(in, FRAMES_PREAMBLE);
	put_bytes(in, FRAME_DEFLATED, d.out.data, d.out.len / 2);
	put_frame(in, FRAME_STDERR, "careful");
	put_bytes(in, FRAME_DEFLATED, d.out.data + d.out.len / 2, d.out.len - d.out.len / 2);
	deflating_end(&d);
}

static const char poem[] = "one two one two one two three, and one two one two one two four";

static void deflated_frames_in_any_pieces(void **state _unused_)
{
	_buf_ struct buf in = BUF_INIT(1 << 20);

	put_deflated(&in, poem, Z_FINISH);
	put_deflated_end(&in, poem, 0, 0);
	for (size_t step = 1; step <= in.len; step++) {
		struct parsed p;

		parse(&p, &in, step);
		assert_int_equal(p.r, 0);
		assert_true(frames_ended(&p.f));
		assert_string_equal(buf_str(&p.out[0]), poem);
		assert_string_equal(buf_str(&p.out[1]), "careful");
		parsed_free(&p);
	}
}

static void what_is_flushed_is_handed_on(void **state _unused_)
{
	_buf_ struct buf in = BUF_INIT(1 << 20);
	struct deflating d;
	struct parsed p;

	deflating_begin(&d);
	deflating_add(&d, "first line\n", 11, Z_SYNC_FLUSH);
	buf_puts(&in, FRAMES_PREAMBLE);
	put_bytes(&in, FRAME_DEFLATED, d.out.data, d.out.len);
	parse(&p, &in, in.len);
	assert_int_equal(p.r, 0);
	assert_string_equal(buf_str(&p.out[0]), "first line\n");
	assert_false(frames_ended(&p.f));
	parsed_free(&p);
	deflating_end(&d);
}

static void no_byte_of_a_cut_deflated_stream_ends_it(void **state _unused_)
{
	_buf_ struct buf in = BUF_INIT(1 << 20);

	put_deflated(&in, poem, Z_FINISH);
	put_deflated_end(&in, poem, 0, 0);
	while (in.len--) {
		struct parsed p;

		parse(&p, &in, in.len ? in.len : 1);
		assert_int_equal(p.r, 0);
		assert_false(frames_ended(&p.f));
		parsed_free(&p);
	}
}

static void deflated_ends_that_do_not_match(void **state _unused_)
{
	_buf_ struct buf length = BUF_INIT(1 << 20), crc = BUF_INIT(1 << 20), none = BUF_INIT(1 << 20),
			 open = BUF_INIT(1 << 20), claim = BUF_INIT(1 << 20);

	put_deflated(&length, poem, Z_FINISH);
	put_deflated_end(&length, poem, 1, 0);
	expect_garbage(&length, false);
	put_deflated(&crc, poem, Z_FINISH);
	put_deflated_end(&crc, poem, 0, 1);
	expect_garbage(&crc, false);
	put_deflated(&none, poem, Z_FINISH);
	put_end(&none, "", 0, 0);
	expect_garbage(&none, false);
	put_deflated(&open, poem, Z_SYNC_FLUSH); /* all bytes are present, but the deflate stream has no end */
	put_deflated_end(&open, poem, 0, 0);
	expect_garbage(&open, false);
	buf_puts(&claim, FRAMES_PREAMBLE);
	put_deflated_end(&claim, poem, 0, 0);
	expect_garbage(&claim, false);
}

static void frames_of_both_kinds(void **state _unused_)
{
	_buf_ struct buf after = BUF_INIT(1 << 20), before = BUF_INIT(1 << 20);

	put_deflated(&after, poem, Z_SYNC_FLUSH);
	put_frame(&after, FRAME_STDOUT, "plain");
	expect_garbage(&after, false);
	put_example(&before);
	put_bytes(&before, FRAME_DEFLATED, "\3\0", 2);
	expect_garbage(&before, false);
}

static void hostile_deflate(void **state _unused_)
{
	static const struct {
		const char *bytes;
		size_t len;
	} lies[] = {
		{"\377", 1},			      /* an unknown block type */
		{"\0\5\0\5\0hello", 10},	      /* a stored length that does not match its complement */
		{"\3\0more", 6},		      /* data behind the end */
		{"\x1f\x8b\b\0\0\0\0\0\0\3\3\0", 12}, /* gzip, not raw */
		{"\x4b\x04\x12\0", 4},		      /* refers to bytes before the beginning */
	};

	for (size_t i = 0; i < ARRAY_SIZE(lies); i++) {
		_buf_ struct buf in = BUF_INIT(1 << 20);

		buf_puts(&in, FRAMES_PREAMBLE);
		put_bytes(&in, FRAME_DEFLATED, lies[i].bytes, lies[i].len);
		expect_garbage(&in, false);
	}
}

static void any_garbage_in_a_deflated_frame(void **state _unused_)
{
	_buf_ struct buf good = BUF_INIT(1 << 20);

	put_deflated(&good, poem, Z_FINISH);
	put_deflated_end(&good, poem, 0, 0);
	for (size_t at = FRAMES_PREAMBLE_LEN; at < good.len; at++) {
		for (int bit = 0; bit < 8; bit++) {
			struct parsed p;

			good.data[at] = (char)(good.data[at] ^ 1 << bit);
			parse(&p, &good, good.len);
			assert_true(p.r < 0 || !frames_ended(&p.f) || strcmp(buf_str(&p.out[0]), poem) == 0);
			parsed_free(&p);
			good.data[at] = (char)(good.data[at] ^ 1 << bit);
		}
	}
}

struct bounded {
	size_t taken, limit, largest;
};

static int take_up_to_limit(bool is_stderr _unused_, const void *data _unused_, size_t len, void *arg)
{
	struct bounded *b = arg;

	if (len > b->limit - b->taken)
		return -EFBIG;
	b->taken += len;
	b->largest = len > b->largest ? len : b->largest;
	return 0;
}

/*
 * 256 MB of zeros in 260 KB: the consumer of the output stops the stream, and little more than the limit is inflated.
 */
static void a_bomb_ends_at_the_limit(void **state _unused_)
{
	static const char zeros[1 << 20];
	_buf_ struct buf in = BUF_INIT(1 << 22);
	struct bounded bounded = {.limit = 1000000};
	struct deflating d;
	struct frames f;

	deflating_begin(&d);
	for (int i = 0; i < 256; i++)
		deflating_add(&d, zeros, sizeof(zeros), i < 255 ? Z_NO_FLUSH : Z_FINISH);
	buf_puts(&in, FRAMES_PREAMBLE);
	for (size_t at = 0; at < d.out.len; at += FRAME_PAYLOAD_MAX)
		put_bytes(&in, FRAME_DEFLATED, d.out.data + at,
			  d.out.len - at < FRAME_PAYLOAD_MAX ? d.out.len - at : FRAME_PAYLOAD_MAX);
	deflating_end(&d);
	frames_init(&f, take_up_to_limit, &bounded);
	assert_int_equal(frames_feed(&f, in.data, in.len), -EFBIG);
	assert_in_range(bounded.taken, bounded.limit - FRAMES_INFLATED_MAX, bounded.limit);
	assert_in_range(bounded.largest, 1, FRAMES_INFLATED_MAX);
	assert_true(f.plain_stdout->length <= bounded.limit + FRAMES_INFLATED_MAX);
	assert_int_equal(frames_feed(&f, "o", 1), -EFBIG);
	frames_free(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(frames_in_any_pieces),
		cmocka_unit_test(no_byte_of_a_cut_stream_ends_it),
		cmocka_unit_test(ends_that_do_not_match),
		cmocka_unit_test(hostile_frames),
		cmocka_unit_test(nothing_follows_the_end),
		cmocka_unit_test(without_the_preamble_it_is_something_else),
		cmocka_unit_test(deflated_frames_in_any_pieces),
		cmocka_unit_test(what_is_flushed_is_handed_on),
		cmocka_unit_test(no_byte_of_a_cut_deflated_stream_ends_it),
		cmocka_unit_test(deflated_ends_that_do_not_match),
		cmocka_unit_test(frames_of_both_kinds),
		cmocka_unit_test(hostile_deflate),
		cmocka_unit_test(any_garbage_in_a_deflated_frame),
		cmocka_unit_test(a_bomb_ends_at_the_limit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
