# SPDX-License-Identifier: BSD-3-Clause
"""How many calls of AWS a mount makes in an hour, by a clock that the test moves (tests/clock)."""

import os

import pytest
from conftest import BUILD, DEVELOPER, Tree, until
from moved_clock import Clock

pytestmark = pytest.mark.skipif(bool(DEVELOPER), reason="a sanitizer's library must be loaded first")


@pytest.fixture(scope="module")
def clock(tmp_path_factory):
    return Clock(tmp_path_factory.mktemp("clock") / "clock", BUILD, until)


@pytest.fixture(scope="module")
def server(cloud, clock, tmp_path_factory):
    """A running server; the clock of its mount can be moved."""
    mounted = Tree(cloud, tmp_path_factory.mktemp("server"), **clock.environment).mount()
    mounted.configure()
    mounted.operate("deploy")
    mounted.operate("run-task")
    yield mounted
    cloud.control("DELETE", "faults")
    if mounted.bash("ls stack/outputs", check=False).stdout:
        mounted.operate("destroy", "purge")
    mounted.unmount()


@pytest.fixture(autouse=True)
def calm(cloud):
    """No test inherits the faults of another one."""
    yield
    cloud.control("DELETE", "faults")


def calls(cloud):
    """All calls since the journal was cleared, and those of CloudFormation."""
    made = cloud.control("GET", "journal")
    return len(made), sum(call["service"] == "cloudformation" for call in made)


def most(an_hour, hours):
    """Calls at an interval, of which the first may be made at once."""
    return an_hour * hours + 1


def settle(clock, server):
    """What was started has ended, and what has changed is a while ago."""
    until(lambda: "server 1" in server.read("status"), "the server")
    clock.pass_time(300, 5, lambda: server.read("status"))


def test_a_used_stack_costs_at_most_480_calls_an_hour(cloud, clock, server):
    settle(clock, server)
    cloud.control("DELETE", "journal")
    hours = clock.pass_time(1800, 5, lambda: server.read("status"))
    made, of_cloudformation = calls(cloud)
    assert 100 <= made <= 480 * hours
    assert 20 <= of_cloudformation <= most(60, hours)
    counted = int(server.bash("sed -n 's/^calls \\([0-9]*\\) .*/\\1/p' status"))
    assert counted >= made


def test_reading_tasks_and_a_quiet_log_stay_within_it(cloud, clock, server):
    task = os.readlink(server.path / "tasks/default")
    with open(server.path / f"tasks/{task}/task.log", "rb") as log:
        log.read()
        clock.pass_time(900, 5)
        cloud.control("DELETE", "journal")
        hours = clock.pass_time(1800, 5, lambda: server.read(f"tasks/{task}/status"))
    assert calls(cloud)[0] <= 480 * hours + 30  # the first polls of tasks/ are made at once


def test_a_denied_poll_does_not_spin(cloud, clock, server):
    cloud.fault("ecs:ListTasks", "error", code="AccessDeniedException", status=400, count=0,
                message="User: u is not authorized to perform: ecs:ListTasks on resource: *")
    clock.pass_time(60, 5, lambda: server.read("status"))
    assert "denied ecs:ListTasks\n" in server.read("status")
    assert "contrib/iam/viewer.json" in server.read("error")
    before = server.read("error").count("ecs:ListTasks is denied")
    cloud.control("DELETE", "journal")
    hours = clock.pass_time(600, 5, lambda: server.read("status"))
    assert calls(cloud)[0] <= 480 * hours
    assert server.read("error").count("ecs:ListTasks is denied") == before == 1
    cloud.control("DELETE", "faults")
    clock.pass_time(60, 5, lambda: server.read("status"))
    assert "denied" not in server.read("status")


def start_task(cloud, server):
    cluster, definition = server.value("stack/outputs/ClusterName"), server.value("stack/outputs/TaskDefinitionArn")
    subnet, group = server.value("stack/outputs/PrivateSubnetId"), server.value("stack/outputs/ServerSecurityGroupId")
    network = {"awsvpcConfiguration": {"subnets": [subnet], "securityGroups": [group]}}
    made = cloud.boto("ecs").run_task(cluster=cluster, taskDefinition=definition, launchType="FARGATE", networkConfiguration=network,
                                      overrides={"containerOverrides": [{"name": "vast-server", "command": ["sleep 1000"]}]})
    return cluster, made["tasks"][0]["taskArn"].rpartition("/")[2]


def test_what_others_do_to_tasks_shows_within_30_s(cloud, clock, server):
    settle(clock, server)
    cluster, task = start_task(cloud, server)
    clock.pass_time(29, 1)
    until(lambda: (server.path / f"tasks/{task}").exists(), "the task of somebody else")
    cloud.boto("ecs").stop_task(cluster=cluster, task=task)
    clock.pass_time(29, 1)
    until(lambda: server.value(f"tasks/{task}/desired_status") == "STOPPED", "the end of the task")


def test_an_unused_stack_costs_at_most_60_calls_and_the_next_access_sees_the_present(cloud, clock, server):
    settle(clock, server)
    clock.pass_time(660, 60)
    cloud.control("DELETE", "journal")
    hours = clock.pass_time(3600, 60)
    assert 1 <= calls(cloud)[0] <= 60 * hours
    cluster, task = start_task(cloud, server)
    age = until(lambda: (server.path / f"tasks/{task}").exists(), "the task, without any time that passes")
    assert age
    cloud.boto("ecs").stop_task(cluster=cluster, task=task)


def test_a_laptop_that_slept_sees_the_present(cloud, clock, server):
    """Not by looking into tasks/, which is read at once in any case."""
    settle(clock, server)
    value = "sed -n 's/^{} //p' status".format
    with clock.stopped():
        live = int(server.bash(value("tasks")))
        cluster, task = start_task(cloud, server)
        try:
            clock.sleep(8 * 3600)
            assert int(server.bash(value("age"))) >= 8 * 3600
            until(lambda: int(server.bash(value("age"))) < 60, "the present, while the clock stands still")
            assert int(server.bash(value("tasks"))) == live + 1
        finally:
            cloud.boto("ecs").stop_task(cluster=cluster, task=task)


def test_a_page_that_reads_itself_every_2_s_stays_within_it(cloud, clock, server):
    settle(clock, server)
    cloud.control("DELETE", "journal")
    hours = clock.pass_time(600, 2, lambda: server.read("overview.html") and server.read("status.svg"))
    made, of_cloudformation = calls(cloud)
    # The machine has slept in the test before, so the stack may be read as a whole once more.
    assert made <= 480 * hours and of_cloudformation <= most(60, hours) + 3


def test_nothing_deployed_costs_nothing(cloud, clock, server):
    server.operate("destroy", "purge")
    clock.pass_time(120, 5, lambda: server.read("status"))
    cloud.control("DELETE", "journal")
    clock.pass_time(3600, 30, lambda: server.read("status"))
    assert calls(cloud)[0] == 0
