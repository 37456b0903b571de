# SPDX-License-Identifier: BSD-3-Clause
"""Each allocation fails once: nobody crashes or hangs, errno is right, and the next try finds everything in order.

The check takes an even sample; pytest --whole takes all.
"""

import errno
import mmap
import os
import re
import struct
import subprocess
import sys
import time
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "matrix"))

from cycle import Cloud, Life, Tree, stack_tests  # noqa: E402

LIBRARY = stack_tests.BUILD / "tests/memory/failing.so"
#: of each phase, in the check
SAMPLE = 25
MINUTE = 90
#: seconds after which what should take a moment has been forgotten
HANGS = MINUTE
#: what an operation may say of it, besides that it succeeded
HONEST = ("out of memory", "Cannot allocate memory", "no memory")


class Allocations:
    """The places at which vastfs allocates, shared with the preloaded library (failing.c has the layout)."""

    WORD = 8
    PLACES = 8192

    def __init__(self, path):
        path.write_bytes(bytes((2 + self.PLACES) * self.WORD))
        self.path = path
        self._file = open(path, "r+b")
        self._map = mmap.mmap(self._file.fileno(), 0)

    def forget(self) -> None:
        """No place was met so far, and none fails."""
        self._map[:] = bytes(len(self._map))

    def places(self) -> list:
        """Met since forget(), in an order that has nothing to do with the program's."""
        return sorted({p for p, in struct.iter_unpack("Q", self._map[2 * self.WORD:]) if p})

    def fail(self, place: int) -> None:
        """The next allocation there fails; 0: none."""
        self._map[:self.WORD] = struct.pack("Q", place)

    def environment(self) -> dict:
        """Of the process that is to fail."""
        return {"LD_PRELOAD": str(LIBRARY), "VASTFS_ALLOCATIONS": str(self.path)}


pytestmark = pytest.mark.skipif("san" in str(stack_tests.BUILD), reason="sanitizers bring their own malloc")


@pytest.fixture(scope="module")
def cloud(tmp_path_factory):
    running = Cloud(tmp_path_factory.mktemp("cloud"))
    yield running
    running.stop()


@pytest.fixture(scope="module")
def life(cloud, tmp_path_factory):
    """A mount whose allocations can fail."""
    base = tmp_path_factory.mktemp("life")
    living = Life(cloud, base / "life", 3)
    living.tree.unmount()
    living.allocations = Allocations(base / "numbers")
    living.tree.env.update(living.allocations.environment())
    living.mount()
    stack_tests.until(living._in_contact, "the first contact", MINUTE)
    yield living
    living.allocations.fail(0)
    living.run("destroy", "purge")
    living.end()


