# SPDX-License-Identifier: BSD-3-Clause
"""ECS services: their records, deployments and events.

The API is in service_api.py; scheduler.py starts and stops tasks. The caller of
all functions holds the sandbox's lock. Services are stored in moto's table, where
its tagging API finds them.
"""

import random
import uuid
from collections import deque

from moto.ecs.exceptions import ServiceNotFoundException

from ..common import clock
from . import launch

EVENTS_KEPT = 100
DEFAULT_DEPLOYMENT = {
    "deploymentCircuitBreaker": {"enable": False, "rollback": False},
    "maximumPercent": 200,
    "minimumHealthyPercent": 100,
    "strategy": "ROLLING",
    "bakeTimeInMinutes": 0,
}


class Deployment:
    """One deployment of a service: a task definition and its configuration."""

    def __init__(self, definition, network, platform_version):
        self.id = f"ecs-svc/{random.randrange(10**18, 10**19)}"
        self.status = "PRIMARY"
        self.definition = definition
        self.network = network
        self.platform_version = platform_version
        self.created_at = self.updated_at = clock.now()
        self.rollout_state = "IN_PROGRESS"
        self.failed_tasks = 0

    @property
    def rollout_reason(self) -> str:
        verb = "completed" if self.rollout_state == "COMPLETED" else "in progress"
        return f"ECS deployment {self.id} {verb}."

    def complete(self) -> None:
        self.rollout_state = "COMPLETED"
        self.updated_at = clock.now()


