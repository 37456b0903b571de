# SPDX-License-Identifier: BSD-3-Clause
"""A clock that a test moves (tests/clock)."""

import contextlib
import mmap
import struct
import time


class Clock:
    """The monotonic clock of one vastfs, which is mounted with this environment. `until` waits for a condition."""

    def __init__(self, path, build, until):
        self.environment = {"LD_PRELOAD": str(build / "tests/clock/libmoved-clock.so"), "MOVED_CLOCK": str(path)}
        self.until = until
        path.write_bytes(bytes(32))
        with open(path, "r+b") as f:
            self.map = mmap.mmap(f.fileno(), 32)
        self.ahead_ms = 0

    def polls(self):
        return struct.unpack_from("q", self.map, 8)[0]

    def move(self, seconds):
        """Move the clock, and wait until the network thread has seen it."""
        self.ahead_ms += int(seconds * 1000)
        struct.pack_into("q", self.map, 0, self.ahead_ms)
        seen = self.polls()
        self.until(lambda: self.polls() > seen + 6, "the program to see the time")

    @contextlib.contextmanager
    def stopped(self):
        """The clock stands still meanwhile."""
        struct.pack_into("q", self.map, 24, int(time.monotonic() * 1000))
        try:
            yield
        finally:
            struct.pack_into("q", self.map, 24, 0)

    def sleep(self, seconds):
        """The machine is suspended."""
        struct.pack_into("q", self.map, 16, int(seconds * 1000))

    def pass_time(self, seconds, step, meanwhile=lambda: None):
        """Returns the hours that have passed for vastfs, including the time that the test has really taken."""
        began = time.monotonic()
        for _ in range(int(seconds / step)):
            self.move(step)
            meanwhile()
        return (seconds + time.monotonic() - began) / 3600
