# SPDX-License-Identifier: BSD-3-Clause
"""Rules of EC2 that moto lacks."""

from botocore.exceptions import ClientError
from conftest import refused

VPC = "vpc-0123456789abcdef0"
BARE_VPC = "vpc-0123456789abcdef1"


def test_the_network_to_deploy_into(sandbox):
    ec2 = sandbox.client("ec2")
    vpcs = {v["VpcId"]: v["CidrBlock"] for v in ec2.describe_vpcs()["Vpcs"]}
    assert vpcs[VPC] == "172.31.0.0/16"
    assert vpcs[BARE_VPC] == "10.9.0.0/16"
    for attribute in ("enableDnsSupport", "enableDnsHostnames"):
        found = ec2.describe_vpc_attribute(VpcId=VPC, Attribute=attribute)
        assert found[attribute[0].upper() + attribute[1:]]["Value"]
    gateway = ec2.describe_internet_gateways()["InternetGateways"]
    assert [a["VpcId"] for g in gateway for a in g["Attachments"]] == [VPC]
    peering = ec2.describe_vpc_peering_connections()["VpcPeeringConnections"][0]
    assert peering["Status"]["Code"] == "active"


def test_pages(sandbox):
    ec2 = sandbox.client("ec2")
    made = [
        ec2.create_subnet(VpcId=BARE_VPC, CidrBlock=f"10.9.8.{16 * n}/28")["Subnet"]
        for n in range(4)
    ]
    whole = ec2.describe_subnets()["Subnets"]
    pages = ec2.get_paginator("describe_subnets").paginate(
        PaginationConfig={"PageSize": 5}
    )
    parts = [len(page["Subnets"]) for page in pages]
    assert sum(parts) == len(whole) and len(parts) > 1 and max(parts) == 5
    for subnet in made:
        ec2.delete_subnet(SubnetId=subnet["SubnetId"])


def test_dependencies(sandbox):
    ec2 = sandbox.client("ec2")
    subnet = ec2.create_subnet(VpcId=BARE_VPC, CidrBlock="10.9.0.0/28")["Subnet"]
    group, other = (
        ec2.create_security_group(GroupName=n, Description=n, VpcId=BARE_VPC)["GroupId"]
        for n in ("one", "two")
    )
    rule = {"IpProtocol": "-1", "UserIdGroupPairs": [{"GroupId": group}]}
    ec2.authorize_security_group_ingress(GroupId=other, IpPermissions=[rule])
    refused("DependencyViolation", ec2.delete_security_group, GroupId=group)
    ec2.delete_security_group(GroupId=other)
    interface = ec2.create_network_interface(
        SubnetId=subnet["SubnetId"], Groups=[group]
    )["NetworkInterface"]["NetworkInterfaceId"]
    refused("DependencyViolation", ec2.delete_security_group, GroupId=group)
    refused("DependencyViolation", ec2.delete_subnet, SubnetId=subnet["SubnetId"])
    ec2.delete_network_interface(NetworkInterfaceId=interface)
    ec2.delete_security_group(GroupId=group)
    ec2.delete_subnet(SubnetId=subnet["SubnetId"])
    refused(
        "InvalidSubnet.Range",
        ec2.create_subnet,
        VpcId=BARE_VPC,
        CidrBlock="10.9.0.0/29",
    )


def test_a_nat_gateway_needs_the_internet(sandbox):
    ec2 = sandbox.client("ec2")
    subnet = ec2.create_subnet(VpcId=BARE_VPC, CidrBlock="10.9.1.0/28")["Subnet"]
    address = ec2.allocate_address(Domain="vpc")["AllocationId"]
    made = ec2.create_nat_gateway(
        SubnetId=subnet["SubnetId"], AllocationId=address, ClientToken="t"
    )["NatGateway"]["NatGatewayId"]
    found = ec2.describe_nat_gateways(NatGatewayIds=[made])["NatGateways"][0]
    assert (found["State"], found["FailureCode"]) == ("failed", "Gateway.NotAttached")
    ec2.release_address(AllocationId=address)
    ec2.delete_subnet(SubnetId=subnet["SubnetId"])


