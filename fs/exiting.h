/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * exiting.h - finds the process of a request and whether that process is exiting.
 *
 * An exiting process closes its files, and from then on no signal reaches it. A FLUSH that waited could therefore not
 * be interrupted. The functions keep no state. Source: Linux, kernel/exit.c; proc(5), /proc/PID/stat, flags
 * (PF_EXITING) and exit_code.
 */
#ifndef VASTFS_FS_EXITING_H
#define VASTFS_FS_EXITING_H

#include <sys/types.h>

enum exiting {
	EXITING_NOT,
	EXITING_BY_ITSELF,
	EXITING_KILLED, /* ended by a signal, so no program waits for the files that it closes */
};

/* tid is the thread that sent the request. Reads /proc. */
enum exiting exiting_state(pid_t tid);

/* Parses the text of /proc/PID/stat. Pure. */
enum exiting exiting_parse(const char *stat);

/* Returns the process of a thread, or 0 if the thread no longer exists. Reads /proc. */
pid_t exiting_process_of(pid_t tid);

#endif
