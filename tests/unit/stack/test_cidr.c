/* SPDX-License-Identifier: BSD-3-Clause */
#include "stack/cidr.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static struct cidr block(const char *text)
{
	struct cidr c;

	assert_int_equal(cidr_parse(text, &c, NULL), 0);
	return c;
}

static void test_good_blocks_come_back_as_written(void **state)
{
	static const char *const good[] = {"0.0.0.0/0", "10.0.0.0/8", "10.1.2.32/27", "255.255.255.255/32",
					   "128.0.0.0/1"};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
		struct cidr c = block(good[i]);
		char text[CIDR_TEXT_SIZE];

		assert_string_equal(cidr_format(&c, text), good[i]);
	}
}

static void test_bad_blocks_are_refused_with_words(void **state)
{
	static const struct {
		const char *text, *words;
	} bad[] = {
		{"", "not a block"},
		{"10.0.0.0", "not a block"},
		{"10.0.0/24", "not a block"},
		{"10.0.0.0/33", "not a block"},
		{"10.0.0.256/32", "not a block"},
		{"10.0.0.0/", "not a block"},
		{"10.0.0.0/24 ", "not a block"},
		{" 10.0.0.0/24", "not a block"},
		{"10.0.0.0/+4", "not a block"},
		{"010.0.0.0/8", "not a block"},
		{"10.0.0.0/024", "not a block"},
		{"10.0.0.-1/24", "not a block"},
		{"10.0.0.0.0/24", "not a block"},
		{"99999999999.0.0.0/8", "not a block"},
		{"fd00::/8", "not a block"},
		{"10.0.0.1/24", "10.0.0.0/24"},
		{"10.0.1.40/27", "10.0.1.32/27"},
		{"1.0.0.0/0", "0.0.0.0/0"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		struct error err = {0};
		struct cidr c;

		assert_int_equal(cidr_parse(bad[i].text, &c, &err), -EINVAL);
		assert_non_null(strstr(err.message, bad[i].words));
	}
}

static void test_contains_and_overlaps(void **state)
{
	struct cidr big = block("10.0.0.0/16"), small = block("10.0.255.224/27"), other = block("10.1.0.0/27");
	struct cidr all = block("0.0.0.0/0"), start = block("10.0.0.0/27");

	(void)state;
	assert_true(cidr_contains(&big, &small));
	assert_false(cidr_contains(&small, &big));
	assert_false(cidr_contains(&start, &big));
	assert_true(cidr_contains(&all, &other));
	assert_true(cidr_contains(&big, &big));
	assert_true(cidr_overlaps(&small, &big));
	assert_false(cidr_overlaps(&other, &big));
}

static void test_halves(void **state)
{
	struct cidr whole = block("10.0.0.192/27"), lower, upper, want_lower = block("10.0.0.192/28");
	struct cidr want_upper = block("10.0.0.208/28");

	(void)state;
	cidr_halves(&whole, &lower, &upper);
	assert_true(cidr_equal(&lower, &want_lower));
	assert_true(cidr_equal(&upper, &want_upper));
}

static void test_free_blocks(void **state)
{
	struct cidr within[] = {block("10.0.0.0/24"), block("10.9.0.0/28"), block("10.5.0.0/26")};
	struct cidr taken[] = {block("10.0.0.0/26"), block("10.0.0.70/31"), block("10.0.0.128/25"),
			       block("10.5.0.0/27")};
	static const char *const want[] = {"10.0.0.96/27", "10.5.0.32/27"};
	struct cidr found[8];
	size_t n = cidr_find_free((struct cidr_list){within, 3}, (struct cidr_list){taken, 4}, 27, found, 8);

	(void)state;
	assert_int_equal(n, ARRAY_SIZE(want));
	for (size_t i = 0; i < n; i++) {
		char text[CIDR_TEXT_SIZE];

		assert_string_equal(cidr_format(&found[i], text), want[i]);
	}
}

static void test_no_more_free_blocks_than_asked_for(void **state)
{
	struct cidr within = block("10.0.0.0/8"), end = block("255.255.255.0/24"), found[3];

	(void)state;
	assert_int_equal(cidr_find_free((struct cidr_list){&within, 1}, (struct cidr_list){0}, 27, found, 3), 3);
	assert_int_equal(found[2].address, 10U << 24 | 64);
	assert_int_equal(cidr_find_free((struct cidr_list){&end, 1}, (struct cidr_list){0}, 25, found, 3), 2);
	assert_int_equal(cidr_find_free((struct cidr_list){&end, 1}, (struct cidr_list){&end, 1}, 25, found, 3), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good_blocks_come_back_as_written),
		cmocka_unit_test(test_bad_blocks_are_refused_with_words),
		cmocka_unit_test(test_contains_and_overlaps),
		cmocka_unit_test(test_halves),
		cmocka_unit_test(test_free_blocks),
		cmocka_unit_test(test_no_more_free_blocks_than_asked_for),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
