# SPDX-License-Identifier: BSD-3-Clause
"""What a user sees of replies of the wrong shape to the calls that the operations of the matrix do not make.

tests/aws/test_replies.py tries every call and every member; here one of them per call goes through a mount.
"""

import json

import pytest
from cycle import Cloud, Fault, Life, stack_tests

until = stack_tests.until
VPC = stack_tests.VPC
MINUTE = 120


@pytest.fixture(scope="module")
def cloud(tmp_path_factory):
    running = Cloud(tmp_path_factory.mktemp("cloud"))
    yield running
    running.stop()


@pytest.fixture(scope="module")
def server(cloud, tmp_path_factory):
    """A mount behind a proxy, with a running server."""
    living = Life(cloud, tmp_path_factory.mktemp("life") / "life", 180)
    for verb in ("deploy", "run-task"):
        assert living.run(verb, "")[0] == "succeeded", living.latest("error")
    yield living
    living.proxy.spoil.clear()
    assert living.run("destroy", "purge")[0] == "succeeded", living.latest("error")
    living.end()


@pytest.fixture
def life(server):
    """Without the spoilt replies of the test before."""
    server.proxy.spoil.clear()
    yield server
    server.proxy.spoil.clear()


def xml(operation, inner):
    """A reply of EC2 or CloudFormation."""
    return f"<{operation}Response>{inner}</{operation}Response>".encode()


#: an EC2 call, a wrong reply, the member in the message, and the check that is missing then
DISCOVERY = [
    ("DescribeInternetGateways", "<x/>", "internetGatewaySet is missing"),
    ("DescribeSubnets", "<subnetSet><item>5</item></subnetSet>", "subnetSet.* is a string"),
    ("DescribeVpcPeeringConnections", "<vpcPeeringConnectionSet>5</vpcPeeringConnectionSet>", "vpcPeeringConnectionSet is a string"),
    ("DescribeVpcAttribute", "<enableDnsSupport><value>maybe</value></enableDnsSupport>", "enableDnsSupport.value is a string"),
    ("DescribeVpcBlockPublicAccessOptions", "<x/>", "vpcBlockPublicAccessOptions is missing"),
    ("DescribeVpcBlockPublicAccessExclusions", "<x/>", "vpcBlockPublicAccessExclusionSet is missing"),
    ("DescribeDhcpOptions", "<dhcpOptionsSet><item/></dhcpOptionsSet>", "dhcpOptionsSet.* is empty"),
]


@pytest.mark.parametrize("operation,inner,words", DISCOVERY, ids=[row[0] for row in DISCOVERY])
def test_a_part_of_the_discovery_is_missing_and_not_empty(life, operation, inner, words):
    life.proxy.arm(None)
    life.proxy.spoil[f"ec2:{operation}"] = xml(operation, inner)
    life.tree.bash("touch control/refresh")
    reasons = f"not checked: ec2:{operation} failed: the reply of ec2 to {operation} is unusable: {words}"
    until(lambda: reasons in life.tree.read(f"discover/vpcs/{VPC}/reasons"), reasons, MINUTE)
    assert life.proxy.calls.count(f"ec2:{operation}") >= 3


def test_no_vpc_is_not_the_same_as_no_list_of_vpcs(life):
    life.proxy.spoil["ec2:DescribeVpcs"] = xml("DescribeVpcs", "<vpcSet><item><vpcId>vpc-1</vpcId></item></vpcSet>")
    life.tree.bash("touch control/refresh")
    words = "the reply of ec2 to DescribeVpcs is unusable: vpcSet.*.cidrBlock is missing"
    until(lambda: words in life.tree.read("discover/status"), words, MINUTE)


def test_a_log_that_cannot_be_read_is_not_an_empty_log(life):
    life.proxy.spoil["logs:GetLogEvents"] = b'{"events": null, "nextForwardToken": "f/1"}'
    said = "the log cannot be read: the reply of logs to GetLogEvents is unusable: events is null"

    def reported():
        life.tree.bash("cat stack/server.log")
        return said in life.tree.read("error")
    until(reported, said, MINUTE)


def test_a_task_that_no_reply_mentions_is_not_gone(life):
    until((life.tree.path / "tasks/default").exists, "the server", MINUTE)
    life.proxy.spoil["ecs:DescribeTasks"] = b'{"tasks": [], "failures": []}'
    life.tree.bash("touch control/refresh")
    until(lambda: "ecs DescribeTasks described only 0 of" in life.tree.read("error"), "the error", MINUTE)
    assert (life.tree.path / "tasks/default").exists()


DRIFT = [
    ("DetectStackDrift", "<x/>", "StackDriftDetectionId is missing"),
    ("DescribeStackDriftDetectionStatus", "<StackDriftDetectionId>another</StackDriftDetectionId>"
     "<DetectionStatus>DETECTION_COMPLETE</DetectionStatus>", "StackDriftDetectionId is another"),
    ("DescribeStackResourceDrifts", "<StackResourceDrifts>5</StackResourceDrifts>", "StackResourceDrifts is a string"),
]


