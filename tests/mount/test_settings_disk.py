# SPDX-License-Identifier: BSD-3-Clause
"""default.env on disk belongs to the user: nothing of it is lost, whatever else writes it."""

import os
import shutil
import subprocess

import pytest
from conftest import SETTINGS, has, until
from unmounting import unmount

BROKEN = SETTINGS + "vast_prot=1\nstage=prod\n"


@pytest.fixture
def file(unmounted):
    path = unmounted.base / "config/vastfs/default.env"
    path.parent.mkdir(parents=True)
    return path


def shown(mount):
    return (mount.path / "config/default.env").read_bytes().decode()


def test_a_file_that_does_not_parse_is_shown_and_kept(unmounted, file):
    file.write_text(BROKEN)
    unmounted.start()
    assert shown(unmounted) == BROKEN
    assert "vast_prot" in unmounted.read("error") and "errno=EINVAL" in unmounted.read("error")
    assert unmounted.shell("echo server_cpu=4096 >> config/default.env").returncode != 0
    assert file.read_text() == BROKEN
    assert unmounted.shell("touch control/deploy").returncode != 0
    unmounted.ok("sed s/vast_prot=1/vast_port=1/ config/default.env > $m/../new; cat $m/../new > config/default.env")
    assert file.read_text() == BROKEN.replace("prot", "port") and unmounted.status()["stage"] == "prod"


def test_a_file_that_cannot_be_read_is_not_replaced(unmounted, file):
    file.mkdir()
    unmounted.start()
    assert unmounted.shell("echo stage=x > config/default.env").returncode != 0 or "cannot read" in unmounted.read("error")
    assert file.is_dir()


def test_an_edit_on_disk_is_seen(mount):
    mount.configure()
    file = mount.base / "config/vastfs/default.env"
    for stage, script in (("one", f"echo stage=one >> {file}"), ("two", f"sed -i s/stage=one/stage=two/ {file}"),
                          ("three", f"echo stage=three > {file}.new && mv {file}.new {file}")):
        subprocess.run(["bash", "-c", script], check=True)
        until(lambda: mount.status()["stage"] == stage, stage)  # noqa: B023
    assert shown(mount) == "stage=three\n"
    file.write_text(BROKEN)
    until(lambda: shown(mount) == BROKEN, "the text that does not parse")
    assert mount.status()["stage"] == "three"
    done = mount.shell("touch control/deploy")
    assert done.returncode != 0 and "Invalid argument" in done.stderr and "vast_prot" in mount.read("error")


def test_an_operation_sees_the_file_as_it_is_now(mount):
    """Also where no event comes: there is no moment between the edit and the touch."""
    mount.configure()
    file = mount.base / "config/vastfs/default.env"
    for _ in range(20):
        mount.ok(f"echo vast_prot=1 >> {file}; ! touch control/deploy; sed -i /vast_prot/d {file}; "
                 "echo server_cpu=1024 >> config/default.env")
    assert file.read_text() == SETTINGS + "server_cpu=1024\n" * 20


def test_a_symbolic_link_stays(unmounted, file):
    dotfiles = unmounted.base / "dotfiles"
    dotfiles.mkdir()
    (dotfiles / "vast.env").write_text(SETTINGS)
    (dotfiles / "vast.env").chmod(0o644)
    file.symlink_to("../../dotfiles/vast.env")
    unmounted.start()
    unmounted.ok("echo stage=x >> config/default.env")
    assert file.is_symlink() and (dotfiles / "vast.env").read_text() == SETTINGS + "stage=x\n"
    assert (dotfiles / "vast.env").stat().st_mode & 0o777 == 0o644
    (dotfiles / "vast.env").write_text(SETTINGS + "stage=y\n")
    until(lambda: unmounted.status()["stage"] == "y", "the edit of the target")


def test_a_hard_link_stays(unmounted, file):
    twin = unmounted.base / "twin"
    twin.write_text(SETTINGS)
    os.link(twin, file)
    unmounted.start()
    unmounted.ok("echo stage=x >> config/default.env")
    assert twin.read_text() == SETTINGS + "stage=x\n" and twin.stat().st_ino == file.stat().st_ino


