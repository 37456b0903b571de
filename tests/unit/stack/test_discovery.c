/* SPDX-License-Identifier: BSD-3-Clause */
#include "failing.h"
#include "stack/discovery.h"
#include "stack/settings.h"
#include "stack/suggest.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

/* A default VPC that fits, one that fits with a hostile name, one without a gateway, one that is full. */
static const char vpcs[] =
	"{\"vpcSet\":["
	"{\"vpcId\":\"vpc-0000000d\",\"cidrBlock\":\"10.0.0.0/"
	"22\",\"isDefault\":\"true\",\"ownerId\":\"1\",\"instanceTenancy\":"
	"\"default\"},"
	"{\"vpcId\":\"vpc-0000000b\",\"cidrBlock\":\"10.1.0.0/"
	"24\",\"ownerId\":\"1\",\"tagSet\":[{\"key\":\"Name\",\"value\":"
	"\"a\\\"<b>\\nvpc_id=vpc-evil\\u001b[31m \xe2\x80\xae\"}],"
	"\"cidrBlockAssociationSet\":[{\"cidrBlock\":\"10.1.0.0/24\",\"cidrBlockState\":{\"state\":\"associated\"}},"
	"{\"cidrBlock\":\"10.2.0.0/26\",\"cidrBlockState\":{\"state\":\"associated\"}}]},"
	"{\"vpcId\":\"vpc-0000000c\",\"cidrBlock\":\"10.3.0.0/24\",\"ownerId\":\"1\"},"
	"{\"vpcId\":\"vpc-0000000a\",\"cidrBlock\":\"10.4.0.0/26\",\"ownerId\":\"1\"},"
	"{\"vpcId\":\"../x\",\"cidrBlock\":\"10.5.0.0/26\"}]}";
static const char gateways[] =
	"{\"internetGatewaySet\":["
	"{\"internetGatewayId\":\"igw-d\",\"attachmentSet\":[{\"vpcId\":\"vpc-0000000d\",\"state\":"
	"\"available\"}]},"
	"{\"internetGatewayId\":\"igw-b\",\"attachmentSet\":[{\"vpcId\":\"vpc-0000000b\",\"state\":"
	"\"available\"}]},"
	"{\"internetGatewayId\":\"igw-a\",\"attachmentSet\":[{\"vpcId\":\"vpc-0000000a\",\"state\":"
	"\"available\"}]}]}";
static const char subnets[] =
	"{\"subnetSet\":["
	"{\"subnetId\":\"subnet-1\",\"vpcId\":\"vpc-0000000d\",\"cidrBlock\":\"10.0.0.0/"
	"24\",\"availabilityZone\":\"z1\","
	"\"availableIpAddressCount\":\"251\"},"
	"{\"subnetId\":\"subnet-2\",\"vpcId\":\"vpc-0000000d\",\"cidrBlock\":\"10.0.1.0/"
	"25\",\"availabilityZone\":\"z1\","
	"\"availableIpAddressCount\":\"123\",\"tagSet\":[{\"key\":\"Name\",\"value\":\"two\\nlines\"}]},"
	"{\"subnetId\":\"subnet-6\",\"vpcId\":\"vpc-0000000d\",\"availableIpAddressCount\":\"0\","
	"\"ipv6CidrBlockAssociationSet\":"
	"[{\"ipv6CidrBlock\":\"2001:db8::/64\"}]},"
	"{\"subnetId\":\"subnet-3\",\"vpcId\":\"vpc-0000000a\",\"cidrBlock\":\"10.4.0.0/"
	"26\",\"availableIpAddressCount\":\"1\"}]}";
static const char peerings[] =
	"{\"vpcPeeringConnectionSet\":[{\"vpcPeeringConnectionId\":\"pcx-1\",\"status\":{\"code\":\"active\"},"
	"\"requesterVpcInfo\":{\"vpcId\":\"vpc-0000000d\"},\"accepterVpcInfo\":{\"vpcId\":\"vpc-peer\",\"cidrBlock\":"
	"\"10.0.2.0/24\",\"cidrBlockSet\":[{\"cidrBlock\":\"10.0.2.0/24\"},{\"cidrBlock\":\"172.31.0.0/16\"}]}}]}";
static const char yes[] = "{\"enableDnsSupport\":{\"value\":\"true\"},\"enableDnsHostnames\":{\"value\":\"true\"}}";

static cJSON *for_each_vpc(void)
{
	cJSON *all = cJSON_CreateObject();

	for (const char *const *id =
		     (const char *const[]){"vpc-0000000a", "vpc-0000000b", "vpc-0000000c", "vpc-0000000d", NULL};
	     *id; id++)
		cJSON_AddItemToObject(all, *id, cJSON_Parse(yes));
	return all;
}

