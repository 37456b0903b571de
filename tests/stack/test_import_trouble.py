# SPDX-License-Identifier: BSD-3-Clause
"""Imports while something around them is wrong: keys, stacks, functions, disks, the writers themselves. Nothing that was
accepted is lost, and `progress` or `error` says what to do."""

import contextlib
import errno
import itertools
import json
import os
import re
import shutil
import signal
import subprocess
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from conftest import DEADLINE, Tree, until

pytestmark = pytest.mark.usefixtures("fresh_engine")

_serial = itertools.count()


def events(n):
    return [json.dumps({"serial": next(_serial)}).encode() for _ in range(n)]


def put(stack, lines, kind="json"):
    """Imports the lines without waiting for their delivery; the number of the import."""
    before = set(os.listdir(stack.path / "import/history"))
    with open(stack.path / "import" / kind, "wb", buffering=0) as f:
        f.write(b"\n".join(lines) + b"\n")
    number, = set(os.listdir(stack.path / "import/history")) - before
    return number


def result_of(stack, number):
    return dict(line.split(" ", 1) for line in stack.bash(f"cat import/history/{number}/result").splitlines())


def waits_because(stack, number, words):
    path = f"import/history/{number}/progress"
    until(lambda: words in stack.read(path), f"'{words}' in {stack.read(path)}")


def spool_of(stack):
    return next(p for p in (stack.base / "state").rglob("spool"))


def remount(stack):
    stack.process = None
    stack.mount()
    until(lambda: "unknown" not in stack.read("status"), "the first contact")


def same_stack(cloud, stack, base, **environment):
    """Another machine with the same settings."""
    base.mkdir(exist_ok=True)
    other = Tree(cloud, base, **environment)
    other.number, other.stage, other.name = stack.number, stack.stage, stack.name
    return other


@contextlib.contextmanager
def settings(stack, text):
    """Other settings for a while."""
    before = stack.read("config/default.env")
    keys = {line.partition("=")[0] for line in text.splitlines()}
    stack.write("config/default.env", "".join(line for line in before.splitlines(True) if line.partition("=")[0] not in keys) + text)
    try:
        yield
    finally:
        stack.write("config/default.env", before)


# -- keys ----------------------------------------------------------------------------------------------------------


def session_keys(cloud, seconds):
    account = cloud.boto("sts").get_caller_identity()["Account"]
    trust = {"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"AWS": f"arn:aws:iam::{account}:root"}}]}
    iam = cloud.boto("iam")
    with contextlib.suppress(iam.exceptions.EntityAlreadyExistsException):
        iam.create_role(RoleName="importer", AssumeRolePolicyDocument=json.dumps(trust))
        iam.attach_role_policy(RoleName="importer", PolicyArn="arn:aws:iam::aws:policy/AdministratorAccess")
    keys = cloud.boto("sts").assume_role(RoleArn=f"arn:aws:iam::{account}:role/importer", RoleSessionName="importer",
                                         DurationSeconds=seconds)["Credentials"]
    return (f"[default]\naws_access_key_id={keys['AccessKeyId']}\naws_secret_access_key={keys['SecretAccessKey']}\n"
            f"aws_session_token={keys['SessionToken']}\n")


@pytest.fixture
def with_keys(cloud, stack, engine, tmp_path):
    """A mount whose keys are in a file and last 15 minutes, and what puts keys into it that last an hour."""
    other = same_stack(cloud, stack, tmp_path)
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        del other.env[name]
    file = other.base / ".aws/credentials"
    file.parent.mkdir()
    file.write_text(session_keys(cloud, 900))
    new = session_keys(cloud, 3600)
    other.mount().configure(import_command=engine.command)
    yield other, lambda: file.write_text(new)
    cloud.control("POST", "clock", {"skew": 0})
    other.unmount()


def test_events_wait_for_new_keys(cloud, engine, with_keys):
    """The keys expire while the mount runs: the clock of the cloud jumps by half an hour."""
    other, renew = with_keys
    cloud.control("POST", "clock", {"skew": 1800})
    lines = events(5)
    number = put(other, lines)
    waits_because(other, number, "expired")
    waits_because(other, number, "put new ones into their source and run: touch control/refresh")
    assert other.value(f"import/history/{number}/state") in ("queued", "running") and not engine.lines
    other.kill()
    other.mount()
    waits_because(other, number, "expired")
    renew()
    other.bash("touch control/refresh")
    assert result_of(other, number)["delivered"] == "5"
    assert engine.lines == lines and not list(spool_of(other).glob("*-*"))


# -- stacks and functions ------------------------------------------------------------------------------------------


def test_events_wait_for_a_new_stack(stack, engine):
    stack.operate("stop-all-tasks")
    lines = events(5)
    number = put(stack, lines)
    stack.operate("destroy")
    waits_because(stack, number, "the stack is not deployed: touch control/deploy")
    stack.kill()
    remount(stack)
    waits_because(stack, number, "the stack is not deployed: touch control/deploy")
    stack.operate("deploy")
    waits_because(stack, number, "no server is running: touch control/run-task")
    stack.operate("run-task")
    assert result_of(stack, number)["delivered"] == "5"
    assert engine.lines == lines


def test_events_of_another_stage_say_where_they_belong(stack, engine):
    stack.operate("stop-all-tasks")
    lines = events(5)
    number = put(stack, lines)
    with settings(stack, "stage=elsewhere\n"):
        waits_because(stack, number, f"the events are for {stack.name} in eu-west-1: write stage={stack.stage} to config/default.env")
    stack.operate("run-task")
    assert result_of(stack, number)["delivered"] == "5"
    assert engine.lines == lines


def test_an_image_without_the_engine(stack, engine):
    lines = events(3)
    with settings(stack, "import_command=vast-of-old import $format\n"):
        number = put(stack, lines)
        result = result_of(stack, number)
    assert (result["delivered"], result["rejected"]) == ("0", "3")
    assert stack.value(f"import/history/{number}/exit_code") == "127"
    error = stack.read(f"import/history/{number}/error")
    assert "exit status 127: /bin/sh: vast-of-old: not found" in error
    assert "remedy: set import_command" in error and f"touch import/history/{number}/retry" in error
    assert stack.read(f"import/history/{number}/rejected").encode() == b"\n".join(lines) + b"\n"
    stack.bash(f"touch import/history/{number}/retry")
    until(lambda: engine.lines == lines, "the delivery")


class OldFunction(BaseHTTPRequestHandler):
    """What a function answers whose runtime ignores stdin."""
    invocations = []

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.invocations.append(body)
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b'{"v":1,"exit_code":0,"stdout":"","stderr":""}')

    def log_message(self, *_):
        pass


