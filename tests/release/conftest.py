# SPDX-License-Identifier: BSD-3-Clause
"""What a package brings beside the program: the manual and the completions."""

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
BUILD = Path(os.environ.get("VASTFS_BUILD", ROOT / "build"))


@pytest.fixture
def tree(tmp_path):
    """A directory that looks like a mount to a completion: it has tasks."""
    for task in ("0123aa", "0456bb"):
        (tmp_path / "a vast" / "tasks" / task).mkdir(parents=True)
        (tmp_path / "vast" / "tasks" / task).mkdir(parents=True)
    (tmp_path / "vast" / "tasks" / "default").symlink_to("0123aa")
    return tmp_path / "vast"
