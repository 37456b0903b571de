# SPDX-License-Identifier: BSD-3-Clause
"""Loopback addresses for tasks.

On Linux all of 127.0.0.0/8 can be used without configuration. Sandboxes that run
in parallel must not use the same addresses, so each takes a random /16, apart from
127.0.0.1 and from the 127.x addresses that moto assigns as public ones.
"""

import random
import socket
import threading

MARKER_PORT = 42000
HOSTS = 254  # addresses of a /24, without .0 and .255
CAPACITY = HOSTS * 254


class Addresses:
    """The addresses of one loopback /16, assigned in turn."""

    def __init__(self):
        self._lock = threading.Lock()
        self._used = set()
        self._turn = 0
        self._prefix, self._marker = reserve_prefix()

    def take(self) -> str:
        """Assign an address that no running task has."""
        with self._lock:
            for _ in range(CAPACITY):
                net, host = divmod(self._turn, HOSTS)
                self._turn = (self._turn + 1) % CAPACITY
                address = f"{self._prefix}.{net}.{host + 1}"
                if address not in self._used:
                    self._used.add(address)
                    return address
        raise RuntimeError("all addresses are in use")

    def release(self, address: str) -> None:
        with self._lock:
            self._used.discard(address)


def reserve_prefix():
    """A random /16, and the bound socket that reserves it."""
    while True:
        prefix = f"127.{random.randrange(64, 192)}"
        marker = socket.socket()
        try:
            marker.bind((f"{prefix}.255.255", MARKER_PORT))
        except OSError:
            marker.close()
            continue
        return prefix, marker
