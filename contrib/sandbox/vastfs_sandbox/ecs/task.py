# SPDX-License-Identifier: BSD-3-Clause
"""The life of one Fargate task; each task has a thread of its own.

moto advances a task's state with each request for it. Here the state depends on
the processes and on the clock.
"""

import shutil
import threading
import traceback
import uuid

from moto.ec2.models import ec2_backends
from moto.ecs import models
from moto.utilities.utils import get_partition

from ..common import clock
from . import faults, foreign, health
from .container import StartFailure, stop_all
from .part import STARTING, Part

#: Fargate's durations of each step, in seconds of AWS's time
PROVISIONING = 15
PENDING = 25
ACTIVATING = 5
DEACTIVATING = 2
DEPROVISIONING = 15
EXEC_AGENT = 10  # from RUNNING until ExecuteCommand is possible

START_FAILED = "TaskFailedToStart"
EXITED = "EssentialContainerExited"
USER = "UserInitiated"
SCHEDULER = "ServiceSchedulerInitiated"
TERMINATION = "TerminationNotice"
MAINTENANCE = "ECS is performing maintenance on the underlying infrastructure hosting the task"


class Stopped(Exception):
    """The task must end before it is RUNNING."""


class Task(models.Task):
    """moto's record of a task, with its processes and its thread."""

    context = None
    addresses = None
    #: called after each change of a task's state, without arguments
    changed = staticmethod(lambda: None)

    def __init__(self, *arguments, **keywords):
        # moto's constructor creates the network interface and requests an address
        super().__init__(*arguments, **keywords)
        self._status = "PROVISIONING"
        definition = keywords["task_definition"]
        self.id = uuid.uuid4().hex
        self.family = definition.family
        self.cpu = definition.cpu
        self.memory = definition.memory
        self.volumes = definition.volumes
        self.ephemeral_storage = definition.ephemeral_storage or {"sizeInGiB": 20}
        self.runtime_platform = definition.runtime_platform or {}
        self.created_at = clock.now()
        self.enable_execute_command = False
        self.attachment = self.attachments[0] if self.attachments else None
        self.address = self.detail("privateIPv4Address")
        self.directory = self.context.run_dir / "tasks" / self.id
        self.times = {}
        self.version = 1
        self.stop_code = None
        self.stopped_reason = None
        self.exec_agent_at = None
        self._wake = threading.Event()
        self._stop_asked = False
        self._fault = None
        self.parts = self._make_parts(definition)
        self._dress_interface()

    # moto's class derives the status from the number of requests
    @property
    def status(self):
        return self._status

    @status.setter
    def status(self, value):
        self._status = value

    def advance(self) -> None:
        """A request does not change the task's state."""

    def detail(self, name: str):
        """One value of the network attachment."""
        for pair in self.attachment["details"] if self.attachment else ():
            if pair["name"] == name:
                return pair["value"]
        return None

    def _make_parts(self, definition) -> list:
        overrides = {
            override.get("name"): override
            for override in self.overrides.get("containerOverrides") or []
        }
        parts = [
            Part(self, item, overrides.get(item["name"], {}))
            for item in definition.container_definitions
        ]
        foreign.inject(self, parts)
        return parts

    def _interface(self):
        backend = ec2_backends[self._account_id][self.region_name]
        return backend.enis.get(self.detail("networkInterfaceId"))

    def _dress_interface(self) -> None:
        interface = self._interface()
        if interface:
            partition = get_partition(self.region_name)
            place = f"{self.region_name}:{self._account_id}"
            identity = self.attachment["id"]
            interface.description = (
                f"arn:{partition}:ecs:{place}:attachment/{identity}"
            )
            interface.requester_managed = True

    def start(self) -> None:
        """Start the task's thread."""
        threading.Thread(target=self._live, daemon=True, name=self.id).start()

    def ask_to_stop(self, code: str, reason: str) -> None:
        """Ask the task to stop; the caller holds the lock. The first reason remains."""
        if self.desired_status == "STOPPED":
            return
        self._set_reason(code, reason)
        self.desired_status = "STOPPED"
        self._stop_asked = True
        self.tags = []  # the value in the API's reference
        self._wake.set()
        self.changed()

    @property
    def is_running(self) -> bool:
        """Whether the task counts as running, even if it was asked to stop."""
        return self._status == "RUNNING"

    @property
    def health(self) -> str:
        """UNKNOWN, HEALTHY or UNHEALTHY, from its containers' health checks."""
        essential = [part for part in self.parts if part.container.essential]
        return health.of_task([part.monitor for part in essential])

    @property
    def is_ready(self) -> bool:
        """Whether a service counts the task as healthy."""
        if self._status != "RUNNING" or self.desired_status != "RUNNING":
            return False
        monitors = [part.monitor for part in self.parts if part.container.essential]
        return all(monitor is None or monitor.status == "HEALTHY" for monitor in monitors)

    @property
    def is_pending(self) -> bool:
        """Whether the task has not been RUNNING yet."""
        return self._status in STARTING and self.desired_status == "RUNNING"

    @property
    def failed_to_start(self) -> bool:
        """Whether the task has ended without ever being RUNNING."""
        return self.desired_status == "STOPPED" and "startedAt" not in self.times

    @property
    def lets_go(self) -> bool:
        """Whether the task's containers are stopping or have stopped."""
        return self._status in ("STOPPING", "DEPROVISIONING", "STOPPED")

    def wake(self) -> None:
        """Wake the task's thread, which checks what has changed."""
        self._wake.set()

    def _live(self) -> None:
        try:
            self._begin()
            self._wait_for_end()
        except Stopped:
            pass
        except StartFailure as failure:
            self._set_reason(START_FAILED, str(failure))
        except Exception as error:  # a task must end even after an unexpected error
            traceback.print_exc()
            self._set_reason(START_FAILED, f"InternalError: {error!r}")
        if not self.context.stopping.is_set():
            self._end()

    def _begin(self) -> None:
        self._fault = faults.of_new_task()
        self._pass(PROVISIONING)
        self._enter("PENDING", "pullStartedAt", "connectivityAt")
        self._pass(PENDING)
        self._mark("pullStoppedAt")
        self._fail_if_told("PENDING")
        for part in self.parts:
            part.start()
        self._enter("ACTIVATING")
        self._pass(ACTIVATING)
        with self.context.lock:
            self._enter("RUNNING", "startedAt")
            self.exec_agent_at = self.context.deadline(EXEC_AGENT)

    def _pass(self, seconds: float) -> None:
        """Wait; Stopped if the task must end."""
        self._wake.wait(self.context.scaled(seconds))
        if self._is_over():
            raise Stopped

    def _is_over(self) -> bool:
        self._wake.clear()
        if self.context.stopping.is_set() or self._stop_asked:
            return True
        ended = [part for part in self.parts if part.ended]
        for part in ended:
            part.note_exit()
        if any(part.container.essential for part in ended):
            self._set_reason(EXITED, "Essential container in task exited")
            return True
        return False

    def _wait_for_end(self) -> None:
        self._fail_if_told("RUNNING")
        while not self._is_over():
            self._suffer()
            self._wake.wait()

    def _suffer(self) -> None:
        """Apply the fault rule of a running task; its thread checks for one whenever it is woken."""
        rule = faults.of_running_task(self)
        if rule is None:
            return
        if rule["kind"] == "retire":
            code, reason = self._retirement()
            with self.context.lock:
                self.ask_to_stop(rule.get("stop_code", code), rule.get("reason", reason))
            return
        for part in self.parts:
            if part.container.essential:
                part.kill(rule.get("exit_code"), rule.get("reason"))

    def _retirement(self) -> tuple:
        """(stop code, reason) of a task whose host is retired."""
        namespace, _, name = self.group.partition(":")
        if namespace == "service":
            return SCHEDULER, f"Service {name}: {MAINTENANCE}"
        return TERMINATION, MAINTENANCE

    def _fail_if_told(self, where: str) -> None:
        """Stop if the rule `stop_with` applies to this status."""
        rule = self._fault
        if rule and rule.get("at", "PENDING") == where:
            code = rule.get("stop_code", START_FAILED)
            self._set_reason(code, rule.get("reason", "ResourceInitializationError"))
            raise Stopped

    def _end(self) -> None:
        with self.context.lock:
            self.desired_status = "STOPPED"
        self.changed()
        if "startedAt" in self.times:
            self._enter("DEACTIVATING", "stoppingAt")
            self.context.wait(DEACTIVATING)
        self._enter("STOPPING", "stoppingAt")
        stop_all([part.container for part in self.parts], self._deafness())
        for part in self.parts:
            part.note_exit()
        self._enter("DEPROVISIONING", "executionStoppedAt")
        self.context.wait(DEPROVISIONING)
        shutil.rmtree(self.directory, ignore_errors=True)
        with self.context.lock:
            self._release_network()
            self._enter("STOPPED", "stoppedAt")

    def _deafness(self):
        """The seconds for which the task ignores SIGTERM by a rule; None without a rule."""
        if not any(part.container.running for part in self.parts):
            return None
        rule = faults.of_stopping_task(self)
        return float(rule.get("seconds", 0)) if rule else None

    def _release_network(self) -> None:
        if not self.attachment:
            return
        backend = ec2_backends[self._account_id][self.region_name]
        interface = backend.enis.pop(self.detail("networkInterfaceId"), None)
        subnet = getattr(interface, "subnet", None)
        if subnet is not None and hasattr(subnet, "del_subnet_ip"):
            subnet.del_subnet_ip(self.address)
        self.attachment["status"] = "DELETED"
        self.addresses.release(self.address)

    def _set_reason(self, code: str, reason: str) -> None:
        """Set the reason, unless there is one."""
        with self.context.lock:
            if self.stop_code is None:
                self.stop_code = code
                self.stopped_reason = reason

    def _enter(self, status: str, *marks) -> None:
        with self.context.lock:
            self._status = status
            self.version += 1
            self._mark(*marks)
        self.changed()

    def _mark(self, *names) -> None:
        for name in names:
            self.times.setdefault(name, clock.now())

    def view(self) -> dict:
        """The task as the API shows it; the caller holds the lock."""
        record = {
            "taskArn": self.task_arn,
            "clusterArn": self.cluster_arn,
            "taskDefinitionArn": self.task_definition_arn,
            "attachments": self.attachments,
            "attributes": [{"name": "ecs.cpu-architecture", "value": self._cpu_type()}],
            "availabilityZone": getattr(self.subnet(), "availability_zone", None),
            "containers": [part.view() for part in self.parts],
            "cpu": self.cpu,
            "memory": self.memory,
            "createdAt": self.created_at,
            "desiredStatus": self.desired_status,
            "lastStatus": self._status,
            "enableExecuteCommand": self.enable_execute_command,
            "ephemeralStorage": self.ephemeral_storage,
            "group": self.group,
            "healthStatus": self.health,
            "launchType": self.launch_type,
            "overrides": self.overrides,
            "platformFamily": "Linux",
            "platformVersion": "1.4.0",
            "startedBy": self.started_by or None,
            "stopCode": self.stop_code,
            "stoppedReason": self.stopped_reason,
            "tags": list(self.tags),
            "version": self.version,
        }
        record.update(self.times)
        if "connectivityAt" in self.times:
            record["connectivity"] = "CONNECTED"
        return record

    def _cpu_type(self) -> str:
        return self.runtime_platform.get("cpuArchitecture", "X86_64").lower()

    def subnet(self):
        """moto's record of the subnet; None without a network."""
        identity = self.detail("subnetId")
        if not identity:
            return None
        backend = ec2_backends[self._account_id][self.region_name]
        for zone in backend.subnets.values():
            if identity in zone:
                return zone[identity]
        return None
