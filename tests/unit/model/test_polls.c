/* SPDX-License-Identifier: BSD-3-Clause */
/* Tests what the model makes of the replies about the stack and its tasks, and what it does by itself. */
#include "scripted.h"

#include <time.h>

static const struct requester who = {.pid = 42, .uid = 1000};

#define SERVICE                                                                                                    \
	"{\"services\":[{\"status\":\"ACTIVE\",\"desiredCount\":1,\"serviceArn\":\"arn:aws:ecs:r:1:service/c/s\"," \
	"\"tags\":[{\"key\":\"vastfs:stage\",\"value\":\"prod\"}]}]}"

static void test_parts_that_the_credentials_do_not_allow(void **state)
{
	static const struct {
		const char *operation, *action, *path;
	} rows[] = {
		{"DescribeStackResources", "cloudformation:DescribeStackResources", "path=stack/resources"},
		{"ListTasks", "ecs:ListTasks", "path=tasks"},
		{"DescribeTasks", "ecs:DescribeTasks", "path=tasks"},
		{"DescribeServices", "ecs:DescribeServices", "path=tasks"},
		{"GetFunctionConfiguration", "lambda:GetFunctionConfiguration", "path=lambda/function.json"},
		{"DescribeFileSystems", "elasticfilesystem:DescribeFileSystems", "path=status"},
	};
	struct script *s = *state;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		script_fail(rows[i].operation, NULL, "AccessDeniedException", "not allowed");
	script_task(s, "a1", "RUNNING", "");
	/* The outputs of the stack name the cluster and the function. */
	assert_int_equal(script_calls("GetFunctionConfiguration"), 1);
	assert_non_null(strstr(script_last("ListTasks"), "\"cluster\":\"cluster\""));
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		_cleanup_(snapshot_unref_cleanup) struct snapshot *now = model_snapshot(s->m);
		char line[256];

		if (strcmp(rows[i].operation, "DescribeTasks") == 0)
			continue; /* without the lists there is nothing to describe */
		snprintf(line, sizeof(line), "this part is missing: %s is denied", rows[i].action);
		assert_non_null(strstr(script_error(s), line));
		assert_non_null(strstr(script_error(s), rows[i].path));
		assert_non_null(strstr(now->denied, rows[i].action));
	}
}

/* A reply that is missing or incomplete is no news: the tasks of the poll before it stay. */
static void test_tasks_that_cannot_be_read_stay(void **state)
{
	static const struct {
		const char *operation, *code, *text, *message;
	} rows[] = {
		{"DescribeTasks", NULL, "{\"tasks\":[]}", "ecs DescribeTasks described only 0 of 1 tasks"},
		{"DescribeTasks", "ServerException", "try again", "try again"},
		{"ListTasks", "ServerException", "try again later", "try again later"},
		{"DescribeStacks", "InternalFailure", "no idea", "no idea"},
		{"DescribeStackResources", "InternalFailure", "no resources", "no resources"},
	};
	struct script *s = *state;

	script_task(s, "a1", "RUNNING", "");
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		_cleanup_(snapshot_unref_cleanup) struct snapshot *now = NULL;

		if (rows[i].code)
			script_fail_once(rows[i].operation, rows[i].code, rows[i].text);
		else
			script_once(rows[i].operation, rows[i].text);
		script_poll(s);
		now = model_snapshot(s->m);
		assert_int_equal(now->tasks->n, 1);
		assert_string_equal(now->contact_error.message, rows[i].message);
		assert_non_null(strstr(script_error(s), "cannot read the stack"));
		script_fire(60000);
		snapshot_unref(now);
		now = model_snapshot(s->m);
		assert_int_equal(now->contact_error.errnum, 0);
	}
}

/* The task may run without the container, so nothing else would tell. */
static void test_a_container_of_others_that_cannot_start(void **state)
{
	struct script *s = *state;
	const char *told;

	script_task(s, "a1", "RUNNING", "");
	script_reply("DescribeTasks", NULL,
		     "{\"tasks\":[{\"taskArn\":\"arn:aws:ecs:eu-west-1:111111111111:task/cluster/a1\","
		     "\"createdAt\":1700000000,\"lastStatus\":\"RUNNING\",\"desiredStatus\":\"RUNNING\","
		     "\"taskDefinitionArn\":\"arn:aws:ecs:eu-west-1:111111111111:task-definition/vast-prod:3\","
		     "\"containers\":[{\"name\":\"vast-server\"},"
		     "{\"name\":\"agent\",\"reason\":\"CannotPullContainerError: none\"}]}]}");
	script_poll(s);
	script_poll(s);
	told = strstr(script_events(s), "container agent could not start: CannotPullContainerError: none");
	assert_non_null(told);
	assert_null(strstr(told + 1, "container agent"));
	assert_non_null(strstr(script_error(s), "contact the organisation that injects this container"));
}

