/* SPDX-License-Identifier: BSD-3-Clause */
#include "stack/precheck.h"

#include "stack/template.h"
#include "stack/vpc.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define VPC "vpc-0123456789abcdef0"

/* A VPC that passes every check; each case replaces one reply. */
enum reply { VPCS, SUPPORT, HOSTNAMES, GATEWAYS, SUBNETS, PEERINGS, ZONES, REPLIES };

static const char *const fine[REPLIES] = {
	[VPCS] = "{\"vpcSet\":[{\"vpcId\":\"vpc-other\",\"cidrBlock\":\"10.0.0.0/8\"},{\"vpcId\":\"" VPC "\","
		 "\"state\":\"available\",\"cidrBlock\":\"10.0.0.0/24\",\"instanceTenancy\":\"default\","
		 "\"cidrBlockAssociationSet\":["
		 "{\"cidrBlock\":\"10.0.0.0/24\",\"cidrBlockState\":{\"state\":\"associated\"}},"
		 "{\"cidrBlock\":\"10.9.0.0/24\",\"cidrBlockState\":{\"state\":\"disassociated\"}},"
		 "{\"cidrBlock\":\"10.1.0.0/26\",\"cidrBlockState\":{\"state\":\"associated\"}}]}]}",
	[SUPPORT] = "{\"enableDnsSupport\":{\"value\":\"true\"}}",
	[HOSTNAMES] = "{\"enableDnsHostnames\":{\"value\":\"true\"}}",
	[GATEWAYS] = "{\"internetGatewaySet\":["
		     "{\"internetGatewayId\":\"igw-other\",\"attachmentSet\":[{\"vpcId\":\"vpc-other\",\"state\":"
		     "\"available\"}]},"
		     "{\"internetGatewayId\":\"igw-1\",\"attachmentSet\":[{\"vpcId\":\"" VPC
		     "\",\"state\":\"available\"}]}]}",
	[SUBNETS] = "{\"subnetSet\":["
		    "{\"subnetId\":\"subnet-a\",\"vpcId\":\"" VPC "\",\"cidrBlock\":\"10.0.0.0/26\"},"
		    "{\"subnetId\":\"subnet-b\",\"vpcId\":\"" VPC "\",\"cidrBlock\":\"10.0.0.128/25\"},"
		    "{\"subnetId\":\"subnet-c\",\"vpcId\":\"vpc-other\",\"cidrBlock\":\"10.0.0.0/16\"},"
		    "{\"subnetId\":\"subnet-6\",\"vpcId\":\"" VPC "\"}]}",
	[PEERINGS] = "{\"vpcPeeringConnectionSet\":["
		     "{\"status\":{\"code\":\"deleted\"},\"requesterVpcInfo\":{\"vpcId\":\"" VPC "\"},"
		     "\"accepterVpcInfo\":{\"vpcId\":\"vpc-gone\",\"cidrBlock\":\"10.0.0.0/16\"}},"
		     "{\"status\":{\"code\":\"active\"},\"requesterVpcInfo\":{\"vpcId\":\"vpc-peer\",\"cidrBlock\":"
		     "\"10.1.0.32/27\"},\"accepterVpcInfo\":{\"vpcId\":\"" VPC "\",\"cidrBlock\":\"10.0.0.0/24\"}}]}",
	[ZONES] = "{\"availabilityZoneInfo\":["
		  "{\"zoneName\":\"us-east-1a\",\"zoneId\":\"use1-az3\",\"zoneState\":\"available\",\"zoneType\":"
		  "\"availability-zone\"},"
		  "{\"zoneName\":\"us-east-1-atl-1a\",\"zoneId\":\"use1-atl1-az1\",\"zoneState\":\"available\","
		  "\"zoneType\":\"local-zone\"},"
		  "{\"zoneName\":\"us-east-1b\",\"zoneId\":\"use1-az9\",\"zoneState\":\"impaired\",\"zoneType\":"
		  "\"availability-zone\"},"
		  "{\"zoneName\":\"us-east-1c\",\"zoneId\":\"use1-az1\",\"zoneState\":\"available\",\"zoneType\":"
		  "\"availability-zone\"},"
		  "{\"zoneName\":\"us-east-1d\",\"zoneId\":\"use1-az2\",\"zoneState\":\"available\",\"zoneType\":"
		  "\"availability-zone\"}]}",
};

