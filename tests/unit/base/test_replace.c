/* SPDX-License-Identifier: BSD-3-Clause */
#include "base/replace.h"

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/file.h"
#include "failing.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
/* cmocka requires the headers above before its own */
#include <cmocka.h>

#define NOBODY 65534

static char path[64], record[64], other[64], records[64];

static int make_directory(void **state)
{
	char *directory = strdup("/tmp/test-replace-XXXXXX");

	if (!directory || !mkdtemp(directory))
		return -1;
	*state = directory;
	snprintf(path, sizeof(path), "%s/file", directory);
	snprintf(record, sizeof(record), "%s/record", directory);
	snprintf(other, sizeof(other), "%s/other", directory);
	snprintf(records, sizeof(records), "%s/records", directory);
	return 0;
}

static int remove_directory(void **state)
{
	unlink(path);
	unlink(record);
	unlink(other);
	rmdir(records);
	rmdir(*state);
	free(*state);
	return 0;
}

static void put(const char *name, const char *text)
{
	assert_int_equal(file_write_atomically(name, text, strlen(text)), 0);
}

static void assert_content(const char *name, const char *text)
{
	_buf_ struct buf found = BUF_INIT(4096);

	assert_int_equal(file_read(name, &found), 0);
	assert_string_equal(buf_str(&found), text);
}

static ino_t inode_of(const char *name)
{
	struct stat st;

	assert_int_equal(stat(name, &st), 0);
	return st.st_ino;
}

/* Every intermediate state of writing and truncating, and texts that are none of these states. */
static void test_torn_texts(void **state)
{
	static const struct {
		const char *torn, *before, *now;
		bool is_torn;
	} rows[] = {
		{"abcd", "abcd", "xyz", true}, /* nothing is written yet */
		{"xbcd", "abcd", "xyz", true},	    {"xyzd", "abcd", "xyz", true},
		{"xyz", "abcd", "xyz", false}, /* it is complete */
		{"ab", "ab", "xyzxyz", true},	    {"xb", "ab", "xyzxyz", true},
		{"xyz", "ab", "xyzxyz", true},	    {"xyzxyz", "ab", "xyzxyz", true},
		{"aZcd", "abcd", "xyz", false}, /* a person has edited it */
		{"abcde", "abcd", "xyz", false},    {"", "abcd", "xyz", false},
		{"xyzxyzq", "ab", "xyzxyz", false},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		if (replace_is_torn(rows[i].torn, strlen(rows[i].torn), rows[i].before, strlen(rows[i].before),
				    rows[i].now, strlen(rows[i].now)) != rows[i].is_torn)
			fail_msg("row %zu: %s", i, rows[i].torn);
}

static void test_a_new_file_is_private(void **state)
{
	struct stat st;

	(void)state;
	assert_int_equal(replace_file(path, "new", 3, record), 0);
	assert_content(path, "new");
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
}

static void test_the_mode_stays(void **state)
{
	struct stat st;

	(void)state;
	put(path, "old");
	assert_int_equal(chmod(path, 0644), 0);
	assert_int_equal(replace_file(path, "new", 3, record), 0);
	assert_content(path, "new");
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0644);
}

static void test_a_symbolic_link_stays(void **state)
{
	struct stat st;

	(void)state;
	assert_int_equal(symlink("other", path), 0);
	assert_int_equal(replace_file(path, "one", 3, record), 0); /* a dangling link */
	assert_content(other, "one");
	assert_int_equal(replace_file(path, "two", 3, record), 0);
	assert_content(other, "two");
	assert_int_equal(lstat(path, &st), 0);
	assert_true(S_ISLNK(st.st_mode));
}

/* A rename would break the link. */
static void test_a_hard_link_stays(void **state)
{
	ino_t before;

	(void)state;
	put(other, "a longer text");
	assert_int_equal(link(other, path), 0);
	before = inode_of(path);
	assert_int_equal(replace_file(path, "new", 3, record), 0);
	assert_content(other, "new");
	assert_true(inode_of(path) == before);
	assert_int_equal(access(record, F_OK), -1);
}

static void test_a_rewrite_that_was_cut_short_is_completed(void **state)
{
	(void)state;
	put(record, "4\nabcdxyz");
	put(path, "xbcd");
	assert_int_equal(replace_recover(path, record), 1);
	assert_content(path, "xyz");
	assert_int_equal(access(record, F_OK), -1);
	assert_int_equal(replace_recover(path, record), 0);
}

static void test_what_was_edited_since_is_left_alone(void **state)
{
	(void)state;
	put(record, "4\nabcdxyz");
	put(path, "mine");
	assert_int_equal(replace_recover(path, record), 0);
	assert_content(path, "mine");
	assert_int_equal(access(record, F_OK), -1);
	put(record, "99\nabcd");
	assert_int_equal(replace_recover(path, record), 0);
	put(record, "no number");
	assert_int_equal(replace_recover(path, record), 0);
	assert_content(path, "mine");
}

/* Becomes an ordinary user, to whom the directory and the file belong; the record is in a directory of its own. */
static void begin_as_user(const char *directory, mode_t directory_mode)
{
	assert_int_equal(mkdir(records, 0700), 0);
	snprintf(record, sizeof(record), "%s/record", records);
	put(path, "old");
	assert_int_equal(chmod(directory, directory_mode), 0);
	if (geteuid() != 0)
		return;
	assert_int_equal(chown(directory, NOBODY, NOBODY), 0);
	assert_int_equal(chown(records, NOBODY, NOBODY), 0);
	assert_int_equal(chown(path, NOBODY, NOBODY), 0);
	assert_int_equal(seteuid(NOBODY), 0);
}

