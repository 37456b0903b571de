# SPDX-License-Identifier: BSD-3-Clause
"""Starting, ending and everything that can be wrong about a mountpoint."""

import os
import signal
import socket
import subprocess
import threading

import pytest
from conftest import DEADLINE, VASTFS, until
from unmounting import unmount


def alive_daemons(mount):
    """Processes of this mount: their environment names its HOME."""
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            if os.readlink(f"/proc/{pid}/exe") == os.path.realpath(VASTFS) and \
                    f"HOME={mount.base}\0".encode() in open(f"/proc/{pid}/environ", "rb").read():
                found.append(int(pid))
        except OSError:
            pass
    return found


@pytest.mark.parametrize("args,words", [
    ([], "MOUNTPOINT"), (["--nonsense", "x"], "--nonsense"), (["a", "b", "c"], "c"), (["-o"], "-o"), (["-x", "m"], "-x")])
def test_bad_usage_is_exit_status_1(unmounted, args, words):
    done = unmounted.run(*args)
    assert done.returncode == 1 and words in done.stderr and "--help" in done.stderr and not done.stdout


def test_help_and_version(unmounted):
    assert "usage: vastfs" in unmounted.run("--help").stdout
    assert unmounted.run("--version").stdout.startswith("vastfs ")


def test_daemon_comes_back_when_the_tree_answers(unmounted):
    done = unmounted.run(unmounted.path)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert "state" in unmounted.read("status")
    (daemon,) = alive_daemons(unmounted)
    assert {os.readlink(f"/proc/{daemon}/fd/{n}") for n in (0, 1, 2)} == {"/dev/null"}
    assert os.readlink(f"/proc/{daemon}/cwd") == "/"
    unmount(unmounted.path)
    until(lambda: not alive_daemons(unmounted), "the end of the daemon")


def test_command_substitution_returns(unmounted):
    done = subprocess.run(["bash", "-c", f'x=$({VASTFS} "$m"); echo "rc=$?"; echo "$x"'], env=unmounted.env,
                          capture_output=True, text=True, timeout=60)
    assert done.stdout == "rc=0\n\n"
    unmounted.stop()
    until(lambda: not alive_daemons(unmounted))


@pytest.mark.parametrize("kind,words", [("missing", "No such file"), ("file", "not a directory"), ("full", "not empty")])
def test_mountpoints_that_will_not_do(unmounted, kind, words):
    point = unmounted.base / kind
    if kind == "file":
        point.touch()
    elif kind == "full":
        point.mkdir()
        (point / "something").touch()
    done = unmounted.run(point)
    assert done.returncode == 32 and words in done.stderr, done
    assert not alive_daemons(unmounted)


def test_bad_fuse_option(unmounted):
    done = unmounted.run("-o", "no_such_option", unmounted.path)
    assert done.returncode == 32 and "option" in done.stderr
    assert not os.path.ismount(unmounted.path) and not alive_daemons(unmounted)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_signals_unmount(mount, number):
    os.open(mount.path / "status", os.O_RDONLY)  # stays open: that does not hold the mount
    mount.process.send_signal(number)
    assert mount.process.wait(5) == 0
    assert not os.path.ismount(mount.path)


def test_a_signal_ends_a_mount_with_waiting_readers(mount):
    result = mount.deploy()
    reader = subprocess.Popen(["cat", result], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    until(lambda: open(f"/proc/{reader.pid}/wchan").read() != "0")
    mount.cloud.refuse.set()
    mount.process.terminate()
    assert mount.process.wait(5) == 0
    assert reader.wait(5) != 0


def test_stale_mount_is_recovered(mount):
    mount.process.kill()
    mount.process.wait(5)
    with pytest.raises(OSError) as dead:
        os.statvfs(mount.path)
    assert dead.value.errno == 107
    mount.start()
    assert mount.read("status")


def test_living_mount_is_left_alone(mount):
    done = mount.run(mount.path)
    assert done.returncode == 32 and "mounted on" in done.stderr
    assert mount.read("status")


def test_one_config_directory_one_mount(mount):
    other = mount.base / "other"
    other.mkdir()
    done = mount.run(other)
    assert done.returncode == 32 and "--config-dir" in done.stderr
    done = mount.run("--config-dir", mount.base / "own", other)
    assert done.returncode == 0, done
    assert (other / "status").read_text()
    unmount(other)


def test_relative_mountpoint(unmounted):
    assert unmounted.run("mnt").returncode == 0
    assert unmounted.read("status")


def test_directories_are_private(mount):
    for name in ("config", "state", "cache"):
        assert os.stat(mount.base / name / "vastfs").st_mode & 0o777 == 0o700


def test_open_files_do_not_hold_the_name(mount):
    """fusermount3 -u of an idle mount works: at most a touch of vastfs itself is in its way for a moment."""
    mount.configure()
    mount.ok("cat status; find . > /dev/null")
    unmount(mount.path)
    assert mount.process.wait(5) == 0


def test_a_shell_without_settings_is_told_so(mount):
    done = subprocess.run([VASTFS, "shell", mount.path], env=mount.env, stdin=subprocess.DEVNULL, capture_output=True,
                          text=True, timeout=DEADLINE)
    assert done.returncode == 255 and "there are no settings" in done.stderr
    assert mount.read("status")


def test_the_shells_name_may_still_be_taken(unmounted):
    """By the process before, whose device number the kernel gives out again: here, for a second, all of them are."""
    held = []
    for minor in range(1, 1000):
        name = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        try:
            name.bind(f"\0vastfs/{os.getuid()}/0:{minor}")
            held.append(name)
        except OSError:
            name.close()
    threading.Timer(1, lambda: [name.close() for name in held]).start()
    unmounted.start()
    done = subprocess.run([VASTFS, "shell", unmounted.path], env=unmounted.env, stdin=subprocess.DEVNULL,
                          capture_output=True, text=True, timeout=DEADLINE)
    assert "there are no settings" in done.stderr


def test_a_supervisor_is_told_when_the_tree_answers(unmounted):
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as supervisor:
        supervisor.bind(str(unmounted.base / "notify"))
        supervisor.settimeout(DEADLINE)
        unmounted.env["NOTIFY_SOCKET"] = str(unmounted.base / "notify")
        unmounted.start()
        assert supervisor.recv(100) == b"READY=1\n"
        assert unmounted.answers()
        supervisor.setblocking(False)
        with pytest.raises(BlockingIOError):
            supervisor.recv(100)


def test_a_supervisor_that_is_gone_does_not_hinder_the_mount(unmounted):
    unmounted.env["NOTIFY_SOCKET"] = str(unmounted.base / "nobody")
    unmounted.start()
    assert "cannot notify systemd" in (unmounted.base / "vastfs.log").read_text()
