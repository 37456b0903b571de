/* SPDX-License-Identifier: BSD-3-Clause */
/* Tests the command line: words of -o, their escapes and values, and what is refused. */
#include "failing.h"
#include "options.h"

#include "base/cleanup.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define WORDS_MOST 10

static int parse(struct options *o, struct error *err, const char *const *words)
{
	char *argv[WORDS_MOST + 1] = {NULL};
	int argc = 0;

	*err = (struct error){0};
	for (; words[argc]; argc++)
		argv[argc] = (char *)words[argc];
	return options_parse(argc, argv, o, err);
}

static void expect_refusal(const char *list, const char *message)
{
	const char *const words[] = {"vastfs", "-o", list, "/mnt", NULL};
	struct options o;
	struct error err;

	if (parse(&o, &err, words) != -EINVAL || !strstr(err.message, message))
		fail_msg("-o %s: %s", list, err.message);
	options_free(&o);
}

static void test_words_are_taken_dropped_or_passed_on(void **state _unused_)
{
	const char *const words[] = {"vastfs",
				     "-o",
				     "ro,user,noauto,x-systemd.automount,comment=a,allow_other,,fsname=a\\,b,umask=027,"
				     "uid=root,gid=0,config_dir=/a",
				     "-o",
				     "rw,profile=my work,stage=b,config_dir=/b\\,c",
				     "src",
				     "/mnt",
				     NULL};
	struct options o;
	struct error err;

	assert_int_equal(parse(&o, &err, words), 0);
	assert_string_equal(buf_str(&o.fuse), "allow_other,fsname=a\\,b");
	assert_string_equal(buf_str(&o.settings), "aws_profile='my work'\nstage='b'\n");
	assert_string_equal(o.config_dir, "/b,c");
	assert_string_equal(o.source, "src");
	assert_string_equal(o.mountpoint, "/mnt");
	assert_false(o.read_only);
	assert_int_equal(o.umask, 027);
	assert_int_equal(o.uid, 0);
	assert_int_equal(o.gid, 0);
	options_free(&o);
}

static void test_quotes_in_a_profile(void **state _unused_)
{
	const char *const words[] = {"vastfs", "-o", "profile=it's", "/mnt", NULL};
	struct options o;
	struct error err;

	assert_int_equal(parse(&o, &err, words), 0);
	assert_string_equal(buf_str(&o.settings), "aws_profile=\"it's\"\n");
	options_free(&o);
}

static void test_values_that_are_refused(void **state _unused_)
{
	expect_refusal("uid", "the option uid needs a value");
	expect_refusal("uid=", "the option uid needs a value");
	expect_refusal("ro=1", "the option ro takes no value");
	expect_refusal("uid=nobody-has-this-name", "there is no user nobody-has-this-name");
	expect_refusal("uid=4294967295", "there is no user");
	expect_refusal("uid=-1", "there is no user");
	expect_refusal("uid=99999999999999999999", "there is no user");
	expect_refusal("uid=1x", "there is no user");
	expect_refusal("gid=nobody-has-this-name", "there is no group nobody-has-this-name");
	expect_refusal("umask=8", "is not a umask");
	expect_refusal("umask=1000", "is not a umask");
	expect_refusal("stage=not valid!", "option stage=not valid!");
	expect_refusal("remount", "cannot change the options of a mounted tree");
}

static void test_what_is_no_mount(void **state _unused_)
{
	static const struct {
		const char *words[WORDS_MOST];
		enum options_action action;
	} rows[] = {
		{{"vastfs", "--help"}, OPTIONS_HELP},
		{{"vastfs", "-V", "a", "b", "c"}, OPTIONS_VERSION},
		{{"vastfs", "--list-tree"}, OPTIONS_LIST_TREE},
		{{"/sbin/mount.fuse.vastfs", "src", "/mnt", "-f", "-o", "rw"}, OPTIONS_FAKE},
		{{"mount.vastfs", "src", "/mnt", "-n", "-v", "-N", "1", "-t", "fuse.vastfs"}, OPTIONS_MOUNT},
		{{"vastfs", "-f", "-s", "/mnt"}, OPTIONS_MOUNT},
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct options o;
		struct error err;

		assert_int_equal(parse(&o, &err, rows[i].words), 0);
		assert_int_equal(o.action, rows[i].action);
		options_free(&o);
	}
}

static void test_lines_that_are_refused(void **state _unused_)
{
	static const struct {
		const char *words[WORDS_MOST], *message;
	} rows[] = {
		{{"vastfs"}, "MOUNTPOINT is missing"},
		{{"vastfs", "a", "b", "c"}, "unexpected argument 'c'"},
		{{"vastfs", "-x", "/mnt"}, "unknown option -x"},
		{{"vastfs", "/mnt", "-o"}, "-o needs an argument"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct options o;
		struct error err;

		assert_int_equal(parse(&o, &err, rows[i].words), -EINVAL);
		assert_non_null(strstr(err.message, rows[i].message));
		assert_non_null(strstr(err.remedy, "vastfs --help"));
		options_free(&o);
	}
}

/* The manual and the completions list the same words as --help. */
static void test_every_word_has_a_line(void **state _unused_)
{
	_buf_ struct buf out = BUF_INIT(10000);
	size_t n = 0;

	options_print_words(&out);
	for (; options_help(n); n++)
		assert_non_null(strstr(buf_str(&out), options_help(n)->help));
	assert_in_range(n, 5, 100);
}

static void one_line(const void *arg _unused_)
{
	static const char *const words[] = {"vastfs", "-o", "allow_other,stage=a,config_dir=/a", "src", "/mnt", NULL};
	struct options o;
	struct error err;
	int r = parse(&o, &err, words);

	if (r < 0) {
		assert_int_equal(r, -ENOMEM);
		assert_true(failing_happened());
	} else {
		assert_string_equal(o.config_dir, "/a");
		assert_string_equal(buf_str(&o.settings), "stage='a'\n");
	}
	options_free(&o);
}

static void test_a_line_without_memory(void **state _unused_)
{
	assert_in_range(failing_each(one_line, NULL), 10, 200);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_words_are_taken_dropped_or_passed_on),
		cmocka_unit_test(test_quotes_in_a_profile),
		cmocka_unit_test(test_values_that_are_refused),
		cmocka_unit_test(test_what_is_no_mount),
		cmocka_unit_test(test_lines_that_are_refused),
		cmocka_unit_test(test_every_word_has_a_line),
		cmocka_unit_test(test_a_line_without_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
