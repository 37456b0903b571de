/* SPDX-License-Identifier: BSD-3-Clause */
#include "aws/aws.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

AWS_SHAPE(members, {"list", AWS_LIST}, {"list.*", AWS_OBJECT}, {"list.*.id", AWS_STRING},
	  {"list.*.name", AWS_STRING | AWS_OPTIONAL}, {"list.*.n", AWS_NUMBER | AWS_OPTIONAL},
	  {"list.*.at", AWS_TIME | AWS_OPTIONAL}, {"list.*.on", AWS_BOOL | AWS_OPTIONAL},
	  {"list.*.count", AWS_COUNT | AWS_OPTIONAL}, {"list.*.text", AWS_TEXT | AWS_OPTIONAL},
	  {"named", AWS_ENTRIES | AWS_OPTIONAL}, {"o", AWS_OBJECT | AWS_OPTIONAL}, {"o.v", AWS_STRING});

/* The message of the check, or "" if the reply is valid. */
static const char *verdict(const char *json)
{
	static struct error err;
	cJSON *body = json ? cJSON_Parse(json) : NULL;
	int r;

	err = (struct error){0};
	r = aws_shape_check(members, body, &err);
	assert_true(r == 0 || (r == -ENOMSG && err.errnum == -ENOMSG));
	cJSON_Delete(body);
	return err.message;
}

static void test_what_fits(void **state)
{
	static const char *const fine[] = {
		"{\"list\":[]}",
		"{\"list\":[{\"id\":\"a\"}],\"more\":null}",
		"{\"list\":[{\"id\":\"a\",\"name\":\"\",\"n\":\"5\",\"at\":1764075853.25,\"on\":\"false\"}]}",
		"{\"list\":[{\"id\":\"a\",\"name\":null,\"n\":-5e300,\"on\":true}],\"named\":null,\"o\":null}",
		"{\"list\":[],\"named\":[1],\"o\":{\"v\":\"x\"}}",
		"{\"list\":[{\"id\":\"a\",\"count\":0,\"text\":\"\"},{\"id\":\"b\",\"count\":\"9007199254740992\"}]}",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(fine) / sizeof(*fine); i++)
		assert_string_equal(verdict(fine[i]), "");
	assert_int_equal(aws_shape_check(NULL, NULL, NULL), 0);
}

