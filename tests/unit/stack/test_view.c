/* SPDX-License-Identifier: BSD-3-Clause */
#include "failing.h"
#include "stack/view.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static const char stacks[] = "{\"Stacks\":[{\"StackId\":\"arn:1\",\"StackStatus\":\"CREATE_COMPLETE\","
			     "\"Parameters\":[{\"ParameterKey\":\"ServerPort\",\"ParameterValue\":\"42000\"}],"
			     "\"Outputs\":[{\"OutputKey\":\"ClusterName\",\"OutputValue\":\"c\"}]}]}";

static void test_a_stack(void **state)
{
	cJSON *reply = cJSON_Parse(stacks);
	struct stack_view *v = stack_view_parse("vast-x", false, reply, NULL, NULL, NULL), *again;

	(void)state;
	assert_true(v->exists);
	assert_string_equal(v->status, "CREATE_COMPLETE");
	assert_null(v->status_reason);
	assert_string_equal(stack_view_output(v, "ClusterName"), "c");
	assert_null(stack_view_output(v, "Cluster"));
	assert_string_equal(stack_view_parameter(v, "ServerPort"), "42000");
	v->changed_ms = 5;
	again = stack_view_parse("vast-x", false, reply, NULL, NULL, v);
	assert_int_equal(again->changed_ms, 5);
	stack_view_unref(again);
	stack_view_unref(v);
	cJSON_Delete(reply);
}

static void test_replies_that_make_no_sense_are_empty(void **state)
{
	static const char *const texts[] = {"{}", "[]", "{\"Stacks\":[]}", "{\"Stacks\":\"none\"}",
					    "{\"StackResources\":[{}, 7, {\"LogicalResourceId\":3}]}"};

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		cJSON *reply = cJSON_Parse(texts[i]);
		struct stack_view *v = stack_view_parse("vast-x", false, reply, reply, NULL, NULL);

		assert_false(v->exists);
		assert_int_equal(v->resources_n, 0);
		stack_view_unref(v);
		cJSON_Delete(reply);
	}
}

static const char resources[] = "{\"StackResources\":[{\"LogicalResourceId\":\"A\",\"ResourceType\":\"T\"},"
				"{\"LogicalResourceId\":\"B\",\"PhysicalResourceId\":\"b\"}]}";

static void parse_without_memory(const void *arg)
{
	cJSON *const *replies = arg;
	struct stack_view *v = stack_view_parse("vast-x", false, replies[0], replies[1], NULL, NULL);

	if (!v) {
		assert_true(failing_happened());
		return;
	}
	assert_true(v->exists);
	for (size_t i = 0; i < v->resources_n; i++)
		assert_true(*v->resources[i].logical_id != '\0');
	if (!failing_happened()) {
		assert_int_equal(v->resources_n, 2);
		assert_string_equal(stack_view_output(v, "ClusterName"), "c");
	}
	stack_view_unref(v);
}

/* A directory without a name could not be listed. */
static void test_without_memory_no_resource_lacks_its_name(void **state)
{
	cJSON *replies[] = {cJSON_Parse(stacks), cJSON_Parse(resources)};

	(void)state;
	assert_true(failing_each(parse_without_memory, replies) > 10);
	cJSON_Delete(replies[0]);
	cJSON_Delete(replies[1]);
}

static const char tasks[] =
	"[{\"taskArn\":\"arn:aws:ecs:r:1:task/c/old\",\"lastStatus\":\"STOPPED\",\"desiredStatus\":\"STOPPED\","
	"\"createdAt\":100,\"taskDefinitionArn\":\"arn:aws:ecs:r:1:task-definition/fam:1\","
	"\"containers\":[{\"name\":\"vast-server\",\"exitCode\":0}]},"
	"{\"taskArn\":\"arn:aws:ecs:r:1:task/c/new\",\"lastStatus\":\"RUNNING\",\"desiredStatus\":\"RUNNING\","
	"\"createdAt\":200.5,\"taskDefinitionArn\":\"arn:aws:ecs:r:1:task-definition/other:1\","
	"\"attachments\":[{\"details\":[{\"name\":\"subnetId\",\"value\":\"s\"},"
	"{\"name\":\"privateIPv4Address\",\"value\":\"172.31.48.9\"}]}]},"
	"{\"taskArn\":\"arn:aws:ecs:r:1:task/c/new\"}, {\"lastStatus\":\"RUNNING\"}]";

static void test_tasks(void **state)
{
	cJSON *reply = cJSON_Parse(tasks);
	struct task_list *l = task_list_parse(reply, "42000", "fam", NULL);
	const struct task *new = task_list_find(l, "new"), *old = task_list_find(l, "old");

	(void)state;
	assert_int_equal(l->n, 2);
	assert_ptr_equal(new, &l->tasks[0]);
	assert_string_equal(new->endpoint, "172.31.48.9:42000");
	assert_int_equal(new->created_ms, 200500);
	assert_null(new->exit_code);
	assert_true(task_is_live(new));
	assert_false(new->server);
	assert_true(old->server);
	assert_false(task_is_live(old));
	assert_string_equal(old->exit_code, "0");
	assert_string_equal(old->log_stream, "server/vast-server/old");
	task_list_unref(l);
	cJSON_Delete(reply);
}

static void test_tasks_by_prefix(void **state)
{
	cJSON *reply = cJSON_Parse("[{\"taskArn\":\"a/abc1\",\"lastStatus\":\"RUNNING\"},"
				   "{\"taskArn\":\"a/abc2\",\"lastStatus\":\"STOPPED\"},"
				   "{\"taskArn\":\"a/ab\",\"lastStatus\":\"RUNNING\"},"
				   "{\"taskArn\":\"a/x9\",\"lastStatus\":\"RUNNING\",\"enableExecuteCommand\":true}]");
	struct task_list *l = task_list_parse(reply, "42000", "fam", NULL);
	const struct task *t;

	(void)state;
	assert_int_equal(task_list_match(l, "x", &t), 0);
	assert_string_equal(t->id, "x9");
	assert_true(t->exec_enabled);
	assert_int_equal(task_list_match(l, "a", &t), -ENOTUNIQ);
	assert_int_equal(task_list_match(l, "ab", &t), 0); /* an exact ID takes precedence over a longer one */
	assert_string_equal(t->id, "ab");
	assert_false(t->exec_enabled);
	assert_int_equal(task_list_match(l, "abc", &t), 0); /* the other task is stopped */
	assert_string_equal(t->id, "abc1");
	assert_int_equal(task_list_match(l, "abc2", &t), 0);
	assert_int_equal(task_list_match(l, "y", &t), -ENOENT);
	task_list_unref(l);
	cJSON_Delete(reply);
}

int main(void)
{
	const struct CMUnitTest tests_[] = {
		cmocka_unit_test(test_tasks_by_prefix),
		cmocka_unit_test(test_a_stack),
		cmocka_unit_test(test_replies_that_make_no_sense_are_empty),
		cmocka_unit_test(test_without_memory_no_resource_lacks_its_name),
		cmocka_unit_test(test_tasks),
	};

	return cmocka_run_group_tests(tests_, NULL, NULL);
}
