# SPDX-License-Identifier: BSD-3-Clause
"""One server for one database, and it stays up: the service, restarts, races, crashes."""

import os
import threading

import pytest

from conftest import LISTEN, SERVER, Tree, until

#: takes its time to stop; says when it began and ended
SLOW = f"""sh -c 'trap "sleep 3; exit 43" TERM; echo begun; {LISTEN} wait'"""
SERVICE = "vast-server"


class Ecs:
    """The cluster of a tree as AWS has it."""

    def __init__(self, tree, cloud):
        self.api = cloud.boto("ecs")
        self.tree = tree
        self.cluster = tree.value("stack/outputs/ClusterName")

    def tasks(self):
        arns = [a for s in ("RUNNING", "STOPPED")
                for a in self.api.list_tasks(cluster=self.cluster, desiredStatus=s)["taskArns"]]
        if not arns:
            return []
        tasks = self.api.describe_tasks(cluster=self.cluster, tasks=arns)["tasks"]
        return sorted(tasks, key=lambda t: t["createdAt"])

    def unstopped(self):
        return [t for t in self.tasks() if t["lastStatus"] != "STOPPED"]

    def service(self, name=SERVICE):
        found = self.api.describe_services(cluster=self.cluster, services=[name], include=["TAGS"])["services"]
        return found[0] if found else None

    def scale(self, count):
        self.api.update_service(cluster=self.cluster, service=SERVICE, desiredCount=count)

    def network(self):
        return {"awsvpcConfiguration": {"subnets": [self.tree.value("stack/outputs/PrivateSubnetId")],
                                        "securityGroups": [self.tree.value("stack/outputs/ServerSecurityGroupId")]}}

    def start(self):
        """A server of its own, as other tools start one."""
        started = self.api.run_task(cluster=self.cluster, launchType="FARGATE", networkConfiguration=self.network(),
                                    taskDefinition=self.tree.value("stack/outputs/TaskDefinitionArn"))
        return id_of(started["tasks"][0])

    def create_service(self, name, count=1):
        self.api.create_service(cluster=self.cluster, serviceName=name, desiredCount=count, launchType="FARGATE",
                                taskDefinition=self.tree.value("stack/outputs/TaskDefinitionArn"),
                                networkConfiguration=self.network())

    def remove_service(self, name):
        self.api.delete_service(cluster=self.cluster, service=name, force=True)
        until(lambda: not [t for t in self.unstopped() if t["group"] == f"service:{name}"], "its tasks to stop")

    def assert_never_two(self):
        """No server was started before the one before it had stopped."""
        tasks = self.tasks()
        for before, after in zip(tasks, tasks[1:]):
            assert before["lastStatus"] == "STOPPED", before
            assert before["stoppedAt"] <= after["createdAt"], (before, after)


def id_of(task):
    return task["taskArn"].rpartition("/")[2]


@pytest.fixture
def ecs(deployed, cloud):
    return Ecs(deployed, cloud)


def deploy_with(tree, cloud, command, **more):
    tree.configure(vast_command=command, **more)
    tree.operate("deploy")
    return Ecs(tree, cloud)


def default(tree):
    return os.readlink(tree.path / "tasks/default")


def server_runs(tree, other_than=None):
    def ask():
        link = tree.path / "tasks/default"
        return link.is_symlink() and os.readlink(link) != other_than and os.readlink(link)
    return until(ask, "a server", 60)


# -- the service --


def test_the_server_is_a_service_that_deploy_leaves_alone(deployed, ecs):
    deployed.operate("run-task")
    service = ecs.service()
    assert service["desiredCount"] == 1 and service["launchType"] == "FARGATE"
    assert service["deploymentConfiguration"]["maximumPercent"] == 100
    assert service["deploymentConfiguration"]["minimumHealthyPercent"] == 0
    assert service["availabilityZoneRebalancing"] == "DISABLED"
    assert service["enableExecuteCommand"] and service["propagateTags"] == "TASK_DEFINITION"
    assert service["networkConfiguration"]["awsvpcConfiguration"]["assignPublicIp"] == "DISABLED"
    assert {"key": "vastfs:stage", "value": deployed.stage} in service["tags"]
    before = default(deployed)
    deployed.write("config/default.env", deployed.settings(server_memory="8192"))
    assert "server outdated" in deployed.operate("deploy")
    assert ecs.service()["taskDefinition"] == service["taskDefinition"]
    assert default(deployed) == before and "server outdated" in deployed.read("status")
    deployed.operate("restart-task")
    assert ecs.service()["taskDefinition"] == deployed.value("stack/outputs/TaskDefinitionArn")
    ecs.assert_never_two()