static void test_what_does_not(void **state)
{
	static const struct {
		const char *json, *message;
	} rows[] = {
		{NULL, "it is empty"},
		{"null", "it is null where an object is expected"},
		{"[]", "it is an empty list where an object is expected"},
		{"{}", "list is missing"},
		{"{\"list\":null}", "list is null where a list is expected"},
		{"{\"list\":5}", "list is a number where a list is expected"},
		{"{\"list\":{}}", "list is an object where a list is expected"},
		{"{\"list\":\"x\"}", "list is a string where a list is expected"},
		{"{\"list\":[[]]}", "list.* is an empty list where an object is expected"},
		{"{\"list\":[{\"id\":\"a\"},null]}", "list.* is null where an object is expected"},
		{"{\"list\":[{\"id\":\"a\"},{}]}", "list.*.id is missing"},
		{"{\"list\":[{\"id\":\"\"}]}", "list.*.id is empty where a string is expected"},
		{"{\"list\":[{\"id\":\"a\",\"name\":7}]}", "list.*.name is a number where a string is expected"},
		{"{\"list\":[{\"id\":\"a\",\"n\":\"nan\"}]}", "list.*.n is a string where a number is expected"},
		{"{\"list\":[{\"id\":\"a\",\"n\":\"5x\"}]}", "list.*.n is a string where a number is expected"},
		{"{\"list\":[{\"id\":\"a\",\"at\":1e300}]}", "list.*.at is a number where a time is expected"},
		{"{\"list\":[{\"id\":\"a\",\"at\":-1}]}", "list.*.at is a number where a time is expected"},
		{"{\"list\":[{\"id\":\"a\",\"on\":\"yes\"}]}",
		 "list.*.on is a string where a boolean value is expected"},
		{"{\"list\":[{\"id\":\"a\",\"count\":-1}]}", "list.*.count is a number where a count is expected"},
		{"{\"list\":[{\"id\":\"a\",\"count\":1.5}]}", "list.*.count is a number where a count is expected"},
		{"{\"list\":[{\"id\":\"a\",\"count\":1e300}]}", "list.*.count is a number where a count is expected"},
		{"{\"list\":[{\"id\":\"a\",\"text\":5}]}", "list.*.text is a number where a string is expected"},
		{"{\"list\":[],\"named\":[]}", "named is an empty list where a list with entries is expected"},
		{"{\"list\":[],\"o\":{}}", "o.v is missing"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		assert_string_equal(verdict(rows[i].json), rows[i].message);
}

AWS_ECHOES(echoes, {"Stacks.*.StackId", "StackName"}, {"tasks.*.arn", "tasks"}, {"name", "name"});

/* The message of the check, or "" if the reply is about what was asked for. */
static const char *echoed(const char *params_text, const char *body_text)
{
	static struct error err;
	cJSON *params = cJSON_Parse(params_text), *body = cJSON_Parse(body_text);
	int r;

	err = (struct error){0};
	r = aws_echo_check(echoes, params, body, &err);
	assert_true(r == 0 || (r == -ENOMSG && err.errnum == -ENOMSG));
	cJSON_Delete(params);
	cJSON_Delete(body);
	return err.message;
}

#define STACK(name) "arn:aws:cloudformation:eu-west-1:1:stack/" name

static void test_what_repeats_the_request(void **state)
{
	static const struct {
		const char *params, *body;
	} rows[] = {
		{"{\"StackName\":\"a\"}", "{\"Stacks\":[{\"StackId\":\"" STACK("a/0") "\"}]}"},
		{"{\"StackName\":\"" STACK("a/0") "\"}", "{\"Stacks\":[{\"StackId\":\"" STACK("a/0") "\"}]}"},
		{"{\"StackName\":\"a\"}", "{\"Stacks\":[]}"},
		{"{\"StackName\":\"a\"}", "{\"Stacks\":[{}],\"name\":\"x\"}"},
		{"{\"tasks\":[\"x\",\"y\"]}", "{\"tasks\":[{\"arn\":\"y\"},{\"arn\":\"x\"},{\"arn\":\"y\"}]}"},
		{"{\"tasks\":[\"t1\"]}", "{\"tasks\":[{\"arn\":\"arn:aws:ecs:eu-west-1:1:task/cluster/t1\"}]}"},
		{"{\"name\":\"a/b\"}", "{\"name\":\"arn:aws:ecr:eu-west-1:1:repository/a/b\"}"},
		{"{\"name\":\"f\"}", "{\"name\":\"arn:aws:lambda:eu-west-1:1:function:f:3\"}"},
		{"{}", "{\"name\":\"a\"}"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		assert_string_equal(echoed(rows[i].params, rows[i].body), "");
	assert_int_equal(aws_echo_check(NULL, NULL, NULL, NULL), 0);
}

static void test_what_is_about_something_else(void **state)
{
	static const struct {
		const char *params, *body, *message;
	} rows[] = {
		{"{\"StackName\":\"a\"}", "{\"Stacks\":[{\"StackId\":\"" STACK("ab/0") "\"}]}",
		 "Stacks.*.StackId is " STACK("ab/0") ", but the request was for a"},
		{"{\"StackName\":\"ab\"}", "{\"Stacks\":[{\"StackId\":\"" STACK("a/ab") "\"}]}",
		 "Stacks.*.StackId is " STACK("a/ab") ", but the request was for ab"},
		{"{\"tasks\":[\"t1\"]}", "{\"tasks\":[{\"arn\":\"arn:aws:ecs:eu-west-1:1:task/cluster/xt1\"}]}",
		 "tasks.*.arn is arn:aws:ecs:eu-west-1:1:task/cluster/xt1, but the request was for t1"},
		{"{\"StackName\":\"" STACK("a/0") "\"}", "{\"Stacks\":[{\"StackId\":\"" STACK("a/1") "\"}]}",
		 "Stacks.*.StackId is " STACK("a/1") ", but the request was for " STACK("a/0")},
		{"{\"StackName\":\"a\"}", "{\"Stacks\":[{\"StackId\":\"arn:a\"}]}",
		 "Stacks.*.StackId is arn:a, but the request was for a"},
		{"{\"tasks\":[\"x\",\"y\"]}", "{\"tasks\":[{\"arn\":\"y\"},{\"arn\":\"z\"}]}",
		 "tasks.*.arn is z, but the request was for x"},
		{"{\"tasks\":[]}", "{\"tasks\":[{\"arn\":\"y\"}]}",
		 "tasks.*.arn is y, but the request was for nothing"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		assert_string_equal(echoed(rows[i].params, rows[i].body), rows[i].message);
}

static void test_integers(void **state)
{
	cJSON *tree = cJSON_Parse("{\"a\":5,\"b\":\"-7\",\"c\":1e300,\"d\":1.5,\"e\":\"inf\",\"f\":9007199254740992}");

	(void)state;
	assert_int_equal(aws_integer(tree, "a", 1), 5);
	assert_int_equal(aws_integer(tree, "b", 1), -7);
	assert_int_equal(aws_integer(tree, "c", 1), 1);
	assert_int_equal(aws_integer(tree, "d", 1), 1);
	assert_int_equal(aws_integer(tree, "e", 1), 1);
	assert_int_equal(aws_integer(tree, "f", 1), INT64_C(9007199254740992));
	assert_int_equal(aws_integer(tree, "g", 1), 1);
	cJSON_Delete(tree);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_what_fits),
		cmocka_unit_test(test_what_does_not),
		cmocka_unit_test(test_what_repeats_the_request),
		cmocka_unit_test(test_what_is_about_something_else),
		cmocka_unit_test(test_integers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
