# SPDX-License-Identifier: BSD-3-Clause
"""`serve`: the command as process 1 of a container, with the lock held and watched."""

import fcntl
import os
import pathlib
import signal
import subprocess
import sys
import time

import pytest

from conftest import until
from runtime_api import PATIENCE

#: prints what it can write, cannot be traced, and uses processor time
UNTRACEABLE = """
import ctypes, os
ctypes.CDLL(None).prctl(4, 0, 0, 0, 0)  # PR_SET_DUMPABLE
print("begin", flush=True)
while True:
    try:
        with open("data", "a") as file:
            file.write("x")
    except OSError as error:
        print("refused:", error.strerror, flush=True)
"""


class Server:
    """A container. It prints into a pipe, as on AWS, which ends in a file."""

    def __init__(self, command, log):
        self.path = log
        with open(log, "wb") as file:
            self.copy = subprocess.Popen(["cat"], stdin=subprocess.PIPE, stdout=file)
        with self.copy.stdin as output:
            self.process = subprocess.Popen(command, stdout=output, stderr=output, stdin=subprocess.DEVNULL)

    @property
    def log(self):
        return self.path.read_text()

    def until_logged(self, text):
        until(lambda: text in self.log or self.process.poll() is not None, f"the log has {text!r}")
        assert text in self.log

    def first(self):
        """The process that is number 1 inside."""
        pid = self.process.pid
        until(lambda: children(pid), "bubblewrap has a child")
        return int(children(pid)[0])

    def kill(self):
        """As the host that loses its power: nobody is told."""
        os.kill(self.first(), signal.SIGKILL)
        self.exit_code()

    def exit_code(self):
        code = self.process.wait(PATIENCE)
        self.copy.wait(PATIENCE)
        return code


def children(pid):
    try:
        return pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except OSError:
        return []


@pytest.fixture
def lock(tmp_path):
    return tmp_path / "lock"


@pytest.fixture
def container(cell, binary, tmp_path):
    """A function that gives the arguments of a container in which the program is process 1."""

    def container(*arguments, mounts=(), root=("--ro-bind", "/", "/"), program=None):
        mounts = [*root, "--bind", str(tmp_path), str(tmp_path), *mounts]
        return [*cell("--as-pid-1", *mounts, "--chdir", str(tmp_path)), program or binary, *arguments]

    return container


@pytest.fixture
def serve(container, lock, tmp_path):
    """A function that starts a container with a command; each has a log of its own."""
    started = []

    def serve(command, *options, **more):
        options = options or (f"--lock={lock}",)
        log = tmp_path / f"log{len(started)}"
        started.append(Server(container("serve", *options, "--", command, **more), log))
        return started[-1]

    yield serve
    for server in started:
        server.process.kill()
        server.exit_code()
        for bad in ("Sanitizer", "runtime error:"):
            assert bad not in server.log, server.log


