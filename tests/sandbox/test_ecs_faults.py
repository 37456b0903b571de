# SPDX-License-Identifier: BSD-3-Clause
"""Faults of tasks, caused by AWS, by hosts and by security products."""

import os
import time

import pytest
from botocore.exceptions import ClientError
from conftest import until
from ecs_support import SLEEP, Services, code


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory):
    server = Services(tmp_path_factory.mktemp("faults"))
    server.cluster()
    yield server
    server.end()


def stop(sandbox, task) -> dict:
    sandbox.ecs.stop_task(cluster="vast", task=task["taskArn"])
    return sandbox.arrives(task, "STOPPED")


def names(task) -> list:
    return [container["name"] for container in task["containers"]]


@pytest.mark.parametrize("reason", [None, "RESOURCE:FARGATE"])
def test_run_task_places_nothing(sandbox, reason):
    sandbox.fault("run_task", "failures", **({"reason": reason} if reason else {}))
    request = {
        "cluster": "vast",
        "taskDefinition": sandbox.define(SLEEP, family="placed"),
        "launchType": "FARGATE",
        "networkConfiguration": sandbox.network(),
        "clientToken": f"token {reason}".replace(" ", "-"),
    }
    reply = sandbox.ecs.run_task(**request)
    assert reply["tasks"] == []
    wanted = reason or (
        "Capacity is unavailable at this time. Please try again later or in a different "
        "availability zone"
    )
    assert [failure["reason"] for failure in reply["failures"]] == [wanted]
    reply = sandbox.ecs.run_task(**request)  # the token was not used up
    assert reply["failures"] == []
    stop(sandbox, reply["tasks"][0])


@pytest.mark.parametrize("position", [0, 1])
def test_a_foreign_container(sandbox, position):
    sandbox.fault("task", "foreign_container", position=position)
    task = sandbox.run(sandbox.define(SLEEP, family="foreign"), enableExecuteCommand=True)
    task = sandbox.arrives(task, "RUNNING")
    assert names(task)[1 - position] == "vast" and len(names(task)) == 2
    foreign, ours = task["containers"][position], task["containers"][1 - position]
    assert foreign["name"].startswith("aws-guardduty-agent-")
    assert foreign["lastStatus"] == "RUNNING"
    assert foreign["runtimeId"] and foreign["runtimeId"] != ours["runtimeId"]
    assert foreign["containerArn"] != ours["containerArn"]
    sandbox.pid(task)
    logs = sandbox.client("logs").describe_log_streams(logGroupName="/vast/server")
    streams = [stream["logStreamName"] for stream in logs["logStreams"]]
    assert not any("guardduty" in name for name in streams)
    request = {"cluster": "vast", "task": task["taskArn"], "interactive": True, "command": "true"}
    with pytest.raises(ClientError) as error:
        sandbox.ecs.execute_command(**request)
    assert code(error)[0] == "InvalidParameterException"
    with pytest.raises(ClientError) as error:
        sandbox.ecs.execute_command(container=foreign["name"], **request)
    assert code(error)[0] == "TargetNotConnectedException"
    assert sandbox.ecs.execute_command(container="vast", **request)["containerName"] == "vast"
    task = stop(sandbox, task)
    assert [container["exitCode"] for container in task["containers"]] == [0, 0]
    task = sandbox.run(sandbox.define(SLEEP, family="foreign"))
    assert names(task) == ["vast"]  # the rule is used up
    stop(sandbox, task)


def test_a_foreign_container_that_has_stopped(sandbox):
    sandbox.fault("task", "foreign_container", name="other", state="stopped", exit_code=3)
    task = sandbox.arrives(sandbox.run(sandbox.define(SLEEP, family="foreign")), "RUNNING")
    other = until(lambda: (now := sandbox.task(task)["containers"][0])["lastStatus"] == "STOPPED" and now)
    assert (other["name"], other["exitCode"]) == ("other", 3)
    assert sandbox.task(task)["lastStatus"] == "RUNNING"
    stop(sandbox, task)


def test_a_foreign_container_that_cannot_be_pulled(sandbox):
    sandbox.fault("task", "foreign_container", name="other", state="cannot_pull")
    task = sandbox.arrives(sandbox.run(sandbox.define(SLEEP, family="foreign")), "RUNNING")
    other = task["containers"][0]
    assert other["lastStatus"] == "STOPPED" and "exitCode" not in other and "runtimeId" not in other
    assert other["reason"].startswith("CannotPullContainerError")
    stop(sandbox, task)


def test_an_essential_foreign_container_ends_the_task(sandbox):
    sandbox.fault("task", "foreign_container", name="other", state="cannot_pull", essential=True)
    task = sandbox.arrives(sandbox.run(sandbox.define(SLEEP, family="foreign")), "STOPPED")
    assert task["stopCode"] == "TaskFailedToStart"
    assert task["stoppedReason"].startswith("CannotPullContainerError")
    assert task["containers"][0]["reason"].startswith("CannotPullContainerError")
    assert "reason" not in task["containers"][1] and "exitCode" not in task["containers"][1]