def chosen(request, places, sample=SAMPLE):
    """An even sample of the places, or all of them."""
    assert len(places) > sample, "the library sees allocations"
    return places if request.config.getoption("--whole") else places[::len(places) // sample + 1]


def callers(log: str) -> str:
    """Of the last allocation that failed: functions of vastfs, the innermost first."""
    offsets = re.findall(r"vastfs\(\+(0x[0-9a-f]+)\)", log[log.rfind("an allocation fails:"):])
    done = subprocess.run(["addr2line", "-fse", str(stack_tests.VASTFS), *offsets], capture_output=True, text=True, check=False)
    return " < ".join(done.stdout.splitlines()[0:12:2])


def each(request, life, act, sample=SAMPLE):
    """act() with each allocation failing, then once more without; what went wrong."""
    wrong = []
    life.allocations.forget()
    act()
    for place in chosen(request, life.allocations.places(), sample):
        life.allocations.fail(place)
        trouble = attempt(act, (errno.ENOMEM, errno.EIO, errno.EINTR))
        life.allocations.fail(0)
        where = callers((life.tree.base / "vastfs.log").read_text(errors="replace"))
        if life.tree.process.poll() is not None:
            return [*wrong, f"{place:x}: vastfs ended with {life.tree.process.returncode} after {where}"]
        trouble = trouble or attempt(act, ())
        if trouble:
            wrong.append(f"{place:x}: {trouble} after {where}")
    return wrong


def attempt(act, honest) -> str:
    """Nothing, or the error that must not be."""
    try:
        act()
    except OSError as error:
        return "" if error.errno in honest else str(error)
    return ""


def read_all(path):
    """Every file that can be read without waiting; what is not there is not there."""
    for folder, _, files in os.walk(path):
        for name in files:
            try:
                fd = os.open(os.path.join(folder, name), os.O_RDONLY | os.O_NONBLOCK)
            except (PermissionError, FileNotFoundError):
                continue
            except OSError as error:
                if error.errno in (errno.ENXIO, errno.EAGAIN, errno.EINVAL, errno.EOPNOTSUPP):
                    continue
                raise
            try:
                while os.read(fd, 65536):
                    pass
            except OSError as error:
                # EIO: the result of what failed. EISDIR: what a symbolic link is could not be told.
                if error.errno not in (errno.EAGAIN, errno.EIO, errno.EISDIR):
                    raise
            finally:
                os.close(fd)


def test_mounting(request, cloud, tmp_path):
    """It mounts, or says why not."""
    allocations = Allocations(tmp_path / "numbers")
    tree = Tree(cloud, tmp_path, **allocations.environment())
    tree.mount()
    tree.unmount()
    wrong = []
    for place in chosen(request, allocations.places()):
        allocations.fail(place)
        with open(tmp_path / "failed.log", "w+b") as log:
            process = subprocess.Popen([stack_tests.VASTFS, "-f", tree.path], env=tree.env, stderr=log, stdin=subprocess.DEVNULL)
            end = time.monotonic() + MINUTE
            while process.poll() is None and not os.path.ismount(tree.path):
                assert time.monotonic() < end, f"{place:x}"
                time.sleep(0.01)
            said = (tmp_path / "failed.log").read_text(errors="replace")
            if process.poll() is None:
                os.listdir(tree.path)
                subprocess.run(["fusermount3", "-u", "-z", tree.path], check=True)
                process.wait(MINUTE)
            if str(tree.path) in Path("/proc/self/mounts").read_text():
                subprocess.run(["fusermount3", "-u", "-z", tree.path], check=False, capture_output=True)
                wrong.append(f"{place:x}: a dead mount stays behind after {callers(said)}")
            words = [line for line in said.splitlines() if line.startswith(("vastfs:", "fuse:"))]
            if process.returncode < 0 or (process.returncode and not words):
                wrong.append(f"{place:x}: {process.returncode} after {callers(said)}")
    assert not wrong


def test_settings(request, life):
    text = life.tree.settings()
    assert not each(request, life, lambda: life.tree.write("config/default.env", text))


def test_looking_at_everything(request, life):
    assert not each(request, life, lambda: read_all(life.tree.path))


def test_deploying(request, life):
    """The job succeeds, or fails with the truth; deploying again succeeds."""
    assert life.run("deploy", "")[0] == "succeeded"
    life.allocations.forget()
    life.run("deploy", "")
    wrong = []
    for place in chosen(request, life.allocations.places(), SAMPLE // 3):
        life.allocations.fail(place)
        state, notes = life.run("deploy", "")
        life.allocations.fail(0)
        where = callers((life.tree.base / "vastfs.log").read_text(errors="replace"))
        assert life.tree.process.poll() is None, (f"{place:x}", where)
        if state not in ("succeeded", "failed", "refused") or (state != "succeeded" and not any(h in str(notes) for h in HONEST)):
            wrong.append(f"{place:x}: {state} {notes} after {where}")
        state, notes = life.run("deploy", "")
        if state != "succeeded":
            wrong.append(f"{place:x}: then {state} {notes} after {where}")
    assert not wrong


def ask(life, where):
    """A command that runs elsewhere; a shell that hangs is an error."""
    try:
        life.tree.bash(f"echo true > {where}/query; cat {where}/result", check=False, deadline=HANGS)
    except subprocess.TimeoutExpired:
        raise OSError(errno.ETIMEDOUT, "nobody answers") from None


def test_queries(request, life):
    assert life.run("deploy", "")[0] == "succeeded"

    assert not each(request, life, lambda: ask(life, "lambda"))


def test_exec(request, life):
    assert life.run("deploy", "")[0] == "succeeded"
    assert life.run("run-task", "")[0] == "succeeded"
    stack_tests.until((life.tree.path / "tasks/default").exists, "the server", MINUTE)
    assert not each(request, life, lambda: ask(life, "tasks/default/exec"), SAMPLE // 3)


def test_files_of_a_deployed_stack(request, life):
    assert not each(request, life, lambda: read_all(life.tree.path))
