# SPDX-License-Identifier: BSD-3-Clause
"""ECS's API for clusters and tasks.

A task is in task.py, its containers are in container.py.
"""

import json
import time

from moto.core.responses import ActionResult
from moto.ec2.models.elastic_network_interfaces import NetworkInterface
from moto.ecs import models
from moto.ecs.exceptions import ECSException, InvalidParameterException
from moto.ecs.responses import DESCRIBE_TASKS_TAGS, EC2ContainerServiceResponse

from ..containers import host_place
from . import faults, launch, services
from .addresses import Addresses
from .task import USER, Task

STOPPED_KEPT = 3600  # seconds for which a stopped task is still listed
PAGE = 100
RESERVED_GROUP = "Invalid namespace for group: it is reserved."
ONE_FILTER = "The startedBy filter cannot be combined with other filters."

_context = None
_tokens = {}


class ConflictException(ECSException):
    """A client token was reused with other parameters."""

    code = "ConflictException"

    def __init__(self, arns):
        super().__init__(
            "The provided client token was already used with different parameters."
        )
        self.resource_ids = arns


class ClusterContainsTasks(ECSException):
    """DeleteCluster while there are tasks that are not stopped."""

    code = "ClusterContainsTasksException"

    def __init__(self):
        super().__init__("The Cluster cannot be deleted while Tasks are active.")


class ClusterContainsServices(ECSException):
    """DeleteCluster while there are active or draining services."""

    code = "ClusterContainsServicesException"

    def __init__(self):
        super().__init__("The Cluster cannot be deleted while Services are active.")


def run_task(self) -> ActionResult:
    """RunTask: the same token with the same parameters returns the same tasks."""
    with _context.lock:
        request = json.loads(self.body)
        token = request.pop("clientToken", None)
        key = (self.current_account, self.region, token)
        if token and key in _tokens:
            earlier, tasks = _tokens[key]
            if earlier != request:
                raise ConflictException([task.task_arn for task in tasks])
            return started(tasks)
        rule = faults.of_run_task()
        if rule:
            return refused(rule)
        tasks = launch_requested(self.ecs_backend, request)
        if token:
            _tokens[key] = (json.loads(self.body), tasks)
            _tokens[key][0].pop("clientToken")
        reply = started(tasks)
        for task in tasks:
            task.start()
        return reply


def started(tasks) -> ActionResult:
    return ActionResult({"tasks": [task.view() for task in tasks], "failures": []})


def refused(rule: dict) -> ActionResult:
    """The reply if no task was placed: it is not an error, but has failures."""
    failure = {"reason": rule.get("reason", launch.NO_CAPACITY)}
    failure.update((name, rule[name]) for name in ("arn", "detail") if name in rule)
    return ActionResult({"tasks": [], "failures": [failure]})


def launch_requested(backend, request: dict) -> list:
    """RunTask's new tasks, recorded but not started yet."""
    cluster = launch.active_cluster(backend, request.get("cluster", "default"))
    definition = launch.active_definition(backend, request["taskDefinition"])
    if request.get("launchType") != "FARGATE":
        raise InvalidParameterException(launch.NO_INSTANCES)
    if (request.get("group") or "").startswith(("service:", "family:")):
        raise InvalidParameterException(RESERVED_GROUP)
    network = launch.network_of(backend, request)
    launch.check_fargate(definition, network)
    return launch.launch(backend, cluster, definition, network, request)


def tasks_of(backend, cluster_name: str) -> dict:
    """The cluster's tasks by ID, without those that stopped long ago."""
    cluster = backend._get_cluster(cluster_name)
    table = backend.tasks.get(cluster.name, {})
    now = time.time()
    for arn, task in list(table.items()):
        stopped = task.times.get("stoppedAt")
        if stopped and now - stopped.timestamp() > STOPPED_KEPT:
            del table[arn]
    return {task.id: task for task in table.values()}


def find_task(backend, cluster_name: str, name: str):
    """The task with this ID or ARN; None if it is not in the cluster."""
    task = tasks_of(backend, cluster_name).get(name.rpartition("/")[2])
    if task is None or (name.startswith("arn:") and name != task.task_arn):
        return None
    return task


def describe_tasks(self) -> ActionResult:
    """DescribeTasks: each name without a task is a failure."""
    cluster = self._get_param("cluster", "default")
    names = self._get_param("tasks", [])
    tags = "TAGS" in self._get_param("include", [])
    if not names:
        raise InvalidParameterException("Tasks cannot be empty.")
    tasks, failures = [], []
    with _context.lock:
        for name in names:
            task = find_task(self.ecs_backend, cluster, name)
            if task is None or faults.is_missing_task(task):
                failures.append({"arn": task_arn(self, cluster, name)})
                failures[-1]["reason"] = "MISSING"
                continue
            view = task.view()
            if not tags:
                del view["tags"]
            tasks.append(view)
        return ActionResult({"tasks": tasks, "failures": failures})


def task_arn(self, cluster: str, name: str) -> str:
    if name.startswith("arn:"):
        return name
    base = self.ecs_backend._get_cluster(cluster).arn.replace(":cluster/", ":task/")
    return f"{base}/{name}"


