# SPDX-License-Identifier: BSD-3-Clause
"""Containers that a security product adds to a task.

GuardDuty's runtime monitoring adds one to every Fargate task of an account. It is
in no task definition and can have any position. Here no process runs for it.

The fault `foreign_container` adds one to the next task. Its rule has, with the
defaults in parentheses,

* name (aws-guardduty-agent-...), position (0), image, essential (false)
* state: running, stopped (with exit_code, reason) or cannot_pull (with reason).
  An essential container that cannot be pulled ends the task.
"""

import secrets
import threading

from . import faults
from .container import StartFailure, cannot_pull
from .part import Part

IMAGE = "593207742271.dkr.ecr.eu-west-1.amazonaws.com/aws-guardduty-agent-fargate:v1.7.0-Fg_x86_64"


class Container:
    """Takes the place of a Container, without a process."""

    def __init__(self, rule: dict):
        self.name = rule["name"]
        self.essential = rule.get("essential", False)
        self.process = None
        self.inside = False
        self.exit_code = None
        self._rule = rule
        self._ended = threading.Event()
        self._on_exit = None

    def start(self, on_exit) -> None:
        state = self._rule.get("state", "running")
        if state == "cannot_pull":
            why = f"failed to resolve ref {self._rule.get('image', IMAGE)}: not found"
            raise StartFailure(self._rule.get("reason", cannot_pull(why)))
        self._on_exit = on_exit
        if state == "stopped":
            self._end(int(self._rule.get("exit_code", 1)))

    def _end(self, code: int) -> None:
        if not self._ended.is_set():
            self.exit_code = code
            self._ended.set()
            self._on_exit()

    @property
    def running(self) -> bool:
        return self._on_exit is not None and not self._ended.is_set()

    @property
    def grace(self) -> float:
        return 0.0

    def terminate(self) -> None:
        self._end(0)

    def kill(self) -> None:
        if self.running:
            self._end(137)

    def wait(self, _timeout=None) -> bool:
        return self._ended.is_set()

    def close(self) -> None:
        """Nothing to do: it has no log."""


class ForeignPart(Part):
    """The added container, as the API shows it."""

    takes_exec = False

    def __init__(self, task, rule: dict):
        self._rule = rule
        super().__init__(task, {"name": rule["name"], "image": rule.get("image", IMAGE)}, {})

    def _make_container(self, _override):
        return Container(self._rule)

    def start(self) -> None:
        """Start the container; if that fails and it is not essential, the task continues."""
        try:
            super().start()
            self.reason = self._rule.get("reason")
        except StartFailure:
            if self.container.essential:
                raise


def inject(task, parts: list) -> None:
    """Add the containers of all rules to the parts of a new task."""
    for rule in faults.foreign_containers():
        rule.setdefault("name", f"aws-guardduty-agent-{secrets.token_hex(4)[:7]}")
        parts.insert(int(rule.get("position", 0)), ForeignPart(task, rule))
