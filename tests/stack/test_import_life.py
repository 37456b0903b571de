# SPDX-License-Identifier: BSD-3-Clause
"""Imports through kills, unmounts, missing servers and full disks: what was accepted is delivered, and nothing else is
told."""

import contextlib
import errno
import itertools
import json
import os
import random
import re
import shutil
import subprocess
import threading

import pytest
from conftest import DEADLINE, VASTFS, Tree, until

pytestmark = pytest.mark.usefixtures("fresh_engine")

_serial = itertools.count()


def event(text="x"):
    return json.dumps({"serial": next(_serial), "text": text}).encode()


def spool_of(stack):
    return next(p for p in (stack.base / "state").rglob("spool"))


def waits_for_nothing(stack):
    return "import idle" in stack.read("status")


def remount(stack):
    stack.process = None
    stack.mount()
    until(lambda: "unknown" not in stack.read("status"), "the first contact")


class Writer(threading.Thread):
    """Writes lines, with an fsync now and then, until the mount is gone. What fsync has promised is `accepted`."""

    def __init__(self, path):
        super().__init__(daemon=True)
        self.path = path
        self.accepted, self.written = set(), set()
        self.random = random.Random(next(_serial))
        self.start()

    def run(self):
        with contextlib.suppress(OSError):
            while True:
                self.write_one_import()

    def write_one_import(self):
        unsynced = []
        with open(self.path, "wb", buffering=0) as f:
            for _ in range(self.random.randrange(1, 30)):
                lines = [event("y" * self.random.randrange(300)) for _ in range(self.random.randrange(1, 40))]
                unsynced += lines
                self.written.update(lines)
                f.write(b"\n".join(lines) + b"\n")
                if self.random.random() < 0.3:
                    os.fsync(f.fileno())
                    self.accepted.update(unsynced)
                    unsynced = []
            os.fsync(f.fileno())
            self.accepted.update(unsynced)


@pytest.mark.parametrize("at", range(6))
def test_a_kill_in_the_middle_loses_nothing_that_was_accepted(stack, engine, at):
    """Three writers; the kill comes after some batches, so at another moment each time."""
    writers = [Writer(stack.path / "import/suricata") for _ in range(3)]
    until(lambda: len(engine.attempts) > 3 * at and all(w.accepted for w in writers), "some batches")
    stack.kill()
    for w in writers:
        w.join(DEADLINE)
    remount(stack)
    until(lambda: waits_for_nothing(stack), "the delivery")
    accepted = set().union(*(w.accepted for w in writers))
    written = set().union(*(w.written for w in writers))
    delivered = set(engine.lines)
    assert accepted <= delivered <= written
    assert not list(spool_of(stack).glob("*-*"))


def test_what_was_sent_when_it_was_killed_may_be_there_twice(stack, engine):
    engine.open.clear()
    lines = [event(), event()]
    with open(stack.path / "import/json", "wb", buffering=0) as f:
        f.write(b"\n".join(lines) + b"\n")
    until(lambda: list(spool_of(stack).glob("*.sent")), "the sending")
    stack.kill()
    engine.open.set()
    remount(stack)
    number = max(map(int, os.listdir(stack.path / "import/history")))
    result = stack.bash(f"cat import/history/{number}/result")
    assert "possible_duplicates 2 (batches 1)" in result and "delivered 2" in result
    assert set(engine.lines) == set(lines)
    assert "found in the spool" in stack.read(f"import/history/{number}/import.log")


def test_the_last_line_of_a_killed_mount(stack, engine):
    """fsync has promised it, whole or not; what is not whole is kept as rejected."""
    whole = open(stack.path / "import/json", "wb", buffering=0)
    half = open(stack.path / "import/json", "wb", buffering=0)
    whole.write(b'{"whole":1}\n{"whole":2}')
    half.write(b'{"half":1}\n{"half":')
    for f in (whole, half):
        os.fsync(f.fileno())
    second = max(map(int, os.listdir(stack.path / "import/history")))
    stack.kill()
    for f in (whole, half):
        with contextlib.suppress(OSError):
            f.close()
    remount(stack)
    until(lambda: waits_for_nothing(stack), "the delivery")
    assert set(engine.lines) >= {b'{"whole":1}', b'{"whole":2}', b'{"half":1}'}
    assert stack.read(f"import/history/{second}/rejected") == '{"half":'
    stack.bash(f"rm -rf import/history/{second}")


