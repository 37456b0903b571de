/* SPDX-License-Identifier: BSD-3-Clause */
#include "base/buf.h"

#include "base/blob.h"
#include "failing.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void test_append_keeps_a_nul_behind_the_content(void **state)
{
	_buf_ struct buf b = BUF_INIT(100);

	(void)state;
	assert_string_equal(buf_str(&b), "");
	assert_int_equal(buf_puts(&b, "abc"), 0);
	assert_int_equal(buf_printf(&b, "-%d", 42), 0);
	assert_string_equal(b.data, "abc-42");
	assert_int_equal(b.len, 6);
}

static void test_over_the_maximum_nothing_is_appended(void **state)
{
	_buf_ struct buf b = BUF_INIT(4);

	(void)state;
	assert_int_equal(buf_puts(&b, "abc"), 0);
	assert_int_equal(buf_puts(&b, "de"), -EFBIG);
	assert_string_equal(b.data, "abc");
	assert_int_equal(b.error, -EFBIG);
	assert_int_equal(buf_putc(&b, 'd'), 0);
	assert_int_equal(b.error, -EFBIG);
}

static void test_take_leaves_an_empty_buffer(void **state)
{
	_buf_ struct buf b = BUF_INIT(100);
	char *s;

	(void)state;
	s = buf_take(&b);
	assert_string_equal(s, "");
	free(s);
	buf_puts(&b, "x");
	s = buf_take(&b);
	assert_string_equal(s, "x");
	assert_null(b.data);
	free(s);
}

static void test_drop_forgets_the_beginning(void **state _unused_)
{
	_buf_ struct buf b = BUF_INIT(10);

	buf_drop(&b, 0); /* from an empty buffer */
	buf_puts(&b, "0123456789");
	buf_drop(&b, 4);
	assert_string_equal(b.data, "456789");
	assert_int_equal(b.len, 6);
	assert_int_equal(buf_puts(&b, "abcd"), 0);
	buf_drop(&b, 10);
	assert_string_equal(buf_str(&b), "");
}

static void fill_without_memory(const void *secret)
{
	struct buf b = secret ? (struct buf)BUF_INIT_SECRET(1000) : (struct buf)BUF_INIT(1000);
	struct blob *blob, *empty;

	for (int i = 0; i < 30; i++)
		buf_puts(&b, "0123456789");
	assert_int_equal(b.error, failing_happened() ? -ENOMEM : 0);
	assert_int_equal(b.len % 10, 0);
	blob = blob_from_buf(&b);
	if (blob)
		assert_memory_equal(blob->data, "0123456789", blob->len ? 10 : 0);
	buf_free(&b);
	empty = blob_from_buf(&b);
	if (empty)
		assert_string_equal(empty->data, "");
	assert_true((blob && empty) || failing_happened());
	blob_unref(blob_ref(empty));
	blob_unref(empty);
	blob_unref(blob);
	assert_null(blob_ref(NULL));
}

static void test_without_memory(void **state)
{
	(void)state;
	assert_true(failing_each(fill_without_memory, NULL) >= 5);
	assert_true(failing_each(fill_without_memory, "secret") >= 5);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_append_keeps_a_nul_behind_the_content),
		cmocka_unit_test(test_drop_forgets_the_beginning),
		cmocka_unit_test(test_over_the_maximum_nothing_is_appended),
		cmocka_unit_test(test_take_leaves_an_empty_buffer),
		cmocka_unit_test(test_without_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
