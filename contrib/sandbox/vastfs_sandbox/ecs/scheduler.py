# SPDX-License-Identifier: BSD-3-Clause
"""The scheduler that keeps the tasks of services running.

One thread checks all services whenever a task or a service has changed, and when
a pause is over. `decide`, which has no side effects, decides which tasks are
started and stopped.

The maximum counts tasks whose desired status is RUNNING: a task that was asked to
stop does not count, although it may run until the end of its stop timeout. So a
replacement may start while the old task is still running, as on AWS.
"""

import math
import threading
import time
import traceback
from dataclasses import dataclass

from moto.core.exceptions import ServiceException
from moto.ecs import models

from . import faults, launch
from .task import SCHEDULER, USER, Task

UNHEALTHY = "Task failed container health checks"
#: seconds of AWS's time between two launches of one service
LAUNCH_PAUSE = 5
LONGEST_PAUSE = 27 * 60
#: minimum seconds of this machine, so that no loop spins with a small time scale
LEAST_PAUSE = 0.2
LEAST_LONGEST_PAUSE = 5.0
#: consecutive failed starts until the service has an event about them
IMPAIRED = 3
GUIDE = " For more information, see the Troubleshooting section of the Amazon ECS Developer Guide."
IMPAIRED_TEXT = "is unable to consistently start tasks successfully." + GUIDE
UNPLACED_TEXT = "was unable to place a task. Reason: {reason}." + GUIDE
NO_INSTANCES_TEXT = (
    "was unable to place a task because no container instance met all of its "
    f"requirements. Reason: {launch.NO_INSTANCES}{GUIDE}"
)

_context = None
_wake = threading.Event()


@dataclass
class Seen:
    """A task whose desired status is RUNNING, with the facts for the decision."""

    task: object
    primary: bool  # whether it belongs to the primary deployment
    ready: bool  # whether it is RUNNING, and healthy if it has health checks
    unhealthy: bool


def decide(desired: int, least_percent: int, most_percent: int, seen: list):
    """(number of tasks to start, tasks to stop) of one service."""
    least = math.ceil(desired * least_percent / 100)
    most = desired * most_percent // 100
    good = sorted(
        (item for item in seen if item.primary and not item.unhealthy),
        key=lambda item: not item.ready,
    )
    start = max(0, min(desired - len(good), most - len(seen)))
    stop = [item.task for item in good[desired:]]
    ready = sum(item.ready for item in seen) - sum(item.ready for item in good[desired:])
    for item in seen:
        if item.primary and not item.unhealthy:
            continue
        if item.ready and ready <= least:
            continue
        if item.unhealthy and item.primary and not _may_stop_unhealthy(desired, good, start):
            continue
        stop.append(item.task)
        ready -= item.ready
    return start, stop


def _may_stop_unhealthy(desired: int, good: list, start: int) -> bool:
    """Whether unhealthy tasks may stop: first comes a replacement, if the maximum permits one."""
    replaced = sum(item.ready for item in good) >= desired
    return replaced or (start == 0 and len(good) < desired)


def wake() -> None:
    """Wake the scheduler: a task or a service has changed."""
    _wake.set()


def _run() -> None:
    while not _context.stopping.is_set():
        next_look = None
        for service in _services():
            try:
                with _context.lock:
                    look = _attend(service)
            except Exception:  # an error with one service must not affect the others
                traceback.print_exc()
                look = time.monotonic() + 1
            if look and (next_look is None or look < next_look):
                next_look = look
        timeout = None if next_look is None else max(next_look - time.monotonic(), 0.01)
        _wake.wait(timeout)
        _wake.clear()


def _services() -> list:
    with _context.lock:
        return [
            service
            for accounts in models.ecs_backends.values()
            for backend in accounts.values()
            for service in backend.services.values()
            if service.status != "INACTIVE" or service.tasks
        ]


def _attend(service):
    """Check one service; the time of the next check, None if it waits for a change."""
    pace = _pace_of(service)
    _note_starts(service, pace)
    start, stop = decide(
        service.desired_count,
        service.configuration["minimumHealthyPercent"],
        service.configuration["maximumPercent"],
        _seen(service),
    )
    _stop(service, stop)
    next_look = None
    if start:
        next_look = pace.not_before
        if pace.may_start():
            _start(service, pace, start)
            next_look = pace.not_before if pace.waits else None
    _forget_stopped(service)
    _settle(service)
    return next_look


