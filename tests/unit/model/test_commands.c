/* SPDX-License-Identifier: BSD-3-Clause */
/* Tests commands in Lambda and in containers: which are refused, and how each way to end shows in the job. */
#include "scripted.h"

#define DONE "{\"exit_code\":0,\"stdout\":\"aGk=\",\"stderr\":\"\"}"

static const struct requester who = {.pid = 42, .uid = 1000};

static struct job *run(struct script *s, const char *task, const char *text)
{
	_buf_ struct buf command = BUF_INIT(1 << 20);
	struct error err = {0};
	struct job *j = NULL;

	buf_puts(&command, text);
	assert_int_equal(model_query(s->m, task, &command, true, who, &j, &err), 0);
	script_settle();
	return j;
}

/* The state, and what error and, while the job runs, its step say. */
static void assert_state(struct job *j, enum job_state state, const char *message)
{
	_cleanup_(job_view_unref_cleanup) struct job_view *v = job_view(j);
	char text[2048];

	snprintf(text, sizeof(text), "%s%s", v->error->message, job_state_ended(v->state) ? "" : v->step);
	assert_string_equal(text, message);
	assert_int_equal(v->state, state);
}

static void assert_ends(struct job *j, enum job_state state, const char *message)
{
	assert_state(j, state, message);
	job_unref(j);
}

static void test_text_that_is_no_command(void **state)
{
	struct script *s = *state;
	_buf_ struct buf cut = BUF_INIT(64);
	struct error err = {0};
	struct job *j = NULL;
	char *large = calloc(1, MODEL_QUERY_MAX + 1);

	script_start(s);
	assert_int_equal(model_query_text("a\0b", 3, &err), -EINVAL);
	memset(large, 'x', MODEL_QUERY_MAX + 1);
	assert_int_equal(model_query_text(large, MODEL_QUERY_MAX, &err), 0);
	assert_int_equal(model_query_text(large, MODEL_QUERY_MAX + 1, &err), -EFBIG);
	free(large);
	buf_puts(&cut, "export the");
	assert_int_equal(model_query(s->m, NULL, &cut, false, who, &j, &err), 0);
	assert_ends(j, JOB_FAILED, "incomplete, not run: the writer was cut short");
}

/* Where Lambda does not stream, the command is sent once more as a whole, and later ones are not tried as a stream. */
static void test_a_region_without_streams(void **state)
{
	struct script *s = *state;

	script_start(s);
	script_fail("InvokeWithResponseStream", NULL, "AccessDeniedException", "no streams here");
	script_reply("Invoke", NULL, DONE);
	assert_ends(run(s, NULL, "true"), JOB_SUCCEEDED,
		    "no server is running: the command runs without VAST_ENDPOINT");
	assert_ends(run(s, NULL, "true"), JOB_SUCCEEDED,
		    "no server is running: the command runs without VAST_ENDPOINT");
	assert_int_equal(script_calls("InvokeWithResponseStream"), 1);
	assert_int_equal(script_calls("Invoke"), 2);
}

static void test_lambda_has_no_room_yet(void **state)
{
	struct script *s = *state;
	struct job *j;

	script_task(s, "a1", "RUNNING", "");
	script_fail("InvokeWithResponseStream", NULL, "UnknownOperationException", "no streams here");
	script_fail("Invoke", NULL, "TooManyRequestsException", "Rate exceeded");
	j = run(s, NULL, "true");
	assert_state(j, JOB_RUNNING, "waiting: TooManyRequestsException");
	for (int i = 0; i < 6; i++)
		script_fire(5000);
	assert_state(j, JOB_RUNNING, "waiting: TooManyRequestsException");
	script_once("Invoke", DONE);
	script_fire(5000);
	assert_ends(j, JOB_SUCCEEDED, "");

	j = run(s, NULL, "true");
	model_cancel_job(s->m, j);
	script_settle();
	assert_ends(j, JOB_CANCELLED, "cancelled before it was sent");

	j = run(s, NULL, "true");
	script_pass(200000);
	script_fire(5000);
	assert_ends(j, JOB_FAILED, "Rate exceeded");
}

