# SPDX-License-Identifier: BSD-3-Clause
"""The server's container from the setting to the process: command, variables, lock, health check, disks."""

import os

import pytest

from conftest import until

#: says what it was given, then answers at its port until it is told to stop
SERVES = 'echo serves "$FOO" "$BAR"; trap "exit 0" TERM; httpd -f -p $VASTFS_SANDBOX_ADDRESS:42000 & wait'
COMMAND = f"FOO='all of it' sh -c '{SERVES}'"


@pytest.fixture(scope="module")
def server(cloud, tmp_path_factory):
    from conftest import Tree

    mounted = Tree(cloud, tmp_path_factory.mktemp("server")).mount()
    mounted.configure(vast_command=COMMAND, server_environment="BAR=a b, BAZ=", server_disk_size=30, lambda_tmp_size=1024)
    mounted.operate("deploy")
    mounted.operate("run-task")
    yield mounted
    mounted.operate("destroy", "purge")
    mounted.unmount()


def definition(tree, cloud):
    arn = tree.value("stack/outputs/TaskDefinitionArn")
    return cloud.boto("ecs").describe_task_definition(taskDefinition=arn)["taskDefinition"]


def start_another(tree, cloud):
    """A second server of the same definition, past vastfs; its task ID."""
    ecs = cloud.boto("ecs")
    cluster = tree.value("stack/outputs/ClusterName")
    network = {"subnets": [tree.value("stack/outputs/PrivateSubnetId")],
               "securityGroups": [tree.value("stack/outputs/ServerSecurityGroupId")]}
    started = ecs.run_task(cluster=cluster, taskDefinition=tree.value("stack/outputs/TaskDefinitionArn"), launchType="FARGATE",
                           networkConfiguration={"awsvpcConfiguration": network})["tasks"]
    tree.bash("touch control/refresh")
    identity = started[0]["taskArn"].rpartition("/")[2]
    until(lambda: os.path.isdir(tree.path / "tasks" / identity), "the second task is listed")
    return identity


def log(tree, task):
    return tree.bash(f"cat tasks/{task}/task.log", check=False).stdout.decode()


def test_assignments_and_variables_reach_the_server(server):
    until(lambda: "serves all of it a b" in log(server, "default"), "the server's first line")


def test_the_server_is_process_1_and_healthy_when_its_port_is_open(server, cloud):
    cluster, task = server.value("stack/outputs/ClusterName"), os.path.basename(os.readlink(server.path / "tasks/default"))

    def health():
        return cloud.boto("ecs").describe_tasks(cluster=cluster, tasks=[task])["tasks"][0]["healthStatus"]

    until(lambda: health() == "HEALTHY", "the health check succeeds")


def test_the_template_s_numbers_arrive(server, cloud):
    task = definition(server, cloud)
    assert task["ephemeralStorage"] == {"sizeInGiB": 30}
    (container,) = task["containerDefinitions"]
    assert container["entryPoint"] == ["/vast-lambda-runtime", "serve", "--environment=BAR=a b,BAZ=",
                                       "--lock=/var/lib/vast/.vastfs-server.lock", "--"]
    assert container["command"] == [f"FOO='all of it' exec sh -c '{SERVES}'"]
    check = container["healthCheck"]
    assert check["command"] == ["CMD", "/vast-lambda-runtime", "probe", "42000"]
    function = cloud.boto("lambda").get_function_configuration(FunctionName=server.value("stack/outputs/FunctionName"))
    assert function["EphemeralStorage"] == {"Size": 1024}


def test_a_second_server_waits_for_the_database(server, cloud):
    first = os.path.basename(os.readlink(server.path / "tasks/default"))
    second = start_another(server, cloud)
    until(lambda: "waiting for the lock on /var/lib/vast/.vastfs-server.lock" in log(server, second), "it says that it waits")
    assert "serves" not in log(server, second)
    until(lambda: server.value(f"tasks/{second}/status") == "RUNNING", "it runs for ECS")
    assert os.path.basename(os.readlink(server.path / "tasks/default")) == first, "queries go to the one that answers"
    server.bash(f"touch tasks/{first}/stop")
    until(lambda: "serves all of it" in log(server, second), "it has the database when the first is gone")


REFUSED = {
    "ulimit -n 512; sh -c 'sleep 600'": (14, "'ulimit' is built into the shell"),
    "cd /var && sh -c 'pwd; sleep 600'": (14, "'cd' is built into the shell"),
    "vast start | tee /tmp/log": (25, "'|' joins commands"),
    "A=1 vast start && sync": (29, "'&&' joins commands"),
    "vast 'start": (19, "the quote ' is not closed"),
}


@pytest.mark.parametrize("command", REFUSED)
def test_what_cannot_be_one_process_is_refused_when_it_is_written(server, command):
    before = server.read("config/default.env")
    column, words = REFUSED[command]
    line = len(server.settings().splitlines())
    with pytest.raises(OSError):
        server.write("config/default.env", server.settings(vast_command=command))
    assert server.read("config/default.env") == before
    wanted = f"line {line}, column {column}: vast_command: {words}"
    entry = until(lambda: [e for e in server.read("error").splitlines() if wanted in e], wanted)[-1]
    if "quote" not in words:
        assert "sh -c '" in entry.partition("remedy=")[2]
