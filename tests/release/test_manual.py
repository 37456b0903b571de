# SPDX-License-Identifier: BSD-3-Clause
"""The manual's pages are well-formed, and their lists are those of the program."""

import os
import re
import subprocess

import pytest

from conftest import BUILD, ROOT

PAGES = ("vastfs.1", "vastfs-open.1", "vastfs-run.1", "vastfs-sandbox.1", "vastfs-shell.1", "vastfs.5")
PROGRAM = os.environ.get("VASTFS", str(BUILD / "vastfs"))


def page(name):
    return BUILD / "contrib/manual" / name


def rendered(name):
    done = subprocess.run(["mandoc", "-Tutf8", page(name)], capture_output=True, text=True, check=True)
    return re.sub(".\b", "", done.stdout)


def run(*command):
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


@pytest.mark.parametrize("name", PAGES)
def test_mandoc_finds_nothing_to_criticize(name):
    done = subprocess.run(["mandoc", "-Tlint", page(name)], capture_output=True, text=True)
    # Whether the manuals of other packages are installed says nothing about this page.
    findings = [line for line in done.stdout.splitlines() if "referenced manual not found" not in line]
    assert findings == []


@pytest.mark.parametrize("name", PAGES)
def test_groff_warns_of_nothing(name):
    done = subprocess.run(["groff", "-man", "-ww", "-z", "-Tutf8", page(name)], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")


def test_every_file_of_the_tree_is_listed():
    text = rendered("vastfs.5")
    rows = [line.split()[-1].lstrip("/") for line in run(PROGRAM, "--list-tree").splitlines()]
    missing = [row for row in rows if row and not row.startswith("control/") and row not in text]
    assert missing == []
    verbs = text[text.index("\nVERBS"):text.index("\nSETTINGS")]
    assert [row for row in rows if row.startswith("control/") and not re.search(
        rf"^ +{re.escape(row.removeprefix('control/'))}\b", verbs, re.MULTILINE)] == []


def test_every_setting_is_listed():
    text = rendered("vastfs.5")
    settings = re.findall(r"`(\w+)`", "".join(
        line.split("|")[1] for line in (ROOT / "docs/settings.md").read_text().splitlines() if line.startswith("| `")))
    assert len(settings) > 20
    assert [key for key in settings if not re.search(rf"^ +{key}\b", text, re.MULTILINE)] == []


def test_every_option_is_documented():
    text = rendered("vastfs.1")
    options = set(re.findall(r"^ {2,4}(-\w|--[\w-]+|[a-z_]+=?)(?=[A-Z ,])", run(PROGRAM, "--help"), re.MULTILINE))
    assert {"-f", "ro", "stage="} <= options
    assert [option for option in options if option not in text] == []


def test_the_version_is_the_program_s():
    assert run(PROGRAM, "--version").split()[-1] in rendered("vastfs.1")