def test_a_server_without_a_service(tree, cloud):
    ecs = deploy_with(tree, cloud, SLOW, server_restart="never")
    tree.operate("run-task")
    assert ecs.service() is None
    first = default(tree)
    tree.operate("restart-task")
    assert default(tree) != first and ecs.service() is None
    ecs.assert_never_two()


def test_a_crashed_server_is_replaced(tree, cloud):
    ecs = deploy_with(tree, cloud, f"sh -c 'mkfifo /tmp/end; echo begun; {LISTEN} read x < /tmp/end; echo last words; exit 7'")
    tree.operate("run-task")
    first = default(tree)
    until(lambda: "begun" in tree.read("stack/server.log"), "the log")
    with open(tree.path / "stack/server.log", encoding="utf-8") as log:
        tree.bash("echo 'echo > /tmp/end' > tasks/default/exec/query")
        second = server_runs(tree, first)
        until(lambda: tree.value(f"tasks/{first}/status") == "STOPPED", "the end")
        until(lambda: log.seek(0) == 0 and log.read().count("begun") == 2, "the log to go on", 60)
        log.seek(0)
        assert log.read() == "begun\nlast words\nbegun\n"
    assert tree.value(f"tasks/{first}/exit_code") == "7"
    line = [x for x in tree.read("events.log").splitlines() if f"task {first}: STOPPED" in x][0]
    assert "exit code 7" in line and "Essential container" in line
    assert second != first and len(ecs.unstopped()) == 1


def test_an_upgrade_from_a_server_without_a_service(deployed, ecs):
    old = ecs.start()
    deployed.bash("touch control/refresh")
    server_runs(deployed)
    assert deployed.bash("touch control/run-task", check=False).returncode == 1
    assert "errno=EEXIST" in deployed.read("error") and ecs.service() is None
    deployed.operate("restart-task")
    assert default(deployed) != old and ecs.service()["desiredCount"] == 1
    ecs.assert_never_two()


# -- stopping --


@pytest.mark.parametrize("how", ["ours", "others", "stop-all"])
def test_a_server_that_stops_slowly_is_waited_for(tree, cloud, how):
    ecs = deploy_with(tree, cloud, SLOW)
    tree.operate("run-task")
    first = default(tree)
    if how == "ours":
        tree.bash(f"touch tasks/{first}/stop")
    elif how == "others":
        ecs.scale(0)
    else:
        tree.bash("touch control/stop-all-tasks")
        until(lambda: f"waiting for task {first}" in tree.read("operations/latest/progress"), "the progress")
        assert "up to 120 s" in tree.read("operations/latest/progress")
        assert "1 task stopped" in tree.bash("cat operations/latest/result")
        assert ecs.unstopped() == []
    until(lambda: tree.bash("touch control/run-task", check=False).returncode == 0, "run-task")
    tree.bash("cat operations/latest/result")
    assert default(tree) != first
    ecs.assert_never_two()


def test_run_task_waits_for_a_server_that_it_did_not_know_to_be_stopping(tree, cloud):
    ecs = deploy_with(tree, cloud, SLOW)
    task = ecs.start()
    until(lambda: ecs.tasks()[0]["lastStatus"] == "RUNNING", "the server")
    ecs.api.stop_task(cluster=ecs.cluster, task=task)
    tree.unmount()
    tree.mount()
    tree.bash("touch control/run-task")
    until(lambda: f"waiting for task {task}" in tree.read("operations/latest/progress")
          or tree.value("operations/latest/state") == "succeeded", "the progress")
    assert "is running" in tree.bash("cat operations/latest/result")
    ecs.assert_never_two()


def test_stopping_the_server_stops_the_service_too(deployed, ecs):
    deployed.operate("run-task")
    task = default(deployed)
    deployed.bash(f"touch tasks/{task}/stop")
    until(lambda: deployed.value(f"tasks/{task}/status") == "STOPPED", "the stop")
    assert ecs.service()["desiredCount"] == 0 and ecs.unstopped() == []
    assert "state deployed" in deployed.read("status")


def test_destroy_waits_for_whoever_is_stopping(tree, cloud):
    ecs = deploy_with(tree, cloud, SLOW)
    tree.operate("run-task")
    ecs.api.stop_task(cluster=ecs.cluster, task=default(tree))
    tree.operate("destroy")
    assert "cannot be deleted" not in tree.read("operations/latest/operation.log")
    assert "trying again" not in tree.read("operations/latest/operation.log")


# -- crash loops --


