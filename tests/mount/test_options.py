# SPDX-License-Identifier: BSD-3-Clause
"""Mounted like any file system: options as mount(8), fstab and desktops give them."""

import os
import re
import stat
import subprocess

import pytest
from conftest import DEADLINE, VASTFS, until
from unmounting import unmount

MOUNT_FUSE = "/sbin/mount.fuse3"
FSTAB = "rw,dev,suid,user,noauto,nofail,_netdev,x-systemd.automount,x-gvfs-show,comment=hello,relatime"


def entry(path):
    """What the list of mounts has about it: name, type and options."""
    for line in open("/proc/self/mountinfo", encoding="utf-8"):
        fields, _, rest = line.partition(" - ")
        if fields.split()[4] == str(path):
            return rest.split()
    return None


@pytest.fixture
def mounted(unmounted):
    """Mounts with the arguments; what the program said."""

    def run(*args):
        done = unmounted.run(*args)
        assert done.returncode == 0, done
        return unmounted
    yield run
    if os.path.ismount(unmounted.path):
        unmount(unmounted.path)


def test_fstab_gives_source_and_options_of_others(unmounted, mounted):
    mounted("prod", unmounted.path, "-o", FSTAB)
    assert entry(unmounted.path)[:2] == ["fuse.vastfs", "prod"]


@pytest.mark.parametrize("source", ["a,b", "a\\b", "a b"])
def test_any_source(unmounted, mounted, source):
    mounted(source, unmounted.path)
    name = re.sub(r"\\([0-7]{3})", lambda m: chr(int(m[1], 8)), entry(unmounted.path)[1])
    assert name == source


def test_the_name_is_the_stages(unmounted, mounted):
    mounted("-o", "stage=prod", unmounted.path)
    assert entry(unmounted.path)[1] == "vast-prod"


def test_the_name_has_the_default_stage_without_settings(unmounted, mounted):
    mounted(unmounted.path)
    assert entry(unmounted.path)[1] == "vast-default"


@pytest.mark.skipif(os.getuid() != 0 or not os.path.exists(MOUNT_FUSE), reason="needs root and mount.fuse3")
def test_mount_fuse3(unmounted):
    done = subprocess.run([MOUNT_FUSE, f"{VASTFS}#prod", unmounted.path, "-o", "rw,allow_other"], env=unmounted.env,
                          capture_output=True, text=True, timeout=DEADLINE)
    assert done.returncode == 0, done
    assert (unmounted.path / "status").read_text()
    unmount(unmounted.path)


@pytest.fixture
def helper(unmounted):
    """vastfs under the name by which mount(8) finds it."""
    path = unmounted.base / "mount.fuse.vastfs"
    path.symlink_to(VASTFS)
    return lambda *words: subprocess.run([path, "prod", unmounted.path, *words], env=unmounted.env, timeout=DEADLINE,
                                         capture_output=True, text=True)


def test_mount_runs_vastfs_as_its_helper(unmounted, helper):
    done = helper("-s", "-n", "-v", "-N", "0", "-o", "rw,noauto,stage=prod", "-t", "fuse.vastfs")
    try:
        assert (done.returncode, done.stderr) == (0, "")
        assert entry(unmounted.path)[:2] == ["fuse.vastfs", "prod"]
        assert unmounted.status()["stage"] == "prod"
    finally:
        unmount(unmounted.path)


def test_mount_f_mounts_nothing(unmounted, helper):
    assert helper("-f", "-o", "rw").returncode == 0
    assert not os.path.ismount(unmounted.path)


def test_a_remount_is_refused_and_says_what_to_do(unmounted, mounted, helper):
    mounted("prod", unmounted.path)
    for words in (["-o", "remount"], ["-o", "rw,remount,stage=other"]):
        done = helper(*words)
        assert done.returncode == 1 and "remount" in done.stderr and "unmount it with umount" in done.stderr
    done = helper("-o", "rw")
    assert done.returncode == 32 and "already mounted" in done.stderr and f"fusermount3 -u {unmounted.path}" in done.stderr
    assert entry(unmounted.path)[:2] == ["fuse.vastfs", "prod"] and unmounted.read("status")