static void prepare(struct discovery_facts *ret, const char *without)
{
	static const struct {
		const char *name, *text;
	} parts[] = {{"vpcs", vpcs},
		     {"gateways", gateways},
		     {"subnets", subnets},
		     {"peerings", peerings},
		     {"access", "{\"vpcBlockPublicAccessOptions\":{\"internetGatewayBlockMode\":\"off\"}}"},
		     {"exclusions", "{\"vpcBlockPublicAccessExclusionSet\":[]}"},
		     {"dhcp", "{\"dhcpOptionsSet\":[]}"},
		     {"support", NULL},
		     {"hostnames", NULL}};
	struct error denied = {0};

	error_set(&denied, -EIO, "no");
	snprintf(denied.code, sizeof(denied.code), "UnauthorizedOperation");
	*ret = (struct discovery_facts){
		.region = "eu-west-1", .profile = "", .account = "1", .replies = cJSON_CreateObject()};
	ret->missing = cJSON_CreateObject();
	for (size_t i = 0; i < ARRAY_SIZE(parts); i++) {
		if (strcmp(parts[i].name, without) == 0) {
			discovery_note_missing(ret->missing, parts[i].name, "ec2:DescribeThings", &denied);
			continue;
		}
		cJSON_AddItemToObject(ret->replies, parts[i].name,
				      parts[i].text ? cJSON_Parse(parts[i].text) : for_each_vpc());
	}
}

static struct discovery *discover(const char *without, const struct discovery *before)
{
	struct discovery_facts facts;
	struct discovery *d;

	prepare(&facts, without);
	d = discovery_parse(&facts, before);
	assert_non_null(d);
	return d;
}

static cJSON *copy_of(const cJSON *tree)
{
	cJSON *copy = cJSON_Duplicate(tree, true);

	assert_true(copy || failing_happened());
	return copy;
}

static void discover_without_memory(const void *arg)
{
	const struct discovery_facts *whole = arg;
	struct discovery_facts facts = *whole;
	struct discovery *d;

	facts.replies = copy_of(whole->replies);
	facts.missing = copy_of(whole->missing);
	if (!facts.replies || !facts.missing) {
		cJSON_Delete(facts.replies);
		cJSON_Delete(facts.missing);
		return;
	}
	d = discovery_parse(&facts, NULL);
	assert_true(d || failing_happened());
	for (size_t i = 0; d && i < d->n; i++)
		assert_true(d->vpcs[i].cidr && d->vpcs[i].subnets && d->vpcs[i].free_cidrs && d->vpcs[i].fits);
	discovery_unref(d);
}

static void test_a_discovery_is_complete_or_fails(void **state)
{
	struct discovery_facts facts;

	(void)state;
	prepare(&facts, "");
	assert_true(failing_each(discover_without_memory, &facts) > 100);
	cJSON_Delete(facts.replies);
	cJSON_Delete(facts.missing);
}

static void test_texts(void **state)
{
	struct discovery *d = discover("", NULL);
	const struct discovered_vpc *v = discovery_find(d, "vpc-0000000d");

	(void)state;
	assert_int_equal(d->n, 4);
	assert_null(discovery_find(d, "../x"));
	assert_string_equal(v->cidr, "10.0.0.0/22\n");
	assert_string_equal(v->is_default, "yes\n");
	assert_string_equal(v->internet_gateway, "igw-d\n");
	assert_string_equal(v->subnets, "subnet-1 10.0.0.0/24 z1 251\nsubnet-2 10.0.1.0/25 z1 123 two\\nlines\n"
					"subnet-6 2001:db8::/64 - 0\n");
	assert_string_equal(v->peerings, "pcx-1 active vpc-peer 10.0.2.0/24 172.31.0.0/16\n");
	assert_string_equal(v->free_cidrs, "10.0.3.0/24\n10.0.1.128/25\n");
	assert_string_equal(v->block_public_access, "off\n");
	assert_string_equal(v->dns_support, "yes\n");
	assert_string_equal(v->fits, "yes\n");
	assert_string_equal(v->reasons, "");
	v = discovery_find(d, "vpc-0000000b");
	assert_string_equal(v->name, "a\"<b>\\nvpc_id=vpc-evil\\x1b[31m \\xe2\\x80\\xae\n");
	assert_string_equal(v->cidr, "10.1.0.0/24\n10.2.0.0/26\n");
	assert_string_equal(v->free_cidrs, "10.1.0.0/24\n10.2.0.0/26\n");
	v = discovery_find(d, "vpc-0000000c");
	assert_string_equal(v->fits, "no\n");
	assert_non_null(strstr(v->reasons, "vpc-0000000c has no Internet gateway attached; attach one"));
	v = discovery_find(d, "vpc-0000000a");
	assert_string_equal(v->free_cidrs, "");
	assert_string_equal(v->fits, "no\n");
	assert_non_null(strstr(v->reasons, "vpc-0000000a has no free block of /27 or larger; add addresses"));
	discovery_unref(d);
}

