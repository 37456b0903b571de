/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * processes.h - finds and kills the processes that a command left behind, by reading /proc.
 *
 * The runtime is the reaper of all its descendants (PR_SET_CHILD_SUBREAPER). Every process that a command leaves
 * behind, inside or outside its process group, therefore becomes a child of the runtime and is found here. One thread
 * calls these functions.
 */
#ifndef VAST_RUNTIME_PROCESSES_H
#define VAST_RUNTIME_PROCESSES_H

#include <stdbool.h>
#include <sys/types.h>

/* Makes orphaned descendants become children of this process. Returns 0 or a negative errno. */
int processes_adopt(void);

/*
 * Reaps every child that has ended, except `shell`. Returns true once `shell` has ended. `shell` stays a zombie, so
 * that the kernel does not give the number of its process group to another process.
 */
bool processes_reap(pid_t shell);

/*
 * Kills and reaps all descendants. *ret_status receives the wait status of `shell`. Returns -EBUSY if some descendants
 * did not end within 2 s.
 */
int processes_end(pid_t shell, int *ret_status);

/*
 * Returns true if this user has no processes except this one, its ancestors, and those that Lambda's first process
 * started besides it. No other process can then have created files of this user. Also returns false if /proc cannot be
 * read.
 */
bool processes_alone(void);

#endif
