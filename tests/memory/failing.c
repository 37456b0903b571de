/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * failing - preloaded into vastfs: one allocation of all fails, the one that a file says.
 *
 * VASTFS_ALLOCATIONS names a file of two 64-bit numbers, shared with the test: how many allocations there were since
 * the test set it to 0, and which of them fails (0: none). The failing one's callers are written to standard error.
 */
#include <errno.h>
#include <execinfo.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define CALLERS 24

/* glibc's own, below the names that are taken here. */
void *__libc_malloc(size_t size);
void *__libc_calloc(size_t n, size_t size);
void *__libc_realloc(void *old, size_t size);

static struct shared {
	_Atomic uint64_t count, fails;
} * shared;

static _Thread_local bool inside;

static void show_callers(void)
{
	static const char word[] = "an allocation fails:\n";
	void *callers[CALLERS];
	int n = backtrace(callers, CALLERS);

	if (write(STDERR_FILENO, word, sizeof(word) - 1) > 0)
		backtrace_symbols_fd(callers, n, STDERR_FILENO);
}

static bool must_fail(void)
{
	uint64_t number;

	if (!shared || inside)
		return false;
	number = atomic_fetch_add(&shared->count, 1) + 1;
	if (number != atomic_load(&shared->fails))
		return false;
	inside = true;
	show_callers();
	inside = false;
	errno = ENOMEM;
	return true;
}

void *malloc(size_t size)
{
	return must_fail() ? NULL : __libc_malloc(size);
}

void *calloc(size_t n, size_t size)
{
	return must_fail() ? NULL : __libc_calloc(n, size);
}

void *realloc(void *old, size_t size)
{
	return must_fail() ? NULL : __libc_realloc(old, size);
}

/* Programs that vastfs starts are let alone. */
__attribute__((constructor)) static void open_shared(void)
{
	const char *path = getenv("VASTFS_ALLOCATIONS");
	void *callers[1], *found;
	int fd;

	if (!path || strcmp(program_invocation_short_name, "vastfs") != 0)
		return;
	backtrace(callers, 1); /* loads what it needs now */
	fd = open(path, O_RDWR | O_CLOEXEC);
	found = fd < 0 ? MAP_FAILED : mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (fd >= 0)
		close(fd);
	if (found != MAP_FAILED)
		shared = found;
}