@pytest.mark.parametrize("operation,inner,words", DRIFT, ids=[row[0] for row in DRIFT])
def test_a_drift_check_without_a_usable_reply_fails(life, operation, inner, words):
    life.proxy.spoil[f"cloudformation:{operation}"] = xml(operation, f"<{operation}Result>{inner}</{operation}Result>")
    assert life.run("stack/drift-check", "")[0] == "failed"
    assert f"the reply of cloudformation to {operation} is unusable: {words}" in life.latest("error")


def test_a_session_that_was_not_opened(life):
    until((life.tree.path / "tasks/default").exists, "the server", MINUTE)
    life.proxy.spoil["ecs:ExecuteCommand"] = b'{"session": {"sessionId": 5}}'
    life.tree.bash("echo true > tasks/default/exec/query; cat tasks/default/exec/result", check=False)
    said = "the reply of ecs to ExecuteCommand is unusable: session.sessionId is a number"
    until(lambda: said in life.tree.read("tasks/default/exec/error"), said, MINUTE)


@pytest.mark.parametrize("wrong", [b"null", b"", b"\x00" * 64, b'{"exit_code":1e300,"stdout":7}'])
def test_a_reply_of_the_function_that_is_none(life, wrong):
    life.proxy.spoil["lambda:InvokeWithResponseStream"] = wrong
    life.tree.bash("echo true > lambda/query; cat lambda/result", check=False)
    assert life.tree.value("lambda/state") == "failed"
    assert "the reply was cut short" in life.tree.read("lambda/error") or "invalid" in life.tree.read("lambda/error")


def test_a_registry_without_a_password(life):
    life.proxy.spoil["ecr:GetAuthorizationToken"] = b'{"authorizationData": []}'
    assert life.run("deploy", "")[0] == "failed"
    words = "the reply of ecr to GetAuthorizationToken is unusable: authorizationData is an empty list"
    assert words in life.latest("error")


def test_a_quota_that_is_none_is_not_zero(life):
    """Deploying goes on without the check, and says so."""
    life.proxy.spoil["servicequotas:GetServiceQuota"] = b'{"Quota": {"Value": null}}'
    life.tree.configure(server_cpu="512", server_memory="1024")
    assert life.run("stack/replan", "")[0] == "succeeded", life.latest("error")
    assert life.run("deploy", "")[0] == "succeeded", life.latest("error")
    said = "could not be checked: the reply of service-quotas to GetServiceQuota is unusable: Quota.Value is null"
    assert said in life.tree.read("operations/latest/operation.log")


def test_a_kill_while_the_vpcs_are_read(life):
    """The next mount reads them again."""
    for action in ("DescribeVpcs", "DescribeSubnets", "DescribeVpcAttribute"):
        life.proxy.arm(Fault(f"ec2:{action}", 1, "kill_after"))
        life.tree.bash("touch control/refresh", check=False)
        until(life.killed, "the kill", MINUTE)
        life.remount()
        life.tree.bash("touch control/refresh")
        until(lambda: "ready" in life.tree.read("discover/status"), "the VPCs", MINUTE)
        until(lambda: life.tree.value(f"discover/vpcs/{VPC}/default") == "yes", "the VPC", MINUTE)


def rss_mib(life) -> int:
    """The memory of vastfs."""
    pages = int(open(f"/proc/{life.tree.process.pid}/statm", encoding="ascii").read().split()[1])
    return pages * 4096 >> 20


def test_more_resources_than_are_read(life):
    one = b"<member><LogicalResourceId>R%d</LogicalResourceId><ResourceType>AWS::SNS::Topic</ResourceType>" \
          b"<ResourceStatus>CREATE_COMPLETE</ResourceStatus></member>"
    many = b"".join(one % i for i in range(5000))
    life.proxy.spoil["cloudformation:DescribeStackResources"] = lambda body: body.replace(
        b"</StackResources>", many + b"</StackResources>")
    life.tree.bash("touch control/refresh")
    until(lambda: "incomplete resources: more than 1000" in life.tree.read("status"), "the status", MINUTE)
    assert 1000 <= len(list((life.tree.path / "stack/resources").iterdir())) <= 1010
    assert rss_mib(life) < 100
    life.proxy.spoil.clear()
    life.tree.bash("touch control/refresh")
    until(lambda: "incomplete" not in life.tree.read("status"), "the status", MINUTE)


def test_more_pages_of_tasks_than_are_read(life):
    """Each page names another one."""
    numbers = iter(range(1, 1_000_000))
    arn = "arn:aws:ecs:eu-west-1:123456789012:task/c/%032d"

    def page(body):
        number = next(numbers)
        arns = json.loads(body)["taskArns"]
        return json.dumps({"taskArns": arns if number < 3 else [arn % number], "nextToken": f"t{number}"}).encode()
    life.proxy.arm(None)
    life.proxy.spoil["ecs:ListTasks"] = page
    life.proxy.spoil["ecs:DescribeTasks"] = json.dumps({"tasks": [], "failures": [{}] * 100}).encode()
    life.tree.bash("touch control/refresh")
    until(lambda: "incomplete tasks: more than" in life.tree.read("status"), "the status", MINUTE)
    assert rss_mib(life) < 100
