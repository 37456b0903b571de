/* SPDX-License-Identifier: BSD-3-Clause */
#include "base/stream.h"
#include "failing.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void test_offsets_go_on_over_the_wrap(void **state)
{
	_cleanup_(stream_unref_cleanup) struct stream *s = stream_new(8);
	char out[16] = "";

	(void)state;
	stream_append(s, "abcdef", 6);
	assert_int_equal(stream_read(s, 2, out, sizeof(out)), 4);
	assert_memory_equal(out, "cdef", 4);
	stream_append(s, "ghij", 4);
	assert_int_equal(stream_size(s), 10);
	assert_int_equal(stream_read(s, 6, out, sizeof(out)), 4);
	assert_memory_equal(out, "ghij", 4);
	assert_int_equal(stream_read(s, 10, out, sizeof(out)), 0);
}

static void test_what_was_dropped_reads_as_newlines(void **state)
{
	_cleanup_(stream_unref_cleanup) struct stream *s = stream_new(4);
	char out[16] = "";

	(void)state;
	stream_append(s, "abcdefgh", 8);
	assert_int_equal(stream_read(s, 0, out, sizeof(out)), 8);
	assert_memory_equal(out, "\n\n\n\nefgh", 8);
	stream_append(s, "0123456789", 10);
	assert_int_equal(stream_read(s, 14, out, sizeof(out)), 4);
	assert_memory_equal(out, "6789", 4);
}

static void test_growing_keeps_what_was_written(void **state)
{
	_cleanup_(stream_unref_cleanup) struct stream *s = stream_new(1 << 20);
	char line[100], out[100];

	(void)state;
	memset(line, 'x', sizeof(line));
	for (int i = 0; i < 1000; i++) {
		line[0] = (char)('a' + i % 26);
		stream_append(s, line, sizeof(line));
	}
	for (uint64_t i = 0; i < 1000; i++) {
		assert_int_equal(stream_read(s, i * 100, out, 100), 100);
		assert_int_equal(out[0], 'a' + (int)(i % 26));
		assert_int_equal(out[99], 'x');
	}
}

/* A log that cannot grow keeps as much of its end as fits; it grows as soon as there is memory. */
static void append_without_memory(const void *arg)
{
	struct stream *s = stream_new(2000);
	char text[600], out[2000];
	size_t n;

	(void)arg;
	assert_true(s || failing_happened());
	if (!s)
		return;
	for (int i = 0; i < 3; i++) {
		memset(text, 'a' + i, sizeof(text));
		stream_append(s, text, sizeof(text));
	}
	assert_int_equal(stream_size(s), 1800);
	n = 1800 - (size_t)stream_start(s);
	assert_true(failing_happened() ? n >= 600 : n == 1800);
	assert_int_equal(stream_read(s, stream_start(s), out, sizeof(out)), n);
	for (size_t i = 0; i < n; i++)
		assert_int_equal(out[n - 1 - i], 'c' - i / 600);
	stream_unref(s);
}

static void test_without_memory(void **state)
{
	(void)state;
	assert_true(failing_each(append_without_memory, NULL) >= 3);
}

static void test_a_line_that_is_too_long_is_cut(void **state)
{
	_cleanup_(stream_unref_cleanup) struct stream *s = stream_new(4096);
	char out[4096];
	size_t n;

	(void)state;
	stream_printf(s, "%03000d\n", 1);
	stream_printf(s, "%s\n", "next");
	n = stream_read(s, 0, out, sizeof(out));
	assert_int_equal(n, 2047 + 5);
	assert_memory_equal(out + n - 7, "0\nnext\n", 7);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_offsets_go_on_over_the_wrap),
		cmocka_unit_test(test_what_was_dropped_reads_as_newlines),
		cmocka_unit_test(test_without_memory),
		cmocka_unit_test(test_a_line_that_is_too_long_is_cut),
		cmocka_unit_test(test_growing_keeps_what_was_written),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
