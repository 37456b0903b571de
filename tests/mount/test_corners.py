# SPDX-License-Identifier: BSD-3-Clause
"""What programs rarely ask for, and mounts that cannot come about: each has its errno or its message."""

import ctypes
import errno
import os
import select
import subprocess
import tempfile

import pytest
from conftest import SETTINGS, VASTFS
from watching import Watch

RENAME_NOREPLACE, RENAME_EXCHANGE, AT_FDCWD = 1, 2, -100


def renameat2(old, new, flags):
    libc = ctypes.CDLL(None, use_errno=True)
    return ctypes.get_errno() if libc.renameat2(AT_FDCWD, bytes(old), AT_FDCWD, bytes(new), flags) else 0


def test_renames_with_flags(mount):
    config = mount.path / "config"
    for name in ("a", "b"):
        (config / name).write_text(name)
    assert renameat2(config / "a", config / "b", RENAME_EXCHANGE) == errno.EINVAL
    assert renameat2(config / "a", config / "b", RENAME_NOREPLACE) == errno.EEXIST
    assert (config / "a").read_text(), (config / "b").read_text() == ("a", "b")
    assert renameat2(config / "a", config / "c", RENAME_NOREPLACE) == 0
    assert sorted(os.listdir(config)) == ["b", "c", "default.env"]
    (config / "default.env").write_text(SETTINGS)
    assert renameat2(config / "b", config / "default.env", RENAME_NOREPLACE) == errno.EEXIST
    assert mount.in_force() == SETTINGS


def test_a_large_directory_is_listed_in_parts(mount):
    names = {"x" * 200 + str(n) for n in range(40)}
    for name in names:
        (mount.path / "config" / name).touch()
    assert set(os.listdir(mount.path / "config")) == names | {"default.env"}


def test_a_directory_can_be_synced(mount):
    fd = os.open(mount.path / "config", os.O_RDONLY | os.O_DIRECTORY)
    os.fsync(fd)
    os.close(fd)


@pytest.mark.parametrize("name", ["control/deploy", "lambda/query", "import/json"])
def test_poll_on_a_handle_that_reads_and_writes(mount, name):
    """It can be written to at once; after a write it can be read when the answer is there."""
    mount.configure()
    fd = os.open(mount.path / name, os.O_RDWR)
    poll = select.poll()
    poll.register(fd, select.POLLIN | select.POLLOUT)
    assert poll.poll(0)[0][1] & select.POLLOUT
    if name != "import/json":
        os.write(fd, b"1\n" if name == "control/deploy" else b"vast status\n")
        poll.modify(fd, select.POLLIN)
        assert poll.poll(0) == [] or name == "lambda/query"
        mount.cancel("control" if name == "control/deploy" else "lambda")
        assert poll.poll(60000) == [(fd, select.POLLIN)]
    os.close(fd)


def test_the_result_of_a_query_is_an_event(mount):
    """Both when the file becomes that of a new query and when the query ends."""
    mount.configure()
    watch = Watch(mount, "lambda")
    mount.ok("echo one > lambda/query")
    watch.wait(("lambda/result", "changed"))
    watch.all.clear()
    mount.cancel("lambda")
    watch.wait(("lambda/result", "changed"))
    watch.close()


@pytest.mark.parametrize("target", ["none", "none/", "tasks/none/", "/"])
def test_a_link_to_no_task(mount, target):
    with pytest.raises(FileNotFoundError):
        os.symlink(target, mount.path / "tasks/default")


def kill(mount):
    mount.process.kill()
    mount.process.wait(60)


@pytest.mark.parametrize("path", ["mnt", "mnt//", "./mnt/"])
def test_a_dead_mount_is_found_by_a_relative_path(mount, path):
    kill(mount)
    done = mount.run(path)
    assert done.returncode == 0, done
    assert mount.read("status")


def test_a_dead_mount_that_cannot_be_removed(mount):
    """Without fusermount3 the message names what to do by hand."""
    kill(mount)
    mount.env["PATH"] = "/nonexistent"
    done = mount.run(mount.path)
    assert done.returncode == 32 and "is a dead mount that fusermount3 -u -z cannot remove" in done.stderr, done


def as_nobody(mount, point):
    home = tempfile.mkdtemp(dir="/tmp")
    os.chown(home, 65534, 65534)
    env = {name: value for name, value in mount.env.items() if not name.startswith("XDG")}
    return subprocess.run([VASTFS, point], env={**env, "HOME": home}, user=65534, group=65534, extra_groups=[], cwd="/",
                          capture_output=True, text=True, timeout=60)


@pytest.mark.skipif(os.getuid() != 0, reason="needs another user")
@pytest.mark.parametrize("mode, words", [(0o755, "cannot mount on"), (0o711, "cannot list")])
def test_a_mountpoint_of_another_user(unmounted, mode, words):
    point = tempfile.mkdtemp(dir="/tmp")
    os.chmod(point, mode)
    if subprocess.run([VASTFS, "--version"], user=65534, capture_output=True, check=False).returncode:
        pytest.skip("the program is in a directory of root")
    done = as_nobody(unmounted, point)
    assert done.returncode == 32 and f"{words} {point}" in done.stderr, done
    os.rmdir(point)


def test_a_relative_path_without_a_working_directory(unmounted):
    script = 'd=$(mktemp -d) && cd "$d" && rmdir "$d" && XDG_CONFIG_HOME=x exec "$0" "$m"'
    done = subprocess.run(["bash", "-c", script, VASTFS], env=unmounted.env, capture_output=True, text=True, timeout=60)
    assert done.returncode == 2 and "cannot find the working directory" in done.stderr, done


@pytest.mark.parametrize("option", ["--help", "--version"])
def test_output_that_cannot_be_written(unmounted, option):
    done = subprocess.run(["bash", "-c", f'"$0" {option} > /dev/full', VASTFS], env=unmounted.env, capture_output=True, text=True,
                          timeout=60)
    assert done.returncode == 2 and "No space left on device" in done.stderr, done


@pytest.mark.parametrize("words", [[], ["-x"], ["a", "b", "c"]])
def test_a_shell_needs_a_mountpoint(unmounted, words):
    done = unmounted.run("shell", *words)
    assert done.returncode == 1 and "vastfs shell MOUNTPOINT [TASK]" in done.stderr
