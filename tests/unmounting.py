# SPDX-License-Identifier: BSD-3-Clause
"""Unmounting as a patient user does it: once more, while some program is inside."""

import subprocess
import time

PATIENCE_S = 60


def unmount(path):
    """Without -z: for 60 s the mount may be busy by programs that look at it, file managers and vastfs's own events."""
    end = time.monotonic() + PATIENCE_S
    while (done := subprocess.run(["fusermount3", "-u", path], capture_output=True, text=True, check=False)).returncode:
        assert time.monotonic() < end, f"cannot unmount {path}: {done.stderr}"
        time.sleep(0.1)