class Pace:
    """The rate at which tasks of one deployment are started."""

    def __init__(self, deployment):
        self.deployment = deployment
        self.not_before = 0.0
        self.waits = False
        #: consecutive tasks that never became RUNNING
        self.failures = 0
        #: tasks whose health is not known yet
        self.open = set()

    def may_start(self) -> bool:
        return time.monotonic() >= self.not_before

    def fail(self) -> None:
        """A task could not be placed, or ended before it was RUNNING."""
        self.failures += 1
        self.deployment.failed_tasks += 1
        self.pause(LAUNCH_PAUSE)

    def pause(self, seconds: float) -> None:
        """Wait at least this time until the next launch, in AWS's time."""
        factor = 2 ** min(self.failures, 10)
        least = min(LEAST_PAUSE * factor, LEAST_LONGEST_PAUSE)
        seconds = min(seconds * factor, LONGEST_PAUSE)
        pause = max(least, _context.scaled(seconds))
        self.not_before = max(self.not_before, time.monotonic() + pause)


def _pace_of(service) -> Pace:
    """The pace of the primary deployment; a new deployment starts without pauses."""
    pace = getattr(service, "pace", None)
    if pace is None or pace.deployment is not service.primary:
        pace = service.pace = Pace(service.primary)
    return pace


def _note_starts(service, pace: Pace) -> None:
    """Count consecutive failures. Only tasks that were never RUNNING make the
    pauses longer; failed health checks count as failures of the deployment."""
    for task in list(pace.open):
        if "startedAt" in task.times:
            pace.failures = 0
        if task.is_ready:
            pace.open.discard(task)
            pace.deployment.failed_tasks = 0
        elif task.failed_to_start:
            pace.open.discard(task)
            if task.stop_code not in (SCHEDULER, USER):
                pace.fail()
                if pace.failures == IMPAIRED:
                    service.say(IMPAIRED_TEXT)
        elif task.desired_status == "STOPPED":
            pace.open.discard(task)
            pace.deployment.failed_tasks += task.stopped_reason == UNHEALTHY


def _seen(service) -> list:
    return [
        Seen(task, of is service.primary, task.is_ready, task.health == "UNHEALTHY")
        for task, of in service.tasks.items()
        if task.desired_status == "RUNNING"
    ]


def _stop(service, tasks: list) -> None:
    scaled_in = []
    for task in tasks:
        if task.health == "UNHEALTHY":
            service.say(f"(task {task.id}) failed container health checks.")
            task.ask_to_stop(SCHEDULER, UNHEALTHY)
        else:
            reason = f"Scaling activity initiated by (deployment {service.primary.id})"
            task.ask_to_stop(SCHEDULER, reason)
            scaled_in.append(task)
    if scaled_in:
        service.say(f"has stopped {len(scaled_in)} running tasks: {_names(scaled_in)}.")


def _names(tasks: list) -> str:
    return " ".join(f"(task {task.id})" for task in tasks)


def _start(service, pace: Pace, count: int) -> None:
    pace.waits = False
    problem = _obstacle(service)
    if problem:
        service.say_once(problem)
        pace.fail()
        pace.waits = True
        return
    try:
        tasks = service.launch(count)
    except ServiceException as error:  # an error of EC2: no free address, no such subnet
        service.say_once(f"failed to launch a task with (error {error.message}).")
        pace.fail()
        pace.waits = True
        return
    pace.open.update(tasks)
    pace.pause(LAUNCH_PAUSE)
    service.say(f"has started {count} tasks: {_names(tasks)}.")
    for task in tasks:
        task.start()


def _obstacle(service) -> str:
    """The event that says why no task can be placed; empty if tasks can be placed."""
    if service.launch_type != "FARGATE":
        return NO_INSTANCES_TEXT
    rule = faults.of_placement(service)
    if rule:
        reason = rule.get("reason", launch.NO_CAPACITY)
        return UNPLACED_TEXT.format(reason=reason.rstrip("."))
    return ""


def _forget_stopped(service) -> None:
    for task in [task for task in service.tasks if task.status == "STOPPED"]:
        del service.tasks[task]


def _settle(service) -> None:
    """Remove replaced deployments, and end a draining service without tasks."""
    for old in service.deployments[1:]:
        if not any(of is old and not task.lets_go for task, of in service.tasks.items()):
            service.deployments.remove(old)
    if service.status == "DRAINING":
        if all(task.lets_go for task in service.tasks):
            service.status = "INACTIVE"
    if service.status != "ACTIVE":
        return
    steady = len(service.deployments) == 1 and all(
        task.is_ready or task.lets_go for task in service.tasks
    )
    if not steady or service.count("is_running") != service.desired_count:
        return
    if service.primary.rollout_state != "COMPLETED":
        service.primary.complete()
        service.say(f"(deployment {service.primary.id}) deployment completed.")
    service.say_once("has reached a steady state.")


def install(context) -> None:
    """Start the scheduler's thread."""
    global _context
    _context = context
    Task.changed = staticmethod(wake)
    threading.Thread(target=_run, name="ecs-scheduler", daemon=True).start()


def stop(_context) -> None:
    """Let the thread return."""
    wake()
