/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * client.h - `vastfs shell`: a terminal, or a script, at one end and the mount's daemon at the other.
 */
#ifndef VASTFS_SHELL_CLIENT_H
#define VASTFS_SHELL_CLIENT_H

#define SHELL_EXIT_FAILED 255 /* as ssh: no status of the shell's own */

/*
 * An exit status: the shell's own, or SHELL_EXIT_FAILED after words on standard error. task NULL: the default server.
 * The terminal is as it was when this returns, and when a signal ends the process.
 */
int shell_run(const char *mountpoint, const char *task);

#endif