struct trial {
	const char *settings; /* in addition to region and VPC */
	enum reply which;     /* the reply that is replaced */
	const char *reply;    /* NULL: no reply is replaced */
	const char *words;    /* part of the message; NULL: passes */
	const char *remedy;
};

static struct settings *make_settings(const char *text)
{
	struct settings *s;
	char whole[1024];

	snprintf(whole, sizeof(whole), "aws_region=us-east-1\nvpc_id=" VPC "\n%s", text);
	assert_int_equal(settings_parse(whole, strlen(whole), &s, NULL), 0);
	return s;
}

static int run(const struct trial *t, const cJSON *deployed, const char *const *own, struct precheck_result *ret,
	       struct error *err)
{
	_cleanup_(settings_unref_cleanup) struct settings *s = make_settings(t->settings);
	cJSON *replies[REPLIES];
	struct precheck p = {.settings = s,
			     .vpc = {.region = "us-east-1", .efs = s->efs},
			     .nat_quota = QUOTA_UNKNOWN,
			     .deployed = deployed,
			     .own_subnets = own};
	int r;

	for (int i = 0; i < REPLIES; i++) {
		replies[i] = cJSON_Parse(t->reply && i == (int)t->which ? t->reply : fine[i]);
		assert_non_null(replies[i]);
	}
	p.vpc.vpcs = replies[VPCS];
	p.vpc.dns_support = replies[SUPPORT];
	p.vpc.dns_hostnames = replies[HOSTNAMES];
	p.vpc.gateways = replies[GATEWAYS];
	p.vpc.subnets = replies[SUBNETS];
	p.vpc.peerings = replies[PEERINGS];
	p.zones = replies[ZONES];
	r = precheck(&p, ret, err);
	for (int i = 0; i < REPLIES; i++)
		cJSON_Delete(replies[i]);
	return r;
}

#define FREE "subnet_cidr=10.0.0.64/27\n"

static void test_creating(void **state)
{
	static const struct trial trials[] = {
		{FREE, 0, NULL, NULL, NULL},
		{"subnet_cidr=10.0.0.64/26\n", 0, NULL, NULL, NULL},
		{"subnet_cidr=10.1.0.0/27\n", 0, NULL, NULL, NULL},
		{FREE, VPCS, "{\"vpcSet\":\"\"}", VPC " does not exist in us-east-1", "describe-vpcs"},
		{FREE, VPCS, "{\"vpcSet\":[{\"vpcId\":\"" VPC "\",\"state\":\"pending\"}]}", "is pending", ""},
		{FREE, VPCS,
		 "{\"vpcSet\":[{\"vpcId\":\"" VPC
		 "\",\"instanceTenancy\":\"dedicated\",\"cidrBlock\":\"10.0.0.0/24\"}]}",
		 "dedicated tenancy", "aws ec2 modify-vpc-tenancy --region us-east-1 --vpc-id " VPC},
		{FREE, VPCS, "{\"vpcSet\":[{\"vpcId\":\"" VPC "\",\"cidrBlock\":\"10.0.0.0/24\"}]}", NULL, NULL},
		{FREE, SUPPORT, "{\"enableDnsSupport\":{\"value\":\"false\"}}", "DNS support is off",
		 "aws ec2 modify-vpc-attribute --region us-east-1 --vpc-id " VPC " --enable-dns-support Value=true"},
		{FREE, HOSTNAMES, "{\"enableDnsHostnames\":{\"value\":\"false\"}}", "DNS host names",
		 "--enable-dns-hostnames Value=true"},
		{FREE "vast_storage=ephemeral\n", HOSTNAMES, "{\"enableDnsHostnames\":{\"value\":\"false\"}}", NULL,
		 NULL},
		{FREE, GATEWAYS, "{\"internetGatewaySet\":[]}", "no Internet gateway",
		 "aws ec2 attach-internet-gateway"},
		{FREE, GATEWAYS,
		 "{\"internetGatewaySet\":[{\"internetGatewayId\":\"igw-1\",\"attachmentSet\":[{\"vpcId\":\"" VPC
		 "\",\"state\":\"detaching\"}]}]}",
		 "no Internet gateway", ""},
		{"subnet_cidr=10.0.0.32/27\n", 0, NULL, "subnet_cidr 10.0.0.32/27 collides with subnet-a (10.0.0.0/26)",
		 "free block of " VPC ": 10.0.0.64/27, 10.0.0.96/27, 10.1.0.0/27"},
		{"subnet_cidr=10.0.0.64/26\n", SUBNETS,
		 "{\"subnetSet\":[{\"subnetId\":\"subnet-x\",\"vpcId\":\"" VPC "\",\"cidrBlock\":\"10.0.0.96/28\"}]}",
		 "collides with subnet-x (10.0.0.96/28)", "10.0.0.0/26, 10.0.0.128/26, 10.0.0.192/26"},
		{"subnet_cidr=10.0.0.0/24\n", 0, NULL, "collides with subnet-a", "has no free one of that size"},
		{"subnet_cidr=10.1.0.32/27\n", 0, NULL, "collides with the peered vpc-peer (10.1.0.32/27)",
		 "10.0.0.64/27"},
		{"subnet_cidr=10.9.0.0/27\n", 0, NULL, "not inside " VPC " (10.0.0.0/24, 10.1.0.0/26)", "10.0.0.64/27"},
		{FREE, ZONES, "{\"availabilityZoneInfo\":[]}", "no availability zone", ""},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(trials); i++) {
		const struct trial *t = &trials[i];
		struct precheck_result result;
		struct error err = {0};
		int r = run(t, NULL, NULL, &result, &err);

		if (r != (t->words ? -EINVAL : 0) || (t->words && !strstr(err.message, t->words)) ||
		    (t->remedy && !strstr(err.remedy, t->remedy)))
			fail_msg("%zu: %d \"%s\" \"%s\"", i, r, err.message, err.remedy);
		if (r < 0)
			continue;
		assert_string_equal(result.internet_gateway_id, "igw-1");
		assert_string_equal(result.availability_zone, "us-east-1c");
	}
}

