/* SPDX-License-Identifier: BSD-3-Clause */
#include "stack/precheck.h"

#include "stack/reply.h"
#include "stack/template.h"
#include "stack/vpc.h"

#define PROPOSALS 3

/* Zones without Fargate or another service that the stack needs. A wrong entry does no harm: another zone is chosen. */
static const struct excluded_zone {
	const char *id;
	const char *source;
} excluded_zones[] = {
	{"usw1-az2", "Amazon ECS Developer Guide, Supported Regions for AWS Fargate, 2025"},
	{"apne1-az3", "Amazon ECS Developer Guide, Supported Regions for AWS Fargate, 2025"},
	{"cnn1-az3", "Amazon ECS Developer Guide, Supported Regions for AWS Fargate, 2025"},
	{"cac1-az3", "Amazon ECS Developer Guide, Supported Regions for AWS Fargate, 2023"},
	{"cac1-az4", "Amazon ECS Developer Guide, Supported Regions for AWS Fargate, 2023"},
	{"use1-az3", "Amazon EFS User Guide, zones of us-east-1, 2025"},
};

static const char *precheck_region(const struct precheck *p)
{
	return settings_get(p->settings, SETTING_AWS_REGION);
}

static const char *precheck_vpc_id(const struct precheck *p)
{
	return settings_get(p->settings, SETTING_VPC_ID);
}

/* Adds a remedy to an error about subnet_cidr: a list of the free blocks of the same size. */
static int precheck_propose(const struct precheck *p, const struct vpc_blocks *own, const struct vpc_blocks *taken,
			    struct error *err)
{
	_buf_ struct buf list = BUF_INIT(PROPOSALS * (CIDR_TEXT_SIZE + 2));
	struct cidr free_ones[PROPOSALS];
	unsigned prefix = p->settings->subnet.prefix;
	int n = vpc_find_free(own, taken, prefix, free_ones, PROPOSALS);

	if (n < 0)
		return n;
	for (int i = 0; i < n; i++) {
		char text[CIDR_TEXT_SIZE];

		buf_printf(&list, "%s%s", i ? ", " : "", cidr_format(&free_ones[i], text));
	}
	if (n)
		error_remedy(err, "set subnet_cidr to a free block of %s: %s", precheck_vpc_id(p), buf_str(&list));
	else
		error_remedy(
			err,
			"choose a smaller block (/27 is enough), because %s has no free one of that size, or add "
			"addresses to the VPC in the VPC console (Edit CIDRs) or with aws ec2 associate-vpc-cidr-block",
			precheck_vpc_id(p));
	return -EINVAL;
}

static int precheck_refuse_outside(const struct precheck *p, const struct vpc_blocks *own, struct error *err)
{
	_buf_ struct buf list = BUF_INIT(512);
	char text[CIDR_TEXT_SIZE];

	for (size_t i = 0; i < own->count; i++)
		buf_printf(&list, "%s%s", i ? ", " : "", cidr_format(&own->blocks[i].cidr, text));
	return error_set(err, -EINVAL, "subnet_cidr %s is not inside %s (%s)", cidr_format(&p->settings->subnet, text),
			 precheck_vpc_id(p), buf_str(&list));
}

static int precheck_blocks(const struct precheck *p, const struct vpc_blocks *own, const struct vpc_blocks *taken,
			   struct error *err)
{
	const struct cidr *wanted = &p->settings->subnet;
	char text[CIDR_TEXT_SIZE], other[CIDR_TEXT_SIZE];
	const struct vpc_block *b;

	if (!vpc_contains(own, wanted)) {
		precheck_refuse_outside(p, own, err);
		return precheck_propose(p, own, taken, err);
	}
	b = vpc_collision(taken, wanted);
	if (!b)
		return 0;
	error_set(err, -EINVAL, "subnet_cidr %s collides with %s%s (%s)", cidr_format(wanted, text),
		  strncmp(b->owner, "vpc-", 4) == 0 ? "the peered " : "", b->owner, cidr_format(&b->cidr, other));
	return precheck_propose(p, own, taken, err);
}

static int precheck_cidr(const struct precheck *p, struct error *err)
{
	_cleanup_(vpc_blocks_free) struct vpc_blocks own = {0}, taken = {0};
	int r = vpc_own_blocks(vpc_find(p->vpc.vpcs, precheck_vpc_id(p)), &own);

	if (r < 0)
		return r;
	r = vpc_taken_blocks(precheck_vpc_id(p), p->vpc.subnets, p->vpc.peerings, p->own_subnets, &taken);
	if (r < 0)
		return r;
	return precheck_blocks(p, &own, &taken, err);
}

