/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * vpc_check.c - the step of deploy that reads from EC2 what the checks of precheck.h need.
 */
#include "aws/services/ec2.h"
#include "stack/operation.h"
#include "stack/precheck.h"

#include <string.h>

#define QUOTA_PATH "quota.accountAttributeSet.0.attributeValueSet.0.attributeValue"

/* Stores the reply under this name in op->facts. */
static int vpc_ask(struct operation *op, const char *name, struct aws_request *request, struct error *err)
{
	cJSON *reply = NULL;
	int r = operation_call(op, request, &reply, err);

	if (r < 0 || cJSON_AddItemToObject(op->facts, name, reply))
		return r;
	cJSON_Delete(reply);
	return error_set(err, -ENOMEM, "out of memory"); /* a fact that is missing would count as false */
}

static int vpc_gather_facts(struct operation *op, struct error *err)
{
	const char *vpc = settings_get(op->settings, SETTING_VPC_ID);
	int r;

	cJSON_Delete(op->facts);
	op->facts = cJSON_CreateObject();
	r = vpc_ask(op, "vpcs", ec2_describe_vpcs(vpc), err);
	if (r < 0 && error_has_code(err, "InvalidVpcID.NotFound"))
		return 0; /* the precheck has a better message */
	if (r < 0 || (r = vpc_ask(op, "gateways", ec2_describe_internet_gateways(vpc), err)) < 0 ||
	    (r = vpc_ask(op, "subnets", ec2_describe_subnets(vpc), err)) < 0 ||
	    (r = vpc_ask(op, "peerings", ec2_describe_vpc_peering_connections(), err)) < 0 ||
	    (r = vpc_ask(op, "support", ec2_describe_vpc_attribute(vpc, "enableDnsSupport"), err)) < 0 ||
	    (r = vpc_ask(op, "hostnames", ec2_describe_vpc_attribute(vpc, "enableDnsHostnames"), err)) < 0)
		return r;
	(void)vpc_ask(op, "quota", ec2_describe_account_attribute("vpc-max-elastic-ips"),
		      &(struct error){0}); /* may be denied */
	if (op->created && ((r = vpc_ask(op, "zones", ec2_describe_availability_zones(), err)) < 0 ||
			    (r = vpc_ask(op, "addresses", ec2_describe_addresses(), err)) < 0))
		return r;
	return 0;
}

/* 0: unknown. */
static unsigned vpc_address_quota(const struct operation *op)
{
	int64_t quota = aws_integer(op->facts, QUOTA_PATH, 0);

	return quota > 0 && quota <= UINT16_MAX ? (unsigned)quota : 0;
}

static int vpc_check_facts(struct operation *op, const char *const *own, struct precheck_result *result,
			   struct error *err)
{
	struct precheck p = {.settings = op->settings,
			     .vpcs = aws_at(op->facts, "vpcs"),
			     .dns_support = aws_at(op->facts, "support"),
			     .dns_hostnames = aws_at(op->facts, "hostnames"),
			     .gateways = aws_at(op->facts, "gateways"),
			     .subnets = aws_at(op->facts, "subnets"),
			     .peerings = aws_at(op->facts, "peerings"),
			     .zones = aws_at(op->facts, "zones"),
			     .addresses = aws_at(op->facts, "addresses"),
			     .address_quota = vpc_address_quota(op),
			     .own_subnets = own,
			     .deployed = op->created ? NULL : aws_at(op->stack, "Parameters")};

	return precheck(&p, result, err);
}

int vpc_check(struct operation *op, struct error *err)
{
	const char *own[] = {operation_output(op, "PrivateSubnetId"), operation_output(op, "PublicSubnetId"), NULL};
	struct precheck_result result = {0};
	int r = vpc_gather_facts(op, err);

	if (r == 0)
		r = vpc_check_facts(op, op->created ? NULL : own, &result, err);
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
