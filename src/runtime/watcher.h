/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * watcher.h - a child process that checks the server's lock and kills the server when the lock is lost.
 *
 * The server must not write after the loss, because another server may already use the database. SIGTERM is unsuitable,
 * because the server would write its state on it. SIGKILL has no effect either: the server is process 1 of its
 * container, and signals from inside the container that it does not handle do not reach it (pid_namespaces(7)). Signals
 * from the kernel itself do reach it:
 *
 *  - PTRACE_SEIZE with PTRACE_O_EXITKILL (ptrace(2)), followed by the exit of the tracer: the kernel kills the tracee
 *    at once. This requires the same user, or CAP_SYS_PTRACE; the launcher permits it for Yama (PR_SET_PTRACER).
 *  - Where tracing is forbidden: with RLIMIT_FSIZE 0, set by prlimit(2), each write to a file fails at once (EFBIG),
 *    and with RLIMIT_CPU the kernel kills the server when it has used one second of processor time in total.
 */
#ifndef VAST_RUNTIME_WATCHER_H
#define VAST_RUNTIME_WATCHER_H

#include "lock.h"

/*
 * Starts the child process, which ends with this process, even after an exec. Returns 0 or the negative errno of fork.
 * The caller blocks all signals before, so that no signal reaches the child before it is ready. The child uses its own
 * copy of *lock.
 */
int watcher_start(struct lock *lock);

#endif