def list_tasks(self) -> ActionResult:
    """ListTasks: without desiredStatus, only tasks whose desired status is RUNNING."""
    parameter = self._get_param
    status = parameter("desiredStatus") or "RUNNING"
    cluster = parameter("cluster", "default")
    with _context.lock:
        tasks = tasks_of(self.ecs_backend, cluster)
        wanted = _filters(self.ecs_backend, cluster, parameter)
        arns = [
            task.task_arn
            for task in tasks.values()
            if task.desired_status == status
            and all(getattr(task, name) == value for name, value in wanted.items())
        ]
    return page("taskArns", arns, parameter("maxResults"), parameter("nextToken"))


def _filters(backend, cluster: str, parameter) -> dict:
    """{attribute of a task: value} for the filters of ListTasks."""
    service = parameter("serviceName")
    wanted = {
        "family": parameter("family"),
        "started_by": parameter("startedBy"),
        "launch_type": parameter("launchType"),
        "group": f"service:{services.find(backend, cluster, service).name}"
        if service
        else None,
    }
    wanted = {name: value for name, value in wanted.items() if value is not None}
    if "started_by" in wanted and len(wanted) > 1:
        raise InvalidParameterException(ONE_FILTER)
    return wanted


def page(member: str, arns: list, size, token, default=PAGE) -> ActionResult:
    """One page; the token names the last item of the page, because earlier items may disappear."""
    arns = sorted(arns)
    if token:
        arns = [arn for arn in arns if arn > token]
    size = min(int(size or default), PAGE)
    result = {member: arns[:size]}
    if len(arns) > size:
        result["nextToken"] = arns[size - 1]
    return ActionResult(result)


def stop_task(self) -> ActionResult:
    """StopTask: replies at once; the task stops later."""
    cluster = self._get_param("cluster", "default")
    with _context.lock:
        task = find_task(self.ecs_backend, cluster, self._get_param("task"))
        if task is None:
            raise InvalidParameterException("The referenced task was not found.")
        task.ask_to_stop(USER, self._get_param("reason") or "Task stopped by user")
        return ActionResult({"task": task.view()})


def _create_cluster(original):
    """CreateCluster with the name of an active cluster returns that cluster."""

    def create_cluster(backend, cluster_name, *arguments, **keywords):
        cluster = backend.clusters.get(cluster_name)
        if cluster is not None and cluster.status == "ACTIVE":
            return cluster
        made = original(backend, cluster_name, *arguments, **keywords)
        made.tags = made.tags or []  # moto's tagging API fails on None
        return made

    return create_cluster


def _delete_cluster(original):
    """DeleteCluster is refused while a service or a task is active."""

    def delete_cluster(backend, cluster_str):
        with _context.lock:
            if services.unfinished(backend, cluster_str):
                raise ClusterContainsServices
            tasks = tasks_of(backend, cluster_str).values()
            if any(task.status != "STOPPED" for task in tasks):
                raise ClusterContainsTasks
            return original(backend, cluster_str)

    return delete_cluster


def _describe_clusters(original):
    """DescribeClusters with the numbers of services and tasks, which moto counts only for EC2."""

    def describe_clusters(backend, cluster_names):
        with _context.lock:
            clusters, failures = original(backend, cluster_names)
            for cluster in clusters:
                tasks = tasks_of(backend, cluster.name).values()
                cluster.running_tasks_count = sum(task.is_running for task in tasks)
                cluster.pending_tasks_count = sum(task.is_pending for task in tasks)
                active = services.active(backend, cluster.name)
                cluster.active_services_count = len(active)
            return clusters, failures

    return describe_clusters


def install(context) -> None:
    """Replace moto's methods."""
    global _context
    _context = context
    Task.context = context
    Task.addresses = Addresses()
    host_place.prepare_programs(context)
    models.Task = Task
    models.random_private_ip = lambda *_: Task.addresses.take()
    backend = models.EC2ContainerServiceBackend
    backend._calculate_task_resource_requirements = staticmethod(lambda _: {})
    backend.create_cluster = _create_cluster(backend.create_cluster)
    backend.delete_cluster = _delete_cluster(backend.delete_cluster)
    backend.describe_clusters = _describe_clusters(backend.describe_clusters)
    if not hasattr(NetworkInterface, "private_dns_name"):
        NetworkInterface.private_dns_name = ""
    response = EC2ContainerServiceResponse
    # moto changes this value per request, for all threads at once
    response.RESPONSE_KEY_PATH_TO_TRANSFORMER[DESCRIBE_TASKS_TAGS] = lambda tags: tags
    faults.when_added(wake_tasks)
    context.controls["DELETE", "/sandbox/tasks"] = forget_stopped
    for handler in (run_task, describe_tasks, list_tasks, stop_task):
        setattr(response, handler.__name__, handler)


def stop(_context) -> None:
    """Let the threads of all tasks return."""
    wake_tasks()


def wake_tasks() -> None:
    """Wake every task, so that it checks what has changed."""
    for table in _tables():
        for task in list(table.values()):
            task.wake()


def forget_stopped(_wish):
    """Forget the stopped tasks, as an hour later."""
    forgotten = 0
    with _context.lock:
        for table in _tables():
            for arn, task in list(table.items()):
                if task.status == "STOPPED":
                    del table[arn]
                    forgotten += 1
    return 200, {"forgotten": forgotten}


def _tables() -> list:
    """The table of tasks of each cluster."""
    return [
        table
        for accounts in list(models.ecs_backends.values())
        for backend in list(accounts.values())
        for table in list(backend.tasks.values())
    ]
