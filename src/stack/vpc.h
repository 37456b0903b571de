/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * vpc.h - reads EC2's replies about a VPC: its address blocks, and which parts of them are taken or free.
 *
 * Pure; any thread. Replies are EC2's (XML) as trees: DescribeVpcs (vpcSet), DescribeSubnets (subnetSet),
 * DescribeVpcPeeringConnections (vpcPeeringConnectionSet), DescribeInternetGateways (internetGatewaySet). NULL counts
 * as an empty reply. Source: Amazon EC2 API Reference.
 */
#ifndef VASTFS_STACK_VPC_H
#define VASTFS_STACK_VPC_H

#include "stack/cidr.h"

#include <cjson/cJSON.h>

/* Blocks and their owners: a subnet, or a peered VPC. */
struct vpc_blocks {
	struct vpc_block {
		struct cidr cidr;
		const char *owner; /* its ID; belongs to the reply */
	} * blocks;
	size_t count;
};

void vpc_blocks_free(struct vpc_blocks *b);

/* The VPC's entry in DescribeVpcs' reply; NULL if there is none. */
const cJSON *vpc_find(const cJSON *vpcs, const char *vpc_id);

/*
 * The VPC's blocks, without those that are being disassociated. 0 or -ENOMEM; the caller frees *ret, also after a
 * failure.
 */
int vpc_own_blocks(const cJSON *vpc, struct vpc_blocks *ret);

/*
 * The blocks that are taken: its subnets, except those in except (NULL-terminated IDs; may be NULL), and the blocks of
 * VPCs that are peered to it or about to be. 0 or -ENOMEM, as above.
 */
int vpc_taken_blocks(const char *vpc_id, const cJSON *subnets, const cJSON *peerings, const char *const *except,
		     struct vpc_blocks *ret);

/* The first free blocks of that size, at most max. Returns their number, or -ENOMEM. */
int vpc_find_free(const struct vpc_blocks *own, const struct vpc_blocks *taken, unsigned prefix, struct cidr *ret,
		  size_t max);

/*
 * The free blocks of /24 to /27, larger ones first, none inside another: together they cover all free space of these
 * sizes. At most max. Returns their number, or -ENOMEM.
 */
int vpc_list_free(const struct vpc_blocks *own, const struct vpc_blocks *taken, struct cidr *ret, size_t max);

bool vpc_contains(const struct vpc_blocks *own, const struct cidr *block);
/* The first of the taken blocks that overlaps it; NULL: it is free. */
const struct vpc_block *vpc_collision(const struct vpc_blocks *taken, const struct cidr *block);

/* The number of VPCs that are peered to it or about to be. */
unsigned vpc_count_peers(const char *vpc_id, const cJSON *peerings);

/* ID of the Internet gateway that is attached to the VPC; "" if there is none. */
const char *vpc_internet_gateway(const cJSON *gateways, const char *vpc_id);

#endif
