#include "aws/ec2.h"

#include "aws/service.h"

/* A describing call, all pages of it; list is the reply's member. */
static struct aws_request *describe(const char *operation, const char *list)
{
	struct aws_request *r = aws_request_new(&aws_service_ec2, operation);

	aws_put_paging(r, "NextToken", "nextToken", list);
	return r;
}

struct aws_request *ec2_describe_vpcs(const char *vpc)
{
	struct aws_request *r = describe("DescribeVpcs", "vpcSet");

	aws_put_texts(&r, "VpcId", &vpc, 1);
	return r;
}

struct aws_request *ec2_describe_vpc_attribute(const char *vpc, const char *attribute)
{
	struct aws_request *r = aws_request_new(&aws_service_ec2, "DescribeVpcAttribute");

	aws_put_text(&r, "VpcId", vpc);
	aws_put_text(&r, "Attribute", attribute);
	return r;
}

struct aws_request *ec2_describe_internet_gateways(const char *vpc)
{
	struct aws_request *r = describe("DescribeInternetGateways", "internetGatewaySet");

	aws_put_filter(&r, "attachment.vpc-id", vpc);
	return r;
}

struct aws_request *ec2_describe_subnets(const char *vpc)
{
	struct aws_request *r = describe("DescribeSubnets", "subnetSet");

	aws_put_filter(&r, "vpc-id", vpc);
	return r;
}

struct aws_request *ec2_describe_subnet(const char *subnet)
{
	struct aws_request *r = describe("DescribeSubnets", "subnetSet");

	aws_put_texts(&r, "SubnetId", &subnet, 1);
	return r;
}

struct aws_request *ec2_describe_vpc_peering_connections(void)
{
	return describe("DescribeVpcPeeringConnections", "vpcPeeringConnectionSet");
}

struct aws_request *ec2_describe_availability_zones(void)
{
	return aws_request_new(&aws_service_ec2, "DescribeAvailabilityZones");
}

struct aws_request *ec2_describe_addresses(void)
{
	return aws_request_new(&aws_service_ec2, "DescribeAddresses");
}

struct aws_request *ec2_describe_account_attribute(const char *attribute)
{
	struct aws_request *r = aws_request_new(&aws_service_ec2, "DescribeAccountAttributes");

	aws_put_texts(&r, "AttributeName", &attribute, 1);
	return r;
}

struct aws_request *ec2_describe_lambda_interfaces(const char *subnet, const char *group)
{
	struct aws_request *r = describe("DescribeNetworkInterfaces", "networkInterfaceSet");

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
