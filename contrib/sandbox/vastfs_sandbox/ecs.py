"""ECS whose tasks are processes: the API's side of it.

Tasks themselves are in ecs_task.py, what they run in containers.py.
"""

import copy
import json
import time

from moto.core.exceptions import ServiceException
from moto.core.responses import ActionResult
from moto.ec2.models import ec2_backends
from moto.ec2.models.elastic_network_interfaces import NetworkInterface
from moto.ecs import models
from moto.ecs.exceptions import (
    ClusterNotFoundException,
    ECSException,
    EcsClientException,
    InvalidParameterException,
)
from moto.ecs.responses import DESCRIBE_TASKS_TAGS, EC2ContainerServiceResponse

from . import containers
from .addresses import Addresses
from .ecs_task import Task

STOPPED_KEPT = 3600  # seconds that a stopped task is still listed
PAGE = 100
MANAGED_TAG = "aws:ecs:clusterName"

_context = None
_tokens = {}


class ConflictException(ECSException):
    """A client token was used again for something else."""

    code = "ConflictException"

    def __init__(self, arns):
        super().__init__(
            "The provided client token was already used with different parameters."
        )
        self.resource_ids = arns


class ClusterContainsTasks(ECSException):
    """DeleteCluster while tasks are not stopped."""

    code = "ClusterContainsTasksException"

    def __init__(self):
        super().__init__("The Cluster cannot be deleted while Tasks are active.")


def run_task(self) -> ActionResult:
    """RunTask: the same token with the same parameters is the same tasks."""
    with _context.lock:
        request = json.loads(self.body)
        token = request.pop("clientToken", None)
        key = (self.current_account, self.region, token)
        if token and key in _tokens:
            earlier, tasks = _tokens[key]
            if earlier != request:
                raise ConflictException([task.task_arn for task in tasks])
            return started(tasks)
        tasks = launch(self.ecs_backend, request)
        if token:
            _tokens[key] = (json.loads(self.body), tasks)
            _tokens[key][0].pop("clientToken")
        reply = started(tasks)
        for task in tasks:
            task.start()
        return reply


def started(tasks) -> ActionResult:
    return ActionResult({"tasks": [task.view() for task in tasks], "failures": []})


def launch(backend, request: dict) -> list:
    """New tasks, recorded but not alive yet."""
    cluster = active_cluster(backend, request.get("cluster", "default"))
    definition = active_definition(backend, request["taskDefinition"])
    if request.get("launchType") != "FARGATE":
        raise InvalidParameterException(
            "No Container Instances were found in your cluster."
        )
    tasks = backend.run_task(
        cluster.name,
        definition.arn,
        int(request.get("count", 1)),
        request.get("overrides"),
        request.get("startedBy"),
        None,
        "FARGATE",
        network_of(backend, request),
        request.get("group"),
        request.get("platformVersion"),
    )
    for task in tasks:
        settle(backend, cluster, definition, task, request)
    return tasks


def network_of(backend, request: dict):
    """The network configuration, checked: moto answers with an error of EC2's."""
    network = copy.deepcopy(request.get("networkConfiguration"))
    if not network or "awsvpcConfiguration" not in network:
        return None
    configuration = network["awsvpcConfiguration"]
    configuration.setdefault("securityGroups", [])
    ec2 = ec2_backends[backend.account_id][backend.region_name]
    try:
        for subnet in configuration["subnets"]:
            ec2.get_subnet(subnet)
    except ServiceException as error:
        raise InvalidParameterException(error.message) from error
    for group in configuration["securityGroups"]:
        if ec2.get_security_group_from_id(group) is None:
            raise InvalidParameterException(
                f"The security group '{group}' does not exist"
            )
    return network


def settle(backend, cluster, definition, task, request: dict) -> None:
    """What moto leaves out of a new task."""
    table = backend.tasks[cluster.name]
    for arn in [arn for arn, other in table.items() if other is task]:
        del table[arn]
    table[task.task_arn] = task
    task.enable_execute_command = bool(request.get("enableExecuteCommand"))
    tags = {}
    if request.get("propagateTags") == "TASK_DEFINITION":
        tags.update({tag["key"]: tag["value"] for tag in definition.tags or []})
    tags.update({tag["key"]: tag["value"] for tag in request.get("tags") or []})
    if request.get("enableECSManagedTags"):
        tags[MANAGED_TAG] = cluster.name
    task.tags = [{"key": key, "value": value} for key, value in tags.items()]


def active_cluster(backend, name: str):
    cluster = backend._get_cluster(name)
    if cluster.status != "ACTIVE":
        error = ClusterNotFoundException()
        error.message = "The referenced cluster was inactive."
        raise error
    return cluster


def active_definition(backend, name: str):
    try:
        definition = backend.describe_task_definition(name)
    except ECSException as error:
        raise EcsClientException("TaskDefinition not found.") from error
    if definition.status != "ACTIVE":
        raise EcsClientException("TaskDefinition is inactive")
    return definition