def is_free(lock):
    with open(lock, "rb+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
        except BlockingIOError:
            return False


def test_the_command_is_process_1_and_has_its_variables(serve, lock):
    server = serve("C='3 4' exec sh -c 'echo \"$$ $A $B $C $D.\"; exit 7'", f"--lock={lock}", "--environment=A=1,B=x=y z,D=")
    assert server.exit_code() == 7
    assert server.log == "1 1 x=y z 3 4 .\n"


def test_variables_of_the_image_are_replaced(serve):
    assert serve("exec sh -c 'echo $HOME'", "--environment=HOME=/x").exit_code() == 0
    assert serve("exec sh -c 'echo \"$HOME\"'", "--environment=").exit_code() == 0


def test_ignored_signals_and_descriptors_are_as_before(serve):
    server = serve("exec sh -c 'grep -E \"Sig(Blk|Ign|Cgt)\" /proc/self/status'")
    assert server.exit_code() == 0
    masks = {line.split()[0]: int(line.split()[1], 16) for line in server.log.splitlines()}
    assert masks["SigBlk:"] == 0 and not masks["SigIgn:"] & 1 << signal.SIGTERM - 1


def test_the_second_waits_until_the_first_is_gone(serve, lock):
    first = serve("echo one; exec sleep 1000")
    first.until_logged("one")
    assert not is_free(lock)
    second = serve("echo two; exec sleep 1000")
    second.until_logged(f"waiting for the lock on {lock}, held by another server: {os.uname().nodename} since ")
    second.until_logged("(10 s so far)")
    assert "two" not in second.log
    first.kill()
    begin = time.monotonic()
    second.until_logged("two")
    assert time.monotonic() - begin < 2 + PATIENCE / 10


def test_a_lock_that_a_killed_server_left_is_free(serve, lock):
    first = serve("echo one; exec sleep 1000")
    first.until_logged("one")
    first.kill()
    assert lock.stat().st_size > 0
    again = serve("exec echo again")
    assert again.exit_code() == 0
    assert again.log == "again\n"


def test_a_lock_is_free_when_the_server_has_ended(binary, lock):
    """Without a container, too: the child that watches goes with the server."""
    for _ in range(3):
        done = subprocess.run([binary, "serve", f"--lock={lock}", "--", "exec true"], timeout=PATIENCE, capture_output=True, check=False)
        assert (done.returncode, done.stderr) == (0, b"")
        until(lambda: is_free(lock), "the lock is free")


def test_only_one_runs_at_a_time(serve, tmp_path):
    servers = [serve("mkdir busy && sleep 0.1 && rmdir busy && exec echo done") for _ in range(12)]
    assert [server.exit_code() for server in servers] == [0] * len(servers)
    assert all("done" in server.log for server in servers)


def test_a_file_that_is_replaced_while_one_waits(serve, lock, tmp_path):
    first = serve("echo one; exec sleep 1000")
    first.until_logged("one")
    second = serve("echo two; exec sleep 1000")
    second.until_logged("waiting")
    (tmp_path / "new").touch()
    os.rename(tmp_path / "new", lock)
    assert first.exit_code() == 128 + signal.SIGKILL
    second.until_logged("two")
    assert not is_free(lock), "it holds the file that is there now"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_stop_while_it_waits_is_obeyed_at_once(serve, number):
    first = serve("echo one; exec sleep 1000")
    first.until_logged("one")
    second = serve("echo two; exec sleep 1000")
    second.until_logged("waiting")
    begin = time.monotonic()
    os.kill(second.first(), number)
    assert second.exit_code() == 128 + number
    assert time.monotonic() - begin < 1 + PATIENCE / 10
    assert f"stopped by signal {int(number)}" in second.log and "two" not in second.log


def test_the_lock_stays_when_the_server_closes_its_descriptors(serve, lock):
    server = serve(f"exec {sys.executable} -c 'import os, time; os.closerange(3, 1000); print(1, flush=True); time.sleep(1000)'")
    server.until_logged("1")
    assert not is_free(lock)


def test_the_lock_stays_when_the_watcher_is_killed(serve, lock):
    server = serve("echo begin; exec sleep 1000")
    server.until_logged("begin")
    (watcher,) = children(server.first())
    os.kill(int(watcher), signal.SIGKILL)
    until(lambda: "Z" in pathlib.Path(f"/proc/{watcher}/stat").read_text().rpartition(")")[2], "it is dead")
    assert not is_free(lock)


LOSSES = {
    "removed": lambda lock: lock.unlink(),
    "replaced": lambda lock: (lock.with_name("new").touch(), os.rename(lock.with_name("new"), lock)),
    "directory moved": lambda lock: os.rename(lock.parent, lock.parent.with_name("moved")),
}


@pytest.mark.parametrize("how", LOSSES)
def test_a_server_that_lost_its_lock_is_killed_without_a_word(serve, tmp_path, how):
    (tmp_path / "data").mkdir()
    lock = tmp_path / "data/lock"
    server = serve("trap 'echo ended > written' TERM EXIT; echo begin; while :; do sleep 0.1; done", f"--lock={lock}")
    server.until_logged("begin")
    LOSSES[how](lock)
    assert server.exit_code() == 128 + signal.SIGKILL
    assert f"the lock on {lock} is lost (the file was removed or replaced)" in server.log
    assert not (tmp_path / "written").exists(), "it must not write its state into a database of another server"


def test_a_server_that_cannot_be_traced_writes_nothing_more(serve, lock, tmp_path):
    (tmp_path / "server.py").write_text(UNTRACEABLE)
    server = serve(f"exec {sys.executable} server.py")
    server.until_logged("begin")
    lock.unlink()
    assert server.exit_code() == 128 + signal.SIGKILL
    assert "the server cannot be killed" in server.log and "refused: File too large" in server.log
    assert "begin" not in server.log.split("refused", 1)[1]


def test_without_a_lock_nothing_watches(serve):
    server = serve("exec sh -c 'ls /proc | grep -c \"^[0-9]*$\"'", "--environment=A=1")
    assert server.exit_code() == 0
    assert int(server.log) <= 3  # sh, ls, grep


def test_read_only_file_system(serve, tmp_path):
    (tmp_path / "data").mkdir()
    (tmp_path / "data/lock").touch()
    mounts = ("--ro-bind", str(tmp_path / "data"), "/mnt")
    server = serve("exec echo no", "--lock=/mnt/lock", mounts=mounts)
    assert server.exit_code() == 125
    assert "/mnt/lock: the file system is read-only" in server.log


@pytest.mark.parametrize("before", [":", ": > /mnt/lock"])
def test_full_file_system(container, binary, tmp_path, before):
    script = f"{before}; head -c 100000 /dev/zero > /mnt/fill 2>/dev/null; exec {binary} serve --lock=/mnt/lock -- 'exec echo yes'"
    command = container("-c", script, program="/bin/sh", mounts=("--size", "8192", "--tmpfs", "/mnt"))
    done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, check=False)
    assert (done.returncode, done.stdout) == (0, "yes\n"), done.stderr


