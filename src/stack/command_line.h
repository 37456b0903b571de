/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * command_line.h - vast_command as /bin/sh understands it (POSIX.1-2024, Shell Command Language, 2.2 to 2.10). Pure.
 *
 * The server replaces the shell that starts it (exec), so that it is process 1 of its container and gets ECS's
 * SIGTERM. So the line has to be what POSIX calls a simple command: assignments, a program with its arguments, and
 * redirections. Words may hold quotes and expansions ($NAME, ${...}, $(...), `...`); the shell evaluates them in the
 * container. Lists, pipelines, compound commands, and utilities that exist only inside the shell are refused; they
 * can be had as arguments of a shell: sh -c 'ulimit -n 65536; exec vast start'.
 */
#ifndef VASTFS_STACK_COMMAND_LINE_H
#define VASTFS_STACK_COMMAND_LINE_H

#include "base/buf.h"
#include "base/error.h"

/* -EINVAL with message and remedy if the line is no simple command. */
int command_line_check(const char *line, struct error *err);

/* Where in a line that is refused the mistake is, in bytes from its start. */
size_t command_line_fault(const char *line);

/*
 * What /bin/sh -c gets: the line with exec before its program, behind the assignments, which every shell then
 * exports: FOO=all exec sh -c '...'. The line has passed the check.
 */
int command_line_write(const char *line, struct buf *out);

#define COMMAND_LINE_EXEC "exec "

#endif