def tasks_of(backend, cluster_name: str) -> dict:
    """The cluster's tasks by id, the long stopped ones forgotten."""
    cluster = backend._get_cluster(cluster_name)
    table = backend.tasks.get(cluster.name, {})
    now = time.time()
    for arn, task in list(table.items()):
        stopped = task.times.get("stoppedAt")
        if stopped and now - stopped.timestamp() > STOPPED_KEPT:
            del table[arn]
    return {task.id: task for task in table.values()}


def find_task(backend, cluster_name: str, name: str):
    """By id or by ARN; None if it is not in this cluster."""
    task = tasks_of(backend, cluster_name).get(name.rpartition("/")[2])
    if task is None or (name.startswith("arn:") and name != task.task_arn):
        return None
    return task


def describe_tasks(self) -> ActionResult:
    """DescribeTasks: each name that is no task is a failure."""
    cluster = self._get_param("cluster", "default")
    names = self._get_param("tasks", [])
    tags = "TAGS" in self._get_param("include", [])
    if not names:
        raise InvalidParameterException("Tasks cannot be empty.")
    tasks, failures = [], []
    with _context.lock:
        for name in names:
            task = find_task(self.ecs_backend, cluster, name)
            if task is None:
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
    """ListTasks: without desiredStatus only those that are to run."""
    status = self._get_param("desiredStatus") or "RUNNING"
    family = self._get_param("family")
    started_by = self._get_param("startedBy")
    launch_type = self._get_param("launchType")
    with _context.lock:
        tasks = tasks_of(self.ecs_backend, self._get_param("cluster", "default"))
        arns = [
            task.task_arn
            for task in tasks.values()
            if task.desired_status == status
            and family in (None, task.family)
            and started_by in (None, task.started_by)
            and launch_type in (None, task.launch_type)
        ]
    return page(arns, self._get_param("maxResults"), self._get_param("nextToken"))


def page(arns: list, size, token) -> ActionResult:
    """One page; the token names the last one shown, for others may go."""
    arns = sorted(arns)
    if token:
        arns = [arn for arn in arns if arn > token]
    size = min(int(size or PAGE), PAGE)
    result = {"taskArns": arns[:size]}
    if len(arns) > size:
        result["nextToken"] = arns[size - 1]
    return ActionResult(result)


def stop_task(self) -> ActionResult:
    """StopTask: answers at once, the task takes its time."""
    cluster = self._get_param("cluster", "default")
    with _context.lock:
        task = find_task(self.ecs_backend, cluster, self._get_param("task"))
        if task is None:
            raise InvalidParameterException("The referenced task was not found.")
        task.ask_to_stop(self._get_param("reason"))
        return ActionResult({"task": task.view()})


def _create_cluster(original):
    """CreateCluster of an active cluster's name is that cluster."""

    def create_cluster(backend, cluster_name, *arguments, **keywords):
        cluster = backend.clusters.get(cluster_name)
        if cluster is not None and cluster.status == "ACTIVE":
            return cluster
        return original(backend, cluster_name, *arguments, **keywords)

    return create_cluster


def _delete_cluster(original):
    """DeleteCluster is refused as long as a task is not stopped."""

    def delete_cluster(backend, cluster_str):
        with _context.lock:
            tasks = tasks_of(backend, cluster_str).values()
            if any(task.status != "STOPPED" for task in tasks):
                raise ClusterContainsTasks
            return original(backend, cluster_str)

    return delete_cluster


def install(context) -> None:
    """Put these in moto's place."""
    global _context
    _context = context
    Task.context = context
    Task.addresses = Addresses()
    containers.prepare_programs(context)
    models.Task = Task
    models.random_private_ip = lambda *_: Task.addresses.take()
    backend = models.EC2ContainerServiceBackend
    backend._calculate_task_resource_requirements = staticmethod(lambda _: {})
    backend.create_cluster = _create_cluster(backend.create_cluster)
    backend.delete_cluster = _delete_cluster(backend.delete_cluster)
    if not hasattr(NetworkInterface, "private_dns_name"):
        NetworkInterface.private_dns_name = ""
    response = EC2ContainerServiceResponse
    # moto switches this per request, for all threads at once
    response.RESPONSE_KEY_PATH_TO_TRANSFORMER[DESCRIBE_TASKS_TAGS] = lambda tags: tags
    for handler in (run_task, describe_tasks, list_tasks, stop_task):
        setattr(response, handler.__name__, handler)


def stop(_context) -> None:
    """Let the threads of all tasks go home."""
    for accounts in list(models.ecs_backends.values()):
        for backend in list(accounts.values()):
            for table in list(backend.tasks.values()):
                for task in list(table.values()):
                    task.wake()
