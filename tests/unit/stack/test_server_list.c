/* SPDX-License-Identifier: BSD-3-Clause */
#include "stack/server_list.h"

#include "base/cleanup.h"
#include "stack/crash_loop.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define TASK(id, created, desired, last, more)                                                                         \
	"{\"taskArn\":\"arn:aws:ecs:r:1:task/c/" id "\",\"createdAt\":" #created ",\"desiredStatus\":\"" desired "\"," \
	"\"lastStatus\":\"" last "\",\"taskDefinitionArn\":\"arn:aws:ecs:r:1:task-definition/vast-x:3\"" more "}"
#define OTHER                                                                                                \
	"{\"taskArn\":\"a/other\",\"createdAt\":9,\"desiredStatus\":\"RUNNING\",\"lastStatus\":\"RUNNING\"," \
	"\"taskDefinitionArn\":\"arn:aws:ecs:r:1:task-definition/vast-x2:3\"}"
#define OF_SERVICE ",\"group\":\"service:vast-server\""

static cJSON *parse(const char *text)
{
	cJSON *tasks = cJSON_Parse(text);

	assert_non_null(tasks);
	return tasks;
}

static void test_a_stopping_server_has_not_stopped(void **state)
{
	cJSON *tasks = parse("[" TASK("new", 30, "RUNNING", "PENDING", "") "," OTHER "," TASK(
		"gone", 5, "STOPPED", "STOPPED", "") "," TASK("going", 10, "STOPPED", "RUNNING", "") "]");
	cJSON *servers = server_list_unstopped(tasks, "vast-x");

	(void)state;
	assert_int_equal(cJSON_GetArraySize(servers), 2);
	assert_string_equal(task_record_id(cJSON_GetArrayItem(servers, 0)), "going");
	assert_false(task_record_is_live(cJSON_GetArrayItem(servers, 0)));
	assert_string_equal(task_record_id(server_list_oldest_live(servers)), "new");
	assert_string_equal(task_record_id(server_list_newest_live(servers, NULL, 0)), "new");
	assert_null(server_list_newest_live(servers, NULL, 30));
	assert_null(server_list_newest_live(servers, "vast-server", 0));
	assert_int_equal((int)server_list_last_created(tasks, NULL), 30);
	assert_non_null(server_list_find(tasks, "gone"));
	assert_null(server_list_find(servers, "gone"));
	cJSON_Delete(servers);
	cJSON_Delete(tasks);
}

static void test_the_oldest_comes_first(void **state)
{
	static const char *const orders[] = {"abc", "acb", "bac", "bca", "cab", "cba"};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(orders); i++) {
		cJSON *tasks = cJSON_CreateArray(), *servers;

		for (const char *id = orders[i]; *id; id++) {
			cJSON *task = parse(TASK("x", 1, "RUNNING", "RUNNING", ""));
			char arn[] = {'t', '/', *id, '\0'};

			cJSON_ReplaceItemInObject(task, "taskArn", cJSON_CreateString(arn));
			cJSON_ReplaceItemInObject(task, "createdAt", cJSON_CreateNumber(*id));
			cJSON_AddItemToArray(tasks, task);
		}
		servers = server_list_unstopped(tasks, "vast-x");
		assert_int_equal(cJSON_GetArraySize(servers), 3);
		assert_string_equal(task_record_id(cJSON_GetArrayItem(servers, 0)), "a");
		assert_string_equal(task_record_id(cJSON_GetArrayItem(servers, 1)), "b");
		assert_string_equal(task_record_id(cJSON_GetArrayItem(servers, 2)), "c");
		cJSON_Delete(servers);
		cJSON_Delete(tasks);
	}
}

static void test_replies_that_make_no_sense(void **state)
{
	static const char *const texts[] = {"{}", "[]", "[7,null,{}]", "\"x\""};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		cJSON *tasks = parse(texts[i]), *servers = server_list_unstopped(tasks, "");

		assert_int_equal(cJSON_GetArraySize(servers), 0);
		assert_null(crash_loop_find(tasks, "vast-server", 0, 0));
		cJSON_Delete(servers);
		cJSON_Delete(tasks);
	}
	assert_string_equal(task_record_service(NULL), "");
}

static void test_how_a_task_ended(void **state)
{
	cJSON *tasks = parse("[" TASK("a", 1, "STOPPED", "STOPPED",
				      ",\"stoppedReason\":\"Essential container in task exited\","
				      "\"containers\":[{\"name\":\"x\",\"exitCode\":1},{\"name\":\"vast-server\","
				      "\"exitCode\":7}]") "," TASK("b", 2, "STOPPED", "STOPPED", "") "]");
	_buf_ struct buf a = BUF_INIT(1024), b = BUF_INIT(1024);

	(void)state;
	task_record_put_end(cJSON_GetArrayItem(tasks, 0), &a);
	assert_string_equal(buf_str(&a), "exit code 7, Essential container in task exited");
	task_record_put_end(cJSON_GetArrayItem(tasks, 1), &b);
	assert_string_equal(buf_str(&b), "ECS gives no reason");
	cJSON_Delete(tasks);
}

/* -- crash loops ----------------------------------------------------------------------------------------------- */