def test_windows_line_ends_and_mark_are_kept(unmounted, file):
    text = "\ufeff" + SETTINGS.replace("\n", "\r\n")
    file.write_bytes(text.encode())
    unmounted.start()
    assert shown(unmounted) == text and unmounted.status()["region"] == "eu-west-1"
    unmounted.ok("printf 'stage=x\\r\\n' >> config/default.env")
    assert file.read_bytes().decode() == text + "stage=x\r\n" and unmounted.status()["stage"] == "x"


LONG, SHORT = SETTINGS + "stage=a-long-name-of-a-stage\n", SETTINGS + "stage=x\n"
IN_PLACE = {
    "python": "import os,sys; f=open(sys.argv[1],'r+'); f.write(open(sys.argv[2]).read()); f.truncate(); f.close()",
    "rsync": 'rsync --inplace "$2" "$1"',
    "dd": 'dd if="$2" of="$1" conv=notrunc status=none && truncate -s "$(stat -c %s "$2")" "$1"',
    "tee": 'tee "$1" < "$2"',
}


@pytest.mark.parametrize("how", IN_PLACE)
def test_rewriting_in_place_and_truncating(mount, how):
    if how == "rsync" and not has("rsync"):
        pytest.skip("needs rsync")
    (mount.base / "short").write_text(SHORT)
    (mount.path / "config/default.env").write_text(LONG)
    args = (["python3", "-c", IN_PLACE[how]] if how == "python" else ["bash", "-c", IN_PLACE[how], "bash"])
    subprocess.run([*args, mount.path / "config/default.env", mount.base / "short"], check=True, stdout=subprocess.DEVNULL)
    assert mount.in_force() == SHORT == shown(mount)


def test_an_overwritten_text_that_is_never_truncated_is_not_saved(mount):
    (mount.path / "config/default.env").write_text(LONG)
    (mount.base / "short").write_text(SHORT)
    mount.ok("dd if=../short of=config/default.env conv=notrunc status=none")
    assert mount.in_force() == LONG == shown(mount)
    assert "is not saved yet" in mount.read("error") and f"truncate -s {len(SHORT)}" in mount.read("error")


def test_truncating_by_path_is_refused(mount):
    mount.configure()
    with pytest.raises(OSError, match="Invalid argument"):
        os.truncate(mount.path / "config/default.env", 5)
    assert mount.in_force() == SETTINGS and "truncate -s 5" in mount.read("error")
    mount.ok(f"truncate -s {len(SETTINGS.splitlines(True)[0])} config/default.env")
    assert mount.in_force() == SETTINGS.splitlines(True)[0]


@pytest.mark.parametrize("text", ["", "\n\n", "junk\n"])
def test_a_refused_rename_names_the_settings(mount, text):
    mount.configure()
    (mount.path / "config/.goutputstream-X").write_text(text)
    with pytest.raises(OSError, match="Invalid argument"):
        os.rename(mount.path / "config/.goutputstream-X", mount.path / "config/default.env")
    assert "path=config/default.env " in mount.read("error")
    assert mount.in_force() == SETTINGS


@pytest.mark.parametrize("where", ["on disk", "in the mount"])
def test_a_change_at_the_same_time_is_not_overwritten(mount, where):
    mount.configure()
    file = mount.base / "config/vastfs/default.env"
    f = open(mount.path / "config/default.env", "a", encoding="utf-8")
    f.write("stage=mine\n")
    f.flush()
    (file if where == "on disk" else mount.path / "config/default.env").write_text(SETTINGS + "stage=theirs\n")
    with pytest.raises(OSError, match="busy"):
        f.close()
    assert file.read_text() == SETTINGS + "stage=theirs\n" == shown(mount)
    assert "another program changed" in mount.read("error")


@pytest.mark.skipif(os.getuid() != 0 or shutil.which("unshare") is None, reason="only root mounts")
def test_a_bind_mounted_file_is_rewritten_in_place(unmounted, file):
    source = unmounted.base / "source.env"
    source.write_text(LONG)
    file.touch()
    if subprocess.run(["mount", "--bind", source, file], capture_output=True).returncode:
        pytest.skip("bind mounts are not allowed here")
    try:
        unmounted.start()
        inode = source.stat().st_ino
        (unmounted.path / "config/default.env").write_text(SHORT)
        assert source.read_text() == SHORT and source.stat().st_ino == inode
        assert not list((unmounted.base / "state").rglob("default.env.rewritten"))
    finally:
        unmount(unmounted.path)
        subprocess.run(["umount", "-l", file], check=True)
