/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * ec2.h - builds the requests to EC2 that inspect a VPC and its subnets, addresses and network interfaces.
 *
 * Replies use EC2's XML names: vpcSet, subnetSet, networkInterfaceSet. Each function returns one request, which the
 * caller owns, or NULL without memory. Strings are copied. The functions are pure, and any thread may call them.
 *
 * Source: AWS's service model 2016-11-15.
 */
#ifndef VASTFS_AWS_EC2_H
#define VASTFS_AWS_EC2_H

#include "aws/aws.h"

/* The longest lists that are read of a region; a reply with more is marked as truncated. */
#define EC2_VPCS_MOST	 1000
#define EC2_SUBNETS_MOST 5000

struct aws_request *ec2_describe_vpcs(const char *vpc);
struct aws_request *ec2_describe_all_vpcs(void); /* all VPCs of the region, also those that other accounts share */
/* attribute: enableDnsSupport or enableDnsHostnames. The reply's <attribute>.value is "true" or "false". */
struct aws_request *ec2_describe_vpc_attribute(const char *vpc, const char *attribute);
struct aws_request *ec2_describe_internet_gateways(const char *vpc); /* the gateways that are attached to the VPC */
struct aws_request *ec2_describe_all_internet_gateways(void);	     /* all gateways of the region */
struct aws_request *ec2_describe_subnets(const char *vpc);	     /* all subnets of the VPC */
struct aws_request *ec2_describe_all_subnets(void);		     /* all subnets of the region */
struct aws_request *ec2_describe_subnet(const char *subnet);	     /* the reply has only this subnet */
struct aws_request *ec2_describe_vpc_peering_connections(void); /* the peerings in which the account has either side */
struct aws_request *ec2_describe_availability_zones(void);
struct aws_request *ec2_describe_addresses(void);
/*
 * Whether VPC Block Public Access is on in the region: vpcBlockPublicAccessOptions.internetGatewayBlockMode is off,
 * block-bidirectional or block-ingress. The exclusions name VPCs and subnets by ARN.
 */
struct aws_request *ec2_describe_block_public_access(void);
struct aws_request *ec2_describe_block_public_access_exclusions(void);
/* All sets of DHCP options of the region: dhcpOptionsSet, each with a dhcpConfigurationSet of keys and values. */
struct aws_request *ec2_describe_dhcp_options(void);
struct aws_request *ec2_describe_nat_gateways(void); /* all NAT gateways of the region, also deleted ones */
/* The network interfaces that Lambda has created in this subnet with this security group. */
struct aws_request *ec2_describe_lambda_interfaces(const char *subnet, const char *group);
struct aws_request *ec2_delete_network_interface(const char *id);

#endif
