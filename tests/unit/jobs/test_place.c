/* SPDX-License-Identifier: BSD-3-Clause */
#include "jobs/place.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static const struct place prod = {
	.account = "111111111111", .region = "eu-west-1", .stack = "vast-prod", .profile = "prod"};

struct row {
	struct place here;
	bool same;
	const char *difference, *way;
};

static const struct row rows[] = {
	{{"111111111111", "eu-west-1", "", "vast-prod", "prod"}, true, "", ""},
	{{"", "eu-west-1", "", "vast-prod", "prod"}, true, "", ""},
	{{"111111111111", "eu-west-1", "", "vast-prod", ""}, true, "", "write aws_profile=prod to config/default.env"},
	{{"222222222222", "eu-west-1", "", "vast-prod", "prod"},
	 false,
	 "account 111111111111 (here: 222222222222)",
	 "use credentials of account 111111111111"},
	{{"222222222222", "us-east-1", "", "vast-dev", "dev"},
	 false,
	 "account 111111111111 (here: 222222222222), region eu-west-1 (here: us-east-1), stack vast-prod (here: "
	 "vast-dev)",
	 "write stage=prod aws_region=eu-west-1 aws_profile=prod to config/default.env"},
	{{"", "eu-west-1", "http://localhost:1", "vast-prod", "prod"},
	 false,
	 "endpoint AWS's own (here: http://localhost:1)",
	 "unset AWS_ENDPOINT_URL"},
};

static void test_places_are_compared_and_the_way_is_told(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		_buf_ struct buf difference = BUF_INIT(1024);
		_buf_ struct buf way = BUF_INIT(1024);

		assert_int_equal(place_may_be_same(&prod, &rows[i].here), rows[i].same);
		assert_int_equal(place_put_difference(&prod, &rows[i].here, &difference), 0);
		assert_int_equal(place_put_way(&prod, &rows[i].here, &way), 0);
		assert_string_equal(buf_str(&difference), rows[i].difference);
		assert_string_equal(buf_str(&way), rows[i].way);
	}
}

static void test_a_way_without_a_profile_and_to_another_endpoint(void **state)
{
	struct place there = prod;
	_buf_ struct buf way = BUF_INIT(1024);

	(void)state;
	there.profile[0] = '\0';
	strcpy(there.endpoint, "http://localhost:1");
	assert_int_equal(place_put_way(&there, &prod, &way), 0);
	assert_string_equal(buf_str(&way),
			    "remove aws_profile from config/default.env, set AWS_ENDPOINT_URL=http://localhost:1");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_places_are_compared_and_the_way_is_told),
		cmocka_unit_test(test_a_way_without_a_profile_and_to_another_endpoint),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