/* Each reply may be denied on its own: what it says is missing, and nothing else. */
static void test_missing_parts(void **state)
{
	static const struct {
		const char *part, *fits;
		size_t file;
	} cases[] = {
		{"gateways", "unknown\n", offsetof(struct discovered_vpc, internet_gateway)},
		{"subnets", "unknown\n", offsetof(struct discovered_vpc, free_cidrs)},
		{"subnets", "unknown\n", offsetof(struct discovered_vpc, subnets)},
		{"peerings", "unknown\n", offsetof(struct discovered_vpc, peerings)},
		{"support", "unknown\n", offsetof(struct discovered_vpc, dns_support)},
		{"hostnames", "unknown\n", offsetof(struct discovered_vpc, dns_hostnames)},
		{"access", "yes\n", offsetof(struct discovered_vpc, block_public_access)},
		{"exclusions", "yes\n", offsetof(struct discovered_vpc, block_public_access)},
		{"dhcp", "yes\n", offsetof(struct discovered_vpc, dns_servers)},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct discovery *d = discover(cases[i].part, NULL);
		const struct discovered_vpc *v = discovery_find(d, "vpc-0000000d");
		const char *text = *(char *const *)((const char *)v + cases[i].file);
		_buf_ struct buf status = BUF_INIT(4096);

		if (strcmp(cases[i].part, "exclusions") != 0) /* nothing is blocked, so nothing needs an exclusion */
			assert_string_equal(text, "unknown: the credentials lack the permission ec2:DescribeThings\n");
		assert_string_equal(v->fits, cases[i].fits);
		assert_non_null(
			strstr(v->reasons, "not checked: the credentials lack the permission ec2:DescribeThings\n"));
		assert_string_equal(v->tenancy, "default\n");
		assert_int_equal(discovery_write_status(d, &status), 0);
		assert_non_null(strstr(buf_str(&status), "state ready\n"));
		assert_non_null(strstr(buf_str(&status), ": the credentials lack the permission ec2:DescribeThings\n"));
		assert_string_equal(discovery_find(d, "vpc-0000000c")->is_default, "no\n");
		discovery_unref(d);
	}
}

static void test_times_move_only_with_the_texts(void **state)
{
	struct discovery *first = discover("", NULL), *same, *other;

	(void)state;
	first->changed_ms = 1;
	for (size_t i = 0; i < first->n; i++)
		first->vpcs[i].changed_ms = 1;
	same = discover("", first);
	assert_int_equal(same->changed_ms, 1);
	assert_int_equal(discovery_find(same, "vpc-0000000d")->changed_ms, 1);
	other = discover("peerings", first);
	assert_true(other->changed_ms > 1);
	assert_true(discovery_find(other, "vpc-0000000d")->changed_ms > 1);
	discovery_unref(first);
	discovery_unref(same);
	discovery_unref(other);
}

/* -- the proposal ---------------------------------------------------------------------------------------------- */

static struct settings *suggest(const struct discovery *d, const char *in_force, const char *const *own,
				struct buf *out)
{
	_cleanup_(settings_unref_cleanup) struct settings *s = NULL;
	struct suggestion suggestion = {.discovery = d, .own_subnets = own};
	struct settings *read = NULL;
	struct error err = {0};

	if (in_force)
		assert_int_equal(settings_parse(in_force, strlen(in_force), &s, &err), 0);
	suggestion.settings = s;
	assert_int_equal(suggest_write(&suggestion, out), 0);
	if (settings_parse(buf_str(out), out->len, &read, &err) < 0)
		fail_msg("%s\n%s", err.message, buf_str(out));
	return read;
}

static void expect(const struct discovery *d, const char *in_force, const char *vpc, const char *block)
{
	_buf_ struct buf out = BUF_INIT(SETTINGS_MAX);
	_cleanup_(settings_unref_cleanup) struct settings *s = suggest(d, in_force, NULL, &out);

	assert_string_equal(settings_get(s, SETTING_VPC_ID), vpc);
	assert_string_equal(settings_get(s, SETTING_SUBNET_CIDR), block);
}

