/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * confine.h - protects the secret keys of the process: no core files, and no tracing by other processes of the user.
 *
 * Source: prctl(2), PR_SET_DUMPABLE. The attribute is inherited by fork and ends at exec. While it is off, the files
 * below /proc/PID belong to root, which the process itself does not notice.
 */
#ifndef VASTFS_BASE_CONFINE_H
#define VASTFS_BASE_CONFINE_H

#include <sys/types.h>

/* The program calls this first, before it reads a secret. */
void confine_process(void);

/* Ends the protection, for developers: core files and debuggers work again. */
void confine_end(void);

/* Ends the protection for a program started by vastfs, which may have core files. */
void confine_not_child(pid_t child);

#endif
