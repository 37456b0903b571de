/* SPDX-License-Identifier: BSD-3-Clause */
#include "stack/cost.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define BASE "vpc_id=vpc-12345678\nsubnet_cidr=10.0.1.0/27\naws_region="

static struct cost cost_with(const char *text, int64_t storage_bytes)
{
	struct settings *s;
	struct cost c;

	assert_int_equal(settings_parse(text, strlen(text), &s, NULL), 0);
	cost_of_settings(s, storage_bytes, &c);
	settings_unref(s);
	return c;
}

static const struct cost_item *item_of(const struct cost *c, enum price price)
{
	for (size_t i = 0; i < c->n; i++)
		if (c->items[i].price == price)
			return &c->items[i];
	return NULL;
}

static void assert_dollars(double have, double want)
{
	if (fabs(have - want) > 1e-9)
		fail_msg("%.10f instead of %.10f dollars", have, want);
}

/* The figures a second time, by item as AWS's pages list them. */
static void test_list_prices(void **state)
{
	static const struct {
		enum price price;
		double dollars[4];
	} rows[] = {
		{PRICE_NAT_GATEWAY, {0.045, 0.048, 0.052, 0.046}},
		{PRICE_NAT_DATA, {0.045, 0.048, 0.052, 0.046}},
		{PRICE_ADDRESS, {0.005, 0.005, 0.005, 0.005}},
		{PRICE_FARGATE_CPU, {0.04048, 0.04048, 0.04656, 0.0445}},
		{PRICE_FARGATE_MEMORY, {0.004445, 0.004445, 0.00511, 0.0049}},
		{PRICE_FARGATE_ARM_CPU, {0.03238, 0.03238, 0.03725, 0.8 * 0.0445}},
		{PRICE_FARGATE_ARM_MEMORY, {0.00356, 0.00356, 0.00409, 0.8 * 0.0049}},
		{PRICE_FARGATE_DISK, {0.000111, 0.000111, 0.000127, 0.00012}},
		{PRICE_EFS_STORAGE, {0.30, 0.33, 0.36, 0.33}},
		{PRICE_EFS_READ, {0.03, 0.03, 0.04, 0.03}},
		{PRICE_EFS_WRITE, {0.06, 0.07, 0.07, 0.06}},
		{PRICE_LAMBDA, {0.0000166667, 0.0000166667, 0.0000166667, 0.0000166667}},
		{PRICE_LAMBDA_REQUESTS, {0.20, 0.20, 0.20, 0.20}},
		{PRICE_LAMBDA_STREAM, {0.008, 0.008, 0.008, 0.008}},
		{PRICE_LOGS, {0.50, 0.57, 0.63, 0.54}},
		{PRICE_ECR_STORAGE, {0.10, 0.10, 0.10, 0.10}},
		{PRICE_DATA_OUT, {0.09, 0.09, 0.09, 0.09}},
	};
	static const char *const regions[] = {"us-east-1", "eu-west-1", "eu-central-1", "eu-north-1"};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		for (size_t r = 0; r < ARRAY_SIZE(regions); r++) {
			struct price_figure figure = price_find(regions[r], rows[i].price);

			assert_dollars(figure.dollars, rows[i].dollars[r]);
			assert_int_equal(figure.about, r > 0);
			assert_dollars(price_find("ap-south-2", rows[i].price).dollars, rows[i].dollars[0]);
			assert_true(price_find("ap-south-2", rows[i].price).about);
		}
}

static void test_every_list_is_complete(void **state)
{
	(void)state;
	for (unsigned r = 0; r < price_lists_n; r++)
		for (unsigned i = 0; i < PRICE_COUNT; i++) {
			assert_true(price_lists[r].figures[i].dollars > 0);
			assert_non_null(price_names[i].item);
			assert_non_null(price_names[i].unit);
		}
}

static void test_the_default_stack(void **state)
{
	struct cost c = cost_with(BASE "us-east-1", -1);

	(void)state;
	assert_dollars(item_of(&c, PRICE_NAT_GATEWAY)->dollars, 32.85);
	assert_dollars(item_of(&c, PRICE_ADDRESS)->dollars, 3.65);
	assert_dollars(item_of(&c, PRICE_FARGATE_CPU)->dollars, 59.1008);
	assert_dollars(item_of(&c, PRICE_FARGATE_MEMORY)->dollars, 12.9794);
	assert_dollars(c.dollars, 108.5802);
	assert_dollars(c.stopped_dollars, 36.5);
	assert_dollars(c.query_dollars, 0.0000333334);
	assert_false(c.about);
	assert_false(c.other_region);
	assert_null(item_of(&c, PRICE_FARGATE_DISK));
	assert_true(item_of(&c, PRICE_EFS_STORAGE)->by_use);
	assert_true(item_of(&c, PRICE_NAT_DATA)->by_use);
}