static cJSON *deployed_with(const char *subnet, const char *zone)
{
	char text[64];
	struct template_facts facts = {.availability_zone = zone, .image_uri = "x", .file_system_id = "fs-1"};
	struct settings *s;
	cJSON *parameters;

	snprintf(text, sizeof(text), "subnet_cidr=%s\n", subnet);
	s = make_settings(text);
	parameters = template_parameters(s, &facts);
	settings_unref(s);
	assert_non_null(parameters);
	return parameters;
}

/* Deploy, change server_memory, deploy again: the stack's own subnets, zone and address are not conflicts. */
static void test_updating_is_not_stopped_by_the_stack_itself(void **state)
{
	static const struct trial t = {
		FREE "server_memory=8192\n", SUBNETS,
		"{\"subnetSet\":["
		"{\"subnetId\":\"subnet-1\",\"vpcId\":\"" VPC "\",\"cidrBlock\":\"10.0.0.64/28\"},"
		"{\"subnetId\":\"subnet-2\",\"vpcId\":\"" VPC "\",\"cidrBlock\":\"10.0.0.80/28\"}]}",
		NULL, NULL};
	static const char *const own[] = {"subnet-1", "subnet-2", NULL};
	cJSON *deployed = deployed_with("10.0.0.64/27", "us-east-1d");
	struct precheck_result result;
	struct error err = {0};

	(void)state;
	assert_int_equal(run(&t, deployed, own, &result, &err), 0);
	assert_string_equal(result.availability_zone, "us-east-1d");
	assert_int_equal(run(&t, deployed, own + 1, &result, &err), -EINVAL);
	assert_non_null(strstr(err.message, "subnet-1"));
	cJSON_Delete(deployed);
}