static void test_a_poll_without_memory(void **state)
{
	struct script *s = *state;

	script_task(s, "a1", "RUNNING", "");
	for (unsigned n = 1; n < 8; n++) {
		_cleanup_(snapshot_unref_cleanup) struct snapshot *now = NULL;

		script_refuse_starts(n);
		script_poll(s);
		now = model_snapshot(s->m);
		assert_int_equal(now->tasks->n, 1);
		assert_int_equal(now->contact_error.errnum, -ENOMEM);
		script_refuse_starts(0);
		script_poll(s);
	}
}

/* A cluster that does not exist any more has no tasks. */
static void test_a_cluster_that_is_gone(void **state)
{
	struct script *s = *state;
	_cleanup_(snapshot_unref_cleanup) struct snapshot *now = NULL;

	script_task(s, "a1", "RUNNING", "");
	script_fail("ListTasks", NULL, "ClusterNotFoundException", "no cluster");
	script_fail("DescribeServices", NULL, "ClusterNotFoundException", "no cluster");
	script_fail("GetFunctionConfiguration", NULL, "ResourceNotFoundException", "no function");
	script_fail("DescribeFileSystems", NULL, "FileSystemNotFound", "no file system");
	script_poll(s);
	now = model_snapshot(s->m);
	assert_int_equal(now->tasks->n, 0);
	assert_int_equal(now->contact_error.errnum, 0);
	assert_int_equal(now->service.state, SERVICE_NONE);
	assert_int_equal(now->storage_bytes, -1);
}

/* A stack in review has no tags yet; its change sets show whether vastfs made it. */
static void test_whose_stack_it_is(void **state)
{
	static const struct {
		const char *stack, *change_sets;
		bool foreign;
	} rows[] = {
		{SCRIPT_STACK("CREATE_COMPLETE", SCRIPT_OUTPUTS), NULL, false},
		{"{\"Stacks\":[{\"StackId\":\"x\",\"StackName\":\"vast-prod\",\"StackStatus\":\"CREATE_COMPLETE\"}]}",
		 NULL, true},
		{SCRIPT_STACK("REVIEW_IN_PROGRESS", ""), "{\"Summaries\":[{\"ChangeSetName\":\"somebody\"}]}", true},
		{SCRIPT_STACK("REVIEW_IN_PROGRESS", ""), "{\"Summaries\":[{\"ChangeSetName\":\"vastfs-1\"}]}", false},
		{SCRIPT_STACK("REVIEW_IN_PROGRESS", ""), "{\"Summaries\":[]}", true},
	};
	struct script *s = *state;

	script_start(s);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		_cleanup_(snapshot_unref_cleanup) struct snapshot *now = NULL;
		struct error err = {0};

		script_reply("DescribeStacks", NULL, rows[i].stack);
		if (rows[i].change_sets)
			script_reply("ListChangeSets", NULL, rows[i].change_sets);
		script_poll(s);
		now = model_snapshot(s->m);
		assert_int_equal(now->stack->foreign, rows[i].foreign);
		assert_int_equal(own_stack_check(now, &err), rows[i].foreign ? -EEXIST : 0);
	}
}

/* After a pause everything is read again at the first use, unless there is no stack. */
static void test_the_first_use_after_a_pause(void **state)
{
	struct script *s = *state;
	unsigned before;

	script_task(s, "a1", "RUNNING", "");
	before = script_calls("DescribeStacks");
	model_use(s->m);
	script_settle();
	assert_int_equal(script_calls("DescribeStacks"), before);
	script_pass(3600000);
	model_use(s->m);
	script_settle();
	assert_int_equal(script_calls("DescribeStacks"), before + 1);
	script_fail("DescribeStacks", NULL, "ValidationError", "Stack with id vast-prod does not exist");
	script_poll(s);
	script_pass(3600000);
	model_hold(s->m, true);
	model_hold(s->m, false);
	script_settle();
	assert_int_equal(script_calls("DescribeStacks"), before + 2);
}

/* -- stopping a task ------------------------------------------------------------------------------------------- */

