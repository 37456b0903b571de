/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Tests that a lack of memory at any moment ends in an error and not in a crash: each of the model's actions is tried
 * with every one of its allocations failing. Afterwards the same action succeeds.
 */
#include "scripted.h"

#include <time.h>

static const struct requester who = {.pid = 42, .uid = 1000};

static void test_a_mount(void **state)
{
	struct script *s = *state;
	bool failed = true;

	for (unsigned n = 1; failed; n++) {
		struct model_config config = {.config_dir = s->config, .state_dir = s->dir, .cache_dir = s->dir};
		struct model *m = NULL;
		struct error err = {0};
		int r;

		script_fail_allocation(n);
		r = model_start(&config, &m, &err);
		failed = script_allocation_failed();
		script_fail_allocation(0);
		assert_true(r == 0 || (r == -ENOMEM && failed));
		if (r < 0)
			continue;
		script_settle();
		/* Whatever could not be read is named. */
		s->m = m;
		assert_null(strstr(script_error(s), "what=\"\""));
		assert_null(strstr(script_error(s), "in force: \""));
		script_stop(s);
	}
	script_start(s);
}

/* Tries the action with each of its allocations failing, and what follows from it on the engine's thread. */
static void try_all(struct script *s, void (*action)(struct script *s))
{
	bool failed = true;

	for (unsigned n = 1; failed; n++) {
		script_fail_allocation(n);
		action(s);
		script_settle();
		failed = script_allocation_failed();
		script_fail_allocation(0);
	}
}

static void test_a_poll(void **state)
{
	struct script *s = *state;
	_cleanup_(snapshot_unref_cleanup) struct snapshot *now = NULL;

	script_task(s, "a1", "RUNNING", ",\"enableExecuteCommand\":true");
	try_all(s, script_poll);
	script_poll(s);
	now = model_snapshot(s->m);
	assert_int_equal(now->tasks->n, 1);
	assert_int_equal(now->contact_error.errnum, 0);
}

static void act_query(struct script *s, const char *task)
{
	_buf_ struct buf text = BUF_INIT(64);
	struct error err = {0};
	struct job *j = NULL;

	if (buf_puts(&text, "true") < 0 || model_query(s->m, task, &text, true, who, &j, &err) < 0)
		return;
	script_settle();
	if (script_remote())
		script_end_remote(0, &(struct error){0});
	{
		_cleanup_(job_view_unref_cleanup) struct job_view *v = job_view(j);

		assert_true(job_state_ended(v->state));
	}
	job_unref(j);
}

static void act_lambda(struct script *s)
{
	act_query(s, NULL);
}

static void act_exec(struct script *s)
{
	act_query(s, "a1");
}

static void act_stop(struct script *s)
{
	struct error err = {0};

	model_task_stop(s->m, "a1", who, &err);
}

static void on_fetched(void *arg)
{
	(void)arg;
}

static void act_log(struct script *s)
{
	struct stream *log = NULL;
	struct error err = {0};
	int r = model_log_open(s->m, MODEL_LOG_SERVER, "", on_fetched, NULL, &log, &err);

	script_settle();
	if (r < 0)
		return;
	stream_unref(log);
	model_log_close(s->m, MODEL_LOG_SERVER, "");
	script_fire(60000);
}

static void on_refetched(struct blob *text, uint64_t at, const struct error *err, void *arg)
{
	(void)at;
	(void)err;
	(void)arg;
	blob_unref(text);
}

static void act_refetch(struct script *s)
{
	model_log_fetch(s->m, MODEL_LOG_SERVER, "", 0, on_refetched, NULL);
}

static void act_check(struct script *s)
{
	struct error err = {0};
	struct job *j = NULL;

	model_task_check(s->m, "a1", who, &j, &err);
	script_settle();
	job_unref(j);
}

static void act_import(struct script *s)
{
	struct import *imp = NULL;
	struct error err = {0};

	if (model_import(s->m, "json", who, &imp, &err) < 0)
		return;
	import_cancel(imp);
	import_end(imp);
	import_unref(imp);
}

static void act_discover(struct script *s)
{
	discover_refresh(s->m, true);
}

static void act_settings(struct script *s)
{
	script_write(s, "config/default.env",
		     "stage=prod\naws_region=eu-west-1\nvpc_id=vpc-0123456789abcdef0\nsubnet_cidr=172.31.48.0/24\n");
	model_settings_refresh(s->m);
}

static void test_actions(void **state)
{
	static void (*const actions[])(struct script * s) = {act_lambda,  act_exec,	act_log,
							     act_refetch, act_check,	act_stop,
							     act_import,  act_discover, act_settings};
	struct script *s = *state;

	script_fail("InvokeWithResponseStream", NULL, "UnknownOperationException", "no streams here");
	script_reply("Invoke", NULL, "{\"exit_code\":0,\"stdout\":\"aGk=\",\"stderr\":\"\"}");
	script_reply("GetLogEvents", NULL,
		     "{\"events\":[{\"timestamp\":1,\"message\":\"x\"}],\"nextForwardToken\":\"t\"}");
	script_reply("DescribeServices", NULL,
		     "{\"services\":[{\"status\":\"ACTIVE\",\"desiredCount\":1,\"tags\":[{\"key\":\"vastfs:stage\","
		     "\"value\":\"prod\"}]}]}");
	script_reply("UpdateService", NULL, "{}");
	script_reply("StopTask", NULL, "{}");
	script_reply("DescribeVpcs", NULL, "{\"vpcSet\":[{\"vpcId\":\"vpc-1\",\"cidrBlock\":\"10.0.0.0/16\"}]}");
	script_task(s, "a1", "RUNNING",
		    ",\"enableExecuteCommand\":true,\"group\":\"service:vast-server\",\"attachments\":[{\"details\":["
		    "{\"name\":\"privateIPv4Address\",\"value\":\"172.31.48.9\"}]}]");
	for (size_t i = 0; i < sizeof(actions) / sizeof(actions[0]); i++)
		try_all(s, actions[i]);
	script_poll(s);
	assert_int_equal(model_query_check(s->m, "a1", &(struct error){0}), 0);
}

int main(void)
{
#define MEMORY_TEST(name) cmocka_unit_test_setup_teardown(name, script_setup, script_teardown)
	const struct CMUnitTest tests[] = {
		MEMORY_TEST(test_a_mount),
		MEMORY_TEST(test_a_poll),
		MEMORY_TEST(test_actions),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
