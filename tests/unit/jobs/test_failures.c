/* SPDX-License-Identifier: BSD-3-Clause */
#include "jobs/failures.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void test_a_line_has_all_that_is_known(void **state)
{
	struct failures *f = failures_new();
	_buf_ struct buf out = BUF_INIT(4096);
	struct error err;

	(void)state;
	error_set(&err, -EBUSY, "a \"thing\"\nis running");
	error_remedy(&err, "wait");
	strcpy(err.code, "Throttling");
	failures_add(f, &(struct failure_site){.pid = 12, .uid = 1000, .path = "control/deploy"}, &err);
	assert_int_equal(failures_render(f, &out), 0);
	assert_non_null(strstr(out.data, " pid=12 uid=1000 path=control/deploy errno=EBUSY "
					 "what=\"a 'thing'\\nis running\" code=Throttling remedy=\"wait\"\n"));
	failures_free(f);
}

static void test_the_last_sixteen_are_kept_newest_last(void **state)
{
	struct failures *f = failures_new();
	_buf_ struct buf out = BUF_INIT(65536);
	struct error err;

	(void)state;
	for (int i = 0; i < 20; i++) {
		error_set(&err, -EIO, "number %d", i);
		failures_add(f, &(struct failure_site){0}, &err);
	}
	failures_render(f, &out);
	assert_null(strstr(out.data, "\"number 3\""));
	assert_non_null(strstr(out.data, "\"number 4\""));
	assert_true(strstr(out.data, "\"number 4\"") < strstr(out.data, "\"number 19\""));
	failures_clear(f);
	buf_clear(&out);
	failures_render(f, &out);
	assert_int_equal(out.len, 0);
	failures_free(f);
}

static void add(struct failures *f, pid_t pid, uid_t uid, const char *words)
{
	struct error err;

	error_set(&err, -EBUSY, "%s", words);
	failures_add(f, &(struct failure_site){.pid = pid, .uid = uid, .path = "x"}, &err);
}

static void test_nobody_flushes_the_failures_of_another(void **state)
{
	struct failures *f = failures_new();
	_buf_ struct buf out = BUF_INIT(65536);
	char words[32];

	(void)state;
	add(f, 1, 1000, "mine");
	for (int i = 0; i < 40; i++) {
		snprintf(words, sizeof(words), "other %d", i);
		add(f, 2, 1001, words);
	}
	failures_render(f, &out);
	assert_non_null(strstr(out.data, "\"mine\""));
	assert_null(strstr(out.data, "\"other 23\""));
	assert_non_null(strstr(out.data, "\"other 24\""));
	for (uid_t uid = 2000; uid < 2064; uid++)
		add(f, 3, uid, "one each");
	buf_clear(&out);
	failures_render(f, &out);
	assert_null(strstr(out.data, "\"mine\""));
	failures_free(f);
}

static void test_repeated_ones_are_counted(void **state)
{
	struct failures *f = failures_new();
	_buf_ struct buf out = BUF_INIT(65536);

	(void)state;
	add(f, 11, 1000, "again");
	add(f, 12, 1000, "once");
	add(f, 13, 1000, "again");
	add(f, 13, 1000, "again");
	failures_render(f, &out);
	assert_non_null(strstr(out.data, " pid=12 uid=1000 path=x errno=EBUSY what=\"once\"\n"));
	assert_non_null(
		strstr(out.data, " pid=13 uid=1000 path=x errno=EBUSY what=\"again\" count=3 earlier=\"pid=11\"\n"));
	assert_true(strstr(out.data, "once") < strstr(out.data, "again"));
	failures_free(f);
}

static void test_the_newest_are_values(void **state)
{
	struct failures *f = failures_new();
	struct failure_report newest[2];
	size_t all;

	(void)state;
	add(f, 11, 1000, "again");
	add(f, 12, 1000, "once");
	add(f, 13, 1000, "twice");
	add(f, 13, 1000, "again");
	assert_int_equal(failures_newest(f, newest, 2, &all), 2);
	assert_int_equal(all, 3);
	assert_string_equal(newest[0].error.message, "again");
	assert_int_equal(newest[0].count, 2);
	assert_string_equal(newest[0].path, "x");
	assert_string_equal(newest[1].error.message, "twice");
	assert_true(newest[1].at_ms > 0);
	failures_clear(f);
	assert_int_equal(failures_newest(f, newest, 2, &all), 0);
	assert_int_equal(all, 0);
	failures_free(f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_line_has_all_that_is_known),
		cmocka_unit_test(test_the_last_sixteen_are_kept_newest_last),
		cmocka_unit_test(test_nobody_flushes_the_failures_of_another),
		cmocka_unit_test(test_repeated_ones_are_counted),
		cmocka_unit_test(test_the_newest_are_values),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
