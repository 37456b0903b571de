/* SPDX-License-Identifier: BSD-3-Clause */
#include "stack/outage.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

#define START_MS 1000

static void test_an_answer_is_no_outage(void **state)
{
	struct outage o = {0};

	(void)state;
	assert_int_equal(outage_failed(&o, ERROR_PERMANENT, START_MS), OUTAGE_NONE);
	assert_int_equal(outage_answered(&o, START_MS), 0);
	assert_true(o.begun);
}

static void test_pauses_grow_to_five_seconds(void **state)
{
	static const int64_t pauses[] = {500, 1000, 2000, 4000, 5000, 5000};
	struct outage o = {.begun = true};

	(void)state;
	for (size_t i = 0; i < sizeof(pauses) / sizeof(*pauses); i++) {
		assert_int_equal(outage_failed(&o, ERROR_TRANSIENT, START_MS + (int64_t)i),
				 i ? OUTAGE_GOES_ON : OUTAGE_BEGINS);
		assert_int_equal(o.pause_ms, pauses[i]);
	}
}

static void test_what_has_begun_outlasts_a_quarter_of_an_hour(void **state)
{
	struct outage o = {.begun = true};

	(void)state;
	assert_int_equal(outage_failed(&o, ERROR_TRANSIENT, START_MS), OUTAGE_BEGINS);
	assert_int_equal(outage_failed(&o, ERROR_FIXABLE, START_MS + OUTAGE_LIMIT_MS - 1), OUTAGE_GOES_ON);
	assert_int_equal(outage_failed(&o, ERROR_TRANSIENT, START_MS + OUTAGE_LIMIT_MS), OUTAGE_TOO_LONG);
	/* the cleanup after the failure does not wait again */
	assert_int_equal(outage_failed(&o, ERROR_TRANSIENT, START_MS + OUTAGE_LIMIT_MS + 1), OUTAGE_TOO_LONG);
}

static void test_what_has_not_begun_gives_up_soon(void **state)
{
	struct outage o = {0};

	(void)state;
	assert_int_equal(outage_failed(&o, ERROR_TRANSIENT, START_MS), OUTAGE_BEGINS);
	assert_int_equal(outage_failed(&o, ERROR_TRANSIENT, START_MS + OUTAGE_FIRST_LIMIT_MS), OUTAGE_TOO_LONG);
}

static void test_expired_keys_fail_what_has_not_begun_at_once(void **state)
{
	struct outage o = {0};

	(void)state;
	assert_int_equal(outage_failed(&o, ERROR_FIXABLE, START_MS), OUTAGE_TOO_LONG);
}

static void test_each_outage_has_its_own_limit_and_pauses(void **state)
{
	struct outage o = {.begun = true};

	(void)state;
	outage_failed(&o, ERROR_TRANSIENT, START_MS);
	outage_failed(&o, ERROR_TRANSIENT, START_MS + 1000);
	assert_int_equal(outage_answered(&o, START_MS + 60000), 60000);
	assert_int_equal(outage_failed(&o, ERROR_TRANSIENT, START_MS + OUTAGE_LIMIT_MS), OUTAGE_BEGINS);
	assert_int_equal(o.pause_ms, 500);
	assert_int_equal(outage_answered(&o, START_MS + OUTAGE_LIMIT_MS + 5000), 5000);
	assert_int_equal(o.outlasted_ms, 65000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_an_answer_is_no_outage),
		cmocka_unit_test(test_pauses_grow_to_five_seconds),
		cmocka_unit_test(test_what_has_begun_outlasts_a_quarter_of_an_hour),
		cmocka_unit_test(test_what_has_not_begun_gives_up_soon),
		cmocka_unit_test(test_expired_keys_fail_what_has_not_begun_at_once),
		cmocka_unit_test(test_each_outage_has_its_own_limit_and_pauses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