static void test_stopping_a_task(void **state)
{
	static const struct {
		const char *more;	      /* of the task */
		const char *operation, *code; /* the call that fails; NULL: none */
		unsigned refused_starts;
		const char *error;
		unsigned scaled, stopped;
	} rows[] = {
		{"", NULL, NULL, 0, "", 0, 1},
		{",\"group\":\"service:vast-server\"", NULL, NULL, 0, "", 1, 1},
		{",\"group\":\"service:other\"", NULL, NULL, 0, "", 0, 1},
		{"", "StopTask", "InvalidParameterException", 0, "path=tasks/a1/stop errno=EIO what=\"refused\"", 0, 1},
		{",\"group\":\"service:vast-server\"", "UpdateService", "ServerException", 0,
		 "cannot stop the task, because its service vast-server, which would start another task, could not be "
		 "scaled "
		 "to 0: refused",
		 1, 0},
		{"", NULL, NULL, 1, "cannot stop the task: the task or its cluster no longer exists", 0, 0},
		{",\"group\":\"service:vast-server\"", NULL, NULL, 1,
		 "cannot stop the task: the task or its cluster no longer exists", 0, 0},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		void *own = NULL;
		struct script *s;
		struct error err = {0};

		(void)state;
		script_setup(&own);
		s = own;
		script_reply("DescribeServices", NULL, SERVICE);
		script_reply("UpdateService", NULL, "{}");
		script_reply("StopTask", NULL, "{}");
		if (rows[i].operation)
			script_fail(rows[i].operation, NULL, rows[i].code, "refused");
		script_task(s, "a1", "RUNNING", rows[i].more);
		assert_int_equal(model_task_stop(s->m, "a1", who, &err), 0);
		script_refuse_starts(rows[i].refused_starts);
		script_settle();
		assert_non_null(strstr(script_error(s), rows[i].error));
		assert_int_equal(*script_error(s) != '\0', *rows[i].error != '\0');
		assert_int_equal(script_calls("UpdateService"), rows[i].scaled);
		assert_int_equal(script_calls("StopTask"), rows[i].stopped);
		script_teardown(&own);
	}
}

static void test_a_task_that_cannot_be_stopped(void **state)
{
	struct script *s = *state;
	struct error err = {0};

	script_start(s);
	assert_int_equal(model_task_stop(s->m, "a1", who, &err), -ENOENT);
	assert_string_equal(err.message, "a1 is not a known task");
	script_reply(
		"DescribeStacks", NULL,
		"{\"Stacks\":[{\"StackId\":\"x\",\"StackName\":\"vast-prod\",\"StackStatus\":\"CREATE_COMPLETE\"}]}");
	script_poll(s);
	assert_int_equal(model_task_stop(s->m, "a1", who, &err), -EEXIST);
}

static void test_choosing_the_task_of_queries(void **state)
{
	struct script *s = *state;
	_cleanup_(snapshot_unref_cleanup) struct snapshot *now = NULL;
	struct error err = {0};

	script_task(s, "a1", "RUNNING", "");
	assert_int_equal(model_task_choose(s->m, "zz", &err), -ENOENT);
	assert_string_equal(err.message, "zz is not a known task");
	assert_int_equal(model_task_choose(s->m, "a1", &err), 0);
	assert_int_equal(model_task_choose(s->m, NULL, &err), 0);
	now = model_snapshot(s->m);
	assert_false(now->default_chosen);
	assert_string_equal(now->default_task, "a1");
	assert_non_null(strstr(script_events(s), "default task: automatic\n"));
}

/* -- a server that ends again and again ------------------------------------------------------------------------ */

static const char crashed[] =
	"{\"taskArn\":\"arn:aws:ecs:r:1:task/cluster/"
	"%d\",\"createdAt\":%lld,\"stoppedAt\":%lld,\"lastStatus\":\"STOPPED\","
	"\"desiredStatus\":\"STOPPED\",\"group\":\"service:vast-server\",\"stopCode\":\"EssentialContainerExited\","
	"\"stoppedReason\":\"Essential container in task exited\","
	"\"containers\":[{\"name\":\"vast-server\",\"exitCode\":7}]}";

