# SPDX-License-Identifier: BSD-3-Clause
"""A command of ECS Exec on a new terminal, in the task's container."""

import contextlib
import fcntl
import json
import os
import select
import shlex
import signal
import socket
import struct
import sys
import termios
from pathlib import Path

from ..containers import processes

LAUNCHER = Path(__file__).parents[1] / "containers/launcher.py"
CANNOT = "Unable to start command: Failed to start pty: "
PATIENCE = 10.0


class CannotStart(Exception):
    """The command cannot be started; the agent's message."""


class Terminal:
    """The master of the terminal, and the process on it."""

    def __init__(self, container, command: str):
        words = shlex.split(command)
        if not words:
            raise CannotStart(CANNOT + "empty command")
        inside = container.inside
        pid = container.process.program if inside else 0
        argv = [sys.executable, "-I", "-S", str(LAUNCHER), str(pid), container.working_directory, *words]
        environment = {**container.environment, "TERM": "xterm-256color"}
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        null = os.open(os.devnull, os.O_RDWR | os.O_CLOEXEC)
        try:
            with theirs:
                self.process = processes.spawn_on(argv, environment, container.directory, theirs.fileno(), null)
            with ours:
                self._take(ours)
        finally:
            os.close(null)

    def _take(self, channel) -> None:
        message, fds = receive(channel)
        if "error" in message:
            raise CannotStart(CANNOT + message["error"])
        self.pid, self.master = message["pid"], fds[0]
        message, _ = receive(channel)  # the end of the socket: the command runs
        if message:
            os.close(self.master)
            raise CannotStart(CANNOT + message["error"])
        os.set_blocking(self.master, False)

    def resize(self, columns: int, rows: int) -> None:
        size = struct.pack("HHHH", rows & 0xFFFF, columns & 0xFFFF, 0, 0)
        with contextlib.suppress(OSError):
            fcntl.ioctl(self.master, termios.TIOCSWINSZ, size)

    def hang_up(self) -> None:
        """Send SIGHUP to the foreground processes, as when a terminal is disconnected."""
        self._signal(signal.SIGHUP)
        self.close()

    def kill(self) -> None:
        self._signal(signal.SIGKILL)
        self.process.kill()

    def close(self) -> None:
        if self.master >= 0:
            os.close(self.master)
        self.master = -1

    def _signal(self, number: int) -> None:
        if self.process.running:
            with contextlib.suppress(OSError):
                os.killpg(self.pid, number)


def receive(channel):
    """(message, descriptors); the message is empty at the end of the socket."""
    if not select.select([channel], [], [], PATIENCE)[0]:
        raise CannotStart(CANNOT + "no answer")
    data, fds, _, _ = socket.recv_fds(channel, 4096, 1)
    return (json.loads(data) if data else {}), fds
