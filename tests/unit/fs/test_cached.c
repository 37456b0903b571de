/* SPDX-License-Identifier: BSD-3-Clause */
/* Tests which text the kernel may cache, and that each change shows in the times. */
#include "fs/cached.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
// clang-format off
#include <cmocka.h>
// clang-format on

static int64_t tell(const struct scope *s, struct node *n)
{
	struct stat st = {.st_mtim = {.tv_sec = 5, .tv_nsec = 7000000}};

	cached_tell(s, n, &st);
	assert_int_equal(st.st_mtim.tv_sec, 5);
	assert_int_equal(st.st_mtim.tv_nsec / 1000000, 7);
	assert_int_equal(st.st_ctim.tv_nsec, st.st_mtim.tv_nsec);
	return st.st_mtim.tv_nsec;
}

static void only_the_text_that_the_kernel_knows_comes_from_pages(void **state _unused_)
{
	char running[] = "RUNNING", stopped[] = "STOPPED";
	struct task task = {.status = running};
	struct scope s = {.row = tree_find("tasks/{task}/status"), .key = "1", .task = &task};
	struct node n = {.row = s.row};
	int64_t before;

	assert_false(cached_is_current(&s, &n));
	assert_null(cached_text(&n));
	before = tell(&s, &n);
	assert_true(cached_is_current(&s, &n));
	task.status = stopped;
	assert_false(cached_is_current(&s, &n));
	assert_string_equal(cached_text(&n)->data, "RUNNING\n");
	assert_int_not_equal(tell(&s, &n), before);
	assert_true(cached_is_current(&s, &n));
	assert_string_equal(cached_text(&n)->data, "STOPPED\n");
	assert_int_equal(tell(&s, &n), tell(&s, &n));
	cached_forget(&n);
}

static void a_long_text_is_not_cached(void **state _unused_)
{
	char text[CACHED_TEXT_MAX + 2] = "";
	struct task task = {.json = text};
	struct scope s = {.row = tree_find("tasks/{task}/task.json"), .key = "1", .task = &task};
	struct node n = {.row = s.row};
	int64_t before;

	memset(text, 'x', CACHED_TEXT_MAX);
	before = tell(&s, &n);
	assert_true(cached_is_current(&s, &n));
	text[CACHED_TEXT_MAX - 1] = '\0';
	assert_int_not_equal(tell(&s, &n), before);
	strcat(text, "xx");
	tell(&s, &n);
	assert_false(cached_is_current(&s, &n));
	assert_null(cached_text(&n));
	assert_int_equal(tell(&s, &n), tell(&s, &n));
}

static void a_file_that_the_mount_changes_is_not_cached(void **state _unused_)
{
	struct scope s = {.row = tree_find("control/deploy"), .key = ""};
	struct node n = {.row = s.row};

	assert_int_equal(tell(&s, &n), 7000000);
	assert_false(cached_is_current(&s, &n));
	assert_null(cached_text(&n));
}

static void names_count_in_any_order(void **state _unused_)
{
	struct node n = {.row = tree_find("tasks")};
	uint64_t a = cached_hash_name("a"), b = cached_hash_name("b"), ab = cached_hash_name("ab");

	assert_int_not_equal(a + b, ab);
	cached_tell_listing(&n, a + b);
	assert_int_equal(n.version, 1);
	cached_tell_listing(&n, b + a);
	assert_int_equal(n.version, 1);
	cached_tell_listing(&n, a);
	assert_int_equal(n.version, 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(only_the_text_that_the_kernel_knows_comes_from_pages),
		cmocka_unit_test(a_long_text_is_not_cached),
		cmocka_unit_test(a_file_that_the_mount_changes_is_not_cached),
		cmocka_unit_test(names_count_in_any_order),
	};

	tree_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