static void let_the_server_crash(struct script *s)
{
	_buf_ struct buf arns = BUF_INIT(1 << 16), tasks = BUF_INIT(1 << 16);
	long long now = (long long)time(NULL);

	for (int i = 0; i < 8; i++) {
		buf_printf(&arns, "%s\"arn:aws:ecs:r:1:task/cluster/%d\"", i ? "," : "{\"taskArns\":[", i);
		buf_puts(&tasks, i ? "," : "{\"tasks\":[");
		buf_printf(&tasks, crashed, i, now - 100 + i, now - 50 + i);
	}
	buf_puts(&arns, "]}");
	buf_puts(&tasks, "]}");
	script_once("DescribeServices", SERVICE); /* later it is scaled to 0 */
	script_reply("ListTasks", "STOPPED", buf_str(&arns));
	script_reply("DescribeTasks", NULL, buf_str(&tasks));
	script_start(s);
}

static void test_the_restarts_end(void **state)
{
	static const struct {
		const char *scale, *log, *error, *refused;
	} rows[] = {
		{NULL, "{\"events\":[{\"message\":\"no license\"}]}", "is not started again", NULL},
		{NULL, NULL, "is not started again", NULL},
		{NULL, NULL, "is not started again", "GetLogEvents"},
		{NULL, NULL, "", "UpdateService"},
		{"ServerException", NULL,
		 "the server ends repeatedly, and the service vast-server could not be scaled to 0: refused", NULL},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		void *own = NULL;
		struct script *s;

		script_setup(&own);
		s = own;
		script_reply("UpdateService", NULL, "{}");
		if (rows[i].scale)
			script_fail_once("UpdateService", rows[i].scale, "refused");
		if (rows[i].log)
			script_reply("GetLogEvents", NULL, rows[i].log);
		script_refuse(rows[i].refused);
		let_the_server_crash(s);
		assert_non_null(strstr(script_error(s), rows[i].error));
		if (*rows[i].error)
			assert_non_null(strstr(script_last("UpdateService"), "\"desiredCount\":0"));
		else
			assert_string_equal(script_error(s), ""); /* tried again after the next poll */
		if (rows[i].log)
			assert_non_null(strstr(script_error(s), "its log ends: no license"));
		script_teardown(&own);
	}
}

/* -- the VPCs of the region ------------------------------------------------------------------------------------ */

static void test_lists_of_vpcs_that_are_cut(void **state)
{
	struct script *s = *state;
	_cleanup_(snapshot_unref_cleanup) struct snapshot *now = NULL;

	script_reply("DescribeVpcs", NULL, "{\"vpcSet\":[{\"vpcId\":\"vpc-1\",\"cidrBlock\":\"10.0.0.0/16\"}]}");
	script_reply("DescribeSubnets", NULL, "{\"subnetSet\":[]}");
	script_truncate(true);
	script_start(s);
	now = model_snapshot(s->m);
	assert_int_equal(now->discovery->state, DISCOVERY_READ);
	assert_true(now->discovery->facts.more_vpcs);
	assert_true(now->discovery->facts.more_subnets);
	assert_true(now->more_resources);
}

static void test_vpcs_that_cannot_be_read(void **state)
{
	struct script *s = *state;
	_cleanup_(snapshot_unref_cleanup) struct snapshot *now = NULL;

	script_fail("DescribeVpcs", NULL, "UnauthorizedOperation", "not allowed");
	script_start(s);
	now = model_snapshot(s->m);
	assert_int_equal(now->discovery->state, DISCOVERY_FAILED);
	/* They are read again once AWS has replied again. */
	script_reply("DescribeVpcs", NULL, "{\"vpcSet\":[]}");
	script_fail_once("DescribeStacks", "InternalFailure", "no idea");
	script_poll(s);
	script_poll(s);
	snapshot_unref(now);
	now = model_snapshot(s->m);
	assert_int_equal(now->discovery->state, DISCOVERY_READ);
}

int main(void)
{
#define POLL_TEST(name) cmocka_unit_test_setup_teardown(name, script_setup, script_teardown)
	const struct CMUnitTest tests[] = {
		POLL_TEST(test_parts_that_the_credentials_do_not_allow),
		POLL_TEST(test_tasks_that_cannot_be_read_stay),
		POLL_TEST(test_a_container_of_others_that_cannot_start),
		POLL_TEST(test_a_poll_without_memory),
		POLL_TEST(test_a_cluster_that_is_gone),
		POLL_TEST(test_whose_stack_it_is),
		POLL_TEST(test_the_first_use_after_a_pause),
		cmocka_unit_test(test_stopping_a_task),
		POLL_TEST(test_a_task_that_cannot_be_stopped),
		POLL_TEST(test_choosing_the_task_of_queries),
		cmocka_unit_test(test_the_restarts_end),
		POLL_TEST(test_lists_of_vpcs_that_are_cut),
		POLL_TEST(test_vpcs_that_cannot_be_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
