/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * confine.h - the process holds secret keys: no core file of it, and no other process of the user may trace it.
 *
 * Source: prctl(2), PR_SET_DUMPABLE. The attribute is inherited by fork and ends at exec. While it is off, the files
 * below /proc/PID belong to root, which the process itself does not notice.
 */
#ifndef VASTFS_BASE_CONFINE_H
#define VASTFS_BASE_CONFINE_H

#include <sys/types.h>

/* At the very start, before a secret is read. */
void confine_process(void);

/* Takes it back, for developers: core files and debuggers work again. */
void confine_end(void);

/* A program that vastfs has started may have a core file as if the user had started it. */
void confine_not_child(pid_t child);

#endif
