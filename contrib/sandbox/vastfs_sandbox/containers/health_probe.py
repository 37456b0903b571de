# SPDX-License-Identifier: BSD-3-Clause
"""Runs one health check inside its container, and exits with the command's status.

A program that is run by path. argv: the process ID of the container's program,
or 0 if it runs in no container; the working directory; the task's address; its
ports, separated by commas; the command.

On AWS a task has a network of its own, in which its server also listens at
127.0.0.1. Here all tasks share the machine's loopback device, and a task's
server has an address of its own. So the command gets an empty network, in which
the ports that accept connections at the task's address are open, and
connections to them are relayed.
"""

import fcntl
import os
import select
import signal
import socket
import struct
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import launcher  # noqa: E402

NEWNET = 0x40000000
SIOCSIFFLAGS = 0x8914
IFF_UP = 1
CONNECT_LIMIT = 1.0
BACKLOG = 16
CHUNK = 1 << 16
NOT_FOUND = 127  # a shell's exit status for a command that was not found


def main() -> None:
    pid, directory, address, ports = int(sys.argv[1]), *sys.argv[2:5]
    command = sys.argv[5:]
    targets = [(address, int(port)) for port in ports.split(",") if port]
    answering = [target for target in targets if answers(target)]
    if pid:
        launcher.enter(pid)
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    child = os.fork()
    if not child:
        ours.close()
        run(theirs, bool(pid and targets), bool(pid), answering, directory, command)
    theirs.close()
    relay(child, listeners(ours, answering))
    _, status = os.waitpid(child, 0)
    code = os.waitstatus_to_exitcode(status)
    sys.exit(128 - code if code < 0 else code)


def answers(target) -> bool:
    try:
        socket.create_connection(target, CONNECT_LIMIT).close()
    except OSError:
        return False
    return True


def run(channel, alone: bool, inside: bool, answering: list, directory: str, command: list):
    """In the child: become the command."""
    try:
        launcher.LIBC.prctl(launcher.PR_SET_PDEATHSIG, signal.SIGKILL)
        if alone:
            made = private_network(answering)
            socket.send_fds(channel, [b"."], [item.fileno() for item in made])
        channel.close()
        if inside:
            launcher.drop_rights()
        os.chdir(directory)
        os.execvpe(command[0], command, os.environ)
    except OSError as error:
        print(f"{command[0]}: {error.strerror}", file=sys.stderr, flush=True)
    os._exit(NOT_FOUND)


def private_network(answering: list) -> list:
    """A network with only a loopback device, and sockets for the task's open ports."""
    launcher.check(launcher.LIBC.unshare(NEWNET))
    made = []
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        fcntl.ioctl(any_socket, SIOCSIFFLAGS, struct.pack("16sH14x", b"lo", IFF_UP))
    for _, port in answering:
        listener = socket.socket()
        listener.bind(("0.0.0.0", port))
        listener.listen(BACKLOG)
        made.append(listener)
    return made


def listeners(channel, answering: list) -> list:
    """(listening socket in the command's network, the task's address)"""
    _, fds, _, _ = socket.recv_fds(channel, 1, len(answering) or 1)
    return list(zip((socket.socket(fileno=fd) for fd in fds), answering))


def relay(child: int, pairs: list) -> None:
    """Relay bytes in both directions until the command has ended."""
    over = os.pidfd_open(child)
    targets = {listener: target for listener, target in pairs}
    peers = {}
    while True:
        ready, _, _ = select.select([over, *targets, *peers], [], [])
        if over in ready:
            return
        for item in ready:
            if item in targets:
                connect(item, targets[item], peers)
            elif item in peers and not carry(item, peers[item]):
                for end in (item, peers.pop(item)):
                    peers.pop(end, None)
                    end.close()


def connect(listener, target, peers: dict) -> None:
    inner, _ = listener.accept()
    try:
        outer = socket.create_connection(target, CONNECT_LIMIT)
    except OSError:
        inner.close()
        return
    peers[inner], peers[outer] = outer, inner


def carry(source, sink) -> bool:
    """False at the end of the connection."""
    try:
        data = source.recv(CHUNK)
        sink.sendall(data)
    except OSError:
        return False
    return bool(data)


if __name__ == "__main__":
    main()
