# SPDX-License-Identifier: BSD-3-Clause
"""Whatever reads a waiting file: the cat of each distribution, copying and packing programs, single-threaded viewers."""

import os
import shutil
import subprocess
import sys

import pytest
from conftest import until
from test_programs import needs, uutils

def start(mount, *command):
    return subprocess.Popen(command, cwd=mount.path, env=mount.env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def cats():
    return [("cat",), ("UUTILS",), pytest.param(("busybox", "cat"), marks=needs("busybox")), ("wc", "-c"),
            ("cp",), ("python3", "-c", "import shutil, sys; shutil.copyfile(sys.argv[1], '/dev/null')")]


def command(words, path, target):
    if words == ("UUTILS",):
        words = tuple(uutils("cat").split())
    return (*words, path, target) if words == ("cp",) else (*words, path)


@pytest.mark.parametrize("words", cats())
def test_a_reader_of_a_job_in_flight_waits_and_fails_with_it(mount, words):
    """It gives nothing up while the job is in flight; its end is an error, for the job could not be run."""
    result = mount.deploy()
    reader = start(mount, *command(words, "operations/latest/result", mount.base / "copy"))
    with pytest.raises(subprocess.TimeoutExpired):
        reader.wait(1)
    assert os.stat(result).st_size == 0
    mount.cancel()
    out, err = reader.communicate(timeout=60)
    # uutils 0.0.17 takes an error of read(2) for the end.
    assert words == ("UUTILS",) or reader.returncode != 0 and "nput/output error" in err, (out, err)


@pytest.mark.parametrize("words", [words for words in cats() if words != ("UUTILS",)])
def test_a_reader_of_what_could_not_be_run_fails(mount, words):
    mount.deploy()
    mount.cancel()
    mount.shell("cat operations/latest/result")
    done = start(mount, *command(words, "operations/latest/result", mount.base / "copy"))
    done.communicate(timeout=60)
    assert done.returncode != 0


SPLICE = """import os, sys
os.fstat(0)
pipe = os.pipe()
try:
    if os.splice(0, pipe[1], 65536) == 0:
        sys.exit(0)
except OSError:
    os.read(0, 1)
"""


@pytest.mark.parametrize("shell", ["bash", "dash", "zsh", "fish"])
def test_a_cat_that_splices_from_standard_input_waits(mount, shell):
    """uutils' since 0.1: the shell has opened the file, and the cat asks for its attributes."""
    if not shutil.which(shell):
        pytest.skip(f"{shell} is not installed")
    cat = mount.base / "cat"
    shutil.copy(os.path.realpath(sys.executable), cat)
    (mount.base / "splice.py").write_text(SPLICE)
    result = mount.deploy()
    home = f"env PYTHONHOME={sys.base_prefix} LD_LIBRARY_PATH={sys.base_prefix}/lib"
    reader = start(mount, shell, "-c", f"{home} {cat} {mount.base}/splice.py < operations/latest/result")
    with pytest.raises(subprocess.TimeoutExpired):
        reader.wait(1)
    assert os.stat(result).st_size == 0 and mount.ok("stat -c %s operations/latest/result; wc -c < /dev/null") == "0\n0\n"
    mount.cancel()
    _, err = reader.communicate(timeout=60)
    assert reader.returncode != 0 and "nput/output error" in err


def test_nobody_else_sees_another_size(mount):
    result = mount.deploy()
    reader = start(mount, *command(("UUTILS",), "operations/latest/result", None))
    with pytest.raises(subprocess.TimeoutExpired):
        reader.wait(1)
    for _ in range(3):
        st = os.stat(result)
        assert (st.st_size, st.st_blocks) == (0, 0)
        assert mount.ok("stat -c %s operations/1/result; find operations/1 -name result -size 0 | wc -l") == "0\n1\n"
        with open(result) as f:
            assert os.fstat(f.fileno()).st_size == 0
    mount.cancel()
    reader.communicate(timeout=60)


def fail_operations(mount, count):
    for n in range(1, count + 1):
        mount.ok("touch control/deploy")
        if n == 1:
            mount.cancel()
        assert mount.shell("cat operations/latest/result").returncode != 0
        until(lambda: mount.shell("touch -c control/refresh").returncode == 0, "the next")


PACKERS = ["cp -r operations/1 $HOME/copy", "tar -cf $HOME/x.tar operations/1", "grep -r deploy operations/1",
           pytest.param("zip -qr $HOME/x.zip operations/1", marks=needs("zip")),
           pytest.param("rsync -a operations/1 $HOME/copy", marks=needs("rsync"))]


@pytest.fixture
def two_failed(mount):
    mount.configure()
    mount.cloud.refuse.set()
    fail_operations(mount, 2)
    return mount


@pytest.mark.parametrize("pack", PACKERS)
def test_a_past_operation_is_copied_and_packed(two_failed, pack):
    two_failed.ok(pack)
    assert two_failed.read("operations/1/result") == "" and two_failed.read("operations/1/error")
    assert two_failed.shell("cat operations/latest/result").returncode != 0
    assert two_failed.shell("cat operations/2/result").returncode != 0
