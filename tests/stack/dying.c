/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * dying - preloaded into vastfs: at a call that concerns its spool, chosen by number, it is killed or the disk is full.
 *
 * VASTFS_DYING names a file of a `struct shared`, mapped by the test too. Calls that make, write, rename, synchronize
 * or remove a file below a directory "spool" are counted while `at` is not 0. Each call has three points: before it,
 * in its middle (a write of half the bytes; other calls have no middle), and after it. On a full disk, files can be
 * renamed and removed, but not made, written or synchronized (some file systems find their room only then).
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define POINTS 3
#define FDS    1024

static struct shared {
	_Atomic uint64_t at;	 /* the point of death, from 1; 0: none, and the disk has room */
	_Atomic uint64_t seen;	 /* points that were passed */
	_Atomic uint64_t fills;	 /* the disk is full from that point on, and vastfs lives */
	_Atomic uint64_t filled; /* the disk is full */
} * shared;

static _Atomic bool is_spool[FDS];

__attribute__((constructor)) static void dying_init(void)
{
	const char *path = getenv("VASTFS_DYING");
	int fd = path ? open(path, O_RDWR | O_CLOEXEC) : -1;
	void *mapped = fd < 0 ? MAP_FAILED : mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	shared = mapped == MAP_FAILED ? NULL : mapped;
}

static void *dying_next(const char *name)
{
	return dlsym(RTLD_NEXT, name);
}

static bool dying_concerns(const char *path)
{
	return shared && atomic_load(&shared->at) && strstr(path, "/spool");
}

static bool dying_concerns_fd(int fd)
{
	return shared && atomic_load(&shared->at) && fd >= 0 && fd < FDS && atomic_load(&is_spool[fd]);
}

static void dying_die(void)
{
	if (atomic_load(&shared->fills))
		atomic_store(&shared->filled, 1);
	else
		raise(SIGKILL);
}

/* Passes a point, unless it is the last one. Returns whether the point was the one of a middle that is to be played. */
static bool dying_pass(bool is_middle)
{
	bool is_last = atomic_fetch_add(&shared->seen, 1) + 1 == atomic_load(&shared->at);

	if (is_last && !is_middle)
		dying_die();
	return is_last;
}

/* Passes the points of a call before it. Returns whether the call fails, which then needs room. */
static bool dying_enter(bool needs_room)
{
	dying_pass(false);
	if (dying_pass(true))
		dying_die();
	errno = ENOSPC;
	return needs_room && atomic_load(&shared->filled);
}

#define DYING_CALL(needs_room, call)                                      \
	do {                                                              \
		int dying_result = dying_enter(needs_room) ? -1 : (call); \
                                                                          \
		dying_pass(false);                                        \
		return dying_result;                                      \
	} while (0)

static int dying_open(const char *path, int flags, mode_t mode)
{
	int (*next)(const char *, int, ...) = dying_next("open64");
	int fd = next(path, flags, mode);

	if (fd >= 0 && fd < FDS)
		atomic_store(&is_spool[fd], strstr(path, "/spool") != NULL);
	return fd;
}

static int dying_open_counted(const char *path, int flags, mode_t mode)
{
	if (!(flags & O_CREAT) || !dying_concerns(path))
		return dying_open(path, flags, mode);
	DYING_CALL(true, dying_open(path, flags, mode));
}

/* With 64-bit offsets, the header makes this open64(), which vastfs calls. */
int open(const char *path, int flags, ...)
{
	va_list more;
	mode_t mode;

	va_start(more, flags);
	mode = flags & O_CREAT ? va_arg(more, mode_t) : 0;
	va_end(more);
	return dying_open_counted(path, flags, mode);
}

ssize_t write(int fd, const void *data, size_t len)
{
	ssize_t (*next)(int, const void *, size_t) = dying_next("write");
	ssize_t n;

	if (!dying_concerns_fd(fd))
		return next(fd, data, len);
	dying_pass(false);
	if (atomic_load(&shared->filled)) {
		errno = ENOSPC;
		return -1;
	}
	if (dying_pass(true)) {
		n = next(fd, data, len / 2);
		dying_die();
		return n;
	}
	n = next(fd, data, len);
	dying_pass(false);
	return n;
}

int fsync(int fd)
{
	int (*next)(int) = dying_next("fsync");

	if (!dying_concerns_fd(fd))
		return next(fd);
	DYING_CALL(true, next(fd));
}

int fdatasync(int fd)
{
	int (*next)(int) = dying_next("fdatasync");

	if (!dying_concerns_fd(fd))
		return next(fd);
	DYING_CALL(true, next(fd));
}

int rename(const char *from, const char *to)
{
	int (*next)(const char *, const char *) = dying_next("rename");

	if (!dying_concerns(from))
		return next(from, to);
	DYING_CALL(false, next(from, to));
}

int unlink(const char *path)
{
	int (*next)(const char *) = dying_next("unlink");

	if (!dying_concerns(path))
		return next(path);
	DYING_CALL(false, next(path));
}