static void test_how_a_query_fails(void **state)
{
	static const struct {
		const char *code, *text, *message;
	} rows[] = {
		{"", "the connection was lost",
		 "the reply was lost, but the command may have run: the connection was lost"},
		{"ServiceException", "internal error", "internal error"},
		{NULL, "{\"errorMessage\":\"x\"}", "the Lambda function returned an invalid reply:"},
	};
	struct script *s = *state;

	script_task(s, "a1", "RUNNING", "");
	script_fail("InvokeWithResponseStream", NULL, "UnknownOperationException", "no streams here");
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (rows[i].code)
			script_fail("Invoke", NULL, rows[i].code, rows[i].text);
		else
			script_reply("Invoke", NULL, rows[i].text);
		assert_ends(run(s, NULL, "true"), JOB_FAILED, rows[i].message);
	}
	script_refuse_starts(1);
	assert_ends(run(s, NULL, "true"), JOB_FAILED, "out of memory");
}

/* The command waits until the stack is known, and says then why there is none. */
static void test_a_query_without_a_stack(void **state)
{
	static const struct {
		const char *code, *text, *message;
	} rows[] = {
		{"ValidationError", "Stack with id vast-prod does not exist", "the stack is not deployed"},
		{"AccessDenied", "not allowed", "cannot read the stack, so the command was not sent: not allowed"},
		{NULL,
		 "{\"Stacks\":[{\"StackId\":\"x\",\"StackName\":\"vast-prod\",\"StackStatus\":\"CREATE_COMPLETE\"}]}",
		 "the stack vast-prod exists but has no tag vastfs:stage=prod: vastfs did not create it and leaves it "
		 "alone"},
	};
	struct script *s = *state;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (rows[i].code)
			script_fail("DescribeStacks", NULL, rows[i].code, rows[i].text);
		else
			script_reply("DescribeStacks", NULL, rows[i].text);
		script_start(s);
		assert_ends(run(s, NULL, "true"), JOB_FAILED, rows[i].message);
		script_stop(s);
	}
}

static void test_the_check_of_a_port(void **state)
{
	static const struct {
		const char *reply, *event;
		enum job_state state;
	} rows[] = {
		{"{\"exit_code\":0,\"stdout\":\"\",\"stderr\":\"\"}", "task a1: its port answers\n", JOB_SUCCEEDED},
		{"{\"exit_code\":1,\"stdout\":\"\",\"stderr\":\"\"}", "task a1: its port does not answer\n",
		 JOB_FAILED},
		{"{\"exit_code\":126,\"stdout\":\"\",\"stderr\":\"\"}", "task a1: its port could not be checked\n",
		 JOB_FAILED},
	};
	struct script *s = *state;
	struct error err = {0};
	struct job *j = NULL;

	script_task(s, "a1", "PENDING", "");
	assert_int_equal(model_task_check(s->m, "a1", who, &j, &err), -ENXIO);
	assert_string_equal(err.message, "the task is PENDING, so its port does not answer");
	assert_int_equal(model_task_check(s->m, "zz", who, &j, &err), -ENXIO);
	assert_string_equal(err.message, "the task is not known, so its port does not answer");
	script_task(s, "a1", "RUNNING",
		    ",\"attachments\":[{\"details\":[{\"name\":\"privateIPv4Address\",\"value\":\"172.31.48.9\"}]}]");
	script_fail("InvokeWithResponseStream", NULL, "UnknownOperationException", "no streams here");
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		_cleanup_(job_view_unref_cleanup) struct job_view *v = NULL;

		script_reply("Invoke", NULL, rows[i].reply);
		assert_int_equal(model_task_check(s->m, "a1", who, &j, &err), 0);
		script_settle();
		v = job_view(j);
		assert_int_equal(v->state, rows[i].state);
		assert_non_null(strstr(script_events(s), rows[i].event));
		job_unref(j);
	}
}

/* -- in containers --------------------------------------------------------------------------------------------- */

