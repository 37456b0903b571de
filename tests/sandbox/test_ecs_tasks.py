# SPDX-License-Identifier: BSD-3-Clause
"""The life of a task, through boto3."""

import re

import pytest
from botocore.exceptions import ClientError
from conftest import until
from run_support import LOG_GROUP, Server, alive, log_to

STATES = ["PROVISIONING", "PENDING", "ACTIVATING", "RUNNING"]
STATES += ["DEACTIVATING", "STOPPING", "DEPROVISIONING", "STOPPED"]
#: the other states may pass between two requests
LONG_STATES = {"PROVISIONING", "PENDING", "RUNNING", "DEPROVISIONING", "STOPPED"}


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory):
    server = Server(tmp_path_factory.mktemp("run"))
    server.cluster()
    yield server
    server.end()


def code(error) -> str:
    return error.value.response["Error"]["Code"]


def test_a_server_runs_until_it_is_stopped(sandbox):
    arn = sandbox.define("echo started; trap 'exit 7' TERM; while :; do sleep 0.01; done")
    begun = sandbox.run(arn, enableExecuteCommand=True, startedBy="me")
    assert re.fullmatch(r"arn:aws:ecs:.*:task/vast/[0-9a-f]{32}", begun["taskArn"])
    assert begun["lastStatus"] == "PROVISIONING"
    task = sandbox.arrives(begun, "RUNNING")
    assert task["startedAt"] >= task["createdAt"]
    assert task["enableExecuteCommand"] and task["startedBy"] == "me"
    assert "exitCode" not in task["containers"][0]
    until(lambda: sandbox.lines(task) == ["started"])
    reply = sandbox.client("ecs").stop_task(
        cluster="vast", task=task["taskArn"], reason="enough"
    )
    assert reply["task"]["desiredStatus"] == "STOPPED"
    task = sandbox.arrives(task, "STOPPED")
    assert task["stopCode"] == "UserInitiated"
    assert task["stoppedReason"] == "enough"
    assert task["containers"][0]["exitCode"] == 7


def test_the_states_come_in_order(tmp_path):
    server = Server(tmp_path, time_scale=0.03)
    server.cluster()
    task = server.run(server.define("sleep 0.5; exit 3"))
    seen = []

    def stopped():
        status = server.task(task)["lastStatus"]
        if seen[-1:] != [status]:
            seen.append(status)
        return status == "STOPPED"

    until(stopped)
    server.end()
    assert seen == [status for status in STATES if status in seen]
    assert LONG_STATES <= set(seen)


@pytest.mark.parametrize(
    "script, exit_code", [("exit 5", 5), ("kill -9 $$", 137), ("kill -15 $$", 143)]
)
def test_the_end_of_the_process_ends_the_task(sandbox, script, exit_code):
    task = sandbox.arrives(sandbox.run(sandbox.define(script)), "STOPPED")
    assert task["containers"][0]["exitCode"] == exit_code
    assert task["stopCode"] == "EssentialContainerExited"
    assert task["stoppedReason"] == "Essential container in task exited"


def test_who_ignores_sigterm_is_killed(sandbox):
    arn = sandbox.define(
        "trap '' TERM; echo ready; while :; do sleep 0.01; done", stopTimeout=1
    )
    task = sandbox.arrives(sandbox.run(arn), "RUNNING")
    until(lambda: sandbox.lines(task) == ["ready"])
    sandbox.client("ecs").stop_task(cluster="vast", task=task["taskArn"])
    task = sandbox.arrives(task, "STOPPED")
    assert task["containers"][0]["exitCode"] == 137


def test_one_address_in_all_places(sandbox):
    one = sandbox.run(sandbox.define("echo $VASTFS_SANDBOX_ADDRESS; sleep 1000"))
    two = sandbox.run(sandbox.define("sleep 1000"))
    addresses = []
    for task in (one, two):
        details = {pair["name"]: pair["value"] for pair in task["attachments"][0]["details"]}
        address = details["privateIPv4Address"]
        assert address.startswith("127.") and address != "127.0.0.1"
        container = task["containers"][0]
        assert container["networkInterfaces"][0]["privateIpv4Address"] == address
        interface = sandbox.client("ec2").describe_network_interfaces(
            NetworkInterfaceIds=[details["networkInterfaceId"]]
        )["NetworkInterfaces"][0]
        assert interface["PrivateIpAddress"] == address
        assert interface["PrivateIpAddresses"][0]["PrivateIpAddress"] == address
        addresses.append(address)
    assert addresses[0] != addresses[1]
    sandbox.arrives(one, "RUNNING")
    until(lambda: sandbox.lines(one) == [addresses[0]])
    for task in (one, two):
        sandbox.client("ecs").stop_task(cluster="vast", task=task["taskArn"])
        sandbox.arrives(task, "STOPPED")


