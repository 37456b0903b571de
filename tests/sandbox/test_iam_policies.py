# SPDX-License-Identifier: BSD-3-Clause
"""Managed policies of roles, and policies that are resources of a stack."""

import json

import pytest
from botocore.exceptions import ClientError
from cloudformation_support import ASSUME

READ_ONLY = "arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess"


@pytest.fixture
def role(sandbox):
    iam = sandbox.client("iam")
    iam.create_role(RoleName="someone", AssumeRolePolicyDocument=json.dumps(ASSUME))
    yield "someone"
    for policy in attached(sandbox, "someone"):
        iam.detach_role_policy(RoleName="someone", PolicyArn=policy)
    iam.delete_role(RoleName="someone")


def attached(sandbox, role):
    found = sandbox.client("iam").list_attached_role_policies(RoleName=role)
    return [policy["PolicyArn"] for policy in found["AttachedPolicies"]]


@pytest.mark.parametrize(
    "arn, code, words",
    [
        ("arn:aws:iam::aws:policy/NoSuchPolicy", "NoSuchEntity", "does not exist or"),
        ("arn:aws:iam::111122223333:policy/theirs", "NoSuchEntity", "not attachable"),
        ("arn:aws:iam::aws:role/AmazonS3ReadOnlyAccess", "InvalidInput", "not valid"),
        (
            "arn:aws:iam::aws:policy/aws-service-role/AWSSupportServiceRolePolicy",
            "PolicyNotAttachable",
            "Service Role Policy",
        ),
    ],
)
def test_what_cannot_be_attached(sandbox, role, arn, code, words):
    with pytest.raises(ClientError) as caught:
        sandbox.client("iam").attach_role_policy(RoleName=role, PolicyArn=arn)
    assert caught.value.response["Error"]["Code"] == code
    assert words in caught.value.response["Error"]["Message"]
    assert attached(sandbox, role) == []


def test_a_policy_of_aws_is_attached(sandbox, role):
    iam = sandbox.client("iam")
    iam.attach_role_policy(RoleName=role, PolicyArn=READ_ONLY)
    iam.attach_role_policy(RoleName=role, PolicyArn=READ_ONLY)  # a repeated request succeeds
    assert attached(sandbox, role) == [READ_ONLY]


def test_ten_policies_a_role(sandbox, role):
    iam = sandbox.client("iam")
    document = {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}],
    }
    arns = [
        iam.create_policy(PolicyName=f"p{n}", PolicyDocument=json.dumps(document))[
            "Policy"
        ]["Arn"]
        for n in range(11)
    ]
    for arn in arns[:10]:
        iam.attach_role_policy(RoleName=role, PolicyArn=arn)
    with pytest.raises(ClientError) as caught:
        iam.attach_role_policy(RoleName=role, PolicyArn=arns[10])
    assert caught.value.response["Error"]["Code"] == "LimitExceeded"
    assert "PoliciesPerRole: 10" in caught.value.response["Error"]["Message"]
