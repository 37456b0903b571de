/* SPDX-License-Identifier: BSD-3-Clause */
#include "aws/services/ec2.h"

#include "aws/services/service.h"

#include <string.h>

#define PAGE_SIZE 1000 /* the longest page of every list of EC2 */

/* A Describe call with all pages; the first member of the shape is the list. */
static struct aws_request *ec2_describe(const char *operation, const struct aws_member *members)
{
	struct aws_request *r = aws_request_new(&aws_service_ec2, operation);

	aws_put_paging(r, "NextToken", "nextToken", members[0].path);
	aws_put_members(r, members);
	return r;
}

/* A Describe call without pages. */
static struct aws_request *ec2_describe_all(const char *operation, const struct aws_member *members)
{
	struct aws_request *r = aws_request_new(&aws_service_ec2, operation);

	aws_put_members(r, members);
	return r;
}

/* A Describe call for all entries of the region that the credentials may see, in pages of EC2's maximum length. */
static struct aws_request *ec2_describe_region(const char *operation, const struct aws_member *members, int most)
{
	struct aws_request *r = ec2_describe(operation, members);

	aws_put_number(&r, "MaxResults", PAGE_SIZE);
	if (r)
		r->paging.most = most;
	return r;
}

/* IPv6-only subnets have no cidrBlock. */
#define SUBNET_MEMBERS                                                                                        \
	{"subnetSet.*", AWS_OBJECT}, {"subnetSet.*.subnetId", AWS_STRING}, {"subnetSet.*.vpcId", AWS_STRING}, \
		{"subnetSet.*.cidrBlock", AWS_STRING | AWS_OPTIONAL},                                         \
	{                                                                                                     \
		"subnetSet.*.availableIpAddressCount", AWS_NUMBER                                             \
	}

#define TAG_MEMBERS(list)                                                              \
	{list ".*.tagSet", AWS_LIST | AWS_OPTIONAL}, {list ".*.tagSet.*", AWS_OBJECT}, \
		{list ".*.tagSet.*.key", AWS_STRING},                                  \
	{                                                                              \
		list ".*.tagSet.*.value", AWS_STRING | AWS_OPTIONAL                    \
	}

#define VPC_MEMBERS                                                                                   \
	{"vpcSet.*", AWS_OBJECT}, {"vpcSet.*.vpcId", AWS_STRING}, {"vpcSet.*.cidrBlock", AWS_STRING}, \
		{"vpcSet.*.instanceTenancy", AWS_STRING | AWS_OPTIONAL},                              \
		{"vpcSet.*.ownerId", AWS_STRING | AWS_OPTIONAL},                                      \
		{"vpcSet.*.dhcpOptionsId", AWS_STRING | AWS_OPTIONAL},                                \
		{"vpcSet.*.isDefault", AWS_BOOL | AWS_OPTIONAL}, TAG_MEMBERS("vpcSet"),               \
		{"vpcSet.*.cidrBlockAssociationSet", AWS_LIST | AWS_OPTIONAL},                        \
		{"vpcSet.*.cidrBlockAssociationSet.*", AWS_OBJECT},                                   \
	{                                                                                             \
		"vpcSet.*.cidrBlockAssociationSet.*.cidrBlock", AWS_STRING                            \
	}

struct aws_request *ec2_describe_vpcs(const char *vpc)
{
	AWS_SHAPE(vpcs, {"vpcSet", AWS_ENTRIES}, VPC_MEMBERS);
	AWS_ECHOES(about, {"vpcSet.*.vpcId", "VpcId"});
	struct aws_request *r = ec2_describe("DescribeVpcs", vpcs);

	aws_put_echoes(r, about);
	aws_put_texts(&r, "VpcId", &vpc, 1);
	return r;
}

struct aws_request *ec2_describe_all_vpcs(void)
{
	AWS_SHAPE(vpcs, {"vpcSet", AWS_LIST}, VPC_MEMBERS);

	return ec2_describe_region("DescribeVpcs", vpcs, EC2_VPCS_MOST);
}

struct aws_request *ec2_describe_vpc_attribute(const char *vpc, const char *attribute)
{
	AWS_SHAPE(support, {"enableDnsSupport", AWS_OBJECT}, {"enableDnsSupport.value", AWS_BOOL});
	AWS_SHAPE(host_names, {"enableDnsHostnames", AWS_OBJECT}, {"enableDnsHostnames.value", AWS_BOOL});
	AWS_ECHOES(about, {"vpcId", "VpcId"});
	struct aws_request *r = ec2_describe_all("DescribeVpcAttribute",
						 strcmp(attribute, "enableDnsSupport") == 0 ? support : host_names);

