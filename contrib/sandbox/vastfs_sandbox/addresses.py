"""Loopback addresses for tasks.

Linux answers on all of 127.0.0.0/8 without any set-up. Sandboxes that run
side by side must not meet, so each takes a random /24, far from 127.0.0.1
and from the 127.x addresses that moto hands out as public ones.
"""

import random
import socket
import threading

MARKER_PORT = 42000


class Addresses:
    """One /24 of loopback, given out in turn."""

    def __init__(self):
        self._lock = threading.Lock()
        self._used = set()
        self._turn = 0
        self._prefix, self._marker = reserve_prefix()

    def take(self) -> str:
        """An address that no running task has."""
        with self._lock:
            for _ in range(254):
                self._turn = self._turn % 254 + 1
                address = f"{self._prefix}.{self._turn}"
                if address not in self._used:
                    self._used.add(address)
                    return address
        raise RuntimeError("all addresses are in use")

    def release(self, address: str) -> None:
        with self._lock:
            self._used.discard(address)


def reserve_prefix():
    """A random /24, and the socket that keeps other sandboxes out of it."""
    while True:
        prefix = f"127.{random.randrange(64, 192)}.{random.randrange(1, 255)}"
        marker = socket.socket()
        try:
            marker.bind((f"{prefix}.255", MARKER_PORT))
        except OSError:
            marker.close()
            continue
        return prefix, marker
