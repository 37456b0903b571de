# SPDX-License-Identifier: BSD-3-Clause
"""Loopback addresses for tasks.

Linux answers on all of 127.0.0.0/8 without any set-up. Sandboxes that run
side by side must not meet, so each takes a random /16, far from 127.0.0.1
and from the 127.x addresses that moto hands out as public ones.
"""

import random
import socket
import threading

MARKER_PORT = 42000
HOSTS = 254  # of a /24: neither .0 nor .255
CAPACITY = HOSTS * 254


class Addresses:
    """One /16 of loopback, given out in turn."""

    def __init__(self):
        self._lock = threading.Lock()
        self._used = set()
        self._turn = 0
        self._prefix, self._marker = reserve_prefix()

    def take(self) -> str:
        """An address that no running task has."""
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
    """A random /16, and the socket that keeps other sandboxes out of it."""
    while True:
        prefix = f"127.{random.randrange(64, 192)}"
        marker = socket.socket()
        try:
            marker.bind((f"{prefix}.255.255", MARKER_PORT))
        except OSError:
            marker.close()
            continue
        return prefix, marker
