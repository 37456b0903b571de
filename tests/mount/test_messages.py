# SPDX-License-Identifier: BSD-3-Clause
"""How many messages a command costs: the speed of the tree, in numbers that do not depend on the machine."""

import re
import subprocess
from collections import Counter

import pytest


@pytest.fixture
def traced(unmounted):
    return unmounted.start("-d")


def messages(mount, *command):
    """What the kernel asked for while the command ran with warm caches: the least of some runs, as a notification may
    fall in between."""
    return min((run(mount, command) for _ in range(5)), key=lambda asked: asked.total())


def run(mount, command):
    log = mount.base / "vastfs.log"
    begin = log.stat().st_size
    subprocess.run(command, cwd=mount.path, stdout=subprocess.DEVNULL, check=True)
    with open(log, encoding="utf-8", errors="replace") as f:
        f.seek(begin)
        return Counter(re.findall(r"opcode: (\w+) ", f.read())) - Counter(RELEASE=9, RELEASEDIR=9, FLUSH=9)


def test_cat(traced):
    assert messages(traced, "cat", "status") <= Counter(LOOKUP=1, OPEN=1, GETATTR=2, READ=2)


def test_stat_of_what_never_changes(traced):
    assert messages(traced, "stat", "control", "README") == Counter()


def test_listing(traced):
    assert messages(traced, "ls") <= Counter(OPENDIR=1, READDIR=2)


def test_names_that_are_not_there(traced):
    assert messages(traced, "bash", "-c", "test ! -e .hidden && test ! -e .git") == Counter()
