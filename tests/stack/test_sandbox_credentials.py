# SPDX-License-Identifier: BSD-3-Clause
"""vastfs-sandbox --credentials: each source of keys that the sandbox plays gives an identity that its signature check knows."""

import json
import os
import subprocess

import pytest
from conftest import BUILD, ROOT, RUNTIME, VASTFS, until
from unmounting import unmount

SOURCES = {"static": ("environment", "user/sandbox"), "role": ("role arn:aws:iam::123456789012:role/Engineer via profile base", "assumed-role/Engineer/"),
           "web-identity": ("role arn:aws:iam::123456789012:role/Engineer via web identity", "assumed-role/Engineer/pod"),
           "process": ("credential_process of profile default", "user/sandbox"), "container": ("container", "assumed-role/Engineer/container"),
           "imds": ("instance", "assumed-role/Engineer/i-0123456789abcdef0")}


@pytest.fixture
def sandbox(tmp_path):
    at = tmp_path / "vast"
    at.mkdir()
    env = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "LANG": "C.UTF-8", "VASTFS": str(VASTFS), "VASTFS_SANDBOX_RUNTIME": str(RUNTIME),
           "XDG_CACHE_HOME": os.environ.get("XDG_CACHE_HOME", os.path.expanduser("~/.cache")), "BUILD": str(BUILD)}

    def mount(source):
        subprocess.run([ROOT / "contrib/sandbox/vastfs-sandbox", "--without-engine", "--credentials", source, at], env=env, check=True,
                       capture_output=True, timeout=120)
        return at

    yield mount
    unmount(at)


@pytest.mark.parametrize("source", SOURCES)
def test_a_source(sandbox, source):
    at = sandbox(source)
    me = until(lambda: (found := json.loads((at / "whoami").read_text()))["arn"] and found, "the identity")
    label, arn = SOURCES[source]
    assert me["source"].startswith(label) and arn in me["arn"], me
    assert bool(me["expires"]) == (arn.startswith("assumed-role")), me
