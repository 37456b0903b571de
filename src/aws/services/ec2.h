/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * ec2.h - EC2: the VPC and what is in it. Source: AWS's service model 2016-11-15.
 *
 * Replies have EC2's XML names: vpcSet, subnetSet, networkInterfaceSet. Every function makes one request, NULL without
 * memory; strings are copied.
 */
#ifndef VASTFS_AWS_EC2_H
#define VASTFS_AWS_EC2_H

#include "aws/aws.h"

struct aws_request *ec2_describe_vpcs(const char *vpc);
/* attribute: enableDnsSupport, enableDnsHostnames. Reply: <attribute>.value "true". */
struct aws_request *ec2_describe_vpc_attribute(const char *vpc, const char *attribute);
struct aws_request *ec2_describe_internet_gateways(const char *vpc); /* attached to it */
struct aws_request *ec2_describe_subnets(const char *vpc);	     /* all of the VPC */
struct aws_request *ec2_describe_subnet(const char *subnet);	     /* that one */
struct aws_request *ec2_describe_vpc_peering_connections(void);	     /* of the account, either side */
struct aws_request *ec2_describe_availability_zones(void);
struct aws_request *ec2_describe_addresses(void);
/* attribute: vpc-max-elastic-ips. Reply: accountAttributeSet.0.attributeValueSet.0.attributeValue. */
struct aws_request *ec2_describe_account_attribute(const char *attribute);
/* Lambda's interfaces in that subnet and group. */
struct aws_request *ec2_describe_lambda_interfaces(const char *subnet, const char *group);
struct aws_request *ec2_delete_network_interface(const char *id);

#endif