static void test_which_tasks_run_commands(void **state)
{
	static const struct {
		const char *status, *more, *id, *message, *remedy;
		int r;
	} rows[] = {
		{"RUNNING", ",\"enableExecuteCommand\":true", "a1", "", "", 0},
		{"RUNNING", "", "a1", "the task was started without ECS Exec, which cannot be changed while it runs",
		 "touch control/restart-task", -EPERM},
		{"PENDING", "", "a1", "the task is PENDING, so it cannot run commands", "wait until", -ENXIO},
		{"STOPPED", "", "a1", "the task is stopped, so it cannot run commands", "touch control/run-task",
		 -ENXIO},
		{"RUNNING", "", "zz", "there is no task zz", "", -ENXIO},
	};
	struct script *s = *state;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct error err = {0};

		script_task(s, "a1", rows[i].status, rows[i].more);
		assert_int_equal(model_query_check(s->m, rows[i].id, &err), rows[i].r);
		assert_string_equal(err.message, rows[i].message);
		assert_non_null(strstr(err.remedy, rows[i].remedy));
		/* A command that was accepted before the task ended is refused when it begins. */
		if (rows[i].r < 0)
			assert_ends(run(s, rows[i].id, "true"), JOB_FAILED, rows[i].message);
	}
	/* What is older than half a minute refuses nothing. */
	script_pass(60000);
	assert_int_equal(model_query_check(s->m, "a1", &(struct error){0}), 0);
}

static struct job *run_in_task(struct script *s)
{
	struct job *j = run(s, "a1", "echo hi");

	assert_non_null(script_remote());
	return j;
}

static void test_a_command_in_a_container(void **state)
{
	struct script *s = *state;
	struct error none = {0}, busy = {.errnum = -EAGAIN, .code = "TargetNotConnectedException"};
	struct remote *r;
	struct job *j;

	script_task(s, "a1", "RUNNING", ",\"enableExecuteCommand\":true");
	j = run_in_task(s);
	r = script_remote();
	r->events->waiting(&busy, r->arg);
	assert_state(j, JOB_QUEUED, "waiting for the agent in the container: TargetNotConnectedException");
	r->events->ready("", r->arg);
	assert_string_equal(buf_str(&r->written), "echo hi");
	assert_true(r->wrote_end);
	r->events->output(false, "hi\n", 3, r->arg);
	r->events->output(true, "!\n", 2, r->arg);
	r->events->drained(r->arg);
	script_end_remote(3, &none);
	assert_ends(j, JOB_FAILED, "the command ended with exit status 3");

	j = run_in_task(s);
	r = script_remote();
	r->events->ready("stty", r->arg);
	script_end_remote(0, &none);
	assert_ends(j, JOB_SUCCEEDED,
		    "the container lacks at least one of stty, dd, od, tr and base64, so the output passed through a "
		    "terminal: it includes standard error, and bytes that are not UTF-8 are lost");
}

/* Without the programs that carry any bytes, a command that a terminal would change is not run. */
static void test_a_command_that_cannot_be_typed(void **state)
{
	static const struct {
		int result;
		const char *message;
	} rows[] = {
		{-EFBIG,
		 "the container lacks dd, so vastfs would have to type the command into a terminal, which is not "
		 "possible: a line of the command has more than 4000 bytes"},
		{-EINVAL,
		 "the container lacks dd, so vastfs would have to type the command into a terminal, which is not "
		 "possible: the command has control characters"},
		{-ENOMEM, "out of memory"},
	};
	struct script *s = *state;

	script_task(s, "a1", "RUNNING", ",\"enableExecuteCommand\":true");
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct job *j = run_in_task(s);
		struct remote *r = script_remote();

		r->result = rows[i].result;
		r->events->ready("dd", r->arg);
		assert_true(r->cancelled);
		r->events->output(false, "late", 4, r->arg);
		script_end_remote(130, &(struct error){.errnum = -EIO, .message = "interrupted"});
		assert_ends(j, JOB_FAILED, rows[i].message);
	}
}

