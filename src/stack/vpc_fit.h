/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * vpc_fit.h - decides whether the stack can live in a VPC, and why not.
 *
 * The checks before a deploy (precheck.h) and the listing of the account's VPCs (discovery.h) use these decisions.
 * Pure; any thread: EC2's replies in, messages with remedies out. vastfs never changes a VPC, so the remedies name the
 * AWS console and commands of the AWS CLI.
 */
#ifndef VASTFS_STACK_VPC_FIT_H
#define VASTFS_STACK_VPC_FIT_H

#include "base/error.h"

#include <cjson/cJSON.h>
#include <stdbool.h>

/* EC2's replies, with its XML names. NULL: the reply is not known, so its check is skipped. */
struct vpc_facts {
	const char *region;
	const char *account;	    /* account of the credentials; NULL or "": not known */
	const cJSON *vpcs;	    /* DescribeVpcs */
	const cJSON *gateways;	    /* DescribeInternetGateways */
	const cJSON *subnets;	    /* DescribeSubnets */
	const cJSON *peerings;	    /* DescribeVpcPeeringConnections */
	const cJSON *dns_support;   /* DescribeVpcAttribute enableDnsSupport, of this VPC */
	const cJSON *dns_hostnames; /* DescribeVpcAttribute enableDnsHostnames, of this VPC */
	const cJSON *access;	    /* DescribeVpcBlockPublicAccessOptions */
	const cJSON *exclusions;    /* DescribeVpcBlockPublicAccessExclusions */
	const cJSON *dhcp;	    /* DescribeDhcpOptions */
	bool efs;		    /* the server's storage is a file system, which is mounted by its DNS name */
};

struct vpc_obstacle {
	struct error error; /* -EINVAL, a message and a remedy */
	bool only_at_first; /* does not stop a stack that is already deployed in this VPC */
};

/*
 * Calls `tell` with each obstacle to the stack in this VPC, the most fundamental first, until it returns a value other
 * than 0. Returns that value, or 0.
 */
int vpc_fit_each(const struct vpc_facts *f, const char *vpc_id,
		 int (*tell)(void *arg, const struct vpc_obstacle *obstacle), void *arg);

/* 0, or -EINVAL with the first obstacle. created: the stack does not exist yet. */
int vpc_fit(const struct vpc_facts *f, const char *vpc_id, bool created, struct error *err);

/*
 * How Block Public Access treats the VPC: off, block-ingress, block-bidirectional, or the mode of its exclusion:
 * allow-egress, allow-bidirectional. NULL: not known.
 */
const char *vpc_public_access(const struct vpc_facts *f, const char *vpc_id);

/* The DNS servers in the VPC's DHCP options, a list of objects with a value; NULL: none are known. */
const cJSON *vpc_dns_servers(const struct vpc_facts *f, const cJSON *vpc);

#endif
