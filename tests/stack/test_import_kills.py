# SPDX-License-Identifier: BSD-3-Clause
"""Imports that are killed at chosen points on both sides, or meet a full disk: what was accepted is delivered, and nothing
else is.

On this machine vastfs is killed, or its disk is full, at each call that concerns its spool (dying.c); in AWS the runtime or
the command is killed when so many bytes have arrived. --whole takes all points, contrib/check a sample of them.
"""

import contextlib
import errno
import itertools
import json
import mmap
import os
import random
import re
import struct

import pytest
from conftest import BUILD, until

LIBRARY = BUILD / "tests/stack/dying.so"
POINTS_HERE, POINTS_THERE = 150, 60
SAMPLE_OF = 30
ROUNDS = 5  # of writing and fsync in one import


pytestmark = pytest.mark.usefixtures("fresh_engine")


def sample(request, points):
    return range(1, points + 1) if request.config.getoption("--whole") else range(7, points + 1, SAMPLE_OF)


class Dying:
    """The memory shared with the preloaded library."""

    def __init__(self, path):
        path.write_bytes(bytes(mmap.PAGESIZE))
        with open(path, "r+b") as f:
            self.memory = mmap.mmap(f.fileno(), mmap.PAGESIZE)

    def set(self, point, fills=False):
        self.memory[0:32] = struct.pack("=4Q", 0, 0, fills, 0)
        self.memory[0:8] = struct.pack("=Q", point)

    @property
    def filled(self):
        return struct.unpack("=Q", self.memory[24:32])[0]


_serial = itertools.count()


def lines(n, size):
    return [json.dumps({"serial": next(_serial), "text": "y" * random.randrange(size)}).encode() for _ in range(n)]


def write_import(path, accepted, written):
    """One import with several fsyncs, of which some come before a line's end; what they promise is accepted. The errno."""
    try:
        with open(path, "wb", buffering=0) as f:
            for n in range(ROUNDS):
                more = lines(20, 300)
                written.update(more)
                ends = b"", b"\n"
                f.write(ends[n % 2] + b"\n".join(more) + ends[n % 2])
                os.fsync(f.fileno())
                accepted.update(more)
    except OSError as e:
        return e.errno
    return 0


def is_idle(tree):
    """Whether all is delivered; also true when vastfs is dead."""
    try:
        return "import idle" in tree.read("status")
    except OSError:
        return tree.process.poll() is not None


@pytest.mark.skipif("san" in str(BUILD), reason="sanitizers bring functions of their own that are preloaded")
def test_vastfs_is_killed_at_its_calls_on_the_spool(request, stack, engine, tmp_path):
    dying = Dying(tmp_path / "dying")
    environment = dict(stack.env)
    stack.env.update(LD_PRELOAD=str(LIBRARY), VASTFS_DYING=str(tmp_path / "dying"))
    accepted, written, killed = set(), set(), 0
    try:
        for point in sample(request, POINTS_HERE):
            stack.kill()
            stack.mount()
            until(lambda: "unknown" not in stack.read("status"), "the first contact")
            dying.set(point)
            write_import(stack.path / "import/suricata", accepted, written)
            until(lambda: is_idle(stack), "the end")  # the delivery may reach the point, too
            dying.set(0)
            if stack.process.poll() is not None:
                killed += 1
                stack.kill()
                stack.mount()
            until(lambda: is_idle(stack), "the delivery of the rest")
            delivered = set(engine.lines)
            assert accepted <= delivered <= written, (point, accepted - delivered, delivered - written)
            spool = next(p for p in (stack.base / "state").rglob("spool"))
            assert not [p.name for p in spool.iterdir() if p.name != "format"], point
    finally:
        dying.set(0)
        stack.env = environment
    assert killed > len(sample(request, POINTS_HERE)) / 2, "most points must be reached"


@pytest.mark.skipif("san" in str(BUILD), reason="sanitizers bring functions of their own that are preloaded")
def test_the_disk_is_full_at_calls_on_the_spool(request, stack, engine, tmp_path):
    """The writer is told, with the number of events that were accepted; the others of its import are nowhere."""
    dying = Dying(tmp_path / "dying")
    environment = dict(stack.env)
    spool = next(p for p in (stack.base / "state").rglob("spool"))
    stack.env.update(LD_PRELOAD=str(LIBRARY), VASTFS_DYING=str(tmp_path / "dying"))
    told = 0
    stack.kill()
    stack.mount()
    try:
        until(lambda: "unknown" not in stack.read("status"), "the first contact")
        for point in sample(request, POINTS_HERE):
            accepted, written = set(), set()
            with engine.lock:
                engine.batches.clear()
            dying.set(point, fills=True)
            failed = write_import(stack.path / "import/suricata", accepted, written)
            until(lambda: is_idle(stack), "the delivery")
            filled = dying.filled
            dying.set(0)
            delivered = set(engine.lines)
            assert accepted <= delivered <= written, (point, accepted - delivered, delivered - written)
            assert not [p.name for p in spool.iterdir() if p.name != "format"], point
            assert failed in (0, errno.ENOSPC) and (filled or not failed), (point, failed)
            if failed:
                told += 1
                words = re.search(r"no space for more events: (\d+) events were accepted", stack.read("import/error"))
                assert words and len(accepted) <= int(words[1]) <= len(delivered), (point, stack.read("import/error"))
                assert stack.value("import/state") == "failed", point
    finally:
        dying.set(0)
        stack.env = environment
    assert told > len(sample(request, POINTS_HERE)) / 3, "most points must be reached by the writer"


@pytest.mark.parametrize("word", ["kill-runtime", "kill-command"])
def test_the_function_is_killed_when_bytes_have_arrived(request, stack, engine, word):
    sent = lines(400, 2000)
    data = b"\n".join(sent) + b"\n"
    killed = []

    def plan(limit):
        return lambda kind, size: word if size >= limit and not killed and not killed.append(size) else None

    for point in sample(request, POINTS_THERE):
        with engine.lock:
            engine.batches.clear()
        killed.clear()
        engine.plan = plan(len(data) * (point - 1) // (POINTS_THERE - 1))
        with open(stack.path / "import/json", "r+b", buffering=0) as f:
            f.write(data)
            result = b"".join(iter(lambda: f.read(65536), b"")).decode()
        assert killed and set(engine.lines) == set(sent), (point, result)
        assert "delivered 400\n" in result and "rejected 0\n" in result and "possible_duplicates 400 (batches 1)" in result
    engine.plan = lambda kind, size: None
