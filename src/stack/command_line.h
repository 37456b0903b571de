/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * command_line.h - checks vast_command as /bin/sh parses it (POSIX.1-2024, Shell Command Language, 2.2 to 2.10). Pure;
 * any thread.
 *
 * The server replaces the shell that starts it (exec), so that it is process 1 of its container and receives ECS's
 * SIGTERM. The line must therefore be what POSIX calls a simple command: assignments, a program with its arguments, and
 * redirections. Words may contain quotes and expansions ($NAME, ${...}, $(...), `...`); the shell evaluates them in the
 * container. Lists, pipelines, compound commands, and utilities that exist only inside the shell are refused; they can
 * be passed to a shell as an argument: sh -c 'ulimit -n 65536; exec vast start'.
 */
#ifndef VASTFS_STACK_COMMAND_LINE_H
#define VASTFS_STACK_COMMAND_LINE_H

#include "base/buf.h"
#include "base/error.h"

/* -EINVAL with message and remedy if the line is not a simple command. */
int command_line_check(const char *line, struct error *err);

/* The offset of the mistake in a refused line, in bytes. */
size_t command_line_fault(const char *line);

/*
 * Appends the argument of /bin/sh -c: the line with exec between the assignments, which every shell then exports, and
 * the program: FOO=all exec sh -c '...'. The line has passed the check.
 */
int command_line_write(const char *line, struct buf *out);

#define COMMAND_LINE_EXEC "exec "

#endif
