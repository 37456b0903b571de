/* SPDX-License-Identifier: BSD-3-Clause */
#include "stack/policy_document.h"

#include "base/cleanup.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define PULL                                                                                                 \
	"{\"Sid\":\"LambdaPull\",\"Effect\":\"Allow\",\"Principal\":{\"Service\":\"lambda.amazonaws.com\"}," \
	"\"Action\":[\"ecr:BatchGetImage\",\"ecr:GetDownloadUrlForLayer\"],"                                 \
	"\"Condition\":{\"StringLike\":{\"aws:sourceArn\":\"arn:aws:lambda:eu-central-1:123456789012:function:*\"}}}"
#define MOUNT                                                             \
	"{\"Effect\":\"Allow\",\"Principal\":{\"AWS\":\"123456789012\"}," \
	"\"Action\":[\"elasticfilesystem:ClientMount\",\"elasticfilesystem:ClientWrite\"]}"
#define TLS                                                                                  \
	"{\"Effect\":\"Deny\",\"Principal\":{\"AWS\":\"*\"},\"Action\":\"*\",\"Condition\":" \
	"{\"Bool\":{\"aws:SecureTransport\":\"false\"}}}"
#define POLICY(statements) "{\"Version\":\"2012-10-17\",\"Statement\":[" statements "]}"
#define RULE                                                                                                 \
	"{\"rulePriority\":1,\"description\":\"untagged images\",\"selection\":{\"tagStatus\":\"untagged\"," \
	"\"countType\":\"sinceImagePushed\",\"countUnit\":\"days\",\"countNumber\":7},\"action\":{\"type\":" \
	"\"expire\"}}"
#define RULES(rules) "{\"rules\":[" rules "]}"

static void check(const char *ours, const char *theirs, int missing, int added)
{
	struct policy_difference d;

	assert_int_equal(policy_compare(ours, theirs, &d), 0);
	if (cJSON_GetArraySize(d.missing) != missing || cJSON_GetArraySize(d.added) != added)
		fail_msg("%s\n%s\nmissing %d added %d", ours, theirs, cJSON_GetArraySize(d.missing),
			 cJSON_GetArraySize(d.added));
	policy_difference_release(&d);
	assert_int_equal(policy_compare(theirs, ours, &d), 0);
	assert_int_equal(cJSON_GetArraySize(d.missing), added);
	assert_int_equal(cJSON_GetArraySize(d.added), missing);
	policy_difference_release(&d);
}

