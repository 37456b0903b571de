# SPDX-License-Identifier: BSD-3-Clause
"""Health checks of containers."""

import random
import time

import pytest
from conftest import until
from ecs_support import SLEEP, Services
from registry_support import Registry, tar
from test_containers_images import HOST, MACHINE, SYSTEM


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory):
    server = Services(tmp_path_factory.mktemp("health"))
    server.cluster()
    server.client("ecr").create_repository(repositoryName="health")
    yield server
    server.end()


def check(*command, **more) -> dict:
    return {"command": list(command), "interval": 5, "timeout": 2, "retries": 2, **more}


def health(sandbox, task) -> tuple:
    """(of the task, of its first container)"""
    now = sandbox.task(task)
    return now["healthStatus"], now["containers"][0]["healthStatus"]


def test_healthy(sandbox):
    arn = sandbox.define(SLEEP, family="well", healthCheck=check("CMD-SHELL", "exit 0"))
    task = sandbox.arrives(sandbox.run(arn), "RUNNING")
    until(lambda: health(sandbox, task) == ("HEALTHY", "HEALTHY"))
    sandbox.client("ecs").stop_task(cluster="vast", task=task["taskArn"])


def test_no_check_is_unknown(sandbox):
    task = sandbox.arrives(sandbox.run(sandbox.define(SLEEP, family="none")), "RUNNING")
    assert health(sandbox, task) == ("UNKNOWN", "UNKNOWN")
    sandbox.client("ecs").stop_task(cluster="vast", task=task["taskArn"])


def test_a_standalone_task_is_only_reported(sandbox):
    arn = sandbox.define(SLEEP, family="alone", healthCheck=check("CMD", "false"))
    task = sandbox.arrives(sandbox.run(arn), "RUNNING")
    until(lambda: health(sandbox, task) == ("UNHEALTHY", "UNHEALTHY"))
    assert sandbox.task(task)["desiredStatus"] == "RUNNING"
    sandbox.client("ecs").stop_task(cluster="vast", task=task["taskArn"])


@pytest.mark.parametrize("command", [("CMD", "/no/such"), ("CMD-SHELL", "sleep 1000")])
def test_what_cannot_run_or_does_not_end_has_failed(sandbox, command):
    arn = sandbox.define(SLEEP, family="bad", healthCheck=check(*command, retries=1))
    task = sandbox.arrives(sandbox.run(arn), "RUNNING")
    until(lambda: health(sandbox, task)[0] == "UNHEALTHY")
    sandbox.client("ecs").stop_task(cluster="vast", task=task["taskArn"])


def test_failures_of_the_start_period_do_not_count(sandbox, tmp_path):
    ready = tmp_path / "ready"
    test = check("CMD-SHELL", f"echo x >>{tmp_path}/tried; test -e {ready}", startPeriod=300, retries=1)
    task = sandbox.arrives(sandbox.run(sandbox.define(SLEEP, family="start", healthCheck=test)), "RUNNING")
    until(lambda: (tmp_path / "tried").exists() and (tmp_path / "tried").read_text().count("x") > 3)
    assert health(sandbox, task)[0] == "UNKNOWN"
    ready.touch()
    until(lambda: health(sandbox, task)[0] == "HEALTHY")
    ready.unlink()
    until(lambda: health(sandbox, task)[0] == "UNHEALTHY")
    sandbox.client("ecs").stop_task(cluster="vast", task=task["taskArn"])


def test_checks_become_seldom(sandbox, tmp_path):
    """Even with time scale 0: about one check per second while the container is healthy."""
    test = check("CMD-SHELL", f"echo x >>{tmp_path}/tried")
    task = sandbox.arrives(sandbox.run(sandbox.define(SLEEP, family="calm", healthCheck=test)), "RUNNING")
    until(lambda: health(sandbox, task)[0] == "HEALTHY")
    begin, before = time.monotonic(), (tmp_path / "tried").read_text().count("x")
    until(lambda: (tmp_path / "tried").read_text().count("x") >= before + 3)
    assert time.monotonic() - begin > 1.5
    sandbox.client("ecs").stop_task(cluster="vast", task=task["taskArn"])


