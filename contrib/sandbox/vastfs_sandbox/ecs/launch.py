# SPDX-License-Identifier: BSD-3-Clause
"""Makes tasks from requests, for RunTask and for the service scheduler.

All functions are called with the sandbox's lock held.
"""

import copy

from moto.core.exceptions import ServiceException
from moto.ec2.models import ec2_backends
from moto.ecs.exceptions import (
    ClusterNotFoundException,
    ECSException,
    EcsClientException,
    InvalidParameterException,
)

from ..common import quotas

MANAGED_CLUSTER_TAG = "aws:ecs:clusterName"
MANAGED_SERVICE_TAG = "aws:ecs:serviceName"
NO_INSTANCES = "No Container Instances were found in your cluster."
NO_CAPACITY = (
    "Capacity is unavailable at this time. Please try again later or in a different "
    "availability zone"
)
TOO_MANY_VCPUS = "You’ve reached the limit on the number of vCPUs you can run concurrently"
UNITS_A_VCPU = 1024
NO_NETWORK = "Network Configuration must be provided when networkMode 'awsvpc' is specified."
NOT_FOR_FARGATE = "Task definition does not support launch_type FARGATE."


def active_cluster(backend, name: str):
    """The cluster; refused if it is not active."""
    cluster = backend._get_cluster(name)
    if cluster.status != "ACTIVE":
        error = ClusterNotFoundException()
        error.message = "The referenced cluster was inactive."
        raise error
    return cluster


def active_definition(backend, name: str):
    """The task definition; refused if new tasks and services cannot use it."""
    try:
        definition = backend.describe_task_definition(name)
    except ECSException as error:
        raise EcsClientException("TaskDefinition not found.") from error
    if definition.status != "ACTIVE":
        raise EcsClientException("TaskDefinition is inactive")
    return definition


def check_fargate(definition, network) -> None:
    """Refuse a task definition that Fargate cannot run, or that has no network configuration."""
    if "FARGATE" not in definition.compatibilities:
        raise InvalidParameterException(NOT_FOR_FARGATE)
    if definition.network_mode == "awsvpc" and network is None:
        raise InvalidParameterException(NO_NETWORK)


def network_of(backend, request: dict):
    """The checked network configuration; moto would reply with an error of EC2."""
    network = copy.deepcopy(request.get("networkConfiguration"))
    if not network or "awsvpcConfiguration" not in network:
        return None
    configuration = network["awsvpcConfiguration"]
    configuration.setdefault("securityGroups", [])
    configuration.setdefault("assignPublicIp", "DISABLED")
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


def launch(backend, cluster, definition, network, request: dict) -> list:
    """`count` new Fargate tasks, recorded but not started yet.

    `request` has the fields of RunTask except those of the placement.
    """
    check_vcpus(backend, definition, int(request.get("count", 1)))
    tasks = backend.run_task(
        cluster.name,
        definition.arn,
        int(request.get("count", 1)),
        request.get("overrides"),
        request.get("startedBy"),
        None,
        "FARGATE",
        network,
        request.get("group"),
        request.get("platformVersion"),
    )
    for task in tasks:
        _settle(backend, cluster, definition, task, request)
    return tasks


def check_vcpus(backend, definition, count: int) -> None:
    """The quota of vCPUs that run on Fargate at once."""
    used = sum(
        float(task.cpu or 0) / UNITS_A_VCPU
        for table in backend.tasks.values()
        for task in table.values()
        if task.last_status != "STOPPED"
    )
    wanted = count * float(definition.cpu or 0) / UNITS_A_VCPU
    if used + wanted > quotas.value(quotas.FARGATE_VCPUS):
        raise EcsClientException(TOO_MANY_VCPUS)


def _settle(backend, cluster, definition, task, request: dict) -> None:
    """Set the fields of a new task that moto omits."""
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
        tags[MANAGED_CLUSTER_TAG] = cluster.name
        namespace, _, name = task.group.partition(":")
        if namespace == "service":
            tags[MANAGED_SERVICE_TAG] = name
    task.tags = [{"key": key, "value": value} for key, value in tags.items()]
