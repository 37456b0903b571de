/* SPDX-License-Identifier: BSD-3-Clause */
#include "aws/protocol/protocol.h"
#include "aws/rights.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void test_the_table_is_sorted_and_has_three_roles(void **state)
{
	(void)state;
	for (size_t i = 1; i < rights_rows_n; i++)
		assert_true(strcmp(rights_rows[i - 1].action, rights_rows[i].action) < 0);
	assert_string_equal(rights_role_of("ecs:ListTasks"), "viewer");
	assert_string_equal(rights_role_of("lambda:InvokeFunction"), "operator");
	assert_string_equal(rights_role_of("ec2:CreateSubnet"), "deployer");
	assert_null(rights_role_of("kms:GenerateDataKey"));
	assert_null(rights_role_of(""));
}

static const struct {
	const char *code, *message, *action, *remedy;
} denials[] = {
	{"AccessDeniedException",
	 "User: arn:aws:iam::1:user/v is not authorized to perform: lambda:InvokeFunction on resource: x",
	 "lambda:Invoke", "attach the policy contrib/iam/operator.json, which allows lambda:InvokeFunction,"},
	{"UnauthorizedOperation", "You are not authorized to perform this operation.", "ec2:DescribeVpcs",
	 "attach the policy contrib/iam/viewer.json, which allows ec2:DescribeVpcs,"},
	{"AccessDenied",
	 "is not authorized to perform: iam:CreateRole on resource: r with an explicit deny in a service control "
	 "policy",
	 NULL, "remove the explicit deny of iam:CreateRole"},
	{"AccessDeniedException", "is not authorized to perform: kms:GenerateDataKey", NULL,
	 "to allow kms:GenerateDataKey"},
	{"AccessDenied", "Access Denied", NULL, "ask the administrator of the account for this permission"},
};

static void test_a_denied_call_names_action_and_policy(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(denials) / sizeof(*denials); i++) {
		struct error err = {0};

		strcpy(err.code, denials[i].code);
		strcpy(err.message, denials[i].message);
		aws_explain(&err, denials[i].action);
		assert_int_equal(err.errnum, -EIO);
		assert_non_null(strstr(err.remedy, denials[i].remedy));
	}
}

static void test_other_errors_are_no_denials(void **state)
{
	struct error err = {.code = "ThrottlingException", .message = "Rate exceeded"};

	(void)state;
	assert_false(rights_are_missing(&err));
	aws_explain(&err, "ecs:ListTasks");
	assert_null(strstr(err.remedy, "contrib/iam"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_the_table_is_sorted_and_has_three_roles),
		cmocka_unit_test(test_a_denied_call_names_action_and_policy),
		cmocka_unit_test(test_other_errors_are_no_denials),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