static void test_the_best_vpc_and_a_free_block(void **state)
{
	struct discovery *d = discover("", NULL);

	(void)state;
	assert_string_equal(suggest_vpc(d)->id, "vpc-0000000d");
	expect(d, NULL, "vpc-0000000d", "10.0.3.0/24");
	expect(d, "aws_region=eu-west-1\n", "vpc-0000000d", "10.0.3.0/24");
	expect(d, "vpc_id=vpc-0000000e\n", "vpc-0000000d", "10.0.3.0/24"); /* there is no such VPC */
	discovery_unref(d);
}

static void test_what_is_set_stays(void **state)
{
	struct discovery *d = discover("", NULL);
	_buf_ struct buf out = BUF_INIT(SETTINGS_MAX);
	_cleanup_(settings_unref_cleanup) struct settings *s =
		suggest(d, "subnet_cidr=10.0.1.128/27\nstage=mine\naws_profile='a b'\nvast_port=1234\n", NULL, &out);

	(void)state;
	assert_string_equal(settings_get(s, SETTING_STAGE), "mine");
	assert_string_equal(settings_get(s, SETTING_AWS_PROFILE), "a b");
	assert_int_equal(s->vast_port, 1234);
	assert_string_equal(settings_get(s, SETTING_AWS_REGION), "eu-west-1");
	assert_int_equal(settings_check_complete(s, NULL), 0);
	discovery_unref(d);
}

/* Names and messages of others stay inside their comment. */
static void test_comments_cannot_be_left(void **state)
{
	struct discovery *d = discover("", NULL);
	_buf_ struct buf out = BUF_INIT(SETTINGS_MAX);
	struct settings *s = suggest(d, NULL, NULL, &out);

	(void)state;
	assert_string_equal(settings_get(s, SETTING_VPC_ID), "vpc-0000000d");
	assert_non_null(
		strstr(buf_str(&out), "#   vpc-0000000b \"a\"<b>\\nvpc_id=vpc-evil\\x1b[31m \\xe2\\x80\\xae\"\n"));
	assert_null(strstr(buf_str(&out), "\nvpc_id=vpc-evil"));
	settings_unref(s);
	discovery_unref(d);
}

static void test_nothing_fits(void **state)
{
	struct discovery *d = discover("", NULL);
	_buf_ struct buf out = BUF_INIT(SETTINGS_MAX);
	_cleanup_(settings_unref_cleanup) struct settings *s = NULL;
	struct error err = {0};

	(void)state;
	for (size_t i = 0; i < d->n; i++)
		d->vpcs[i].fit = FITS_NO;
	assert_null(suggest_vpc(d));
	s = suggest(d, "stage=mine\n", NULL, &out);
	assert_int_equal(settings_check_complete(s, &err), -EINVAL);
	assert_string_equal(err.message, "not set in config/default.env: vpc_id, subnet_cidr");
	assert_string_equal(settings_get(s, SETTING_STAGE), "mine");
	assert_non_null(strstr(buf_str(&out), "# None of the 4 VPCs of eu-west-1 fits"));
	assert_non_null(strstr(buf_str(&out), "touch control/refresh"));
	discovery_unref(d);
}

static void test_an_account_without_vpc(void **state)
{
	struct discovery_facts facts = {.region = "eu-west-1", .profile = "", .account = ""};
	_buf_ struct buf out = BUF_INIT(SETTINGS_MAX);
	struct discovery *d;

	(void)state;
	facts.replies = cJSON_Parse("{\"vpcs\":{\"vpcSet\":\"\"}}");
	facts.missing = cJSON_CreateObject();
	d = discovery_parse(&facts, NULL);
	assert_non_null(d);
	assert_int_equal(d->n, 0);
	settings_unref(suggest(d, NULL, NULL, &out));
	assert_non_null(strstr(buf_str(&out), "# eu-west-1 has no VPC. Create the default VPC"));
	discovery_unref(d);
}

/* Copying the file over the settings loses nothing while AWS has not replied. */
static void test_before_anything_is_known(void **state)
{
	static const char in_force[] = "aws_region=eu-west-1\nvpc_id=vpc-0123456789abcdef0\nstage=mine\n";
	struct error why = {0};
	struct discovery *reading = discovery_new("eu-west-1", "", DISCOVERY_READING, NULL), *failed;
	_buf_ struct buf out = BUF_INIT(SETTINGS_MAX), second = BUF_INIT(SETTINGS_MAX);
	_cleanup_(settings_unref_cleanup) struct settings *s = suggest(reading, in_force, NULL, &out), *t = NULL;

	(void)state;
	assert_string_equal(settings_get(s, SETTING_VPC_ID), "vpc-0123456789abcdef0");
	assert_string_equal(settings_get(s, SETTING_STAGE), "mine");
	assert_non_null(strstr(buf_str(&out), "are being read"));
	error_set(&why, -EIO, "no credentials\nvpc_id=vpc-0123456789abcdef1");
	failed = discovery_new("eu-west-1", "", DISCOVERY_FAILED, &why);
	t = suggest(failed, NULL, NULL, &second);
	assert_string_equal(settings_get(t, SETTING_VPC_ID), "");
	assert_non_null(strstr(buf_str(&second), "# no credentials\\nvpc_id="));
	assert_non_null(strstr(buf_str(&second), "control/refresh"));
	discovery_unref(reading);
	discovery_unref(failed);
}

