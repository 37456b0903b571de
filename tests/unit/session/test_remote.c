/* SPDX-License-Identifier: BSD-3-Clause */
/* Tests the life of a program in a container: its start, its input, and its ends. */
#include "failing.h"
#include "session/remote.h"
#include "session/world.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct {
	unsigned waiting, ready, drained, ended;
	char output[200];
	int status;
	struct error why;
	struct remote *remote;
	const char *drops; /* the event in which the program is dropped, NULL: none */
} program;

static void program_drop_in(const char *event)
{
	if (program.drops && strcmp(program.drops, event) == 0)
		remote_drop(program.remote);
}

static void program_waiting(const struct error *why _unused_, void *arg _unused_)
{
	program.waiting++;
	program_drop_in("waiting");
}

static void program_ready(const char *missing _unused_, void *arg _unused_)
{
	program.ready++;
	program_drop_in("ready");
}

static void program_output(bool is_stderr _unused_, const void *data, size_t len, void *arg _unused_)
{
	strncat(program.output, data, len);
	program_drop_in("output");
}

static void program_drained(void *arg _unused_)
{
	program.drained++;
	program_drop_in("drained");
}

static void program_ended(int status, const struct error *why, void *arg _unused_)
{
	program.ended++;
	program.status = status;
	program.why = *why;
}

static void run(enum command_kind kind)
{
	static const struct remote_events events = {program_waiting, program_ready, program_output, program_drained,
						    program_ended};

	world_reset();
	memset(&program, 0, sizeof(program));
	program.remote = remote_start(NULL, kind, &world_request, &events, NULL);
	assert_non_null(program.remote);
}

static int after_program(void **state _unused_)
{
	if (world_next_timer())
		world_wait(MINUTE_MS); /* the end of the session follows that of the program */
	assert_null(world_next_timer());
	return 0;
}

static void test_a_container_that_prints_nothing(void **state _unused_)
{
	run(COMMAND_JOB);
	agent_answers();
	assert_int_equal(program.ready, 0);
	world_wait(59000);
	assert_int_equal(program.ended, 0);
	world_wait(1000);
	assert_int_equal(program.ended, 1);
	assert_int_equal(program.why.errnum, -ETIMEDOUT);
	assert_non_null(strstr(program.why.message, "printed nothing for 60 s"));
	assert_int_equal(world.terminated, 1);
}

static void test_keystrokes_wait_for_a_slow_agent(void **state _unused_)
{
	static char text[400000];

	run(COMMAND_SHELL);
	agent_answers();
	assert_int_equal(program.ready, 1);
	assert_int_equal(remote_write(program.remote, text, sizeof(text)), 0);
	assert_true(remote_is_full(program.remote));
	assert_int_equal(remote_write_end(program.remote), 0); /* a shell has no end of input */
	for (int64_t i = 0; program.drained == 0; i++) {
		assert_in_range(i, 0, 1000);
		agent_acknowledges(i);
	}
	assert_false(remote_is_full(program.remote));
	remote_resize(program.remote, 100, 50);
	remote_pause(program.remote, true);
	assert_true(world.is_paused);
	remote_drop(program.remote);
	assert_int_equal(program.ended, 0);
}

static void test_a_cancelled_program_gets_two_keys_first(void **state _unused_)
{
	run(COMMAND_SHELL);
	agent_answers();
	agent_prints("$ ");
	remote_cancel(program.remote);
	remote_cancel(program.remote);
	world_wait(0);
	assert_string_equal(world.keys, "\x03");
	world_wait(2000);
	assert_non_null(strchr(world.keys, 0x1c));
	assert_int_equal(world.terminated, 0);
	world_wait(2000);
	assert_int_equal(world.terminated, 1);
	world_wait(5000);
	assert_int_equal(program.ended, 1);
	assert_int_equal(program.why.errnum, -EIO);
}

