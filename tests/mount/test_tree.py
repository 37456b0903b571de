# SPDX-License-Identifier: BSD-3-Clause
"""Listing, attributes and the README: everything that the table says is there, and reading is all that it takes."""

import os
import re
import stat
import subprocess

import pytest
from conftest import VASTFS, until


def rows():
    out = subprocess.run([VASTFS, "--list-tree"], check=True, capture_output=True, text=True).stdout
    return [(kind, int(mode, 8), path) for kind, mode, path in (line.split(" ", 2) for line in out.splitlines())]


STATIC = [r for r in rows() if "{" not in r[2] and r[0] != "l"]


def test_every_row_is_there_with_its_mode(mount):
    for kind, mode, path in STATIC:
        st = os.lstat(f"{mount.path}{path}")
        assert stat.S_IMODE(st.st_mode) == mode, path
        assert stat.S_ISDIR(st.st_mode) == (kind == "d"), path
        assert (st.st_uid, st.st_gid) == (os.getuid(), os.getgid())


def test_listing_is_what_the_table_says(mount):
    listed = {"/" + os.path.relpath(os.path.join(d, n), mount.path)
              for d, dirs, files in os.walk(mount.path) for n in dirs + files}
    formats = {path for path in listed if path.startswith("/import/")} - {path for _, _, path in STATIC}
    assert {"/import/suricata", "/import/zeek-tsv", "/import/pcap"} <= formats
    assert listed - formats == {path for _, _, path in STATIC} - {"/"}


def test_entries_have_type_and_number(mount):
    for entry in os.scandir(mount.path):
        st = entry.stat(follow_symlinks=False)
        assert entry.is_dir(follow_symlinks=False) == stat.S_ISDIR(st.st_mode)
        assert entry.inode() == st.st_ino


def test_sizes_are_true_and_text_ends_in_a_newline(mount):
    for kind, _, path in STATIC:
        if kind == "f" and path != "/status":  # its age goes on
            full = f"{mount.path}{path}"
            content = open(full, "rb").read()
            assert os.stat(full).st_size == len(content), path
            assert not content or content.endswith(b"\n") or path.endswith(".json"), path


def test_times_stand_still(mount):
    before = {path: os.stat(f"{mount.path}{path}").st_mtime_ns for _, _, path in STATIC}
    for kind, _, path in STATIC:
        if kind == "f":
            open(f"{mount.path}{path}", "rb").read()
    assert {path: os.stat(f"{mount.path}{path}").st_mtime_ns for _, _, path in STATIC} == before


def test_numbers_are_stable(mount):
    before = {path: os.stat(f"{mount.path}{path}").st_ino for _, _, path in STATIC}
    assert len(set(before.values())) == len(before)
    with open("/proc/sys/vm/drop_caches", "w", encoding="ascii") as f:
        f.write("2")
    assert {path: os.stat(f"{mount.path}{path}").st_ino for _, _, path in STATIC} == before


def test_readme_names_every_row(mount):
    text = mount.read("README")
    for _, _, path in rows():
        assert path == "/" or re.search(rf"^  {re.escape(path[1:])} ", text, re.M), path
    assert "cat operations/latest/result" in text and "vast_image" in text and "tenzir" in text


def test_status_says_what_is_missing(mount):
    assert mount.status()["state"] == "no-settings"
    mount.configure()
    status = mount.status()
    assert status | {"state": "unknown", "region": "eu-west-1", "stage": "default", "age": "-"} == status


def test_names_that_programs_probe_are_absent(mount):
    for name in (".Trash", ".Trash-0", ".hidden", ".git", "autorun.inf", "config/.hidden", "tasks/.hidden", "operations/0",
                 "operations/01", "operations/-1", "lambda/history/18446744073709551617", "tasks/default",
                 "operations/latest"):
        assert not os.path.lexists(mount.path / name), name


@pytest.mark.parametrize("script", ["mkdir x", "mkdir tasks/x", "rmdir control", "rm README", "mv status x", "ln README x",
                                    "mknod config/p p", "> control/deplyo", "ln -s README x", "rm control/deploy"])
def test_what_the_tree_does_not_do_is_eperm_with_words(mount, script):
    done = mount.shell(script)
    assert done.returncode != 0 and "not permitted" in done.stderr, done
    assert "errno=EPERM" in mount.read("error")


def test_a_default_that_is_no_task_is_refused_with_words(mount):
    done = mount.shell("ln -sfn nothing tasks/default")
    assert done.returncode != 0 and "No such file" in done.stderr, done
    assert 'what="there is no task nothing" remedy="use a name that ls tasks shows"' in mount.read("error")


@pytest.mark.parametrize("shell", ["bash", "dash", "busybox sh"])
def test_misspelt_touch(mount, shell):
    touch = "busybox touch" if "busybox" in shell else "touch"
    done = mount.shell(f"{touch} control/deplyo")
    assert done.returncode != 0 and "not permitted" in done.stderr, done
    assert "path=control/deplyo" in mount.read("error")


def test_error_names_the_shell_and_a_write_clears(mount):
    own = mount.shell('echo x > control/deplyo; grep -c "pid=$$" error').stdout
    assert own.strip() == "1"
    mount.ok("echo > error")
    assert mount.read("error") == "" and os.stat(mount.path / "error").st_size == 0


def test_no_extended_attributes(mount):
    with pytest.raises(OSError) as refused:
        os.getxattr(mount.path / "status", "user.x")
    assert refused.value.errno in (95, 38)


def test_whole_tree_is_read_by_tar_and_grep(mount):
    mount.ok("tar cf - --warning=no-file-changed . | tar tf - | wc -l")
    mount.shell("grep -r nothing .")
    assert mount.process.poll() is None


def test_cp_makes_true_copies(mount):
    mount.ok("cp -r control import README $HOME/ && cmp README $HOME/README && cmp control/deploy $HOME/control/deploy")


def test_an_open_readme_can_be_read_anywhere(mount):
    whole = mount.read("README").encode()
    with open(mount.path / "README", "rb") as f:
        assert os.pread(f.fileno(), 100, 1000) == whole[1000:1100]


def test_a_read_at_the_start_renders_anew(mount):
    with open(mount.path / "status", "rb", buffering=0) as f:
        assert b"no-settings" in f.read()
        mount.configure()
        f.seek(0)
        assert b"state unknown" in f.read()


def test_events_log_grows_where_it_was(mount):
    with open(mount.path / "events.log", "rb", buffering=0) as f:
        before = f.read()
        mount.configure()
        assert until(lambda: f.read(), "a new line")
        assert os.stat(mount.path / "events.log").st_size > len(before)
