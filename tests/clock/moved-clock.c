/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * moved-clock - the monotonic clock of a program, moved by a file. For LD_PRELOAD.
 *
 * The file that MOVED_CLOCK names has four 64-bit numbers: the milliseconds by which the clock is ahead, which the test
 * writes; how often poll(2) was called, which the test waits for to know that the program has seen the time; for how
 * many milliseconds the machine has slept, which the test writes; and the value at which the clock stands still, or 0,
 * which the test writes. No poll(2) sleeps longer than SLICE_MS, so the program looks at the clock soon after it was
 * moved. The wall clock stays: AWS refuses signatures of another time.
 */
#include <dlfcn.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#define SLICE_MS 5
#define WALL_SECONDS \
	1000000000 /* a time of the wall clock is later than this, one since the start of the machine is not */

struct moved {
	_Atomic int64_t ahead_ms;
	_Atomic int64_t polls;
	_Atomic int64_t slept_ms;
	_Atomic int64_t stopped_ms;
};

static struct moved none, *moved = &none;

__attribute__((constructor)) static void moved_open(void)
{
	const char *path = getenv("MOVED_CLOCK");
	int fd = path ? open(path, O_RDWR | O_CLOEXEC) : -1;
	void *map;

	if (fd < 0)
		return;
	map = mmap(NULL, sizeof(*moved), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (map != MAP_FAILED)
		moved = map;
	close(fd);
}

static void moved_add_ms(struct timespec *t, int64_t ms)
{
	t->tv_sec += ms / 1000;
	t->tv_nsec += ms % 1000 * 1000000;
	if (t->tv_nsec >= 1000000000) {
		t->tv_nsec -= 1000000000;
		t->tv_sec++;
	}
}

/* CLOCK_BOOTTIME is the monotonic clock and the sleep. */
int clock_gettime(clockid_t id, struct timespec *t)
{
	static int (*real)(clockid_t, struct timespec *);
	bool boot = id == CLOCK_BOOTTIME;
	int64_t stopped_ms = atomic_load(&moved->stopped_ms);
	int r;

	if (!real)
		real = (int (*)(clockid_t, struct timespec *))dlsym(RTLD_NEXT, "clock_gettime");
	r = real(boot ? CLOCK_MONOTONIC : id, t);
	if (r < 0 || (id != CLOCK_MONOTONIC && !boot))
		return r;
	if (stopped_ms)
		*t = (struct timespec){.tv_sec = stopped_ms / 1000, .tv_nsec = stopped_ms % 1000 * 1000000};
	moved_add_ms(t, atomic_load(&moved->ahead_ms) + (boot ? atomic_load(&moved->slept_ms) : 0));
	return r;
}

int poll(struct pollfd *fds, nfds_t n, int timeout_ms)
{
	static int (*real)(struct pollfd *, nfds_t, int);

	if (!real)
		real = (int (*)(struct pollfd *, nfds_t, int))dlsym(RTLD_NEXT, "poll");
	atomic_fetch_add(&moved->polls, 1);
	return real(fds, n, timeout_ms < 0 || timeout_ms > SLICE_MS ? SLICE_MS : timeout_ms);
}

/* The kernel sleeps until a time of its own clock. A sleep that has begun is not shortened. */
int pthread_cond_timedwait(pthread_cond_t *cond, pthread_mutex_t *mutex, const struct timespec *until)
{
	static int (*real)(pthread_cond_t *, pthread_mutex_t *, const struct timespec *);
	int64_t ahead_ms = until->tv_sec < WALL_SECONDS ? atomic_load(&moved->ahead_ms) : 0;
	struct timespec t = {.tv_sec = until->tv_sec - ahead_ms / 1000 - 1,
			     .tv_nsec = until->tv_nsec - ahead_ms % 1000 * 1000000 + 1000000000};

	if (!real)
		real = (int (*)(pthread_cond_t *, pthread_mutex_t *, const struct timespec *))dlsym(
			RTLD_NEXT, "pthread_cond_timedwait");
	t.tv_sec += t.tv_nsec / 1000000000;
	t.tv_nsec %= 1000000000;
	return real(cond, mutex, &t);
}
