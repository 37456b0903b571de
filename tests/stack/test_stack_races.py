# SPDX-License-Identifier: BSD-3-Clause
"""Two machines on one stack at the same moment, and hands that delete things in the middle."""

import pytest

from conftest import until
from test_main_job import both


@pytest.fixture
def pace(cloud):
    """How slowly AWS works; 0 at the end."""
    yield lambda scale: cloud.control("POST", "pace", {"time_scale": scale})
    cloud.control("POST", "pace", {"time_scale": 0})


def aws_status(tree, cloud):
    found = [s for s in cloud.boto("cloudformation").describe_stacks()["Stacks"] if s["StackName"] == tree.name]
    return found[0]["StackStatus"] if found else "none"


def becomes(tree, cloud, status):
    until(lambda: aws_status(tree, cloud) == status, status)


def ended(tree, script):
    """How it ended, whether it was refused by the touch or by the operation."""
    if tree.bash(script, check=False).returncode:
        return "refused", tree.read("error").splitlines()[-1]
    tree.bash("cat operations/latest/result", check=False)
    return tree.value("operations/latest/state"), tree.read("operations/latest/error")


def result(tree):
    return tree.bash("cat operations/latest/result")


def test_who_deploys_the_same_follows(tree, other, cloud, pace):
    pace(0.02)
    tree.bash("touch control/deploy")
    becomes(tree, cloud, "CREATE_IN_PROGRESS")
    assert ended(other, "touch control/deploy")[0] == "succeeded"
    assert "is deployed" in result(tree) and "is deployed" in result(other)
    assert "following the change that is running" in other.read("operations/latest/operation.log")


def test_who_deploys_something_else_is_told_the_difference(deployed, other, cloud, pace):
    other.bash("touch control/refresh")
    until(lambda: other.value("stack/status") == "CREATE_COMPLETE", "the stack")
    other.write("config/default.env", deployed.settings(server_memory="8192"))
    deployed.write("config/default.env", deployed.settings(server_memory="16384"))
    until(lambda: "settings differs" in other.read("status"), "the settings")
    pace(10)
    deployed.bash("touch control/deploy")
    becomes(deployed, cloud, "UPDATE_IN_PROGRESS")
    if other.bash("touch control/deploy", check=False).returncode:
        assert "EBUSY" in other.read("error")
        pace(0)
    else:
        until(lambda: "following the change that is running" in other.read("operations/latest/operation.log"), "the follower")
        pace(0)
        _, error = ended(other, "true")
        assert "they differ in" in error and "ServerMemory" in error
    assert "is deployed" in result(deployed)
    deployed.bash("touch control/refresh")
    until(lambda: deployed.value("stack/parameters/ServerMemory") == "16384", "the winner's setting")


def test_two_first_deploys_of_different_settings(tree, other, cloud):
    other.write("config/default.env", tree.settings(server_memory="8192"))
    ends = both(tree, other, "touch control/deploy; cat operations/latest/result; cat operations/latest/error")
    won = [text for text, _ in ends if "is deployed" in text]
    lost = [text for text, _ in ends if "they differ in" in text]
    assert len(won) == len(lost) == 1, ends
    assert "ServerMemory" in lost[0]


def test_two_destroys_at_once(deployed, other, cloud):
    other.bash("touch control/refresh")
    until(lambda: other.value("stack/status") == "CREATE_COMPLETE", "the stack")
    deployed.operate("run-task")
    for text, code in both(deployed, other, "touch control/destroy; cat operations/latest/result"):
        assert code == 0 and ("is deleted" in text or "no stack was deployed" in text), text
    assert aws_status(deployed, cloud) == "none"


def test_destroy_follows_a_destroy(deployed, other, cloud, pace):
    other.bash("touch control/refresh")
    until(lambda: other.value("stack/status") == "CREATE_COMPLETE", "the stack")
    pace(0.02)
    deployed.bash("touch control/destroy")
    becomes(deployed, cloud, "DELETE_IN_PROGRESS")
    state, error = ended(other, "touch control/destroy")
    assert state == "succeeded" or "EBUSY" in error
    assert "is deleted" in result(deployed)


