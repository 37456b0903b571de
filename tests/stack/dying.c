/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * dying - preloaded into vastfs: it is killed at a call that concerns its spool, chosen by number.
 *
 * VASTFS_DYING names a file of a `struct shared`, mapped by the test too. Calls that make, write, rename, synchronize
 * or remove a file below a directory "spool" are counted while `at` is not 0. Each call has three points: before it,
 * in its middle (a write of half the bytes; other calls have no middle), and after it.
 */
#include <dlfcn.h>
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
	_Atomic uint64_t at;   /* the point of death, from 1; 0: none */
	_Atomic uint64_t seen; /* points that were passed */
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

/* Passes a point, unless it is the last one. Returns whether the point was the one of a middle that is to be played. */
static bool dying_pass(bool is_middle)
{
	bool is_last = atomic_fetch_add(&shared->seen, 1) + 1 == atomic_load(&shared->at);

	if (is_last && !is_middle)
		raise(SIGKILL);
	return is_last;
}

#define DYING_CALL(call)                \
	do {                            \
		int dying_result;       \
		dying_pass(false);      \
		if (dying_pass(true))   \
			raise(SIGKILL); \
		dying_result = (call);  \
		dying_pass(false);      \
		return dying_result;    \
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
	DYING_CALL(dying_open(path, flags, mode));
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
	if (dying_pass(true)) {
		next(fd, data, len / 2);
		raise(SIGKILL);
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
	DYING_CALL(next(fd));
}

int fdatasync(int fd)
{
	int (*next)(int) = dying_next("fdatasync");

	if (!dying_concerns_fd(fd))
		return next(fd);
	DYING_CALL(next(fd));
}

int rename(const char *from, const char *to)
{
	int (*next)(const char *, const char *) = dying_next("rename");

	if (!dying_concerns(from))
		return next(from, to);
	DYING_CALL(next(from, to));
}

int unlink(const char *path)
{
	int (*next)(const char *) = dying_next("unlink");

	if (!dying_concerns(path))
		return next(path);
	DYING_CALL(next(path));
}
