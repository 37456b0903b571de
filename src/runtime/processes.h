/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Finds and kills the processes that a command left behind, by reading /proc.
 *
 * The runtime is the reaper of all its descendants (PR_SET_CHILD_SUBREAPER), so whatever a command leaves behind, in
 * its process group or out of it, becomes a child of the runtime and is found here.
 */
#ifndef VAST_RUNTIME_PROCESSES_H
#define VAST_RUNTIME_PROCESSES_H

#include <stdbool.h>
#include <sys/types.h>

/* Orphans become children of this process. 0 or a negative errno. */
int processes_adopt(void);

/*
 * Reaps every child that has ended, except `shell`. Returns true once `shell` has ended; it is left as a zombie, so
 * that its process group's number cannot be given to others.
 */
bool processes_reap(pid_t shell);

/* Kills and reaps all descendants. The wait status of `shell` goes to *ret_status. -EBUSY if some did not end in time.
 */
int processes_end(pid_t shell, int *ret_status);

/*
 * True if this user has no processes except this one, its ancestors and those that Lambda's first process started
 * beside it: then no other process can have created the files of this user. False also if /proc cannot be read.
 */
bool processes_alone(void);

#endif
