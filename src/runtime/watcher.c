/* SPDX-License-Identifier: BSD-3-Clause */
#include "watcher.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "log.h"

#ifndef WATCHER_INTERVAL_MS
#define WATCHER_INTERVAL_MS 10000
#endif
#define WATCHER_RETRY_MS 1000

/* The kernel sends this signal when the server has ended. It is blocked like all others and only ends the pause. */
#define WATCHER_PARENT_DIED SIGUSR1

static void watcher_pause(pid_t server, long ms)
{
	struct timespec pause = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, WATCHER_PARENT_DIED);
	if (getppid() == server)
		sigtimedwait(&set, NULL, &pause);
	if (getppid() != server)
		_exit(EXIT_SUCCESS);
}

/* From here on, the server cannot write to files, even if it cannot be killed. */
static void watcher_forbid_writing(pid_t server)
{
	struct rlimit size = {0}, cpu = {.rlim_cur = 1, .rlim_max = 1};

	prlimit(server, RLIMIT_FSIZE, &size, NULL);
	prlimit(server, RLIMIT_CPU, &cpu, NULL);
}

/* Returns only if these calls cannot kill the server. */
static void watcher_kill(pid_t server)
{
	if (server != 1 && kill(server, SIGKILL) == 0)
		_exit(EXIT_SUCCESS);
	if (ptrace(PTRACE_SEIZE, server, NULL, (void *)PTRACE_O_EXITKILL) == 0)
		_exit(EXIT_SUCCESS);
}

static _Noreturn void watcher_end_server(pid_t server, const struct lock *lock, int err)
{
	watcher_forbid_writing(server);
	log_say("the lock on %s is lost (%s): another server may use the database, so this one is killed", lock->path,
		err == -ENOENT ? "the file was removed or replaced" : strerror(-err));
	watcher_kill(server);
	log_say("the server cannot be killed (%s): its writes are refused, stop the task", strerror(errno));
	for (;;) {
		watcher_pause(server, WATCHER_RETRY_MS);
		watcher_kill(server);
	}
}

/* A session of its own protects this child from signals that the server sends to its process group. */
static _Noreturn void watcher_run(pid_t server, struct lock *lock)
{
	setsid();
	prctl(PR_SET_PDEATHSIG, WATCHER_PARENT_DIED, 0, 0, 0);
	close(STDIN_FILENO);
	close(STDOUT_FILENO);
	for (;;) {
		int err;

		watcher_pause(server, WATCHER_INTERVAL_MS);
		err = lock_check(lock);
		if (err < 0)
			watcher_end_server(server, lock, err);
	}
}

int watcher_start(struct lock *lock)
{
	pid_t server = getpid(), watcher = fork();

	if (watcher == 0)
		watcher_run(server, lock);
	if (watcher < 0)
		return -errno;
	prctl(PR_SET_PTRACER, watcher, 0, 0, 0); /* EINVAL without Yama is harmless */
	return 0;
}