def test_a_runtime_that_ignores_the_events(cloud, stack, engine, tmp_path):
    """Its command succeeds without having read anything, so nothing was delivered."""
    with ThreadingHTTPServer(("127.0.0.1", 0), OldFunction) as old:
        threading.Thread(target=old.serve_forever, daemon=True).start()
        other = same_stack(cloud, stack, tmp_path, AWS_ENDPOINT_URL_LAMBDA=f"http://127.0.0.1:{old.server_port}").mount()
        other.configure(import_command=engine.command)
        lines = events(4)
        number = put(other, lines)
        waits_because(other, number, "an older vastfs deployed the function: touch control/deploy")
        assert OldFunction.invocations and not engine.lines
        other.unmount()
        old.shutdown()
    del other.env["AWS_ENDPOINT_URL_LAMBDA"]
    remount(other)
    result = result_of(other, number)
    assert result["delivered"] == "4" and engine.lines == lines
    other.unmount()


# -- writers -------------------------------------------------------------------------------------------------------


@pytest.fixture
def small_disk(stack):
    """The spool on a disk of 4 MB of its own."""
    spool = spool_of(stack)
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4m", "vastfs-test", spool], capture_output=True).returncode != 0:
        pytest.skip("needs the right to mount")
    yield spool
    until(lambda: subprocess.run(["umount", spool], capture_output=True).returncode == 0, "the unmount of the small disk")


@pytest.fixture
def full_disk(stack, engine, small_disk):
    """The small disk is full while an invocation is in flight, so writers wait."""
    engine.open.clear()
    data = b"".join(b'{"n":"%s"}\n' % os.urandom(500).hex().encode() for _ in range(8000))
    (stack.base / "noise").write_bytes(data)
    writer = subprocess.Popen(["bash", "-c", f"exec cat {stack.base}/noise > import/json"], cwd=stack.path)
    free = lambda: os.statvfs(small_disk).f_bavail / os.statvfs(small_disk).f_blocks
    until(lambda: free() < 0.16, "a full disk")
    yield writer
    engine.open.set()
    writer.kill()
    writer.wait(DEADLINE)
    until(lambda: "import idle" in stack.read("status"), "the delivery")


CLOSE = """
import os, signal, sys
signal.signal(signal.SIGINT, lambda *_: print("interrupted", flush=True))
fd = os.open("import/syslog", os.O_WRONLY)
os.write(fd, b"a line of a writer that waits\\n" * 30_000)
print("closing", flush=True)
try:
    os.close(fd)
except OSError as e:
    print(e.errno, flush=True)
"""


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL])
def test_a_close_that_waits_can_be_interrupted(stack, engine, full_disk, how):
    """What was written is in the import, though it was not accepted yet."""
    before = set(os.listdir(stack.path / "import/history"))
    writer = subprocess.Popen(["python3", "-c", CLOSE], cwd=stack.path, stdout=subprocess.PIPE, text=True)
    assert writer.stdout.readline() == "closing\n"
    number, = set(os.listdir(stack.path / "import/history")) - before
    until(lambda: "wait_answer" in open(f"/proc/{writer.pid}/wchan").read() or writer.poll() is not None, "the wait in close")
    assert writer.poll() is None
    writer.send_signal(how)
    output = writer.communicate(timeout=DEADLINE)[0]
    assert output in ("", f"interrupted\n{errno.EINTR}\n", f"{errno.EINTR}\ninterrupted\n")
    assert stack.value(f"import/history/{number}/state") == "queued"
    engine.open.set()
    result = result_of(stack, number)
    assert (result["events"], result["delivered"]) == ("30000", "30000")


