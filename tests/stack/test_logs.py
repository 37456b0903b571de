# SPDX-License-Identifier: BSD-3-Clause
"""Logs of the server: followed while somebody reads, whole however long."""

import hashlib
import os
import re
import subprocess

import pytest
from conftest import BUILD, LISTEN, until

LINES = 120000
#: 9.6 MB, more than is kept in memory
CHATTER = "sh -c 'i=0; while [ $i -lt %d ]; do i=$((i+1)); printf \"%%079d\\n\" $i; done; " % LINES + f"{LISTEN} wait'"


def text_of(lines):
    return "".join(f"{i:079d}\n" for i in range(1, lines + 1)).encode()


@pytest.fixture(scope="module")
def server(cloud, tmp_path_factory):
    from conftest import Tree

    mounted = Tree(cloud, tmp_path_factory.mktemp("server")).mount()
    mounted.configure(vast_command=CHATTER)
    mounted.operate("deploy")
    mounted.operate("run-task")
    yield mounted
    mounted.operate("destroy", "purge")
    mounted.unmount()


@pytest.fixture
def whole(server):
    """The log with its last line in it."""
    size = LINES * 80
    with open(server.path / "tasks/default/task.log", "rb") as f:
        until(lambda: os.fstat(f.fileno()).st_size == size, "the last line", 60)
        yield server


def test_nobody_asks_for_a_log_that_nobody_opens(server, cloud):
    before = cloud.calls("logs:GetLogEvents")
    server.bash("find . -type f ! -name '*.log' ! -path './config/*' -exec stat -c %s {} + >/dev/null; ls -lR tasks stack > /dev/null")
    assert cloud.calls("logs:GetLogEvents") == before


def test_older_parts_are_fetched_again(whole, cloud):
    expected = text_of(LINES)
    before = cloud.calls("logs:GetLogEvents")
    with open(whole.path / "tasks/default/task.log", "rb", buffering=0) as f:
        got = b"".join(iter(lambda: f.read(65536), b""))
    assert hashlib.md5(got).digest() == hashlib.md5(expected).digest()
    assert cloud.calls("logs:GetLogEvents") > before
    assert whole.bash("head -c 160 tasks/default/task.log") == expected[:160].decode()
    assert whole.bash("tail -n 1 tasks/default/task.log") == f"{LINES:079d}\n"
    assert whole.bash("dd if=tasks/default/task.log bs=80 skip=30000 count=2 status=none") == text_of(30002)[-160:].decode()


@pytest.mark.skipif("san" in BUILD.name, reason="sanitizers keep what was freed")
def test_memory_is_bounded(whole):
    status = open(f"/proc/{whole.process.pid}/status", encoding="ascii").read()
    whole.bash("for i in 1 2 3; do cat tasks/default/task.log stack/server.log > /dev/null; done")
    after = open(f"/proc/{whole.process.pid}/status", encoding="ascii").read()
    grown = [int(re.search(r"VmRSS:\s+(\d+)", text).group(1)) for text in (status, after)]
    assert grown[1] - grown[0] < 40 * 1024


def test_an_older_part_whose_token_has_expired(whole, cloud):
    """It is found again by time, the first line of each read being the one that was asked for."""
    task = os.readlink(whole.path / "tasks/default")
    for line in range(12000, 60000, 6000):
        cloud.fault(f"logs:*{task}", "token_expired", count=1)
        got = whole.bash(f"dd if=tasks/default/task.log bs=80 skip={line} count=2 status=none")
        assert got == text_of(line + 2)[-160:].decode()
        until(lambda: not cloud.control("GET", "faults"), "the end of a token")


def test_an_older_part_that_cannot_be_had(whole, cloud):
    cloud.fault("logs:GetLogEvents", "error", count=0, status=400, code="InvalidParameterException",
                message="The specified nextToken is invalid.")
    try:
        done = whole.bash("head -c 10 tasks/default/task.log", check=False)
        assert b"Input/output error" in done.stderr
        assert "an older part of the log cannot be read again: The specified nextToken is invalid" in whole.read("error")
    finally:
        cloud.control("DELETE", "faults")


def test_tokens_that_expire_lose_and_repeat_nothing(deployed, cloud):
    """Three tokens expire while lines come, many of them in the same millisecond."""
    deployed.configure(vast_command="sh -c 'i=0; while [ $i -lt 3000 ]; do i=$((i+1)); echo $i; "
                                    "[ $((i % 100)) != 0 ] || sleep 0.2; done & " + f"{LISTEN} wait'")
    deployed.operate("deploy")
    deployed.operate("run-task")
    task = os.readlink(deployed.path / "tasks/default")
    with open(deployed.path / "tasks/default/task.log", "rb", buffering=0) as f:
        for n in (500, 1000, 1500):
            until(lambda: os.fstat(f.fileno()).st_size >= len("".join(f"{i}\n" for i in range(1, n + 1))), f"line {n}", 60)
            cloud.fault(f"logs:*{task}", "token_expired", count=1)
        until(lambda: os.fstat(f.fileno()).st_size >= 13893, "the last line", 60)
        got = b"".join(iter(lambda: f.read(65536), b""))
    assert got.split() == [str(i).encode() for i in range(1, 3001)]
    assert cloud.control("GET", "faults") == [], "each was met"


def test_tail_goes_on_with_the_next_server(deployed):
    """stack/server.log is the log of the default server, whichever that is."""
    deployed.configure(vast_command=f"sh -c 'trap \"exit 0\" TERM; echo begins; {LISTEN} wait'")
    deployed.operate("deploy")
    deployed.operate("run-task")
    for options in ("-f", "-F"):
        before = deployed.read("stack/server.log").count("begins")
        tail = subprocess.Popen(["tail", options, "-n", "+1", "stack/server.log"], cwd=deployed.path,
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        seen = [tail.stdout.readline() for _ in range(max(before, 1))]
        assert set(seen) == {b"begins\n"}
        deployed.operate("restart-task")
        assert tail.stdout.readline() == b"begins\n"
        tail.kill()
        assert b"truncated" not in tail.communicate()[1]
