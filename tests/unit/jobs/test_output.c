/* SPDX-License-Identifier: BSD-3-Clause */
#include "failing.h"
#include "jobs/output.h"

#include <dirent.h>
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <string.h>
#include <sys/resource.h>

#include <cmocka.h>

static char directory[] = "/tmp/vastfs-output.XXXXXX";

static int make_directory(void **state _unused_)
{
	return mkdtemp(directory) ? 0 : -1;
}

static int remove_directory(void **state _unused_)
{
	return rmdir(directory); /* fails if a file is left */
}

static void fill(unsigned char *out, size_t len, uint64_t offset)
{
	for (size_t i = 0; i < len; i++)
		out[i] = (unsigned char)((offset + i) * 2654435761U >> 13);
}

static int grow(struct output *o, size_t len)
{
	_free_ unsigned char *piece = malloc(len);

	fill(piece, len, output_size(o));
	return output_append(o, piece, len);
}

static void expect_bytes(struct output *o, uint64_t offset, size_t len)
{
	_free_ unsigned char *got = malloc(len), *wanted = malloc(len);

	fill(wanted, len, offset);
	assert_int_equal(output_read(o, offset, got, len), len);
	assert_memory_equal(got, wanted, len);
}

static void it_grows_beyond_memory(void **state _unused_)
{
	_cleanup_(output_unref_cleanup) struct output *o = output_new(directory, 64 << 20);
	char byte;

	assert_int_equal(output_read(o, 0, &byte, 1), 0);
	while (output_size(o) < 5 << 20) {
		assert_int_equal(grow(o, 70001), 0);
		expect_bytes(o, output_size(o) - 70001, 70001);
	}
	expect_bytes(o, 0, (size_t)output_size(o));
	expect_bytes(o, OUTPUT_MEMORY_MAX - 10, 20);
	assert_int_equal(output_read(o, output_size(o), &byte, 1), 0);
	assert_int_equal(output_read(o, UINT64_MAX, &byte, 1), 0);
}

static void the_limit_is_all_or_nothing(void **state _unused_)
{
	_cleanup_(output_unref_cleanup) struct output *o = output_new(directory, 100);

	assert_int_equal(grow(o, 60), 0);
	assert_int_equal(grow(o, 41), -EFBIG);
	assert_int_equal(output_size(o), 60);
	assert_int_equal(grow(o, 40), 0);
	assert_int_equal(grow(o, 1), -EFBIG);
	expect_bytes(o, 0, 100);
}

/* Files have room for so many bytes, until disk_has_room(before). */
static rlim_t disk_has_room(rlim_t bytes)
{
	struct rlimit limit;
	rlim_t before;

	getrlimit(RLIMIT_FSIZE, &limit);
	before = limit.rlim_cur;
	limit.rlim_cur = bytes;
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
	return before;
}

static void a_full_disk_keeps_what_was_there(void **state _unused_)
{
	_cleanup_(output_unref_cleanup) struct output *o = output_new(directory, 64 << 20);
	rlim_t before = disk_has_room(2 << 20);

	assert_int_equal(grow(o, 3 << 19), 0);
	assert_int_equal(grow(o, 1 << 20), -ENOSPC);
	disk_has_room(before);
	assert_int_equal(output_size(o), 3 << 19);
	expect_bytes(o, 0, 3 << 19);
	assert_int_equal(grow(o, 1 << 20), 0);
	expect_bytes(o, 0, 5 << 19);
}

static void a_full_disk_keeps_what_is_in_memory(void **state _unused_)
{
	_cleanup_(output_unref_cleanup) struct output *o = output_new(directory, 64 << 20);
	rlim_t before = disk_has_room(1 << 19);

	assert_int_equal(grow(o, OUTPUT_MEMORY_MAX), 0);
	assert_int_equal(grow(o, 1), -ENOSPC);
	disk_has_room(before);
	assert_int_equal(output_disk_size(o), 0);
	expect_bytes(o, 0, OUTPUT_MEMORY_MAX);
	assert_int_equal(grow(o, 1), 0);
	assert_int_equal(output_disk_size(o), OUTPUT_MEMORY_MAX + 1);
}

static void bytes_that_the_disk_lost_are_an_error(void **state _unused_)
{
	_cleanup_(output_unref_cleanup) struct output *o = output_new(directory, 64 << 20);
	int next = dup(STDERR_FILENO);
	char byte;

	close(next); /* the number that the file will get */
	assert_int_equal(grow(o, OUTPUT_MEMORY_MAX + 1), 0);
	assert_int_equal(ftruncate(next, 10), 0);
	expect_bytes(o, 0, 10);
	assert_int_equal(output_read(o, 10, &byte, 1), -EIO);
}

static void a_missing_directory_hurts_large_ones_only(void **state _unused_)
{
	_cleanup_(output_unref_cleanup) struct output *o = output_new("/proc/nonexistent", 64 << 20);

	assert_int_equal(grow(o, OUTPUT_MEMORY_MAX), 0);
	assert_int_equal(grow(o, 1), -ENOENT);
	expect_bytes(o, 0, OUTPUT_MEMORY_MAX);
}

static void grow_without_memory(const void *piece)
{
	_cleanup_(output_unref_cleanup) struct output *o = output_new(directory, 64 << 20);
	int r = o ? output_append(o, piece, 1000) : -ENOMEM;

	assert_int_equal(r, failing_happened() ? -ENOMEM : 0);
	assert_int_equal(output_size(o), r < 0 ? 0 : 1000);
}

static void without_memory_nothing_is_appended(void **state _unused_)
{
	char piece[1000] = "";

	assert_true(failing_each(grow_without_memory, piece) > 2);
}

static void *read_along(void *arg)
{
	struct output *o = arg;
	unsigned char got[30000], wanted[30000];
	uint64_t at = 0;

	while (at < 8 << 20) {
		ssize_t n = output_read(o, at, got, sizeof(got));

		fill(wanted, n > 0 ? (size_t)n : 0, at);
		if (n < 0 || memcmp(got, wanted, (size_t)n) != 0)
			return o; /* wrong bytes */
		at += (uint64_t)n;
	}
	return NULL;
}

static void readers_follow_the_writer(void **state _unused_)
{
	_cleanup_(output_unref_cleanup) struct output *o = output_new(directory, 64 << 20);
	pthread_t readers[3];
	void *says;

	for (size_t i = 0; i < ARRAY_SIZE(readers); i++)
		pthread_create(&readers[i], NULL, read_along, o);
	while (output_size(o) < 8 << 20)
		assert_int_equal(grow(o, 16384), 0);
	for (size_t i = 0; i < ARRAY_SIZE(readers); i++) {
		pthread_join(readers[i], &says);
		assert_null(says);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(it_grows_beyond_memory),
		cmocka_unit_test(the_limit_is_all_or_nothing),
		cmocka_unit_test(a_full_disk_keeps_what_was_there),
		cmocka_unit_test(a_full_disk_keeps_what_is_in_memory),
		cmocka_unit_test(bytes_that_the_disk_lost_are_an_error),
		cmocka_unit_test(without_memory_nothing_is_appended),
		cmocka_unit_test(a_missing_directory_hurts_large_ones_only),
		cmocka_unit_test(readers_follow_the_writer),
	};

	return cmocka_run_group_tests(tests, make_directory, remove_directory);
}
