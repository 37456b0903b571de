# SPDX-License-Identifier: BSD-3-Clause
"""A container of a task, as the API shows it, with the running Container."""

import time
import uuid

from moto.utilities.utils import get_partition

from .container import Container, StartFailure
from .health import Monitor

#: states of a task in which not all of its containers are running yet
STARTING = ("PROVISIONING", "PENDING", "ACTIVATING")


class Part:
    """One container of a task."""

    #: whether ExecuteCommand can run a command in it
    takes_exec = True

    def __init__(self, task, definition: dict, override: dict):
        self.task = task
        self.definition = definition
        self.container = self._make_container(override)
        partition = get_partition(task.region_name)
        self.arn = (
            f"arn:{partition}:ecs:{task.region_name}:{task._account_id}:container/"
            f"{task.cluster_name}/{task.id}/{uuid.uuid4()}"
        )
        self.runtime_id = f"{task.id}-{uuid.uuid4().int % 10**10:010d}"
        self.reason = None
        self.exit_code = None
        self._killed_with = None
        self.monitor = None
        if definition.get("healthCheck"):
            changed = type(task).changed
            self.monitor = Monitor(task.context, self.container, changed)
        self.started = False

    def _make_container(self, override: dict):
        task = self.task
        return Container(task.context, task, self.definition, override)

    @property
    def ended(self) -> bool:
        return self.started and not self.container.running

    def start(self) -> None:
        try:
            self.container.start(self.task.wake)
            self.started = True
            if self.monitor:
                self.monitor.start()
        except StartFailure as failure:
            self.reason = str(failure)
            raise

    def note_exit(self) -> None:
        """Show the exit, after the last line is in the log."""
        if self.exit_code is None and self.ended:
            self.container.close()
            with self.task.context.lock:
                self.exit_code = self._killed_with or self.container.exit_code

    def kill(self, exit_code=None, reason=None) -> None:
        """Kill the container as if it had ended by itself, with the exit code if one is given."""
        self._killed_with, self.reason = exit_code, reason or self.reason
        self.container.kill()

    def view(self) -> dict:
        task = self.task
        record = {
            "containerArn": self.arn,
            "taskArn": task.task_arn,
            "name": self.definition["name"],
            "image": self.definition.get("image"),
            "lastStatus": self._last_status(),
            "exitCode": self.exit_code,
            "reason": self.reason,
            "healthStatus": self.monitor.status if self.monitor else "UNKNOWN",
            "cpu": str(self.definition.get("cpu") or 0),
            "networkBindings": [],
            "networkInterfaces": self._interfaces(),
        }
        if self.started:
            record["runtimeId"] = self.runtime_id
        if "@" in (record["image"] or ""):
            record["imageDigest"] = record["image"].partition("@")[2]
        if self.definition.get("memory"):
            record["memory"] = str(self.definition["memory"])
        if task.enable_execute_command and self.takes_exec:
            record["managedAgents"] = [self._agent()]
        return record

    def _last_status(self) -> str:
        if self.exit_code is not None or self.task.status == "STOPPED":
            return "STOPPED"
        if self.task.status in STARTING:
            return "PENDING"
        return "RUNNING" if self.started else "STOPPED"

    def _interfaces(self) -> list:
        task = self.task
        if not task.attachment:
            return []
        return [
            {
                "attachmentId": task.attachment["id"],
                "privateIpv4Address": task.address,
            }
        ]

    def _agent(self) -> dict:
        task = self.task
        status = "PENDING"
        if self._last_status() == "STOPPED":
            status = "STOPPED"
        elif task.exec_agent_at and time.monotonic() >= task.exec_agent_at:
            status = "RUNNING"
        return {"name": "ExecuteCommandAgent", "lastStatus": status}
