# SPDX-License-Identifier: BSD-3-Clause
"""The evaluator of policy documents, and calls that are held to a user's policies."""

import json

import boto3
import pytest
from botocore.exceptions import ClientError
from vastfs_sandbox.iam.policy import Invalid, Request, decide


def allow(action, resource="*", effect="Allow", **condition):
    statement = {"Effect": effect, "Action": action, "Resource": resource}
    return {"Statement": {**statement, **({"Condition": condition} if condition else {})}}


QUEUE = "arn:aws:sqs:eu-west-1:1:q"


@pytest.mark.parametrize("documents, request_, decision", [
    ([allow("sqs:Send*")], Request("sqs:SendMessage"), "allow"),
    ([allow("SQS:sendmessage")], Request("sqs:SendMessage"), "allow"),
    ([allow("sqs:Send?")], Request("sqs:SendMessage"), "none"),
    ([allow(["a:B", "sqs:*"], ["arn:aws:sqs:*:*:q", "x"])], Request("sqs:Get", QUEUE), "allow"),
    ([allow("sqs:*", "arn:aws:sqs:*:*:other")], Request("sqs:Get", QUEUE), "none"),
    ([allow("sqs:*"), allow("sqs:Get", effect="Deny")], Request("sqs:Get"), "deny"),
    ([], Request("sqs:Get"), "none"),
    ([allow("a:B", StringEquals={"k": ["x", "y"]})], Request("a:B", "*", {"K": "y"}), "allow"),
    ([allow("a:B", StringEquals={"k": "x"})], Request("a:B", "*", {"k": "xy"}), "none"),
    ([allow("a:B", StringLike={"k": "x*"})], Request("a:B", "*", {"k": "xy"}), "allow"),
    ([allow("a:B", StringLike={"k": "*"})], Request("a:B"), "none"),
    ([allow("a:B", StringLikeIfExists={"k": "x"})], Request("a:B"), "allow"),
    ([allow("a:B", StringNotEquals={"k": "x"})], Request("a:B"), "allow"),
    ([allow("a:B", Null={"k": True})], Request("a:B"), "allow"),
    ([allow("a:B", **{"ForAllValues:StringEquals": {"k": ["x", "y"]}})], Request("a:B", "*", {"k": ["x", "z"]}), "none"),
    ([allow("a:B", **{"ForAnyValue:StringEquals": {"k": ["x", "y"]}})], Request("a:B", "*", {"k": ["x", "z"]}), "allow"),
    ([allow("a:B", ArnLike={"k": "arn:aws:ecs:*:*:cluster/v-*"})], Request("a:B", "*", {"k": "arn:aws:ecs:r:1:cluster/v-1"}), "allow"),
    ([allow("a:B", ArnLike={"k": "arn:aws:*:cluster/v-*"})], Request("a:B", "*", {"k": "arn:aws:ecs:r:1:cluster/v-1"}), "none"),
    ([allow("a:B", StringEquals={"k": "x", "l": "y"})], Request("a:B", "*", {"k": "x"}), "none"),
])
def test_decisions(documents, request_, decision):
    assert decide(documents, request_) == decision


def test_a_condition_that_is_not_understood_is_no_permission():
    with pytest.raises(Invalid, match="DateLessThan"):
        decide([allow("a:B", DateLessThan={"k": "2030-01-01"})], Request("a:B", "*", {"k": "2029-01-01"}))


@pytest.fixture
def user(sandbox):
    """user(document): a function that makes clients with the rights of the document."""
    iam = sandbox.client("iam")
    made = []

    def make(document):
        name = f"u{len(made)}"
        iam.create_user(UserName=name)
        iam.put_user_policy(UserName=name, PolicyName="p", PolicyDocument=json.dumps({"Version": "2012-10-17", **document}))
        key = iam.create_access_key(UserName=name)["AccessKey"]
        made.append((name, key["AccessKeyId"]))
        return lambda service: boto3.client(service, endpoint_url=sandbox.endpoint, region_name="eu-west-1",
                                            aws_access_key_id=key["AccessKeyId"], aws_secret_access_key=key["SecretAccessKey"])

    yield make
    for name, key in made:
        iam.delete_access_key(UserName=name, AccessKeyId=key)
        iam.delete_user_policy(UserName=name, PolicyName="p")
        iam.delete_user(UserName=name)


def refused(code, call, **arguments):
    with pytest.raises(ClientError) as caught:
        call(**arguments)
    assert caught.value.response["Error"]["Code"] == code
    return caught.value.response["Error"]["Message"]


def test_calls_are_held_to_the_policies_of_their_user(user):
    clients = user(allow(["ec2:DescribeVpcs", "ecr:DescribeRepositories"], ["*", "arn:aws:ecr:*:*:repository/vast-*"]))
    assert clients("sts").get_caller_identity()["Arn"].endswith(":user/u0")
    assert clients("ec2").describe_vpcs()["Vpcs"]
    assert "ec2:DescribeSubnets" in refused("UnauthorizedOperation", clients("ec2").describe_subnets)
    message = refused("AccessDeniedException", clients("ecs").list_tasks, cluster="vast-a-Cluster-1")
    assert message.endswith("is not authorized to perform: ecs:ListTasks on resource: * because no identity-based policy allows the "
                            "ecs:ListTasks action")
    assert "cloudformation:DescribeStacks" in refused("AccessDenied", clients("cloudformation").describe_stacks, StackName="vast-a")
    assert "lambda:InvokeFunction" in refused("AccessDeniedException", clients("lambda").invoke, FunctionName="vast-a-F-1")


def test_tags_of_request_and_resource_decide(user, sandbox):
    tagged = {"aws:RequestTag/vastfs:stage": "*"}
    clients = user({"Statement": [
        allow("ec2:CreateSecurityGroup", "arn:aws:ec2:*:*:security-group/*", StringLike=tagged)["Statement"],
        allow("ec2:CreateSecurityGroup", "arn:aws:ec2:*:*:vpc/*")["Statement"],
        allow("ec2:CreateTags", StringEquals={"ec2:CreateAction": "CreateSecurityGroup"})["Statement"],
        allow("ec2:DeleteSecurityGroup", StringLike={"aws:ResourceTag/vastfs:stage": "*"})["Statement"],
    ]})
    ec2, own = clients("ec2"), sandbox.client("ec2")
    vpc = own.describe_vpcs()["Vpcs"][0]["VpcId"]
    group = {"Description": "d", "VpcId": vpc}
    refused("UnauthorizedOperation", ec2.create_security_group, GroupName="plain", **group)
    tags = [{"ResourceType": "security-group", "Tags": [{"Key": "vastfs:stage", "Value": "a"}]}]
    made = ec2.create_security_group(GroupName="tagged", TagSpecifications=tags, **group)["GroupId"]
    foreign = own.create_security_group(GroupName="foreign", **group)["GroupId"]
    refused("UnauthorizedOperation", ec2.delete_security_group, GroupId=foreign)
    refused("UnauthorizedOperation", ec2.create_tags, Resources=[foreign], Tags=tags[0]["Tags"])
    ec2.delete_security_group(GroupId=made)
    own.delete_security_group(GroupId=foreign)


def test_an_operation_without_a_row_is_refused(user):
    clients = user(allow("*"))
    message = refused("UnauthorizedOperation", clients("ec2").create_key_pair, KeyName="k")
    assert "add a row to iam/requests.py" in message
