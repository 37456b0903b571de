/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * precheck.h - may this stack be deployed? Asked before anything is written, so that a wrong setting costs nothing.
 *
 * Pure: EC2's replies in, 0 or -EINVAL out (-ENOMEM apart), with words that name what is in the way and a remedy that
 * can be typed. A reply that is missing counts as an empty one.
 * vastfs never changes the VPC: the remedies are lines for the AWS CLI.
 */
#ifndef VASTFS_STACK_PRECHECK_H
#define VASTFS_STACK_PRECHECK_H

#include "stack/settings.h"

#include <cjson/cJSON.h>

struct precheck {
	const struct settings *settings; /* complete */
	const cJSON *vpcs;		 /* DescribeVpcs */
	const cJSON *dns_support;	 /* DescribeVpcAttribute enableDnsSupport */
	const cJSON *dns_hostnames;	 /* DescribeVpcAttribute enableDnsHostnames; looked at with efs */
	const cJSON *gateways;		 /* DescribeInternetGateways */
	const cJSON *subnets;		 /* DescribeSubnets */
	const cJSON *peerings;		 /* DescribeVpcPeeringConnections */
	const cJSON *zones;		 /* DescribeAvailabilityZones; looked at on create */
	const cJSON *addresses;		 /* DescribeAddresses; looked at on create */
	unsigned address_quota; /* DescribeAccountAttributes vpc-max-elastic-ips; 0: not known, EC2's default counts */
	const char *const *own_subnets; /* ids of the stack's own, NULL-terminated; NULL: none */
	const cJSON *deployed;		/* Parameters of the deployed stack; NULL: it will be created */
};

/* What a deploy needs to know of it for the template's parameters. */
struct precheck_result {
	char internet_gateway_id[32];
	char availability_zone[48];
};

/* All checks, in the order that helps most. *ret is set on success. */
int precheck(const struct precheck *p, struct precheck_result *ret, struct error *err);

/*
 * VPC, addresses and zone of a stack are fixed for its life: CloudFormation makes the replacement before it removes the
 * old, and AWS refuses overlapping subnets. Both are arrays of parameters; what wanted does not know does not count.
 */
int precheck_fixed(const cJSON *wanted, const cJSON *deployed, struct error *err);

/* NULL, or why Fargate tasks cannot be in that zone. id: like use1-az3. */
const char *precheck_zone_excluded(const char *zone_id);

#endif
