# SPDX-License-Identifier: BSD-3-Clause
"""Health checks of a task's containers, as a container engine runs them.

A check runs inside the container (containers/health_probe.py), with its environment
and its user. Each container with a check has a thread of its own, which ends with
the container.
"""

import os
import sys
import threading
import time
from pathlib import Path

from ..containers import processes

PROBE = Path(__file__).parents[1] / "containers/health_probe.py"
#: minimum seconds of this machine between two checks, however small the time scale:
#: while the status is UNKNOWN, and while it is HEALTHY
LEAST_INTERVAL = 0.2
LEAST_CALM_INTERVAL = 1.0
FIRST = 0.1
#: seconds of this machine that a program needs to start and to reply
LEAST_START = 30.0
LEAST_TIMEOUT = 5.0


class Monitor:
    """The health of one container."""

    def __init__(self, context, container, changed):
        self.context = context
        self.container = container
        self.check = container.definition["healthCheck"]
        self.status = "UNKNOWN"
        self._changed = changed
        self._failures = 0

    def start(self) -> None:
        """Start the checks: the container is running."""
        name = f"health {self.container.name}"
        threading.Thread(target=self._watch, daemon=True, name=name).start()

    def _watch(self) -> None:
        period = self.check.get("startPeriod") or 0
        started = time.monotonic() + self._real(period, LEAST_START)
        interval = self.context.scaled(self.check["interval"])
        pause = max(interval, FIRST)
        while not self.container.process.wait(pause) and not self.context.stopping.is_set():
            well = self._probe()
            if well is None or not self.container.running:
                pause = FIRST
                continue
            self._note(well, time.monotonic() < started)
            pause = max(interval, LEAST_CALM_INTERVAL if well else LEAST_INTERVAL)

    def _real(self, seconds: float, least: float) -> float:
        """A duration in seconds of this machine, but at least `least`."""
        return min(seconds, max(self.context.scaled(seconds), least))

    def _note(self, well: bool, starting: bool) -> None:
        """Record a result; failures count after the start period, or once the container was healthy."""
        status = self.status
        if well:
            self._failures, status = 0, "HEALTHY"
        elif not starting or self.status != "UNKNOWN":
            self._failures += 1
            if self._failures >= self.check["retries"]:
                status = "UNHEALTHY"
        if status != self.status:
            self.status = status
            self._changed()

    def _probe(self):
        """Whether the command succeeded; None if the program has not started yet."""
        container = self.container
        pid = container.program
        if pid is None:
            return None
        argv = [sys.executable, "-I", "-S", str(PROBE), str(pid), container.working_directory]
        argv += [container.task.address or "127.0.0.1", ",".join(container.ports), *self._command()]
        null = os.open(os.devnull, os.O_RDWR | os.O_CLOEXEC)
        try:
            process = processes.spawn_on(argv, container.environment, container.directory, null, null)
        except processes.SpawnError:
            return False
        finally:
            os.close(null)
        if not process.wait(self._real(self.check["timeout"], LEAST_TIMEOUT)):
            process.kill()
            process.wait()
            return False
        return process.exit_code == 0

    def _command(self) -> list:
        kind, *words = self.check["command"]
        return ["/bin/sh", "-c", " ".join(words)] if kind == "CMD-SHELL" else words


def of_task(monitors: list) -> str:
    """A task's health: that of its essential containers; None stands for a container without a check."""
    states = {monitor.status if monitor else "UNKNOWN" for monitor in monitors}
    for status in ("UNHEALTHY", "UNKNOWN"):
        if status in states:
            return status
    return "HEALTHY" if states else "UNKNOWN"
