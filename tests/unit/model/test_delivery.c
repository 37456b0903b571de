/* SPDX-License-Identifier: BSD-3-Clause */
/* Tests what becomes of imported events for each reply of Lambda: delivered, rejected, or sent again. */
#include "scripted.h"

#include <time.h>

static const struct requester who = {.pid = 42, .uid = 1000};

#define EXIT(code)    "{\"exit_code\":" #code ",\"stdout\":\"\",\"stderr\":\"\",\"stdin_bytes\":3}"
#define DELIVERED     EXIT(0)
#define OLD_RUNTIME   "{\"exit_code\":0,\"stdout\":\"\",\"stderr\":\"\"}"
#define NOT_CHECKABLE EXIT(126)

/* The worker thread reads the spool beside this one. Each turn lets a minute pass, so pauses end. */
static void wait_for_end(struct job *j)
{
	const struct timespec pause = {.tv_nsec = 1000000};
	time_t deadline = time(NULL) + 60;

	for (;;) {
		_cleanup_(job_view_unref_cleanup) struct job_view *v = job_view(j);

		script_settle();
		if (job_state_ended(v->state))
			return;
		assert_true(time(NULL) < deadline);
		nanosleep(&pause, NULL);
		script_fire(60000);
	}
}

static void with_server(struct script *s)
{
	script_reply("DescribeStacks", NULL,
		     SCRIPT_STACK("CREATE_COMPLETE",
				  ",\"Outputs\":[{\"OutputKey\":\"ClusterName\",\"OutputValue\":\"cluster\"},"
				  "{\"OutputKey\":\"FunctionName\",\"OutputValue\":\"function\"},"
				  "{\"OutputKey\":\"TaskFamily\",\"OutputValue\":\"vast-prod\"},"
				  "{\"OutputKey\":\"TemplateVersion\",\"OutputValue\":\"999\"}]"));
	script_task(s, "a1", "RUNNING",
		    ",\"attachments\":[{\"details\":[{\"name\":\"privateIPv4Address\",\"value\":\"172.31.48.9\"}]}]");
}

static struct import_counts import_one(struct script *s, unsigned refused_starts)
{
	struct error err = {0};
	struct import_counts counts;
	struct import *imp = NULL;

	assert_int_equal(model_import(s->m, "json", who, &imp, &err), 0);
	assert_int_equal(import_write(imp, "{}\n", 3, &err), 0);
	script_refuse_starts(refused_starts);
	import_end(imp);
	wait_for_end(import_job(imp));
	import_counts(imp, &counts);
	import_unref(imp);
	return counts;
}

static void test_what_a_reply_means_for_the_events(void **state)
{
	/* The replies to the invocations in their order: JSON, or a code of an error. The last one counts for all
	 * others. */
	static const struct {
		const char *replies[4];
		unsigned refused_starts;
		uint64_t delivered, rejected, doubtful;
	} rows[] = {
		{{DELIVERED}, 0, 1, 0, 0},
		{{DELIVERED}, 1, 1, 0, 0},
		/* The command fails, and the server answers: the events are the cause. */
		{{EXIT(1), EXIT(0)}, 0, 0, 1, 0},
		{{EXIT(1), NOT_CHECKABLE}, 0, 0, 1, 0},
		/* The server does not answer: the events wait for it. */
		{{EXIT(1), EXIT(1), DELIVERED}, 0, 1, 0, 1},
		{{EXIT(1), "ServiceException", DELIVERED}, 0, 1, 0, 1},
		/* The command was not started. */
		{{"TooManyRequestsException", DELIVERED}, 0, 1, 0, 0},
		{{"AccessDeniedException", DELIVERED}, 0, 1, 0, 0},
		{{OLD_RUNTIME, DELIVERED}, 0, 1, 0, 0},
		/* It may have run. */
		{{"", DELIVERED}, 0, 1, 0, 1},
		{{"{\"errorMessage\":\"Task timed out\"}", DELIVERED}, 0, 1, 0, 1},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct import_counts counts;
		void *own = NULL;
		struct script *s;

		script_setup(&own);
		s = own;
		with_server(s);
		for (size_t k = 0; k < 4 && rows[i].replies[k]; k++) {
			const char *reply = rows[i].replies[k];

			if (*reply != '{')
				script_fail_once("Invoke", reply, "no reply");
			else
				script_once("Invoke", reply);
		}
		script_reply("Invoke", NULL, DELIVERED);
		counts = import_one(s, rows[i].refused_starts);
		assert_int_equal(counts.delivered, rows[i].delivered);
		assert_int_equal(counts.rejected, rows[i].rejected);
		assert_int_equal(counts.doubtful, rows[i].doubtful);
		script_teardown(&own);
	}
}

