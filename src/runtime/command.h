/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * command.h - runs one shell command in a process group of its own, waits for its end, and then kills all processes
 * that it has left behind.
 *
 * Output is passed on as it arrives, so that the same function serves collected and streamed replies. While a streamed
 * reply accepts no more data, the output of the command is not read, and the command blocks when its pipe is full; the
 * deadline still applies. Input is written while the output is read, so that a command may print while it reads. A
 * command may exit without reading all of its input.
 *
 * One thread of the process runs one command at a time. The caller owns everything that struct command refers to.
 */
#ifndef VAST_RUNTIME_COMMAND_H
#define VAST_RUNTIME_COMMAND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "input.h"

#define COMMAND_TIMED_OUT_CODE 124

/* COMMAND_NOTE is for messages of the runtime itself, which also go to stderr. */
enum command_stream { COMMAND_STDOUT, COMMAND_STDERR, COMMAND_NOTE };

/* The events for which command_run() waits on behalf of a streamed reply. */
struct command_wait {
	int fd;	      /* -1: none */
	short events; /* events of poll(2) */
	bool full;    /* no more data is accepted at the moment */
	int64_t at;   /* monotonic; work() has to be called then; INT64_MAX: never */
};

struct command {
	const char *text;
	const char *endpoint; /* host:port of the server, or "" */
	const char *trace;    /* trace ID of X-Ray, or "" */
	int64_t deadline_ms;  /* monotonic; the command is terminated at that time; INT64_MAX: never */
	struct input *input;  /* data for its stdin; NULL: /dev/null */
	/*
	 * If one of these three functions returns a negative errno, the command is killed and command_run() returns
	 * that errno.
	 */
	int (*output)(void *context, enum command_stream stream, const char *data, size_t len);
	/*
	 * Both functions or none. wait() is called before each wait, for the first time when the shell has started, and
	 * work() after each wait.
	 */
	int (*wait)(void *context, struct command_wait *ret_wait);
	int (*work)(void *context, short ready);
	void *context;
};

struct command_end {
	int exit_code;	  /* 128 + signal if a signal killed it; COMMAND_TIMED_OUT_CODE at the deadline */
	int signal;	  /* 0: no signal killed it */
	bool timed_out;	  /* the deadline has ended the command */
	int64_t written;  /* bytes written into its stdin, even if it did not read them; -1: it had no input */
	bool left_behind; /* a process could not be killed: the runtime must not run further commands */
};

/*
 * Returns 0 once the command has run, whatever its result; -ENOENT, -EACCES or -ENOEXEC if /bin/sh cannot be executed;
 * another negative errno if the command could not be started or watched; or the errno of an output function or of
 * input_write(). *ret_end is always valid, except for its exit code after an error.
 */
int command_run(const struct command *command, struct command_end *ret_end);

/*
 * Writes the members of a JSON object that describe how the command ended, each followed by a comma: "exit_code", and
 * where they apply "signal", "timed_out" and "stdin_bytes". Writes at most COMMAND_END_TEXT_MAX bytes, including the
 * NUL.
 */
void command_end_text(const struct command_end *end, char *text);

#define COMMAND_END_TEXT_MAX 128

/* Blocks SIGCHLD, for which command_run() waits. The process calls it once. */
void command_init(void);

/* Kills the process group of the running command, if there is one. Safe to call in a signal handler. */
void command_abandon(void);

#endif