static void test_how_a_command_in_a_container_fails(void **state)
{
	static const struct error lost = {.errnum = -EIO, .message = "the connection was lost"};
	struct script *s = *state;
	struct job *j;

	script_task(s, "a1", "RUNNING", ",\"enableExecuteCommand\":true");
	j = run_in_task(s);
	script_end_remote(0, &lost);
	assert_ends(j, JOB_FAILED, "the connection was lost");
	assert_non_null(strstr(script_error(s), "read status and stopped_reason in tasks/a1"));

	j = run_in_task(s);
	model_cancel_job(s->m, j);
	script_settle();
	assert_true(script_remote()->cancelled);
	script_end_remote(0, &lost);
	assert_ends(j, JOB_CANCELLED, "cancelled before it was sent");

	j = run_in_task(s);
	script_remote()->events->ready("", script_remote()->arg);
	model_cancel_job(s->m, j);
	script_settle();
	script_end_remote(0, &lost);
	assert_ends(j, JOB_CANCELLED, "cancelled: the command in the container was ended");

	j = run_in_task(s);
	script_remote()->events->ready("", script_remote()->arg);
	script_task(s, "a1", "STOPPED", ",\"enableExecuteCommand\":true");
	script_end_remote(0, &lost);
	assert_ends(j, JOB_FAILED, "the task has been stopped: the connection was lost");

	script_task(s, "a1", "RUNNING", ",\"enableExecuteCommand\":true");
	script_refuse_remotes(true);
	assert_ends(run(s, "a1", "true"), JOB_FAILED, "out of memory");
	script_refuse_remotes(false);
	/* The mount ends while a command runs. */
	job_unref(run_in_task(s));
}

/* A task that is not known yet: the stack is read first. */
static void test_a_command_before_the_tasks_are_known(void **state)
{
	struct script *s = *state;
	struct job *j;

	script_start(s);
	script_pass(60000);
	script_reply("ListTasks", "RUNNING", "{\"taskArns\":[\"arn:aws:ecs:eu-west-1:111111111111:task/cluster/a1\"]}");
	script_reply("DescribeTasks", NULL,
		     "{\"tasks\":[{\"taskArn\":\"arn:aws:ecs:eu-west-1:111111111111:task/cluster/a1\","
		     "\"lastStatus\":\"RUNNING\",\"desiredStatus\":\"RUNNING\",\"enableExecuteCommand\":true}]}");
	j = run(s, "a1", "true");
	assert_non_null(script_remote());
	script_end_remote(0, &(struct error){0});
	assert_ends(j, JOB_SUCCEEDED, "");
}

/* The cancellation arrives before the engine's thread begins. */
static void test_a_command_that_is_cancelled_at_once(void **state)
{
	static const char *const tasks[] = {NULL, "a1"};
	struct script *s = *state;

	script_task(s, "a1", "RUNNING", ",\"enableExecuteCommand\":true");
	for (size_t i = 0; i < 2; i++) {
		_buf_ struct buf command = BUF_INIT(64);
		struct error err = {0};
		struct job *j = NULL;

		buf_puts(&command, "true");
		assert_int_equal(model_query(s->m, tasks[i], &command, true, who, &j, &err), 0);
		model_cancel_job(s->m, j);
		script_settle();
		assert_ends(j, JOB_CANCELLED, "cancelled before it was sent");
		assert_null(script_remote());
	}
	assert_int_equal(script_calls("InvokeWithResponseStream"), 0);
}

int main(void)
{
#define COMMAND_TEST(name) cmocka_unit_test_setup_teardown(name, script_setup, script_teardown)
	const struct CMUnitTest tests[] = {
		COMMAND_TEST(test_text_that_is_no_command),
		COMMAND_TEST(test_a_region_without_streams),
		COMMAND_TEST(test_lambda_has_no_room_yet),
		COMMAND_TEST(test_how_a_query_fails),
		COMMAND_TEST(test_a_query_without_a_stack),
		COMMAND_TEST(test_the_check_of_a_port),
		COMMAND_TEST(test_which_tasks_run_commands),
		COMMAND_TEST(test_a_command_in_a_container),
		COMMAND_TEST(test_a_command_that_cannot_be_typed),
		COMMAND_TEST(test_how_a_command_in_a_container_fails),
		COMMAND_TEST(test_a_command_before_the_tasks_are_known),
		COMMAND_TEST(test_a_command_that_is_cancelled_at_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
