/* SPDX-License-Identifier: BSD-3-Clause */
#include "stack/forms.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static const struct {
	bool (*is)(const char *s);
	const char *text;
	bool expected;
} rows[] = {
	{form_is_number, "0", true},
	{form_is_number, "123456789", true},
	{form_is_number, "", false},
	{form_is_number, "01", false},
	{form_is_number, "1234567890", false},
	{form_is_number, "-1", false},
	{form_is_number, "1 ", false},
	{form_is_region, "eu-central-1", true},
	{form_is_region, "us-gov-west-10", true},
	{form_is_region, "eu-1", false},
	{form_is_region, "e-central-1", false},
	{form_is_region, "eu-central-", false},
	{form_is_region, "eu--central-1", false},
	{form_is_region, "eu-central-1a", false},
	{form_is_zone, "eu-central-1a", true},
	{form_is_zone, "eu-central-1ab", false},
	{form_is_zone, "eu-central-1", false},
	{form_is_zone, "a", false},
	{form_is_vpc_id, "vpc-01234567", true},
	{form_is_vpc_id, "vpc-0123456789abcdef0", true},
	{form_is_vpc_id, "vpc-012345678", false},
	{form_is_vpc_id, "vpc-0123456g", false},
	{form_is_vpc_id, "VPC-01234567", false},
	{form_is_stage, "a-1-b", true},
	{form_is_stage, "", false},
	{form_is_stage, "a-", false},
	{form_is_stage, "-a", false},
	{form_is_stage, "a--b", false},
	{form_is_stage, "A", false},
	{form_is_absolute_path, "/var/lib/vast", true},
	{form_is_absolute_path, "/", false},
	{form_is_absolute_path, "/a/", false},
	{form_is_absolute_path, "a", false},
	{form_is_absolute_path, "/a b", false},
	{form_is_absolute_path, "", false},
	{form_has_dots, "/a/../b", true},
	{form_has_dots, "/a/.", true},
	{form_has_dots, "/a/..", true},
	{form_has_dots, "/a/...", false},
	{form_has_dots, "/.a/b.", false},
	{form_is_policy_arn, "arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess", true},
	{form_is_policy_arn, "arn:aws-us-gov:iam::123456789012:policy/a/b/c", true},
	{form_is_policy_arn, "arn:aws:iam::aws:policy/job-function/X+=.@-_", true},
	{form_is_policy_arn, "arn:aws:iam:::policy/X", false},
	{form_is_policy_arn, "arn:aws:iam::12345678901:policy/X", false},
	{form_is_policy_arn, "arn:aws:iam::aws:policy/", false},
	{form_is_policy_arn, "arn:aws:iam::aws:policy/a,b/X", false},
	{form_is_policy_arn, "arn:aws:iam::aws:policy//X", false},
	{form_is_policy_arn, "arn:aws:iam::aws:role/X", false},
	{form_is_policy_arn, "arn:aws:iam::aws:policy/X Y", false},
};

static void test_forms(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		if (rows[i].is(rows[i].text) != rows[i].expected)
			fail_msg("row %zu: %s", i, rows[i].text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_forms)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
