/* SPDX-License-Identifier: BSD-3-Clause */
#include "stack/role_policies.h"

#include "base/cleanup.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define ACCOUNT "123456789012"

static void test_owner(void **state)
{
	static const struct {
		const char *arn, *partition, *words; /* words NULL: accepted */
	} rows[] = {
		{"arn:aws:iam::aws:policy/ReadOnlyAccess", "aws", NULL},
		{"arn:aws:iam::" ACCOUNT ":policy/mine", "aws", NULL},
		{"arn:aws-cn:iam::aws:policy/ReadOnlyAccess", "aws-cn", NULL},
		{"arn:aws:iam::aws:policy/ReadOnlyAccess", "aws-cn",
		 "the partition aws, but the stack's region to aws-cn"},
		{"arn:aws-us-gov:iam::aws:policy/ReadOnlyAccess", "aws", "the partition aws-us-gov"},
		{"arn:aws:iam::111122223333:policy/theirs", "aws", "belongs to account 111122223333"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct error err = {0};
		int r = role_policy_check_owner(rows[i].arn, rows[i].partition, ACCOUNT, &err);

		assert_int_equal(r, rows[i].words ? -EINVAL : 0);
		if (!rows[i].words)
			continue;
		if (!strstr(err.message, rows[i].words) || !strstr(err.message, rows[i].arn))
			fail_msg("%zu: %s", i, err.message);
		assert_non_null(strstr(err.remedy, "touch control/deploy"));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_owner)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
