/* SPDX-License-Identifier: BSD-3-Clause */
/* Tests batches that are packed as gzip, and input streams that are gzip. */
#include "ingest/gunzip.h"
#include "ingest/packer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#define ROOM (64 << 20)

static int keep(const char *data, size_t len, void *arg)
{
	return buf_append(arg, data, len);
}

static int inflate_all(const char *data, size_t len, size_t piece, struct buf *out, struct error *err)
{
	struct gunzip g;
	int r = 0;

	gunzip_init(&g, keep, out);
	for (size_t at = 0; at < len && r == 0; at += piece)
		r = gunzip_feed(&g, data + at, len - at < piece ? len - at : piece, err);
	if (r == 0)
		r = gunzip_end(&g, err);
	gunzip_free(&g);
	return r;
}

/* Appends data that does not compress. */
static void put_noise(struct buf *b, size_t len, uint32_t seed)
{
	while (len--) {
		seed = seed * 1664525 + 1013904223;
		buf_putc(b, (char)(seed >> 24));
	}
}

static void test_a_batch_is_a_gzip_member(void **state)
{
	_buf_ struct buf plain = BUF_INIT(ROOM);
	struct error err = {0};
	struct packer p;

	(void)state;
	packer_init(&p);
	for (int round = 0; round < 2; round++) {
		buf_clear(&plain);
		assert_true(packer_is_empty(&p));
		assert_int_equal(packer_add_header(&p, "h\n", 2), 0);
		for (int i = 0; i < 1000; i++)
			assert_int_equal(packer_add(&p, "{\"a\":1}\n", 8, 1), 0);
		assert_int_equal(p.events, 1000);
		assert_int_equal(p.bytes, 8000);
		assert_int_equal(p.inflated, 8002);
		assert_int_equal(packer_finish(&p), 0);
		assert_int_equal(inflate_all(p.out.data, p.out.len, 100, &plain, &err), 0);
		assert_int_equal(plain.len, 8002);
		packer_next(&p);
	}
	packer_free(&p);
}

static void test_what_a_batch_would_be_now(void **state)
{
	_buf_ struct buf peek = BUF_INIT(PACKER_MAX), plain = BUF_INIT(ROOM);
	struct error err = {0};
	struct packer p;

	(void)state;
	packer_init(&p);
	packer_add(&p, "one", 3, 0);
	assert_int_equal(packer_peek(&p, &peek), 0);
	packer_add(&p, "two", 3, 0);
	assert_int_equal(packer_finish(&p), 0);
	assert_int_equal(inflate_all(peek.data, peek.len, 7, &plain, &err), 0);
	assert_string_equal(buf_str(&plain), "one");
	buf_clear(&plain);
	assert_int_equal(inflate_all(p.out.data, p.out.len, 7, &plain, &err), 0);
	assert_string_equal(buf_str(&plain), "onetwo");
	packer_free(&p);
}

static void test_noise_never_exceeds_the_limit(void **state)
{
	_buf_ struct buf noise = BUF_INIT(ROOM), small = BUF_INIT(1000);
	struct packer p;

	(void)state;
	put_noise(&noise, 4 << 20, 1);
	packer_init(&p);
	assert_true(packer_has_room(&p, noise.len));
	assert_int_equal(packer_add(&p, noise.data, noise.len, 1), 0);
	assert_false(packer_has_room(&p, noise.len));
	assert_int_equal(packer_peek(&p, &small), -EFBIG);
	assert_true(packer_is_full(&p, PACKER_TARGET));
	assert_false(packer_is_full(&p, PACKER_MAX));
	while (packer_has_room(&p, 1000))
		assert_int_equal(packer_add(&p, noise.data, 1000, 1), 0);
	assert_int_equal(packer_finish(&p), 0);
	assert_true(p.out.len <= PACKER_MAX);
	packer_next(&p);
	assert_int_equal(packer_add(&p, noise.data, noise.len, 1), 0);
	assert_int_equal(packer_add(&p, noise.data, noise.len, 1), -EFBIG);
	packer_free(&p);
}

/* What compresses well ends a batch by its inflated size, because the command has little time. */
static void test_a_batch_ends_by_its_inflated_size(void **state)
{
	char *line = calloc(1, 1 << 20);
	struct packer p;

	(void)state;
	packer_init(&p);
	for (int i = 0; i < PACKER_PLAIN >> 20; i++) {
		assert_false(packer_is_full(&p, PACKER_TARGET));
		assert_int_equal(packer_add(&p, line, 1 << 20, 1), 0);
	}
	assert_true(packer_is_full(&p, PACKER_TARGET));
	packer_free(&p);
	free(line);
}

static void make_gzip(const char *text, struct buf *out)
{
	struct packer p;

	packer_init(&p);
	packer_add(&p, text, strlen(text), 1);
	packer_finish(&p);
	buf_append(out, p.out.data, p.out.len);
	packer_free(&p);
}

