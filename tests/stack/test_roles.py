# SPDX-License-Identifier: BSD-3-Clause
"""Managed policies for the roles of server and function: the setting role_policies."""

import pytest

READ_ONLY = "arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess"
ROLES = ("TaskRole", "LambdaRole")


def attached(cloud, tree, role):
    name = tree.value(f"stack/resources/{role}/physical_id")
    found = cloud.boto("iam").list_attached_role_policies(RoleName=name)["AttachedPolicies"]
    return [policy["PolicyArn"] for policy in found]


def test_policies_are_planned_attached_and_detached(tree, cloud):
    tree.operate("deploy")
    assert [attached(cloud, tree, role) for role in ROLES] == [[], []]

    tree.write("config/default.env", tree.settings(role_policies=READ_ONLY))
    plan = tree.read("stack/plan")
    assert f"role_policies: (none) -> {READ_ONLY} (parameter RolePolicies)\n" in plan
    assert "updates TaskRole (AWS::IAM::Role)" in plan and "updates LambdaRole (AWS::IAM::Role)" in plan
    assert "restart-task" not in plan and "TaskDefinition" not in plan
    tree.operate("deploy")
    assert [attached(cloud, tree, role) for role in ROLES] == [[READ_ONLY], [READ_ONLY]]
    assert attached(cloud, tree, "ExecutionRole") == []
    assert tree.value("stack/parameters/RolePolicies") == READ_ONLY
    assert tree.read("stack/plan").startswith("up to date\n")

    tree.write("config/default.env", tree.settings())
    assert f"role_policies: {READ_ONLY} -> (none) " in tree.read("stack/plan")
    tree.operate("deploy")
    assert [attached(cloud, tree, role) for role in ROLES] == [[], []]


@pytest.mark.parametrize("arn, words", [
    ("arn:aws:iam::aws:policy/NoSuchPolicy", "does not exist"),
    ("arn:aws:iam::111122223333:policy/theirs", "belongs to account 111122223333"),
    ("arn:aws-cn:iam::aws:policy/ReadOnlyAccess", "belongs to the partition aws-cn"),
])
def test_a_policy_that_cannot_be_had_stops_the_deploy_before_it_writes(tree, cloud, arn, words):
    tree.write("config/default.env", tree.settings(role_policies=f"{READ_ONLY},{arn}"))
    error = tree.operate("deploy", fails=True)
    assert words in error and arn in error
    assert "remedy: correct role_policies in config/default.env, then: touch control/deploy" in error
    assert "state not-deployed" in tree.read("status")
    assert f"repository/{tree.name}" not in str(cloud.boto("ecr").describe_repositories()["repositories"])


def test_who_may_not_look_a_policy_up_learns_it_from_cloudformation(tree, cloud):
    cloud.fault("iam:GetPolicy", "error", code="AccessDenied", status=403, message="not authorized: iam:GetPolicy", count=0)
    tree.write("config/default.env", tree.settings(role_policies="arn:aws:iam::aws:policy/NoSuchPolicy"))
    error = tree.operate("deploy", fails=True)
    assert "NoSuchPolicy does not exist or is not attachable" in error
    assert "remedy: correct role_policies" in error
    assert "warning: cannot look up the policy" in tree.read("operations/latest/operation.log")

    tree.write("config/default.env", tree.settings(role_policies=READ_ONLY))
    assert "is deployed" in tree.operate("deploy")
    assert attached(cloud, tree, "TaskRole") == [READ_ONLY]


def test_a_bad_list_is_refused_when_it_is_written(tree):
    done = tree.bash("echo 'role_policies=AmazonS3ReadOnlyAccess' >> config/default.env", check=False)
    assert done.returncode != 0
    assert "not the ARN of a managed policy" in tree.read("error")


def test_a_policy_attached_by_hand_stops_a_destroy_in_words(deployed, cloud):
    iam, role = cloud.boto("iam"), deployed.value("stack/resources/LambdaRole/physical_id")
    iam.attach_role_policy(RoleName=role, PolicyArn=READ_ONLY)
    error = deployed.operate("destroy", fails=True)
    assert "must detach all policies first" in error and "aws iam detach-role-policy" in error
    iam.detach_role_policy(RoleName=role, PolicyArn=READ_ONLY)
    deployed.operate("destroy")
