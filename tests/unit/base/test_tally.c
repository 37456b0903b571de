/* SPDX-License-Identifier: BSD-3-Clause */
#include "base/tally.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define MINUTE 60000

static void test_an_hour_is_counted(void **state)
{
	struct tally *t = tally_new();

	(void)state;
	assert_int_equal(tally_sum(t, 5), 0);
	tally_add(t, 5);
	tally_add(t, MINUTE);
	tally_add(t, 59 * MINUTE);
	assert_int_equal(tally_sum(t, 59 * MINUTE), 3);
	assert_int_equal(tally_sum(t, 60 * MINUTE), 2);
	tally_add(t, 60 * MINUTE); /* takes the place of minute 0 */
	assert_int_equal(tally_sum(t, 61 * MINUTE), 2);
	assert_int_equal(tally_sum(t, 500 * MINUTE), 0);
	tally_unref(t);
	tally_add(NULL, 0);
	tally_unref(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_an_hour_is_counted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