static void test_settings_change_the_amounts(void **state)
{
	struct cost arm = cost_with(BASE "eu-central-1\narchitecture=arm64\nserver_cpu=4096\nserver_memory=16384", -1);
	struct cost disk = cost_with(BASE "us-east-1\nserver_disk_size=120", -1);
	struct cost quarter =
		cost_with(BASE "us-east-1\nserver_cpu=256\nserver_memory=512\nvast_storage=ephemeral", -1);
	struct cost kept = cost_with(BASE "us-east-1\nvast_storage=ephemeral", 250 * INT64_C(1000000000));
	struct cost stored = cost_with(BASE "us-east-1", 250 * INT64_C(1000000000));
	struct cost none = cost_with(BASE "us-east-1", 0);

	(void)state;
	assert_dollars(arm.dollars, 730 * (0.052 + 0.005 + 4 * 0.03725 + 16 * 0.00409));
	assert_true(arm.about);
	assert_null(item_of(&arm, PRICE_FARGATE_CPU));
	assert_non_null(item_of(&arm, PRICE_LAMBDA_ARM));
	assert_dollars(item_of(&disk, PRICE_FARGATE_DISK)->dollars, 100 * 730 * 0.000111);
	assert_dollars(disk.stopped_dollars, 36.5);
	assert_dollars(quarter.dollars, 730 * (0.05 + 0.25 * 0.04048 + 0.5 * 0.004445));
	assert_null(item_of(&quarter, PRICE_EFS_STORAGE));
	assert_dollars(stored.stopped_dollars, 36.5 + 75);
	assert_dollars(kept.stopped_dollars, 36.5 + 75); /* the settings no longer use it, but it is billed */
	assert_dollars(none.stopped_dollars, 36.5);
}

static void test_a_region_without_a_list(void **state)
{
	struct cost c = cost_with(BASE "ap-northeast-1", -1);
	_buf_ struct buf out = BUF_INIT(8192);

	(void)state;
	assert_dollars(c.dollars, 108.5802);
	assert_true(c.about);
	assert_true(c.other_region);
	assert_int_equal(cost_put_items(&c, &out), 0);
	assert_int_equal(cost_put_totals(&c, &out), 0);
	assert_non_null(strstr(buf_str(&out), "NAT gateway: 730 hours at about $0.045: about $32.85 a month\n"));
	assert_non_null(strstr(buf_str(&out), "(prices of us-east-1, because there is no list for this region)\n"));
	assert_non_null(strstr(buf_str(&out), "cost while the server runs: about $108.58 a month; while it is stopped: "
					      "about $36.50 a month (the NAT gateway"));
}

static void test_what_is_paid_now(void **state)
{
	struct cost_situation now = {.storage_bytes = -1};
	struct cost c;

	(void)state;
	cost_of_situation("us-east-1", &now, &c);
	assert_int_equal(c.n, 0);
	assert_dollars(c.dollars, 0);

	now.nat_gateways = now.addresses = 1;
	cost_of_situation("us-east-1", &now, &c);
	assert_dollars(c.dollars, 36.5);

	/* Two servers of different architectures, as after a change of settings, and one larger disk. */
	now.x86_64 = (struct cost_tasks){.cpu = 2048, .memory = 4096};
	now.arm64 = (struct cost_tasks){.cpu = 1024, .memory = 2048};
	now.disk = 30;
	cost_of_situation("us-east-1", &now, &c);
	assert_dollars(c.dollars, 36.5 + 72.0802 + 730 * (0.03238 + 2 * 0.00356 + 30 * 0.000111));
	assert_dollars(c.stopped_dollars, 36.5);

	now = (struct cost_situation){.efs = true, .storage_bytes = INT64_C(1000000000000)};
	cost_of_situation("us-east-1", &now, &c);
	assert_dollars(c.dollars, 300);
}

