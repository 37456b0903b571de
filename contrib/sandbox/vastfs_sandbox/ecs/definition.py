# SPDX-License-Identifier: BSD-3-Clause
"""Checks that ECS makes on a task definition, and the defaults that it adds.

The ranges are those of the API's reference (HealthCheck, EphemeralStorage,
ContainerDefinition.stopTimeout) and of the developer guide's table of Fargate's
sizes. moto accepts every value.
"""

from moto.ecs.exceptions import EcsClientException
from moto.ecs.models import EC2ContainerServiceBackend

from ..common.patching import surround

#: {field: (default, minimum, maximum)}; startPeriod is off unless it is given
HEALTH_CHECK = {
    "interval": (30, 5, 300),
    "timeout": (5, 2, 60),
    "retries": (3, 1, 10),
    "startPeriod": (None, 0, 300),
}
HEALTH_COMMANDS = ("CMD", "CMD-SHELL")
EPHEMERAL_STORAGE = (21, 200)  # GiB
LONGEST_STOP_TIMEOUT = 120  # seconds, on Fargate
#: {CPU units: permitted MiB of memory}
FARGATE_SIZES = {
    256: (512, 1024, 2048),
    512: range(1024, 4096 + 1, 1024),
    1024: range(2048, 8192 + 1, 1024),
    2048: range(4096, 16384 + 1, 1024),
    4096: range(8192, 30720 + 1, 1024),
    8192: range(16384, 61440 + 1, 4096),
    16384: range(32768, 122880 + 1, 8192),
}
NO_SIZE = "No Fargate configuration exists for given values."


def register_task_definition(backend, original, family, container_definitions, **more):
    """RegisterTaskDefinition: check the definition before it is recorded."""
    fargate = "FARGATE" in (more.get("requires_compatibilities") or [])
    if fargate:
        _check_size(more.get("cpu"), more.get("memory"))
    storage = more.get("ephemeral_storage")
    if storage:
        _check_range("ephemeralStorage.sizeInGiB", storage["sizeInGiB"], *EPHEMERAL_STORAGE)
    names = [container.get("name") for container in container_definitions]
    if len(set(names)) != len(names):
        raise EcsClientException("Container names must be unique within a task definition.")
    if not any(container.get("essential", True) for container in container_definitions):
        raise EcsClientException("TaskDefinition must have at least one essential container.")
    for container in container_definitions:
        _check_container(container, fargate)
    return original(backend, family, container_definitions, **more)


def _check_size(cpu, memory) -> None:
    if not cpu or not memory:
        raise EcsClientException("Fargate requires that 'cpu' and 'memory' be defined at the task level.")
    try:
        fits = int(memory) in FARGATE_SIZES.get(int(cpu), ())
    except ValueError:  # "1 vCPU", "2 GB"
        return
    if not fits:
        raise EcsClientException(NO_SIZE)


def _check_range(what: str, value: int, least: int, most: int) -> None:
    if not least <= value <= most:
        raise EcsClientException(f"{what} must be between {least} and {most}, but is {value}.")


def _check_container(container: dict, fargate: bool) -> None:
    timeout = container.get("stopTimeout")
    if fargate and timeout is not None:
        _check_range("stopTimeout", timeout, 0, LONGEST_STOP_TIMEOUT)
    for limit in container.get("ulimits") or []:
        if limit["softLimit"] > limit["hardLimit"]:
            raise EcsClientException(f"The soft limit of ulimit {limit['name']} exceeds its hard limit.")
    check = container.get("healthCheck")
    if check is not None:
        _check_health_check(check)


def _check_health_check(check: dict) -> None:
    command = check.get("command") or []
    if len(command) < 2 or command[0] not in HEALTH_COMMANDS:
        raise EcsClientException("The command of a healthCheck must start with CMD or CMD-SHELL.")
    for field, (default, least, most) in HEALTH_CHECK.items():
        value = check.get(field, default)
        if value is not None:
            _check_range(f"healthCheck.{field}", value, least, most)
            check[field] = value


def install(context) -> None:
    """Wrap the rules around moto's backend."""
    surround(context, EC2ContainerServiceBackend, register_task_definition)
