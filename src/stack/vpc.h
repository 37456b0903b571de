/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * vpc.h - what EC2's replies say about a VPC: its blocks, what is taken in it, what is free.
 *
 * Pure. Replies are EC2's (XML) as trees: DescribeVpcs (vpcSet), DescribeSubnets (subnetSet),
 * DescribeVpcPeeringConnections (vpcPeeringConnectionSet), DescribeInternetGateways (internetGatewaySet). NULL counts
 * as an empty reply. Source: Amazon EC2 API Reference.
 */
#ifndef VASTFS_STACK_VPC_H
#define VASTFS_STACK_VPC_H

#include "stack/cidr.h"

#include <cjson/cJSON.h>

/* Blocks and who has them: a subnet, or a VPC on the other side of a peering. */
struct vpc_blocks {
	struct vpc_block {
		struct cidr cidr;
		const char *owner; /* its id; lives as long as the reply */
	} * blocks;
	size_t count;
};

void vpc_blocks_free(struct vpc_blocks *b);

/* The VPC's entry in DescribeVpcs's reply; NULL if it is not there. */
const cJSON *vpc_find(const cJSON *vpcs, const char *vpc_id);

/* Its own blocks, without those being taken away. 0 or -ENOMEM; *ret is the caller's to free, on failure too. */
int vpc_own_blocks(const cJSON *vpc, struct vpc_blocks *ret);

/*
 * What is taken: its subnets, but for those in except (NULL-terminated ids; may be NULL), and the blocks of VPCs peered
 * to it, or about to be. 0 or -ENOMEM, as above.
 */
int vpc_taken_blocks(const char *vpc_id, const cJSON *subnets, const cJSON *peerings, const char *const *except,
		     struct vpc_blocks *ret);

/* The first free blocks of that size, at most max. Returns how many, or -ENOMEM. */
int vpc_find_free(const struct vpc_blocks *own, const struct vpc_blocks *taken, unsigned prefix, struct cidr *ret,
		  size_t max);

/* Id of the Internet gateway attached to the VPC; "" if there is none. */
const char *vpc_internet_gateway(const cJSON *gateways, const char *vpc_id);

#endif
