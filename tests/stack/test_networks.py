# SPDX-License-Identifier: BSD-3-Clause
"""VPCs that are not simple: IPv6-only subnets, secondary blocks, no free addresses."""

import ipaddress
import os

import pytest
from conftest import until


@pytest.fixture
def vpc(cloud):
    """make(CIDR): a VPC with an Internet gateway, ready for the stack."""
    ec2 = cloud.boto("ec2")

    def make(block, **more):
        vpc = ec2.create_vpc(CidrBlock=block, **more)["Vpc"]["VpcId"]
        gateway = ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
        ec2.attach_internet_gateway(InternetGatewayId=gateway, VpcId=vpc)
        ec2.modify_vpc_attribute(VpcId=vpc, EnableDnsHostnames={"Value": True})
        return vpc

    make.ec2 = ec2
    return make


def fill(ec2, vpc, block, prefix):
    for part in ipaddress.ip_network(block).subnets(new_prefix=prefix):
        ec2.create_subnet(VpcId=vpc, CidrBlock=str(part))


def refresh(tree, vpc, seen):
    """Until it was `seen`: what was being read before the touch may still show the VPC without its subnets."""
    tree.bash("touch control/refresh")
    until(lambda: vpc in os.listdir(tree.path / "discover/vpcs") and seen(), "the VPC")


def test_a_subnet_without_ipv4_takes_no_addresses(tree, vpc):
    made = vpc("10.80.0.0/26", AmazonProvidedIpv6CidrBlock=True)
    ipv6 = vpc.ec2.describe_vpcs(VpcIds=[made])["Vpcs"][0]["Ipv6CidrBlockAssociationSet"][0]["Ipv6CidrBlock"]
    subnet = str(next(ipaddress.ip_network(ipv6).subnets(new_prefix=64)))
    vpc.ec2.create_subnet(VpcId=made, Ipv6CidrBlock=subnet, Ipv6Native=True)
    refresh(tree, made, lambda: f" {subnet} " in tree.read(f"discover/vpcs/{made}/subnets"))
    assert tree.read(f"discover/vpcs/{made}/free_cidrs") == "10.80.0.0/26\n"
    assert tree.value(f"discover/vpcs/{made}/fits") == "yes"
    tree.configure(vpc_id=made, subnet_cidr="10.80.0.0/26")
    assert "is deployed" in tree.operate("deploy")


def test_the_stack_fits_into_a_secondary_block(tree, vpc):
    made = vpc("10.81.0.0/26")
    fill(vpc.ec2, made, "10.81.0.0/26", 28)
    refresh(tree, made, lambda: tree.read(f"discover/vpcs/{made}/free_cidrs") == "")
    assert f"{made} has no free block of /27 or larger" in tree.read(f"discover/vpcs/{made}/reasons")
    vpc.ec2.associate_vpc_cidr_block(VpcId=made, CidrBlock="10.82.0.0/27")
    tree.bash("touch control/refresh")
    until(lambda: tree.value(f"discover/vpcs/{made}/free_cidrs") == "10.82.0.0/27", "the block")
    assert tree.value(f"discover/vpcs/{made}/cidr") == "10.81.0.0/26\n10.82.0.0/27"
    tree.configure(vpc_id=made, subnet_cidr="")
    assert f"vpc_id={made}\nsubnet_cidr=10.82.0.0/27\n" in tree.read("discover/suggested.env")
    tree.bash("cp discover/suggested.env config/default.env")
    assert "is deployed" in tree.operate("deploy")
    subnets = vpc.ec2.describe_subnets(Filters=[{"Name": "vpc-id", "Values": [made]}])["Subnets"]
    assert {"10.82.0.0/28", "10.82.0.16/28"} <= {s["CidrBlock"] for s in subnets}


def test_a_full_vpc_is_refused_before_anything_is_made(tree, cloud, vpc):
    made = vpc("10.83.0.0/26")
    fill(vpc.ec2, made, "10.83.0.0/26", 27)
    tree.configure(vpc_id=made, subnet_cidr="10.83.0.32/27")
    repositories = cloud.calls("ecr:CreateRepository")
    error = tree.operate("deploy", fails=True)
    assert "subnet_cidr 10.83.0.32/27 collides with subnet-" in error
    assert f"{made} has no free one of that size" in error and "aws ec2 associate-vpc-cidr-block" in error
    assert cloud.calls("ecr:CreateRepository") == repositories
    # A block that the VPC does not have, and one that spans two of its blocks.
    vpc.ec2.associate_vpc_cidr_block(VpcId=made, CidrBlock="10.83.0.64/26")
    for block in "10.84.0.0/27", "10.83.0.0/25":
        tree.configure(vpc_id=made, subnet_cidr=block)
        error = tree.operate("deploy", fails=True)
        assert f"subnet_cidr {block} is not inside {made} (10.83.0.0/26, 10.83.0.64/26)" in error
    assert "set subnet_cidr to a free block" not in error  # there is none of that size