def test_a_last_line_that_went_on_is_delivered_once(stack, engine):
    with open(stack.path / "import/json", "wb", buffering=0) as f:
        f.write(b'{"a":1}\n{"b":')
        os.fsync(f.fileno())
        f.write(b'2}\n{"c":3}')
        os.fsync(f.fileno())
        f.write(b"\n")
    assert "delivered 3\n" in stack.bash("cat import/result")
    assert sorted(engine.lines) == [b'{"a":1}', b'{"b":2}', b'{"c":3}']


def test_a_killed_writer_has_its_complete_lines_imported(stack, engine):
    writer = subprocess.Popen(["bash", "-c", "{ echo '{\"a\":1}'; echo '{\"a\":2}'; printf '{\"a\":'; sleep 100; } > import/json"],
                              cwd=stack.path, process_group=0)
    until(lambda: "3 events" in stack.read("import/progress") or len(engine.lines) == 2, "two events")
    os.killpg(writer.pid, 9)
    writer.wait(DEADLINE)
    result = stack.bash("cat import/result")
    assert "delivered 2\n" in result and "rejected 1\n" in result


def test_without_a_server_events_wait(stack, engine):
    stack.operate("stop-all-tasks")
    lines = [event() for _ in range(10)]
    with open(stack.path / "import/json", "wb", buffering=0) as f:
        f.write(b"\n".join(lines) + b"\n")
    until(lambda: "no server is running" in stack.read("import/progress"), "the reason")
    assert stack.value("import/state") == "queued"
    assert "import running 1, 10 events waiting" in stack.read("status")
    stack.kill()
    remount(stack)
    until(lambda: "no server is running" in stack.read("import/progress"), "the reason again")
    stack.operate("run-task")
    assert "delivered 10\n" in stack.bash("cat import/result")
    assert engine.lines == lines


def test_a_server_that_does_not_answer_rejects_nothing(stack, engine):
    """The command fails because the server is gone, so the batch waits for it."""
    stopped = []

    def judge(kind, data):
        if not stopped:
            stopped.append(True)
            stack.bash("echo 'kill $(pidof httpd)' > tasks/default/exec/query; cat tasks/default/exec/exit_code")
        return (1, "cannot connect") if len(stopped) < 2 else (0, "")

    engine.judge = judge
    line = event()
    with open(stack.path / "import/json", "wb", buffering=0) as f:
        f.write(line + b"\n")
    until(lambda: "does not accept connections" in stack.read("import/import.log"), "the check of the server")
    assert stack.value("import/state") == "running"
    stopped.append(True)
    stack.operate("restart-task")
    assert "delivered 1\n" in stack.bash("cat import/result")
    assert set(engine.lines) == {line}


def test_events_go_only_to_the_stack_that_they_were_written_for(stack, engine):
    engine.open.clear()
    stack.operate("stop-all-tasks")
    line = event()
    with open(stack.path / "import/json", "wb", buffering=0) as f:
        f.write(line + b"\n")
    settings = stack.read("config/default.env")
    stack.write("config/default.env", settings.replace(f"stage={stack.stage}", "stage=elsewhere"))
    until(lambda: not {"state deployed", "state unknown"} & set(stack.read("status").splitlines()), "the other stage")
    with pytest.raises(OSError) as refused:
        open(stack.path / "import/json", "wb").close()
    assert refused.value.errno == errno.ENXIO
    assert "waiting: " in stack.read("import/progress")
    stack.write("config/default.env", settings)
    engine.open.set()
    until(lambda: "state deployed" in stack.read("status"), "the stage")
    stack.operate("run-task")
    assert "delivered 1\n" in stack.bash("cat import/result")


def test_an_unmount_keeps_what_waits(stack, engine):
    engine.judge = lambda kind, data: (0, "")
    stack.operate("stop-all-tasks")
    lines = [event() for _ in range(3)]
    for line in lines:
        with open(stack.path / "import/json", "wb", buffering=0) as f:
            f.write(line + b"\n")
    stack.unmount()
    remount(stack)
    stack.operate("run-task")
    until(lambda: waits_for_nothing(stack), "the delivery")
    assert sorted(engine.lines) == sorted(lines)


