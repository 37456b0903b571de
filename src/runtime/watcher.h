/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * watcher.h - a child beside the server that checks its lock and ends it when the lock is lost.
 *
 * The server must not write after that, because another one may already use the database. So it gets no SIGTERM, on
 * which it would write its state. It is process 1 of its container, and signals from inside the container that
 * it does not handle, SIGKILL among them, do not reach it (pid_namespaces(7)). What the kernel itself sends does:
 *
 *  - PTRACE_SEIZE with PTRACE_O_EXITKILL (ptrace(2)) and the tracer's exit: the kernel kills the tracee at once. It
 *    needs the same user, or CAP_SYS_PTRACE; the launcher allows it for Yama (PR_SET_PTRACER).
 *  - Where tracing is forbidden: RLIMIT_FSIZE 0 by prlimit(2) refuses each write to a file at once (EFBIG), and
 *    RLIMIT_CPU has the kernel kill the server when it has used one second of processor time in all.
 */
#ifndef VAST_RUNTIME_WATCHER_H
#define VAST_RUNTIME_WATCHER_H

#include "lock.h"

/*
 * Starts the child; it ends with this process, also after its exec. Negative errno of fork. All signals are to be
 * blocked, so that none hits the child before it is ready.
 */
int watcher_start(struct lock *lock);

#endif
