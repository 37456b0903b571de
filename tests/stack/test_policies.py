# SPDX-License-Identifier: BSD-3-Clause
"""The policies that vastfs writes on the file system and the image repository, and what others make of them."""

import json

import pytest

EXTRA = {"Sid": "Backup", "Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::999988887777:root"},
         "Action": "ecr:BatchGetImage"}
EXPIRE_SOON = {"rules": [{"rulePriority": 1, "selection": {"tagStatus": "untagged", "countType": "sinceImagePushed",
                                                           "countUnit": "days", "countNumber": 1},
                          "action": {"type": "expire"}}]}
WRITES = ("efs:PutFileSystemPolicy", "ecr:SetRepositoryPolicy", "ecr:PutLifecyclePolicy")


class Policies:
    """As boto3 sees them."""

    def __init__(self, cloud, tree):
        self.cloud, self.name = cloud, tree.name
        self.ecr, self.efs = cloud.boto("ecr"), cloud.boto("efs")

    @property
    def file_system(self):
        return self.efs.describe_file_systems(CreationToken=self.name)["FileSystems"][0]["FileSystemId"]

    def repository(self):
        return json.loads(self.ecr.get_repository_policy(repositoryName=self.name)["policyText"])

    def storage(self):
        return json.loads(self.efs.describe_file_system_policy(FileSystemId=self.file_system)["Policy"])

    def lifecycle(self):
        return json.loads(self.ecr.get_lifecycle_policy(repositoryName=self.name)["lifecyclePolicyText"])

    def edit_repository(self, policy):
        self.ecr.set_repository_policy(repositoryName=self.name, policyText=json.dumps(policy))

    def edit_storage(self, policy):
        self.efs.put_file_system_policy(FileSystemId=self.file_system, Policy=json.dumps(policy))


@pytest.fixture
def policies(cloud, deployed):
    return Policies(cloud, deployed)


def deploy_and_count(cloud, tree):
    before = [cloud.calls(action) for action in WRITES]
    tree.operate("deploy")
    return [cloud.calls(action) - n for action, n in zip(WRITES, before)]


def test_what_is_there_is_not_written_again(cloud, deployed, policies):
    assert policies.repository()["Statement"] and policies.storage()["Statement"] and policies.lifecycle()["rules"]
    assert deploy_and_count(cloud, deployed) == [0, 0, 0]
    assert deployed.read("operations/latest/error") == ""


def test_what_is_missing_is_written_again(cloud, deployed, policies):
    policies.ecr.delete_repository_policy(repositoryName=deployed.name)
    policies.ecr.delete_lifecycle_policy(repositoryName=deployed.name)
    assert deploy_and_count(cloud, deployed) == [0, 1, 1]
    assert "lambda.amazonaws.com" in json.dumps(policies.repository())


def test_the_same_in_another_form_is_left_alone(cloud, deployed, policies):
    (statement,) = policies.repository()["Statement"]
    condition = statement["Condition"]["StringLike"]["aws:sourceArn"]
    policies.edit_repository({"Statement": {"Condition": {"StringLike": {"aws:SourceArn": [condition]}},
                                            "Action": list(reversed(statement["Action"])), "Effect": "Allow",
                                            "Principal": {"Service": ["lambda.amazonaws.com"]}},
                              "Version": "2012-10-17"})
    assert deploy_and_count(cloud, deployed) == [0, 0, 0]
    assert deployed.read("operations/latest/error") == ""


def test_a_user_s_edit_stays_and_is_reported(cloud, deployed, policies):
    edited = policies.repository()
    edited["Statement"].append(EXTRA)
    policies.edit_repository(edited)
    policies.ecr.put_lifecycle_policy(repositoryName=deployed.name, lifecyclePolicyText=json.dumps(EXPIRE_SOON))
    kept = policies.repository(), policies.lifecycle()
    assert deploy_and_count(cloud, deployed) == [0, 0, 0]
    assert (policies.repository(), policies.lifecycle()) == kept
    error, log = deployed.read("operations/latest/error"), deployed.read("operations/latest/operation.log")
    assert f"the policy of the image repository {deployed.name} was edited and stays as it is: 0 entries that vastfs writes " \
           "are missing, 1 were added; to have vastfs write it again, delete it in the ECR console (Repositories, Permissions) or with:" in error
    assert f"the lifecycle policy of the image repository {deployed.name} was edited" in error
    assert f"aws ecr delete-repository-policy --repository-name {deployed.name} --region eu-west-1, then touch control/deploy" in error
    assert 'only in the existing policy: {"Sid":"Backup"' in log
    assert "was edited and stays as it is" in deployed.read("error")
    assert deployed.value("operations/latest/exit_code") == "0"


def test_what_will_not_work_is_said(cloud, deployed, policies):
    policies.edit_repository({"Version": "2012-10-17", "Statement": [EXTRA]})
    storage = policies.storage()
    storage["Statement"] = [s for s in storage["Statement"] if s["Effect"] == "Deny"]
    policies.edit_storage(storage)
    assert deploy_and_count(cloud, deployed) == [0, 0, 0]
    error = deployed.read("operations/latest/error")
    assert "Lambda may not be able to pull the image" in error
    assert "the server may not be able to mount its storage" in error


def test_what_may_not_be_read_is_left_alone(cloud, deployed, policies):
    policies.edit_repository({"Version": "2012-10-17", "Statement": [EXTRA]})
    cloud.fault("ecr:GetRepositoryPolicy", "error", code="AccessDeniedException", status=403, message="not authorized", count=0)
    assert deploy_and_count(cloud, deployed) == [0, 0, 0]
    assert "cannot read the policy of the image repository" in deployed.read("operations/latest/error")
