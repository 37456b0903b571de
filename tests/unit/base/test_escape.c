/* SPDX-License-Identifier: BSD-3-Clause */
#include "base/error.h"
#include "base/escape.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void expect(const char *text, const char *line)
{
	_buf_ struct buf out = BUF_INIT(4096);
	char copy[256];

	assert_int_equal(escape_line(&out, text), 0);
	assert_string_equal(buf_str(&out), line);
	assert_string_equal(escape_copy(copy, sizeof(copy), text), line);
	/* Escaping a text twice does not change it further. */
	buf_clear(&out);
	assert_int_equal(escape_line(&out, line), 0);
	assert_string_equal(buf_str(&out), line);
}

static void test_text_that_can_be_read_stays(void **state)
{
	(void)state;
	expect("", "");
	expect("plain text", "plain text");
	expect("C:\\path \"x\"", "C:\\path \"x\"");
	expect("gr\xc3\xbc\xc3\x9f \xe2\x82\xac \xf0\x9f\x98\x80", "gr\xc3\xbc\xc3\x9f \xe2\x82\xac \xf0\x9f\x98\x80");
}

static void test_all_else_is_escaped(void **state)
{
	(void)state;
	expect("a\nb\tc\rd", "a\\nb\\tc\\rd");
	expect("\x01\x1b[31m\x7f", "\\x01\\x1b[31m\\x7f");
	expect("a" ESCAPE_NUL "b" ESCAPE_LEAD "c", "a\\x00b\\xc0c");
	expect("\xff\xfe", "\\xff\\xfe");
	expect("\xc3", "\\xc3");
	expect("\xe2\x82", "\\xe2\\x82");
	expect("\xc1\x81", "\\xc1\\x81");			     /* overlong */
	expect("\xed\xa0\x80", "\\xed\\xa0\\x80");		     /* half of a surrogate pair */
	expect("\xf4\x90\x80\x80", "\\xf4\\x90\\x80\\x80");	     /* beyond Unicode */
	expect("\xc2\x85\xe2\x80\xa8", "\\xc2\\x85\\xe2\\x80\\xa8"); /* next line, line separator */
	expect("a\xe2\x80\x8b\xc2\xad\xe2\x81\xa0z", "a\\xe2\\x80\\x8b\\xc2\\xad\\xe2\\x81\\xa0z"); /* invisible */
	expect("\xf3\xa0\x81\xa1", "\\xf3\\xa0\\x81\\xa1"); /* a tag character */
	expect("\xe2\x80\x8d", "\xe2\x80\x8d");		    /* joins emoji */
	expect("\xe2\x80\xae", "\\xe2\\x80\\xae");	    /* right to left */
	expect("\xd8\x9c", "\\xd8\\x9c");		    /* Arabic letter mark */
}

static void test_a_cut_is_between_characters(void **state)
{
	char out[4];

	(void)state;
	assert_string_equal(escape_copy(out, sizeof(out), "ab\xe2\x82\xac"), "ab");
	assert_string_equal(escape_copy(out, sizeof(out), "\x01"), "");
	assert_string_equal(escape_copy(out, sizeof(out), "\xe2\x82\xac"), "\xe2\x82\xac");
	assert_string_equal(escape_copy(out, 1, "x"), "");
}

static void test_raw_bytes_come_back(void **state)
{
	static const char bytes[] = "a\0b\xc0\xc0\x80\x81z";
	_buf_ struct buf out = BUF_INIT(64);

	(void)state;
	assert_int_equal(escape_raw(&out, "a" ESCAPE_NUL "b" ESCAPE_LEAD ESCAPE_LEAD "\x80\x81z"), 0);
	assert_int_equal(out.len, sizeof(bytes) - 1);
	assert_memory_equal(out.data, bytes, sizeof(bytes) - 1);
}

static void test_messages_are_one_line(void **state)
{
	struct error err;

	(void)state;
	error_set(&err, -EIO, "%s", "one\ntwo\x1b[0m.\n");
	assert_string_equal(err.message, "one\\ntwo\\x1b[0m");
	error_prefix(&err, "%s", "a\tb");
	assert_string_equal(err.message, "a\\tb: one\\ntwo\\x1b[0m");
	error_remedy(&err, "%s", "x\ry");
	assert_string_equal(err.remedy, "x\\ry");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_text_that_can_be_read_stays), cmocka_unit_test(test_all_else_is_escaped),
		cmocka_unit_test(test_a_cut_is_between_characters), cmocka_unit_test(test_raw_bytes_come_back),
		cmocka_unit_test(test_messages_are_one_line),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
