/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * failing - preloaded into vastfs: one allocation fails, at the place that the test names.
 *
 * VASTFS_ALLOCATIONS names a file of a `struct shared`, mapped by the test too. A place is a call path: a hash of the
 * return addresses of an allocation, those of vastfs counted from its start, so that it is the same in every process.
 * The test reads which places were met, and names one that is to fail, once. The failing one's callers are written to
 * standard error.
 *
 * In front of AddressSanitizer's allocator it passes on what does not fail, so that leaks are still found.
 */
#include <dlfcn.h>
#include <errno.h>
#include <execinfo.h>
#include <fcntl.h>
#include <link.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define CALLERS	    24
#define PATH_DEPTH  5	 /* innermost callers that make a place */
#define PLACES_MOST 8192 /* a power of two */
#define PAGE_BITS   0xfff
#define EARLY_BYTES 4096 /* for what dlsym asks for before the next allocator is known */

static struct shared {
	_Atomic uint64_t fails; /* the place; 0: none, also after it has failed */
	_Atomic uint64_t failed;
	_Atomic uint64_t places[PLACES_MOST]; /* a hash table without order; 0: empty */
} * shared;

static struct {
	void *(*malloc)(size_t size);
	void *(*calloc)(size_t n, size_t size);
	void *(*realloc)(void *old, size_t size);
} next;

static uintptr_t program_start, program_end;
static _Thread_local bool inside;

/* -- the next allocator ------------------------------------------------------------------------------------------ */

static char early[EARLY_BYTES];
static size_t early_used;

/* Zeroed, never freed: free(3) of the next allocator would not know it. dlsym does not free it. */
static void *early_allocate(size_t size)
{
	size_t at = early_used;

	if (size > EARLY_BYTES - at - 16)
		return NULL;
	early_used += (size + 15) & ~(size_t)15;
	return early + at;
}

static bool find_next(void)
{
	static bool finding;

	if (next.malloc)
		return true;
	if (finding)
		return false;
	finding = true;
	*(void **)&next.realloc = dlsym(RTLD_NEXT, "realloc");
	*(void **)&next.calloc = dlsym(RTLD_NEXT, "calloc");
	*(void **)&next.malloc = dlsym(RTLD_NEXT, "malloc");
	return next.malloc;
}

/* -- places ------------------------------------------------------------------------------------------------------ */

static void show_callers(void *const *callers, int n)
{
	static const char word[] = "an allocation fails:\n";

	if (write(STDERR_FILENO, word, sizeof(word) - 1) > 0)
		backtrace_symbols_fd(callers, n, STDERR_FILENO);
}

/* Other libraries lie anywhere, but at the start of a page. */
static uint64_t caller_number(const void *caller)
{
	uintptr_t address = (uintptr_t)caller;

	return address >= program_start && address < program_end ? address - program_start : address & PAGE_BITS;
}

/* FNV-1a, by whole numbers. */
static uint64_t place_of(void *const *callers, int n)
{
	uint64_t hash = UINT64_C(0xcbf29ce484222325);

	for (int i = 0; i < n && i < PATH_DEPTH; i++)
		hash = (hash ^ caller_number(callers[i])) * UINT64_C(0x100000001b3);
	return hash ? hash : 1;
}

static void note_place(uint64_t place)
{
	for (size_t i = 0; i < PLACES_MOST; i++) {
		_Atomic uint64_t *slot = &shared->places[(place + i) % PLACES_MOST];
		uint64_t found = 0;

		if (atomic_compare_exchange_strong(slot, &found, place) || found == place)
			return;
	}
}

static bool must_fail(void)
{
	void *callers[CALLERS];
	uint64_t place, wanted;
	int n;

	if (!shared || inside)
		return false;
	inside = true;
	n = backtrace(callers, CALLERS);
	place = wanted = place_of(callers + 2, n - 2); /* without this function and malloc */
	note_place(place);
	if (atomic_compare_exchange_strong(&shared->fails, &wanted, 0)) {
		show_callers(callers, n);
		atomic_fetch_add(&shared->failed, 1);
		inside = false;
		errno = ENOMEM;
		return true;
	}
	inside = false;
	return false;
}

/* -- instead of libc's ------------------------------------------------------------------------------------------- */

void *malloc(size_t size)
{
	if (!find_next())
		return early_allocate(size);
	return must_fail() ? NULL : next.malloc(size);
}

void *calloc(size_t n, size_t size)
{
	if (!find_next())
		return early_allocate(n * size);
	return must_fail() ? NULL : next.calloc(n, size);
}

void *realloc(void *old, size_t size)
{
	if (!find_next())
		return NULL;
	return must_fail() ? NULL : next.realloc(old, size);
}

/* The first object is the program. */
static int find_program(struct dl_phdr_info *info, size_t size, void *arg)
{
	(void)size;
	(void)arg;
	program_start = info->dlpi_addr;
	for (int i = 0; i < info->dlpi_phnum; i++)
		if (info->dlpi_phdr[i].p_type == PT_LOAD)
			program_end = info->dlpi_addr + info->dlpi_phdr[i].p_vaddr + info->dlpi_phdr[i].p_memsz;
	return 1;
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
	dl_iterate_phdr(find_program, NULL);
	fd = open(path, O_RDWR | O_CLOEXEC);
	found = fd < 0 ? MAP_FAILED : mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (fd >= 0)
		close(fd);
	if (found != MAP_FAILED)
		shared = found;
}
