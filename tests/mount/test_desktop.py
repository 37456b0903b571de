# SPDX-License-Identifier: BSD-3-Clause
"""contrib/desktop: what a file manager's menu and the desktop's launcher start."""

import os
import subprocess
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest
from conftest import ROOT, VASTFS

DESKTOP = ROOT / "contrib/desktop"


@pytest.fixture
def desktop(unmounted):
    """The environment of a session without dialogs, whose file manager notes what it opens."""
    programs = unmounted.base / "bin"
    programs.mkdir()
    (programs / "vastfs").symlink_to(VASTFS)
    (programs / "xdg-open").write_text("#!/bin/sh\necho \"$1\" >> ~/opened\n")
    (programs / "xdg-open").chmod(0o755)
    unmounted.env["PATH"] = f"{programs}:{unmounted.env['PATH']}"
    return unmounted


def run(mount, program, *args):
    return subprocess.run([DESKTOP / program, *args], env=mount.env, cwd=mount.base, capture_output=True, text=True, timeout=60)


def test_the_launcher_mounts_once_and_opens(desktop):
    for times in (1, 2):
        done = run(desktop, "vastfs-open", desktop.path)
        assert done.returncode == 0, done
        assert desktop.answers()
        assert (desktop.base / "opened").read_text() == f"{desktop.path}\n" * times


def test_the_launcher_says_why_it_cannot_mount(desktop):
    (desktop.path / "file").touch()
    done = run(desktop, "vastfs-open", desktop.path)
    assert done.returncode == 1 and "not empty" in done.stderr
    assert not (desktop.base / "opened").exists()


def test_run_acts_and_says_what_is_refused(desktop):
    desktop.start()
    desktop.deploy()
    assert run(desktop, "vastfs-run", desktop.path / "control/refresh").returncode == 0
    refused = run(desktop, "vastfs-run", desktop.path / "control/run-task")
    assert refused.returncode == 1 and "operation 1 (deploy) is running" in refused.stderr
    for other in ("README", "config/default.env"):
        done = run(desktop, "vastfs-run", desktop.path / other)
        assert done.returncode == 1 and "not a file in control/" in done.stderr
    assert sorted(os.listdir(desktop.path / "operations")) == ["1", "latest"]


def test_run_never_destroys_without_an_answer(desktop):
    desktop.start()
    desktop.configure()
    done = run(desktop, "vastfs-run", desktop.path / "control/destroy")
    assert done.returncode == 1 and "run: touch" in done.stderr
    assert os.listdir(desktop.path / "operations") == []


def test_the_action_is_added_once_beside_others(desktop):
    file = desktop.base / "config/Thunar/uca.xml"
    file.parent.mkdir(parents=True)
    file.write_text("<actions>\n<action><name>Mine</name></action>\n</actions>\n")
    for _ in range(2):
        assert run(desktop, "add-thunar-action").returncode == 0
    names = [action.findtext("name") for action in ElementTree.parse(file).getroot()]
    assert names == ["Mine", "Run"]
    verbs = {p.name for p in Path(desktop.start().path / "control").iterdir()}
    assert verbs == set(ElementTree.parse(file).getroot()[1].findtext("patterns").split(";"))


def test_the_launcher_is_valid():
    subprocess.run(["desktop-file-validate", DESKTOP / "vastfs.desktop"], check=True)
