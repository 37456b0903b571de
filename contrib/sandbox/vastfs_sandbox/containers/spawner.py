# SPDX-License-Identifier: BSD-3-Clause
"""The parent of all processes of a sandbox: starts and reaps them.

It is a process of its own, single-threaded and small, so that

* kill -9 of the server leaves no orphan: this process sees the end of its
  socket and kills everything that it started;
* PR_SET_PDEATHSIG works: it is bound to the thread that forked, so in a server
  with one thread per request it would kill a child at the end of the request;
* fork is cheap, because there is little memory to copy.

It is run by path, without package and site, and has one SOCK_SEQPACKET socket
whose descriptor number is argv[1]. Each message is one JSON object. It receives
`spawn` with key, argv, env, cwd, limits and three descriptors, and `signal` with
key and number (for the process alone, or for its group). It sends `started`,
`failed` and `exited`, each with the key.
"""

import ctypes
import errno
import json
import os
import resource
import select
import signal
import socket
import subprocess
import sys

PR_SET_PDEATHSIG = 1
PR_SET_CHILD_SUBREAPER = 36
MAX_MESSAGE = 1 << 20

LIBC = ctypes.CDLL(None, use_errno=True)


class Spawner:
    """The children by key and by process ID."""

    def __init__(self, channel: socket.socket):
        self.channel = channel
        self.pids = {}
        self.keys = {}

    def run(self) -> None:
        """Serve until the server closes the socket."""
        wake_out, wake_in = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        signal.set_wakeup_fd(wake_in, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        poll = select.poll()
        poll.register(self.channel, select.POLLIN)
        poll.register(wake_out, select.POLLIN)
        while True:
            for fd, _ in poll.poll():
                if fd == wake_out:
                    os.read(wake_out, 4096)
                elif not self.receive():
                    return
            self.reap()

    def receive(self) -> bool:
        """Receive one message; False at the end of the socket."""
        try:
            data, fds, _, _ = socket.recv_fds(self.channel, MAX_MESSAGE, 3)
        except OSError:
            return False
        try:
            if not data:
                return False
            message = json.loads(data)
            if message["do"] == "spawn":
                self.spawn(message, fds)
            else:
                self.signal(message)
        finally:
            for fd in fds:
                os.close(fd)
        return True

    def spawn(self, message, fds) -> None:
        key = message["key"]
        try:
            child = subprocess.Popen(
                message["argv"],
                env=message["env"],
                cwd=message["cwd"],
                stdin=fds[0],
                stdout=fds[1],
                stderr=fds[2],
                start_new_session=True,
                preexec_fn=lambda: prepare(message.get("limits") or {}),
            )
        except (OSError, ValueError, subprocess.SubprocessError) as error:
            number = getattr(error, "errno", None) or errno.EINVAL
            self.send(event="failed", key=key, errno=number)
            return
        child.returncode = 0  # reap() waits for the process: Popen must never do so
        self.pids[key] = child.pid
        self.keys[child.pid] = key
        self.send(event="started", key=key, pid=child.pid)

    def signal(self, message) -> None:
        """Send a signal to a child that is not reaped yet: its process ID is still its own."""
        pid = self.pids.get(message["key"])
        if pid is None:
            return
        send = os.killpg if message["group"] else os.kill
        try:
            send(pid, message["signal"])
        except OSError:
            pass

    def reap(self) -> None:
        """Reap children that have ended. The rest of a group ends with its first
        process, as all processes of a container do."""
        while True:
            try:
                flags = os.WEXITED | os.WNOHANG | os.WNOWAIT
                dead = os.waitid(os.P_ALL, 0, flags)
            except ChildProcessError:
                return
            if dead is None:
                return
            key = self.keys.pop(dead.si_pid, None)
            if key is not None:
                kill_group(dead.si_pid)
            _, status = os.waitpid(dead.si_pid, 0)
            if key is not None:
                del self.pids[key]
                code = os.waitstatus_to_exitcode(status)
                self.send(event="exited", key=key, code=code)

    def send(self, **message) -> None:
        try:
            self.channel.send(json.dumps(message).encode())
        except OSError:
            pass  # the server is gone: the next receive() sees it


def prepare(limits: dict) -> None:
    """Runs in the child before it becomes the program."""
    for name, (soft, hard) in limits.items():
        number = getattr(resource, "RLIMIT_" + name.upper(), None)
        if number is not None:
            most = resource.getrlimit(number)[1]  # an unprivileged process cannot raise its limits
            hard = hard if most == resource.RLIM_INFINITY else min(hard, most)
            resource.setrlimit(number, (min(soft, hard), hard))
    die_with_parent()


def die_with_parent() -> None:
    LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    for number in (signal.SIGHUP, signal.SIGINT, signal.SIGQUIT, signal.SIGTERM):
        # nohup and `&` may have made the sandbox ignore these signals
        signal.signal(number, signal.SIG_DFL)


def kill_group(pid: int) -> None:
    try:
        os.killpg(pid, signal.SIGKILL)
    except OSError:
        pass


def children() -> list:
    """All direct children, including adopted ones."""
    me = os.getpid()
    with open(f"/proc/{me}/task/{me}/children", encoding="ascii") as file:
        return [int(pid) for pid in file.read().split()]


def kill_all() -> None:
    """Kill until no child is left: this process adopts the processes that left their group."""
    while pids := children():
        for pid in pids:
            kill_group(pid)
            try:
                os.kill(pid, signal.SIGKILL)
                os.waitpid(pid, 0)
            except OSError:
                pass


def main() -> None:
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        # The spawner ends with its socket. A handler is set because children would inherit SIG_IGN.
        signal.signal(number, lambda *_: None)
    LIBC.prctl(PR_SET_CHILD_SUBREAPER, 1)
    channel = socket.socket(fileno=int(sys.argv[1]))
    try:
        Spawner(channel).run()
    finally:
        kill_all()


if __name__ == "__main__":
    main()
