# SPDX-License-Identifier: BSD-3-Clause
"""`probe`: the health check of the server's container."""

import socket
import subprocess
import time

import pytest

from conftest import within
from runtime_api import PATIENCE


@pytest.fixture
def probe(binary):
    def probe(*arguments):
        return subprocess.run([binary, "probe", *map(str, arguments)], capture_output=True, text=True, timeout=PATIENCE, check=False)

    return probe


def own_address():
    """An address of this machine that is not the loopback device's; None without one."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        try:
            any_socket.connect(("192.0.2.1", 9))  # sends nothing
        except OSError:
            return None
        return any_socket.getsockname()[0]


def listen(family, address):
    listener = socket.socket(family)
    listener.bind((address, 0))
    listener.listen()
    return listener


@pytest.mark.parametrize("family, address", [(socket.AF_INET, "127.0.0.1"), (socket.AF_INET, "0.0.0.0"), (socket.AF_INET6, "::1"),
                                             (socket.AF_INET, own_address)])
def test_a_server_that_listens_is_healthy(probe, family, address):
    address = address() if callable(address) else address
    if not address:
        pytest.skip("this machine has no network")
    with listen(family, address) as listener:
        done = probe(listener.getsockname()[1])
        assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
        # it sends nothing, so that no server takes it for a client
        connection, _ = listener.accept()
        assert connection.recv(1) == b""
        connection.close()


def test_a_port_that_nobody_opened(probe):
    with listen(socket.AF_INET, "127.0.0.1") as listener:
        port = listener.getsockname()[1]
    assert probe(port).returncode == 1


def test_a_server_that_accepts_nothing_is_given_up_within_2_s(probe):
    with socket.socket() as listener:
        listener.bind(("0.0.0.0", 0))
        listener.listen(0)
        port = listener.getsockname()[1]
        waiting = []
        for _ in range(4):  # the queue of the kernel is full with these
            waiting.append(socket.socket())
            waiting[-1].setblocking(False)
            waiting[-1].connect_ex(("127.0.0.1", port))
        begin = time.monotonic()
        assert within(5, lambda: probe(port)).returncode == 1
        assert time.monotonic() - begin > 1
        for item in waiting:
            item.close()


@pytest.mark.parametrize("arguments", [[], ["x"], ["0"], ["65536"], ["42000x"], [""], ["42000", "1"], ["-1"]])
def test_wrong_arguments(probe, arguments):
    done = probe(*arguments)
    assert done.returncode == 125
    assert "expected one port" in done.stderr
