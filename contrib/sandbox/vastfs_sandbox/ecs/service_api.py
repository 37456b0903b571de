# SPDX-License-Identifier: BSD-3-Clause
"""ECS's API for services.

The record of a service is in services.py; scheduler.py starts and stops its tasks.
"""

import json
import re

from moto.core.responses import ActionResult
from moto.ecs.exceptions import ECSException, InvalidParameterException, ServiceNotFoundException
from moto.ecs.responses import DESCRIBE_SERVICES_TAGS, EC2ContainerServiceResponse

from ..common import clock
from . import faults, launch, scheduler, services
from .api import page
from .services import Deployment, Service

NAME = re.compile(r"[A-Za-z0-9_-]{1,255}")
TOKEN = re.compile(r"[\x21-\x7e]{1,36}")
LIST_PAGE = 10
DESCRIBE_LIMIT = 10
NOT_IDEMPOTENT = "Creation of service was not idempotent."
STILL_DRAINING = "Unable to Start a service that is still Draining."
SCALED = "The service cannot be stopped while it is scaled above 0."
BLOCKED = (
    "Both maximumPercent and minimumHealthyPercent cannot be 100 as this will block deployments."
)
NO_REBALANCING = (
    "availabilityZoneRebalancing cannot be ENABLED while maximumPercent is less than or equal to 100."
)
#: fields of UpdateService and the attribute of Service that each of them sets
SIMPLE = {
    "desiredCount": "desired_count",
    "enableExecuteCommand": "exec_enabled",
    "enableECSManagedTags": "managed_tags",
    "propagateTags": "propagate_tags",
}

_context = None


class ServiceNotActive(ECSException):
    """UpdateService with a service that was deleted."""

    code = "ServiceNotActiveException"

    def __init__(self):
        super().__init__("Service was not ACTIVE.")


def create_service(self) -> ActionResult:
    """CreateService: the same request with the same token returns the same service."""
    with _context.lock:
        request = json.loads(self.body)
        _check_new(request)
        name = request.get("cluster", "default")
        cluster = launch.active_cluster(self.ecs_backend, name)
        known = services.lookup(self.ecs_backend, cluster.name, request["serviceName"])
        if known and known.status == "DRAINING":
            raise InvalidParameterException(STILL_DRAINING)
        if known and known.status == "ACTIVE":
            if not request.get("clientToken") or known.request != request:
                raise InvalidParameterException(NOT_IDEMPOTENT)
            return ActionResult({"service": known.view(with_tags=True)})
        service = _new(self.ecs_backend, cluster, request)
        services.add(service)
        scheduler.wake()
        return ActionResult({"service": service.view(with_tags=True)})


def _check_new(request: dict) -> None:
    if not NAME.fullmatch(request.get("serviceName") or ""):
        raise InvalidParameterException(
            "Invalid service name. Up to 255 letters (uppercase and lowercase), numbers, "
            "underscores, and hyphens are allowed."
        )
    token = request.get("clientToken")
    if token is not None and not TOKEN.fullmatch(token):
        raise InvalidParameterException(
            "clientToken must have 1 to 36 ASCII characters in the range of 33-126."
        )
    if not request.get("taskDefinition"):
        raise InvalidParameterException("TaskDefinition can not be blank.")
    strategy = request.get("schedulingStrategy", "REPLICA")
    if strategy != "REPLICA":
        raise InvalidParameterException(
            f"The scheduling strategy {strategy} is not supported for this launch type."
        )
    if request.get("desiredCount") is None:
        raise InvalidParameterException("desiredCount is required for REPLICA services.")
    _check_count(request)
    maximum = _check_percents(services.DEFAULT_DEPLOYMENT, request)
    # ENABLED is the default only for services that can be rebalanced between zones
    default = "ENABLED" if maximum > 100 else "DISABLED"
    _check_rebalancing(request.get("availabilityZoneRebalancing", default), maximum)


def _check_count(request: dict) -> None:
    if int(request.get("desiredCount") or 0) < 0:
        raise InvalidParameterException("desiredCount cannot be negative.")


def _check_percents(before: dict, request: dict) -> int:
    """The maximum percentage that the request leads to."""
    after = {**before, **(request.get("deploymentConfiguration") or {})}
    least, most = after["minimumHealthyPercent"], after["maximumPercent"]
    if least == most == 100:
        raise InvalidParameterException(BLOCKED)
    if least < 0 or most < 100 or most < least:
        raise InvalidParameterException(
            "maximumPercent must be at least 100 and not less than minimumHealthyPercent."
        )
    return most


def _check_rebalancing(value: str, maximum: int) -> None:
    if value not in ("ENABLED", "DISABLED"):
        raise InvalidParameterException(
            "availabilityZoneRebalancing should be one of [ENABLED, DISABLED]"
        )
    if value == "ENABLED" and maximum <= 100:
        raise InvalidParameterException(NO_REBALANCING)