def test_one_token_is_one_task(sandbox):
    arn = sandbox.define("sleep 1000", family="token")
    one = sandbox.run(arn, clientToken="t")
    assert sandbox.run(arn, clientToken="t")["taskArn"] == one["taskArn"]
    with pytest.raises(ClientError) as error:
        sandbox.run(arn, clientToken="t", startedBy="other")
    assert code(error) == "ConflictException"
    listed = sandbox.client("ecs").list_tasks(cluster="vast", family="token")
    assert listed["taskArns"] == [one["taskArn"]]
    sandbox.client("ecs").stop_task(cluster="vast", task=one["taskArn"])
    ecs = sandbox.client("ecs")
    assert ecs.list_tasks(cluster="vast", family="token")["taskArns"] == []
    stopped = ecs.list_tasks(cluster="vast", family="token", desiredStatus="STOPPED")
    assert stopped["taskArns"] == [one["taskArn"]]


def test_unknown_names(sandbox):
    ecs = sandbox.client("ecs")
    reply = ecs.describe_tasks(cluster="vast", tasks=["0" * 32])
    assert reply["tasks"] == []
    assert reply["failures"][0]["reason"] == "MISSING"
    assert reply["failures"][0]["arn"].endswith("task/vast/" + "0" * 32)
    with pytest.raises(ClientError) as error:
        ecs.stop_task(cluster="vast", task="0" * 32)
    assert code(error) == "InvalidParameterException"
    with pytest.raises(ClientError) as error:
        sandbox.run("no-such-family")
    assert code(error) == "ClientException"


def test_tags(sandbox):
    arn = sandbox.define("sleep 1000")
    task = sandbox.run(
        arn, tags=[{"key": "a", "value": "b"}], enableECSManagedTags=True
    )
    assert "tags" not in sandbox.task(task)
    tags = sandbox.task(task, include=["TAGS"])["tags"]
    assert {"key": "a", "value": "b"} in tags
    assert {"key": "aws:ecs:clusterName", "value": "vast"} in tags
    sandbox.client("ecs").stop_task(cluster="vast", task=task["taskArn"])


def test_stopped_tasks_are_forgotten_on_request(sandbox):
    ended = sandbox.run(sandbox.define("exit 0"))
    running = sandbox.run(sandbox.define("sleep 60"))
    sandbox.arrives(ended, "STOPPED")
    sandbox.arrives(running, "RUNNING")
    assert sandbox.control("DELETE", "tasks")["forgotten"] >= 1
    reply = sandbox.client("ecs").describe_tasks(
        cluster="vast", tasks=[ended["taskArn"], running["taskArn"]]
    )
    assert [task["taskArn"] for task in reply["tasks"]] == [running["taskArn"]]
    assert reply["failures"][0]["reason"] == "MISSING"
    sandbox.client("ecs").stop_task(cluster="vast", task=running["taskArn"])


def test_no_log_group_no_task(sandbox):
    arn = sandbox.define("sleep 1000", logConfiguration=log_to("/none"))
    task = sandbox.arrives(sandbox.run(arn), "STOPPED")
    assert task["stopCode"] == "TaskFailedToStart"
    assert task["stoppedReason"].startswith("ResourceInitializationError")
    assert "log group does not exist" in task["stoppedReason"]
    assert "startedAt" not in task


def test_no_program_no_task(sandbox):
    arn = sandbox.define("", entryPoint=["/no/such"], command=["x"])
    task = sandbox.arrives(sandbox.run(arn), "STOPPED")
    assert task["stopCode"] == "TaskFailedToStart"
    assert '"/no/such"' in task["containers"][0]["reason"]


def test_a_fault_stops_a_task(sandbox):
    sandbox.fault("task", "stop_with", reason="ResourceInitializationError: x")
    arn = sandbox.define("sleep 1000")
    task = sandbox.arrives(sandbox.run(arn), "STOPPED")
    assert task["stoppedReason"] == "ResourceInitializationError: x"


