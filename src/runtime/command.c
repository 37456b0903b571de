/* SPDX-License-Identifier: BSD-3-Clause */
#include "command.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "clock.h"
#include "processes.h"

#define TERM_GRACE   200  /* ms from SIGTERM to SIGKILL */
#define LINGER_QUIET 100  /* ms of silence after the shell's exit until background processes are killed */
#define LINGER_LIMIT 2000 /* ms after the shell's exit until they are killed even if they print */
#define READ_SIZE    65536
#define NEVER	     INT64_MAX

struct run {
	const struct command *command;
	struct command_end *end;
	pid_t shell;
	int in;	    /* written to; -1: no input, or all of it was written */
	int out[2]; /* pipes by enum command_stream; -1: closed at its end */
	bool exited, cut, lingered;
	int64_t exited_at, heard_at, kill_at;
	int error;
};

static volatile sig_atomic_t running_group;

static void command_on_child(int signal)
{
	(void)signal;
}

void command_init(void)
{
	struct sigaction action = {.sa_handler = command_on_child};
	sigset_t mask;

	sigaction(SIGCHLD, &action, NULL);
	sigemptyset(&mask);
	sigaddset(&mask, SIGCHLD);
	sigprocmask(SIG_BLOCK, &mask, NULL);
}

void command_abandon(void)
{
	if (running_group > 0)
		kill(-running_group, SIGKILL);
}

/* --- the child process, before its exec --- */

static void command_child_set_or_unset(const char *name, const char *value)
{
	if (value[0])
		setenv(name, value, 1);
	else
		unsetenv(name);
}

static void command_child_environment(const struct command *command)
{
	static const char *const of_the_runtime[] = {"AWS_LAMBDA_RUNTIME_API", "_HANDLER", "LAMBDA_RUNTIME_DIR",
						     "AWS_LAMBDA_INITIALIZATION_TYPE"};

	for (size_t i = 0; i < sizeof(of_the_runtime) / sizeof(*of_the_runtime); i++)
		unsetenv(of_the_runtime[i]);
	command_child_set_or_unset("VAST_ENDPOINT", command->endpoint);
	command_child_set_or_unset("TENZIR_ENDPOINT", command->endpoint);
	command_child_set_or_unset("_X_AMZN_TRACE_ID", command->trace);
}

