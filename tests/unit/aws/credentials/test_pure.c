/* SPDX-License-Identifier: BSD-3-Clause */
/* Tests the decisions about credentials that need no request. */
#include "aws/credentials/keys.h"
#include "aws/credentials/role_limits.h"
#include "aws/credentials/words.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#define MINUTE INT64_C(60000)

static void test_renewal(void **state)
{
	(void)state;
	assert_int_equal(aws_credentials_renewal_ms(0, 60 * MINUTE), 45 * MINUTE);
	assert_int_equal(aws_credentials_renewal_ms(0, 30 * MINUTE), 15 * MINUTE);
	assert_int_equal(aws_credentials_renewal_ms(0, 15 * MINUTE), 15 * MINUTE / 2);
	assert_int_equal(aws_credentials_renewal_ms(59 * MINUTE, 60 * MINUTE), 59 * MINUTE + MINUTE / 2);
}

static void test_integer(void **state)
{
	static const char *const wrong[] = {"", " ", "+", "-", "1.5", "1__0", "_1", "1_", "0x10", "1 2", "one"};
	long n;

	(void)state;
	assert_int_equal(words_integer(" +1_800\n", &n), 0);
	assert_int_equal(n, 1800);
	assert_int_equal(words_integer("-5", &n), 0);
	assert_int_equal(n, -5);
	assert_int_equal(words_integer("99999999999999999999999", &n), 0);
	assert_true(n > 1000000000);
	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++)
		assert_int_equal(words_integer(wrong[i], &n), -EINVAL);
}

static void test_roles(void **state)
{
	static const char arn[] = "arn:aws:iam::1:role/r";
	struct error err = {0};
	int seconds;

	(void)state;
	assert_int_equal(role_check(arn, NULL, NULL, &err), 0);
	assert_int_equal(role_check(arn, "", "ab", &err), 0);
	assert_int_equal(role_check("arn:aws:iam::1", NULL, NULL, &err), -ENOKEY);
	assert_int_equal(role_check(arn, "x", NULL, &err), -ENOKEY);
	assert_int_equal(role_check(arn, NULL, "", &err), -ENOKEY);
	assert_int_equal(role_duration(NULL, &seconds, &err), 0);
	assert_int_equal(seconds, 0);
	assert_int_equal(role_duration("an hour", &seconds, &err), 0);
	assert_int_equal(seconds, 0);
	assert_int_equal(role_duration("900", &seconds, &err), 0);
	assert_int_equal(seconds, 900);
	assert_int_equal(role_duration("899", &seconds, &err), -ENOKEY);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_renewal), cmocka_unit_test(test_integer),
					   cmocka_unit_test(test_roles)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
