/* SPDX-License-Identifier: BSD-3-Clause */
#include "base/error.h"

#include "base/cleanup.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void test_a_message_is_one_line_without_a_full_stop(void **state)
{
	struct error err = {.code = "Old", .remedy = "old"};

	(void)state;
	assert_int_equal(error_set(&err, -EIO, "%s.\r\n", "two\nlines"), -EIO);
	assert_string_equal(err.message, "two\\nlines");
	assert_string_equal(err.code, "");
	assert_string_equal(err.remedy, "");
	error_remedy(&err, "wait.");
	assert_string_equal(err.remedy, "wait");
	assert_int_equal(error_prefix(&err, "cannot %s", "read"), -EIO);
	assert_string_equal(err.message, "cannot read: two\\nlines");
	assert_string_equal(err.remedy, "wait");
}

static void test_nobody_has_to_ask_for_the_reason(void **state)
{
	(void)state;
	assert_int_equal(error_set(NULL, -EIO, "unread"), -EIO);
	error_remedy(NULL, "unread");
}

/* A failure without a message of its own must not be reported with the message of an earlier one. */
static void test_the_message_is_about_the_last_failure(void **state)
{
	static const struct {
		int before, errnum;
		const char *message;
	} cases[] = {
		{0, 0, ""},
		{-EIO, 0, "before"},
		{-EIO, 1, "before"},
		{-EIO, -EIO, "before"},
		{-EIO, -ENOMEM, "out of memory"},
		{0, -ENOMEM, "out of memory"},
		{-EIO, -ECANCELED, "cancelled"},
		{-ENOENT, -EIO, "before"},
		{0, -ENOSPC, "No space left on device"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct error err = {0};

		if (cases[i].message[0] == 'b' || cases[i].before)
			error_set(&err, cases[i].before, "before");
		assert_int_equal(error_complete(&err, cases[i].errnum), cases[i].errnum);
		assert_string_equal(err.message, cases[i].message);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_message_is_one_line_without_a_full_stop),
		cmocka_unit_test(test_nobody_has_to_ask_for_the_reason),
		cmocka_unit_test(test_the_message_is_about_the_last_failure),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