def test_directory_that_is_not_there(serve):
    server = serve("exec echo no", "--lock=/nowhere/lock")
    assert server.exit_code() == 125
    assert "/nowhere/lock: its directory does not exist in this container" in server.log


def test_directory_that_may_not_be_written(serve, tmp_path):
    (tmp_path / "data").mkdir(mode=0o555)
    server = serve("exec echo no", f"--lock={tmp_path}/data/lock")
    assert server.exit_code() == 125
    assert "Permission denied" in server.log and "as user" in server.log


def test_lock_that_is_a_directory(serve, tmp_path):
    (tmp_path / "data").mkdir()
    server = serve("exec echo no", f"--lock={tmp_path}/data")
    assert server.exit_code() == 125
    assert f"cannot lock {tmp_path}/data: " in server.log


def test_image_without_a_shell(serve, binary, tmp_path):
    if "asan" in os.path.basename(binary):
        pytest.skip("it is not linked statically")
    root = ("--ro-bind", os.path.dirname(os.path.realpath(binary)), os.path.dirname(os.path.abspath(binary)))
    server = serve("exec echo no", root=root)
    assert server.exit_code() == 127
    assert "the image has no /bin/sh, which runs vast_command" in server.log
    (tmp_path / "sh").write_text("not a program")
    server = serve("exec echo no", root=(*root, "--ro-bind", str(tmp_path / "sh"), "/bin/sh"))
    assert server.exit_code() == 126
    assert "cannot execute /bin/sh, which runs vast_command: Permission denied" in server.log


def test_command_that_is_not_there(serve):
    server = serve("exec nonesuch start")
    assert server.exit_code() == 127
    assert "nonesuch" in server.log


@pytest.mark.parametrize("arguments", [[], ["--"], ["--", ""], ["--", "a", "b"], ["--what=1", "--", "true"], ["true"],
                                       ["--environment=A", "--", "true"], ["--environment==1", "--", "true"]])
def test_wrong_arguments(binary, arguments):
    done = subprocess.run([binary, "serve", *arguments], capture_output=True, text=True, timeout=PATIENCE, check=False)
    assert done.returncode == 125
    assert done.stdout == "" and done.stderr.startswith("vast-launcher: serve: ")


def test_it_adds_at_most_20_ms_to_a_start(binary, lock):
    if "asan" in os.path.basename(binary):
        pytest.skip("sanitizers take their time")

    def fastest(command):
        times = []
        for _ in range(20):
            begin = time.monotonic()
            subprocess.run(command, check=True)
            times.append(time.monotonic() - begin)
        return min(times)

    # without a lock that the next start would wait for
    launcher = ["/bin/sh", "-c", f"rm -f {lock}; exec {binary} serve --environment=A=1 --lock={lock} -- 'exec true'"]
    shell = ["/bin/sh", "-c", f"rm -f {lock}; exec /bin/sh -c 'exec true'"]
    until(lambda: fastest(launcher) - fastest(shell) < 0.02, "it adds little")