def test_an_unhealthy_task_of_a_service_is_replaced(sandbox, tmp_path):
    test = check("CMD-SHELL", f"test -e {tmp_path}/ready")
    (tmp_path / "ready").touch()
    sandbox.create("ill", sandbox.define(SLEEP, family="ill", healthCheck=test))
    task = sandbox.running("ill")
    until(lambda: health(sandbox, task)[0] == "HEALTHY")
    until(lambda: sandbox.service("ill")["deployments"][0]["rolloutState"] == "COMPLETED")
    (tmp_path / "ready").unlink()
    until(lambda: sandbox.task(task)["desiredStatus"] == "STOPPED")
    (tmp_path / "ready").touch()
    other = sandbox.other("ill", task)
    until(lambda: health(sandbox, other)[0] == "HEALTHY")
    old = sandbox.arrives(task, "STOPPED")
    assert old["stopCode"] == "ServiceSchedulerInitiated"
    assert old["stoppedReason"] == "Task failed container health checks"
    identity = task["taskArn"].rpartition("/")[2]
    assert f"(service ill) (task {identity}) failed container health checks." in sandbox.messages("ill")
    sandbox.remove("ill")


def test_not_steady_before_it_is_healthy(sandbox, tmp_path):
    test = check("CMD-SHELL", f"test -e {tmp_path}/ready", startPeriod=300)
    sandbox.create("slow", sandbox.define(SLEEP, family="slow", healthCheck=test))
    task = sandbox.running("slow")
    assert sandbox.service("slow")["deployments"][0]["rolloutState"] == "IN_PROGRESS"
    (tmp_path / "ready").touch()
    until(lambda: health(sandbox, task)[0] == "HEALTHY")
    until(lambda: sandbox.service("slow")["deployments"][0]["rolloutState"] == "COMPLETED")
    sandbox.remove("slow")


#: seen from inside: the user, the process 1, the environment, the port at 127.0.0.1
INSIDE = (
    'test "$(id -u)" = 1000 && test "$GIVEN" = yes && grep -q MARK /proc/1/environ && '
    'test "$(wget -q -O - http://127.0.0.1:$PORT/hello)" = hello && '
    "! wget -q -O - http://127.0.0.1:$((PORT + 1))/hello"
)


def test_inside_the_container_and_its_network(sandbox):
    port = random.randrange(20000, 30000)
    names = ("httpd", "grep", "test")
    links = [(f"bin/{name}", {"type": b"2", "linkname": "busybox"}, b"") for name in names]
    image = push(sandbox, tar(*SYSTEM, *links, ("www/hello", {}, b"hello")))
    more = {
        "image": image,
        "user": "1000",
        "portMappings": [{"containerPort": port}],
        "environment": [
            {"name": "GIVEN", "value": "yes"},
            {"name": "MARK", "value": "x"},
            {"name": "PORT", "value": str(port)},
        ],
    }
    arn = sandbox.define(
        "exec httpd -f -p $VASTFS_SANDBOX_ADDRESS:$PORT -h /www",
        family="inside",
        healthCheck=check("CMD-SHELL", INSIDE, startPeriod=300),
        **more,
    )
    task = sandbox.arrives(sandbox.run(arn), "RUNNING")
    until(lambda: health(sandbox, task)[0] == "HEALTHY", 60)
    sandbox.client("ecs").stop_task(cluster="vast", task=task["taskArn"])
    deaf = sandbox.define("sleep 1000", family="deaf", healthCheck=check("CMD-SHELL", INSIDE), **more)
    task = sandbox.arrives(sandbox.run(deaf), "RUNNING")
    until(lambda: health(sandbox, task)[0] == "UNHEALTHY", 60)
    sandbox.client("ecs").stop_task(cluster="vast", task=task["taskArn"])


def push(sandbox, *layers) -> str:
    more = {"architecture": MACHINE, "config": {}}
    assert Registry.of(sandbox).push("health", "latest", layers, more)[0] == 201
    return f"{HOST}/health:latest"