/* Ignored signals and the signal mask would survive the exec. */
static void command_child_signals(void)
{
	sigset_t none;

	for (int i = 1; i < NSIG; i++)
		signal(i, SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

/* In an image without /dev/null, a pipe without writers gives the command an empty stdin as well. */
static int command_child_stdin(int in)
{
	int fds[2] = {in >= 0 ? in : open("/dev/null", O_RDONLY | O_CLOEXEC), -1};

	if (fds[0] < 0 && pipe2(fds, O_CLOEXEC) < 0)
		return -1;
	return dup2(fds[0], STDIN_FILENO);
}

/* The pipes between the child and the runtime, in the order of pipe(2); -1: closed. */
struct pipes {
	int in[2], out[2], err[2], report[2];
};

static _Noreturn void command_child_main(const struct command *command, const struct pipes *pipes)
{
	const char *argv[] = {"/bin/sh", "-c", command->text, NULL};
	extern char **environ;
	int error;

	setpgid(0, 0);
	command_child_signals();
	command_child_environment(command);
	if (command_child_stdin(pipes->in[0]) >= 0 && dup2(pipes->out[1], STDOUT_FILENO) >= 0 &&
	    dup2(pipes->err[1], STDERR_FILENO) >= 0)
		execve(argv[0], (char *const *)argv, environ);
	error = errno;
	if (write(pipes->report[1], &error, sizeof(error)) < 0)
		_exit(126);
	_exit(127);
}

/* --- the runtime --- */

/* Blocks all signals until the process group is known, because the handler of SIGTERM kills that group. */
static pid_t command_fork_shell(const struct command *command, const struct pipes *pipes)
{
	sigset_t all, before;
	pid_t pid;
	int error;

	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, &before);
	pid = fork();
	error = errno;
	if (pid == 0)
		command_child_main(command, pipes);
	if (pid > 0) {
		setpgid(pid, pid);
		running_group = pid;
	}
	sigprocmask(SIG_SETMASK, &before, NULL);
	return pid < 0 ? -error : pid;
}

/* A successful exec closes the pipe (O_CLOEXEC); a failed exec writes its errno first. */
static int command_exec_outcome(int report)
{
	int error = 0;
	ssize_t n;

	do
		n = read(report, &error, sizeof(error));
	while (n < 0 && errno == EINTR);
	return n == (ssize_t)sizeof(error) ? -error : 0;
}

static void command_close_pair(int fds[2])
{
	for (int i = 0; i < 2; i++) {
		if (fds[i] >= 0)
			close(fds[i]);
		fds[i] = -1;
	}
}

static int command_pipes_open(struct pipes *pipes, bool with_input)
{
	if (with_input && pipe2(pipes->in, O_CLOEXEC) < 0)
		return -errno;
	if (pipe2(pipes->out, O_CLOEXEC) < 0 || pipe2(pipes->err, O_CLOEXEC) < 0 || pipe2(pipes->report, O_CLOEXEC) < 0)
		return -errno;
	return 0;
}

static void command_pipes_close(struct pipes *pipes)
{
	command_close_pair(pipes->in);
	command_close_pair(pipes->out);
	command_close_pair(pipes->err);
	command_close_pair(pipes->report);
}

/* Takes over the end of a pipe that the run keeps. */
static int command_take_pipe_end(int *end)
{
	int fd = *end;

	*end = -1;
	if (fd >= 0)
		fcntl(fd, F_SETFL, O_NONBLOCK);
	return fd;
}

static int command_start(struct run *run)
{
	struct pipes pipes = {{-1, -1}, {-1, -1}, {-1, -1}, {-1, -1}};
	int result = command_pipes_open(&pipes, run->command->input);

	if (result == 0) {
		result = command_fork_shell(run->command, &pipes);
		run->shell = result;
		run->in = command_take_pipe_end(&pipes.in[1]);
		run->out[COMMAND_STDOUT] = command_take_pipe_end(&pipes.out[0]);
		run->out[COMMAND_STDERR] = command_take_pipe_end(&pipes.err[0]);
		close(pipes.report[1]);
		pipes.report[1] = -1;
		if (result > 0)
			result = command_exec_outcome(pipes.report[0]);
	}
	command_pipes_close(&pipes);
	return result;
}

/* Keeps only the first error. */
static void command_check(struct run *run, int err)
{
	if (err < 0 && !run->error)
		run->error = err;
}

static void command_emit(struct run *run, enum command_stream stream, const char *data, size_t len)
{
	if (!run->error)
		command_check(run, run->command->output(run->command->context, stream, data, len));
}

static void command_say(struct run *run, const char *text)
{
	command_emit(run, COMMAND_NOTE, text, strlen(text));
}

/* Returns false if nothing more can be read for now. */
static bool command_read(struct run *run, enum command_stream stream)
{
	static char data[READ_SIZE];
	ssize_t n = read(run->out[stream], data, sizeof(data));

	if (n > 0) {
		run->heard_at = clock_now_ms();
		command_emit(run, stream, data, (size_t)n);
		return true;
	}
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return false;
	if (n < 0)
		command_check(run, -errno);
	close(run->out[stream]);
	run->out[stream] = -1;
	return false;
}

/*
 * If the input is damaged, the pipe stays open, because an end of file would mean to the command that its input is
 * complete.
 */
static void command_feed(struct run *run)
{
	int result = input_write(run->command->input, run->in);

	if (result < 0 && result != -EPIPE)
		command_check(run, result);
	if (result == 0 || run->error)
		return;
	close(run->in);
	run->in = -1;
}

static int64_t command_earlier_of(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

/* The time at which command_on_time() has to act if no event occurs before. */
static int64_t command_next_time(const struct run *run)
{
	if (run->end->timed_out)
		return run->kill_at;
	if (!run->exited)
		return run->command->deadline_ms;
	return command_earlier_of(command_earlier_of(run->heard_at + LINGER_QUIET, run->exited_at + LINGER_LIMIT),
				  run->command->deadline_ms);
}

/* True if a process still has the output open. */
static bool command_has_writers(const struct run *run)
{
	struct pollfd fds[2] = {{.fd = run->out[0]}, {.fd = run->out[1]}};
	bool found = false;

	if (poll(fds, 2, 0) < 0)
		return false;
	for (int i = 0; i < 2; i++)
		found |= fds[i].fd >= 0 && !(fds[i].revents & POLLHUP);
	return found;
}

/* True if output is waiting in a pipe, because this process was late on a busy machine. */
static bool command_has_unread(const struct run *run)
{
	struct pollfd fds[2] = {{.fd = run->out[0], .events = POLLIN}, {.fd = run->out[1], .events = POLLIN}};

	return poll(fds, 2, 0) > 0 && ((fds[0].revents | fds[1].revents) & POLLIN);
}

/* Acts on the times that have passed. Sets `cut` when no process may run any longer. */
static void command_on_time(struct run *run, int64_t now)
{
	/* Unread output shows that a process has printed, even if this process reads it late. */
	if (run->exited && now >= command_next_time(run) && command_has_unread(run))
		run->heard_at = now;
	if (now < command_next_time(run))
		return;
	if (run->end->timed_out || run->exited) {
		run->cut = true;
		run->lingered = run->exited && run->exited_at + LINGER_LIMIT <= now && command_has_writers(run);
		return;
	}
	run->end->timed_out = true;
	run->kill_at = now + TERM_GRACE;
	kill(-run->shell, SIGTERM);
}

/*
 * Waits for the command's pipes and for the descriptor of the output. The command's output is not waited for while the
 * reply accepts no more data. ready[] receives the events of stdout and stderr, by enum command_stream, and then of
 * stdin. Returns the events of the output's descriptor.
 */
static short command_poll(struct run *run, const struct command_wait *output, int64_t now, short ready[3])
{
	struct pollfd fds[] = {{.fd = output->full ? -1 : run->out[0], .events = POLLIN},
			       {.fd = output->full ? -1 : run->out[1], .events = POLLIN},
			       {.fd = run->in, .events = POLLOUT},
			       {.fd = output->fd, .events = output->events}};
	int64_t next = command_earlier_of(command_next_time(run), output->at), wait = next > now ? next - now : 0;
	struct timespec timeout = {.tv_sec = wait / 1000, .tv_nsec = wait % 1000 * 1000000};
	sigset_t mask;

	sigprocmask(SIG_SETMASK, NULL, &mask);
	sigdelset(&mask, SIGCHLD);
	if (ppoll(fds, 4, next == NEVER ? NULL : &timeout, &mask) < 0) {
		command_check(run, errno == EINTR ? 0 : -errno);
		return 0;
	}
	for (int i = 0; i < 3; i++)
		ready[i] = fds[i].revents;
	return fds[3].revents;
}

static void command_wait_events(struct run *run, int64_t now)
{
	const struct command *command = run->command;
	struct command_wait output = {.fd = -1, .at = NEVER};
	short ready[3] = {0}, output_ready;

	if (command->wait)
		command_check(run, command->wait(command->context, &output));
	if (run->error)
		return;
	output_ready = command_poll(run, &output, now, ready);
	/* Output that is not read must not count as silence. */
	if (output.full)
		run->heard_at = clock_now_ms();
	if (command->work && !run->error)
		command_check(run, command->work(command->context, output_ready));
	for (int i = 0; i < 2 && !run->error; i++) {
		if (ready[i])
			command_read(run, (enum command_stream)i);
	}
	if (ready[2] && !run->error)
		command_feed(run);
}

static bool command_continues(const struct run *run)
{
	bool silent = run->out[COMMAND_STDOUT] < 0 && run->out[COMMAND_STDERR] < 0;

	return !run->cut && !run->error && !(run->exited && silent);
}

static void command_follow(struct run *run)
{
	while (command_continues(run)) {
		int64_t now = clock_now_ms();

		if (!run->exited && processes_reap(run->shell)) {
			run->exited = true;
			run->exited_at = run->heard_at = now;
		}
		command_on_time(run, now);
		if (command_continues(run))
			command_wait_events(run, now);
	}
}

/* Reads the rest of the output after all writers have ended. */
static void command_drain(struct run *run)
{
	for (int i = 0; i < 2; i++) {
		while (run->out[i] >= 0 && !run->error && command_read(run, (enum command_stream)i))
			;
	}
}

static void command_explain(struct run *run)
{
	if (run->end->timed_out)
		command_say(run, "vast-lambda-runtime: the command was ended because the function's time is over; "
				 "raise lambda_timeout or narrow the command\n");
	else if (run->lingered)
		command_say(run,
			    "vast-lambda-runtime: processes in the background still printed 2 s after the command's "
			    "end and were killed\n");
}

static void command_finish(struct run *run)
{
	int status = 0;

	if (run->shell > 0) {
		kill(-run->shell, SIGKILL);
		run->end->left_behind = processes_end(run->shell, &status) < 0;
		running_group = 0;
	}
	command_drain(run);
	command_explain(run);
	command_close_pair(run->out);
	if (run->in >= 0)
		close(run->in);
	if (run->end->timed_out) {
		run->end->exit_code = COMMAND_TIMED_OUT_CODE;
	} else if (WIFSIGNALED(status)) {
		run->end->signal = WTERMSIG(status);
		run->end->exit_code = 128 + run->end->signal;
	} else {
		run->end->exit_code = WEXITSTATUS(status);
	}
}

int command_run(const struct command *command, struct command_end *ret_end)
{
	struct run run = {.command = command, .end = ret_end, .in = -1, .out = {-1, -1}};
	int err;

	memset(ret_end, 0, sizeof(*ret_end));
	err = command_start(&run);
	if (err < 0)
		run.error = err;
	command_follow(&run);
	command_finish(&run);
	ret_end->written = command->input ? command->input->written : -1;
	return run.error;
}

void command_end_text(const struct command_end *end, char *text)
{
	int n = sprintf(text, "\"exit_code\":%d,", end->exit_code);

	if (end->signal)
		n += sprintf(text + n, "\"signal\":%d,", end->signal);
	if (end->timed_out)
		n += sprintf(text + n, "\"timed_out\":true,");
	if (end->written >= 0)
		sprintf(text + n, "\"stdin_bytes\":%" PRId64 ",", end->written);
}
