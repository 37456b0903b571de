# SPDX-License-Identifier: BSD-3-Clause
"""The template before judges that know nothing of vastfs: moto as it is, without the sandbox's patches, and checkov."""
import hashlib
import json
import os
import pathlib
import socket
import subprocess
import sys
import time

import boto3
import botocore.exceptions
import pytest
import yaml
from botocore.config import Config

from conftest import ROOT

TEMPLATE = ROOT / "src/stack/template.json"
CHECKOV = pathlib.Path(os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache") / "vastfs/checkov/bin/checkov"
CHECKOV_CONFIG = pathlib.Path(__file__).with_name("checkov.yaml")
REGION = "eu-central-1"
DEADLINE = 120
#: moto has no resource of the one's type, and no physical id for the other
NOT_IN_MOTO = {"FunctionInvokeConfig", "AccessPoint"}
POLICIES = "arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess,arn:aws:iam::aws:policy/ReadOnlyAccess"


class Moto:
    """A server of moto's in a process of its own."""

    def __init__(self, log):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        keep = {k: v for k, v in os.environ.items() if not k.startswith(("AWS_", "MOTO_", "PYTHONPATH"))}
        keep["MOTO_IAM_LOAD_MANAGED_POLICIES"] = "true"
        self.process = subprocess.Popen([sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(self.port)],
                                        stdout=log, stderr=log, env=keep)

    def client(self, service):
        return boto3.client(service, endpoint_url=f"http://127.0.0.1:{self.port}", region_name=REGION,
                            aws_access_key_id="AKIAIOSFODNN7EXAMPLE", aws_secret_access_key="secret",
                            config=Config(retries={"total_max_attempts": 1}))

    def wait(self):
        deadline = time.monotonic() + DEADLINE
        while time.monotonic() < deadline:
            try:
                return self.client("sts").get_caller_identity()
            except botocore.exceptions.EndpointConnectionError:
                assert self.process.poll() is None, "moto has ended"
                time.sleep(0.1)
        raise AssertionError("moto does not answer")


@pytest.fixture(scope="module")
def moto(tmp_path_factory):
    with open(tmp_path_factory.mktemp("moto") / "log", "wb") as log:
        server = Moto(log)
        try:
            server.wait()
            yield server
        finally:
            server.process.kill()
            server.process.wait()


@pytest.fixture(scope="module")
def parameters(moto):
    """Of a stack with efs; all that deploy makes outside of the stack is there."""
    ec2, ecr = moto.client("ec2"), moto.client("ecr")
    vpc = ec2.describe_vpcs()["Vpcs"][0]["VpcId"]
    gateway = ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
    ec2.attach_internet_gateway(InternetGatewayId=gateway, VpcId=vpc)
    repository = ecr.create_repository(repositoryName="vast-a")["repository"]["repositoryUri"]
    docker = "application/vnd.docker."
    manifest = {"schemaVersion": 2, "mediaType": docker + "distribution.manifest.v2+json", "layers": [],
                "config": {"mediaType": docker + "container.image.v1+json", "size": 2,
                           "digest": "sha256:" + hashlib.sha256(b"{}").hexdigest()}}
    image = ecr.put_image(repositoryName="vast-a", imageManifest=json.dumps(manifest), imageTag="x")["image"]["imageId"]
    return {"VpcId": vpc, "InternetGatewayId": gateway, "AvailabilityZone": REGION + "a",
            "PublicCidr": "172.31.240.128/25", "PrivateCidr": "172.31.240.0/25", "Stage": "a",
            "ImageUri": repository + "@" + image["imageDigest"], "BaseImage": "tenzir/vast:latest",
            "Architecture": "x86_64", "ServerCommand": "exec vast start", "ServerPort": "42000",
            "ServerDataDir": "/var/lib/vast", "ServerCpu": "2048", "ServerMemory": "4096", "Storage": "efs",
            "FileSystemId": moto.client("efs").create_file_system(CreationToken="vast-a")["FileSystemId"],
            "LambdaMemory": "2048", "LambdaTimeout": "300", "RolePolicies": "",
            "ServerEnvironment": "A=1,B=two words", "ServerDiskSize": "50", "LambdaTmpSize": "1024"}


def request(name, parameters, **changes):
    values = {**parameters, **changes}
    unknown = set(json.loads(TEMPLATE.read_text())["Parameters"]) ^ set(values)
    assert not unknown, "this test does not know a parameter of the template, or the other way round"
    return {"StackName": name, "TemplateBody": TEMPLATE.read_text(), "Capabilities": ["CAPABILITY_IAM"],
            "Parameters": [{"ParameterKey": k, "ParameterValue": v} for k, v in values.items()]}


def status(cloudformation, name):
    return cloudformation.describe_stacks(StackName=name)["Stacks"][0]["StackStatus"]


def made(cloudformation, name):
    found = cloudformation.describe_stack_resources(StackName=name)["StackResources"]
    return {r.get("LogicalResourceId"): r.get("PhysicalResourceId") for r in found}


@pytest.mark.parametrize("storage", ["efs", "ephemeral"])
def test_moto_creates_updates_and_deletes_it(moto, parameters, storage):
    cloudformation, iam = moto.client("cloudformation"), moto.client("iam")
    template = json.loads(TEMPLATE.read_text())
    name, kind = f"vast-{storage}", {"Storage": storage}
    if storage == "ephemeral":
        kind.update(FileSystemId="", PublicCidr="172.31.241.128/25", PrivateCidr="172.31.241.0/25")
    cloudformation.create_stack(**request(name, parameters, **kind))
    assert status(cloudformation, name) == "CREATE_COMPLETE"
    resources = made(cloudformation, name)
    expected = {key for key, r in template["Resources"].items() if storage == "efs" or "Condition" not in r}
    assert expected - NOT_IN_MOTO == {key for key, physical_id in resources.items() if physical_id} - NOT_IN_MOTO
    policies = iam.list_role_policies(RoleName=resources["TaskRole"])["PolicyNames"]
    assert policies == (["exec", "database"] if storage == "efs" else ["exec"])

    cloudformation.update_stack(**request(name, parameters, **kind, LambdaMemory="3008", RolePolicies=POLICIES))
    assert status(cloudformation, name) == "UPDATE_COMPLETE"
    function = moto.client("lambda").get_function_configuration(FunctionName=made(cloudformation, name)["Function"])
    assert function["MemorySize"] == 3008

    cloudformation.delete_stack(StackName=name)
    assert name not in [stack["StackName"] for stack in cloudformation.describe_stacks()["Stacks"]]
    assert resources["TaskRole"] not in [role["RoleName"] for role in iam.list_roles()["Roles"]]
    assert moto.client("lambda").list_functions()["Functions"] == []


def test_checkov_has_nothing_to_say_but_what_is_explained():
    """The configuration gives a reason for each check that is left out; one that would pass must not stay there."""
    if not CHECKOV.exists():
        pytest.fail("checkov is missing; run: contrib/setup tests")
    def run(*options):
        done = subprocess.run([CHECKOV, "--framework", "cloudformation", "--output", "json", "--skip-download", *options,
                               "--file", TEMPLATE], capture_output=True, text=True, check=False, timeout=300)
        assert done.stdout.strip(), done.stderr
        report = json.loads(done.stdout)
        assert report["summary"]["parsing_errors"] == 0 and report["summary"]["passed"] > 40
        return done.returncode, {check["check_id"] for check in report["results"]["failed_checks"]}
    assert run("--config-file", CHECKOV_CONFIG) == (0, set())
    assert run()[1] == set(yaml.safe_load(CHECKOV_CONFIG.read_text())["skip-check"])