def test_a_nat_gateway_holds_its_address(sandbox):
    ec2 = sandbox.client("ec2")
    subnet = ec2.create_subnet(VpcId=VPC, CidrBlock="172.31.250.0/28")["Subnet"]
    address = ec2.allocate_address(Domain="vpc")["AllocationId"]
    arguments = {"SubnetId": subnet["SubnetId"], "AllocationId": address}
    ids = {
        ec2.create_nat_gateway(**arguments, ClientToken="n")["NatGateway"][
            "NatGatewayId"
        ]
        for _ in range(2)
    }
    (made,) = ids
    refused("AuthFailure", ec2.release_address, AllocationId=address)
    refused("DependencyViolation", ec2.delete_subnet, SubnetId=subnet["SubnetId"])
    ec2.delete_nat_gateway(NatGatewayId=made)
    ec2.release_address(AllocationId=address)
    ec2.delete_subnet(SubnetId=subnet["SubnetId"])


def test_a_quota_of_nat_gateways(sandbox):
    ec2 = sandbox.client("ec2")
    subnet = ec2.create_subnet(VpcId=VPC, CidrBlock="172.31.251.0/28")["Subnet"]["SubnetId"]
    address = ec2.allocate_address(Domain="vpc")["AllocationId"]
    sandbox.control("POST", "quotas", {"nat_gateways": 0})
    refused(
        "NatGatewayLimitExceeded",
        ec2.create_nat_gateway,
        SubnetId=subnet,
        AllocationId=address,
    )
    ec2.release_address(AllocationId=address)
    ec2.delete_subnet(SubnetId=subnet)


def test_block_public_access(sandbox):
    ec2 = sandbox.client("ec2")

    def mode():
        options = ec2.describe_vpc_block_public_access_options()
        return options["VpcBlockPublicAccessOptions"]["InternetGatewayBlockMode"]

    assert mode() == "off"
    ec2.modify_vpc_block_public_access_options(InternetGatewayBlockMode="block-ingress")
    assert mode() == "block-ingress"
    ec2.modify_vpc_block_public_access_options(InternetGatewayBlockMode="off")
    made = ec2.create_vpc_block_public_access_exclusion(
        VpcId=VPC, InternetGatewayExclusionMode="allow-egress"
    )["VpcBlockPublicAccessExclusion"]
    assert made["ResourceArn"].endswith(f":vpc/{VPC}")
    ec2.delete_vpc_block_public_access_exclusion(ExclusionId=made["ExclusionId"])
    (listed,) = ec2.describe_vpc_block_public_access_exclusions()[
        "VpcBlockPublicAccessExclusions"
    ]
    assert listed["State"] == "delete-complete"


def test_a_shared_vpc_takes_no_subnets(sandbox):
    ec2 = sandbox.client("ec2")
    vpc = ec2.create_vpc(CidrBlock="10.77.0.0/16")["Vpc"]["VpcId"]
    sandbox.control("POST", "vpc", {"vpc": vpc, "owner": "222222222222"})
    assert ec2.describe_vpcs(VpcIds=[vpc])["Vpcs"][0]["OwnerId"] == "222222222222"
    refused(
        "UnauthorizedOperation", ec2.create_subnet, VpcId=vpc, CidrBlock="10.77.0.0/24"
    )
    ec2.delete_vpc(VpcId=vpc)


def test_five_addresses(sandbox):
    ec2 = sandbox.client("ec2")
    made = []
    while True:
        try:
            made.append(ec2.allocate_address(Domain="vpc")["AllocationId"])
        except ClientError as error:
            assert error.response["Error"]["Code"] == "AddressLimitExceeded"
            break
    for allocation in made:
        ec2.release_address(AllocationId=allocation)