def test_a_writer_that_does_not_wait(stack, engine, full_disk):
    """O_NONBLOCK is EAGAIN, whole pieces or nothing, also if it is set later."""
    with open(stack.path / "import/syslog", "wb", buffering=0) as f:
        os.set_blocking(f.fileno(), False)
        number = 0
        piece = b"x" * 99_999 + b"\n"
        while (written := f.write(piece)) is not None:  # None: EAGAIN
            assert written == len(piece)
            number += 1
        assert 0 < number < 100
        last = max(os.listdir(stack.path / "import/history"), key=int)
        engine.open.set()
        os.set_blocking(f.fileno(), True)
        assert f.write(piece) == len(piece)
        os.fsync(f.fileno())
    assert result_of(stack, last)["delivered"] == str(number + 1)


# -- the spool -----------------------------------------------------------------------------------------------------


def mount_again(disk, how):
    until(lambda: subprocess.run(["mount", "-o", f"remount,{how}", disk], capture_output=True).returncode == 0, "the remount")


def test_a_spool_that_becomes_read_only(stack, engine, small_disk):
    """Batches wait without a storm of attempts."""
    stack.operate("stop-all-tasks")
    lines = events(3)
    number = put(stack, lines)
    mount_again(small_disk, "ro")
    stack.operate("run-task")
    waits_because(stack, number, "cannot rename a file of the spool")
    with pytest.raises(OSError) as refused:
        put(stack, events(1))
    assert refused.value.errno == errno.EROFS
    until(lambda: stack.read(f"import/history/{number}/import.log").count("Read-only") > 2, "more attempts")
    assert not engine.lines
    mount_again(small_disk, "rw")
    assert result_of(stack, number)["delivered"] == "3"
    assert engine.lines == lines
    assert stack.read(f"import/history/{number}/import.log").count("Read-only") < 60


def test_a_rejection_that_cannot_be_stored(stack, engine, small_disk):
    """It is not sent again and again; the next mount sends it once more."""
    engine.open.clear()
    engine.judge = lambda kind, data: (3, "bad")
    lines = events(3)
    number = put(stack, lines)
    until(lambda: list(small_disk.glob("*.sent")), "the sending")
    mount_again(small_disk, "ro")
    engine.open.set()
    assert result_of(stack, number)["rejected"] == "3"
    assert "the next mount will send it again" in stack.read(f"import/history/{number}/import.log")
    assert stack.read(f"import/history/{number}/rejected").encode() == b"\n".join(lines) + b"\n"
    assert len(engine.attempts) == 1
    mount_again(small_disk, "rw")
    engine.judge = lambda kind, data: (0, "")
    stack.unmount()
    remount(stack)
    assert result_of(stack, number)["delivered"] == "3"


def test_a_spool_that_is_removed_while_events_wait(stack, engine):
    stack.operate("stop-all-tasks")
    gone = put(stack, events(3))
    shutil.rmtree(spool_of(stack))
    lines = events(3)
    number = put(stack, lines)
    stack.operate("run-task")
    assert result_of(stack, number)["delivered"] == "3"
    assert result_of(stack, gone)["rejected"] == "3"
    assert "batch 1 with 3 events is lost: another program removed" in stack.read(f"import/history/{gone}/error")
    assert engine.lines == lines


# -- formats without units -----------------------------------------------------------------------------------------


def test_a_whole_format_may_have_4500000_bytes(stack, engine):
    """Also bytes that gzip cannot compress; one more is refused, and no part of it is delivered."""
    data = os.urandom(4_400_000)
    with open(stack.path / "import/parquet", "wb", buffering=0) as f:
        for at in range(0, len(data), 100_000):
            f.write(data[at:at + 100_000])
    assert stack.bash("cat import/result").startswith("events 0\ndelivered 0\n")
    assert stack.value("import/state") == "succeeded", stack.read("import/error")
    assert engine.batches == [("parquet", data)]
    with pytest.raises(OSError) as refused:
        with open(stack.path / "import/parquet", "wb", buffering=0) as f:
            f.write(data[:1_000_000])
            os.fsync(f.fileno())
            f.write(data)
            os.fsync(f.fileno())
    assert refused.value.errno == errno.EFBIG
    until(lambda: stack.value("import/state") == "failed", "the end")
    error = stack.read("import/error")
    assert "one batch of at most 4.5 MB after compression" in error and "no part of it was accepted" in error
    assert re.search("remedy: split the data", error)
    assert len(engine.batches) == 1 and not list(spool_of(stack).glob("*-*"))
