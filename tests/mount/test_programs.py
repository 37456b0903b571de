# SPDX-License-Identifier: BSD-3-Clause
"""What real programs do to the tree: touches of every kind, the noise of desktops, and what they are told of room."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest
from conftest import until

UUTILS = next((p for p in map(Path, ("/usr/lib/cargo/bin/coreutils", "/usr/bin/coreutils")) if p.exists()), None)


def uutils(program):
    """The command of uutils' coreutils, Ubuntu's since 25.10."""
    if not UUTILS:
        pytest.skip("uutils is not installed")
    return str(UUTILS / program) if UUTILS.is_dir() else f"{UUTILS} {program}"


def needs(program):
    return pytest.mark.skipif(not shutil.which(program), reason=f"{program} is not installed")


def operations(mount):
    return [name for name in os.listdir(mount.path / "operations") if name != "latest"]


NOW = "python3 -c 'import os,time; t=time.time_ns(); os.utime(\"control/deploy\", ns=(t,t))'"


@pytest.mark.parametrize("touch", [
    "touch control/deploy", "touch -m control/deploy", "touch -c control/deploy", NOW, "UUTILS touch", "UUTILS touch -m",
    pytest.param("busybox touch control/deploy", marks=needs("busybox")),
    "python3 -c 'import pathlib; pathlib.Path(\"control/deploy\").touch()'",
    pytest.param("node -e 'let t=new Date(); fs.utimesSync(\"control/deploy\",t,t)'", marks=needs("node")),
])
def test_a_touch_acts(mount, touch):
    mount.configure()
    if touch.startswith("UUTILS"):
        touch = f"{uutils('touch')} {touch.partition('touch')[2]} control/deploy"
    mount.ok(touch)
    assert operations(mount) == ["1"]
    done = mount.shell(touch)
    assert done.returncode != 0, "an operation is running"
    assert operations(mount) == ["1"]
    assert "EBUSY" in mount.read("error")


COPIES = [
    "cp -p /dev/null control/deploy", "touch -r README control/deploy", "touch -d '1 minute ago' control/deploy",
    "touch -a control/deploy", "chmod 644 control/deploy", ": > control/deploy",
    "python3 -c 'import os,time; f=open(\"control/deploy\",\"r+\"); t=time.time_ns(); os.utime(f.fileno(), ns=(t,t))'",
    "python3 -c 'import os,time; open(\"control/deploy\",\"r+\").close(); t=time.time_ns(); os.utime(\"control/deploy\", ns=(t,t))'",
    "python3 -c 'import os,time; t=time.time_ns(); os.utime(\"control/deploy\", ns=(t-1,t))'",
    "python3 -c 'import os,time; t=time.time_ns()-3*10**9; os.utime(\"control/deploy\", ns=(t,t))'",
    pytest.param("touch $HOME/deploy; rsync --inplace -t $HOME/deploy control/", marks=needs("rsync")),
    "python3 -c 'import os,time; p=\"control/deploy\"; os.utime(p, ns=(os.stat(p).st_atime_ns, time.time_ns()))'",
    pytest.param("head -c $(stat -c %s control/deploy) /dev/zero > $HOME/deploy; rsync -a --size-only $HOME/deploy control/",
                 marks=needs("rsync")),
    "touch $HOME/deploy; tar -C $HOME -cf - deploy | tar -C control --overwrite -xf -",
]


@pytest.mark.parametrize("copy", COPIES)
def test_a_copy_with_its_times_does_not_act(mount, copy):
    mount.configure()
    mount.shell(copy)
    assert operations(mount) == []
    assert "deploy" not in mount.read("events.log")


def test_a_program_that_seeks_in_its_output_writes_a_command(mount):
    """uutils' dd does, also where nothing is to be skipped."""
    mount.configure()
    mount.ok("python3 -c 'import os; f=os.open(\"control/deploy\", os.O_WRONLY); os.lseek(f,0,0); os.write(f,b\"1\")'")
    assert operations(mount) == ["1"]


@pytest.mark.parametrize("shell", ["bash", "dash", "zsh"])
def test_a_text_with_a_bad_line_does_not_act(mount, shell):
    """A shell writes each line by itself."""
    if not shutil.which(shell):
        pytest.skip(f"{shell} is not installed")
    mount.configure()
    assert mount.shell("printf 'no\\n1\\n\\n' > control/deploy", shell).returncode
    assert operations(mount) == [] and len(mount.read("error").splitlines()) == 1
    mount.shell("exec 3> control/deploy; echo no >&3; echo 1 >&3", shell)
    assert operations(mount) == ["1"]


def test_error_is_cleared_by_any_way_to_empty_it(mount):
    for clear in (": > error", "truncate -s 0 error", "echo > error", "cp /dev/null error"):
        assert mount.shell("echo bad > control/deploy").returncode
        assert "EINVAL" in mount.read("error")
        mount.ok(clear)
        assert mount.read("error") == "", clear


NOISE = (".Trash-1000", ".directory", ".hidden", ".goutputstream-X1", ".status.kate-swp", "4913", "status~", ".#status", "#status#",
         ".~lock.status#", ".status.swp")


def test_desktop_noise_leaves_no_line(mount):
    for directory in ("", "stack/", "tasks/", "lambda/", "control/"):
        for name in NOISE:
            assert mount.shell(f"echo > '{directory}{name}'").returncode
            assert mount.shell(f"mkdir '{directory}{name}' || ln -s x '{directory}{name}'").returncode
    assert mount.read("error") == ""
    assert mount.shell("touch control/depoly").returncode
    assert "path=control/depoly" in mount.read("error")


def test_one_program_cannot_flush_what_matters(mount):
    """The same again is counted, whichever process it comes from; each of them is found by its number."""
    first = mount.shell("echo $$; echo vast_prot=1 > config/default.env")
    assert first.returncode
    pids = [mount.shell("echo $$; echo bad > control/deploy").stdout.strip() for _ in range(20)]
    lines = mount.read("error").splitlines()
    assert len(lines) == 2 and "vast_prot" in lines[0] and "count=20" in lines[1], lines
    assert f"pid={pids[-1]} " in lines[1] and f"pid={pids[-2]} " in lines[1]


def test_room_is_told_by_directory(mount):
    """Dolphin copies nothing where statfs knows of no room."""
    config, root = os.statvfs(mount.path / "config"), os.statvfs(mount.path)
    assert config.f_blocks * config.f_frsize == 64 << 20 == config.f_bavail * config.f_frsize
    assert root.f_blocks * root.f_frsize >= 64 << 20
    mount.configure()
    mount.ok("head -c 500000 /dev/zero > config/x")
    used = os.statvfs(mount.path / "config")
    assert (used.f_blocks - used.f_bfree) * used.f_frsize == pytest.approx(500000, abs=4096)
    until(lambda: os.statvfs(mount.path).f_blocks << 12 == 1 << 30, "import_spool_limit's default")
    done = subprocess.run(["df", "--output=size", mount.path], capture_output=True, text=True, check=True)
    assert done.stdout.split()[-1] == str(1 << 20)
