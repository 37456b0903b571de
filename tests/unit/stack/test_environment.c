/* SPDX-License-Identifier: BSD-3-Clause */
#include "stack/environment.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static void test_canonical_form(void **state)
{
	static const struct {
		const char *value, *canonical;
	} rows[] = {
		{"A=1", "A=1"},
		{"A=1,B=2", "A=1,B=2"},
		{" A=1 ,\tB=2 ", "A=1,B=2"},
		{"A=,B=", "A=,B="},
		{"A=two words, B=x=y", "A=two words,B=x=y"},
		{"_a1=$HOME,A='x'", "_a1=$HOME,A='x'"},
		{"", ""},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		_buf_ struct buf out = BUF_INIT(100);
		struct error err = {0};

		if (*rows[i].value)
			assert_int_equal(environment_check(rows[i].value, &err), 0);
		assert_int_equal(environment_write(rows[i].value, &out), 0);
		assert_string_equal(buf_str(&out), rows[i].canonical);
	}
}

static void test_what_is_refused(void **state)
{
	static const struct {
		const char *value, *words;
	} rows[] = {
		{"A", "\"A\" is not NAME=value"},	{"A=1,b", "\"b\" is not NAME=value"},
		{"A=1,", "\"\" is not NAME=value"},	{",A=1", "\"\" is not NAME=value"},
		{"A=1,,B=2", "\"\" is not NAME=value"}, {"=1", "\"=1\" is not NAME=value"},
		{"1A=1", "\"1A=1\" is not NAME=value"}, {"A-B=1", "\"A-B=1\" is not NAME=value"},
		{"A =1", "\"A =1\" is not NAME=value"}, {"\xc3\xa4=1", "is not NAME=value"},
		{"A=1,AB=2,A=3", "A is set twice"},	{"A={{resolve:ssm:x}}", "CloudFormation"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct error err = {0};

		assert_int_equal(environment_check(rows[i].value, &err), -EINVAL);
		if (!strstr(err.message, rows[i].words))
			fail_msg("%s: \"%s\" lacks \"%s\"", rows[i].value, err.message, rows[i].words);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_canonical_form),
		cmocka_unit_test(test_what_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
