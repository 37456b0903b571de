# SPDX-License-Identifier: BSD-3-Clause
"""What was accepted is found again: the journal of operations under kills, full disks and careless hands."""

import json
import os
import shutil
import subprocess

import pytest
from conftest import ROOT, SETTINGS, VASTFS, until
from unmounting import unmount


def journal(mount):
    return mount.base / "state/vastfs/journal.jsonl"


def records(mount, kind="entry"):
    lines = journal(mount).read_text().splitlines()
    return [record[kind] for record in map(json.loads, lines) if kind in record]


def kill(mount):
    mount.process.kill()
    mount.process.wait(10)


def remount(mount):
    """After a kill; what was in flight is refused from now on."""
    kill(mount)
    return mount.start()


@pytest.mark.parametrize("start", ["touch control/deploy", "echo purge > control/destroy"])
def test_killed_as_soon_as_the_touch_returned(mount, start):
    """The kill comes from the same shell: nothing is between the touch's answer and it."""
    mount.configure()
    for number in range(1, 6):
        mount.shell(f"{start}; kill -9 {mount.process.pid}")
        mount.process.wait(10)
        mount.start()
        assert os.readlink(mount.path / "operations/latest") == "1"
        assert mount.read("operations/1/state") in ("queued\n", "running\n"), number
        assert mount.read("operations/1/name").split()[0] in start


def test_it_runs_with_the_settings_it_was_accepted_with(mount):
    mount.deploy()
    kill(mount)
    (mount.base / "config/vastfs/default.env").write_text(SETTINGS + "server_memory=8192\n")
    mount.start()
    assert mount.read("operations/1/state") in ("queued\n", "running\n")
    assert "server_memory" not in records(mount)[-1]["memory"]["settings"]


@pytest.mark.parametrize("line,word", [("stage=other", "stack vast-default (here: vast-other)"),
                                       ("aws_region=us-east-1", "region eu-west-1 (here: us-east-1)")])
def test_elsewhere_it_is_unknown_and_nobody_waits(mount, line, word):
    mount.deploy()
    kill(mount)
    (mount.base / "config/vastfs/default.env").write_text(SETTINGS + line + "\n")
    mount.start()
    assert mount.read("operations/1/state") == "unknown\n"
    assert word in mount.read("operations/1/error")
    assert word in mount.read("error") and "config/default.env, then mount again" in mount.read("error")
    assert mount.read("operations/1/exit_code") == "1\n"
    assert mount.shell("cat operations/latest/result").returncode == 1
    mount.ok("touch control/deploy")
    assert mount.read("operations/2/state") in ("queued\n", "running\n")


def test_at_another_endpoint_it_is_unknown_and_comes_back(mount):
    endpoint = mount.env["AWS_ENDPOINT_URL"]
    mount.deploy()
    kill(mount)
    mount.env["AWS_ENDPOINT_URL"] = "http://127.0.0.1:9"
    mount.start()
    assert mount.read("operations/1/state") == "unknown\n"
    assert f"set AWS_ENDPOINT_URL={endpoint}" in mount.read("operations/1/error")
    kill(mount)
    mount.env["AWS_ENDPOINT_URL"] = endpoint
    mount.start()
    assert mount.read("operations/1/state") in ("queued\n", "running\n")


def test_without_settings_it_waits_for_them(mount):
    mount.deploy()
    kill(mount)
    (mount.base / "config/vastfs/default.env").unlink()
    mount.start()
    assert mount.read("operations/1/state") == "unknown\n" and "no settings" in mount.read("operations/1/error")
    kill(mount)
    (mount.base / "config/vastfs/default.env").write_text(SETTINGS)
    mount.start()
    assert mount.read("operations/1/state") in ("queued\n", "running\n")


def test_no_number_is_given_out_twice(mount):
    mount.configure()
    for number in range(1, 4):
        mount.ok("touch control/deploy")
        mount.cancel()
        until(lambda: mount.read(f"operations/{number}/state") not in ("queued\n", "running\n"), "its end", 60)
        remount(mount)
    assert sorted(os.listdir(mount.path / "operations")) == ["1", "2", "3", "latest"]


def test_a_cut_journal_is_reported_and_kept(mount):
    mount.configure()
    mount.ok("touch control/deploy")
    mount.cancel()
    until(lambda: mount.read("operations/1/state") not in ("queued\n", "running\n"), "its end", 60)
    kill(mount)
    text = journal(mount).read_bytes()
    journal(mount).write_bytes(text[:-30])
    mount.start()
    assert "journal" in mount.read("error") and "cannot be read" in mount.read("error")
    assert [p.read_bytes() for p in journal(mount).parent.glob("*.damaged-*")] == [text[:-30]]
    assert "1" in os.listdir(mount.path / "operations")