class Service:
    """One service, from CreateService until its record is removed."""

    def __init__(self, backend, cluster, request: dict, deployment: Deployment):
        self.backend = backend
        self.cluster = cluster
        self.name = request["serviceName"]
        place = cluster.arn.replace(":cluster/", ":service/")
        self.arn = self.physical_resource_id = f"{place}/{self.name}"
        self.status = "ACTIVE"
        self.desired_count = int(request["desiredCount"])
        self.launch_type = request.get("launchType") or "EC2"
        self.configuration = {
            **DEFAULT_DEPLOYMENT,
            **(request.get("deploymentConfiguration") or {}),
        }
        self.tags = request.get("tags") or []
        self.propagate_tags = request.get("propagateTags") or "NONE"
        self.managed_tags = bool(request.get("enableECSManagedTags"))
        self.exec_enabled = bool(request.get("enableExecuteCommand"))
        self.rebalancing = request.get("availabilityZoneRebalancing")
        self.created_at = clock.now()
        self.created_by = f"arn:aws:iam::{backend.account_id}:root"
        #: the newest first, as DescribeServices lists them
        self.deployments = [deployment]
        self.events = deque(maxlen=EVENTS_KEPT)
        #: {task: its deployment}, until the task is STOPPED
        self.tasks = {}

    @property
    def primary(self) -> Deployment:
        return self.deployments[0]

    def deploy(self, deployment: Deployment) -> None:
        """Start a new deployment, which replaces the present one."""
        for other in self.deployments:
            other.status = "ACTIVE"
        self.deployments.insert(0, deployment)

    def launch(self, count: int) -> list:
        """New tasks of the primary deployment, not started yet."""
        deployment = self.primary
        request = {
            "count": count,
            "startedBy": deployment.id,
            "group": f"service:{self.name}",
            "platformVersion": deployment.platform_version,
            "enableExecuteCommand": self.exec_enabled,
            "enableECSManagedTags": self.managed_tags,
            "propagateTags": self.propagate_tags,
            "tags": self.tags if self.propagate_tags == "SERVICE" else [],
        }
        tasks = launch.launch(
            self.backend, self.cluster, deployment.definition, deployment.network, request
        )
        self.tasks.update({task: deployment for task in tasks})
        return tasks

    def say(self, text: str) -> None:
        """Add an event, which DescribeServices shows."""
        message = f"(service {self.name}) {text}"
        event = {"id": str(uuid.uuid4()), "createdAt": clock.now(), "message": message}
        self.events.appendleft(event)

    def say_once(self, text: str) -> None:
        """Add an event, unless it is the same as the last one."""
        last = self.events[0]["message"] if self.events else ""
        if last != f"(service {self.name}) {text}":
            self.say(text)

    def count(self, state: str, deployment=None) -> int:
        """The number of tasks that are `is_running` or `is_pending`."""
        return sum(
            getattr(task, state)
            for task, of in self.tasks.items()
            if deployment in (None, of)
        )

    def view(self, with_tags=False) -> dict:
        """The service as the API shows it."""
        primary = self.primary
        record = {
            "serviceArn": self.arn,
            "serviceName": self.name,
            "clusterArn": self.cluster.arn,
            "loadBalancers": [],
            "serviceRegistries": [],
            "status": self.status,
            "desiredCount": self.desired_count,
            "runningCount": self.count("is_running"),
            "pendingCount": self.count("is_pending"),
            "launchType": self.launch_type,
            "platformVersion": primary.platform_version or "LATEST",
            "platformFamily": "Linux",
            "taskDefinition": primary.definition.arn,
            "deploymentConfiguration": self.configuration,
            "deployments": [self._deployment_view(item) for item in self.deployments],
            "events": list(self.events),
            "createdAt": self.created_at,
            "placementConstraints": [],
            "placementStrategy": [],
            "networkConfiguration": primary.network,
            "healthCheckGracePeriodSeconds": 0,
            "schedulingStrategy": "REPLICA",
            "deploymentController": {"type": "ECS"},
            "createdBy": self.created_by,
            "enableECSManagedTags": self.managed_tags,
            "propagateTags": self.propagate_tags,
            "enableExecuteCommand": self.exec_enabled,
            "availabilityZoneRebalancing": self.rebalancing,
        }
        if with_tags:
            record["tags"] = list(self.tags)
        return record

    def _deployment_view(self, deployment: Deployment) -> dict:
        is_primary = deployment is self.primary
        return {
            "id": deployment.id,
            "status": deployment.status,
            "taskDefinition": deployment.definition.arn,
            "desiredCount": self.desired_count if is_primary else 0,
            "pendingCount": self.count("is_pending", deployment),
            "runningCount": self.count("is_running", deployment),
            "failedTasks": deployment.failed_tasks,
            "createdAt": deployment.created_at,
            "updatedAt": deployment.updated_at,
            "launchType": self.launch_type,
            "platformVersion": deployment.platform_version or "LATEST",
            "platformFamily": "Linux",
            "networkConfiguration": deployment.network,
            "rolloutState": deployment.rollout_state,
            "rolloutStateReason": deployment.rollout_reason,
        }


def add(service: Service) -> None:
    """Add a service; it replaces an inactive one of the same name."""
    service.backend.services[f"{service.cluster.name}:{service.name}"] = service


def lookup(backend, cluster_name: str, name: str):
    """The service with this name or ARN; None if the cluster does not have it."""
    cluster = backend._get_cluster(cluster_name)
    service = backend.services.get(f"{cluster.name}:{name.rpartition('/')[2]}")
    if service is None or (name.startswith("arn:") and name != service.arn):
        return None
    return service


def find(backend, cluster_name: str, name: str) -> Service:
    """The service with this name or ARN; otherwise the API's error."""
    service = lookup(backend, cluster_name, name)
    if service is None:
        raise ServiceNotFoundException
    return service


def of_cluster(backend, cluster_name: str) -> list:
    """All services of a cluster, whatever their status."""
    cluster = backend._get_cluster(cluster_name)
    return [item for item in backend.services.values() if item.cluster is cluster]


def active(backend, cluster_name: str) -> list:
    """The services that ListServices shows."""
    return [item for item in of_cluster(backend, cluster_name) if item.status == "ACTIVE"]


def unfinished(backend, cluster_name: str) -> list:
    """The services that prevent the deletion of a cluster."""
    return [item for item in of_cluster(backend, cluster_name) if item.status != "INACTIVE"]
