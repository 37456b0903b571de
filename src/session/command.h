/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * command.h - a program run in a container through a terminal, its output taken apart again. Pure.
 *
 * ECS Exec gives one terminal and no exit status. So what is run is a short script for /bin/sh (command_line) that
 * gets the program as its input and wraps what the program prints: standard output in base64, standard error in
 * hexadecimal digits of an alphabet that has no character in common with it, so that both may come mixed at any byte;
 * the exit status in the second alphabet between two "-"; "~" at the end. That needs stty, dd, base64, od and tr in the
 * container. Without them the program prints to the terminal as it is: both outputs are one, a byte that is not UTF-8
 * is lost, and the exit status stands behind a mark.
 */
#ifndef VASTFS_SESSION_COMMAND_H
#define VASTFS_SESSION_COMMAND_H

#include "base/buf.h"

#include <stdbool.h>
#include <stdint.h>

#define COMMAND_NONCE_SIZE 17
#define COMMAND_LINE_MAX   4096
#define COMMAND_WORDS_MAX  128

enum command_kind {
	COMMAND_JOB,	/* the whole program comes first; its standard input is empty */
	COMMAND_SCRIPT, /* the program is the standard input of a shell, which runs it as it comes */
	COMMAND_SHELL,	/* an interactive shell, which has the terminal */
};

struct command_events {
	/* The program may be sent. missing: names of what the container lacks, "" if nothing. Not for a shell. */
	void (*ready)(const char *missing, void *arg);
	void (*output)(bool is_stderr, const void *data, size_t len, void *arg);
	void (*exited)(int status, void *arg); /* of the program: 128 + n after signal n; output may still come */
};

enum command_state {
	COMMAND_GREETING, /* its first words are awaited */
	COMMAND_PROGRAM,  /* plain: the program has not begun */
	COMMAND_PRINTING,
	COMMAND_STATUS, /* plain and shell: between mark and end of the number */
	COMMAND_ENDED,
};

struct exec_command {
	enum command_kind kind;
	const struct command_events *events;
	void *arg;
	char nonce[COMMAND_NONCE_SIZE]; /* what no program prints by chance */
	enum command_state state;
	bool plain;		       /* the output is not wrapped */
	bool has_newlines;	       /* plain: the terminal changes no newline into two characters */
	bool began_input;	       /* the first line was made */
	char words[COMMAND_WORDS_MAX]; /* greeting, status */
	size_t words_n;
	char held[64]; /* what may be the begin of a mark */
	size_t held_n;
	uint32_t quad; /* base64 characters on their way to be bytes */
	unsigned quad_n, padding;
	int nibble; /* first half of a byte of standard error, -1: none */
	bool in_status;
	unsigned status, status_n;	  /* its digits so far */
	unsigned returns;		  /* plain: carriage returns that may belong to a newline */
	bool damaged;			  /* what came makes no sense */
	uint8_t out[32768], errors[4096]; /* not told yet */
	size_t out_n, errors_n;
};

/* random: 8 bytes. */
void command_init(struct exec_command *c, enum command_kind kind, const uint8_t random[8],
		  const struct command_events *events, void *arg);

/* For ecs:ExecuteCommand, which splits it as a shell would and runs it without one. */
int command_line(const struct exec_command *c, struct buf *out);

/*
 * Makes of a part of the program what is to be typed. After ready. -EINVAL, -EFBIG with plain output: it has control
 * characters or a line that is too long for a terminal.
 */
int command_program(struct exec_command *c, const void *data, size_t len, struct buf *out);
int command_program_end(struct exec_command *c, struct buf *out);

/*
 * What came out of the terminal. Output is told in large pieces: command_flush tells the rest, and has to be called
 * when nothing more is at hand. exited() comes behind all output before it.
 */
void command_take(struct exec_command *c, const void *data, size_t len);
void command_flush(struct exec_command *c);
bool command_has_output(const struct exec_command *c); /* not told yet */

/* Whether all has come. -EBADMSG: something is missing in it; -EAGAIN: it has not ended. */
int command_result(const struct exec_command *c);

#endif
