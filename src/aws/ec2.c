#include "aws/ec2.h"

#include <string.h>

static struct aws_request *new_call(const char *operation)
{
	return aws_request_new(&aws_service_ec2, operation);
}

static struct aws_request *paged_call(const char *operation, const char *list)
{
	struct aws_request *r = new_call(operation);

	aws_put_paging(r, "NextToken", "nextToken", list);
	return r;
}

static struct aws_request *filtered_call(const char *operation, const char *list, const char *filter, const char *value)
{
	struct aws_request *r = paged_call(operation, list);

	if (value)
		aws_put_filter(&r, filter, value);
	return r;
}

struct aws_request *aws_ec2_describe_vpcs(const char *vpc_id)
{
	struct aws_request *r = paged_call("DescribeVpcs", "vpcSet");

	if (vpc_id)
		aws_put_texts(&r, "VpcId", &vpc_id, 1);
	return r;
}

struct aws_request *aws_ec2_describe_vpc_attribute(const char *vpc_id, const char *attribute)
{
	struct aws_request *r = new_call("DescribeVpcAttribute");

	aws_put_text(&r, "VpcId", vpc_id);
	aws_put_text(&r, "Attribute", attribute);
	return r;
}

struct aws_request *aws_ec2_describe_internet_gateways(const char *vpc_id)
{
	return filtered_call("DescribeInternetGateways", "internetGatewaySet", "attachment.vpc-id", vpc_id);
}

struct aws_request *aws_ec2_describe_subnets_of_vpc(const char *vpc_id)
{
	return filtered_call("DescribeSubnets", "subnetSet", "vpc-id", vpc_id);
}

struct aws_request *aws_ec2_describe_subnet(const char *subnet_id)
{
	struct aws_request *r = paged_call("DescribeSubnets", "subnetSet");

	aws_put_texts(&r, "SubnetId", &subnet_id, 1);
	return r;
}

struct aws_request *aws_ec2_describe_peerings(const char *vpc_id, const char *side)
{
	bool asked = strcmp(side, "requester") == 0;

	return filtered_call("DescribeVpcPeeringConnections", "vpcPeeringConnectionSet",
			     asked ? "requester-vpc-info.vpc-id" : "accepter-vpc-info.vpc-id", vpc_id);
}

struct aws_request *aws_ec2_describe_availability_zones(void)
{
	struct aws_request *r = new_call("DescribeAvailabilityZones");

	aws_put_filter(&r, "zone-type", "availability-zone");
	return r;
}

struct aws_request *aws_ec2_describe_addresses(void)
{
	return new_call("DescribeAddresses");
}

struct aws_request *aws_ec2_describe_network_interfaces(const char *subnet_id, const char *group_id, const char *type)
{
	struct aws_request *r =
		filtered_call("DescribeNetworkInterfaces", "networkInterfaceSet", "subnet-id", subnet_id);

	if (group_id)
		aws_put_filter(&r, "group-id", group_id);
	if (type)
		aws_put_filter(&r, "interface-type", type);
	return r;
}

struct aws_request *aws_ec2_delete_network_interface(const char *interface_id)
{
	struct aws_request *r = new_call("DeleteNetworkInterface");

	aws_put_text(&r, "NetworkInterfaceId", interface_id);
	return r;
}

struct aws_request *aws_ec2_describe_route_tables(const char *vpc_id)
{
	return filtered_call("DescribeRouteTables", "routeTableSet", "vpc-id", vpc_id);
}