static void end_as_user(const char *directory)
{
	if (getuid() == 0)
		assert_int_equal(seteuid(0), 0);
	assert_int_equal(chmod(directory, 0700), 0);
}

static void test_a_file_is_rewritten_where_no_other_can_be_made(void **state)
{
	ino_t before;

	begin_as_user(*state, 0555);
	before = inode_of(path);
	assert_int_equal(replace_file(path, "a new text", 10, record), 0);
	assert_content(path, "a new text");
	assert_int_equal(replace_file(path, "", 0, record), 0);
	assert_content(path, "");
	assert_true(inode_of(path) == before);
	assert_int_equal(access(record, F_OK), -1);
	end_as_user(*state);
}

/* A record would complete the refused change at the next start. */
static void test_a_refused_change_leaves_no_record(void **state)
{
	begin_as_user(*state, 0555);
	assert_int_equal(chmod(path, 0444), 0);
	assert_int_equal(replace_file(path, "new", 3, record), -EACCES);
	assert_content(path, "old");
	assert_int_equal(access(record, F_OK), -1);
	end_as_user(*state);
}

static void test_nothing_changes_without_a_place_for_the_record(void **state)
{
	begin_as_user(*state, 0555);
	assert_int_equal(chmod(records, 0500), 0);
	assert_int_equal(replace_file(path, "new", 3, record), -EACCES);
	assert_content(path, "old");
	end_as_user(*state);
}

/* A new file would belong to another user. */
static void test_a_file_of_another_user_is_rewritten(void **state)
{
	struct stat st;
	ino_t before;

	if (geteuid() != 0)
		skip();
	begin_as_user(*state, 0700);
	assert_int_equal(seteuid(0), 0);
	assert_int_equal(chown(path, 0, 0), 0);
	assert_int_equal(chmod(path, 0666), 0);
	assert_int_equal(seteuid(NOBODY), 0);
	before = inode_of(path);
	assert_int_equal(replace_file(path, "new", 3, record), 0);
	assert_content(path, "new");
	assert_true(inode_of(path) == before);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_uid, 0);
	end_as_user(*state);
}

static void test_links_in_a_circle(void **state)
{
	(void)state;
	assert_int_equal(symlink("other", path), 0);
	assert_int_equal(symlink("file", other), 0);
	assert_int_equal(replace_file(path, "new", 3, record), -ELOOP);
	put(record, "3\noldnew");
	assert_int_equal(replace_recover(path, record), -ELOOP);
}

static void test_a_record_of_a_file_that_has_gone(void **state)
{
	(void)state;
	put(record, "3\noldnew");
	assert_int_equal(replace_recover(path, record), 0);
	assert_int_equal(access(record, F_OK), -1);
	assert_int_equal(mkdir(record, 0700), 0);
	assert_int_equal(replace_recover(path, record), -EISDIR);
	assert_int_equal(rmdir(record), 0);
	assert_int_equal(mkdir(path, 0700), 0);
	put(record, "3\noldnew");
	assert_int_equal(replace_recover(path, record), -EISDIR);
	assert_int_equal(rmdir(path), 0);
}

static void replace_without_memory(const void *linked)
{
	int r;

	failing_pause(true);
	unlink(other);
	put(path, "old");
	if (linked)
		assert_int_equal(link(path, other), 0);
	failing_pause(false);
	r = replace_file(path, "new", 3, record);
	failing_pause(true);
	assert_true(r == (failing_happened() ? -ENOMEM : 0) || r == 0);
	assert_content(path, r == 0 ? "new" : "old");
	assert_int_equal(access(record, F_OK), -1);
}

static void recover_without_memory(const void *arg _unused_)
{
	int r;

	failing_pause(true);
	put(record, "4\nabcdxyz");
	put(path, "xbcd");
	failing_pause(false);
	r = replace_recover(path, record);
	failing_pause(true);
	assert_true(r == (failing_happened() ? -ENOMEM : 1) || r == 1);
	assert_content(path, r == 1 ? "xyz" : "xbcd");
	assert_int_equal(access(record, F_OK), r == 1 ? -1 : 0);
}

/* A file has its old or its new text. */
static void test_without_memory(void **state)
{
	(void)state;
	assert_true(failing_each(replace_without_memory, NULL) >= 1);
	assert_true(failing_each(replace_without_memory, path) >= 3);
	assert_true(failing_each(recover_without_memory, NULL) >= 2);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, make_directory, remove_directory)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_torn_texts),
		TEST(test_a_new_file_is_private),
		TEST(test_the_mode_stays),
		TEST(test_a_symbolic_link_stays),
		TEST(test_a_hard_link_stays),
		TEST(test_a_rewrite_that_was_cut_short_is_completed),
		TEST(test_what_was_edited_since_is_left_alone),
		TEST(test_a_file_is_rewritten_where_no_other_can_be_made),
		TEST(test_a_refused_change_leaves_no_record),
		TEST(test_nothing_changes_without_a_place_for_the_record),
		TEST(test_a_file_of_another_user_is_rewritten),
		TEST(test_links_in_a_circle),
		TEST(test_a_record_of_a_file_that_has_gone),
		TEST(test_without_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