const char *precheck_zone_excluded(const char *zone_id)
{
	for (size_t i = 0; i < ARRAY_SIZE(excluded_zones); i++)
		if (strcmp(excluded_zones[i].id, zone_id) == 0)
			return excluded_zones[i].source;
	return NULL;
}

static bool precheck_zone_fits(const cJSON *zone)
{
	const char *type = reply_text(zone, "zoneType");

	return strcmp(reply_text(zone, "zoneState"), "available") == 0 &&
	       (!*type || strcmp(type, "availability-zone") == 0) &&
	       strcmp(reply_text(zone, "optInStatus"), "not-opted-in") != 0 &&
	       !precheck_zone_excluded(reply_text(zone, "zoneId"));
}

static bool precheck_zone_has_nat_quota(const struct precheck *p, const cJSON *zone)
{
	return p->nat_quota < 0 ||
	       quota_count_nat_gateways(p->nat_gateways, p->nat_subnets, reply_text(zone, "zoneName")) < p->nat_quota;
}

static int precheck_refuse_zones(const struct precheck *p, bool is_full, struct error *err)
{
	const struct quota_rule *rule = &quota_rules[QUOTA_NAT_GATEWAYS];

	if (!is_full)
		return error_set(err, -EINVAL, "no availability zone of %s offers Fargate", precheck_region(p));
	error_set(err, -EINVAL, "every availability zone of %s has its %.0f NAT gateways, and the stack needs one",
		  precheck_region(p), p->nat_quota);
	error_remedy(
		err,
		"delete a NAT gateway (VPC console, NAT gateways), or raise the quota (Service Quotas console, or: aws "
		"service-quotas request-service-quota-increase --region %s --service-code %s --quota-code %s "
		"--desired-value %.0f)",
		precheck_region(p), rule->service_code, rule->quota_code, p->nat_quota + 1);
	return -EINVAL;
}

/* Chooses the first zone that fits; an existing stack keeps its zone. */
static int precheck_choose_zone(const struct precheck *p, struct precheck_result *ret, struct error *err)
{
	const char *name = template_parameter(p->deployed, "AvailabilityZone");
	const cJSON *zone;
	bool is_full = false;

	cJSON_ArrayForEach (zone, reply_at(p->zones, "availabilityZoneInfo")) {
		if (name)
			break;
		if (!precheck_zone_fits(zone))
			continue;
		is_full = !precheck_zone_has_nat_quota(p, zone);
		name = is_full ? NULL : reply_text(zone, "zoneName");
	}
	if (!name)
		return precheck_refuse_zones(p, is_full, err);
	snprintf(ret->availability_zone, sizeof(ret->availability_zone), "%s", name);
	return 0;
}

int precheck_fixed(const cJSON *wanted, const cJSON *deployed, struct error *err)
{
	static const struct {
		const char *parameter, *words;
	} fixed[] = {
		{"VpcId", "vpc_id"},
		{"PrivateCidr", "subnet_cidr (here its private half)"},
		{"PublicCidr", "subnet_cidr (here its public half)"},
		{"AvailabilityZone", "the availability zone"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(fixed); i++) {
		const char *want = template_parameter(wanted, fixed[i].parameter);
		const char *have = template_parameter(deployed, fixed[i].parameter);

		if (!want || !have || strcmp(want, have) == 0)
			continue;
		error_set(err, -EINVAL,
			  "%s cannot change while the stack exists: the stack has %s, config/default.env has %s",
			  fixed[i].words, have, want);
		error_remedy(err, "set it back in config/default.env, or touch control/destroy (the database is kept) "
				  "and then control/deploy");
		return -EINVAL;
	}
	return 0;
}

static int precheck_deployed_fixed(const struct precheck *p, struct error *err)
{
	const struct template_facts nothing = {0};
	cJSON *wanted;
	int r;

	if (!p->deployed)
		return 0;
	wanted = template_parameters(p->settings, &nothing);
	if (!wanted)
		return -ENOMEM;
	r = precheck_fixed(wanted, p->deployed, err);
	cJSON_Delete(wanted);
	return r;
}

int precheck(const struct precheck *p, struct precheck_result *ret, struct error *err)
{
	struct precheck_result found = {0};
	int r = precheck_deployed_fixed(p, err);

	if (r == 0)
		r = vpc_fit(&p->vpc, precheck_vpc_id(p), !p->deployed, err);
	if (r == 0)
		r = precheck_cidr(p, err);
	if (r == 0)
		r = precheck_choose_zone(p, &found, err);
	if (r < 0)
		return r;
	snprintf(found.internet_gateway_id, sizeof(found.internet_gateway_id), "%s",
		 vpc_internet_gateway(p->vpc.gateways, precheck_vpc_id(p)));
	*ret = found;
	return 0;
}
