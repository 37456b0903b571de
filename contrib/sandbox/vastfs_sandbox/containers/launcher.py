# SPDX-License-Identifier: BSD-3-Clause
"""Starts one command of ECS Exec in a task, on a new terminal.

A program that is run by path, without package and site. Its standard input is a
socket. argv: the process ID of the task's program, or 0 if the task runs in no
container; the working directory; the command.

It enters the user, mount, PID, IPC and UTS namespaces of the task's program (task
and command share the machine's network). That needs no privilege: the user
namespaces that bubblewrap created belong to the user who runs the sandbox. This
user is the only one that is mapped in them, as root; like the task, the command
has no capabilities.

On the socket it sends {"pid"} with the terminal's master, and closes the socket
when the command runs; or it sends {"error"} with the agent's message.
"""

import ctypes
import errno
import fcntl
import json
import os
import signal
import socket
import sys
import termios

NEWNS, NEWUTS, NEWIPC, NEWUSER, NEWPID = (
    0x00020000,
    0x04000000,
    0x08000000,
    0x10000000,
    0x20000000,
)
NAMESPACES = (("ipc", NEWIPC), ("uts", NEWUTS), ("pid", NEWPID), ("mnt", NEWNS))
NS_GET_USERNS = 0xB701
PR_SET_PDEATHSIG = 1
PR_CAPBSET_DROP = 24
PR_SET_NO_NEW_PRIVS = 38
CAPABILITIES = 64
#: signals that the sandbox ignores, or that nohup and `&` made it ignore
DEFAULT_SIGNALS = (
    signal.SIGHUP,
    signal.SIGINT,
    signal.SIGQUIT,
    signal.SIGTERM,
    signal.SIGPIPE,
    signal.SIGXFSZ,
)
TIOCSPTLCK = 0x40045431
TIOCGPTPEER = 0x5441

LIBC = ctypes.CDLL(None, use_errno=True)
WORDS = {
    errno.ENOENT: "no such file or directory",
    errno.EACCES: "permission denied",
    errno.ENOEXEC: "exec format error",
}


def main() -> None:
    pid, directory, command = int(sys.argv[1]), sys.argv[2], sys.argv[3:]
    channel = socket.socket(fileno=os.dup(0))
    os.set_inheritable(channel.fileno(), False)
    try:
        if pid:
            enter(pid)
        master, slave = terminal()
    except OSError as error:
        say(channel, f"{error.strerror or error}".lower())
        return
    LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    begin_out, begin_in = os.pipe()
    child = os.fork()
    if not child:
        os.close(begin_in)
        os.read(begin_out, 1)
        run(channel, slave, bool(pid), directory, command)
        os._exit(127)
    socket.send_fds(channel, [json.dumps({"pid": child}).encode()], [master])
    channel.close()
    for descriptor in (0, master, slave, begin_out, begin_in):
        os.close(descriptor)
    os.waitpid(child, 0)


def enter(pid: int) -> None:
    """Enter the namespaces. The mount namespace may belong to an outer user namespace, which must be entered first."""
    held = [(os.open(f"/proc/{pid}/ns/{name}", os.O_RDONLY), kind) for name, kind in NAMESPACES]
    final = os.open(f"/proc/{pid}/ns/user", os.O_RDONLY)
    owner = fcntl.ioctl(held[-1][0], NS_GET_USERNS)
    here = os.stat("/proc/self/ns/user").st_ino
    if os.stat(owner).st_ino != here:
        set_namespace(owner, NEWUSER)
    for descriptor, kind in held:
        set_namespace(descriptor, kind)
    if os.stat(final).st_ino not in (here, os.stat(owner).st_ino):
        set_namespace(final, NEWUSER)
    for descriptor in (owner, final, *(descriptor for descriptor, _ in held)):
        os.close(descriptor)


def set_namespace(descriptor: int, kind: int) -> None:
    check(LIBC.setns(descriptor, kind))


def check(result: int) -> None:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


def terminal():
    """(master, slave) of a new terminal of the container's own devpts, so that it has a name there."""
    master = os.open("/dev/ptmx", os.O_RDWR | os.O_NOCTTY | os.O_CLOEXEC)
    fcntl.ioctl(master, TIOCSPTLCK, bytes(4))
    slave = fcntl.ioctl(master, TIOCGPTPEER, os.O_RDWR | os.O_NOCTTY)
    return master, slave


def run(channel, slave: int, inside: bool, directory: str, command: list) -> None:
    """In the child: become the command."""
    try:
        os.setsid()
        fcntl.ioctl(slave, termios.TIOCSCTTY, 0)
        for descriptor in range(3):
            os.dup2(slave, descriptor)
        if inside:
            become_root()
        LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        for number in DEFAULT_SIGNALS:
            signal.signal(number, signal.SIG_DFL)
        os.chdir(directory)
        os.execvpe(command[0], command, os.environ)
    except OSError as error:
        say(channel, cannot_start(command[0], error))


def become_root() -> None:
    """Become root in the namespace, with no more rights than the task has."""
    uid, gid = os.getuid(), os.getgid()
    if uid or gid:
        check(LIBC.unshare(NEWUSER))
        for name, text in (("setgroups", "deny"), ("uid_map", f"0 {uid} 1"), ("gid_map", f"0 {gid} 1")):
            with open(f"/proc/self/{name}", "w", encoding="ascii") as file:
                file.write(text)
    drop_rights()


def drop_rights() -> None:
    """Give up all capabilities for good: no program that is executed later regains them."""
    for number in range(CAPABILITIES):
        LIBC.prctl(PR_CAPBSET_DROP, number, 0, 0, 0)
    LIBC.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)


def cannot_start(program: str, error: OSError) -> str:
    """The error message of Go's os/exec."""
    if "/" not in program and error.errno in (errno.ENOENT, errno.ENOTDIR):
        return f'exec: "{program}": executable file not found in $PATH'
    why = WORDS.get(error.errno, (error.strerror or "").lower())
    return f"fork/exec {program}: {why}"


def say(channel, error: str) -> None:
    channel.send(json.dumps({"error": error}).encode())


if __name__ == "__main__":
    main()
