# SPDX-License-Identifier: BSD-3-Clause
"""Each allocation fails once: nobody crashes or hangs, errno is right, and the next try finds everything in order.

The check takes an even sample; pytest --whole takes all.
"""

import errno
import os
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "matrix")]

from allocations import Allocations, last_callers, sampled  # noqa: E402
from cycle import DEADLINE, Cloud, Life, Tree, stack_tests  # noqa: E402

LIBRARY = stack_tests.BUILD / "tests/memory/failing.so"
#: of each phase, in the check
SAMPLE = 25
MINUTE = 90
#: seconds after which what should take a moment has been forgotten
HANGS = MINUTE
#: what an operation may say of it, besides that it succeeded
HONEST = ("out of memory", "Cannot allocate memory", "no memory")


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
    living.allocations = allocations_in(base)
    living.tree.env.update(living.allocations.environment)
    living.mount()
    stack_tests.until(living._in_contact, "the first contact", MINUTE)
    yield living
    living.allocations.fail(0)
    living.end()


def allocations_in(folder):
    """The allocations of processes that get their environment."""
    return Allocations(folder / "allocations", stack_tests.VASTFS, LIBRARY)


def chosen(request, places: dict, sample=SAMPLE) -> dict:
    """A sample of the places, number -> name, or all of them."""
    assert places, "the library sees allocations"
    return sampled(places, len(places) if request.config.getoption("--whole") else sample)


def met_by(life, act) -> dict:
    """The places that an act meets."""
    life.allocations.begin()
    act()
    return life.allocations.met()


def callers(life) -> str:
    """The functions that the last failed allocation came from."""
    return last_callers((life.tree.base / "vastfs.log").read_text(errors="replace"), stack_tests.VASTFS)


def each(request, life, act, sample=SAMPLE):
    """act() with each allocation failing, then once more without; what went wrong."""
    wrong = []
    for number, name in chosen(request, met_by(life, act), sample).items():
        life.allocations.fail(number, name)
        trouble = attempt(act, (errno.ENOMEM, errno.EIO, errno.EINTR))
        life.allocations.fail(0)
        if life.tree.process.poll() is not None:
            return [*wrong, f"{name}: vastfs ended with {life.tree.process.returncode} after {callers(life)}"]
        trouble = trouble or attempt(act, ())
        if trouble:
            wrong.append(f"{name}: {trouble} after {callers(life)}")
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


def mount_with(tree, log_path) -> tuple:
    """Mount and unmount: (exit status, what was said, whether a dead mount stays)."""
    with open(log_path, "w+b") as log:
        process = subprocess.Popen([stack_tests.VASTFS, "-f", tree.path], env=tree.env, stderr=log, stdin=subprocess.DEVNULL)
    stack_tests.until(lambda: process.poll() is not None or os.path.ismount(tree.path), "the mount or the end", DEADLINE)
    if process.poll() is None:
        os.listdir(tree.path)
        subprocess.run(["fusermount3", "-u", "-z", tree.path], check=True)
        process.wait(DEADLINE)
    is_dead = str(tree.path) in Path("/proc/self/mounts").read_text()
    if is_dead:
        subprocess.run(["fusermount3", "-u", "-z", tree.path], check=False, capture_output=True)
    return process.returncode, log_path.read_text(errors="replace"), is_dead


def mounting_trouble(status, said: str, is_dead) -> str:
    """What must not happen if an allocation fails at mount."""
    words = re.findall(r"^(?:vastfs|fuse): *(\w.*)", said, re.M)
    if status < 0 or (status and not words):
        return f"ended with {status} and said {words}"
    return "a dead mount stays behind" if is_dead else ""


def test_mounting(request, cloud, tmp_path):
    """It mounts, or says why not."""
    allocations = allocations_in(tmp_path)
    tree = Tree(cloud, tmp_path, **allocations.environment)
    tree.mount()
    places = allocations.met()
    tree.unmount()
    kept, wrong = {name for name, *_ in allocations.left()}, []
    for number, name in chosen(request, places).items():
        allocations.forget()
        allocations.fail(number, name)
        status, said, is_dead = mount_with(tree, tmp_path / "failed.log")
        allocations.fail(0)
        leaks = {name for name, *_ in allocations.left()} - kept
        trouble = mounting_trouble(status, said, is_dead) or leaks and f"leaks {leaks}"
        if trouble:
            wrong.append(f"{name}: {trouble} after {last_callers(said, stack_tests.VASTFS)}")
    assert not wrong, "\n".join(wrong)


def test_settings(request, life):
    text = life.tree.settings()
    assert not each(request, life, lambda: life.tree.write("config/default.env", text))


def test_looking_at_everything(request, life):
    assert not each(request, life, lambda: read_all(life.tree.path))


def test_deploying(request, life):
    """The job succeeds, or fails with the truth; deploying again succeeds."""
    assert life.run("deploy", "")[0] == "succeeded"
    wrong = []
    for number, name in chosen(request, met_by(life, lambda: life.run("deploy", "")), SAMPLE // 3).items():
        life.allocations.fail(number, name)
        state, notes = life.run("deploy", "")
        life.allocations.fail(0)
        where = callers(life)
        assert life.tree.process.poll() is None, (name, where)
        if state not in ("succeeded", "failed", "refused") or (state != "succeeded" and not any(h in str(notes) for h in HONEST)):
            wrong.append(f"{name}: {state} {notes} after {where}")
        state, notes = life.run("deploy", "")
        if state != "succeeded":
            wrong.append(f"{name}: then {state} {notes} after {where}")
    assert not wrong, "\n".join(wrong)


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


def bring(life):
    """Import two events and wait for the outcome; events that are not delivered are an error."""
    try:
        done = life.tree.bash("printf '{\"a\":1}\\n{\"a\":2}\\n' > import/json && cat import/result", check=False, deadline=HANGS)
    except subprocess.TimeoutExpired:
        raise OSError(errno.ETIMEDOUT, "there is no outcome") from None
    if b"delivered 2\n" not in done.stdout:
        raise OSError(errno.EIO, f"the outcome is {done}")


def test_importing(request, life):
    life.tree.configure(import_command="cat > /dev/null")
    assert life.run("deploy", "")[0] == "succeeded"
    assert not each(request, life, lambda: bring(life), SAMPLE // 3)


def test_files_of_a_deployed_stack(request, life):
    assert not each(request, life, lambda: read_all(life.tree.path))


def test_no_block_is_left_behind(life):
    """What was allocated after the first failure is freed at the end, except what libc keeps for its threads."""
    life.run("destroy", "purge")
    life.tree.unmount()
    leaks = [(name, *failures) for name, *failures in life.allocations.left() if failures[0] and "start" not in name]
    assert not leaks
