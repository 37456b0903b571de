/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * client.h - `vastfs shell`: connects the terminal, or a script on standard input, to a shell in a container, through
 * the daemon of the mount. It runs in its own process, which has one thread.
 */
#ifndef VASTFS_SHELL_CLIENT_H
#define VASTFS_SHELL_CLIENT_H

#define SHELL_EXIT_FAILED 255 /* the exit status of ssh for a session that has none */

/*
 * Returns the exit status of the shell, or SHELL_EXIT_FAILED after a message on standard error. task: ID or prefix of
 * one; NULL: the default server. The terminal mode is restored on return, and when a signal ends the process.
 */
int shell_run(const char *mountpoint, const char *task);

#endif