	aws_put_echoes(r, about);
	aws_put_text(&r, "VpcId", vpc);
	aws_put_text(&r, "Attribute", attribute);
	return r;
}

AWS_SHAPE(gateways, {"internetGatewaySet", AWS_LIST}, {"internetGatewaySet.*", AWS_OBJECT},
	  {"internetGatewaySet.*.internetGatewayId", AWS_STRING}, {"internetGatewaySet.*.attachmentSet", AWS_LIST},
	  {"internetGatewaySet.*.attachmentSet.*", AWS_OBJECT},
	  {"internetGatewaySet.*.attachmentSet.*.vpcId", AWS_STRING},
	  {"internetGatewaySet.*.attachmentSet.*.state", AWS_STRING});

struct aws_request *ec2_describe_internet_gateways(const char *vpc)
{
	struct aws_request *r = ec2_describe("DescribeInternetGateways", gateways);

	aws_put_filter(&r, "attachment.vpc-id", vpc);
	return r;
}

struct aws_request *ec2_describe_all_internet_gateways(void)
{
	return ec2_describe_region("DescribeInternetGateways", gateways, EC2_VPCS_MOST);
}

struct aws_request *ec2_describe_subnets(const char *vpc)
{
	AWS_SHAPE(subnets, {"subnetSet", AWS_LIST}, SUBNET_MEMBERS);
	struct aws_request *r = ec2_describe("DescribeSubnets", subnets);

	aws_put_filter(&r, "vpc-id", vpc);
	return r;
}

struct aws_request *ec2_describe_all_subnets(void)
{
	AWS_SHAPE(subnets, {"subnetSet", AWS_LIST}, SUBNET_MEMBERS,
		  {"subnetSet.*.availabilityZone", AWS_STRING | AWS_OPTIONAL},
		  {"subnetSet.*.ipv6CidrBlockAssociationSet", AWS_LIST | AWS_OPTIONAL},
		  {"subnetSet.*.ipv6CidrBlockAssociationSet.*", AWS_OBJECT}, TAG_MEMBERS("subnetSet"));

	return ec2_describe_region("DescribeSubnets", subnets, EC2_SUBNETS_MOST);
}

struct aws_request *ec2_describe_subnet(const char *subnet)
{
	AWS_SHAPE(subnets, {"subnetSet", AWS_ENTRIES}, SUBNET_MEMBERS);
	AWS_ECHOES(about, {"subnetSet.*.subnetId", "SubnetId"});
	struct aws_request *r = ec2_describe("DescribeSubnets", subnets);

	aws_put_echoes(r, about);
	aws_put_texts(&r, "SubnetId", &subnet, 1);
	return r;
}

/* An end in another account may be hidden, and has no blocks until it has accepted the connection. */
#define PEER_MEMBERS(end)                                                                    \
	{"vpcPeeringConnectionSet.*." end, AWS_OBJECT | AWS_OPTIONAL},                       \
		{"vpcPeeringConnectionSet.*." end ".vpcId", AWS_STRING | AWS_OPTIONAL},      \
		{"vpcPeeringConnectionSet.*." end ".cidrBlock", AWS_STRING | AWS_OPTIONAL},  \
		{"vpcPeeringConnectionSet.*." end ".cidrBlockSet", AWS_LIST | AWS_OPTIONAL}, \
		{"vpcPeeringConnectionSet.*." end ".cidrBlockSet.*", AWS_OBJECT},            \
	{                                                                                    \
		"vpcPeeringConnectionSet.*." end ".cidrBlockSet.*.cidrBlock", AWS_STRING     \
	}

struct aws_request *ec2_describe_vpc_peering_connections(void)
{
	AWS_SHAPE(peerings, {"vpcPeeringConnectionSet", AWS_LIST}, {"vpcPeeringConnectionSet.*", AWS_OBJECT},
		  {"vpcPeeringConnectionSet.*.status", AWS_OBJECT},
		  {"vpcPeeringConnectionSet.*.status.code", AWS_STRING}, PEER_MEMBERS("requesterVpcInfo"),
		  PEER_MEMBERS("accepterVpcInfo"));

	return ec2_describe("DescribeVpcPeeringConnections", peerings);
}

