/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * precheck.h - decides whether this stack can be deployed, before anything is created, so that a wrong setting costs
 * nothing.
 *
 * Pure; any thread: EC2's replies in, 0, -ENOMEM, or -EINVAL out, with a message that names the obstacle and a remedy.
 * A missing reply counts as an empty one. vastfs never changes the VPC: the remedies name the AWS console and commands
 * of the AWS CLI.
 */
#ifndef VASTFS_STACK_PRECHECK_H
#define VASTFS_STACK_PRECHECK_H

#include "stack/quota.h"
#include "stack/settings.h"
#include "stack/vpc_fit.h"

#include <cjson/cJSON.h>

struct precheck {
	const struct settings *settings; /* have passed settings_check_complete() */
	struct vpc_facts vpc;		 /* replies about the VPC that the settings name */
	const cJSON *subnets;		 /* DescribeSubnets */
	const cJSON *peerings;		 /* DescribeVpcPeeringConnections */
	const cJSON *zones;		 /* DescribeAvailabilityZones; used on create */
	double nat_quota;		 /* NAT gateways per zone; QUOTA_UNKNOWN: every zone has room */
	const cJSON *nat_gateways;	 /* DescribeNatGateways; with nat_quota */
	const cJSON *nat_subnets;	 /* DescribeSubnets of the region; with nat_quota */
	const char *const *own_subnets;	 /* IDs of the stack's own subnets, NULL-terminated; NULL: none */
	const cJSON *deployed;		 /* Parameters of the deployed stack; NULL: it will be created */
};

/* The values that a deploy takes from EC2's replies for the template's parameters. */
struct precheck_result {
	char internet_gateway_id[32];
	char availability_zone[48];
};

/* Makes all checks; the first failure is reported. *ret is set on success. */
int precheck(const struct precheck *p, struct precheck_result *ret, struct error *err);

/*
 * VPC, addresses and zone of a stack are fixed for its life: CloudFormation creates the replacement before it removes
 * the old resource, and AWS refuses overlapping subnets. -EINVAL if they differ. Both are arrays of parameters; unknown
 * values in `wanted` are not compared.
 */
int precheck_fixed(const cJSON *wanted, const cJSON *deployed, struct error *err);

/* AWS's documentation of why Fargate tasks cannot run in that zone, NULL if they can. zone_id: "use1-az3". */
const char *precheck_zone_excluded(const char *zone_id);

#endif
