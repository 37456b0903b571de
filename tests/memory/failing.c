/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * failing - preloaded into vastfs: one allocation fails, at the place that the test names; blocks that are never freed
 * can be found.
 *
 * VASTFS_ALLOCATIONS names a file of a `struct shared`, mapped by the test too. A place is a call path: the return
 * addresses of an allocation, as offsets, which are the same in every process of one build. Its number is a hash of
 * them; the test makes a name of them that is the same in every build. It reads which places were met, and sets the
 * number of one that is to fail, once. The failing one's callers are written to standard error. Every block that is in
 * use is listed with the place where it was allocated; the list outlives the process.
 */
#include <dlfcn.h>
#include <errno.h>
#include <execinfo.h>
#include <fcntl.h>
#include <link.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define CALLERS	    24
#define PATH_DEPTH  6	 /* innermost callers that make a place */
#define PLACES_MOST 8192 /* a power of two */
#define BLOCK_BITS  18
#define BLOCKS_MOST ((size_t)1 << BLOCK_BITS)
#define PAGE_BITS   0xfff
#define EARLY_BYTES 4096 /* for what dlsym asks for before the next allocator is known */

struct place {
	_Atomic uint64_t number;      /* 0: a free slot */
	_Atomic uint64_t met;	      /* how often, since the test set it to 0 */
	uint64_t callers[PATH_DEPTH]; /* as caller_number() counts them */
};

/* A block in use. */
struct block {
	uint64_t address; /* 0: a free slot */
	uint32_t place;	  /* its slot */
	uint32_t failure; /* how many allocations had failed before */
};

static struct shared {
	_Atomic uint64_t fails; /* the number of the place; 0: none, also after it has failed */
	_Atomic uint64_t failed;
	struct place places[PLACES_MOST]; /* a hash table without order */
	struct block blocks[BLOCKS_MOST]; /* likewise; a block is in its slot or in one of the next ones */
} * shared;

static struct {
	void *(*malloc)(size_t size);
	void *(*calloc)(size_t n, size_t size);
	void *(*realloc)(void *old, size_t size);
	void (*free)(void *block);
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
	*(void **)&next.free = dlsym(RTLD_NEXT, "free");
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

/* The offset in vastfs; for libraries, which lie anywhere, but at the start of a page, the offset in that page. */
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

/* Its slot; PLACES_MOST if the table is full. */
static size_t note_place(uint64_t number, void *const *callers, int n)
{
	for (size_t i = 0; i < PLACES_MOST; i++) {
		size_t at = (number + i) % PLACES_MOST;
		uint64_t found = 0;

		if (atomic_compare_exchange_strong(&shared->places[at].number, &found, number))
			for (int k = 0; k < n && k < PATH_DEPTH; k++)
				shared->places[at].callers[k] = caller_number(callers[k]);
		if (found == 0 || found == number) {
			atomic_fetch_add_explicit(&shared->places[at].met, 1, memory_order_relaxed);
			return at;
		}
	}
	return PLACES_MOST;
}

/* Whether the allocation may be made; *ret_place is its slot. */
static bool may_allocate(size_t *ret_place)
{
	void *callers[CALLERS];
	uint64_t wanted;
	int n;
	bool fails;

	*ret_place = PLACES_MOST;
	if (!shared || inside)
		return true;
	inside = true;
	n = backtrace(callers, CALLERS);
	wanted = place_of(callers + 2, n - 2); /* without this function and malloc */
	*ret_place = note_place(wanted, callers + 2, n - 2);
	fails = atomic_compare_exchange_strong(&shared->fails, &wanted, 0);
	if (fails) {
		show_callers(callers, n);
		atomic_fetch_add(&shared->failed, 1);
		errno = ENOMEM;
	}
	inside = false;
	return !fails;
}

/* -- blocks in use ----------------------------------------------------------------------------------------------- */

static atomic_flag blocks_locked = ATOMIC_FLAG_INIT;

static void lock_blocks(void)
{
	while (atomic_flag_test_and_set_explicit(&blocks_locked, memory_order_acquire))
		;
}

static void unlock_blocks(void)
{
	atomic_flag_clear_explicit(&blocks_locked, memory_order_release);
}

static size_t block_slot(uint64_t address)
{
	return (address >> 4) * UINT64_C(0x9e3779b97f4a7c15) >> (64 - BLOCK_BITS);
}

static void *note_block(void *block, size_t place)
{
	uint64_t address = (uint64_t)(uintptr_t)block;
	size_t at = block_slot(address);

	if (!block || !shared || place == PLACES_MOST)
		return block;
	lock_blocks();
	while (shared->blocks[at].address)
		at = (at + 1) % BLOCKS_MOST;
	shared->blocks[at] = (struct block){address, (uint32_t)place, (uint32_t)atomic_load(&shared->failed)};
	unlock_blocks();
	return block;
}

/* Moves the blocks that follow into the hole, where they would otherwise not be found. */
static void close_hole(size_t hole)
{
	struct block *blocks = shared->blocks;

	for (size_t at = (hole + 1) % BLOCKS_MOST; blocks[at].address; at = (at + 1) % BLOCKS_MOST) {
		size_t from_slot = (at - block_slot(blocks[at].address)) % BLOCKS_MOST;

		if (from_slot < (at - hole) % BLOCKS_MOST)
			continue;
		blocks[hole] = blocks[at];
		hole = at;
	}
	blocks[hole] = (struct block){0};
}

static void forget_block(const void *block)
{
	uint64_t address = (uint64_t)(uintptr_t)block;
	size_t at = block_slot(address);

	if (!block || !shared)
		return;
	lock_blocks();
	while (shared->blocks[at].address && shared->blocks[at].address != address)
		at = (at + 1) % BLOCKS_MOST;
	if (shared->blocks[at].address)
		close_hole(at);
	unlock_blocks();
}

/* -- instead of libc's ------------------------------------------------------------------------------------------- */

void *malloc(size_t size)
{
	size_t place;

	if (!find_next())
		return early_allocate(size);
	return may_allocate(&place) ? note_block(next.malloc(size), place) : NULL;
}

void *calloc(size_t n, size_t size)
{
	size_t place;

	if (!find_next())
		return early_allocate(n * size);
	return may_allocate(&place) ? note_block(next.calloc(n, size), place) : NULL;
}

/* Another thread may get the old address as soon as it is free, so the old block is forgotten first. */
void *realloc(void *old, size_t size)
{
	size_t place;
	void *block;

	if (!find_next() || !may_allocate(&place))
		return NULL;
	forget_block(old);
	block = next.realloc(old, size);
	return note_block(block, place);
}

void free(void *block)
{
	if ((char *)block >= early && (char *)block < early + EARLY_BYTES)
		return;
	forget_block(block);
	if (find_next())
		next.free(block);
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

/* What a child does before it executes a program is no concern of ours. */
static void forget_shared(void)
{
	shared = NULL;
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
	if (found == MAP_FAILED || pthread_atfork(NULL, NULL, forget_shared) != 0)
		return;
	shared = found;
}
