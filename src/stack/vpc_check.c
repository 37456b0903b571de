/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * vpc_check.c - the step of deploy that reads the facts from EC2 that the checks of precheck.h need.
 */
#include "aws/services/ec2.h"
#include "stack/operation.h"
#include "stack/precheck.h"

#include <string.h>

static int vpc_keep(struct operation *op, const char *name, cJSON *reply, struct error *err)
{
	if (cJSON_AddItemToObject(op->facts, name, reply))
		return 0;
	cJSON_Delete(reply);
	return error_set(err, -ENOMEM, "out of memory"); /* without this check a missing fact would count as false */
}

/* Stores the reply under this name in op->facts. */
static int vpc_ask(struct operation *op, const char *name, struct aws_request *request, struct error *err)
{
	cJSON *reply = NULL;
	int r = operation_call(op, request, &reply, err);

	return r < 0 ? r : vpc_keep(op, name, reply, err);
}

/* The same for a reply that the deploy can do without. */
static int vpc_ask_or_skip(struct operation *op, const char *name, struct aws_request *request, const char *what,
			   struct error *err)
{
	cJSON *reply = NULL;
	int r = operation_try_or_skip(op, request, what, &reply);

	return r < 0 || !reply ? r : vpc_keep(op, name, reply, err);
}

static int vpc_ask_about_nat_gateways(struct operation *op, double *ret_quota, struct error *err)
{
	int r = quota_read(op, QUOTA_NAT_GATEWAYS, ret_quota);

	if (r < 0 || *ret_quota < 0)
		return r;
	r = vpc_ask_or_skip(op, "nat_gateways", ec2_describe_nat_gateways(), "the number of NAT gateways", err);
	if (r == 0 && quota_count_nat_gateways(aws_at(op->facts, "nat_gateways"), NULL, NULL) >= *ret_quota)
		r = vpc_ask_or_skip(op, "nat_subnets", ec2_describe_all_subnets(),
				    "the number of NAT gateways per availability zone", err);
	return r;
}

/* Reads the facts that are only needed before a stack is created. */
static int vpc_ask_at_first(struct operation *op, double *ret_nat_quota, struct error *err)
{
	static const char access[] = "VPC Block Public Access";
	int r;

	if ((r = vpc_ask(op, "zones", ec2_describe_availability_zones(), err)) < 0 ||
	    (r = vpc_ask_or_skip(op, "access", ec2_describe_block_public_access(), access, err)) < 0 ||
	    (r = vpc_ask_or_skip(op, "exclusions", ec2_describe_block_public_access_exclusions(), access, err)) < 0)
		return r;
	if (op->settings->efs)
		r = vpc_ask_or_skip(op, "dhcp", ec2_describe_dhcp_options(), "the DNS servers of the VPC", err);
	return r < 0 ? r : vpc_ask_about_nat_gateways(op, ret_nat_quota, err);
}

static int vpc_gather_facts(struct operation *op, double *ret_nat_quota, struct error *err)
{
	const char *vpc = settings_get(op->settings, SETTING_VPC_ID);
	int r;

	cJSON_Delete(op->facts);
	op->facts = cJSON_CreateObject();
	r = vpc_ask(op, "vpcs", ec2_describe_vpcs(vpc), err);
	if (r < 0 && error_has_code(err, "InvalidVpcID.NotFound"))
		return 0; /* the checks of precheck.h have a better message */
	if (r < 0 || (r = vpc_ask(op, "gateways", ec2_describe_internet_gateways(vpc), err)) < 0 ||
	    (r = vpc_ask(op, "subnets", ec2_describe_subnets(vpc), err)) < 0 ||
	    (r = vpc_ask(op, "peerings", ec2_describe_vpc_peering_connections(), err)) < 0 ||
	    (r = vpc_ask(op, "support", ec2_describe_vpc_attribute(vpc, "enableDnsSupport"), err)) < 0 ||
	    (r = vpc_ask(op, "hostnames", ec2_describe_vpc_attribute(vpc, "enableDnsHostnames"), err)) < 0)
		return r;
	return op->created ? vpc_ask_at_first(op, ret_nat_quota, err) : 0;
}

static int vpc_check_facts(struct operation *op, double nat_quota, const char *const *own,
			   struct precheck_result *result, struct error *err)
{
	struct precheck p = {.settings = op->settings,
			     .vpc = {.region = settings_get(op->settings, SETTING_AWS_REGION),
				     .account = op->account,
				     .vpcs = aws_at(op->facts, "vpcs"),
				     .gateways = aws_at(op->facts, "gateways"),
				     .subnets = aws_at(op->facts, "subnets"),
				     .peerings = aws_at(op->facts, "peerings"),
				     .dns_support = aws_at(op->facts, "support"),
				     .dns_hostnames = aws_at(op->facts, "hostnames"),
				     .access = aws_at(op->facts, "access"),
				     .exclusions = aws_at(op->facts, "exclusions"),
				     .dhcp = aws_at(op->facts, "dhcp"),
				     .efs = op->settings->efs},
			     .zones = aws_at(op->facts, "zones"),
			     .nat_quota = nat_quota,
			     .nat_gateways = aws_at(op->facts, "nat_gateways"),
			     .nat_subnets = aws_at(op->facts, "nat_subnets"),
			     .own_subnets = own,
			     .deployed = op->created ? NULL : aws_at(op->stack, "Parameters")};

	return precheck(&p, result, err);
}

int vpc_check(struct operation *op, struct error *err)
{
	const char *own[] = {operation_output(op, "PrivateSubnetId"), operation_output(op, "PublicSubnetId"), NULL};
	struct precheck_result result = {0};
	double nat_quota = QUOTA_UNKNOWN;
	int r = vpc_gather_facts(op, &nat_quota, err);

	if (r == 0)
		r = vpc_check_facts(op, nat_quota, op->created ? NULL : own, &result, err);
	if (r < 0)
		return r;
	free(op->internet_gateway);
	free(op->zone);
	op->internet_gateway = strdup(result.internet_gateway_id);
	op->zone = strdup(result.availability_zone);
	if (!op->internet_gateway || !op->zone)
		return -ENOMEM;
	job_log(op->job, "VPC %s: Internet gateway %s, zone %s", settings_get(op->settings, SETTING_VPC_ID),
		op->internet_gateway, op->zone);
	return 0;
}
