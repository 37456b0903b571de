# SPDX-License-Identifier: BSD-3-Clause
"""Functions in a VPC: their states and their network interfaces."""

import pytest
from conftest import Sandbox, refused, until

VPC = "vpc-0123456789abcdef0"


@pytest.fixture(scope="module")
def slow(tmp_path_factory):
    """A sandbox in which changes take some time (time scale 0.01)."""
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