/* Without a server the events wait, and the step says for what. */
static void test_why_events_wait(void **state)
{
	static const struct {
		const char *stack, *status, *step;
	} rows[] = {
		{NULL, "PENDING", "no server is running: touch control/run-task"},
		{"{\"Stacks\":[{\"StackId\":\"x\",\"StackName\":\"vast-prod\",\"StackStatus\":\"CREATE_COMPLETE\"}]}",
		 "RUNNING", "vastfs did not create the stack of that name"},
		{SCRIPT_STACK("CREATE_COMPLETE", ""), "RUNNING", "the stack is not deployed: touch control/deploy"},
		{SCRIPT_STACK("CREATE_COMPLETE", ",\"Outputs\":[{\"OutputKey\":\"FunctionName\",\"OutputValue\":\"f\"},"
						 "{\"OutputKey\":\"TemplateVersion\",\"OutputValue\":\"1\"}]"),
		 "RUNNING", "an older vastfs deployed the stack: touch control/deploy"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		_cleanup_(job_view_unref_cleanup) struct job_view *v = NULL;
		struct import *imp = NULL;
		struct error err = {0};
		void *own = NULL;
		struct script *s;

		script_setup(&own);
		s = own;
		with_server(s);
		assert_int_equal(model_import(s->m, "json", who, &imp, &err), 0);
		assert_int_equal(import_write(imp, "{}\n", 3, &err), 0);
		if (rows[i].stack)
			script_reply("DescribeStacks", NULL, rows[i].stack);
		script_task(s, "a1", rows[i].status, "");
		import_end(imp);
		for (int turns = 0; turns < 60000; turns++) {
			job_view_unref(v);
			v = job_view(import_job(imp));
			if (strstr(v->step, rows[i].step))
				break;
			nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
			script_fire(1000);
		}
		assert_non_null(strstr(v->step, rows[i].step));
		import_unref(imp);
		script_teardown(&own);
	}
}

/* The function of an older template would take the events for a command. */
static void test_a_stack_of_an_older_vastfs_takes_no_events(void **state)
{
	struct script *s = *state;
	struct error err = {0};

	script_poll(s);
	assert_int_equal(model_import_check(s->m, &err), 0);
	script_reply("DescribeStacks", NULL,
		     SCRIPT_STACK("UPDATE_COMPLETE",
				  ",\"Outputs\":[{\"OutputKey\":\"FunctionName\",\"OutputValue\":\"f\"},"
				  "{\"OutputKey\":\"TemplateVersion\",\"OutputValue\":\"1\"}]"));
	script_poll(s);
	assert_int_equal(model_import_check(s->m, &err), -ENXIO);
	assert_non_null(strstr(err.message, "deployed by an older vastfs"));
	assert_string_equal(err.remedy, "touch control/deploy");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_what_a_reply_means_for_the_events),
		cmocka_unit_test(test_why_events_wait),
		cmocka_unit_test_setup_teardown(test_a_stack_of_an_older_vastfs_takes_no_events, script_setup,
						script_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
