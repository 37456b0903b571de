# SPDX-License-Identifier: BSD-3-Clause
"""The pictures of every situation, drawn by picture-show, and one browser for all tests."""

import os
import subprocess
from pathlib import Path

import pytest

import browser as chromium

ROOT = Path(__file__).resolve().parents[2]
BUILD = Path(os.environ.get("VASTFS_BUILD", ROOT / "build"))


@pytest.fixture(scope="session")
def pictures(tmp_path_factory):
    """A directory with a directory for each situation."""
    directory = tmp_path_factory.mktemp("pictures")
    done = subprocess.run([BUILD / "tests/picture/picture-show", directory], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0 and not done.stderr, done.stderr
    return directory


@pytest.fixture(scope="session")
def browser(tmp_path_factory):
    if not chromium.program():
        pytest.skip("no Chromium: contrib/setup tests installs it")
    b = chromium.Browser(tmp_path_factory.mktemp("chromium"))
    yield b
    b.close()


@pytest.fixture(scope="session")
def tab(browser):
    return chromium.Tab(browser)
