/* SPDX-License-Identifier: BSD-3-Clause */
#include "stack/precheck.h"

#include "stack/reply.h"
#include "stack/template.h"
#include "stack/vpc.h"

#define PROPOSALS	      3
#define DEFAULT_ADDRESS_QUOTA 5 /* Amazon VPC User Guide, "Quotas": Elastic IP addresses per Region */

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

static int precheck_vpc(const struct precheck *p, struct error *err)
{
	const cJSON *vpc = vpc_find(p->vpcs, precheck_vpc_id(p));
	const char *state = reply_text(vpc, "state"), *tenancy = reply_text(vpc, "instanceTenancy");

	if (!vpc) {
		error_set(err, -EINVAL, "%s does not exist in %s", precheck_vpc_id(p), precheck_region(p));
		error_remedy(err,
			     "set vpc_id or aws_region in config/default.env; the VPC console (Your VPCs) and aws ec2 "
			     "describe-vpcs --region %s list the VPCs",
			     precheck_region(p));
		return -EINVAL;
	}
	if (*state && strcmp(state, "available") != 0)
		return error_set(err, -EINVAL, "%s is %s, not available", precheck_vpc_id(p), state);
	if (*tenancy && strcmp(tenancy, "default") != 0) {
		error_set(err, -EINVAL, "%s has %s tenancy, but Fargate requires default tenancy", precheck_vpc_id(p),
			  tenancy);
		error_remedy(
			err,
			"set vpc_id in config/default.env to a VPC of default tenancy, or: aws ec2 modify-vpc-tenancy "
			"--region %s --vpc-id %s --instance-tenancy default",
			precheck_region(p), precheck_vpc_id(p));
		return -EINVAL;
	}
	return 0;
}

static int precheck_attribute(const struct precheck *p, const cJSON *reply, const char *member, const char *option,
			      const char *what, struct error *err)
{
	if (reply_bool(reply_at(reply, member), "value"))
		return 0;
	error_set(err, -EINVAL, "%s is off in %s", what, precheck_vpc_id(p));
	error_remedy(
		err,
		"switch it on in the VPC console (Edit VPC settings), or: aws ec2 modify-vpc-attribute --region %s "
		"--vpc-id %s --%s Value=true",
		precheck_region(p), precheck_vpc_id(p), option);
	return -EINVAL;
}

static int precheck_dns(const struct precheck *p, struct error *err)
{
	int r = precheck_attribute(p, p->dns_support, "enableDnsSupport", "enable-dns-support", "DNS support", err);

	if (r < 0 || !p->settings->efs)
		return r;
	return precheck_attribute(p, p->dns_hostnames, "enableDnsHostnames", "enable-dns-hostnames",
				  "the option DNS host names, which mounting the storage needs,", err);
}

static int precheck_find_gateway(const struct precheck *p, struct precheck_result *ret, struct error *err)
{
	const char *gateway = vpc_internet_gateway(p->gateways, precheck_vpc_id(p));

	if (!*gateway) {
		error_set(err, -EINVAL, "%s has no Internet gateway attached", precheck_vpc_id(p));
		error_remedy(err,
			     "attach one in the VPC console (Internet gateways), or: aws ec2 attach-internet-gateway "
			     "--region %s --vpc-id %s --internet-gateway-id "
			     "$(aws ec2 create-internet-gateway --region %s --query "
			     "InternetGateway.InternetGatewayId --output text)",
			     precheck_region(p), precheck_vpc_id(p), precheck_region(p));
		return -EINVAL;
	}
	snprintf(ret->internet_gateway_id, sizeof(ret->internet_gateway_id), "%s", gateway);
	return 0;
}

/* Adds a remedy to an error about subnet_cidr: the free blocks of the wanted size. */
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
	bool inside = false;

	for (size_t i = 0; i < own->count && !inside; i++)
		inside = cidr_contains(&own->blocks[i].cidr, wanted);
	if (!inside) {
		precheck_refuse_outside(p, own, err);
		return precheck_propose(p, own, taken, err);
	}
	for (size_t i = 0; i < taken->count; i++) {
		const struct vpc_block *b = &taken->blocks[i];

		if (!cidr_overlaps(&b->cidr, wanted))
			continue;
		error_set(err, -EINVAL, "subnet_cidr %s collides with %s%s (%s)", cidr_format(wanted, text),
			  strncmp(b->owner, "vpc-", 4) == 0 ? "the peered " : "", b->owner,
			  cidr_format(&b->cidr, other));
		return precheck_propose(p, own, taken, err);
	}
	return 0;
}

static int precheck_cidr(const struct precheck *p, struct error *err)
{
	_cleanup_(vpc_blocks_free) struct vpc_blocks own = {0}, taken = {0};
	int r = vpc_own_blocks(vpc_find(p->vpcs, precheck_vpc_id(p)), &own);

	if (r < 0)
		return r;
	r = vpc_taken_blocks(precheck_vpc_id(p), p->subnets, p->peerings, p->own_subnets, &taken);
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

/* Chooses the first zone that fits; an existing stack keeps its zone. */
static int precheck_choose_zone(const struct precheck *p, struct precheck_result *ret, struct error *err)
{
	const char *name = template_parameter(p->deployed, "AvailabilityZone");
	const cJSON *zone;

	cJSON_ArrayForEach (zone, reply_at(p->zones, "availabilityZoneInfo")) {
		if (name)
			break;
		if (precheck_zone_fits(zone))
			name = reply_text(zone, "zoneName");
	}
	if (!name)
		return error_set(err, -EINVAL, "no availability zone of %s offers Fargate", precheck_region(p));
	snprintf(ret->availability_zone, sizeof(ret->availability_zone), "%s", name);
	return 0;
}

static int precheck_addresses(const struct precheck *p, struct error *err)
{
	unsigned quota = p->address_quota ? p->address_quota : DEFAULT_ADDRESS_QUOTA;
	const cJSON *addresses = reply_at(p->addresses, "addressesSet");

	if (p->deployed || (unsigned)cJSON_GetArraySize(addresses) < quota)
		return 0;
	error_set(err, -EINVAL, "all %u Elastic IP addresses of %s are in use and the NAT gateway needs one", quota,
		  precheck_region(p));
	error_remedy(
		err,
		"release one (VPC console, Elastic IPs, or aws ec2 describe-addresses --region %s), or raise the quota "
		"(Service Quotas console, or: aws service-quotas request-service-quota-increase --region %s "
		"--service-code ec2 --quota-code L-0263D0A3 "
		"--desired-value %u)",
		precheck_region(p), precheck_region(p), quota + 1);
	return -EINVAL;
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
		r = precheck_vpc(p, err);
	if (r == 0)
		r = precheck_cidr(p, err);
	if (r == 0)
		r = precheck_find_gateway(p, &found, err);
	if (r == 0)
		r = precheck_dns(p, err);
	if (r == 0)
		r = precheck_choose_zone(p, &found, err);
	if (r == 0)
		r = precheck_addresses(p, err);
	if (r == 0)
		*ret = found;
	return r;
}
