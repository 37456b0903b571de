/* SPDX-License-Identifier: BSD-3-Clause */
#include "deflater.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define PLAIN_SIZE (4 << 20)

/* Inflates the data that it receives. */
struct reader {
	z_stream inflater;
	uint8_t plain[PLAIN_SIZE];
	size_t len, sent;
	int result; /* the last result of inflate() */
};

static int reader_take(void *context, const void *data, size_t len)
{
	struct reader *reader = context;

	assert_in_range(len, 1, FRAME_PAYLOAD_MAX);
	reader->sent += len;
	reader->inflater.next_in = (z_const Bytef *)data;
	reader->inflater.avail_in = (uInt)len;
	reader->inflater.next_out = reader->plain + reader->len;
	reader->inflater.avail_out = (uInt)(PLAIN_SIZE - reader->len);
	reader->result = inflate(&reader->inflater, Z_SYNC_FLUSH);
	reader->len = PLAIN_SIZE - reader->inflater.avail_out;
	return 0;
}

static struct reader *reader_new(void)
{
	struct reader *reader = calloc(1, sizeof(*reader));

	assert_non_null(reader);
	assert_int_equal(inflateInit2(&reader->inflater, -MAX_WBITS), Z_OK);
	return reader;
}

static void reader_free(struct reader *reader)
{
	inflateEnd(&reader->inflater);
	free(reader);
}

/* Alternates between text and incompressible bytes, with a little more than 1.5 MB of each. */
static void fill(uint8_t *data, size_t size)
{
	uint32_t state = 1;

	for (size_t i = 0; i < size; i++) {
		state = state * 1664525 + 1013904223;
		data[i] = (i / 1700000) % 2 ? (uint8_t)(state >> 24) : (uint8_t)("some text "[i % 10]);
	}
}

static void test_all_comes_back(void **state)
{
	struct reader *reader = reader_new();
	uint8_t *data = malloc(PLAIN_SIZE);
	struct deflater deflater;

	(void)state;
	assert_non_null(data);
	fill(data, PLAIN_SIZE);
	assert_int_equal(deflater_init(&deflater, reader_take, reader), 0);
	for (size_t at = 0, step = 1; at < PLAIN_SIZE; at += step) {
		step = step * 7 % 65537;
		step = step < PLAIN_SIZE - at ? step : PLAIN_SIZE - at;
		deflater.peer_is_slow = at % 3 == 0;
		assert_int_equal(deflater_add(&deflater, data + at, step), 0);
		assert_true(deflater.is_holding);
	}
	assert_int_equal(deflater_end(&deflater), 0);
	assert_int_equal(reader->result, Z_STREAM_END);
	assert_int_equal(reader->len, PLAIN_SIZE);
	assert_memory_equal(reader->plain, data, PLAIN_SIZE);
	assert_int_equal(deflater.length, PLAIN_SIZE);
	assert_int_equal(deflater.crc, crc32(0, data, PLAIN_SIZE));
	deflater_free(&deflater);
	free(data);
	reader_free(reader);
}

static void test_a_flush_hands_on_everything(void **state)
{
	struct reader *reader = reader_new();
	struct deflater deflater;

	(void)state;
	assert_int_equal(deflater_init(&deflater, reader_take, reader), 0);
	for (size_t i = 1; i <= 1000; i++) {
		assert_int_equal(deflater_add(&deflater, "x", 1), 0);
		assert_int_equal(reader->len, i - 1);
		assert_int_equal(deflater_flush(&deflater), 0);
		assert_false(deflater.is_holding);
		assert_int_equal(reader->len, i);
	}
	assert_true(reader->sent < 10000);
	deflater_free(&deflater);
	reader_free(reader);
}

static int refuse(void *context, const void *data, size_t len)
{
	(void)context, (void)data, (void)len;
	return -EPIPE;
}

static void test_what_send_returns_is_returned(void **state)
{
	struct deflater deflater;

	(void)state;
	assert_int_equal(deflater_init(&deflater, refuse, NULL), 0);
	assert_int_equal(deflater_add(&deflater, "x", 1), 0);
	assert_int_equal(deflater_flush(&deflater), -EPIPE);
	deflater_free(&deflater);
}

static void test_levels(void **state)
{
	const uint64_t in = 1000000;

	(void)state;
	/* The network transfers 2 MB/s. */
	assert_int_equal(deflater_level(1, in, in / 5, 101, false), 1);
	assert_int_equal(deflater_level(1, in, in / 5, 99, false), 6);
	assert_int_equal(deflater_level(1, in, in / 5, 0, false), 6);
	assert_int_equal(deflater_level(1, in, in / 5, 60000, true), 6);
	assert_int_equal(deflater_level(6, in, in / 8 - 1, 60, false), 8);
	assert_int_equal(deflater_level(8, in, in / 8, 60, false), 8);
	assert_int_equal(deflater_level(8, in, in / 8, 70, true), 8);
	assert_int_equal(deflater_level(8, in, in / 8, 70, false), 6);
	assert_int_equal(deflater_level(6, in, in / 8, 70, false), 1);
	assert_int_equal(deflater_level(1, in, in + 100, 50, true), 0);
	assert_int_equal(deflater_level(6, in, in - in / 20, 5000, false), 0);
	/* Copying gives no information about the data, so compression is tried again. */
	assert_int_equal(deflater_level(0, in, in, 1, true), 1);
	assert_true(deflater_span(0) > deflater_span(6));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_all_comes_back),
		cmocka_unit_test(test_a_flush_hands_on_everything),
		cmocka_unit_test(test_what_send_returns_is_returned),
		cmocka_unit_test(test_levels),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
