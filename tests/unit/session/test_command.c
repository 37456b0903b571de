/* SPDX-License-Identifier: BSD-3-Clause */
/* Tests commands in real shells on a real terminal. The output must be returned byte for byte. */
#include "session/command.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define DEADLINE_MS 20000

struct run {
	struct exec_command command;
	int terminal;
	pid_t pid;
	const char *program;
	struct buf output, errors, input;
	char missing[128];
	int status, exits;
};

static void on_ready(const char *missing, void *arg)
{
	struct run *r = arg;

	snprintf(r->missing, sizeof(r->missing), "%s", missing);
	if (!r->program)
		return;
	assert_int_equal(command_program(&r->command, r->program, strlen(r->program), &r->input), 0);
	assert_int_equal(command_program_end(&r->command, &r->input), 0);
}

static void on_output(bool is_stderr, const void *data, size_t len, void *arg)
{
	struct run *r = arg;

	assert_int_equal(buf_append(is_stderr ? &r->errors : &r->output, data, len), 0);
}

static void on_exited(int status, void *arg)
{
	struct run *r = arg;

	r->status = status;
	r->exits++;
}

static const struct command_events events = {on_ready, on_output, on_exited};
static const uint8_t chance[8] = {1, 2, 3, 4, 5, 6, 7, 8};

static void init(struct run *r, enum command_kind kind, const char *program)
{
	*r = (struct run){.terminal = -1, .program = program};
	buf_init(&r->output, 64 << 20);
	buf_init(&r->errors, 64 << 20);
	buf_init(&r->input, 1 << 20);
	command_init(&r->command, kind, chance, &events, r);
}

static void done(struct run *r)
{
	if (r->terminal >= 0)
		close(r->terminal);
	if (r->pid)
		waitpid(r->pid, NULL, 0);
	buf_free(&r->output);
	buf_free(&r->errors);
	buf_free(&r->input);
}

/* Signals that this process ignores (nohup, a background job) would be ignored in the shell too. */
static void restore_signals(void)
{
	static const int ignored[] = {SIGHUP, SIGINT, SIGQUIT, SIGTERM};

	for (size_t i = 0; i < sizeof(ignored) / sizeof(ignored[0]); i++)
		signal(ignored[i], SIG_DFL);
}

/* Runs the quoted part of the command line in this shell, as an agent without a shell does. */
static void start(struct run *r, const char *shell, const char *path)
{
	struct buf line = BUF_INIT(COMMAND_LINE_MAX);
	char *script;

	assert_int_equal(command_line(&r->command, &line), 0);
	assert_int_equal(strncmp(line.data, "/bin/sh -c '", 12), 0);
	script = line.data + 12;
	assert_ptr_equal(strchr(script, '\''), line.data + line.len - 1);
	line.data[line.len - 1] = '\0';
	r->pid = forkpty(&r->terminal, NULL, NULL, NULL);
	assert_true(r->pid >= 0);
	if (r->pid == 0) {
		restore_signals();
		setenv("PATH", path, 1);
		if (strcmp(shell, "busybox") == 0)
			execl("/bin/busybox", "sh", "-c", script, NULL);
		execl(shell, shell, "-c", script, NULL);
		_exit(127);
	}
	buf_free(&line);
}

static bool turn(struct run *r)
{
	struct pollfd p = {.fd = r->terminal, .events = (short)(POLLIN | (r->input.len ? POLLOUT : 0))};
	char piece[5000];
	ssize_t n;

	assert_int_equal(poll(&p, 1, DEADLINE_MS), 1);
	if (p.revents & POLLOUT) {
		n = write(r->terminal, r->input.data, r->input.len < 512 ? r->input.len : 512);
		assert_true(n > 0);
		memmove(r->input.data, r->input.data + n, r->input.len - (size_t)n);
		r->input.len -= (size_t)n;
	}
	if (!(p.revents & (POLLIN | POLLHUP)))
		return true;
	n = read(r->terminal, piece, sizeof(piece));
	if (n > 0)
		command_take(&r->command, piece, (size_t)n);
	command_flush(&r->command);
	return n > 0;
}

static void run_to_end(struct run *r, const char *shell, const char *path)
{
	start(r, shell, path);
	while (turn(r))
		;
}

static const char *const shells[] = {"/bin/dash", "/bin/bash", "busybox"};
#define PATH "/usr/bin:/bin"

static void test_outputs_and_status(void **state)
{
	(void)state;
	for (size_t i = 0; i < 3; i++) {
		struct run r;

		init(&r, COMMAND_JOB, "printf 'out\\r\\n\\t\\200\\377\\0x'; echo problem >&2; cat; tty; exit 7");
		run_to_end(&r, shells[i], PATH);
		assert_string_equal(r.missing, "");
		assert_int_equal(r.output.len, strlen("out\r\n\t..0x") + strlen("not a tty\n"));
		assert_memory_equal(r.output.data, "out\r\n\t\200\377\0x", 10);
		assert_int_equal(r.errors.len, 8);
		assert_memory_equal(r.errors.data, "problem\n", 8);
		assert_int_equal(r.status, 7);
		assert_int_equal(r.exits, 1);
		assert_int_equal(command_result(&r.command), 0);
		done(&r);
	}
}

