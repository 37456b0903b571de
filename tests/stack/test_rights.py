# SPDX-License-Identifier: BSD-3-Clause
"""Each role of contrib/iam does its whole job with its policy alone; everything else is denied, with a message that names
the action and the policy."""

import json
import os
import re

import pytest
from conftest import ROOT, Tree, until

POLICIES = ROOT / "contrib/iam"
ACTION = r"\w+:\w+"


@pytest.fixture(scope="module")
def keys(cloud):
    """keys(role): the environment with the keys of a user that has this policy alone."""
    iam = cloud.boto("iam")
    known = {}

    def make(role):
        if role not in known:
            document = (POLICIES / f"{role}.json").read_text()
            policy = iam.create_policy(PolicyName=f"vastfs-{role}", PolicyDocument=document)["Policy"]["Arn"]
            iam.create_user(UserName=role)
            iam.attach_user_policy(UserName=role, PolicyArn=policy)
            key = iam.create_access_key(UserName=role)["AccessKey"]
            known[role] = {"AWS_ACCESS_KEY_ID": key["AccessKeyId"], "AWS_SECRET_ACCESS_KEY": key["SecretAccessKey"]}
        return known[role]

    return make


@pytest.fixture(scope="module")
def stack(cloud, keys, tmp_path_factory):
    """A stack that a deployer has made, with a server."""
    tree = Tree(cloud, tmp_path_factory.mktemp("deployer"), **keys("deployer")).mount()
    tree.configure()
    tree.operate("deploy")
    tree.operate("run-task")
    yield tree
    tree.operate("stop-all-tasks")
    tree.operate("destroy", "purge")
    assert "AccessDenied" not in tree.read("error") and "not authorized" not in tree.read("error")
    tree.unmount()


def mount_as(role, stack, keys, base):
    tree = Tree(stack.cloud, base, **keys(role)).mount()
    tree.number, tree.stage, tree.name = stack.number, stack.stage, stack.name
    tree.configure()
    until(lambda: "state deployed" in tree.read("status"), "the deployed stack")
    return tree


def default_task(tree):
    return until(lambda: (tree.path / "tasks/default").is_symlink() and os.readlink(tree.path / "tasks/default"), "the server")


def untouched(tree, task):
    """No call has changed anything since the journal was cleared, and the server runs on."""
    changing = ("Create", "Delete", "Update", "Put", "Stop", "Run", "Execute", "Tag", "Set", "Modify")
    made = [c["action"] for c in tree.cloud.control("GET", "journal") if c["action"].startswith(changing) and c["status"] < 400]
    assert made == []
    found = tree.cloud.boto("cloudformation").describe_stacks(StackName=tree.name)["Stacks"][0]
    assert found["StackStatus"].endswith("_COMPLETE")
    cluster = next(o["OutputValue"] for o in found["Outputs"] if o["OutputKey"] == "ClusterName")
    (server,) = tree.cloud.boto("ecs").describe_tasks(cluster=cluster, tasks=[task])["tasks"]
    assert (server["lastStatus"], server["desiredStatus"]) == ("RUNNING", "RUNNING")


@pytest.fixture
def operator(stack, keys, tmp_path):
    tree = mount_as("operator", stack, keys, tmp_path)
    yield tree
    tree.unmount()


@pytest.fixture
def viewer(stack, keys, tmp_path):
    tree = mount_as("viewer", stack, keys, tmp_path)
    yield tree
    tree.unmount()


def test_a_deployer_changes_and_replans_its_stack(stack):
    stack.write("config/default.env", stack.settings(server_memory="8192", lambda_memory="1024"))
    stack.operate("deploy")
    stack.operate("restart-task")
    assert "denied" not in stack.read("error") and "not authorized" not in stack.read("error")


def test_an_operator_queries_executes_imports_and_runs_tasks(operator):
    assert operator.query("echo of an operator") == b"of an operator\n"
    task = default_task(operator)
    operator.write(f"tasks/{task}/exec/query", "echo inside\n")
    assert operator.read(f"tasks/{task}/exec/result") == "inside\n"
    operator.write("import/json", '{"a": 1}\n')
    operator.read("import/result")
    assert operator.value("import/state") in ("succeeded", "failed")  # the sandbox has no engine: the command itself may fail
    assert operator.read(f"tasks/{task}/task.log") is not None
    operator.operate("restart-task")
    operator.operate("stop-all-tasks")
    operator.operate("run-task")
    assert "not authorized" not in operator.read("error")


@pytest.mark.parametrize("role", ["viewer", "operator"])
@pytest.mark.parametrize("verb, argument", [("deploy", ""), ("destroy", ""), ("destroy", "purge")])
def test_a_role_that_may_not_change_the_stack_leaves_nothing_half_done(request, role, verb, argument):
    tree = request.getfixturevalue(role)
    task = default_task(tree)
    tree.write("config/default.env", tree.settings(lambda_memory="512"))
    tree.cloud.control("DELETE", "journal")
    error = tree.operate(verb, argument, fails=True)
    assert re.search(f"is not authorized to perform: {ACTION} on resource", error)
    assert re.search(f"remedy: attach the policy contrib/iam/deployer.json, which allows {ACTION}", error)
    if verb == "destroy":
        assert "cloudformation:DeleteStack" in error
    untouched(tree, task)


def test_a_viewer_sees_the_tree_and_cannot_query(viewer):
    viewer.bash("find . -type f ! -name '*.log' ! -path './import/*' | sort | xargs -d '\\n' cat > /dev/null")
    task = default_task(viewer)
    assert json.loads(viewer.read(f"tasks/{task}/task.json"))["lastStatus"] == "RUNNING"
    assert viewer.read(f"tasks/{task}/task.log") is not None
    assert "not authorized" not in viewer.read("error")
    viewer.bash("echo 'echo no' > lambda/query; ! cat lambda/result")
    error = viewer.read("lambda/error")
    assert "is not authorized to perform: lambda:InvokeFunction on resource: arn:aws:lambda:" in error
    assert "remedy: attach the policy contrib/iam/operator.json, which allows lambda:InvokeFunction" in error


def test_a_viewer_stops_no_task(viewer):
    error = viewer.operate("stop-all-tasks", fails=True)
    assert "contrib/iam/operator.json" in error
    task = default_task(viewer)
    assert viewer.value(f"tasks/{task}/status") == "RUNNING"


def test_where_one_poll_is_denied_the_rest_of_the_tree_goes_on(cloud, stack, tmp_path, keys):
    """A policy without one of the viewer's actions: that part is missing and says so."""
    document = json.loads((POLICIES / "viewer.json").read_text())
    document["Statement"].append({"Effect": "Deny", "Action": "lambda:GetFunctionConfiguration", "Resource": "*"})
    iam = cloud.boto("iam")
    iam.create_user(UserName="half")
    iam.put_user_policy(UserName="half", PolicyName="half", PolicyDocument=json.dumps(document))
    key = iam.create_access_key(UserName="half")["AccessKey"]
    tree = Tree(cloud, tmp_path, AWS_ACCESS_KEY_ID=key["AccessKeyId"], AWS_SECRET_ACCESS_KEY=key["SecretAccessKey"]).mount()
    tree.number, tree.stage, tree.name = stack.number, stack.stage, stack.name
    tree.configure()
    until(lambda: "state deployed" in tree.read("status"), "the deployed stack")
    assert default_task(tree) in tree.bash("ls tasks")
    assert "lambda:GetFunctionConfiguration" in tree.read("error")
    tree.unmount()