#define CRASH(id, created, stopped, code)       \
	TASK(id, created, "STOPPED", "STOPPED", \
	     OF_SERVICE ",\"stoppedAt\":" #stopped ",\"stopCode\":\"" code "\",\"stoppedReason\":\"r\"")
#define EXITED "EssentialContainerExited"

static void expect_loop(const char *text, double after, int64_t now_ms, const char *newest)
{
	cJSON *tasks = parse(text);
	const cJSON *found = crash_loop_find(tasks, "vast-server", after, now_ms);

	if (*newest)
		assert_string_equal(task_record_id(found), newest);
	else
		assert_null(found);
	cJSON_Delete(tasks);
}

static void test_three_crashes_within_five_minutes(void **state)
{
	static const char three[] = "[" CRASH("a", 100, 110, EXITED) "," CRASH(
		"c", 300, 390, "TaskFailedToStart") "," CRASH("b", 200, 210, EXITED) "]";

	(void)state;
	expect_loop(three, 0, 400000, "c");
	expect_loop("[" CRASH("a", 100, 110, EXITED) "," CRASH("b", 200, 210, EXITED) "]", 0, 220000, "");
	/* the first crash is more than five minutes ago */
	expect_loop(three, 0, 410000, "");
	/* since the last start of the service there were only two crashes, or none */
	expect_loop(three, 100, 400000, "");
	expect_loop(three, 300, 400000, "");
}

static void test_a_crash_without_a_time_is_old(void **state)
{
	(void)state;
	expect_loop("[" CRASH("a", 100, 9e300, EXITED) "," CRASH("b", 100, 9e300, EXITED) "," CRASH("c", 100, 9e300,
												    EXITED) "]",
		    99, 400000, "");
	expect_loop("[" CRASH("a", 100, 4e14, EXITED) "," CRASH("b", 100, 4e14, EXITED) "," CRASH("c", 100, 4e14,
												  EXITED) "]",
		    99, 400000, "");
}

static void test_what_is_no_crash(void **state)
{
	(void)state;
	/*
	 * tasks that a person or ECS's scaling has stopped, that belong to another service, or that are still stopping
	 */
	expect_loop(
		"[" CRASH("a", 100, 110, EXITED) "," CRASH("b", 200, 210, EXITED) "," CRASH(
			"c", 300, 310,
			"UserInitiated") "," CRASH("d", 310, 320,
						   "ServiceSchedulerInitiated") "," TASK("e", 320, "STOPPED", "STOPPED",
											 ",\"group\":\"service:other\","
											 "\"stoppedAt\":330,"
											 "\"stopCode\":\"" EXITED
											 "\"") "," TASK("f", 330,
													"STOPPED",
													"DEACTIVATING",
													OF_SERVICE
													",\"stopCode\":"
													"\"" EXITED
													"\"") "]",
		0, 340000, "");
	/* a failed health check is a crash */
	expect_loop("[" CRASH("a", 100, 110, EXITED) "," CRASH("b", 200, 210, EXITED) "," TASK(
			    "c", 300, "STOPPED", "STOPPED",
			    OF_SERVICE ",\"stoppedAt\":310,\"stopCode\":\"ServiceSchedulerInitiated\","
				       "\"stoppedReason\":\"Task failed container health checks\"") "]",
		    0, 340000, "c");
}

static void test_the_error_of_a_crash_loop(void **state)
{
	cJSON *task =
		parse(TASK("a", 1, "STOPPED", "STOPPED",
			   ",\"stoppedReason\":\"exited\",\"containers\":[{\"name\":\"vast-server\",\"exitCode\":7}]"));
	cJSON *events = parse(
		"[{\"message\":\"one\"},{\"message\":\"two\\n\"},{\"message\":\"three\"},{\"message\":\"four\"}]");
	_buf_ struct buf tail = BUF_INIT(1024);
	struct error err = {0};

	(void)state;
	crash_loop_quote_log(events, &tail);
	assert_string_equal(buf_str(&tail), "two | three | four");
	assert_int_equal(crash_loop_error(task, buf_str(&tail), &err), -EIO);
	assert_string_equal(err.message,
			    "the server ended 3 times within 5 minutes and is not started again: exit code "
			    "7, exited; its log ends: two | three | four");
	assert_non_null(strstr(err.remedy, "tasks/a/task.log"));
	cJSON_Delete(task);
	cJSON_Delete(events);
}

static void test_a_line_is_cut_between_characters(void **state)
{
	(void)state;
	assert_int_equal(crash_loop_line_length("abc\ndef", 10), 3);
	assert_int_equal(crash_loop_line_length("abcdef", 4), 4);
	assert_int_equal(crash_loop_line_length("abc\xc3\xa4x", 4), 3);
	assert_int_equal(crash_loop_line_length("\xe2\x82\xac", 2), 0);
	assert_int_equal(crash_loop_line_length("", 2), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_stopping_server_has_not_stopped),
		cmocka_unit_test(test_the_oldest_comes_first),
		cmocka_unit_test(test_replies_that_make_no_sense),
		cmocka_unit_test(test_how_a_task_ended),
		cmocka_unit_test(test_three_crashes_within_five_minutes),
		cmocka_unit_test(test_a_crash_without_a_time_is_old),
		cmocka_unit_test(test_what_is_no_crash),
		cmocka_unit_test(test_the_error_of_a_crash_loop),
		cmocka_unit_test(test_a_line_is_cut_between_characters),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