def test_a_newer_journal_is_kept_and_operations_are_refused(unmounted):
    journal(unmounted).parent.mkdir(parents=True)
    journal(unmounted).write_text('{"journal":99}\n')
    unmounted.start().configure()
    done = unmounted.shell("touch control/deploy")
    assert done.returncode == 1 and "it was written by a newer version of vastfs" in unmounted.read("error")
    assert journal(unmounted).read_text() == '{"journal":99}\n'
    assert os.listdir(unmounted.path / "operations") == ["latest"] or not os.listdir(unmounted.path / "operations")


def test_a_state_directory_that_vanishes_comes_back(mount):
    mount.configure()
    shutil.rmtree(mount.base / "state")
    mount.ok("touch control/deploy")
    remount(mount)
    assert mount.read("operations/1/state") in ("queued\n", "running\n")


def test_what_runs_is_kept_though_the_state_directory_vanishes(mount):
    mount.deploy()
    shutil.rmtree(mount.base / "state")
    unmount(mount.path)
    mount.process.wait(60)
    mount.start()
    assert mount.read("operations/1/state") in ("queued\n", "running\n")


def test_where_it_cannot_be_kept_it_is_refused(mount):
    """And accepted as soon as it can be."""
    mount.configure()
    shutil.rmtree(mount.base / "state")
    (mount.base / "state").touch()
    for script in ("touch control/deploy", "echo purge > control/destroy"):
        done = mount.shell(script)
        assert done.returncode == 1 and "Not a directory" in done.stderr
    assert "cannot write the journal" in mount.read("error") and "errno=ENOTDIR" in mount.read("error")
    assert mount.shell("ls operations | grep -v latest").stdout == ""
    assert "DeleteStack" not in mount.read("api.log") and "CreateChangeSet" not in mount.read("api.log")
    (mount.base / "state").unlink()
    mount.ok("touch control/deploy")


def test_a_full_disk_refuses_the_touch(unmounted):
    """A limit of 1 KiB a file is as good: the settings fit, an entry of the journal does not."""
    with open(unmounted.base / "vastfs.log", "ab") as log:
        unmounted.process = subprocess.Popen(["bash", "-c", f"ulimit -f 1; exec {VASTFS} -f mnt"], env=unmounted.env,
                                             cwd=unmounted.base, stdin=subprocess.DEVNULL, stderr=log)
    until(unmounted.answers, "the mount")
    (unmounted.path / "config/default.env").write_text(SETTINGS + f"vast_command={'x' * 600}\n")
    done = unmounted.shell("touch control/deploy")
    assert done.returncode == 1 and "File too large" in done.stderr
    assert "errno=EFBIG" in unmounted.read("error") and "free disk space" in unmounted.read("error")
    kill(unmounted)
    unmounted.start()
    assert unmounted.shell("ls operations | grep -v latest").stdout == ""
    unmounted.ok("touch control/deploy")


def test_the_state_directory_may_be_missing_at_mount(unmounted):
    (unmounted.base / "state").touch()
    unmounted.start().configure()
    assert "cannot write the journal" in unmounted.read("error")
    assert unmounted.shell("touch control/deploy").returncode == 1
    (unmounted.base / "state").unlink()
    unmounted.ok("touch control/deploy")


def test_the_journal_of_the_version_before_is_taken_over(unmounted):
    """Written by that version with these settings, killed during a deploy."""
    config = unmounted.base / "config/vastfs/default.env"
    config.parent.mkdir(parents=True)
    config.write_text(SETTINGS)
    journal(unmounted).parent.mkdir(parents=True)
    shutil.copy(ROOT / "tests/data/journal-1.json", journal(unmounted).parent / "journal.json")
    unmounted.start()
    assert unmounted.read("operations/1/state") == "failed\n" and "no connection" in unmounted.read("operations/1/error")
    assert unmounted.read("operations/2/state") in ("queued\n", "running\n")
    assert "resumed after vastfs had ended" in unmounted.read("operations/2/operation.log")
    kill(unmounted)
    unmounted.start()
    assert unmounted.read("operations/2/state") in ("queued\n", "running\n")
    unmounted.cancel()
    until(lambda: unmounted.read("operations/2/state") not in ("queued\n", "running\n"), "its end", 60)
    unmounted.ok("touch control/deploy")
    assert os.readlink(unmounted.path / "operations/latest") == "3"
    assert sorted(os.listdir(journal(unmounted).parent)) == [".owner", "journal.json.old", "journal.jsonl", "spool"]
