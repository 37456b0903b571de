/* SPDX-License-Identifier: BSD-3-Clause */
#include "base/clock.h"

#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

static void test_parse(void **state)
{
	(void)state;
	assert_int_equal(clock_parse("1970-01-01T00:00:01Z"), 1000);
	assert_int_equal(clock_parse("1970-01-01T00:00:01.25Z"), 1250);
	assert_int_equal(clock_parse("1970-01-01T01:00:00+01:00"), 0);
	assert_int_equal(clock_parse("1969-12-31T22:30:00-0130"), 0);
	assert_int_equal(clock_parse("1970-01-01T02:00:00+02"), 0);
	assert_int_equal(clock_parse("1970-01-01 00:00:01Z"), 1000);
	assert_int_equal(clock_parse("1970-01-01t00:00:01z"), 1000);
	assert_int_equal(clock_parse("1970-01-01T00:01Z"), 60000);
	assert_int_equal(clock_parse("19700101T000001Z"), 1000);
	assert_int_equal(clock_parse("1970-01-01T00:00:01.123456789UTC"), 1123);
	assert_int_equal(clock_parse("Thu, 01 Jan 1970 00:00:01 GMT"), 1000);
	assert_int_equal(clock_parse("1970-01-01T00:00:01"), -EINVAL);
	assert_int_equal(clock_parse("1970-01-01T00:00:01+01:00 "), -EINVAL);
	assert_int_equal(clock_parse("1970-01-01T00:00:01+"), -EINVAL);
	assert_int_equal(clock_parse("yesterday"), -EINVAL);
	assert_int_equal(clock_parse("1970-01-01T00:00:01 or so"), -EINVAL);
}

static void test_format(void **state)
{
	char text[CLOCK_TEXT_SIZE];

	(void)state;
	assert_string_equal(clock_format(1000, text), "1970-01-01T00:00:01Z");
	assert_string_equal(clock_format(0, text), "");
}

static void test_seconds_that_are_none(void **state)
{
	static const double bad[] = {-1, -1e300, 1e300, 253402300800, INFINITY, -INFINITY, NAN};

	(void)state;
	assert_int_equal(clock_of_seconds(0), 0);
	assert_int_equal(clock_of_seconds(1764075853.25), 1764075853250);
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		assert_int_equal(clock_of_seconds(bad[i]), -EINVAL);
}

static void test_duration(void **state)
{
	char text[CLOCK_TEXT_SIZE];

	(void)state;
	assert_string_equal(clock_duration(59999, text), "59s");
	assert_string_equal(clock_duration(252000, text), "4m 12s");
	assert_string_equal(clock_duration(7260000, text), "2h 1m");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parse),
		cmocka_unit_test(test_format),
		cmocka_unit_test(test_seconds_that_are_none),
		cmocka_unit_test(test_duration),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
