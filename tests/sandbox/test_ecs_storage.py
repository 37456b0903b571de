# SPDX-License-Identifier: BSD-3-Clause
"""A file system that tasks share: a lock on it excludes all other tasks."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest
from conftest import until
from ecs_support import Services
from registry_support import Registry, tar
from test_containers_images import HOST, MACHINE, SYSTEM

#: takes the lock or reports that it is taken, and holds it until SIGTERM
LOCKER = (
    "cd /var/lib/vast; exec 9>>lock; flock -n 9 || { echo busy; exit 9; }; "
    "echo held; trap 'exit 0' TERM; while :; do sleep 0.05; done"
)


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory):
    server = Services(tmp_path_factory.mktemp("storage"))
    server.cluster()
    server.client("ecr").create_repository(repositoryName="storage")
    yield server
    server.end()


@pytest.fixture(scope="module")
def locker(sandbox) -> str:
    """The task definition."""
    return define(sandbox)


def program(path: str) -> list:
    """A program of this machine with its libraries, as entries of a layer."""
    said = subprocess.run(["ldd", path], capture_output=True, text=True, check=True).stdout
    libraries = re.findall(r"(/\S+) \(0x", said)
    return [(name.lstrip("/"), {}, Path(name).read_bytes()) for name in (path, *libraries)]


def define(sandbox) -> str:
    more = {"architecture": MACHINE, "config": {}}
    layers = [tar(*SYSTEM, *program(shutil.which("flock")))]
    assert Registry.of(sandbox).push("storage", "latest", layers, more)[0] == 201
    efs = sandbox.client("efs")
    identity = efs.create_file_system(CreationToken="t")["FileSystemId"]
    until(lambda: efs.describe_file_systems()["FileSystems"][0]["LifeCycleState"] == "available")
    subnet = sandbox.network()["awsvpcConfiguration"]["subnets"][0]
    efs.create_mount_target(FileSystemId=identity, SubnetId=subnet)
    volume = {"name": "data", "efsVolumeConfiguration": {"fileSystemId": identity}}
    return sandbox.define(
        LOCKER,
        family="locker",
        image=f"{HOST}/storage:latest",
        volumes=[volume],
        mountPoints=[{"sourceVolume": "data", "containerPath": "/var/lib/vast"}],
    )


@pytest.mark.parametrize("how", ["stopped", "killed"])
def test_a_lock_keeps_out_the_other_task(sandbox, locker, how):
    first = sandbox.arrives(sandbox.run(locker), "RUNNING")
    until(lambda: sandbox.lines(first) == ["held"])
    second = sandbox.arrives(sandbox.run(locker), "STOPPED")
    assert sandbox.lines(second) == ["busy"]
    assert second["containers"][0]["exitCode"] == 9
    if how == "killed":
        sandbox.fault("task:locker:*", "kill")
    else:
        sandbox.ecs.stop_task(cluster="vast", task=first["taskArn"])
    sandbox.arrives(first, "STOPPED")
    third = sandbox.arrives(sandbox.run(locker), "RUNNING")
    until(lambda: sandbox.lines(third) == ["held"])
    sandbox.ecs.stop_task(cluster="vast", task=third["taskArn"])
    sandbox.arrives(third, "STOPPED")
