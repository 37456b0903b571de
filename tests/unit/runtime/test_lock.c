/* SPDX-License-Identifier: BSD-3-Clause */
#include "lock.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static char directory[] = "/tmp/test-lock-XXXXXX", path[64];

static int make_directory(void **state)
{
	(void)state;
	strcpy(directory + strlen(directory) - 6, "XXXXXX");
	snprintf(path, sizeof(path), "%s/d/lock", mkdtemp(directory));
	*strrchr(path, '/') = '\0';
	if (mkdir(path, 0700) < 0)
		return -1;
	path[strlen(path)] = '/';
	return 0;
}

static void remove_parent(void)
{
	char parent[64];

	unlink(path);
	snprintf(parent, sizeof(parent), "%s/d", directory);
	if (rmdir(parent) < 0)
		unlink(parent);
}

static int remove_directory(void **state)
{
	(void)state;
	remove_parent();
	return rmdir(directory);
}

static void test_the_second_learns_who_has_it(void **state)
{
	struct lock first, second;
	char host[64] = "";

	(void)state;
	gethostname(host, sizeof(host) - 1);
	assert_int_equal(lock_open(&first, path), 0);
	assert_int_equal(lock_open(&second, path), 0);
	assert_true(first.fd >= 100); /* a shell script does not close it by accident */
	assert_int_equal(lock_try(&first), 0);
	assert_int_equal(lock_try(&second), -EAGAIN);
	assert_string_equal(second.holder, first.holder);
	assert_memory_equal(second.holder, host, strlen(host));
	close(first.fd);
	assert_int_equal(lock_try(&second), 0);
	assert_int_equal(lock_check(&second), 0);
	close(second.fd);
}

static void test_an_unreadable_holder(void **state)
{
	struct lock first, second;

	(void)state;
	assert_int_equal(lock_open(&first, path), 0);
	assert_int_equal(lock_open(&second, path), 0);
	assert_int_equal(lock_try(&first), 0);
	assert_int_equal(ftruncate(first.fd, 0), 0);
	assert_int_equal(lock_try(&second), -EAGAIN);
	assert_string_equal(second.holder, "");
	close(first.fd);
	close(second.fd);
}

/* Another server locks the new file. */
static void test_a_replaced_file_is_opened_again(void **state)
{
	struct lock lock;

	(void)state;
	assert_int_equal(lock_open(&lock, path), 0);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(lock_try(&lock), -EAGAIN);
	assert_int_equal(lock_try(&lock), 0);
	assert_int_equal(lock_check(&lock), 0);
	close(lock.fd);
}

static void test_a_lost_lock(void **state)
{
	struct lock lock;
	int fd;

	(void)state;
	assert_int_equal(lock_open(&lock, path), 0);
	assert_int_equal(lock_try(&lock), 0);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(lock_check(&lock), -ENOENT);
	fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	assert_int_equal(lock_check(&lock), -ENOENT);
	close(fd);
	remove_parent();
	snprintf(path, sizeof(path), "%s/d", directory);
	fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	strcat(path, "/lock");
	assert_int_equal(lock_check(&lock), -ENOENT);
	close(fd);
	close(lock.fd);
	assert_int_equal(lock_check(&lock), -EBADF);
	assert_int_equal(lock_try(&lock), -EBADF);
	assert_int_equal(lock_open(&lock, path), -ENOTDIR);
}

static void test_a_full_disk_loses_no_lock(void **state)
{
	struct rlimit usual, none;
	struct lock lock;

	(void)state;
	assert_int_equal(lock_open(&lock, path), 0);
	assert_int_equal(lock_try(&lock), 0);
	signal(SIGXFSZ, SIG_IGN);
	getrlimit(RLIMIT_FSIZE, &usual);
	none = (struct rlimit){.rlim_cur = 0, .rlim_max = usual.rlim_max};
	setrlimit(RLIMIT_FSIZE, &none);
	assert_int_equal(lock_check(&lock), 0);
	setrlimit(RLIMIT_FSIZE, &usual);
	close(lock.fd);
}

/* Without free descriptors above those of shell scripts any other serves. */
static void test_few_descriptors(void **state)
{
	struct rlimit usual, few;
	struct lock lock;

	(void)state;
	getrlimit(RLIMIT_NOFILE, &usual);
	few = (struct rlimit){.rlim_cur = 50, .rlim_max = usual.rlim_max};
	setrlimit(RLIMIT_NOFILE, &few);
	assert_int_equal(lock_open(&lock, path), 0);
	setrlimit(RLIMIT_NOFILE, &usual);
	assert_true(lock.fd < 50);
	assert_int_equal(fcntl(lock.fd, F_GETFD), 0); /* the server inherits it */
	assert_int_equal(lock_try(&lock), 0);
	close(lock.fd);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, make_directory, remove_directory)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_the_second_learns_who_has_it),    TEST(test_an_unreadable_holder),
		TEST(test_a_replaced_file_is_opened_again), TEST(test_a_lost_lock),
		TEST(test_a_full_disk_loses_no_lock),	    TEST(test_few_descriptors),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