static const char resources[] =
	"{\"StackResources\":["
	"{\"LogicalResourceId\":\"NatGateway\",\"ResourceType\":\"AWS::EC2::NatGateway\",\"PhysicalResourceId\":\"nat-"
	"1\","
	"\"ResourceStatus\":\"CREATE_COMPLETE\"},"
	"{\"LogicalResourceId\":\"NatAddress\",\"ResourceType\":\"AWS::EC2::EIP\",\"PhysicalResourceId\":\"1.2.3.4\","
	"\"ResourceStatus\":\"DELETE_COMPLETE\"},"
	"{\"LogicalResourceId\":\"Other\",\"ResourceType\":\"AWS::EC2::EIP\",\"ResourceStatus\":\"CREATE_IN_PROGRESS\"}"
	"]}";

static const char tasks_reply[] =
	"[{\"taskArn\":\"t/a\",\"lastStatus\":\"RUNNING\",\"cpu\":\"2048\",\"memory\":\"4096\"},"
	"{\"taskArn\":\"t/b\",\"lastStatus\":\"STOPPED\",\"cpu\":\"2048\",\"memory\":\"4096\"},"
	"{\"taskArn\":\"t/"
	"c\",\"lastStatus\":\"DEPROVISIONING\",\"desiredStatus\":\"STOPPED\",\"cpu\":\"1024\",\"memory\":\"2048\","
	"\"attributes\":[{\"name\":\"ecs.cpu-architecture\",\"value\":\"arm64\"}],\"ephemeralStorage\":{\"sizeInGiB\":"
	"50}},"
	"{\"taskArn\":\"t/"
	"d\",\"lastStatus\":\"RUNNING\",\"cpu\":\"-1\",\"memory\":\"much\",\"ephemeralStorage\":{\"sizeInGiB\":1e300}}"
	"]";

static void test_what_aws_describes(void **state)
{
	cJSON *described = cJSON_Parse(resources), *tasks = cJSON_Parse(tasks_reply);
	struct stack_view *stack = stack_view_parse("vast-x", false, NULL, described, NULL, NULL);
	struct task_list *list = task_list_parse(tasks, "42000", "fam", NULL);
	struct cost_situation now = cost_situation_of_stack(stack, list, -1);

	(void)state;
	assert_int_equal(now.nat_gateways, 1);
	assert_int_equal(now.addresses, 0);
	assert_int_equal(now.x86_64.cpu, 2048);
	assert_int_equal(now.x86_64.memory, 4096);
	assert_int_equal(now.arm64.cpu, 1024);
	assert_int_equal(now.arm64.memory, 2048);
	assert_int_equal(now.disk, 30);
	assert_false(now.efs);
	assert_int_equal(now.lambda_memory, 0);
	task_list_unref(list);
	stack_view_unref(stack);
	cJSON_Delete(tasks);
	cJSON_Delete(described);
}

static void test_texts(void **state)
{
	static const struct {
		double dollars;
		const char *amount, *price;
	} rows[] = {
		{0, "$0.00", "$0.00"},
		{108.5802, "$108.58", "$108.5802"},
		{0.3, "$0.30", "$0.30"},
		{0.0000166667, "$0.00", "$0.0000166667"},
		{1234567, "$1234567.00", "$1234567.00"},
	};
	struct cost c = cost_with(BASE "us-east-1", 1500000);
	_buf_ struct buf out = BUF_INIT(8192);
	char text[COST_TEXT_SIZE];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		assert_string_equal(cost_format(rows[i].dollars, text), rows[i].amount);
		assert_string_equal(cost_format_price(rows[i].dollars, text), rows[i].price);
	}
	assert_string_equal(cost_format(-0.5, text), "-$0.50");
	assert_string_equal(cost_format(-0.001, text), "$0.00");
	assert_int_equal(cost_put_items(&c, &out), 0);
	assert_non_null(strstr(buf_str(&out), "NAT gateway: 730 hours at $0.045: $32.85 a month\n"));
	assert_non_null(strstr(buf_str(&out), "processor: 1460 vCPU hours at $0.04048: $59.10 a month\n"));
	assert_non_null(strstr(buf_str(&out), "EFS storage: 0.002 GB months at $0.30: $0.00 a month\n"));
	assert_non_null(strstr(buf_str(&out), "NAT gateway, data: $0.045 for each GB\n"));
	assert_non_null(strstr(buf_str(&out), "each second of a query: $0.0000333334\n"));
	assert_null(strstr(buf_str(&out), "about"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_list_prices),
		cmocka_unit_test(test_every_list_is_complete),
		cmocka_unit_test(test_the_default_stack),
		cmocka_unit_test(test_settings_change_the_amounts),
		cmocka_unit_test(test_a_region_without_a_list),
		cmocka_unit_test(test_what_is_paid_now),
		cmocka_unit_test(test_what_aws_describes),
		cmocka_unit_test(test_texts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