static void test_much_of_both(void **state)
{
	(void)state;
	for (size_t i = 0; i < 3; i++) {
		struct run r;

		init(&r, COMMAND_JOB,
		     "head -c 300000 /dev/zero | tr '\\0' e >&2 & head -c 3000000 /dev/zero | tr '\\0' '\\377'; wait");
		run_to_end(&r, shells[i], PATH);
		assert_int_equal(r.output.len, 3000000);
		assert_int_equal(r.errors.len, 300000);
		for (size_t k = 0; k < r.output.len; k++)
			assert_int_equal((uint8_t)r.output.data[k], 0xff);
		for (size_t k = 0; k < r.errors.len; k++)
			assert_int_equal(r.errors.data[k], 'e');
		assert_int_equal(command_result(&r.command), 0);
		done(&r);
	}
}

static void test_long_program(void **state)
{
	struct run r;
	struct buf program = BUF_INIT(1 << 20);

	(void)state;
	buf_puts(&program, "printf '%s' '");
	for (int i = 0; i < 10000; i++)
		buf_puts(&program, "\n\t~ \360\237\220\246");
	buf_puts(&program, "'\n\n");
	init(&r, COMMAND_JOB, program.data);
	run_to_end(&r, "/bin/dash", PATH);
	assert_int_equal(r.output.len, 80000);
	assert_memory_equal(r.output.data, program.data + 13, 80000);
	assert_int_equal(r.status, 0);
	done(&r);
	buf_free(&program);
}

static void test_signal(void **state)
{
	struct run r;

	(void)state;
	init(&r, COMMAND_JOB, "kill -9 $$");
	run_to_end(&r, "/bin/dash", PATH);
	assert_int_equal(r.status, 137);
	done(&r);
}

static void test_output_comes_before_the_end(void **state)
{
	struct run r;

	(void)state;
	init(&r, COMMAND_JOB, "echo first; echo trouble >&2; exec sleep 1000");
	start(&r, "/bin/dash", PATH);
	while (r.output.len < 6 || r.errors.len < 8)
		assert_true(turn(&r));
	assert_int_equal(r.exits, 0);
	assert_int_equal(write(r.terminal, "\003", 1), 1); /* the character that ^C sends */
	while (turn(&r))
		;
	assert_int_equal(command_result(&r.command), -EAGAIN);
	done(&r);
}

static void test_background_child_keeps_the_output(void **state)
{
	struct run r;

	(void)state;
	init(&r, COMMAND_JOB, "sleep 1000 & echo started; exit 3");
	start(&r, "/bin/dash", PATH);
	while (!r.exits)
		assert_true(turn(&r));
	assert_int_equal(r.status, 3);
	done(&r);
}

static void test_script_as_input(void **state)
{
	for (size_t i = 0; i < 3; i++) {
		struct run r;

		(void)state;
		init(&r, COMMAND_SCRIPT, NULL);
		start(&r, shells[i], PATH);
		while (r.command.state == COMMAND_GREETING)
			assert_true(turn(&r));
		assert_int_equal(command_program(&r.command, "echo one\n", 9, &r.input), 0);
		while (r.output.len < 4) /* the program starts before its last part has arrived */
			assert_true(turn(&r));
		assert_int_equal(command_program(&r.command, "echo two >&2", 13, &r.input), 0);
		assert_int_equal(command_program_end(&r.command, &r.input), 0);
		while (turn(&r))
			;
		assert_string_equal(buf_str(&r.output), "one\n");
		assert_string_equal(buf_str(&r.errors), "two\n");
		assert_int_equal(r.status, 0);
		assert_int_equal(command_result(&r.command), 0);
		done(&r);
	}
}

static void test_script_that_ends_early(void **state)
{
	struct run r;

	(void)state;
	init(&r, COMMAND_SCRIPT, NULL);
	start(&r, "/bin/dash", PATH);
	while (r.command.state == COMMAND_GREETING)
		assert_true(turn(&r));
	assert_int_equal(command_program(&r.command, "exit 5\n", 7, &r.input), 0);
	while (!r.exits)
		assert_true(turn(&r));
	assert_int_equal(command_program_end(&r.command, &r.input), 0);
	while (turn(&r))
		;
	assert_int_equal(r.status, 5);
	assert_int_equal(command_result(&r.command), 0);
	done(&r);
}

/* -- without the tools ----------------------------------------------------------------------------------------- */

