/*
 * ec2.h - calls of Elastic Compute Cloud (its networks). Source: its API reference, version 2016-11-15.
 *
 * Each function makes a request, or NULL without memory. Texts are copied. Arguments that are NULL are left out.
 */
#ifndef VASTFS_AWS_EC2_H
#define VASTFS_AWS_EC2_H

#include "aws/aws.h"
#include "aws/service.h"

/* All pages. Reply: vpcSet. vpc_id NULL: all. */
struct aws_request *aws_ec2_describe_vpcs(const char *vpc_id);

/* attribute: "enableDnsSupport" or "enableDnsHostnames". Reply: <attribute>.value, "true" or "false". */
struct aws_request *aws_ec2_describe_vpc_attribute(const char *vpc_id, const char *attribute);

/* All pages. Reply: internetGatewaySet. vpc_id: attached to it; NULL: all. */
struct aws_request *aws_ec2_describe_internet_gateways(const char *vpc_id);

/* All pages. Reply: subnetSet. */
struct aws_request *aws_ec2_describe_subnets_of_vpc(const char *vpc_id); /* NULL: all */
struct aws_request *aws_ec2_describe_subnet(const char *subnet_id);

/* All pages. Reply: vpcPeeringConnectionSet. side: "requester" or "accepter", whichever the VPC is. */
struct aws_request *aws_ec2_describe_peerings(const char *vpc_id, const char *side);

/* Reply: availabilityZoneInfo, zones of type availability-zone. */
struct aws_request *aws_ec2_describe_availability_zones(void);

/* Reply: addressesSet. */
struct aws_request *aws_ec2_describe_addresses(void);

/* All pages. Reply: networkInterfaceSet. Each argument may be NULL. type: "lambda". */
struct aws_request *aws_ec2_describe_network_interfaces(const char *subnet_id, const char *group_id, const char *type);

struct aws_request *aws_ec2_delete_network_interface(const char *interface_id);

/* All pages. Reply: routeTableSet. */
struct aws_request *aws_ec2_describe_route_tables(const char *vpc_id);

#endif
