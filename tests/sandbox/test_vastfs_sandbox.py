# SPDX-License-Identifier: BSD-3-Clause
"""vastfs-sandbox with the real vastfs: it starts and ends all processes."""

import os
import re
import signal
import subprocess
from pathlib import Path

import pytest
from conftest import ROOT, until
from run_support import alive
from unmounting import unmount

LAUNCHER = ROOT / "contrib/sandbox/vastfs-sandbox"


class Launched:
    """A mount made by vastfs-sandbox, and its processes."""

    def __init__(self, directory: Path, *options, **environment):
        self.mountpoint = directory / "a mount"
        self.mountpoint.mkdir()
        scratch = directory / "tmp"
        scratch.mkdir()
        self.scratch = scratch
        self.environment = {**os.environ, "TMPDIR": str(scratch), **environment}
        self.options = options
        self.start()

    def start(self) -> None:
        self.process = subprocess.Popen(
            [LAUNCHER, "--time-scale", "0", "--without-engine", *self.options]
            + [str(self.mountpoint)],
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def pids(self) -> list:
        """All processes with this sandbox's directory in their command line."""
        found = []
        for path in Path("/proc").glob("[0-9]*/cmdline"):
            try:
                words = path.read_bytes()
            except OSError:
                continue
            if bytes(self.scratch) in words or bytes(self.mountpoint) in words:
                found.append(int(path.parts[2]))
        return found

    def vastfs(self) -> int:
        (pid,) = [
            pid
            for pid in self.pids()
            if Path(f"/proc/{pid}/exe").resolve().name == "vastfs"
        ]
        return pid

    def is_mounted(self) -> bool:
        path = str(self.mountpoint).replace(" ", "\\040")
        return f" {path} " in Path("/proc/self/mountinfo").read_text()

    def unmount(self) -> None:
        unmount(self.mountpoint)

    def is_gone(self) -> bool:
        left = [pid for pid in self.pids() if alive(pid)]
        return not (left or list(self.scratch.iterdir()) or self.is_mounted())


def readable(mountpoint: Path) -> bool:
    try:
        return bool(os.listdir(mountpoint))
    except OSError:
        return False


@pytest.fixture
def launch(tmp_path):
    made = []

    def start(*options, **environment):
        made.append(Launched(tmp_path, *options, **environment))
        return made[-1]

    yield start
    for launched in made:
        command = ["fusermount3", "-u", "-z", "-q", str(launched.mountpoint)]
        subprocess.run(command, check=False)
        until(launched.is_gone, 60)


def test_a_mount_and_its_end(launch):
    launched = launch(AWS_PROFILE="none", AWS_SESSION_TOKEN="x", http_proxy="http://x")
    out, err = launched.process.communicate(timeout=60)
    assert launched.process.returncode == 0, err
    assert re.search(r"^export AWS_ENDPOINT_URL=http://127\.0\.0\.1:\d+ AWS_", out, re.M)
    settings = (launched.mountpoint / "config/default.env").read_text()
    assert "vpc_id=vpc-0123456789abcdef0\n" in settings
    environment = Path(f"/proc/{launched.vastfs()}/environ").read_text()
    assert "AWS_ENDPOINT_URL=http://127.0.0.1:" in environment
    assert "\0VASTFS_REGISTRY_MIRROR=http://127.0.0.1:" in environment
    for name in ("AWS_PROFILE=", "AWS_SESSION_TOKEN=", "http_proxy="):
        assert f"\0{name}" not in environment
    launched.unmount()
    until(launched.is_gone, 60)


def test_nothing_outlives_a_killed_vastfs(launch):
    launched = launch("--print-env")
    out, err = launched.process.communicate(timeout=60)
    assert launched.process.returncode == 0, err
    assert out.startswith("export ") and out.count("\n") == 1
    os.kill(launched.vastfs(), signal.SIGKILL)
    until(launched.is_gone, 60)


def test_a_kept_sandbox_mounts_a_killed_vastfs_again(launch):
    launched = launch("--keep")
    first, err = launched.process.communicate(timeout=60)
    assert launched.process.returncode == 0, err
    with open(launched.mountpoint / "config/default.env", "a", encoding="utf-8") as f:
        f.write("stage=kept\n")
    for _ in range(2):
        os.kill(launched.vastfs(), signal.SIGKILL)
        until(lambda: not readable(launched.mountpoint), 60)
        launched.start()
        again, err = launched.process.communicate(timeout=60)
        assert launched.process.returncode == 0, err
        assert again == first
        assert "stage=kept" in (launched.mountpoint / "config/default.env").read_text()
    launched.unmount()
    until(launched.is_gone, 60)


def test_a_kept_sandbox_ends_when_its_dead_mount_is_unmounted(launch):
    launched = launch("--keep")
    launched.process.communicate(timeout=60)
    os.kill(launched.vastfs(), signal.SIGKILL)
    until(lambda: not readable(launched.mountpoint), 60)
    assert launched.is_mounted()
    launched.unmount()
    until(launched.is_gone, 60)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_the_foreground(launch, number):
    launched = launch("-f")
    assert "mounted" in launched.process.stdout.readline()
    assert launched.is_mounted()
    launched.process.send_signal(number)
    launched.process.communicate(timeout=60)
    assert launched.is_gone()


def test_a_killed_launcher_leaves_a_whole_sandbox(launch):
    launched = launch("-f")
    assert "mounted" in launched.process.stdout.readline()
    launched.process.kill()
    launched.process.wait()
    assert (launched.mountpoint / "status").read_text()
    launched.unmount()
    until(launched.is_gone, 60)


def test_a_launcher_killed_too_early_leaves_nothing(launch):
    launched = launch()
    until(lambda: list(launched.scratch.iterdir()))
    launched.process.kill()
    launched.process.wait()
    until(launched.is_gone, 60)


def test_a_failing_vastfs(launch, tmp_path):
    program = tmp_path / "vastfs"
    program.write_text("#!/bin/sh\nexit 3\n")
    program.chmod(0o755)
    launched = launch(VASTFS=str(program))
    launched.process.communicate(timeout=60)
    assert launched.process.returncode == 3
    assert launched.is_gone()


def run(*arguments, **environment):
    environment = {**os.environ, **environment}
    return subprocess.run(
        [LAUNCHER, *arguments], env=environment, capture_output=True, text=True
    )


def test_what_is_missing_is_named(tmp_path):
    reply = run(str(tmp_path), XDG_CACHE_HOME=str(tmp_path))
    assert reply.returncode == 1 and "contrib/setup sandbox" in reply.stderr
    python = tmp_path / "vastfs/venv/bin/python"
    python.parent.mkdir(parents=True)
    python.touch()
    reply = run(str(tmp_path), XDG_CACHE_HOME=str(tmp_path))
    assert "--without-engine" in reply.stderr and "contrib/setup" in reply.stderr
    reply = run("--without-engine", str(tmp_path / "none"))
    assert reply.returncode == 1 and "is not a directory" in reply.stderr