struct aws_request *ec2_describe_block_public_access(void)
{
	AWS_SHAPE(options, {"vpcBlockPublicAccessOptions", AWS_OBJECT},
		  {"vpcBlockPublicAccessOptions.internetGatewayBlockMode", AWS_STRING});

	return ec2_describe_all("DescribeVpcBlockPublicAccessOptions", options);
}

struct aws_request *ec2_describe_block_public_access_exclusions(void)
{
	AWS_SHAPE(exclusions, {"vpcBlockPublicAccessExclusionSet", AWS_LIST},
		  {"vpcBlockPublicAccessExclusionSet.*", AWS_OBJECT},
		  {"vpcBlockPublicAccessExclusionSet.*.resourceArn", AWS_STRING},
		  {"vpcBlockPublicAccessExclusionSet.*.state", AWS_STRING},
		  {"vpcBlockPublicAccessExclusionSet.*.internetGatewayExclusionMode", AWS_STRING});

	return ec2_describe_region("DescribeVpcBlockPublicAccessExclusions", exclusions, 0);
}

struct aws_request *ec2_describe_dhcp_options(void)
{
	AWS_SHAPE(options, {"dhcpOptionsSet", AWS_LIST}, {"dhcpOptionsSet.*", AWS_OBJECT},
		  {"dhcpOptionsSet.*.dhcpOptionsId", AWS_STRING},
		  {"dhcpOptionsSet.*.dhcpConfigurationSet", AWS_LIST | AWS_OPTIONAL},
		  {"dhcpOptionsSet.*.dhcpConfigurationSet.*", AWS_OBJECT},
		  {"dhcpOptionsSet.*.dhcpConfigurationSet.*.key", AWS_STRING},
		  {"dhcpOptionsSet.*.dhcpConfigurationSet.*.valueSet", AWS_LIST | AWS_OPTIONAL},
		  {"dhcpOptionsSet.*.dhcpConfigurationSet.*.valueSet.*", AWS_OBJECT},
		  {"dhcpOptionsSet.*.dhcpConfigurationSet.*.valueSet.*.value", AWS_TEXT});

	return ec2_describe_region("DescribeDhcpOptions", options, 0);
}

struct aws_request *ec2_describe_nat_gateways(void)
{
	AWS_SHAPE(gateways_of_nat, {"natGatewaySet", AWS_LIST}, {"natGatewaySet.*", AWS_OBJECT},
		  {"natGatewaySet.*.state", AWS_STRING}, {"natGatewaySet.*.subnetId", AWS_STRING | AWS_OPTIONAL});

	return ec2_describe_region("DescribeNatGateways", gateways_of_nat, 0);
}

struct aws_request *ec2_describe_availability_zones(void)
{
	AWS_SHAPE(zones, {"availabilityZoneInfo", AWS_LIST}, {"availabilityZoneInfo.*", AWS_OBJECT},
		  {"availabilityZoneInfo.*.zoneName", AWS_STRING}, {"availabilityZoneInfo.*.zoneState", AWS_STRING},
		  {"availabilityZoneInfo.*.zoneId", AWS_STRING | AWS_OPTIONAL},
		  {"availabilityZoneInfo.*.zoneType", AWS_STRING | AWS_OPTIONAL});

	return ec2_describe_all("DescribeAvailabilityZones", zones);
}

struct aws_request *ec2_describe_addresses(void)
{
	AWS_SHAPE(addresses, {"addressesSet", AWS_LIST}, {"addressesSet.*", AWS_OBJECT});

	return ec2_describe_all("DescribeAddresses", addresses);
}

struct aws_request *ec2_describe_lambda_interfaces(const char *subnet, const char *group)
{
	AWS_SHAPE(interfaces, {"networkInterfaceSet", AWS_LIST}, {"networkInterfaceSet.*", AWS_OBJECT},
		  {"networkInterfaceSet.*.networkInterfaceId", AWS_STRING},
		  {"networkInterfaceSet.*.status", AWS_STRING});
	struct aws_request *r = ec2_describe("DescribeNetworkInterfaces", interfaces);

	aws_put_filter(&r, "subnet-id", subnet);
	aws_put_filter(&r, "group-id", group);
	aws_put_filter(&r, "interface-type", "lambda");
	return r;
}

struct aws_request *ec2_delete_network_interface(const char *id)
{
	struct aws_request *r = aws_request_new(&aws_service_ec2, "DeleteNetworkInterface");

	aws_put_text(&r, "NetworkInterfaceId", id);
	return r;
}
