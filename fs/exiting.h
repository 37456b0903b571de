/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * exiting.h - whether a request comes from a process that is ending, and from which process at all.
 *
 * A process that ends closes its files, and then no signal reaches it any more: a FLUSH that waited could not be
 * interrupted. Source: Linux, kernel/exit.c; proc(5), /proc/PID/stat, flags (PF_EXITING) and exit_code.
 */
#ifndef VASTFS_FS_EXITING_H
#define VASTFS_FS_EXITING_H

#include <sys/types.h>

enum exiting {
	EXITING_NOT,
	EXITING_BY_ITSELF,
	EXITING_KILLED, /* by a signal: nobody waits for what it closes */
};

/* tid: of the thread that asks. Reads /proc. */
enum exiting exiting_state(pid_t tid);

/* From the text of /proc/PID/stat. Pure. */
enum exiting exiting_parse(const char *stat);

/* The process of a thread, 0 if there is no such thread any more. Reads /proc. */
pid_t exiting_process_of(pid_t tid);

#endif
