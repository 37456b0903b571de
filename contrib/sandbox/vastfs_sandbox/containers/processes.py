# SPDX-License-Identifier: BSD-3-Clause
"""Local processes in the role of containers and function sandboxes.

A spawner starts them (see spawner.py), so that none of them outlives the
server, however it ends.
"""

import contextlib
import itertools
import json
import os
import signal
import socket
import subprocess
import sys
import threading
from pathlib import Path

from .spawner import MAX_MESSAGE

SPAWNER = Path(__file__).with_name("spawner.py")
SEND_BUFFER = 8 << 20

_pool = None


class SpawnError(OSError):
    """The program could not be started."""


class Process:
    """One process and its group, from its start to its exit."""

    def __init__(self, pool, key: int, inside: bool):
        self._pool = pool
        self._key = key
        #: the started process is bubblewrap, and the program is its child
        self._inside = inside
        self._answered = threading.Event()
        self._exited = threading.Event()
        self._errno = 0
        self._lock = threading.Lock()
        self._callbacks = []
        self.pid = None
        #: as in a shell: 128 + n after signal n
        self.exit_code = None
        self.signal = 0

    def handle(self, message) -> None:
        """Handle one message from the spawner."""
        event = message["event"]
        if event == "started":
            self.pid = message["pid"]
        elif event == "failed":
            self._errno = message["errno"]
        else:
            self._end(message["code"])
        self._answered.set()

    def _end(self, code: int) -> None:
        self.signal = -code if code < 0 else 0
        self.exit_code = 128 - code if code < 0 else code
        if self._inside and code > 128:  # bubblewrap reports signals as a shell does
            self.signal = code - 128
        with self._lock:
            self._exited.set()
            callbacks, self._callbacks = self._callbacks, []
        for callback in callbacks:
            callback()

    def lost(self) -> None:
        """The spawner has ended, and with it all processes that it had started."""
        if not self._exited.is_set():
            self._errno = self._errno or 5
            self._end(-signal.SIGKILL)
        self._answered.set()

    def wait_started(self) -> None:
        self._answered.wait()
        if self.pid is None:
            raise SpawnError(self._errno, os.strerror(self._errno))

    def on_exit(self, callback) -> None:
        """Call `callback` once when the process has ended; immediately if it already has."""
        with self._lock:
            if not self._exited.is_set():
                self._callbacks.append(callback)
                return
        callback()

    @property
    def running(self) -> bool:
        return not self._exited.is_set()

    def wait(self, timeout=None) -> bool:
        """Wait; True if the process has ended."""
        return self._exited.wait(timeout)

    @property
    def program(self) -> int:
        """The process ID of the program itself."""
        pid = self.pid
        while self._inside and (children := children_of(pid)):
            pid = children[0]
        return pid

    @property
    def inner_program(self):
        """The program inside bubblewrap; None while bubblewrap prepares it."""
        pid = self.program
        try:
            name = os.path.basename(os.readlink(f"/proc/{pid}/exe"))
        except OSError:
            return None
        return None if pid == self.pid or name == "bwrap" else pid

    def terminate(self) -> None:
        """Send SIGTERM to the first process, as a container engine does."""
        first = children_of(self.pid) if self._inside else []
        if first:
            with contextlib.suppress(OSError):
                os.kill(first[0], signal.SIGTERM)
            return
        self._pool.signal(self._key, signal.SIGTERM, group=False)

    def kill(self) -> None:
        """Kill the process and its group."""
        self._pool.signal(self._key, signal.SIGKILL, group=True)

    def stop(self, grace: float) -> None:
        """Send SIGTERM, after `grace` seconds of this machine SIGKILL; returns when the process has ended."""
        self.terminate()
        if not self.wait(grace):
            self.kill()
            self.wait()


class Pool:
    """The server's side of the spawner's socket."""

    def __init__(self):
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        for end in (ours, theirs):
            end.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER)
        self._channel = ours
        self._keys = itertools.count(1)
        self._processes = {}
        self._lock = threading.Lock()
        with theirs:
            number = theirs.fileno()
            self._spawner = subprocess.Popen(
                [sys.executable, "-I", "-S", str(SPAWNER), str(number)],
                pass_fds=[number],
                stdin=subprocess.DEVNULL,
                start_new_session=True,
            )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def spawn(self, argv, env, cwd, stdin, stdout, stderr, inside, limits=None) -> Process:
        process = Process(self, next(self._keys), inside)
        with self._lock:
            self._processes[process._key] = process
        message = {"do": "spawn", "key": process._key, "argv": list(argv)}
        message.update(env=env, cwd=str(cwd), limits=limits)
        data = json.dumps(message).encode()
        if len(data) > MAX_MESSAGE:
            self._forget(process._key)
            raise SpawnError(7, os.strerror(7))
        try:
            socket.send_fds(self._channel, [data], [stdin, stdout, stderr])
        except OSError as error:
            self._forget(process._key)
            raise SpawnError(error.errno, error.strerror) from error
        process.wait_started()
        return process

    def signal(self, key: int, number: int, group: bool) -> None:
        message = {"do": "signal", "key": key, "signal": number, "group": group}
        try:
            self._channel.send(json.dumps(message).encode())
        except OSError:
            pass  # the spawner has ended, and its children with it

    def _forget(self, key):
        with self._lock:
            return self._processes.pop(key, None)

    def _read(self) -> None:
        while data := self._receive():
            message = json.loads(data)
            over = message["event"] != "started"
            with self._lock:
                process = self._processes.get(message["key"])
            if over:
                self._forget(message["key"])
            if process:
                process.handle(message)
        with self._lock:
            left, self._processes = list(self._processes.values()), {}
        for process in left:
            process.lost()

    def _receive(self) -> bytes:
        try:
            return self._channel.recv(MAX_MESSAGE)
        except OSError:
            return b""

    def close(self) -> None:
        """Kill all processes and the spawner; returns when they have ended."""
        self._channel.shutdown(socket.SHUT_RDWR)
        self._spawner.wait()
        self._reader.join()
        self._channel.close()


def spawn(argv, env, cwd, stdout, inside=False, limits=None) -> Process:
    """Start `argv` in a session of its own; the caller still owns the descriptor.

    `inside`: `argv` is bubblewrap with a program in it. `limits` is
    {name of a resource: (soft, hard)}, as in setrlimit(2). SpawnError if the
    program does not exist or cannot run.
    """
    null = os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC)
    try:
        return _pool.spawn(argv, env, cwd, null, stdout, stdout, inside, limits)
    finally:
        os.close(null)


def spawn_on(argv, env, cwd, stdin, output) -> Process:
    """The same with an explicit standard input."""
    return _pool.spawn(argv, env, cwd, stdin, output, output, False)


def children_of(pid: int) -> list:
    """The direct children of a process; none if it has ended."""
    try:
        text = Path(f"/proc/{pid}/task/{pid}/children").read_text()
    except OSError:
        return []
    return [int(word) for word in text.split()]


def install(_context) -> None:
    """Start the spawner early, while the server is still small."""
    global _pool
    _pool = _pool or Pool()


def stop(_context) -> None:
    """End every process."""
    global _pool
    if _pool:
        _pool.close()
        _pool = None
