/* SPDX-License-Identifier: BSD-3-Clause */
#include "stack/vpc_fit.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define VPC "vpc-1"

/* A VPC in which nothing is in the way; each case replaces one reply. */
enum reply { VPCS, GATEWAYS, SUPPORT, HOSTNAMES, ACCESS, EXCLUSIONS, DHCP, REPLIES };

static const char *const fine[REPLIES] = {
	[VPCS] = "{\"vpcSet\":[{\"vpcId\":\"" VPC "\",\"state\":\"available\",\"cidrBlock\":\"10.0.0.0/24\","
		 "\"ownerId\":\"111111111111\",\"dhcpOptionsId\":\"dopt-1\",\"instanceTenancy\":\"default\"}]}",
	[GATEWAYS] = ("{\"internetGatewaySet\":[{\"internetGatewayId\":\"igw-1\",\"attachmentSet\":[{\"vpcId\":\"" VPC
		      "\",\"state\":\"available\"}]}]}"),
	[SUPPORT] = "{\"enableDnsSupport\":{\"value\":\"true\"}}",
	[HOSTNAMES] = "{\"enableDnsHostnames\":{\"value\":\"true\"}}",
	[ACCESS] = "{\"vpcBlockPublicAccessOptions\":{\"internetGatewayBlockMode\":\"off\"}}",
	[EXCLUSIONS] = "{\"vpcBlockPublicAccessExclusionSet\":[]}",
	[DHCP] = "{\"dhcpOptionsSet\":[{\"dhcpOptionsId\":\"dopt-1\",\"dhcpConfigurationSet\":[{\"key\":"
		 "\"domain-name-servers\",\"valueSet\":[{\"value\":\"AmazonProvidedDNS\"}]}]}]}",
};

#define BLOCKED "{\"vpcBlockPublicAccessOptions\":{\"internetGatewayBlockMode\":\"block-bidirectional\"}}"
#define EXCLUDED(what, state)                                                                                \
	"{\"vpcBlockPublicAccessExclusionSet\":[{\"resourceArn\":\"arn:aws:ec2:eu-west-1:111111111111:" what \
	"\",\"state\":\"" state "\",\"internetGatewayExclusionMode\":\"allow-egress\"}]}"
#define SERVERS(list)                                                                                            \
	"{\"dhcpOptionsSet\":[{\"dhcpOptionsId\":\"dopt-1\",\"dhcpConfigurationSet\":[{\"key\":\"domain-name\"," \
	"\"valueSet\":[{\"value\":\"x\"}]},{\"key\":\"domain-name-servers\",\"valueSet\":[" list "]}]}]}"

struct trial {
	const char *replies[REPLIES]; /* NULL: as above; "": not known */
	const char *words;	      /* of the first obstacle; NULL: none */
	const char *remedy;
	bool ephemeral;
};

static const struct trial trials[] = {
	{.words = NULL},
	{.replies = {[VPCS] = "{\"vpcSet\":[]}"},
	 .words = VPC " does not exist in eu-west-1",
	 .remedy = "discover/vpcs"},
	{.replies = {[VPCS] = "{\"vpcSet\":[{\"vpcId\":\"" VPC "\",\"ownerId\":\"222222222222\"}]}"},
	 .words = VPC " belongs to account 222222222222",
	 .remedy = "aws_profile"},
	{.replies = {[VPCS] = "{\"vpcSet\":[{\"vpcId\":\"" VPC "\",\"instanceTenancy\":\"dedicated\"}]}"},
	 .words = "dedicated tenancy",
	 .remedy = "modify-vpc-tenancy --region eu-west-1 --vpc-id " VPC},
	{.replies = {[GATEWAYS] = "{\"internetGatewaySet\":\"\"}"},
	 .words = "no Internet gateway",
	 .remedy = "VPC console"},
	{.replies = {[GATEWAYS] = ""}},
	{.replies = {[ACCESS] = BLOCKED},
	 .words = "VPC Block Public Access (block-bidirectional)",
	 .remedy = "exclude the VPC"},
	{.replies = {[ACCESS] = BLOCKED, [EXCLUSIONS] = EXCLUDED("vpc/" VPC, "create-complete")}},
	{.replies = {[ACCESS] = BLOCKED, [EXCLUSIONS] = EXCLUDED("vpc/" VPC, "update-in-progress")}},
	{.replies = {[ACCESS] = BLOCKED, [EXCLUSIONS] = EXCLUDED("vpc/" VPC, "delete-complete")},
	 .words = "Block Public"},
	{.replies = {[ACCESS] = BLOCKED, [EXCLUSIONS] = EXCLUDED("vpc/vpc-11", "create-complete")},
	 .words = "Block Public"},
	{.replies = {[ACCESS] = BLOCKED, [EXCLUSIONS] = EXCLUDED("subnet/subnet-1", "create-complete")},
	 .words = "Block Public"},
	{.replies = {[ACCESS] = BLOCKED, [EXCLUSIONS] = ""}},
	{.replies = {[ACCESS] = "{\"vpcBlockPublicAccessOptions\":{\"internetGatewayBlockMode\":\"block-ingress\"}}"}},
	{.replies = {[ACCESS] = ""}},
	{.replies = {[SUPPORT] = "{\"enableDnsSupport\":{\"value\":\"false\"}}"}, .words = "DNS support is off"},
	{.replies = {[SUPPORT] = "", [HOSTNAMES] = ""}},
	{.replies = {[HOSTNAMES] = "{\"enableDnsHostnames\":{\"value\":\"false\"}}"}, .words = "DNS host names"},
	{.replies = {[HOSTNAMES] = "{\"enableDnsHostnames\":{\"value\":\"false\"}}"}, .ephemeral = true},
	{.replies = {[DHCP] = SERVERS("{\"value\":\"192.0.2.1\"},{\"value\":\"192.0.2.2\"}")},
	 .words = "(dopt-1) name only DNS servers of its owner, such as 192.0.2.1",
	 .remedy = "vast_storage=ephemeral"},
	{.replies = {[DHCP] = SERVERS("{\"value\":\"192.0.2.1\"}")}, .ephemeral = true},
	{.replies = {[DHCP] = SERVERS("{\"value\":\"192.0.2.1\"},{\"value\":\"10.0.0.2\"}")}},
	{.replies = {[DHCP] = SERVERS("{\"value\":\"169.254.169.253\"}")}},
	{.replies = {[DHCP] = SERVERS("")}},
	{.replies = {[DHCP] = "{\"dhcpOptionsSet\":[]}"}},
	{.replies = {[DHCP] = ""}},
};