static void test_streams_of_any_pieces(void **state)
{
	_buf_ struct buf gz = BUF_INIT(ROOM), plain = BUF_INIT(ROOM);
	struct error err = {0};

	(void)state;
	make_gzip("first, ", &gz);
	make_gzip("second", &gz);
	buf_append(&gz, "\0\0\0", 3);
	for (size_t piece = 1; piece < 60; piece++) {
		buf_clear(&plain);
		assert_int_equal(inflate_all(gz.data, gz.len, piece, &plain, &err), 0);
		assert_string_equal(buf_str(&plain), "first, second");
		buf_clear(&plain);
		assert_int_equal(inflate_all("\x1fplain", 6, piece, &plain, &err), 0);
		assert_string_equal(buf_str(&plain), "\x1fplain");
	}
	buf_clear(&plain);
	assert_int_equal(inflate_all("x", 1, 1, &plain, &err), 0);
	assert_string_equal(buf_str(&plain), "x");
	assert_int_equal(inflate_all("", 0, 1, &plain, &err), 0);
}

static void test_a_gzip_stream_cut_short_or_damaged(void **state)
{
	_buf_ struct buf gz = BUF_INIT(ROOM), noise = BUF_INIT(ROOM);

	(void)state;
	put_noise(&noise, 100000, 3);
	for (size_t i = 0; i < noise.len; i++)
		noise.data[i] = (char)(noise.data[i] | 1);
	make_gzip(noise.data, &gz);
	for (size_t len = 2; len < gz.len; len += 997) {
		_buf_ struct buf plain = BUF_INIT(ROOM);
		struct error err = {0};

		assert_int_equal(inflate_all(gz.data, len, 1000, &plain, &err), -EBADMSG);
		assert_non_null(strstr(err.message, "cut short"));
		assert_memory_equal(buf_str(&plain), noise.data, plain.len);
	}
	for (size_t at = 100; at < gz.len; at += 9973) {
		_buf_ struct buf plain = BUF_INIT(ROOM);
		struct error err = {0};

		gz.data[at] ^= 0x10;
		assert_int_equal(inflate_all(gz.data, gz.len, 1000, &plain, &err), -EBADMSG);
		assert_true(strstr(err.message, "damaged") || strstr(err.message, "cut short"));
		gz.data[at] ^= 0x10;
	}
	buf_puts(&gz, "garbage");
	{
		_buf_ struct buf plain = BUF_INIT(ROOM);
		struct error err = {0};

		assert_int_equal(inflate_all(gz.data, gz.len, 1000, &plain, &err), -EBADMSG);
	}
}

static int note_pieces(const char *data, size_t len, void *arg)
{
	buf_printf(arg, "%zu:", len);
	return buf_append(arg, data, len);
}

/* The receiver recognizes its format by the first two bytes. */
static void test_the_first_two_bytes_arrive_together(void **state)
{
	/* printf abc | gzip -n1, with stored blocks of one byte each */
	static const char gz[] = "\x1f\x8b\x08\0\0\0\0\0\0\x03\0\x01\0\xfe\xff"
				 "a\0\x01\0\xfe\xff"
				 "b\x01\x01\0\xfe\xff"
				 "c";
	_buf_ struct buf out = BUF_INIT(ROOM), cut = BUF_INIT(ROOM);
	struct error err = {0};
	struct gunzip g;

	(void)state;
	gunzip_init(&g, note_pieces, &out);
	for (size_t i = 0; i + 1 < sizeof(gz); i++)
		assert_int_equal(gunzip_feed(&g, gz + i, 1, &err), 0);
	gunzip_free(&g);
	assert_string_equal(buf_str(&out), "2:ab1:c");
	gunzip_init(&g, note_pieces, &cut);
	assert_int_equal(gunzip_feed(&g, gz, 18, &err), 0);
	assert_int_equal(gunzip_end(&g, &err), -EBADMSG);
	gunzip_free(&g);
	assert_string_equal(buf_str(&cut), "1:a");
}

static void test_what_precedes_damage_is_handed_on(void **state)
{
	static const char gz[] = "\x1f\x8b\x08\0\0\0\0\0\0\x03\0\x03\0\xfc\xff"
				 "abc\xff";

	(void)state;
	for (size_t piece = 1; piece < sizeof(gz); piece++) {
		_buf_ struct buf out = BUF_INIT(ROOM);
		struct error err = {0};

		assert_int_equal(inflate_all(gz, sizeof(gz) - 1, piece, &out, &err), -EBADMSG);
		assert_string_equal(buf_str(&out), "abc");
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_batch_is_a_gzip_member),
		cmocka_unit_test(test_what_a_batch_would_be_now),
		cmocka_unit_test(test_noise_never_exceeds_the_limit),
		cmocka_unit_test(test_a_batch_ends_by_its_inflated_size),
		cmocka_unit_test(test_streams_of_any_pieces),
		cmocka_unit_test(test_a_gzip_stream_cut_short_or_damaged),
		cmocka_unit_test(test_the_first_two_bytes_arrive_together),
		cmocka_unit_test(test_what_precedes_damage_is_handed_on),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
