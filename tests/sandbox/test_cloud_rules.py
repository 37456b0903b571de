"""Rules of EC2, EFS, ECR and Lambda that moto does not have."""

import base64
import json

import pytest
from botocore.exceptions import ClientError
from conftest import Sandbox, until

VPC = "vpc-0123456789abcdef0"
BARE_VPC = "vpc-0123456789abcdef1"
POLICY = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Principal": {"Service": "lambda.amazonaws.com"},
            "Action": ["ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"],
        }
    ],
}
RULE = {
    "rulePriority": 1,
    "selection": {
        "tagStatus": "untagged",
        "countType": "sinceImagePushed",
        "countUnit": "days",
        "countNumber": 7,
    },
    "action": {"type": "expire"},
}


def refused(code, call, **arguments):
    with pytest.raises(ClientError) as caught:
        call(**arguments)
    assert caught.value.response["Error"]["Code"] == code
    return caught.value.response


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


def test_file_systems(sandbox):
    efs = sandbox.client("efs")
    made = efs.create_file_system(
        CreationToken="x", Encrypted=True, ThroughputMode="elastic"
    )["FileSystemId"]
    again = refused(
        "FileSystemAlreadyExists", efs.create_file_system, CreationToken="x"
    )
    assert again["FileSystemId"] == made
    efs.put_file_system_policy(FileSystemId=made, Policy='{"Statement": []}')
    point = efs.create_access_point(ClientToken="p", FileSystemId=made)
    same = refused(
        "AccessPointAlreadyExists",
        efs.create_access_point,
        ClientToken="p",
        FileSystemId=made,
    )
    assert same["AccessPointId"] == point["AccessPointId"]
    subnet = sandbox.client("ec2").describe_subnets(
        Filters=[{"Name": "vpc-id", "Values": [VPC]}]
    )["Subnets"][0]["SubnetId"]
    target = efs.create_mount_target(FileSystemId=made, SubnetId=subnet)
    refused("FileSystemInUse", efs.delete_file_system, FileSystemId=made)
    refused(
        "MountTargetConflict",
        efs.create_mount_target,
        FileSystemId=made,
        SubnetId=subnet,
    )
    efs.delete_mount_target(MountTargetId=target["MountTargetId"])
    efs.delete_file_system(FileSystemId=made)
    refused("FileSystemNotFound", efs.describe_file_systems, FileSystemId=made)


def test_policies_come_back_in_the_form_of_aws(sandbox):
    efs, ecr = sandbox.client("efs"), sandbox.client("ecr")
    made = efs.create_file_system(CreationToken="y")["FileSystemId"]
    refused("PolicyNotFound", efs.describe_file_system_policy, FileSystemId=made)
    statement = {
        "Effect": "Allow",
        "Principal": {"AWS": ["123456789012"]},
        "Action": ["elasticfilesystem:ClientMount"],
    }
    efs.put_file_system_policy(
        FileSystemId=made, Policy=json.dumps({"Statement": statement})
    )
    (kept,) = json.loads(efs.describe_file_system_policy(FileSystemId=made)["Policy"])[
        "Statement"
    ]
    assert kept["Principal"] == {"AWS": "arn:aws:iam::123456789012:root"}
    assert kept["Action"] == "elasticfilesystem:ClientMount"
    efs.delete_file_system(FileSystemId=made)

    ecr.create_repository(repositoryName="own")
    none = "RepositoryPolicyNotFoundException"
    refused(none, ecr.get_repository_policy, repositoryName="own")
    ecr.set_repository_policy(repositoryName="own", policyText=json.dumps(POLICY))
    text = ecr.get_repository_policy(repositoryName="own")["policyText"]
    assert json.loads(text) == POLICY and "\n" in text
    ecr.delete_repository(repositoryName="own")


def test_repositories(sandbox):
    ecr = sandbox.client("ecr")
    name = {"repositoryName": "images"}
    ecr.create_repository(**name)
    ecr.set_repository_policy(**name, policyText=json.dumps(POLICY))
    ecr.put_lifecycle_policy(**name, lifecyclePolicyText=json.dumps({"rules": [RULE]}))
    manifest = '{"schemaVersion": 2, "mediaType": "%s", "layers": []}'
    kind = "application/vnd.docker.distribution.manifest.v2+json"
    ecr.put_image(**name, imageManifest=manifest % kind, imageTag="one")
    image = ecr.describe_images(**name)["imageDetails"][0]
    assert image["imageTags"] == ["one"]
    refused("RepositoryNotEmptyException", ecr.delete_repository, **name)
    gone = ecr.batch_delete_image(**name, imageIds=[{"imageTag": "one"}])
    assert not gone["failures"]
    ecr.delete_repository(**name, force=True)
    token = ecr.get_authorization_token()["authorizationData"][0]
    assert base64.b64decode(token["authorizationToken"]).startswith(b"AWS:")
    assert token["proxyEndpoint"] == sandbox.endpoint


@pytest.fixture(scope="module")
def slow(tmp_path_factory):
    """A sandbox in which things take a little time."""
    running = Sandbox(tmp_path_factory.mktemp("slow"), time_scale=0.01)
    yield running
    running.end()


def test_a_function_takes_its_time(slow):
    client = slow.client("lambda")
    role = slow.client("iam").create_role(
        RoleName="f", AssumeRolePolicyDocument='{"Statement": []}'
    )["Role"]["Arn"]
    ec2 = slow.client("ec2")
    subnet = ec2.describe_subnets(Filters=[{"Name": "vpc-id", "Values": [VPC]}])
    subnet = subnet["Subnets"][0]["SubnetId"]
    made = client.create_function(
        FunctionName="f",
        Role=role,
        PackageType="Image",
        Code={"ImageUri": "x/y:z"},
        VpcConfig={"SubnetIds": [subnet], "SecurityGroupIds": []},
    )
    assert made["State"] == "Pending"
    change = {"FunctionName": "f", "MemorySize": 256}
    refused("ResourceConflictException", client.update_function_configuration, **change)
    client.get_waiter("function_active_v2").wait(
        FunctionName="f", WaiterConfig={"Delay": 0.05}
    )
    changed = client.update_function_configuration(**change)
    assert changed["LastUpdateStatus"] == "InProgress"
    refused("ResourceConflictException", client.update_function_configuration, **change)
    until(
        lambda: (
            client.get_function_configuration(FunctionName="f")["LastUpdateStatus"]
            == "Successful"
        )
    )
    client.delete_function(FunctionName="f")
    filters = [{"Name": "interface-type", "Values": ["lambda"]}]

    def states():
        found = ec2.describe_network_interfaces(Filters=filters)["NetworkInterfaces"]
        return [interface["Status"] for interface in found]

    assert states() == ["in-use"]
    until(lambda: states() == ["available"])