def test_an_ordered_import_is_delivered_in_order(stack, engine):
    """Each batch is acknowledged before the next one is sent, through lost answers as well."""
    settings = stack.read("config/default.env")
    stack.write("config/default.env", settings + "import_ordered=yes\n")
    try:
        sent = []
        stack.cloud.fault("lambda:Invoke", "drop_after", count=3)
        with open(stack.path / "import/json", "wb", buffering=0) as f:
            for _ in range(12):
                sent.append(event())
                f.write(sent[-1] + b"\n")
                os.fsync(f.fileno())
        result = stack.bash("cat import/result")
        assert "delivered 12\n" in result and "batches 12\n" in result
        first_seen = list(dict.fromkeys(line for _, data in engine.attempts for line in data.splitlines()))
        assert first_seen == sent
    finally:
        stack.write("config/default.env", settings)


def test_two_machines_import_at_once(cloud, stack, engine, tmp_path):
    """Another vastfs with a spool of its own, and the same stack."""
    other = Tree(cloud, tmp_path).mount()
    try:
        other.write("config/default.env", stack.read("config/default.env"))
        until(lambda: "state deployed" in other.read("status"), "the stack on the other machine")
        sent = [[event() for _ in range(3000)] for _ in range(2)]
        writers = []
        for tree, lines in zip((stack, other), sent):
            source = tree.base / "lines"
            source.write_bytes(b"\n".join(lines) + b"\n")
            writers.append(subprocess.Popen(["bash", "-c", f"cat {source} > import/json && cat import/result"], cwd=tree.path,
                                            stdout=subprocess.PIPE, text=True))
        for writer in writers:
            assert "delivered 3000\n" in writer.communicate(timeout=DEADLINE)[0]
        assert sorted(engine.lines) == sorted(sent[0] + sent[1])
    finally:
        other.unmount()


def test_a_second_mount_of_the_same_configuration_takes_no_imports(stack, engine, tmp_path):
    """Two processes with one spool would deliver the same batches."""
    engine.open.clear()
    try:
        line = event()
        (stack.path / "import/json").write_bytes(line + b"\n")
        until(lambda: list(spool_of(stack).glob("*.sent")), "the sending")
        mountpoint = tmp_path / "again"
        mountpoint.mkdir()
        done = subprocess.run([VASTFS, mountpoint], env=stack.env, capture_output=True, text=True, timeout=DEADLINE)
        assert done.returncode != 0 and "another vastfs" in done.stderr, done
    finally:
        engine.open.set()
    assert "delivered 1\n" in stack.bash("cat import/result")
    assert engine.lines == [line]


# -- disks ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def small_disk(stack):
    """The spool on a disk of 8 MB of its own."""
    spool = spool_of(stack)
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=8m", "vastfs-test", spool], capture_output=True).returncode != 0:
        pytest.skip("needs the right to mount")
    yield spool
    until(lambda: subprocess.run(["umount", spool], capture_output=True).returncode == 0, "the unmount of the small disk")


@pytest.fixture
def read_only_disk(stack):
    """The spool on a disk that cannot be written."""
    spool = spool_of(stack)
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "ro,size=1m", "vastfs-test", spool], capture_output=True).returncode != 0:
        pytest.skip("needs the right to mount")
    yield spool
    until(lambda: subprocess.run(["umount", spool], capture_output=True).returncode == 0, "the unmount of the disk")


def test_a_spool_that_cannot_be_written_accepts_nothing(stack, engine, read_only_disk):
    with pytest.raises(OSError) as refused:
        with open(stack.path / "import/json", "wb", buffering=0) as f:
            f.write(event() + b"\n")
            os.fsync(f.fileno())
    assert refused.value.errno in (errno.EROFS, errno.EACCES)
    until(lambda: "cannot write to the spool" in stack.read("error") or "cannot make the spool" in stack.read("error"), "the reason")
    assert f"make {read_only_disk} writable" in stack.read("error")
    until(lambda: stack.value("import/state") == "failed", "the end, which follows close")
    assert engine.lines == []


