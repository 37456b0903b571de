# SPDX-License-Identifier: BSD-3-Clause
"""Faults of tasks and services.

| match | kind | effect |
| --- | --- | --- |
| `run_task` | `failures` | RunTask starts nothing and reports a failure with `reason` (default: no capacity; e.g. RESOURCE:FARGATE), `arn` and `detail` |
| `task` | `stop_with` | the next task stops in the status `at` (PENDING or RUNNING) with `stop_code` and `reason` |
| `task` | `foreign_container` | the next task gets a container that its definition does not have (foreign.py) |
| `task:FAMILY:ID` | `missing` | DescribeTasks does not find the task |
| `task:FAMILY:ID` | `retire` | the host of the running task is retired, with `stop_code` and `reason` |
| `task:FAMILY:ID` | `kill` | the essential containers of the running task are killed; they show `exit_code` (137) and `reason`, e.g. "OutOfMemoryError: Container killed due to memory usage" |
| `task:FAMILY:ID` | `deaf` | the stopping task ignores SIGTERM and is killed after `seconds` of this machine (default: its stop timeout) |
| `service:NAME` | `missing` | DescribeServices does not find the service |
| `service:NAME` | `unplaced` | the scheduler cannot place a task; the service's event has `reason` |
"""

from ..common.faults import RULES, take


def when_added(wake) -> None:
    """Call `wake` when a rule was added: running tasks then check for rules."""
    RULES.listeners.append(wake)


def of_run_task():
    return take("run_task", "failures")


def of_new_task():
    """The rule by which a new task stops early, or None."""
    return take("task", "stop_with")


def foreign_containers() -> list:
    return RULES.take_each("task", "foreign_container")


def of_running_task(task):
    return take(_task(task), ("retire", "kill"))


def of_stopping_task(task):
    return take(_task(task), "deaf")


def is_missing_task(task) -> bool:
    return take(_task(task), "missing") is not None


def is_missing_service(service) -> bool:
    return take(f"service:{service.name}", "missing") is not None


def of_placement(service):
    return take(f"service:{service.name}", "unplaced")


def _task(task) -> str:
    return f"task:{task.family}:{task.id}"
