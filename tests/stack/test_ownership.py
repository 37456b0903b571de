# SPDX-License-Identifier: BSD-3-Clause
"""A stack of our name that vastfs did not create is never touched."""

import json

import pytest
from botocore.exceptions import ClientError

from conftest import until

READS = ("Describe", "Get", "List")
VERBS = ("deploy", "destroy", "run-task", "restart-task", "stop-all-tasks")
#: parameters and outputs named like ours
TEMPLATE = {
    "Parameters": {"Stage": {"Type": "String"}, "ServerPort": {"Type": "String", "Default": "42000"}},
    "Resources": {"EcsCluster": {"Type": "AWS::ECS::Cluster"}, "Log": {"Type": "AWS::Logs::LogGroup"}},
    "Outputs": {"ClusterName": {"Value": {"Ref": "EcsCluster"}}, "FunctionName": {"Value": "theirs"},
                "TaskDefinitionArn": {"Value": "arn:aws:ecs:eu-west-1:123456789012:task-definition/theirs:1"},
                "TaskFamily": {"Value": "theirs"}},
}


class Foreign:
    """A stack of our name, made by somebody else."""

    def __init__(self, cloud, tree):
        self.cloud, self.tree = cloud, tree
        self.api = cloud.boto("cloudformation")
        self.request = {"StackName": tree.name, "TemplateBody": json.dumps(TEMPLATE),
                        "Parameters": [{"ParameterKey": "Stage", "ParameterValue": tree.stage}]}

    def status(self):
        return self.api.describe_stacks(StackName=self.tree.name)["Stacks"][0]["StackStatus"]

    def settled(self, wanted):
        until(lambda: self.status() == wanted, wanted)
        self.id = self.api.describe_stacks(StackName=self.tree.name)["Stacks"][0]["StackId"]
        self.events = len(self.history())
        self.cloud.control("DELETE", "journal")
        return self

    def create(self, wanted="CREATE_COMPLETE", **more):
        self.api.create_stack(**self.request, **more)
        return self.settled(wanted)

    def review(self):
        self.api.create_change_set(ChangeSetName="theirs", ChangeSetType="CREATE", **self.request)
        return self.settled("REVIEW_IN_PROGRESS")

    def history(self):
        return self.api.describe_stack_events(StackName=self.tree.name)["StackEvents"]

    def untouched(self):
        """No call that writes was made, and the stack is the one that it was."""
        writes = [f"{c['service']}:{c['action']}" for c in self.cloud.control("GET", "journal")
                  if not c["action"].startswith(READS)]
        assert not writes
        self.still_there()

    def still_there(self):
        assert self.api.describe_stacks(StackName=self.tree.name)["Stacks"][0]["StackId"] == self.id
        assert len(self.history()) == self.events
        sets = self.api.list_change_sets(StackName=self.tree.name)["Summaries"]
        assert not [s for s in sets if s["ChangeSetName"] != "theirs"]

    def remove(self):
        try:
            self.api.delete_stack(StackName=self.tree.name)
        except ClientError:
            pass
        until(lambda: not [s for s in self.api.describe_stacks()["Stacks"] if s["StackName"] == self.tree.name], "its end")
        self.tree.bash("touch control/refresh", check=False)
        until(lambda: "state not-deployed" in self.tree.read("status"), "its end in the tree")


@pytest.fixture
def foreign(tree, cloud):
    made = Foreign(cloud, tree)
    yield made
    made.remove()


def rolled_back(foreign):
    foreign.cloud.fault("resource:Log", "create_failed")
    return foreign.create("ROLLBACK_COMPLETE")


def delete_failed(foreign):
    foreign.create()
    foreign.cloud.fault("resource:Log", "delete_failed")
    foreign.api.delete_stack(StackName=foreign.tree.name)
    return foreign.settled("DELETE_FAILED")


def of_another_stage(foreign):
    return foreign.create(Tags=[{"Key": "vastfs:stage", "Value": "another"}])


STATES = {"healthy": Foreign.create, "review": Foreign.review, "rolled back": rolled_back, "half deleted": delete_failed,
          "of another stage": of_another_stage}


@pytest.mark.parametrize("state", STATES)
def test_a_known_foreign_stack_refuses_at_once(foreign, tree, state):
    STATES[state](foreign)
    tree.bash("touch control/refresh")
    until(lambda: "state foreign" in tree.read("status"), "the state")
    assert "settings -" in tree.read("status")
    assert f"deploy would refuse: the stack {tree.name}" in tree.read("stack/plan")
    for what in (*(f"touch control/{verb}" for verb in (*VERBS, "cancel")), "echo purge > control/destroy",
                 "echo force > control/run-task", "echo id > lambda/query"):
        assert tree.bash(what, check=False).returncode == 1, what
        assert "errno=EEXIST" in tree.read("error").splitlines()[-1], what
    assert f"has no tag vastfs:stage={tree.stage}" in tree.read("error")
    assert "delete that stack if it is yours and no longer needed, then touch control/refresh" in tree.read("error")
    foreign.untouched()


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("verb", ["touch control/deploy", "touch control/destroy", "echo purge > control/destroy"])
def test_an_operation_finds_out_by_itself(foreign, tree, state, verb):
    """The stack is made after the tree was read last."""
    STATES[state](foreign)
    assert "state not-deployed" in tree.read("status")
    assert tree.bash(f"{verb} && cat operations/latest/result", check=False).returncode == 1
    assert f"the stack {tree.name} exists but has no tag" in tree.read("operations/latest/error")
    foreign.untouched()


def while_delayed(tree, cloud, action, verb, meanwhile):
    """Runs an operation and does something else while its call of that action is under way."""
    cloud.fault(action, "delay", seconds=3)
    tree.bash(verb)
    until(lambda: not cloud.control("GET", "faults"), f"the call {action}")
    meanwhile()
    tree.bash("cat operations/latest/result", check=False)
    return tree.value("operations/latest/state"), tree.read("operations/latest/error")


@pytest.mark.parametrize("state", ["healthy", "review", "rolled back"])
@pytest.mark.parametrize("action", ["ecr:DescribeRepositories", "cloudformation:CreateChangeSet"])
def test_a_stack_that_appears_during_deploy(foreign, tree, cloud, state, action):
    ended, error = while_delayed(tree, cloud, action, "touch control/deploy", lambda: STATES[state](foreign))
    assert ended == "failed" and "has no tag" in error, error
    foreign.still_there()


def test_a_stack_that_takes_our_place_during_destroy(foreign, deployed, cloud):
    def replace():
        foreign.remove()
        foreign.create()

    cloud.control("POST", "pace", {"time_scale": 0})
    ended, error = while_delayed(deployed, cloud, "lambda:UpdateFunctionConfiguration",
                                 "echo purge > control/destroy", replace)
    foreign.still_there()
    assert ended == "failed" and "is kept" in error, error
    assert cloud.boto("efs").describe_file_systems(CreationToken=deployed.name)["FileSystems"]


def test_a_stack_that_appears_before_the_file_system_is_deleted(foreign, deployed, cloud):
    cloud.control("POST", "pace", {"time_scale": 0})
    ended, error = while_delayed(deployed, cloud, "ecr:DeleteRepository", "echo purge > control/destroy", foreign.create)
    foreign.still_there()
    assert ended == "failed" and "is kept" in error, error
    assert cloud.boto("efs").describe_file_systems(CreationToken=deployed.name)["FileSystems"]