def test_the_environment_is_clean(sandbox):
    arn = sandbox.define("env", environment=[{"name": "GIVEN", "value": "a b"}])
    task = sandbox.arrives(sandbox.run(arn), "STOPPED")
    lines = sandbox.lines(task)
    names = {line.partition("=")[0] for line in lines}
    assert names <= {
        "AWS_DEFAULT_REGION",
        "AWS_EXECUTION_ENV",
        "AWS_REGION",
        "GIVEN",
        "HOME",
        "LANG",
        "PATH",
        "PWD",
        "VASTFS_SANDBOX_ADDRESS",
        "VASTFS_SANDBOX_STORAGE",
    }
    assert "GIVEN=a b" in lines


def test_a_file_system_outlives_its_tasks(sandbox):
    efs = sandbox.client("efs")
    identity = efs.create_file_system(CreationToken="t")["FileSystemId"]
    volume = {
        "name": "data",
        "efsVolumeConfiguration": {"fileSystemId": identity},
    }
    mount = {"sourceVolume": "data", "containerPath": "/var/lib/vast"}
    script = 'cd "$VASTFS_SANDBOX_STORAGE"; echo line >> db; wc -l < db'
    arn = sandbox.define(script, volumes=[volume], mountPoints=[mount])
    task = sandbox.arrives(sandbox.run(arn), "STOPPED")
    assert "mount target" in task["stoppedReason"]
    subnet = sandbox.network()["awsvpcConfiguration"]["subnets"][0]
    efs.create_mount_target(FileSystemId=identity, SubnetId=subnet)
    for count in ("1", "2"):
        task = sandbox.arrives(sandbox.run(arn), "STOPPED")
        assert sandbox.lines(task) == [count]


def test_a_cluster_with_tasks_stays(sandbox):
    task = sandbox.run(sandbox.define("sleep 1000"))
    with pytest.raises(ClientError) as error:
        sandbox.client("ecs").delete_cluster(cluster="vast")
    assert code(error) == "ClusterContainsTasksException"
    sandbox.client("ecs").stop_task(cluster="vast", task=task["taskArn"])


@pytest.mark.parametrize("how", ["kill", "lifeline"])
def test_no_orphans(tmp_path, how):
    server = Server(tmp_path)
    server.cluster()
    script = "setsid sleep 1000 & echo $! $$; trap '' TERM; sleep 1000; sleep 1000"
    task = server.run(server.define(script))
    pids = [int(pid) for pid in until(lambda: read(server, task))[0].split()]
    assert all(alive(pid) for pid in pids)
    if how == "kill":
        server.kill()
    else:
        server.end()
    until(lambda: not any(alive(pid) for pid in pids))


def read(server, task):
    try:
        return server.lines(task)
    except ClientError:
        return []


def test_the_last_lines_of_a_log_are_in_their_order(sandbox):
    """Even lines of the same millisecond."""
    logs = sandbox.client("logs")
    task = sandbox.arrives(sandbox.run(sandbox.define("seq 1 50")), "STOPPED")
    place = {
        "logGroupName": LOG_GROUP,
        "logStreamName": f"ecs/vast/{task['taskArn'].rpartition('/')[2]}",
    }
    until(lambda: len(read(sandbox, task)) == 50)
    page = logs.get_log_events(**place, startFromHead=False, limit=20)
    assert [event["message"] for event in page["events"]] == [
        str(n) for n in range(31, 51)
    ]


def test_following_a_log_to_its_end(sandbox):
    logs = sandbox.client("logs")
    task = sandbox.arrives(sandbox.run(sandbox.define("seq 1 50; printf end")), "STOPPED")
    place = {
        "logGroupName": LOG_GROUP,
        "logStreamName": f"ecs/vast/{task['taskArn'].rpartition('/')[2]}",
    }
    page = logs.get_log_events(**place, startFromHead=True, limit=20)
    lines = []
    token = None
    while page["nextForwardToken"] != token:
        times = [event["timestamp"] for event in page["events"]]
        assert times == sorted(times)
        lines += [event["message"] for event in page["events"]]
        token = page["nextForwardToken"]
        page = logs.get_log_events(**place, nextToken=token, limit=20)
    assert lines == [str(n) for n in range(1, 51)] + ["end"]
    last = logs.get_log_events(**place, limit=1)["events"]
    assert [event["message"] for event in last] == ["end"]
    with pytest.raises(ClientError) as error:
        logs.get_log_events(logGroupName=LOG_GROUP, logStreamName="none")
    assert "log stream does not exist" in str(error.value)
