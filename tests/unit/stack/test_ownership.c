/* SPDX-License-Identifier: BSD-3-Clause */
#include "stack/ownership.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define TAG(key, value)	   "\"Tags\":[{\"Key\":\"owner\",\"Value\":\"me\"},{\"Key\":\"" key "\",\"Value\":\"" value "\"}]"
#define OUTPUT(key, value) "\"Outputs\":[{\"OutputKey\":\"" key "\",\"OutputValue\":\"" value "\"}]"
#define PARAMETER(value)   "\"Parameters\":[{\"ParameterKey\":\"Stage\",\"ParameterValue\":\"" value "\"}]"

static void test_whose_a_stack_is(void **state)
{
	static const struct {
		const char *record;
		bool ours;
	} rows[] = {
		{"{" TAG("vastfs:stage", "prod") "}", true},
		{"{" TAG("vastfs:stage", "test") "}", false},
		{"{" TAG("vastfs:stage", "") "}", false},
		{"{" TAG("Vastfs:Stage", "prod") "}", false},
		{"{" TAG("stage", "prod") "}", false},
		{"{" OUTPUT("TemplateVersion", "2") "}", true},
		{"{" OUTPUT("TemplateVersion", "2") "," PARAMETER("prod") "}", true},
		{"{" OUTPUT("TemplateVersion", "2") "," PARAMETER("test") "}", false},
		{"{" OUTPUT("TemplateVersion", "2010-09-09") "}", false},
		{"{" OUTPUT("TemplateVersion", "") "}", false},
		{"{" OUTPUT("TemplateVersion", "2") "," TAG("vastfs:stage", "test") "}", false},
		{"{" OUTPUT("ClusterName", "c") "," PARAMETER("prod") "}", false},
		{"{\"Tags\":\"\",\"Outputs\":\"\"}", false},
		{"{\"StackStatus\":\"REVIEW_IN_PROGRESS\",\"Tags\":[]}", false},
		{"{}", false},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		cJSON *record = cJSON_Parse(rows[i].record);
		struct error err = {0};

		assert_non_null(record);
		if (stack_is_ours(record, "prod") != rows[i].ours)
			fail_msg("%s", rows[i].record);
		assert_int_equal(stack_check_ours(record, "vast-prod", "prod", &err), rows[i].ours ? 0 : -EEXIST);
		assert_int_equal(error_is(&err), !rows[i].ours);
		cJSON_Delete(record);
	}
	assert_int_equal(stack_check_ours(NULL, "vast-prod", "prod", NULL), 0);
}

static void test_the_refusal_names_stack_and_tag(void **state)
{
	struct error err;

	(void)state;
	assert_int_equal(stack_refuse_foreign("vast-prod", "prod", &err), -EEXIST);
	assert_non_null(strstr(err.message, "the stack vast-prod"));
	assert_non_null(strstr(err.message, "vastfs:stage=prod"));
	assert_non_null(strstr(err.remedy, "config/default.env"));
}

static void test_a_stack_in_review_is_its_change_sets(void **state)
{
	static const struct {
		const char *reply;
		bool ours;
	} rows[] = {
		{"{\"Summaries\":[{\"ChangeSetName\":\"vastfs-0123-0\"}]}", true},
		{"{\"Summaries\":[{\"ChangeSetName\":\"vastfs-0123-0\"},{\"ChangeSetName\":\"vastfs-45-1\"}]}", true},
		{"{\"Summaries\":[{\"ChangeSetName\":\"vastfs-0123-0\"},{\"ChangeSetName\":\"theirs\"}]}", false},
		{"{\"Summaries\":[{\"ChangeSetName\":\"theirs\"}]}", false},
		{"{\"Summaries\":[{}]}", false},
		{"{\"Summaries\":[]}", false},
		{"{\"Summaries\":\"\"}", false},
		{"{}", false},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		cJSON *reply = cJSON_Parse(rows[i].reply);

		assert_int_equal(stack_review_is_ours(reply), rows[i].ours);
		cJSON_Delete(reply);
	}
	assert_false(stack_review_is_ours(NULL));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_whose_a_stack_is),
		cmocka_unit_test(test_the_refusal_names_stack_and_tag),
		cmocka_unit_test(test_a_stack_in_review_is_its_change_sets),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
