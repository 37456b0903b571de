# SPDX-License-Identifier: BSD-3-Clause
"""Request tokens: CloudFormation takes each for one call only, and remembers it by the stack's name for ever."""

import pytest

from conftest import until


def state_of_latest(tree):
    tree.bash("cat operations/latest/result > /dev/null", check=False, deadline=60)
    return tree.value("operations/latest/state"), tree.read("operations/latest/error")


@pytest.fixture
def slow(tree, cloud):
    """A stack that takes some seconds to change."""
    yield lambda scale=0.05: cloud.control("POST", "pace", {"time_scale": scale})
    cloud.control("POST", "pace", {"time_scale": 0})


def update_begun(tree, slow, scale=10):
    tree.write("config/default.env", tree.settings(server_memory="8192"))
    slow(scale)
    tree.bash("touch control/deploy")
    until(lambda: tree.value("stack/status") == "UPDATE_IN_PROGRESS", "the update")


def test_a_second_try_of_the_first_deploy(tree, cloud):
    cloud.fault("lambda", "role_not_assumable")
    assert "is deployed" in tree.operate("deploy")
    assert "creating the stack again" in tree.read("operations/latest/operation.log")
    assert "is deleted" in tree.operate("destroy")


def test_cancelling_a_creation(tree, cloud, slow):
    slow()
    tree.bash("touch control/deploy")
    until(lambda: (tree.path / "stack/resources/NatGateway").exists(), "a resource")
    tree.bash("touch control/cancel; touch control/cancel")
    slow(0)
    assert state_of_latest(tree) == ("cancelled", "cancelled: the resources that had been created are deleted\n")
    assert "is deployed" in tree.operate("deploy")


def test_cancelling_an_update(deployed, cloud, slow):
    update_begun(deployed, slow)
    deployed.bash("touch control/cancel")
    slow(0)
    assert state_of_latest(deployed) == ("cancelled", "cancelled: the update was rolled back\n")
    assert deployed.value("stack/status") == "UPDATE_ROLLBACK_COMPLETE"
    assert "is deployed" in deployed.operate("deploy")
    assert deployed.value("stack/parameters/ServerMemory") == "8192"


def test_cancelling_a_cancellation(deployed, cloud, slow):
    update_begun(deployed, slow)
    deployed.bash("touch control/cancel")
    until(lambda: "cancelling" in deployed.read("operations/latest/operation.log"), "the cancellation")
    deployed.bash("touch control/cancel")
    slow(0)
    assert state_of_latest(deployed) == ("cancelled", "cancelled: the update was rolled back\n")


def test_a_cancellation_that_comes_too_late(deployed, cloud, slow):
    update_begun(deployed, slow, 0.5)
    cloud.fault("cloudformation:CancelUpdateStack", "delay", seconds=5)
    deployed.bash("touch control/cancel")
    slow(0)
    state, _ = state_of_latest(deployed)
    assert state == "succeeded"
    assert "came too late" in deployed.read("operations/latest/operation.log")
    assert deployed.value("stack/parameters/ServerMemory") == "8192"


def test_a_cancellation_whose_rollback_fails(deployed, cloud, slow):
    update_begun(deployed, slow)
    cloud.fault("resource:TaskDefinition", "rollback_failed", reason="no way back")
    deployed.bash("touch control/cancel")
    slow(0)
    state, error = state_of_latest(deployed)
    assert state == "failed"
    assert error.startswith("cancelled, but the update could not be rolled back") and "no way back" in error
    assert "touch control/deploy" in deployed.read("error")
    assert "is deployed" in deployed.operate("deploy")


def test_destroying_three_times_in_a_row(tree, cloud):
    for _ in range(3):
        tree.operate("deploy")
        assert f"the stack {tree.name} is deleted" in tree.operate("destroy")


def test_a_deletion_that_fails_twice(deployed, cloud):
    cloud.fault("resource:PrivateSubnet", "delete_failed", reason="has dependencies", count=2)
    assert f"the stack {deployed.name} is deleted" in deployed.operate("destroy")
    assert cloud.calls("cloudformation:DeleteStack") >= 4


@pytest.mark.parametrize("code, message", [
    ("TokenAlreadyExistsException", "The client request token t has already been used for this stack."),
    ("InvalidChangeSetStatus", "ChangeSet [arn:x] cannot be executed in its current status of [EXECUTE_IN_PROGRESS]"),
])
def test_an_execution_whose_reply_was_lost(tree, cloud, code, message):
    cloud.fault("cloudformation:ExecuteChangeSet", "drop_after")
    cloud.fault("cloudformation:ExecuteChangeSet", "error", status=400, code=code, message=message)
    assert "is deployed" in tree.operate("deploy")
    assert "following the change" not in tree.read("operations/latest/operation.log")


def lost_execution(cloud):
    """The second sending is refused because of the first, whose events are not listed yet."""
    cloud.fault("stack-events", "late", count=12)
    cloud.fault("cloudformation:ExecuteChangeSet", "drop_after")
    cloud.fault("cloudformation:ExecuteChangeSet", "error", status=400, code="InvalidChangeSetStatus",
                message="ChangeSet [arn:x] cannot be executed in its current status of [EXECUTE_IN_PROGRESS]")


def test_an_execution_whose_events_come_late(tree, cloud):
    lost_execution(cloud)
    assert "is deployed" in tree.operate("deploy")
    assert "following the change" not in tree.read("operations/latest/operation.log")


def test_an_update_whose_events_come_late(deployed, cloud):
    deployed.write("config/default.env", deployed.settings(server_memory="8192"))
    lost_execution(cloud)
    assert "is deployed" in deployed.operate("deploy")
    assert "following the change" not in deployed.read("operations/latest/operation.log")
    assert deployed.value("stack/parameters/ServerMemory") == "8192"


def test_a_deletion_whose_reply_was_lost(deployed, cloud):
    for _ in ("the check of the permission", "the deletion"):
        cloud.fault("cloudformation:DeleteStack", "drop_after")
        cloud.fault("cloudformation:DeleteStack", "error", status=400, code="TokenAlreadyExistsException",
                    message="The client request token t has already been used for this stack.")
    assert "is deleted" in deployed.operate("destroy")


def test_events_carry_the_tokens(deployed, cloud):
    events = cloud.boto("cloudformation").describe_stack_events(StackName=deployed.name)["StackEvents"]
    assert events[0]["ClientRequestToken"].startswith("vastfs-ExecuteChangeSet-")