def test_a_server_that_ends_at_once_is_given_up(tree, cloud):
    ecs = deploy_with(tree, cloud, "sh -c 'echo what is wrong; exit 9'")
    error = tree.operate("run-task", fails=True)
    assert "3 times" in error and "exit code 9" in error and "what is wrong" in error
    assert ecs.service()["desiredCount"] == 0
    until(lambda: ecs.unstopped() == [], "the end")
    # the old crashes do not count against the next start
    ecs.tree.configure(vast_command=SERVER)
    tree.operate("deploy")
    tree.operate("run-task")
    assert len(ecs.unstopped()) == 1


def test_a_server_that_ends_again_and_again_later_is_given_up(tree, cloud):
    ecs = deploy_with(tree, cloud, f"sh -c '{LISTEN} sleep 3; echo what is wrong; exit 9'")
    tree.operate("run-task")
    until(lambda: "3 times" in tree.read("error"), "the error", 90)
    line = [x for x in tree.read("error").splitlines() if "3 times" in x]
    assert len(line) == 1 and "exit code 9" in line[0] and "what is wrong" in line[0]
    assert ecs.service()["desiredCount"] == 0
    assert "3 times" in tree.read("events.log")
    # the way out is open at once, also while the last one still stops
    assert "touch control/deploy, then control/restart-task" in line[0]
    ecs.tree.configure(vast_command=SERVER)
    tree.operate("deploy")
    tree.operate("restart-task")


def test_deploy_says_what_can_be_done_while_the_server_stops(tree, cloud):
    deploy_with(tree, cloud, SLOW.replace("sleep 3", "sleep 15"))  # longer than a deploy takes
    tree.operate("run-task")
    tree.bash("touch tasks/$(readlink tasks/default)/stop")
    until(lambda: not (tree.path / "tasks/default").is_symlink(), "it stops")
    assert "the server is stopping, touch control/restart-task" in tree.operate("deploy")
    tree.operate("restart-task")


# -- by hand, and by others --


@pytest.mark.parametrize("verb", ["run-task", "restart-task"])
def test_a_service_that_was_scaled_by_hand_goes_back_to_one(deployed, ecs, verb):
    deployed.operate("run-task")
    ecs.scale(3)
    until(lambda: len(ecs.unstopped()) == 3, "three tasks")
    deployed.bash("touch control/refresh")
    until(lambda: "server scaled to 3" in deployed.read("status"), "the warning")
    deployed.operate(verb)
    assert ecs.service()["desiredCount"] == 1 and len(ecs.unstopped()) == 1
    assert "scaled" not in deployed.read("status")


def test_a_service_that_was_deleted_by_hand_is_made_anew(tree, cloud):
    ecs = deploy_with(tree, cloud, SLOW)
    tree.operate("run-task")
    ecs.api.delete_service(cluster=ecs.cluster, service=SERVICE, force=True)
    tree.operate("restart-task")
    assert ecs.service()["status"] == "ACTIVE" and ecs.service()["desiredCount"] == 1
    assert len(ecs.unstopped()) == 1
    ecs.assert_never_two()


def test_a_start_that_ecs_refuses_has_a_way_out(tree, cloud):
    deploy_with(tree, cloud, SERVER, server_restart="never")
    cloud.fault("run_task", "failures", reason="RESOURCE:ENI")
    error = tree.operate("run-task", fails=True)
    assert "RESOURCE:ENI" in error and "remedy: touch control/restart-task" in error
    tree.operate("restart-task")


def test_a_service_of_our_name_that_is_not_ours(deployed, ecs):
    ecs.create_service(SERVICE, 0)
    for verb in ("run-task", "restart-task"):
        error = deployed.operate(verb, fails=True)
        assert SERVICE in error and "vastfs did not create it" in error
    assert "EEXIST" in deployed.read("error")
    ecs.remove_service(SERVICE)


def test_services_of_others_are_left_alone(deployed, ecs):
    deployed.operate("run-task")
    ecs.create_service("theirs")
    until(lambda: len(ecs.unstopped()) == 2, "their task")
    assert "theirs, which vastfs did not create: left alone" in deployed.operate("stop-all-tasks")
    assert ecs.service("theirs")["desiredCount"] == 1 and len(ecs.unstopped()) == 1
    error = deployed.operate("destroy", fails=True)
    assert "theirs" in error and deployed.value("stack/status") == "CREATE_COMPLETE"
    ecs.remove_service("theirs")


def test_no_capacity_shows_as_ecs_says_it(deployed, cloud, ecs):
    cloud.fault(f"service:{SERVICE}", "unplaced", count=1)
    deployed.operate("run-task")
    assert "unable to place a task" in deployed.read("operations/latest/operation.log")