def test_destroy_is_refused_while_somebody_deploys(tree, other, cloud, pace):
    pace(0.02)
    tree.bash("touch control/deploy")
    becomes(tree, cloud, "CREATE_IN_PROGRESS")
    state, error = ended(other, "touch control/destroy")
    assert state == "refused" and "EBUSY" in error or "somebody else is deploying the stack" in error
    assert "is deployed" in result(tree)


def test_deploy_is_refused_while_somebody_destroys(deployed, other, cloud, pace):
    other.bash("touch control/refresh")
    until(lambda: other.value("stack/status") == "CREATE_COMPLETE", "the stack")
    pace(0.02)
    deployed.bash("touch control/destroy")
    becomes(deployed, cloud, "DELETE_IN_PROGRESS")
    state, error = ended(other, "touch control/deploy")
    assert state == "refused" and "EBUSY" in error or "somebody else is destroying the stack" in error
    assert "is deleted" in result(deployed)
    assert not [r for r in cloud.boto("ecr").describe_repositories()["repositories"] if r["repositoryName"] == deployed.name]


def test_deploy_against_destroy(deployed, other, cloud):
    """Whichever operation wins, the stack is whole or gone, and both say so."""
    other.bash("touch control/refresh")
    until(lambda: other.value("stack/status") == "CREATE_COMPLETE", "the stack")
    deployed.write("config/default.env", deployed.settings(server_memory="8192"))
    script = "cat operations/latest/result; cat operations/latest/error"
    both(deployed, other, f"touch control/$([ $m = {deployed.path} ] && echo deploy || echo destroy); {script}")
    status = aws_status(deployed, cloud)
    assert status in ("none", "CREATE_COMPLETE", "UPDATE_COMPLETE")
    states = deployed.value("operations/latest/state"), other.value("operations/latest/state")
    assert "succeeded" in states
    if status != "none":
        assert states[0] == "succeeded"
    deployed.bash("touch control/refresh")
    until(lambda: deployed.read("stack/status") == ("" if status == "none" else f"{status}\n"), "the end in the tree")


# What is deleted by hand

def test_a_stack_deleted_while_it_is_created(tree, cloud, pace):
    pace(0.05)
    tree.bash("touch control/deploy")
    until(lambda: (tree.path / "stack/resources/NatGateway").exists(), "a resource")
    cloud.boto("cloudformation").delete_stack(StackName=tree.name)
    pace(0)
    state, error = ended(tree, "true")
    assert state == "failed" and "somebody else" in error and "delete" in error
    assert "is deployed" in tree.operate("deploy")


def test_a_function_deleted_by_hand(deployed, cloud):
    cloud.boto("lambda").delete_function(FunctionName=deployed.value("stack/outputs/FunctionName"))
    assert "was deleted outside of vastfs" in deployed.operate("deploy", fails=True)
    assert "touch control/destroy" in deployed.read("error")
    assert "is deleted" in deployed.operate("destroy")


def test_a_cluster_deleted_by_hand(deployed, cloud):
    cloud.boto("ecs").delete_cluster(cluster=deployed.value("stack/outputs/ClusterName"))
    deployed.write("config/default.env", deployed.settings(server_memory="8192"))
    error = deployed.operate("run-task", fails=True)
    assert "the ECS cluster" in error and "was deleted outside of vastfs" in error
    assert "is deleted" in deployed.operate("destroy")


def test_a_repository_deleted_by_hand(deployed, cloud):
    cloud.boto("ecr").delete_repository(repositoryName=deployed.name, force=True)
    assert "is deployed" in deployed.operate("deploy")
    cloud.boto("ecr").delete_repository(repositoryName=deployed.name, force=True)
    assert "is deleted" in deployed.operate("destroy")


def test_a_file_system_deleted_by_hand(deployed, cloud):
    deployed.operate("destroy")
    efs = cloud.boto("efs")
    gone = efs.describe_file_systems(CreationToken=deployed.name)["FileSystems"][0]["FileSystemId"]
    efs.delete_file_system(FileSystemId=gone)
    assert "no stack was deployed" in deployed.operate("destroy", "purge")
    assert "is deployed" in deployed.operate("deploy")
    assert deployed.value("stack/outputs/FileSystemId") != gone
