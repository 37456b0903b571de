/* SPDX-License-Identifier: BSD-3-Clause */
/* Tests which directories a configuration uses, and that no failure gives it another state. */
#include "directories.h"
#include "failing.h"

#include "base/cleanup.h"
#include "base/file.h"
#include "base/path.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

static char home[64];

static const char *in_home(const char *name)
{
	static char path[4][128];
	static int turn;

	turn = (turn + 1) % 4;
	snprintf(path[turn], sizeof(path[0]), "%s/%s", home, name);
	return path[turn];
}

static int fresh_home(void **state _unused_)
{
	clearenv();
	strcpy(home, "/tmp/vastfs-home-XXXXXX");
	assert_non_null(mkdtemp(home));
	return setenv("HOME", home, 1);
}

static int remove_one(const char *path, const struct stat *st _unused_, int type _unused_, struct FTW *at _unused_)
{
	return remove(path);
}

static int remove_home(void **state _unused_)
{
	return nftw(home, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

static void directories_end(struct directories *d)
{
	if (d->lock >= 0)
		close(d->lock);
	directories_free(d);
}

static void expect_state(const char *config_dir, const char *expected)
{
	struct directories d;

	assert_int_equal(directories_open(config_dir, &d), 0);
	if (expected)
		assert_string_equal(d.state, expected);
	else
		assert_int_equal(strlen(d.state), strlen(in_home(".local/state/vastfs/")) + 32);
	directories_end(&d);
}

static void test_the_default_directory_has_the_plain_state(void **state _unused_)
{
	expect_state(NULL, in_home(".local/state/vastfs"));
	expect_state(in_home(".config/vastfs"), in_home(".local/state/vastfs"));
	expect_state(in_home("other"), NULL);
	setenv("XDG_CONFIG_HOME", "relative", 1); /* path.h makes such a path absolute before */
	expect_state(NULL, in_home(".local/state/vastfs"));
}

static void test_an_id_that_is_none_is_replaced(void **state _unused_)
{
	static const char *const notes[] = {"", "x", "0123456789abcdef0123456789abcdef",
					    "0123456789abcdef0123456789abcdef/x"};

	expect_state(NULL, in_home(".local/state/vastfs"));
	assert_int_equal(mkdir(in_home("own"), 0700), 0);
	for (size_t i = 0; i < 4; i++) {
		assert_int_equal(file_write_atomically(in_home("own/.id"), notes[i], strlen(notes[i])), 0);
		expect_state(in_home("own"), NULL);
	}
}

static void expect_failure(const char *config_dir, int errnum)
{
	struct directories d;

	assert_int_equal(directories_open(config_dir, &d), errnum);
	directories_end(&d);
}

static void test_what_cannot_be_made(void **state _unused_)
{
	assert_int_equal(file_write_atomically(in_home("file"), "", 0), 0);
	expect_failure(in_home("file/below"), -ENOTDIR);
	assert_int_equal(mkdir(in_home("a"), 0700), 0);
	assert_int_equal(symlink("/tmp/elsewhere", in_home("a/.lock")), 0);
	expect_failure(in_home("a"), -ELOOP); /* the lock of others */
	assert_int_equal(mkdir(in_home("b"), 0700), 0);
	assert_int_equal(mkdir(in_home("b/.id"), 0700), 0);
	expect_state(NULL, in_home(".local/state/vastfs"));
	expect_failure(in_home("b"), -EISDIR);
	setenv("XDG_CACHE_HOME", in_home("file"), 1);
	expect_failure(NULL, -ENOTDIR);
	unsetenv("XDG_CACHE_HOME");
	setenv("XDG_STATE_HOME", in_home("file"), 1); /* the tree works without; operations are refused */
	expect_state(NULL, in_home("file/vastfs"));
}

static void test_the_holder_of_the_lock(void **state _unused_)
{
	struct directories d = {.lock = open("/dev/full", O_RDWR | O_CLOEXEC)};
	char text[32] = "", expected[32];

	directories_name_holder(&d); /* a full disk */
	close(d.lock);
	assert_int_equal(directories_open(in_home("own"), &d), 0);
	directories_name_holder(&d);
	assert_true(pread(d.lock, text, sizeof(text) - 1, 0) > 0);
	snprintf(expected, sizeof(expected), "%d\n", (int)getpid());
	assert_string_equal(text, expected);
	directories_end(&d);
}

static char own_state[256];

static void one_opening(const void *arg)
{
	struct directories d;
	int r = directories_open(arg, &d);

	if (r == 0)
		assert_string_equal(d.state, own_state);
	else
		assert_true(failing_happened());
	directories_end(&d);
}

/* With another ID the journal of operations would be lost. */
static void test_without_memory_the_state_remains(void **state _unused_)
{
	struct directories d;

	expect_state(NULL, in_home(".local/state/vastfs"));
	assert_int_equal(directories_open(in_home("own"), &d), 0);
	snprintf(own_state, sizeof(own_state), "%s", d.state);
	directories_end(&d);
	assert_in_range(failing_each(one_opening, in_home("own")), 8, 100);
	snprintf(own_state, sizeof(own_state), "%s", in_home(".local/state/vastfs"));
	assert_in_range(failing_each(one_opening, in_home(".config/vastfs")), 8, 100);
	assert_in_range(failing_each(one_opening, NULL), 8, 100);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fresh_home, remove_home)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_the_default_directory_has_the_plain_state),
		TEST(test_an_id_that_is_none_is_replaced),
		TEST(test_what_cannot_be_made),
		TEST(test_the_holder_of_the_lock),
		TEST(test_without_memory_the_state_remains),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