static void test_what_is_fixed_for_life(void **state)
{
	static const struct trial other_half = {"subnet_cidr=10.0.0.96/27\n", 0, NULL, NULL, NULL};
	cJSON *deployed = deployed_with("10.0.0.64/27", "us-east-1d"),
	      *wanted = deployed_with("10.0.0.64/27", "us-east-1c");
	struct precheck_result result;
	struct error err = {0};

	(void)state;
	assert_int_equal(run(&other_half, deployed, NULL, &result, &err), -EINVAL);
	assert_non_null(strstr(err.message, "subnet_cidr"));
	assert_non_null(strstr(err.message, "the stack has 10.0.0.64/28, config/default.env has 10.0.0.96/28"));
	assert_non_null(strstr(err.remedy, "control/destroy"));
	assert_int_equal(precheck_fixed(wanted, deployed, &err), -EINVAL);
	assert_non_null(strstr(err.message, "the availability zone cannot change"));
	assert_int_equal(precheck_fixed(deployed, deployed, &err), 0);
	assert_int_equal(precheck_fixed(wanted, NULL, &err), 0);
	cJSON_ReplaceItemInObject(cJSON_GetArrayItem(wanted, 0), "ParameterValue", cJSON_CreateString("vpc-00000000"));
	assert_int_equal(precheck_fixed(wanted, deployed, &err), -EINVAL);
	assert_non_null(strstr(err.message, "vpc_id cannot change while the stack exists: the stack has " VPC));
	cJSON_Delete(deployed);
	cJSON_Delete(wanted);
}

/* A zone that has all its NAT gateways is passed over; if all have, that is the reason. */
static void test_zones_with_room_for_a_nat_gateway(void **state)
{
	_cleanup_(settings_unref_cleanup) struct settings *s = make_settings(FREE);
	cJSON *replies[REPLIES];
	cJSON *subnets = cJSON_Parse("{\"subnetSet\":[{\"subnetId\":\"subnet-c\",\"availabilityZone\":\"us-east-1c\"},"
				     "{\"subnetId\":\"subnet-d\",\"availabilityZone\":\"us-east-1d\"}]}");
	cJSON *one = cJSON_Parse("{\"natGatewaySet\":[{\"state\":\"available\",\"subnetId\":\"subnet-c\"},"
				 "{\"state\":\"deleted\",\"subnetId\":\"subnet-d\"}]}");
	cJSON *two = cJSON_Parse("{\"natGatewaySet\":[{\"state\":\"available\",\"subnetId\":\"subnet-c\"},"
				 "{\"state\":\"pending\",\"subnetId\":\"subnet-d\"}]}");
	struct precheck p = {.settings = s, .vpc = {.region = "us-east-1", .efs = true}, .nat_quota = 1};
	struct precheck_result result;
	struct error err = {0};

	(void)state;
	for (int i = 0; i < REPLIES; i++)
		replies[i] = cJSON_Parse(fine[i]);
	p.vpc.vpcs = replies[VPCS];
	p.vpc.gateways = replies[GATEWAYS];
	p.zones = replies[ZONES];
	p.nat_subnets = subnets;
	p.nat_gateways = one;
	assert_int_equal(precheck(&p, &result, &err), 0);
	assert_string_equal(result.availability_zone, "us-east-1d");
	p.nat_gateways = two;
	assert_int_equal(precheck(&p, &result, &err), -EINVAL);
	assert_non_null(strstr(err.message, "every availability zone of us-east-1 has its 1 NAT gateways"));
	assert_non_null(strstr(err.remedy, "L-FE5A380F --desired-value 2"));
	p.nat_quota = QUOTA_UNKNOWN;
	assert_int_equal(precheck(&p, &result, &err), 0);
	assert_string_equal(result.availability_zone, "us-east-1c");
	for (int i = 0; i < REPLIES; i++)
		cJSON_Delete(replies[i]);
	cJSON_Delete(subnets);
	cJSON_Delete(one);
	cJSON_Delete(two);
}

static void test_excluded_zones(void **state)
{
	static const char *const excluded[] = {"usw1-az2", "apne1-az3", "cac1-az3", "cac1-az4", "cnn1-az3", "use1-az3"};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(excluded); i++)
		assert_non_null(precheck_zone_excluded(excluded[i]));
	assert_null(precheck_zone_excluded("use1-az1"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_creating),
		cmocka_unit_test(test_updating_is_not_stopped_by_the_stack_itself),
		cmocka_unit_test(test_what_is_fixed_for_life),
		cmocka_unit_test(test_zones_with_room_for_a_nat_gateway),
		cmocka_unit_test(test_excluded_zones),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