/* All forms of an equivalent policy that AWS returns or that a person may write. */
static void test_the_same_in_another_form(void **state)
{
	static const struct {
		const char *ours, *theirs;
	} rows[] = {
		{POLICY(MOUNT "," TLS), POLICY(MOUNT "," TLS)},
		{POLICY(MOUNT "," TLS), " " POLICY(TLS " ,\n\t" MOUNT) "\n"},
		{POLICY(MOUNT), "{\"Id\":\"x\",\"Statement\":" MOUNT ",\"Version\":\"2012-10-17\"}"},
		{POLICY(MOUNT),
		 POLICY("{\"Action\":[\"elasticfilesystem:clientwrite\",\"elasticfilesystem:ClientMount\"],\"Sid\":"
			"\"s\","
			"\"Principal\":{\"AWS\":[\"arn:aws:iam::123456789012:root\"]},\"Effect\":\"Allow\"}")},
		{POLICY(TLS),
		 POLICY("{\"Effect\":\"Deny\",\"Principal\":\"*\",\"Action\":[\"*\"],\"Condition\":{\"Bool\":"
			"{\"aws:securetransport\":[false]}}}")},
		{POLICY(PULL),
		 POLICY("{\"Effect\":\"Allow\",\"Principal\":{\"Service\":[\"lambda.amazonaws.com\"]},\"Condition\":"
			"{\"StringLike\":{\"aws:SourceArn\":[\"arn:aws:lambda:eu-central-1:123456789012:function:*\"]}}"
			","
			"\"Action\":[\"ecr:GetDownloadUrlForLayer\",\"ecr:BatchGetImage\",\"ecr:BatchGetImage\"]}")},
		{RULES(RULE), "{\"rules\": [" RULE "]}"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		check(rows[i].ours, rows[i].theirs, 0, 0);
}

static void test_what_differs(void **state)
{
	static const struct {
		const char *ours, *theirs;
		int missing, added;
	} rows[] = {
		{POLICY(MOUNT "," TLS), POLICY(MOUNT), 1, 0},
		{POLICY(MOUNT), POLICY(MOUNT "," PULL), 0, 1},
		{POLICY(MOUNT), POLICY(TLS), 1, 1},
		{POLICY(MOUNT), "{}", 1, 0},
		{POLICY(MOUNT), "not a policy", 1, 0},
		/* another account; a user of the account instead of the account; more actions; the opposite effect */
		{POLICY(MOUNT),
		 POLICY("{\"Effect\":\"Allow\",\"Principal\":{\"AWS\":\"arn:aws:iam::999956789012:root\"},"
			"\"Action\":[\"elasticfilesystem:ClientMount\",\"elasticfilesystem:ClientWrite\"]}"),
		 1, 1},
		{POLICY(MOUNT),
		 POLICY("{\"Effect\":\"Allow\",\"Principal\":{\"AWS\":\"arn:aws:iam::123456789012:user/root\"},"
			"\"Action\":[\"elasticfilesystem:ClientMount\",\"elasticfilesystem:ClientWrite\"]}"),
		 1, 1},
		{POLICY(MOUNT),
		 POLICY("{\"Effect\":\"Allow\",\"Principal\":{\"AWS\":\"123456789012\"},\"Action\":["
			"\"elasticfilesystem:ClientMount\",\"elasticfilesystem:ClientRootAccess\"]}"),
		 1, 1},
		{POLICY(MOUNT),
		 POLICY("{\"Effect\":\"Deny\",\"Principal\":{\"AWS\":\"123456789012\"},"
			"\"Action\":[\"elasticfilesystem:ClientMount\",\"elasticfilesystem:ClientWrite\"]}"),
		 1, 1},
		/* values are case-sensitive where the case matters */
		{POLICY("{\"Resource\":\"arn:A\"}"), POLICY("{\"Resource\":\"arn:a\"}"), 1, 1},
		{RULES(RULE), RULES(RULE ",{\"rulePriority\":2}"), 0, 1},
		{RULES("{\"countNumber\":7}"), RULES("{\"countNumber\":14}"), 1, 1},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		check(rows[i].ours, rows[i].theirs, rows[i].missing, rows[i].added);
}

static void test_verdicts(void **state)
{
	static const char *const versions[] = {POLICY(MOUNT "," TLS), POLICY(TLS), NULL};
	static const struct {
		const char *there;
		enum policy_state is;
	} rows[] = {
		{NULL, POLICY_ABSENT},
		{POLICY(TLS "," MOUNT), POLICY_CURRENT},
		{POLICY(TLS), POLICY_OUTDATED},
		{POLICY(MOUNT), POLICY_EDITED},
		{POLICY(MOUNT "," TLS "," PULL), POLICY_EDITED},
		{"", POLICY_EDITED},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		enum policy_state is;

		assert_int_equal(policy_judge(rows[i].there, versions, &is), 0);
		if (is != rows[i].is)
			fail_msg("%zu: %d", i, is);
	}
}

static long allocations_left;

static void *few(size_t size)
{
	return allocations_left-- > 0 ? malloc(size) : NULL;
}

static void test_without_memory_there_is_no_verdict(void **state)
{
	cJSON_Hooks hooks = {few, free};
	struct policy_difference d = {0};
	int r = -ENOMEM;

	(void)state;
	cJSON_InitHooks(&hooks);
	for (long n = 0; r == -ENOMEM; n++) {
		allocations_left = n;
		r = policy_compare(POLICY(MOUNT "," TLS), POLICY(PULL), &d);
	}
	cJSON_InitHooks(NULL);
	assert_int_equal(r, 0);
	policy_difference_release(&d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_the_same_in_another_form),
		cmocka_unit_test(test_what_differs),
		cmocka_unit_test(test_verdicts),
		cmocka_unit_test(test_without_memory_there_is_no_verdict),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
