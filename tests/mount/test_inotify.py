# SPDX-License-Identifier: BSD-3-Clause
"""Changes that come by themselves are seen by who watches files: file managers, tail -F, inotifywait."""

import ctypes
import os
import struct

from conftest import until

libc = ctypes.CDLL(None, use_errno=True)
IN_ATTRIB = 4


class Watch:
    def __init__(self, *paths):
        self.fd = libc.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC)
        self.names = {libc.inotify_add_watch(self.fd, os.fsencode(p), IN_ATTRIB): p for p in paths}
        assert -1 not in self.names

    def seen(self):
        try:
            data = os.read(self.fd, 65536)
        except BlockingIOError:
            return set()
        found, at = set(), 0
        while at < len(data):
            wd, _, _, length = struct.unpack_from("iIII", data, at)
            found.add(self.names[wd])
            at += 16 + length
        return found


def test_the_end_of_an_operation_is_an_event(mount):
    result = mount.deploy()
    watch = Watch(result.parent / "state", mount.path / "status")
    mount.cancel()
    seen = set()
    until(lambda: seen.update(watch.seen()) or seen == set(watch.names.values()), "both events")
    until(lambda: mount.read("operations/latest/state") not in ("queued\n", "running\n"), "the end")
    os.close(watch.fd)


def test_the_touches_start_nothing(mount):
    mount.deploy()
    mount.cancel()
    mount.shell("cat operations/latest/result")
    assert len(os.listdir(mount.path / "operations")) == 2
    assert "EPERM" not in mount.read("error")
