# SPDX-License-Identifier: BSD-3-Clause
"""vastfs killed at its requests to CloudFormation: the next mount recognises what was begun, and ends it."""

import subprocess

import pytest

from conftest import Tree, until
from killer import Killer


@pytest.fixture
def killer(cloud):
    made = Killer(cloud.endpoint)
    yield made
    made.close()


@pytest.fixture
def victim(cloud, killer, tmp_path):
    """A mount whose requests pass through the killer."""
    tree = Tree(cloud, tmp_path, AWS_ENDPOINT_URL=killer.endpoint).mount()
    tree.configure()
    yield tree
    killer.victim = None
    cloud.control("DELETE", "faults")
    cloud.control("POST", "pace", {"time_scale": 0})
    tree.operate("destroy", "purge")
    tree.unmount()


def killed_at(tree, killer, script, action, phase, nth=1):
    """Runs a script until the kill at the nth request of an action, mounts again, and tells how the operation ended."""
    killer.strike = lambda name, _number, when: (name, when) == (action, phase) and killer.requests.count(name) == nth
    killer.kill(tree)
    subprocess.run(["bash", "-c", script], cwd=tree.path, env=tree.env, check=False, capture_output=True, timeout=60)
    until(lambda: killer.struck, f"the kill {phase} {action}")
    tree.process.wait(60)
    subprocess.run(["fusermount3", "-u", "-z", tree.path], check=True)
    tree.mount()
    done = tree.bash("cat operations/latest/result", check=False, deadline=120)
    return tree.value("operations/latest/state"), done.stdout.decode()


def stack_of(tree, cloud):
    found = cloud.boto("cloudformation").describe_stacks()["Stacks"]
    return next((s for s in found if s["StackName"] == tree.name), None)


WRITES = [("CreateChangeSet", "before"), ("CreateChangeSet", "after"), ("DescribeChangeSet", "after"),
          ("ExecuteChangeSet", "before"), ("ExecuteChangeSet", "after"), ("DeleteChangeSet", "before")]


@pytest.mark.parametrize("action, phase", WRITES)
def test_a_first_deploy(victim, cloud, killer, action, phase):
    state, result = killed_at(victim, killer, "touch control/deploy", action, phase)
    assert state == "succeeded", victim.read("operations/latest/operation.log")
    assert "image " in result and "is deployed: CREATE_COMPLETE" in result and "nothing to change" not in result
    assert not cloud.boto("cloudformation").list_change_sets(StackName=victim.name)["Summaries"]


@pytest.mark.parametrize("action, phase", [("ExecuteChangeSet", "after"), ("DeleteChangeSet", "after")])
def test_an_update(victim, cloud, killer, action, phase):
    victim.operate("deploy")
    victim.write("config/default.env", victim.settings(server_memory="8192"))
    state, result = killed_at(victim, killer, "touch control/deploy", action, phase)
    assert state == "succeeded" and "UPDATE_COMPLETE" in result and "nothing to change" not in result
    assert len([e for e in cloud.boto("cloudformation").describe_stack_events(StackName=victim.name)["StackEvents"]
                if e["ResourceStatus"] == "UPDATE_IN_PROGRESS" and e["LogicalResourceId"] == victim.name]) == 1


def test_a_creation_that_fails_meanwhile_has_failed(victim, cloud, killer):
    cloud.fault("resource:PrivateSubnet", "create_failed", reason="no such luck")
    state, _ = killed_at(victim, killer, "touch control/deploy", "ExecuteChangeSet", "after")
    assert state == "failed" and "no such luck" in victim.read("operations/latest/error")
    assert stack_of(victim, cloud)["StackStatus"] == "ROLLBACK_COMPLETE"


def test_a_second_try_that_was_cut_short(victim, cloud, killer):
    cloud.fault("lambda", "role_not_assumable")
    state, result = killed_at(victim, killer, "touch control/deploy", "DeleteStack", "after")
    assert state == "succeeded" and "is deployed" in result


#: The first DeleteStack of a destroy names no stack: it only checks the permission.
DELETION = 2


@pytest.mark.parametrize("nth, phase", [(1, "after"), (DELETION, "before"), (DELETION, "after")])
def test_a_destroy(victim, cloud, killer, nth, phase):
    victim.operate("deploy")
    state, result = killed_at(victim, killer, "touch control/destroy", "DeleteStack", phase, nth)
    assert state == "succeeded" and f"the stack {victim.name} is deleted" in result
    assert not stack_of(victim, cloud)


def test_a_destroy_whose_stack_was_replaced_meanwhile(victim, cloud, killer):
    """What a colleague deployed after the deletion is not the destroy's business."""
    victim.operate("deploy")
    killer.strike = lambda name, _number, when: (name, when) == ("DeleteStack", "after") and killer.requests.count(name) == DELETION
    killer.kill(victim)
    victim.bash("touch control/destroy", check=False)
    until(lambda: killer.struck, "the kill")
    victim.process.wait(60)
    subprocess.run(["fusermount3", "-u", "-z", victim.path], check=True)
    until(lambda: not stack_of(victim, cloud), "the deletion")
    cloud.boto("cloudformation").create_stack(
        StackName=victim.name, TemplateBody='{"Resources":{"Log":{"Type":"AWS::Logs::LogGroup"}}}',
        Tags=[{"Key": "vastfs:stage", "Value": victim.stage}])
    victim.mount()
    assert "is deleted" in victim.bash("cat operations/latest/result")
    assert "is kept" in victim.read("operations/latest/result")
    assert stack_of(victim, cloud)


@pytest.mark.parametrize("phase", ["before", "after"])
def test_a_cancellation(victim, cloud, killer, phase):
    victim.operate("deploy")
    victim.write("config/default.env", victim.settings(server_memory="8192"))
    cloud.control("POST", "pace", {"time_scale": 10})
    victim.bash("touch control/deploy")
    until(lambda: victim.value("stack/status") == "UPDATE_IN_PROGRESS", "the update")
    state, _ = killed_at(victim, killer, "touch control/cancel", "CancelUpdateStack", phase)
    assert state == "cancelled", victim.read("operations/latest/operation.log")
    assert stack_of(victim, cloud)["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"


def test_a_cancellation_that_came_too_late(victim, cloud, killer):
    victim.operate("deploy")
    victim.write("config/default.env", victim.settings(server_memory="8192"))
    cloud.control("POST", "pace", {"time_scale": 10})
    victim.bash("touch control/deploy")
    until(lambda: victim.value("stack/status") == "UPDATE_IN_PROGRESS", "the update")
    cloud.control("POST", "pace", {"time_scale": 0})
    killer.strike = lambda name, _number, when: (name, when) == ("CancelUpdateStack", "before")
    killer.kill(victim)
    victim.bash("touch control/cancel", check=False)
    until(lambda: killer.struck, "the kill")
    victim.process.wait(60)
    subprocess.run(["fusermount3", "-u", "-z", victim.path], check=True)
    until(lambda: stack_of(victim, cloud)["StackStatus"] == "UPDATE_COMPLETE", "the update's end")
    victim.mount()
    assert "is deployed: UPDATE_COMPLETE" in victim.bash("cat operations/latest/result")
    assert "came too late" in victim.read("operations/latest/operation.log")
