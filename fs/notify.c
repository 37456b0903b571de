/* SPDX-License-Identifier: BSD-3-Clause */
#include "fs/notify.h"

#include "base/clock.h"
#include "base/log.h"
#include "fs/fs.h"
#include "fs/inotify.h"
#include "fs/invalidate.h"

#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>

#define END_AGAIN_MS 20

struct notifier {
	struct fs *fs;
	pthread_t thread, loop;
	int wake, signals;
	_Atomic bool stopping;	 /* the loop has ended */
	_Atomic bool changed;	 /* the tree may have changed */
	bool ending;		 /* a signal requested the end */
	struct inotify *inotify; /* NULL: not available */
	struct snapshot *seen;
};

void notify_wake(struct notifier *n)
{
	uint64_t one = 1;

	if (n && write(n->wake, &one, sizeof(one)) < 0)
		log_debug("cannot wake the notifier"); /* the counter is full, so the notifier is awake */
}

struct inotify *notify_inotify(struct notifier *n)
{
	return n->inotify;
}

void notify_changed(struct notifier *n)
{
	if (n)
		atomic_store(&n->changed, true);
	notify_wake(n);
}

static void notify_model_changed(void *arg)
{
	notify_changed(arg);
}

static int64_t notify_earlier_time(int64_t a, int64_t b)
{
	return !a || (b && b < a) ? b : a;
}

/*
 * Changed entries are removed from the kernel's cache before a reader or a process in poll(2) learns of the change,
 * because that process may list or read the changed directories next. The end of an operation waits for this too
 * (model_shown()).
 */
static int64_t notify_do_work(struct notifier *n)
{
	bool changed = atomic_exchange(&n->changed, false);
	struct snapshot *fresh = model_snapshot(n->fs->model);
	int64_t next;

	if (fresh->generation != n->seen->generation)
		invalidate(n->fs, n->seen, fresh);
	snapshot_unref(n->seen);
	n->seen = fresh;
	model_shown(n->fs->model, fresh->generation);
	next = parked_answer(n->fs, false);
	poll_wake(n->fs, fresh);
	return notify_earlier_time(next, inotify_work(n->inotify, changed));
}

/*
 * The loop sleeps in read(), and a signal without SA_RESTART interrupts it. The signal is repeated, because the first
 * one may arrive just before read() starts.
 */
static void notify_end_loop(struct notifier *n)
{
	fuse_session_exit(n->fs->session);
	pthread_kill(n->loop, SIGUSR1);
}

static void notify_take_signal(struct notifier *n)
{
	struct signalfd_siginfo info;

	if (read(n->signals, &info, sizeof(info)) != sizeof(info))
		return;
	log_info("signal %u: unmounting", info.ssi_signo);
	n->ending = true;
	/* Stop the helper while the loop can still answer its call. */
	inotify_stop(n->inotify);
}

static int timeout_of(const struct notifier *n, int64_t deadline)
{
	int64_t left = deadline - clock_monotonic_ms();

	if (n->ending)
		return END_AGAIN_MS;
	return !deadline ? -1 : left < 0 ? 0 : left > 60000 ? 60000 : (int)left + 1;
}

static void *notify_run(void *arg)
{
	struct notifier *n = arg;
	struct pollfd fds[] = {{.fd = n->wake, .events = POLLIN}, {.fd = n->signals, .events = POLLIN}};

	while (!atomic_load(&n->stopping)) {
		uint64_t count;

		if (n->ending)
			notify_end_loop(n);
		poll(fds, ARRAY_SIZE(fds), timeout_of(n, notify_do_work(n)));
		if (fds[0].revents && read(n->wake, &count, sizeof(count)) < 0)
			continue;
		if (fds[1].revents)
			notify_take_signal(n);
	}
	return NULL;
}

static void notify_ignore_signal(int signal _unused_)
{
}

static int notify_open_signals(struct notifier *n)
{
	struct sigaction wake_up = {.sa_handler = notify_ignore_signal};
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	sigaction(SIGUSR1, &wake_up, NULL);
	n->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	n->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	return n->signals < 0 || n->wake < 0 ? -errno : 0;
}

int notify_start(struct fs *fs, struct notifier **ret)
{
	struct notifier *n = calloc(1, sizeof(*n));
	int r;

	if (!n)
		return -ENOMEM;
	*n = (struct notifier){.fs = fs, .loop = pthread_self(), .wake = -1, .signals = -1};
	r = notify_open_signals(n);
	if (r >= 0) {
		n->seen = model_snapshot(fs->model);
		if (inotify_start(fs, n->wake, &n->inotify) < 0)
			log_warning("cannot start the inotify thread: programs that watch the tree get no events");
		r = -pthread_create(&n->thread, NULL, notify_run, n);
	}
	if (r < 0) {
		/*
		 * The loop does not run, so no thread would answer a call of the helper. The unmount ends such a call.
		 */
		fuse_session_unmount(fs->session);
		inotify_stop(n->inotify);
		notify_free(n);
		return r;
	}
	*ret = n;
	model_set_listener(fs->model, notify_model_changed, n);
	return 0;
}

void notify_stop(struct notifier *n)
{
	atomic_store(&n->stopping, true);
	notify_wake(n);
	pthread_join(n->thread, NULL);
	inotify_stop(n->inotify);
	parked_answer(n->fs, true);
}

void notify_free(struct notifier *n)
{
	if (!n)
		return;
	inotify_free(n->inotify);
	snapshot_unref(n->seen);
	fd_cleanup(&n->wake);
	fd_cleanup(&n->signals);
	free(n);
}
