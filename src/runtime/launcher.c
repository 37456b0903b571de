/* SPDX-License-Identifier: BSD-3-Clause */
#include "launcher.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "clock.h"
#include "lock.h"
#include "log.h"
#include "watcher.h"

#define LAUNCHER_SHELL	     "/bin/sh"
#define LAUNCHER_FAILED	     125
#define LAUNCHER_CANNOT_EXEC 126
#define LAUNCHER_NOT_FOUND   127

#define LAUNCHER_RETRY_MS  250	 /* interval of attempts to take the lock; each sends one request to the file server */
#define LAUNCHER_REPORT_MS 10000 /* interval of lines while the launcher waits */

struct launch {
	const char *lock; /* NULL: none */
	char *environment;
	char *command;
};

static bool launcher_option(const char *argument, const char *name, char **ret_value)
{
	size_t len = strlen(name);

	if (strncmp(argument, name, len) != 0)
		return false;
	*ret_value = (char *)argument + len;
	return true;
}

static int launcher_parse(int argc, char **argv, struct launch *ret)
{
	char *lock = NULL;
	int i = 0;

	*ret = (struct launch){0};
	for (; i < argc && strcmp(argv[i], "--") != 0; i++) {
		if (!launcher_option(argv[i], "--lock=", &lock) &&
		    !launcher_option(argv[i], "--environment=", &ret->environment)) {
			log_say("serve: unknown option %s", argv[i]);
			return -EINVAL;
		}
	}
	if (i + 2 != argc || !argv[i + 1][0]) {
		log_say("serve: expected one command after --");
		return -EINVAL;
	}
	ret->lock = lock;
	ret->command = argv[i + 1];
	return 0;
}

/*
 * The signals that are sent to stop a server. Process 1 receives only the signals that it handles, so the launcher
 * blocks these signals and waits for them.
 */
static void launcher_stop_signals(sigset_t *set)
{
	sigemptyset(set);
	sigaddset(set, SIGTERM);
	sigaddset(set, SIGINT);
	sigaddset(set, SIGQUIT);
	sigaddset(set, SIGHUP);
}

/* Returns the signal that arrived within this time, or 0. */
static int launcher_wait_for_signal(long ms)
{
	struct timespec time = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};
	sigset_t stop;
	int signal;

	launcher_stop_signals(&stop);
	do
		signal = sigtimedwait(&stop, NULL, &time);
	while (signal < 0 && errno == EINTR);
	return signal > 0 ? signal : 0;
}

static void launcher_explain(const char *path, int err)
{
	switch (-err) {
	case ENOENT:
		log_say("cannot open the lock file %s: its directory does not exist in this container", path);
		break;
	case EROFS:
		log_say("cannot open the lock file %s: the file system is read-only, and the server could not write "
			"its "
			"database either",
			path);
		break;
	case ENOSPC:
	case EDQUOT:
		log_say("cannot create the lock file %s: the file system is full", path);
		break;
	case EACCES:
	case EPERM:
		log_say("cannot open the lock file %s for writing as user %d: %s", path, (int)geteuid(),
			strerror(-err));
		break;
	default:
		log_say("cannot lock %s: %s", path, strerror(-err));
	}
}

static void launcher_report_wait(const struct lock *lock, int64_t waited_ms)
{
	log_say("waiting for the lock on %s, held by another server%s%s (%" PRId64 " s so far)", lock->path,
		lock->holder[0] ? ": " : "", lock->holder, waited_ms / 1000);
}

/* Returns 0 once the lock is held, otherwise the exit status. */
static int launcher_wait_for_lock(struct lock *lock)
{
	int64_t begin = clock_now_ms(), report = begin;
	int err, signal;

	while ((err = lock_try(lock)) == -EAGAIN) {
		int64_t now = clock_now_ms();

		if (now >= report) {
			launcher_report_wait(lock, now - begin);
			report = now + LAUNCHER_REPORT_MS;
		}
		signal = launcher_wait_for_signal(LAUNCHER_RETRY_MS);
		if (signal) {
			log_say("stopped by signal %d before it had the lock on %s", signal, lock->path);
			return 128 + signal;
		}
	}
	if (err == 0)
		return 0;
	launcher_explain(lock->path, err);
	return LAUNCHER_FAILED;
}

/* Returns 0 once the lock is held and the watcher runs, otherwise the exit status. */
static int launcher_lock(struct lock *lock, const char *path)
{
	int err = lock_open(lock, path), status;

	if (err < 0) {
		launcher_explain(path, err);
		return LAUNCHER_FAILED;
	}
	status = launcher_wait_for_lock(lock);
	if (status)
		return status;
	err = watcher_start(lock);
	if (err < 0)
		log_say("cannot start the process that watches the lock: %s", strerror(-err));
	return err < 0 ? LAUNCHER_FAILED : 0;
}

/* Splits the text at its commas. The parts become strings of the environment and must stay in memory. */
static int launcher_set_environment(char *pairs)
{
	while (pairs && *pairs) {
		char *comma = strchr(pairs, ',');

		if (comma)
			*comma = '\0';
		if (!strchr(pairs, '=') || pairs[0] == '=') {
			log_say("serve: %s is not NAME=value", pairs);
			return -EINVAL;
		}
		if (putenv(pairs) != 0)
			return -ENOMEM;
		pairs = comma ? comma + 1 : NULL;
	}
	return 0;
}

static int launcher_exec(const char *command, const sigset_t *mask)
{
	const char *argv[] = {LAUNCHER_SHELL, "-c", command, NULL};
	extern char **environ;
	int signal = launcher_wait_for_signal(0), err;

	if (signal)
		return 128 + signal;
	sigprocmask(SIG_SETMASK, mask, NULL);
	execve(argv[0], (char *const *)argv, environ);
	err = errno;
	if (err == ENOENT)
		log_say("the image has no " LAUNCHER_SHELL ", which runs vast_command");
	else
		log_say("cannot execute " LAUNCHER_SHELL ", which runs vast_command: %s", strerror(err));
	return err == ENOENT ? LAUNCHER_NOT_FOUND : LAUNCHER_CANNOT_EXEC;
}

int launcher_run(int argc, char **argv)
{
	struct launch launch;
	struct lock lock;
	sigset_t all, mask;
	int status = 0;

	log_set_name("vast-launcher");
	if (launcher_parse(argc, argv, &launch) < 0 || launcher_set_environment(launch.environment) < 0)
		return LAUNCHER_FAILED;
	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, &mask);
	if (launch.lock)
		status = launcher_lock(&lock, launch.lock);
	return status ? status : launcher_exec(launch.command, &mask);
}