/* The stack's own subnets do not make its block a taken one. */
static void test_a_deployed_stack_keeps_its_settings(void **state)
{
	static const char *const own[] = {"subnet-1", NULL};
	struct discovery *d = discover("", NULL);
	_buf_ struct buf out = BUF_INIT(SETTINGS_MAX);
	_cleanup_(settings_unref_cleanup) struct settings *s =
		suggest(d, "aws_region=eu-west-1\nvpc_id=vpc-0000000c\nsubnet_cidr=10.0.0.0/24\n", own, &out);

	(void)state;
	assert_string_equal(settings_get(s, SETTING_VPC_ID), "vpc-0000000c");
	assert_string_equal(settings_get(s, SETTING_SUBNET_CIDR), "10.0.0.0/24");
	assert_non_null(strstr(buf_str(&out), "The stack is deployed"));
	discovery_unref(d);
}

/* Attributes cost two calls each: VPCs that fit otherwise come first. */
/* Attributes that no call has failed to read: the region has too many VPCs. */
static void test_attributes_that_were_not_read(void **state)
{
	struct discovery_facts facts;
	struct discovery *d;
	const struct discovered_vpc *v;

	(void)state;
	prepare(&facts, "");
	cJSON_DeleteItemFromObject(cJSON_GetObjectItem(facts.replies, "support"), "vpc-0000000d");
	cJSON_DeleteItemFromObject(cJSON_GetObjectItem(facts.replies, "hostnames"), "vpc-0000000c");
	d = discovery_parse(&facts, NULL);
	v = discovery_find(d, "vpc-0000000d");
	assert_string_equal(v->fits, "unknown\n");
	assert_non_null(strstr(v->reasons, "not checked: the DNS attributes, which are read for 20 VPCs"));
	assert_non_null(strstr(v->dns_support, "unknown: one of the attributes which are read for 20 VPCs"));
	assert_string_equal(v->dns_hostnames, "yes\n");
	assert_string_equal(discovery_find(d, "vpc-0000000b")->fits, "yes\n");
	v = discovery_find(d, "vpc-0000000c");
	assert_string_equal(v->fits, "no\n");
	assert_null(strstr(v->reasons, "DNS"));
	assert_int_equal(DISCOVERY_ATTRIBUTES_MOST, 20);
	discovery_unref(d);
}

static void test_the_order_of_attributes(void **state)
{
	struct discovery_facts facts;
	cJSON *ids, *two;

	(void)state;
	prepare(&facts, "");
	ids = discovery_attribute_order(&facts, "", 10);
	assert_int_equal(cJSON_GetArraySize(ids), 4);
	assert_string_equal(cJSON_GetArrayItem(ids, 3)->valuestring, "vpc-0000000c");
	two = discovery_attribute_order(&facts, "vpc-0000000c", 2);
	assert_int_equal(cJSON_GetArraySize(two), 2);
	assert_string_equal(cJSON_GetArrayItem(two, 0)->valuestring, "vpc-0000000c");
	cJSON_Delete(ids);
	cJSON_Delete(two);
	cJSON_Delete(facts.replies);
	cJSON_Delete(facts.missing);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_texts),
		cmocka_unit_test(test_a_discovery_is_complete_or_fails),
		cmocka_unit_test(test_missing_parts),
		cmocka_unit_test(test_times_move_only_with_the_texts),
		cmocka_unit_test(test_the_best_vpc_and_a_free_block),
		cmocka_unit_test(test_what_is_set_stays),
		cmocka_unit_test(test_comments_cannot_be_left),
		cmocka_unit_test(test_nothing_fits),
		cmocka_unit_test(test_an_account_without_vpc),
		cmocka_unit_test(test_before_anything_is_known),
		cmocka_unit_test(test_a_deployed_stack_keeps_its_settings),
		cmocka_unit_test(test_attributes_that_were_not_read),
		cmocka_unit_test(test_the_order_of_attributes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
