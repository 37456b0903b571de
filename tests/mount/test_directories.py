# SPDX-License-Identifier: BSD-3-Clause
"""One configuration directory, one state: locks, links, copies, and mounts that follow each other at once."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest
from conftest import SETTINGS, until
from unmounting import unmount


@pytest.fixture
def mounts(unmounted):
    """Further mounts as daemons, each with its directory; unmounted at the end."""
    paths = []

    def start(name, *args, succeeds=True, **environment):
        path = unmounted.base / name
        path.mkdir(exist_ok=True)
        before = unmounted.env
        unmounted.env = {**before, **environment}
        done = unmounted.run(*args, path)
        unmounted.env = before
        assert (done.returncode == 0) == succeeds, done
        if succeeds:
            paths.append(path)
        return path if succeeds else done.stderr
    yield start
    unmounted.cloud.refuse.set()
    for path in paths:
        subprocess.run(["fusermount3", "-u", "-z", path], check=False, capture_output=True)


def begin(path):
    (path / "config/default.env").write_text(SETTINGS)
    (path / "control/deploy").write_text("1")


def operations(path):
    return sorted(os.listdir(path / "operations"))


def test_two_directories_share_nothing(mounts, unmounted):
    one, two = mounts("one", "--config-dir", "c1"), mounts("two", "--config-dir", "c2")
    default = mounts("three")
    begin(one)
    assert "1" in operations(one)
    for other in (two, default):
        assert "1" not in operations(other) and "1" not in operations(mounts_again(mounts, unmounted, other))
    begin(two)
    assert (two / "operations/1/name").read_text() == "deploy\n"


def mounts_again(mounts, unmounted, path):
    unmount(path)
    number = {"two": "c2", "three": None}[path.name]
    return mounts(path.name, *(["--config-dir", number] if number else []))


@pytest.mark.parametrize("way", ["link", "relative", "dots", "default"])
def test_one_directory_has_one_lock_whatever_leads_to_it(mounts, unmounted, way):
    real = unmounted.base / ("config/vastfs" if way == "default" else "real")
    mounts("one", *([] if way == "default" else ["--config-dir", real]))
    (unmounted.base / "link").symlink_to(real)
    other = {"link": unmounted.base / "link", "relative": "real", "dots": f"{unmounted.base}/config/../real",
             "default": unmounted.base / "link"}[way]
    (unmounted.base / "config").mkdir(exist_ok=True)
    holder = (real / ".lock").read_text().strip()
    stderr = mounts("two", "--config-dir", other, succeeds=False)
    assert f"process {holder} uses {real}" in stderr and "--config-dir" in stderr
    assert Path(f"/proc/{holder}/exe").resolve().name == "vastfs"


def test_the_default_directory_named_by_an_option_is_the_same(mounts, unmounted):
    path = mounts("one")
    begin(path)
    unmount(path)
    assert "1" in operations(mounts("one", "--config-dir", unmounted.base / "config/vastfs"))
    assert (unmounted.base / "state/vastfs/journal.jsonl").exists()


def test_another_default_directory_shares_nothing(mounts, unmounted):
    begin(mounts("one"))
    other = mounts("two", XDG_CONFIG_HOME=str(unmounted.base / "config2"))
    assert "1" not in operations(other)
    unmount(other)


def test_a_renamed_directory_keeps_its_state_and_a_copy_gets_its_own(mounts, unmounted):
    path = mounts("one", "--config-dir", "c1")
    begin(path)
    unmount(path)
    until(lambda: subprocess.run(["flock", "-n", unmounted.base / "c1/.lock", "true"]).returncode == 0, "the end")
    (unmounted.base / "c1").rename(unmounted.base / "c2")
    path = mounts("one", "--config-dir", "c2")
    assert "1" in operations(path)
    shutil.copytree(unmounted.base / "c2", unmounted.base / "copy")
    assert "1" not in operations(mounts("two", "--config-dir", "copy"))
    unmount(path)
    assert "1" in operations(mounts("one", "--config-dir", "c2"))


def test_a_mount_follows_an_unmount_at_once(mounts):
    for _ in range(10):
        unmount(mounts("one"))


def test_also_with_an_operation_in_flight(mounts):
    """Its call is answered by nobody: the old process must not wait for that."""
    path = mounts("one")
    begin(path)
    for _ in range(3):
        unmount(path)
        path = mounts("one")
        assert (path / "operations/1/state").read_text() in ("queued\n", "running\n")


def test_a_mount_follows_a_kill_at_once(mount):
    mount.deploy()
    for _ in range(3):
        mount.process.kill()
        mount.process.wait(10)
        mount.start()
        assert mount.read("operations/1/state") in ("queued\n", "running\n")