static void test_a_job_that_has_not_begun_is_ended_at_once(void **state _unused_)
{
	run(COMMAND_JOB);
	agent_answers();
	remote_cancel(program.remote);
	assert_int_equal(world.terminated, 1);
	world_wait(5000);
	assert_int_equal(program.ended, 1);
}

static void test_output_without_a_status_is_incomplete(void **state _unused_)
{
	run(COMMAND_JOB);
	agent_answers();
	agent_greets();
	assert_int_equal(program.ready, 1);
	assert_int_equal(remote_write(program.remote, "true", 4), 0);
	assert_int_equal(remote_write_end(program.remote), 0);
	assert_int_equal(remote_write_end(program.remote), 0);
	agent_prints("aGVsbG8=~");
	world_wait(0);
	assert_string_equal(program.output, "hello");
	assert_int_equal(program.ended, 1);
	assert_int_equal(program.why.errnum, -EBADMSG);
	assert_non_null(strstr(program.why.message, "a part of the output was lost"));
	agent_closes("");
	assert_int_equal(program.ended, 1);
}

static void test_a_session_that_ends_before_the_command(void **state _unused_)
{
	static const char *const reasons[] = {"", "Session timed out"};

	for (size_t i = 0; i < 2; i++) {
		run(COMMAND_JOB);
		agent_answers();
		agent_closes(reasons[i]);
		assert_int_equal(program.ended, 1);
		assert_int_equal(program.why.errnum, -EIO);
		assert_non_null(strstr(program.why.message, i ? reasons[i] : "before the command did"));
	}
}

static void test_a_dropped_program_reports_nothing(void **state _unused_)
{
	run(COMMAND_JOB);
	world_wait(0);
	remote_drop(program.remote);
	agent_is_absent();
	world_wait(5000);
	assert_int_equal(program.waiting + program.ended, 0);
	assert_int_equal(world.asked, 1); /* not again, for a command that nobody wants */
	remote_drop(NULL);
	remote_free(NULL);
}

/* An event may drop the program; none follows, and the session in the container is ended. */
static void test_dropping_in_an_event(void **state _unused_)
{
	static const char *const events[] = {"waiting", "ready", "output", "drained"};

	for (size_t i = 0; i < ARRAY_SIZE(events); i++) {
		run(COMMAND_SHELL);
		program.drops = events[i];
		world_wait(0);
		if (i == 0) {
			agent_is_absent();
		} else {
			agent_answers();
			agent_prints("$ ");
			world_wait(0);
		}
		if (i == 3) {
			remote_write(program.remote, (char[400000]){0}, 400000);
			for (int64_t sent = 0; !program.drained; sent++)
				agent_acknowledges(sent);
		}
		if (world.has_socket)
			agent_prints("more");
		world_wait(MINUTE_MS);
		assert_int_equal(program.ended, 0);
		assert_null(strstr(program.output, "more"));
		assert_int_equal(world.terminated, i > 0);
	}
}

static void one_start(const void *arg _unused_)
{
	static const struct remote_events events = {program_waiting, program_ready, program_output, program_drained,
						    program_ended};
	struct remote *r = remote_start(NULL, COMMAND_JOB, &world_request, &events, NULL);

	assert_true(r || failing_happened());
	if (r) {
		remote_drop(r);
		world_wait(MINUTE_MS); /* it frees itself */
	}
	assert_null(world_next_timer());
}

static void test_starting_without_memory(void **state _unused_)
{
	world_reset();
	assert_in_range(failing_each(one_start, NULL), 8, 200);
}

#define TEST(name) cmocka_unit_test_teardown(name, after_program)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_a_container_that_prints_nothing),
		TEST(test_keystrokes_wait_for_a_slow_agent),
		TEST(test_a_cancelled_program_gets_two_keys_first),
		TEST(test_a_job_that_has_not_begun_is_ended_at_once),
		TEST(test_output_without_a_status_is_incomplete),
		TEST(test_a_session_that_ends_before_the_command),
		TEST(test_a_dropped_program_reports_nothing),
		TEST(test_dropping_in_an_event),
		TEST(test_starting_without_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
