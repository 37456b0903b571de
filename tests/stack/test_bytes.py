# SPDX-License-Identifier: BSD-3-Clause
"""Any byte: as it is in logs, escaped where a file is one line."""

import pytest
from conftest import LISTEN, until

#: a line of 256 KiB, a NUL, control characters and, at the end, the word to wait for
SAYS = (r"""sh -c 'head -c 262144 /dev/zero | tr "\\000" x; printf "\\none\\000two\\001\\033[31m\\tthree\\n\\303\\274 end\\n"; """
        + LISTEN + " wait'")


@pytest.fixture
def talking(tree):
    tree.configure(vast_command=SAYS)
    tree.operate("deploy")
    tree.operate("run-task")
    return tree


def log(tree, name):
    until(lambda: b" end\n" in (tree.path / name).read_bytes(), "the end of the log")
    return (tree.path / name).read_bytes()


def test_logs_have_every_byte(talking):
    for name in ("tasks/default/task.log", "stack/server.log"):
        text = log(talking, name)
        assert b"x" * 262144 in text.replace(b"\n", b"")
        assert b"\none\0two\x01\x1b[31m\tthree\n\xc3\xbc end\n" in text


def test_reasons_are_one_line(talking, cloud):
    task = talking.bash("readlink tasks/default").strip()
    cluster = talking.value("stack/outputs/ClusterName")
    cloud.boto("ecs").stop_task(cluster=cluster, task=task, reason="one\ntwo\x00\x01\x1b[31m \u202e end")
    escaped = r"one\ntwo\x00\x01\x1b[31m \xe2\x80\xae end"
    until(lambda: escaped in talking.read(f"tasks/{task}/stopped_reason"), "the reason")
    assert talking.read(f"tasks/{task}/stopped_reason").count("\n") == 1
    until(lambda: escaped in talking.read("events.log"), "the event")
    for name in ("events.log", "error", "status"):
        assert not any(c < 0x20 and c != 0x0a for c in (talking.path / name).read_bytes()), name
    assert r"two\u0000\u0001\u001b[31m" in talking.read(f"tasks/{task}/task.json")
