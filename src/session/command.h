/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * command.h - runs a program in a container through a terminal, and separates its output, errors and exit status. Pure.
 *
 * ECS Exec provides one terminal and no exit status. Therefore the command of the session is a short script for /bin/sh
 * (command_line) that reads the program from its input and encodes the program's output: standard output in base64,
 * standard error in hexadecimal digits of an alphabet that shares no character with base64, so that the two may be
 * mixed at any byte; the exit status in the second alphabet between two "-"; "~" at the end. The script needs stty, dd,
 * base64, od and tr in the container. Without them the output is plain: standard output and standard error arrive as
 * one stream, bytes that are not UTF-8 are lost, and the exit status follows a mark, which contains a random nonce.
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
	COMMAND_JOB,	/* starts after the whole program has been sent; its standard input is empty */
	COMMAND_SCRIPT, /* the program is the standard input of a shell, which runs it line by line */
	COMMAND_SHELL,	/* an interactive shell on the terminal */
};

struct command_events {
	/*
	 * The program may be sent. missing: names of the tools that the container lacks, "" if none. Not for a shell.
	 */
	void (*ready)(const char *missing, void *arg);
	void (*output)(bool is_stderr, const void *data, size_t len, void *arg);
	void (*exited)(int status,
		       void *arg); /* exit status of the program: 128 + n after signal n; more output may follow */
};

enum command_state {
	COMMAND_GREETING, /* waiting for the greeting of the script */
	COMMAND_PROGRAM,  /* plain: the program has not started */
	COMMAND_PRINTING,
	COMMAND_STATUS, /* plain and shell: between the mark and the end of the exit status */
	COMMAND_ENDED,
};

struct exec_command {
	enum command_kind kind;
	const struct command_events *events;
	void *arg;
	char nonce[COMMAND_NONCE_SIZE]; /* random, so that no program prints it by accident */
	enum command_state state;
	bool plain;		       /* the output is not encoded */
	bool has_newlines;	       /* plain: the terminal does not turn a newline into two characters */
	bool began_input;	       /* the first line of the input has been made */
	char words[COMMAND_WORDS_MAX]; /* text of the greeting or of the status */
	size_t words_n;
	char held[64]; /* a possible prefix of a mark */
	size_t held_n;
	uint32_t quad; /* up to 4 base64 characters, not decoded yet */
	unsigned quad_n, padding;
	int nibble; /* first half of a byte of standard error; -1: none */
	bool in_status;
	bool has_exited;		  /* encoded output: the exit status has arrived; a second one is refused */
	unsigned status, status_n;	  /* the exit status so far, and its number of digits */
	unsigned returns;		  /* plain: carriage returns that may be part of a newline */
	bool damaged;			  /* the encoded output was invalid */
	uint8_t out[32768], errors[4096]; /* output that was not reported yet */
	size_t out_n, errors_n;
};

/* random: 8 random bytes. */
void command_init(struct exec_command *c, enum command_kind kind, const uint8_t random[8],
		  const struct command_events *events, void *arg);

/* The command for ecs:ExecuteCommand, which splits it into words like a shell but does not use one. */
int command_line(const struct exec_command *c, struct buf *out);

/*
 * Encodes a part of the program as input of the session. After ready. With plain output, -EINVAL: the program contains
 * control characters; -EFBIG: it has a line that is too long for a terminal.
 */
int command_program(struct exec_command *c, const void *data, size_t len, struct buf *out);
int command_program_end(struct exec_command *c, struct buf *out);

/*
 * Decodes data of the terminal. Output is buffered and reported in large pieces: call command_flush() when there is no
 * more data at the moment. exited() follows all output that precedes the status.
 */
void command_take(struct exec_command *c, const void *data, size_t len);
void command_flush(struct exec_command *c);
bool command_has_output(const struct exec_command *c); /* whether output is buffered */

/* 0: the output is complete. -EBADMSG: a part of it is missing or invalid; -EAGAIN: the command has not ended. */
int command_result(const struct exec_command *c);

#endif