struct replies {
	cJSON *of[REPLIES];
	struct vpc_facts facts;
};

static void prepare(const struct trial *t, struct replies *ret)
{
	for (int i = 0; i < REPLIES; i++) {
		const char *text = t->replies[i] ? t->replies[i] : fine[i];

		ret->of[i] = *text ? cJSON_Parse(text) : NULL;
		assert_true(ret->of[i] || !*text);
	}
	ret->facts = (struct vpc_facts){.region = "eu-west-1",
					.account = "111111111111",
					.vpcs = ret->of[VPCS],
					.gateways = ret->of[GATEWAYS],
					.dns_support = ret->of[SUPPORT],
					.dns_hostnames = ret->of[HOSTNAMES],
					.access = ret->of[ACCESS],
					.exclusions = ret->of[EXCLUSIONS],
					.dhcp = ret->of[DHCP],
					.efs = !t->ephemeral};
}

static void clear(struct replies *r)
{
	for (int i = 0; i < REPLIES; i++)
		cJSON_Delete(r->of[i]);
}

static void test_obstacles(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(trials); i++) {
		const struct trial *t = &trials[i];
		struct error err = {0};
		struct replies r;
		int e;

		prepare(t, &r);
		e = vpc_fit(&r.facts, VPC, true, &err);
		if (e != (t->words ? -EINVAL : 0) || (t->words && !strstr(err.message, t->words)) ||
		    (t->remedy && !strstr(err.remedy, t->remedy)))
			fail_msg("%zu: %d \"%s\" \"%s\"", i, e, err.message, err.remedy);
		clear(&r);
	}
}

/* A stack that runs in the VPC has shown that shared ownership, DNS servers and Block Public Access do not stop it. */
static void test_an_update_is_not_refused_for_them(void **state)
{
	static const struct trial t = {
		.replies = {[VPCS] = "{\"vpcSet\":[{\"vpcId\":\"" VPC
				     "\",\"ownerId\":\"222222222222\",\"dhcpOptionsId\":\"dopt-1\"}]}",
			    [ACCESS] = BLOCKED,
			    [DHCP] = SERVERS("{\"value\":\"192.0.2.1\"}")}};
	struct error err = {0};
	struct replies r;

	(void)state;
	prepare(&t, &r);
	assert_int_equal(vpc_fit(&r.facts, VPC, true, &err), -EINVAL);
	assert_int_equal(vpc_fit(&r.facts, VPC, false, &err), 0);
	clear(&r);
}

static int count(void *arg, const struct vpc_obstacle *obstacle)
{
	assert_int_equal(obstacle->error.errnum, -EINVAL);
	++*(int *)arg;
	return 0;
}

static void test_all_obstacles_are_told(void **state)
{
	static const struct trial t = {
		.replies = {[VPCS] = "{\"vpcSet\":[{\"vpcId\":\"" VPC "\",\"state\":\"pending\",\"ownerId\":\"2\","
				     "\"instanceTenancy\":\"dedicated\",\"dhcpOptionsId\":\"dopt-1\"}]}",
			    [GATEWAYS] = "{\"internetGatewaySet\":[]}",
			    [SUPPORT] = "{\"enableDnsSupport\":{\"value\":\"false\"}}",
			    [HOSTNAMES] = "{\"enableDnsHostnames\":{\"value\":\"false\"}}",
			    [ACCESS] = BLOCKED,
			    [DHCP] = SERVERS("{\"value\":\"192.0.2.1\"}")}};
	struct replies r;
	int n = 0;

	(void)state;
	prepare(&t, &r);
	assert_int_equal(vpc_fit_each(&r.facts, VPC, count, &n), 0);
	assert_int_equal(n, 8);
	clear(&r);
}

static void test_public_access(void **state)
{
	static const struct trial excluded = {
		.replies = {[ACCESS] = BLOCKED, [EXCLUSIONS] = EXCLUDED("vpc/" VPC, "create-complete")}};
	struct replies r;

	(void)state;
	prepare(&excluded, &r);
	assert_string_equal(vpc_public_access(&r.facts, VPC), "allow-egress");
	assert_string_equal(vpc_public_access(&r.facts, "vpc-2"), "block-bidirectional");
	clear(&r);
	prepare(&trials[0], &r);
	assert_string_equal(vpc_public_access(&r.facts, VPC), "off");
	clear(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_obstacles),
		cmocka_unit_test(test_an_update_is_not_refused_for_them),
		cmocka_unit_test(test_all_obstacles_are_told),
		cmocka_unit_test(test_public_access),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
