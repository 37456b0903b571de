# SPDX-License-Identifier: BSD-3-Clause
"""Imports that are killed at chosen points on both sides: what was accepted is delivered, and nothing else is.

On this machine vastfs is killed at each call that concerns its spool (dying.c); in AWS the runtime or the command is killed
when so many bytes have arrived. --whole takes all points, contrib/check a sample of them.
"""

import contextlib
import itertools
import json
import mmap
import os
import random
import struct

import pytest
from conftest import BUILD, until

LIBRARY = BUILD / "tests/stack/dying.so"
POINTS_HERE, POINTS_THERE = 150, 60
SAMPLE_OF = 30
ROUNDS = 6  # of writing and fsync in one import


pytestmark = pytest.mark.usefixtures("fresh_engine")


def sample(request, points):
    return range(1, points + 1) if request.config.getoption("--whole") else range(7, points + 1, SAMPLE_OF)


class Dying:
    """The memory shared with the preloaded library."""

    def __init__(self, path):
        path.write_bytes(bytes(mmap.PAGESIZE))
        with open(path, "r+b") as f:
            self.memory = mmap.mmap(f.fileno(), mmap.PAGESIZE)

    def set(self, point):
        self.memory[8:16] = struct.pack("=Q", 0)
        self.memory[0:8] = struct.pack("=Q", point)


_serial = itertools.count()


def lines(n, size):
    return [json.dumps({"serial": next(_serial), "text": "y" * random.randrange(size)}).encode() for _ in range(n)]


def write_import(path, accepted, written):
    """One import with several fsyncs; what they promise is accepted."""
    unsynced = []
    with contextlib.suppress(OSError), open(path, "wb", buffering=0) as f:
        for _ in range(ROUNDS):
            more = lines(20, 300)
            unsynced += more
            written.update(more)
            f.write(b"\n".join(more) + b"\n")
            os.fsync(f.fileno())
            accepted.update(unsynced)
            unsynced = []


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
