# SPDX-License-Identifier: BSD-3-Clause
"""What a user sees during an outage, and after replies that are not AWS's."""

import json
import re

import pytest
from cycle import Cloud, Fault, Life, stack_tests
from moved_clock import Clock

until = stack_tests.until
MINUTE = 90


@pytest.fixture(scope="module")
def cloud(tmp_path_factory):
    running = Cloud(tmp_path_factory.mktemp("cloud"))
    yield running
    running.stop()


@pytest.fixture
def life(cloud, tmp_path, request):
    """A mount behind a proxy; its stack is deleted afterwards."""
    living = Life(cloud, tmp_path / "life", 1 + abs(hash(request.node.name)) % 150)
    yield living
    living.proxy.spoil.clear()
    assert living.run("destroy", "purge")[0] == "succeeded", living.latest("error")
    living.end()


def outage_lines(life):
    """The lines about outages in the tree's error file."""
    return [line for line in life.tree.read("error").splitlines() if "no usable reply, retrying" in line]


def test_an_outage_shows_and_ends(life):
    life.proxy.arm(Fault("cloudformation:DescribeStackEvents", 1, "refused_60"))
    life.proxy.refuse = lambda seconds: life.proxy.close()
    life.start("deploy", "")
    until(lambda: "no usable reply since 20" in life.latest("progress"), "the progress", MINUTE)
    until(lambda: re.search(r"\((5|6|7|8|9|\d\d)s\)", life.latest("progress")), "the time that passes", MINUTE)
    life.proxy.open()
    assert life.wait() == "succeeded", life.latest("error")
    assert len(outage_lines(life)) == 1
    assert "errno=ENETUNREACH" in outage_lines(life)[0]
    log = life.tree.read("operations/latest/operation.log")
    assert log.count("no usable reply") == 1 and "usable replies again after" in log


def test_what_outlasted_the_patience_is_taken_up_while_aws_goes_on(life, tmp_path):
    """The change that runs then is not somebody else's."""
    clock = Clock(tmp_path / "clock", stack_tests.BUILD, until)
    life.tree.unmount()
    life.tree.env.update(clock.environment)
    life.mount()
    life.cloud.control("POST", "pace", {"time_scale": 0.25})
    life.start("deploy", "")
    until(lambda: "CREATE_IN_PROGRESS" in life.tree.read("operations/latest/operation.log"), "the creation", MINUTE)
    life.proxy.close()
    until(lambda: "no usable reply since" in life.latest("progress"), "the progress", MINUTE)
    for _ in range(20):
        clock.move(60)
    until(lambda: life.latest("state") == "failed", "the end of the patience", MINUTE)
    assert "then touch control/deploy: AWS continues the operation meanwhile" in life.latest("error")
    life.proxy.open()
    life.tree.bash("touch control/refresh")
    until(lambda: int(re.search(r"^age (\d+)", life.tree.read("status"), re.M)[1]) < 60, "the state of the stack", MINUTE)
    assert life.tree.value("stack/status") == "CREATE_IN_PROGRESS"
    assert life.latest("name") == "deploy"
    assert life.start("deploy", "") is True
    life.cloud.control("POST", "pace", {"time_scale": 0})
    assert life.wait() == "succeeded", life.latest("error")
    assert "somebody else" not in life.tree.read("operations/latest/operation.log")


def test_an_operation_is_taken_up_without_a_network(life):
    """A laptop is opened before its network is available."""
    life.proxy.arm(Fault("cloudformation:DescribeStackEvents", 1, "kill_after"))
    life.start("deploy", "")
    assert life.wait() == "killed"
    life.proxy.close()
    life.tree.process.wait(MINUTE)
    life.tree.bash(f"cd / && fusermount3 -u -z {life.tree.path}")
    life.mount()
    until(lambda: "no usable reply since" in life.latest("progress"), "the progress", MINUTE)
    life.proxy.open()
    assert life.wait() == "succeeded", life.latest("error")


@pytest.mark.parametrize("wrong,words", [(None, "taskArns is null"), (5, "taskArns is a number"), ({}, "taskArns is an object"),
                                         ([[]], "taskArns.* is an empty list")])
def test_a_wrong_shape_is_no_empty_list(life, wrong, words):
    assert life.run("deploy", "")[0] == "succeeded"
    life.proxy.spoil["ecs:ListTasks"] = json.dumps({"taskArns": wrong}).encode()
    assert life.run("stop-all-tasks", "")[0] == "failed"
    assert f"the reply of ecs to ListTasks is unusable: {words}" in life.latest("error")


@pytest.mark.parametrize("action,words", [("DescribeChangeSet", "StackId"), ("DescribeStackEvents", "StackEvents.*.StackId")])
def test_a_reply_about_another_stack_is_refused(life, action, words):
    """It is repeated, and the error names it; nobody else is said to have deployed."""
    life.proxy.spoil[f"cloudformation:{action}"] = lambda body: body.replace(b":stack/vast-", b":stack/other-")
    assert life.run("deploy", "")[0] == "failed"
    error = life.latest("error")
    assert f"the reply of cloudformation to {action} is unusable: {words} is arn:aws:cloudformation:" in error
    assert "but the request was for arn:aws:cloudformation:" in error and "somebody else" not in error
    assert life.proxy.calls.count(f"cloudformation:{action}") >= 3
    life.proxy.spoil.clear()
    until(lambda: life.run("deploy", "")[0] == "succeeded", "the end of the stack's operation, and a deploy", MINUTE)


def test_a_reply_that_is_never_aws_s_is_waited_for(life):
    """A captive portal replies until the user has logged in."""
    life.run("deploy", "")
    life.proxy.spoil["ecs:ListTasks"] = b"<html>please log in</html>"
    life.start("stop-all-tasks", "")
    until(lambda: "please log in" in life.latest("progress"), "the progress", MINUTE)
    life.proxy.spoil.clear()
    assert life.wait() == "succeeded", life.latest("error")


def test_more_tasks_than_are_read(life):
    life.run("deploy", "")
    arn = "arn:aws:ecs:eu-west-1:123456789012:task/c/%032d"
    life.proxy.arm(None)
    life.proxy.spoil["ecs:ListTasks"] = json.dumps({"taskArns": [arn % i for i in range(12000)]}).encode()
    life.proxy.spoil["ecs:DescribeTasks"] = json.dumps({"tasks": [], "failures": [{}] * 100}).encode()
    assert life.run("stop-all-tasks", "")[0] == "failed"
    assert "more entries than vastfs reads (10000)" in life.latest("error")
    until(lambda: "incomplete tasks: more than 10000" in life.tree.read("status"), "the status", MINUTE)
    assert life.proxy.calls.count("ecs:DescribeTasks") <= 1000


def test_a_file_system_that_is_deleted_already(life):
    """The reply to the deletion is lost, and the repeated request finds no file system."""
    assert life.run("deploy", "")[0] == "succeeded"
    life.proxy.arm(Fault("efs:DeleteFileSystem", 1, "lost_after"))
    assert life.run("destroy", "purge")[0] == "succeeded", life.latest("error")
    assert life.proxy.fired.is_set()


def test_a_service_without_an_arn_is_asked_for_again(life):
    assert life.run("deploy", "")[0] == "succeeded"
    life.proxy.arm(Fault("ecs:CreateService", 1, "shape", turn=2))
    assert life.run("run-task", "")[0] == "succeeded", life.latest("error")
    assert life.proxy.calls.count("ecs:CreateService") == 2