def test_a_spool_that_was_deleted_is_made_again(stack, engine):
    spool = spool_of(stack)
    shutil.rmtree(spool)
    lines = [event(), event()]
    (stack.path / "import/json").write_bytes(b"\n".join(lines) + b"\n")
    assert "delivered 2\n" in stack.bash("cat import/result")
    assert sorted(engine.lines) == sorted(lines)


def test_a_batch_that_was_deleted_or_damaged_is_told(stack, engine):
    stack.operate("stop-all-tasks")
    for _ in range(3):
        (stack.path / "import/json").write_bytes(event() + b"\n")
    first, second, third = sorted(spool_of(stack).glob("*.batch"))
    first.unlink()
    second.write_bytes(second.read_bytes()[:-40] + bytes(40))
    numbers = sorted(map(int, os.listdir(stack.path / "import/history")))[-3:]
    stack.operate("run-task")
    until(lambda: waits_for_nothing(stack), "the end")
    assert [stack.value(f"import/history/{n}/state") for n in numbers] == ["failed", "failed", "succeeded"]
    assert "another program removed" in stack.read(f"import/history/{numbers[0]}/error")
    assert "is damaged" in stack.read(f"import/history/{numbers[1]}/error")
    assert len(engine.lines) == 1
    for path in spool_of(stack).glob("*-*"):
        path.unlink()


def test_a_spool_of_a_newer_vastfs_is_left_alone(stack, engine):
    version = spool_of(stack) / "format"
    stack.unmount()
    version.write_text("vastfs spool 2\n")
    try:
        remount(stack)
        with pytest.raises(OSError) as refused:
            open(stack.path / "import/json", "wb").close()
        assert refused.value.errno == errno.EPROTO
        assert "newer vastfs" in stack.read("error")
    finally:
        stack.unmount()
        version.write_text("vastfs spool 1\n")
        remount(stack)


def noise(n):
    return b"".join(b'{"n":"%s"}\n' % os.urandom(500).hex().encode() for _ in range(n))


def test_a_full_disk_is_told_with_the_events_that_were_accepted(stack, engine, small_disk):
    stack.operate("stop-all-tasks")
    data = noise(20_000)
    with pytest.raises(OSError) as full:
        with open(stack.path / "import/json", "wb", buffering=0) as f:
            for at in range(0, len(data), 100_000):
                f.write(data[at:at + 100_000])
            os.fsync(f.fileno())
    assert full.value.errno == errno.ENOSPC
    until(lambda: "events were accepted" in stack.read("error"), "the words")
    stack.bash("echo other > config/other; cat config/other")
    accepted = int(re.search(r"(\d+) events were accepted", stack.read("import/error")).group(1))
    assert 0 < accepted < 20_000
    stack.operate("run-task")
    until(lambda: waits_for_nothing(stack), "the delivery")
    assert sorted(engine.lines) == sorted(data.splitlines()[:accepted])
    assert stack.value("import/state") == "failed"


def test_a_writer_waits_for_the_disk_while_events_leave_it(stack, engine, small_disk):
    """32 MB through a disk of 8 MB."""
    data = noise(32_000)
    source = stack.base / "noise"
    source.write_bytes(data)
    assert "delivered 32000\n" in stack.bash(f"cat {source} > import/json && cat import/result")
    assert sorted(engine.lines) == sorted(data.splitlines())


def test_a_writer_that_waits_holds_nobody_up(stack, engine, small_disk):
    engine.open.clear()
    data = noise(32_000)
    source = stack.base / "noise"
    source.write_bytes(data)
    writers = [subprocess.Popen(["bash", "-c", f"exec cat {source} > import/json"], cwd=stack.path) for _ in range(4)]
    until(lambda: sum(p.stat().st_size for p in spool_of(stack).glob("*-*")) > 5_000_000, "a full spool")
    piece = data[:data.index(b"\n", 1_000_000) + 1]
    with open(stack.path / "import/json", "wb", buffering=0, opener=lambda path, flags: os.open(path, flags | os.O_NONBLOCK)) as f:
        until(lambda: f.write(piece) is None, "EAGAIN")
        assert stack.read("import/csv") and stack.bash("echo here > config/x; cat config/x") == "here\n"
        for w in writers:
            w.kill()
            assert w.wait(DEADLINE) == -9
        engine.open.set()
    until(lambda: waits_for_nothing(stack), "the delivery")
    assert set(engine.lines) <= set(data.splitlines())