def test_a_container_that_has_ended_takes_no_command(sandbox):
    sandbox.fault("task", "foreign_container", name="other", state="stopped")
    task = sandbox.run(sandbox.define(SLEEP, family="foreign"), enableExecuteCommand=True)
    task = sandbox.arrives(task, "RUNNING")
    with pytest.raises(ClientError) as error:
        sandbox.ecs.execute_command(
            cluster="vast", task=task["taskArn"], container="other", interactive=True, command="x"
        )
    assert code(error)[0] == "InvalidParameterException"
    stop(sandbox, task)


def test_a_server_that_does_not_hear_sigterm(sandbox):
    arn = sandbox.define(SLEEP, family="deaf")
    task = sandbox.arrives(sandbox.run(arn), "RUNNING")
    pid = sandbox.pid(task)
    sandbox.fault("task:deaf:*", "deaf", seconds=2)
    begin = time.monotonic()
    sandbox.ecs.stop_task(cluster="vast", task=task["taskArn"])
    until(lambda: sandbox.task(task)["lastStatus"] == "STOPPING")
    os.kill(pid, 0)
    task = sandbox.arrives(task, "STOPPED")
    assert time.monotonic() - begin >= 2
    assert task["containers"][0]["exitCode"] == 137


@pytest.mark.parametrize("exit_code", [None, 139])
def test_killed(sandbox, exit_code):
    task = sandbox.arrives(sandbox.run(sandbox.define(SLEEP, family="killed")), "RUNNING")
    identity = task["taskArn"].rpartition("/")[2]
    more = {"exit_code": exit_code, "reason": "OutOfMemoryError: x"} if exit_code else {}
    sandbox.fault(f"task:*:{identity}", "kill", **more)
    task = sandbox.arrives(task, "STOPPED")
    assert task["stopCode"] == "EssentialContainerExited"
    assert task["containers"][0]["exitCode"] == (exit_code or 137)
    assert task["containers"][0].get("reason") == more.get("reason")


MAINTENANCE = "ECS is performing maintenance on the underlying infrastructure hosting the task"


def test_a_host_that_is_retired(sandbox):
    task = sandbox.arrives(sandbox.run(sandbox.define(SLEEP, family="retired")), "RUNNING")
    sandbox.pid(task)
    sandbox.fault("task:retired:*", "retire")
    task = sandbox.arrives(task, "STOPPED")
    assert (task["stopCode"], task["stoppedReason"]) == ("TerminationNotice", MAINTENANCE)
    assert task["containers"][0]["exitCode"] == 0  # it was asked to stop
    sandbox.create("hosted", sandbox.define(SLEEP, family="hosted"))
    task = sandbox.running("hosted")
    sandbox.fault("task:hosted:*", "retire")
    sandbox.other("hosted", task)
    task = sandbox.arrives(task, "STOPPED")
    assert task["stopCode"] == "ServiceSchedulerInitiated"
    assert task["stoppedReason"] == f"Service hosted: {MAINTENANCE}"
    sandbox.remove("hosted")


def test_not_known_yet(sandbox):
    made = sandbox.create("young", sandbox.define(SLEEP, family="young"))
    task = sandbox.running("young")
    sandbox.fault("service:young", "missing")
    sandbox.fault("task:young:*", "missing")
    ecs = sandbox.ecs
    services = ecs.describe_services(cluster="vast", services=["young"])
    assert services["services"] == []
    assert services["failures"] == [{"arn": made["serviceArn"], "reason": "MISSING"}]
    tasks = ecs.describe_tasks(cluster="vast", tasks=[task["taskArn"]])
    assert tasks["failures"] == [{"arn": task["taskArn"], "reason": "MISSING"}]
    assert sandbox.service("young") and sandbox.task(task)
    sandbox.remove("young")


def test_a_service_without_a_subnet(sandbox):
    """A refusal of EC2 becomes an event of the service, and the service tries again."""
    ec2 = sandbox.client("ec2")
    vpc = sandbox.facts["vpc_id"]
    subnet = ec2.create_subnet(VpcId=vpc, CidrBlock="172.31.200.0/24")["Subnet"]["SubnetId"]
    network = {"awsvpcConfiguration": {"subnets": [subnet]}}
    arn = sandbox.define(SLEEP, family="lost")
    sandbox.create("lost", arn, desiredCount=0, networkConfiguration=network)
    ec2.delete_subnet(SubnetId=subnet)
    sandbox.update("lost", desiredCount=1)
    failed = "(service lost) failed to launch a task with (error "
    until(lambda: any(text.startswith(failed) for text in sandbox.messages("lost")))
    sandbox.update("lost", networkConfiguration=sandbox.network())
    sandbox.running("lost")
    sandbox.remove("lost")


def test_groups_that_ecs_names_itself(sandbox):
    arn = sandbox.define(SLEEP, family="group")
    with pytest.raises(ClientError) as error:
        sandbox.run(arn, group="service:x")
    assert code(error)[0] == "InvalidParameterException"
    task = sandbox.run(arn, group="mine")
    assert task["group"] == "mine"
    stop(sandbox, task)
