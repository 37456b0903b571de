/* SPDX-License-Identifier: BSD-3-Clause */
#include "base/file.h"

#include "base/secret.h"
#include "failing.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

/* Every test runs in an empty directory. */
static int enter_directory(void **state)
{
	char *directory = strdup("/tmp/test-file-XXXXXX");

	*state = directory;
	return directory && mkdtemp(directory) && chdir(directory) == 0 ? 0 : -1;
}

static int remove_directory(void **state)
{
	int r = chdir("/");

	if (r == 0)
		r = rmdir(*state);
	free(*state);
	return r;
}

static void test_a_failed_read_or_write_is_reported(void **state)
{
	_buf_ struct buf small = BUF_INIT(4);
	int ends[2], fd = open("file", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	char *text;
	size_t len, size;

	(void)state;
	assert_int_equal(file_write_all(fd, "12345", 5), 0);
	assert_int_equal(file_read_fd(fd, &small), -EBADF);
	assert_int_equal(secret_read(fd, 100, &text, &len, &size), -EBADF);
	close(fd);
	assert_int_equal(secret_read(fd, 100, &text, &len, &size), -EBADF);
	assert_int_equal(file_read("file", &small), -EFBIG);
	fd = open("file", O_RDONLY | O_CLOEXEC);
	assert_int_equal(file_write_all(fd, "1", 1), -EBADF);
	close(fd);
	assert_int_equal(pipe(ends), 0);
	assert_int_equal(file_write_all(ends[1], "1", 1), -EINVAL); /* a pipe cannot be made durable */
	close(ends[0]);
	close(ends[1]);
	unlink("file");
}

static void test_the_reasons_are_words(void **state)
{
	(void)state;
	assert_string_equal(file_explain(-EISDIR), "it is a directory");
	assert_string_equal(file_explain(-EINVAL), "it is a FIFO, a device or a socket, not a regular file");
	assert_string_equal(file_explain(-EFBIG), "it is too large");
	assert_string_equal(file_explain(-EACCES), "Permission denied");
}

static void test_a_failed_replacement_leaves_nothing(void **state)
{
	(void)state;
	assert_int_equal(file_write_atomically("none/file", "x", 1), -ENOENT);
	assert_int_equal(mkdir("directory", 0700), 0);
	assert_int_equal(file_write_atomically("directory", "x", 1), -EISDIR);
	assert_int_equal(rmdir("directory"), 0);
}

static void test_missing_directories_are_made(void **state)
{
	struct stat st;

	(void)state;
	assert_int_equal(file_make_directories("a/b/c"), 0);
	assert_int_equal(file_make_directories("a/b/c"), 0);
	assert_int_equal(stat("a/b/c", &st), 0);
	assert_int_equal(st.st_mode & 0777, 0700);
	assert_int_equal(file_write_atomically("a/file", "x", 1), 0);
	assert_int_equal(file_make_directories("a/file/c"), -ENOTDIR);
	assert_int_equal(file_make_directories("a/file/c/d"), -ENOTDIR);
	unlink("a/file");
	rmdir("a/b/c");
	rmdir("a/b");
	rmdir("a");
}

static void write_without_memory(const void *arg _unused_)
{
	int r = file_make_directories("a/b");

	if (r == 0)
		r = file_write_atomically("a/b/file", "x", 1);
	assert_true(r == 0 || (r == -ENOMEM && failing_happened()));
	assert_int_equal(access("a/b/file", F_OK), r == 0 ? 0 : -1);
	unlink("a/b/file");
	rmdir("a/b");
	rmdir("a");
}

static void read_without_memory(const void *arg _unused_)
{
	_buf_ struct buf out = BUF_INIT(100);
	int fd = open("secret", O_RDONLY | O_CLOEXEC), r = file_read("secret", &out);
	char *text = NULL, *copy = secret_strdup("copy"), *made = secret_printf("%d", 1);
	size_t len, size;

	assert_int_equal(r, out.error);
	if (r == 0)
		r = secret_read(fd, 100, &text, &len, &size);
	if (r == 0) {
		assert_string_equal(text, "secret");
		secret_free(text, size);
	}
	if (copy)
		assert_string_equal(copy, "copy");
	if (made)
		assert_string_equal(made, "1");
	assert_int_equal(failing_happened(), r == -ENOMEM || !copy || !made);
	secret_free_text(copy);
	secret_free_text(made);
	close(fd);
}

static void test_without_memory(void **state)
{
	(void)state;
	assert_true(failing_each(write_without_memory, NULL) >= 3);
	assert_int_equal(file_write_atomically("secret", "secret", 6), 0);
	assert_true(failing_each(read_without_memory, NULL) >= 4);
	unlink("secret");
}

/* libcurl gets this function for its buffers, which contain headers with tokens. */
static void test_memory_of_a_library_is_moved(void **state)
{
	char *text = secret_erasing_realloc(NULL, 100), *same;

	(void)state;
	memset(text, 'a', 100);
	same = secret_erasing_realloc(text, 90);
	assert_ptr_equal(same, text); /* it is not worth a copy */
	text = secret_erasing_realloc(same, 10);
	assert_memory_equal(text, "aaaaaaaaaa", 10);
	text = secret_erasing_realloc(text, 5000);
	assert_memory_equal(text, "aaaaaaaaaa", 10);
	text = secret_erasing_realloc(text, 0);
	assert_non_null(text);
	secret_erasing_free(text);
	secret_erasing_free(NULL);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, enter_directory, remove_directory)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_a_failed_read_or_write_is_reported),
		TEST(test_the_reasons_are_words),
		TEST(test_a_failed_replacement_leaves_nothing),
		TEST(test_missing_directories_are_made),
		TEST(test_without_memory),
		TEST(test_memory_of_a_library_is_moved),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
