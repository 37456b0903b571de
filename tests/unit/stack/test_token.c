/* SPDX-License-Identifier: BSD-3-Clause */
#include "stack/token.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define OPERATION "0123456789abcdef0123456789abcdef"
#define STACK	  "arn:aws:cloudformation:eu-west-1:123456789012:stack/vast-default/1"

static void test_each_request_has_a_token_of_its_own(void **state)
{
	static const struct {
		const char *operation, *api, *stack;
		unsigned attempt;
	} requests[] = {
		{OPERATION, "DeleteStack", STACK, 1},	  {OPERATION, "DeleteStack", STACK, 2},
		{OPERATION, "DeleteStack", STACK "2", 1}, {OPERATION, "ExecuteChangeSet", STACK, 1},
		{OPERATION "0", "DeleteStack", STACK, 1},
	};
	char tokens[ARRAY_SIZE(requests)][STACK_TOKEN_SIZE], again[STACK_TOKEN_SIZE];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(requests); i++) {
		stack_token(tokens[i], requests[i].operation, requests[i].api, requests[i].attempt, requests[i].stack);
		stack_token(again, requests[i].operation, requests[i].api, requests[i].attempt, requests[i].stack);
		assert_string_equal(tokens[i], again);
		for (size_t other = 0; other < i; other++)
			assert_string_not_equal(tokens[i], tokens[other]);
	}
}

static void test_aws_takes_the_token(void **state)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-";
	char token[STACK_TOKEN_SIZE];

	(void)state;
	stack_token(token, OPERATION, "ContinueUpdateRollback", 4000000000u, STACK);
	assert_int_equal(strspn(token, allowed), strlen(token));
	assert_in_range(strlen(token), 40, 128);
	assert_memory_equal(token, "vastfs-ContinueUpdateRollback-", 30);
}

#define EVENT(physical, status, token)                                                                            \
	"{\"StackId\":\"arn:s\",\"PhysicalResourceId\":\"" physical "\",\"ResourceStatus\":\"" status "\"," token \
	"\"Timestamp\":\"t\"}"
#define OURS   "\"ClientRequestToken\":\"ours\","
#define THEIRS "\"ClientRequestToken\":\"theirs\","

static void test_what_became_of_a_request(void **state)
{
	static const struct {
		const char *events, *status;
	} rows[] = {
		{"[]", ""},
		{"{}", ""},
		{"[" EVENT("arn:s", "CREATE_COMPLETE", "") "]", ""},
		{"[" EVENT("arn:s", "UPDATE_IN_PROGRESS", THEIRS) "]", ""},
		{"[" EVENT("f", "UPDATE_COMPLETE", OURS) "," EVENT("arn:s", "UPDATE_IN_PROGRESS", OURS) "]",
		 "UPDATE_IN_PROGRESS"},
		{"[" EVENT("arn:s", "DELETE_IN_PROGRESS", THEIRS) "," EVENT("arn:s", "CREATE_COMPLETE", OURS) "," EVENT(
			 "arn:s", "CREATE_IN_PROGRESS", OURS) "]",
		 "CREATE_COMPLETE"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		cJSON *events = cJSON_Parse(rows[i].events);

		assert_non_null(events);
		assert_string_equal(stack_token_status(events, "ours"), rows[i].status);
		cJSON_Delete(events);
	}
	assert_string_equal(stack_token_status(NULL, "ours"), "");
}

static void test_a_used_token_is_success(void **state)
{
	struct error err;

	(void)state;
	error_set(&err, -EIO, "The client request token t has already been used for this stack");
	snprintf(err.code, sizeof(err.code), "TokenAlreadyExistsException");
	assert_true(stack_token_was_used(&err));
	snprintf(err.code, sizeof(err.code), "TokenAlreadyExists");
	assert_true(stack_token_was_used(&err));
	snprintf(err.code, sizeof(err.code), "ValidationError");
	assert_false(stack_token_was_used(&err));
}

/* A token of the first thousand bytes only could be that of another stack. */
static void test_what_is_too_long_has_no_token(void **state)
{
	char id[1100], token[STACK_TOKEN_SIZE];

	(void)state;
	memset(id, 'x', sizeof(id) - 1);
	id[sizeof(id) - 1] = '\0';
	assert_int_equal(stack_token(token, "t", "DeleteStack", 1, id), -EOVERFLOW);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_each_request_has_a_token_of_its_own),
		cmocka_unit_test(test_aws_takes_the_token),
		cmocka_unit_test(test_what_became_of_a_request),
		cmocka_unit_test(test_a_used_token_is_success),
		cmocka_unit_test(test_what_is_too_long_has_no_token),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
