# SPDX-License-Identifier: BSD-3-Clause
"""inotify(7) for tests."""

import ctypes
import os
import struct
import time

PATIENCE_S = 60
libc = ctypes.CDLL(None, use_errno=True)
IN_ATTRIB, IN_CREATE, IN_DELETE = 4, 0x100, 0x200
NAMES = {IN_ATTRIB: "changed", IN_CREATE: "created", IN_DELETE: "deleted"}


class Watch:
    """What is seen in directories and files: (path, "created")."""

    def __init__(self, mount, *paths):
        self.fd = libc.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC)
        mask = IN_ATTRIB | IN_CREATE | IN_DELETE
        self.names = {libc.inotify_add_watch(self.fd, os.fsencode(mount.path / p), mask): p for p in paths}
        assert -1 not in self.names
        self.all = []

    def read(self):
        try:
            data = os.read(self.fd, 65536)
        except BlockingIOError:
            return
        at = 0
        while at < len(data):
            wd, mask, _, length = struct.unpack_from("iIII", data, at)
            name = data[at + 16:at + 16 + length].rstrip(b"\0").decode()
            path = f"{self.names[wd]}/{name}" if name else self.names[wd]
            self.all += [(path, word) for bit, word in NAMES.items() if mask & bit]
            at += 16 + length

    def wait(self, *events):
        end = time.monotonic() + PATIENCE_S
        while not set(events) <= set(self.all):
            assert time.monotonic() < end, f"waited in vain for {set(events) - set(self.all)}; there were {self.all}"
            self.read()
            time.sleep(0.005)

    def close(self):
        os.close(self.fd)
