/* SPDX-License-Identifier: BSD-3-Clause */
#include "stack/quota.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static struct settings *parse(const char *text)
{
	struct settings *s;

	assert_int_equal(settings_parse(text, strlen(text), &s, NULL), 0);
	return s;
}

static void test_addresses(void **state)
{
	cJSON *four = cJSON_Parse("{\"addressesSet\":[{},{},{},{}]}"), *none = cJSON_Parse("{\"addressesSet\":\"\"}");
	struct error err = {0};

	(void)state;
	assert_int_equal(quota_check_addresses(four, 5, "eu-west-1", &err), 0);
	assert_int_equal(quota_check_addresses(none, 1, "eu-west-1", &err), 0);
	assert_int_equal(quota_check_addresses(four, QUOTA_UNKNOWN, "eu-west-1", &err), 0);
	assert_int_equal(quota_check_addresses(four, 4, "eu-west-1", &err), -EINVAL);
	assert_string_equal(err.message,
			    "all 4 Elastic IP addresses of eu-west-1 are in use and the NAT gateway needs one");
	assert_non_null(strstr(err.remedy, "aws ec2 describe-addresses --region eu-west-1"));
	assert_non_null(strstr(err.remedy, "--quota-code L-0263D0A3 --desired-value 5"));
	cJSON_Delete(four);
	cJSON_Delete(none);
}

static void test_vcpus(void **state)
{
	_cleanup_(settings_unref_cleanup) struct settings *s = parse("aws_region=eu-west-1\nserver_cpu=4096\n");
	struct error err = {0};

	(void)state;
	assert_int_equal(quota_check_vcpus(s, 4, &err), 0);
	assert_int_equal(quota_check_vcpus(s, QUOTA_UNKNOWN, &err), 0);
	assert_int_equal(quota_check_vcpus(s, 2, &err), -EINVAL);
	assert_string_equal(err.message,
			    "server_cpu=4096 needs 4 vCPUs, and the account may run only 2 on Fargate in eu-west-1");
	assert_non_null(strstr(err.remedy, "set a smaller server_cpu in config/default.env"));
	assert_int_equal(quota_check_vcpus(s, 0, &err), -EINVAL);
}

static void test_lambda_memory(void **state)
{
	_cleanup_(settings_unref_cleanup) struct settings *small = parse("lambda_memory=3008\n");
	_cleanup_(settings_unref_cleanup) struct settings *large = parse("lambda_memory=3009\n");
	struct error err = {0};

	(void)state;
	assert_int_equal(quota_judge_lambda_memory(small, 10, &err), QUOTA_FITS);
	assert_int_equal(quota_judge_lambda_memory(large, 1000, &err), QUOTA_FITS);
	assert_int_equal(quota_judge_lambda_memory(large, 5000, &err), QUOTA_FITS);
	assert_int_equal(quota_judge_lambda_memory(large, QUOTA_UNKNOWN, &err), QUOTA_FITS);
	assert_int_equal(quota_judge_lambda_memory(large, 10, &err), QUOTA_EXCEEDED);
	assert_int_equal(err.errnum, -EINVAL);
	assert_string_equal(err.message, "lambda_memory=3009 is more than the 3008 MB that Lambda grants to a new "
					 "account, and this account is new: its quota of concurrent executions is 10 "
					 "instead of 1000");
	assert_non_null(strstr(err.remedy, "set lambda_memory=3008 or less"));
	assert_int_equal(quota_judge_lambda_memory(large, 0, &err), QUOTA_EXCEEDED);
	for (double concurrent = 11; concurrent < 1000; concurrent += 43) {
		assert_int_equal(quota_judge_lambda_memory(large, concurrent, &err), QUOTA_DOUBTFUL);
		assert_non_null(strstr(err.message, "this account may be new"));
		assert_non_null(strstr(err.remedy, "if Lambda refuses the function"));
	}
}

static void test_nat_gateways(void **state)
{
	cJSON *gateways =
		cJSON_Parse("{\"natGatewaySet\":[{\"state\":\"available\",\"subnetId\":\"a\"},"
			    "{\"state\":\"deleting\",\"subnetId\":\"b\"},{\"state\":\"failed\",\"subnetId\":\"a\"},"
			    "{\"state\":\"pending\"}]}");
	cJSON *subnets = cJSON_Parse("{\"subnetSet\":[{\"subnetId\":\"a\",\"availabilityZone\":\"z1\"},"
				     "{\"subnetId\":\"b\",\"availabilityZone\":\"z2\"}]}");

	(void)state;
	assert_int_equal(quota_count_nat_gateways(gateways, NULL, NULL), 3);
	assert_int_equal(quota_count_nat_gateways(gateways, subnets, "z1"), 1);
	assert_int_equal(quota_count_nat_gateways(gateways, subnets, "z2"), 1);
	assert_int_equal(quota_count_nat_gateways(NULL, subnets, "z2"), 0);
	cJSON_Delete(gateways);
	cJSON_Delete(subnets);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_addresses),
		cmocka_unit_test(test_vcpus),
		cmocka_unit_test(test_lambda_memory),
		cmocka_unit_test(test_nat_gateways),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