def test_settings_of_the_mount_are_stronger(unmounted, mounted):
    folder = unmounted.base / "elsewhere"
    folder.mkdir()
    (folder / "default.env").write_text("stage=file\naws_region=eu-west-1\n")
    mounted("-o", f"config_dir={folder},stage=option,profile=my profile", unmounted.path)
    status = unmounted.status()
    assert (status["stage"], status["region"]) == ("option", "eu-west-1")
    assert status["mount_options"] == "stage='option' aws_profile='my profile'"
    assert unmounted.read("config/default.env") == "stage=file\naws_region=eu-west-1\n"
    unmounted.ok("echo aws_region=eu-west-2 > config/default.env")
    until(lambda: unmounted.status()["region"] == "eu-west-2", "the new settings")
    assert unmounted.status()["stage"] == "option"
    assert (folder / "default.env").read_text() == "aws_region=eu-west-2\n"


def test_settings_of_the_mount_need_no_file(unmounted, mounted):
    mounted("-o", "region=eu-west-1", "-o", "stage=alone", unmounted.path)
    assert unmounted.status()["stage"] == "alone"


@pytest.mark.parametrize("option,words", [
    ("stage=A_B", "option stage=A_B: stage: A_B is not a stage"), ("stage", "stage=STAGE"), ("uid=no-such-user", "no-such-user"), ("umask=9", "027"),
    ("gid=-1", "-1"), ("ro=1", "no value"), ("region=nowhere;", "option region=nowhere;: aws_region: nowhere; is not")])
def test_bad_values_are_refused(unmounted, option, words):
    done = unmounted.run("-o", option, unmounted.path)
    assert done.returncode == 1 and words in done.stderr and not os.path.ismount(unmounted.path)


def test_owner_group_and_mask(unmounted, mounted):
    mounted("-o", f"uid={os.getuid()},gid=12345,umask=0077", unmounted.path)
    for name in ("", "status", "control/deploy", "tasks"):
        found = os.stat(unmounted.path / name)
        assert (found.st_uid, found.st_gid) == (os.getuid(), 12345)
        assert stat.S_IMODE(found.st_mode) & 0o077 == 0


CHANGES = [
    "touch control/deploy", "echo > control/deploy", "echo x > config/default.env", "echo 'vast status' > lambda/query",
    "touch config/new", "mknod config/new p", "ln -s x tasks/default", "rm config/default.env", "rm error",
    "mv config/default.env config/other", "rmdir tasks", "truncate -s 0 error", "touch -d yesterday status"]


def test_read_only(unmounted, mounted):
    mounted("-o", "ro", unmounted.path)
    for change in CHANGES:
        done = unmounted.shell(change)
        assert done.returncode != 0 and "Read-only file system" in done.stderr, change
    assert 'errno=EROFS' in unmounted.read("error") and "-o ro" in unmounted.read("error")
    assert unmounted.status()["mount_options"] == "ro"
    assert not os.listdir(unmounted.path / "operations")


def test_read_only_resumes_nothing(mount, mounted):
    """What was begun goes on at the next mount that may act."""
    mount.deploy()
    mount.process.kill()
    mount.process.wait(DEADLINE)
    mounted("-o", "ro", mount.path)
    until(lambda: mount.read("operations/1/state") == "unknown\n", "the state")
    assert "read-only" in mount.read("operations/1/error")
    unmount(mount.path)
    mount.start()
    until(lambda: mount.read("operations/1/state") == "running\n", "the operation")


def test_every_option_is_in_the_help(unmounted):
    text = unmounted.run("-h").stdout
    for word in ("ro", "rw", "config_dir=", "profile=", "region=", "stage=", "uid=", "gid=", "umask=", "coredump"):
        assert re.search(rf"^ +{word}", text, re.MULTILINE), word
    assert unmounted.run("-V").stdout == unmounted.run("--version").stdout


def test_exit_statuses_are_those_of_mount(unmounted):
    assert unmounted.run("-o", "umask=x", unmounted.path).returncode == 1
    assert unmounted.run(unmounted.base / "missing").returncode == 32