def _new(backend, cluster, request: dict) -> Service:
    definition = launch.active_definition(backend, request["taskDefinition"])
    network = launch.network_of(backend, request)
    if request.get("launchType") == "FARGATE":
        launch.check_fargate(definition, network)
    deployment = Deployment(definition, network, request.get("platformVersion"))
    service = Service(backend, cluster, request, deployment)
    service.request = request
    if service.rebalancing is None:
        rebalances = service.configuration["maximumPercent"] > 100
        service.rebalancing = "ENABLED" if rebalances else "DISABLED"
    return service


def update_service(self) -> ActionResult:
    """UpdateService: some changes start a new deployment, others do not."""
    with _context.lock:
        request = json.loads(self.body)
        backend = self.ecs_backend
        name = request.get("cluster", "default")
        service = services.find(backend, name, request.get("service") or "")
        if service.status != "ACTIVE":
            raise ServiceNotActive
        deployment = _next_deployment(backend, service, request)
        _check_count(request)
        maximum = _check_percents(service.configuration, request)
        rebalancing = request.get("availabilityZoneRebalancing") or service.rebalancing
        _check_rebalancing(rebalancing, maximum)
        service.rebalancing = rebalancing
        service.configuration.update(request.get("deploymentConfiguration") or {})
        for field, attribute in SIMPLE.items():
            if request.get(field) is not None:
                setattr(service, attribute, request[field])
        if deployment:
            service.deploy(deployment)
        service.primary.updated_at = clock.now()
        scheduler.wake()
        return ActionResult({"service": service.view(with_tags=True)})


def _next_deployment(backend, service: Service, request: dict):
    """The new deployment; None if the present one continues."""
    now = service.primary
    definition, network = now.definition, now.network
    platform_version = request.get("platformVersion") or now.platform_version
    if request.get("taskDefinition"):
        definition = launch.active_definition(backend, request["taskDefinition"])
    if request.get("networkConfiguration"):
        network = launch.network_of(backend, request)
    if service.launch_type == "FARGATE":
        launch.check_fargate(definition, network)
    after = Deployment(definition, network, platform_version)
    changed = (now.definition.arn, now.network, now.platform_version) != (
        definition.arn,
        network,
        platform_version,
    )
    return after if changed or request.get("forceNewDeployment") else None


def delete_service(self) -> ActionResult:
    """DeleteService: the service is draining until all its tasks are stopping."""
    with _context.lock:
        parameter = self._get_param
        cluster = parameter("cluster", "default")
        service = services.find(self.ecs_backend, cluster, parameter("service"))
        if service.status == "INACTIVE":
            raise ServiceNotFoundException
        if service.desired_count > 0 and not parameter("force"):
            raise InvalidParameterException(SCALED)
        service.desired_count = 0
        service.status = "DRAINING" if service.tasks else "INACTIVE"
        scheduler.wake()
        return ActionResult({"service": service.view(with_tags=True)})


def describe_services(self) -> ActionResult:
    """DescribeServices: each name without a service is a failure."""
    names = self._get_param("services", [])
    if not names:
        raise InvalidParameterException("Services cannot be empty.")
    if len(names) > DESCRIBE_LIMIT:
        raise InvalidParameterException("Services cannot have more than 10 elements.")
    with_tags = "TAGS" in self._get_param("include", [])
    found, failures = [], []
    with _context.lock:
        cluster = self.ecs_backend._get_cluster(self._get_param("cluster", "default"))
        for name in names:
            service = services.lookup(self.ecs_backend, cluster.name, name)
            if service and not faults.is_missing_service(service):
                found.append(service.view(with_tags))
            else:
                place = cluster.arn.replace(":cluster/", ":service/")
                arn = name if name.startswith("arn:") else f"{place}/{name}"
                failures.append({"arn": arn, "reason": "MISSING"})
    return ActionResult({"services": found, "failures": failures})


def list_services(self) -> ActionResult:
    """ListServices: only active services."""
    parameter = self._get_param
    with _context.lock:
        arns = [
            service.arn
            for service in services.active(self.ecs_backend, parameter("cluster", "default"))
            if parameter("launchType") in (None, service.launch_type)
            and parameter("schedulingStrategy") in (None, "REPLICA")
        ]
    size, token = parameter("maxResults"), parameter("nextToken")
    return page("serviceArns", arns, size, token, LIST_PAGE)


def install(context) -> None:
    """Replace moto's methods."""
    global _context
    _context = context
    response = EC2ContainerServiceResponse
    response.RESPONSE_KEY_PATH_TO_TRANSFORMER[DESCRIBE_SERVICES_TAGS] = lambda tags: tags
    for handler in (
        create_service,
        update_service,
        delete_service,
        describe_services,
        list_services,
    ):
        setattr(response, handler.__name__, handler)