@pytest.mark.parametrize("action", ["ecs:CreateService", "ecs:UpdateService", "ecs:DescribeServices", "ecs:TagResource"])
@pytest.mark.parametrize("kind", ["throttle", "error500", "drop_after"])
def test_a_stumbling_ecs_does_not_stop_a_restart(deployed, cloud, ecs, action, kind):
    deployed.operate("run-task")
    cloud.fault(action, kind, count=1)
    deployed.operate("restart-task")
    assert len(ecs.unstopped()) == 1
    ecs.assert_never_two()


# -- before the old server is stopped --


def test_a_restart_without_an_image_stops_nothing(deployed, cloud, ecs):
    deployed.operate("run-task")
    before = default(deployed)
    digest = deployed.value("tasks/default/image").partition("@")[2]
    cloud.boto("ecr").batch_delete_image(repositoryName=deployed.name, imageIds=[{"imageDigest": digest}])
    error = deployed.operate("restart-task", fails=True)
    assert digest in error and "no longer in ECR" in error and "control/deploy" in deployed.read("error")
    assert default(deployed) == before and deployed.value("tasks/default/status") == "RUNNING"


def test_a_restart_with_a_deregistered_definition_stops_nothing(deployed, ecs):
    deployed.operate("run-task")
    before = default(deployed)
    ecs.api.deregister_task_definition(taskDefinition=deployed.value("stack/outputs/TaskDefinitionArn"))
    assert "INACTIVE" in deployed.operate("restart-task", fails=True)
    assert default(deployed) == before


def test_who_reads_about_tasks_has_the_server_looked_at_often(deployed, cloud):
    """One small call at a time, not everything: between them the stack is asked for at its own pace."""
    deployed.operate("run-task")
    services, stacks = cloud.calls("ecs:DescribeServices"), cloud.calls("cloudformation:DescribeStacks")
    until(lambda: deployed.read("tasks/default/status") and cloud.calls("ecs:DescribeServices") >= services + 6, "six looks")
    assert cloud.calls("cloudformation:DescribeStacks") - stacks <= 3


# -- two machines, and kill -9 --


@pytest.fixture
def other(deployed, cloud, tmp_path_factory):
    """The same settings on another machine."""
    second = Tree(cloud, tmp_path_factory.mktemp("other")).mount()
    second.number, second.stage, second.name = deployed.number, deployed.stage, deployed.name
    second.configure()
    yield second
    second.unmount()


@pytest.mark.parametrize("verbs", [("run-task", "run-task"), ("restart-task", "restart-task"),
                                   ("run-task", "restart-task")])
def test_two_machines_at_once_have_one_server(deployed, other, ecs, verbs):
    if verbs == ("restart-task", "restart-task"):
        deployed.operate("run-task")
        other.bash("touch control/refresh")
        server_runs(other)
    ends = []

    def operate(tree, verb):
        ends.append(tree.bash(f"touch control/{verb} && cat operations/latest/result", check=False))

    threads = [threading.Thread(target=operate, args=pair) for pair in zip((deployed, other), verbs)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert any(done.returncode == 0 for done in ends), ends
    errors = deployed.read("operations/latest/error") + other.read("operations/latest/error")
    refused = deployed.read("error") + other.read("error")
    assert errors.strip() == "" or "already" in errors, (errors, refused)
    assert len(ecs.unstopped()) == 1 and ecs.service()["desiredCount"] == 1
    ecs.assert_never_two()


STEPS = {
    "run-task": ["ecs:DescribeServices", "ecs:ListTasks", "ecs:CreateService", "ecs:DescribeTasks"],
    "restart-task": ["ecs:DescribeTaskDefinition", "ecs:UpdateService", "ecs:StopTask", "ecs:DescribeTasks",
                     "ecs:TagResource"],
    "stop-all-tasks": ["ecs:UpdateService", "ecs:StopTask", "ecs:DescribeTasks"],
}


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("verb, action", [(v, a) for v, actions in STEPS.items() for a in actions])
def test_an_operation_goes_on_after_kill_9(deployed, cloud, ecs, verb, action, when):
    """Killed while a request is on its way, or when its answer is."""
    before = None
    if verb != "run-task":
        deployed.operate("run-task")
        before = default(deployed)
    calls = cloud.calls(action)
    if when == "before":
        cloud.fault(action, "delay", seconds=3, count=1)
    deployed.bash(f"touch control/{verb}")
    until(lambda: cloud.calls(action) > calls or deployed.value("operations/latest/state") != "running", action)
    deployed.kill()
    deployed.mount()
    result = deployed.bash("cat operations/latest/result")
    servers = ecs.unstopped()
    if verb == "stop-all-tasks":
        assert servers == [] and ecs.service()["desiredCount"] == 0
        return
    assert "accepts connections" in result
    assert len(servers) == 1 and id_of(servers[0]) != before
    assert len(ecs.tasks()) == (1 if verb == "run-task" else 2)
    ecs.assert_never_two()
