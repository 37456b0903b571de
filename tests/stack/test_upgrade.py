# SPDX-License-Identifier: BSD-3-Clause
"""What the version before deployed is taken over: template 2, without the tag vastfs:stage on the stack."""

import ipaddress

import pytest

from conftest import ROOT, SERVER, VPC, until

TEMPLATE = ROOT / "tests/data/template-2.json"


def make_image_and_storage(tree, cloud):
    """As that version made them: everything before the stack itself."""
    cloud.fault("cloudformation:CreateChangeSet", "error", status=403, code="AccessDenied", message="not yet", count=1)
    tree.operate("deploy", fails=True)
    cloud.control("DELETE", "faults")
    digest = cloud.boto("ecr").describe_images(repositoryName=tree.name)["imageDetails"][0]["imageDigest"]
    repository = cloud.boto("ecr").describe_repositories(repositoryNames=[tree.name])["repositories"][0]
    systems = cloud.boto("efs").describe_file_systems(CreationToken=tree.name)["FileSystems"]
    return f"{repository['repositoryUri']}@{digest}", systems[0]["FileSystemId"]


def parameters(tree, image, file_system, cloud):
    settings = dict(line.split("=", 1) for line in tree.settings().splitlines())
    private, public = ipaddress.ip_network(settings["subnet_cidr"]).subnets()
    gateways = cloud.boto("ec2").describe_internet_gateways(Filters=[{"Name": "attachment.vpc-id", "Values": [VPC]}])
    values = {
        "VpcId": VPC, "InternetGatewayId": gateways["InternetGateways"][0]["InternetGatewayId"],
        "AvailabilityZone": "eu-west-1a", "PublicCidr": public, "PrivateCidr": private, "Stage": tree.stage,
        "ImageUri": image, "BaseImage": "tenzir/vast:latest", "Architecture": "x86_64", "ServerCommand": SERVER,
        "ServerPort": 42000, "ServerDataDir": "/var/lib/vast", "ServerCpu": 2048, "ServerMemory": 4096,
        "Storage": "efs", "FileSystemId": file_system, "LambdaMemory": 2048, "LambdaTimeout": 300}
    return [{"ParameterKey": k, "ParameterValue": str(v)} for k, v in values.items()]


@pytest.fixture
def inherited(tree, cloud):
    image, file_system = make_image_and_storage(tree, cloud)
    api = cloud.boto("cloudformation")
    for left in api.describe_stacks()["Stacks"]:
        if left["StackName"] == tree.name:
            api.delete_stack(StackName=tree.name)
    api.create_stack(StackName=tree.name, TemplateBody=TEMPLATE.read_text(), Capabilities=["CAPABILITY_IAM"],
                     Parameters=parameters(tree, image, file_system, cloud))
    until(lambda: api.describe_stacks(StackName=tree.name)["Stacks"][0]["StackStatus"] == "CREATE_COMPLETE", "the stack")
    assert not api.describe_stacks(StackName=tree.name)["Stacks"][0]["Tags"]
    tree.bash("touch control/refresh")
    until(lambda: "state deployed" in tree.read("status"), "the stack")
    return tree


def test_a_stack_of_the_version_before_is_run_updated_and_destroyed(inherited, cloud):
    assert inherited.value("stack/outputs/TemplateVersion") == "2"
    inherited.operate("run-task")
    assert inherited.query("echo answered") == b"answered\n"
    assert "is deployed" in inherited.operate("deploy")
    assert inherited.value("stack/outputs/TemplateVersion") != "2"
    inherited.operate("restart-task")
    assert inherited.query("echo again") == b"again\n"
    assert "is deleted" in inherited.operate("destroy", "purge")
    assert not cloud.boto("efs").describe_file_systems(CreationToken=inherited.name)["FileSystems"]


def test_it_can_be_destroyed_as_it_is(inherited):
    inherited.operate("run-task")
    assert "is deleted" in inherited.operate("destroy")
