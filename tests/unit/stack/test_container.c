/* SPDX-License-Identifier: BSD-3-Clause */
#include "stack/container.h"

#include "base/cleanup.h"
#include "stack/images.h"
#include "stack/view.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define AGENT                                                                                    \
	"{\"name\":\"aws-guardduty-agent-aB3\",\"image\":\"aws/agent:1\",\"runtimeId\":\"r-2\"," \
	"\"exitCode\":99,\"healthStatus\":\"UNHEALTHY\",\"lastStatus\":\"STOPPED\","             \
	"\"reason\":\"CannotPullContainerError: not found\"}"
#define SIDECAR "{\"name\":\"acme-audit\",\"image\":\"acme/audit:2\",\"exitCode\":3,\"reason\":\"OutOfMemoryError\"}"
#define SERVER                                                                                             \
	"{\"name\":\"vast-server\",\"image\":\"ecr/vast@sha256:aa\",\"runtimeId\":\"r-1\",\"exitCode\":7," \
	"\"healthStatus\":\"HEALTHY\",\"reason\":\"OutOfMemoryError: killed\"}"

static void expect_found(const char *containers, const char *name)
{
	cJSON *list = cJSON_Parse(containers);
	const cJSON *found = container_find(list);

	assert_non_null(list);
	if (*name)
		assert_string_equal(cJSON_GetObjectItem(found, "name")->valuestring, name);
	else
		assert_null(found);
	cJSON_Delete(list);
}

static void test_the_server_is_found_by_its_name(void **state)
{
	(void)state;
	expect_found("[" AGENT "," SIDECAR "," SERVER "]", "vast-server");
	expect_found("[" SERVER "," AGENT "]", "vast-server");
	/* tasks that vastfs has not started */
	expect_found("[" AGENT "," SIDECAR "]", "acme-audit");
	expect_found("[" SIDECAR ",{\"name\":\"second\"}]", "");
	expect_found("[" AGENT "]", "");
	expect_found("[]", "");
	expect_found("{\"name\":7}", "");
	assert_null(container_find(NULL));
}

static void expect_reason(const char *task, const char *reason)
{
	cJSON *json = cJSON_Parse(task);
	_buf_ struct buf out = BUF_INIT(4096);

	assert_non_null(json);
	container_put_stop_reason(json, &out);
	assert_string_equal(buf_str(&out), reason);
	cJSON_Delete(json);
}

static void test_why_a_task_stopped(void **state)
{
	(void)state;
	expect_reason("{\"lastStatus\":\"RUNNING\",\"containers\":[" AGENT "]}", "");
	expect_reason("{\"lastStatus\":\"STOPPED\",\"stoppedReason\":\"Essential container in task exited\","
		      "\"containers\":[" SIDECAR "," SERVER "]}",
		      "Essential container in task exited: OutOfMemoryError: killed");
	expect_reason("{\"lastStatus\":\"STOPPED\",\"stoppedReason\":\"Task failed to start\",\"containers\":[" AGENT
		      ",{\"name\":\"vast-server\"}]}",
		      "Task failed to start; container aws-guardduty-agent-aB3 could not start: "
		      "CannotPullContainerError: not found");
	/* reported once, even if two sources contain it */
	expect_reason("{\"lastStatus\":\"STOPPED\",\"stoppedReason\":\"CannotPullContainerError: not found\","
		      "\"containers\":[" AGENT ",{\"name\":\"vast-server\"}]}",
		      "container aws-guardduty-agent-aB3 could not start: CannotPullContainerError: not found");
	expect_reason("{\"lastStatus\":\"STOPPED\",\"stoppedReason\":\"CannotPullContainerError: x\",\"containers\":["
		      "{\"name\":\"vast-server\",\"reason\":\"CannotPullContainerError: x\"}]}",
		      "CannotPullContainerError: x");
	expect_reason("{\"lastStatus\":\"STOPPED\",\"containers\":[" SERVER "]}", "OutOfMemoryError: killed");
	expect_reason("{}", "");
}

static void expect_default(const char *tasks, const char *id)
{
	cJSON *json = cJSON_Parse(tasks);
	struct task_list *l = task_list_parse(json, "42000", "fam", NULL);
	const struct task *t = task_list_default(l);

	assert_non_null(json);
	assert_string_equal(t ? t->id : "", id);
	task_list_unref(l);
	cJSON_Delete(json);
}

#define RUNNER(id, created, status, health)                                                                    \
	"{\"taskArn\":\"a/" id "\",\"createdAt\":" #created ",\"lastStatus\":\"" status                        \
	"\",\"desiredStatus\":\"RUNNING\",\"taskDefinitionArn\":\"a:task-definition/fam:1\",\"containers\":[{" \
	"\"name\":\"vast-server\",\"healthStatus\":\"" health "\"}]}"

static void test_the_default_server(void **state)
{
	(void)state;
	expect_default("[]", "");
	expect_default("[" RUNNER("old", 1, "RUNNING", "UNKNOWN") "," RUNNER("new", 2, "RUNNING", "UNKNOWN") "]",
		       "new");
	/* a new task that waits for the database is RUNNING, too */
	expect_default("[" RUNNER("old", 1, "RUNNING", "HEALTHY") "," RUNNER("new", 2, "RUNNING", "UNKNOWN") "]",
		       "old");
	expect_default("[" RUNNER("old", 1, "RUNNING", "HEALTHY") "," RUNNER("new", 2, "RUNNING", "UNHEALTHY") "]",
		       "old");
	expect_default("[" RUNNER("old", 1, "RUNNING", "HEALTHY") "," RUNNER("new", 2, "RUNNING", "HEALTHY") "]",
		       "new");
	expect_default("[" RUNNER("old", 1, "PENDING", "HEALTHY") "," RUNNER("new", 2, "RUNNING", "UNKNOWN") "]",
		       "new");
	expect_default("[" RUNNER("old", 1, "PENDING", "UNKNOWN") "]", "");
}

static void test_a_task_shows_its_server(void **state)
{
	cJSON *tasks = cJSON_Parse("[{\"taskArn\":\"a/x\",\"lastStatus\":\"STOPPED\",\"healthStatus\":\"UNHEALTHY\","
				   "\"group\":\"service:s\",\"containers\":[" AGENT "," SERVER "]}]");
	struct task_list *l = task_list_parse(tasks, "42000", "fam", NULL);
	const struct task *t = task_list_find(l, "x");

	(void)state;
	assert_string_equal(t->image, "ecr/vast@sha256:aa");
	assert_string_equal(t->container, "vast-server");
	assert_string_equal(t->runtime_id, "r-1");
	assert_string_equal(t->exit_code, "7");
	assert_string_equal(t->health, "HEALTHY");
	assert_string_equal(t->log_stream, "server/vast-server/x");
	assert_string_equal(t->group, "service:s");
	assert_non_null(strstr(t->foreign_failure, "aws-guardduty-agent-aB3 could not start"));
	assert_string_equal(images_digest_of_task(cJSON_GetArrayItem(tasks, 0)), "sha256:aa");
	task_list_unref(l);
	cJSON_Delete(tasks);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_the_server_is_found_by_its_name),
		cmocka_unit_test(test_why_a_task_stopped),
		cmocka_unit_test(test_the_default_server),
		cmocka_unit_test(test_a_task_shows_its_server),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
