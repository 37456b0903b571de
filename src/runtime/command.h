/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Runs one shell command in its own process group, waits for its end, and then kills all processes that it has left
 * behind.
 *
 * Output is passed on as it arrives, so that the same function serves collected and streamed replies. While a streamed
 * reply accepts no more data, the output of the command is not read, and the command blocks when its pipe is full; the
 * deadline still applies. Input is written while the output is read, so that a command may print while it reads. A
 * command may exit without reading all of its input.
 */
#ifndef VAST_RUNTIME_COMMAND_H
#define VAST_RUNTIME_COMMAND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "input.h"

#define COMMAND_TIMED_OUT_CODE 124

/* The last is for stderr, too: messages of the runtime itself. */
enum command_stream { COMMAND_STDOUT, COMMAND_STDERR, COMMAND_NOTE };

/* The events that a streamed output waits for. */
struct command_wait {
	int fd;	      /* -1: none */
	short events; /* of poll(2) */
	bool full;    /* no more data is accepted at the moment */
	int64_t at;   /* monotonic: work() is due; INT64_MAX: never */
};

struct command {
	const char *text;
	const char *endpoint; /* host:port of the server, or "" */
	const char *trace;    /* trace ID of X-Ray, or "" */
	int64_t deadline_ms;  /* monotonic; the command is ended then; INT64_MAX: never */
	struct input *input;  /* for its stdin; NULL: /dev/null */
	/* A negative return of any of the three kills the command and is returned by command_run(). */
	int (*output)(void *context, enum command_stream stream, const char *data, size_t len);
	/* Both or none. wait() comes before each wait, the first one when the shell has started, and work() after it.
	 */
	int (*wait)(void *context, struct command_wait *ret_wait);
	int (*work)(void *context, short ready);
	void *context;
};

struct command_end {
	int exit_code;	  /* 128 + signal if killed by one, COMMAND_TIMED_OUT_CODE if the deadline ended it */
	int signal;	  /* 0 if none */
	bool timed_out;	  /* the deadline ended it */
	int64_t written;  /* bytes written into its stdin, whether it read them or not; -1: it had no input */
	bool left_behind; /* a process could not be killed: the runtime must serve no further command */
};

/*
 * 0 once the command has run, whatever its outcome. -ENOENT, -EACCES or -ENOEXEC: no /bin/sh that can be executed;
 * other negative errno: it could not be started or watched, or the errno of an output function or input_write().
 * *ret_end is always valid, except for the exit code.
 */
int command_run(const struct command *command, struct command_end *ret_end);

/*
 * The members of a JSON object that say how the command ended, each with a comma behind it: "exit_code", and "signal",
 * "timed_out" and "stdin_bytes" where they apply. COMMAND_END_TEXT_MAX bytes at most, with the NUL.
 */
void command_end_text(const struct command_end *end, char *text);

#define COMMAND_END_TEXT_MAX 128

/* Blocks SIGCHLD, which command_run() waits for. To be called once. */
void command_init(void);

/* Kills the group of the running command, if any. For use in a signal handler. */
void command_abandon(void);

#endif