static char poor[64];

static int make_poor_path(void **state)
{
	char target[128];

	(void)state;
	snprintf(poor, sizeof(poor), "/tmp/test_command.XXXXXX");
	if (!mkdtemp(poor))
		return -1;
	snprintf(target, sizeof(target), "%s/cat", poor);
	return symlink("/bin/cat", target);
}

static int remove_poor_path(void **state)
{
	char target[128];

	(void)state;
	snprintf(target, sizeof(target), "%s/cat", poor);
	unlink(target);
	return rmdir(poor);
}

static void test_plain(void **state)
{
	static const char *const plain_shells[] = {"/bin/dash", "/bin/bash"};

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct run r;

		init(&r, COMMAND_JOB, "echo 'one\ttwo'\necho three >&2; cat; exit 9");
		run_to_end(&r, plain_shells[i], poor);
		assert_string_equal(r.missing, "stty dd od tr base64");
		assert_string_equal(buf_str(&r.output), "one\ttwo\nthree\n");
		assert_int_equal(r.status, 9);
		assert_int_equal(command_result(&r.command), 0);
		done(&r);
	}
}

static void test_plain_takes_no_control_characters(void **state)
{
	struct run r;
	char line[5000];

	(void)state;
	init(&r, COMMAND_JOB, NULL);
	r.command.plain = true;
	memset(line, 'x', sizeof(line));
	assert_int_equal(command_program(&r.command, "a\004b", 3, &r.input), -EINVAL);
	assert_int_equal(command_program(&r.command, line, sizeof(line), &r.input), -EFBIG);
	done(&r);
}

/* -- the shell ------------------------------------------------------------------------------------------------- */

static void test_shell_mark_is_cut_out(void **state)
{
	struct run r;
	const char *text = "\033]vast\033]vastfs;0102030405060708;42\a and more";

	(void)state;
	init(&r, COMMAND_SHELL, NULL);
	for (size_t i = 0; i < strlen(text); i++) {
		command_take(&r.command, text + i, 1);
		command_flush(&r.command);
		if (i == 0) /* a possible start of a mark is held back, but nothing else */
			assert_int_equal(r.output.len, 0);
	}
	assert_string_equal(buf_str(&r.output), "\033]vast");
	assert_int_equal(r.status, 42);
	assert_int_equal(r.exits, 1);
	done(&r);
}

static void test_real_shell(void **state)
{
	struct run r;

	(void)state;
	init(&r, COMMAND_SHELL, NULL);
	start(&r, "/bin/dash", PATH);
	buf_puts(&r.input, "stty size; exit 11\n");
	while (!r.exits)
		assert_true(turn(&r));
	assert_int_equal(r.status, 11);
	done(&r);
}

static void test_nonsense(void **state)
{
	static const char *const cases[] = {"QQ~", "QQ=Q~", "====~", "-!-~", "!~", "-!!!!!!!!!!!!!!-~", "-!!--!!-~"};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct run r;

		init(&r, COMMAND_JOB, NULL);
		command_take(&r.command, "\r\n0102030405060708;", 19);
		assert_string_equal(r.missing, "");
		command_take(&r.command, cases[i], strlen(cases[i]));
		assert_int_equal(command_result(&r.command), -EBADMSG);
		done(&r);
	}
}

static void test_any_bytes(void **state)
{
	unsigned seed = 5;

	(void)state;
	for (int round = 0; round < 2000; round++) {
		struct run r;
		char bytes[300];

		init(&r, round % 3 == 2 ? COMMAND_SHELL : COMMAND_JOB, NULL);
		for (size_t i = 0; i < sizeof(bytes); i++)
			bytes[i] =
				round % 2 ? (char)rand_r(&seed) : "-~!#QA=;<:\r\n0102030405060708"[rand_r(&seed) % 27];
		if (round % 5)
			command_take(&r.command, round % 7 ? "0102030405060708;" : "0102030405060708 od;",
				     round % 7 ? 17 : 20);
		command_take(&r.command, bytes, sizeof(bytes));
		done(&r);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_outputs_and_status),
		cmocka_unit_test(test_much_of_both),
		cmocka_unit_test(test_long_program),
		cmocka_unit_test(test_signal),
		cmocka_unit_test(test_output_comes_before_the_end),
		cmocka_unit_test(test_background_child_keeps_the_output),
		cmocka_unit_test(test_script_as_input),
		cmocka_unit_test(test_script_that_ends_early),
		cmocka_unit_test_setup_teardown(test_plain, make_poor_path, remove_poor_path),
		cmocka_unit_test(test_plain_takes_no_control_characters),
		cmocka_unit_test(test_shell_mark_is_cut_out),
		cmocka_unit_test(test_real_shell),
		cmocka_unit_test(test_nonsense),
		cmocka_unit_test(test_any_bytes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
