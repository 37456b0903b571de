# SPDX-License-Identifier: BSD-3-Clause
"""Commands in Lambda."""

import os
import shutil
import subprocess
import threading
from pathlib import Path

import pytest
from conftest import Tree, until

INVOKE = "lambda:InvokeWithResponseStream"


@pytest.fixture(scope="module", autouse=True)
def stack(cloud, tmp_path_factory):
    """One stack with a server for all tests of this file."""
    tree = Tree(cloud, tmp_path_factory.mktemp("queries")).mount()
    tree.configure()
    tree.operate("deploy")
    yield tree
    tree.operate("destroy", "purge")
    tree.unmount()


def test_the_one_liner(stack):
    assert stack.bash("echo 'echo hello' > lambda/query; cat lambda/result") == "hello\n"
    assert stack.value("lambda/state") == "succeeded"
    assert stack.value("lambda/exit_code") == "0"
    assert stack.value("lambda/request_id")
    assert stack.value("lambda/duration").isdigit()


@pytest.mark.parametrize("cat", ["/usr/lib/cargo/bin/coreutils/cat", "busybox cat"])
def test_a_cat_that_splices_waits_and_prints_everything(stack, cat):
    """uutils and busybox read by splice(2) and sendfile(2), which take nothing from a file of size 0."""
    if not shutil.which(cat.split()[0]):
        pytest.skip(f"{cat} is not installed")
    assert stack.bash(f"echo 'echo early; sleep 1; echo late' > lambda/query; {cat} lambda/result") == "early\nlate\n"
    assert stack.bash(f"{cat} lambda/result lambda/exit_code") == "early\nlate\n0\n"
    large = stack.bash(f"echo 'seq 50000' > lambda/query; {cat} lambda/result | cksum; {cat} lambda/result | cksum; seq 50000 | cksum")
    assert len(set(large.splitlines())) == 1


def test_what_could_not_be_run_is_empty_in_history(stack):
    """So that a history is copied and packed; the live file says so by an error."""
    stack.bash("echo 'sleep 100' > lambda/query; touch lambda/cancel; ! cat lambda/result")
    number = max(map(int, os.listdir(stack.path / "lambda/history")))
    assert stack.bash(f"cat lambda/history/{number}/result lambda/history/{number}/exit_code") == ""
    assert stack.bash(f"cat lambda/history/{number}/error")
    stack.bash("tar -cf - lambda/history | tar -tf - >/dev/null && cp -r lambda/history $HOME/history")
    stack.bash("! cat lambda/result")


def test_a_command_that_fails_is_no_io_error(stack):
    assert stack.bash("echo 'echo out; echo err >&2; exit 3' > lambda/query; cat lambda/result") == "out\n"
    assert stack.value("lambda/exit_code") == "3"
    assert stack.read("lambda/stderr") == "err\n"
    assert stack.value("lambda/state") == "failed"


def test_output_is_byte_exact(stack):
    data = bytes(range(256)) * 40
    literal = "".join(f"\\{b:03o}" for b in data[:256])
    assert stack.query(f"i=0; while [ $i -lt 40 ]; do printf '{literal}'; i=$((i+1)); done") == data
    assert stack.query("printf 'no newline'") == b"no newline"
    assert stack.query("true") == b""


def test_commands_of_any_shape(stack):
    assert stack.query("echo \"it's\" '\"quoted\"' $((6*7)) `echo x`") == b"it's \"quoted\" 42 x\n"
    assert stack.query("echo ä\necho 日本") == "ä\n日本\n".encode()
    long = "x" * 100_000
    assert stack.query(f"echo {long} | wc -c") == b"100001\n"


def test_limits_are_refused_at_once(stack):
    with pytest.raises(OSError) as refused:
        with open(stack.path / "lambda/query", "wb", buffering=0) as f:
            f.write(b"x" * (100 * 1024 + 1))
    assert refused.value.errno == 27
    with pytest.raises(OSError) as refused:
        with open(stack.path / "lambda/query", "wb", buffering=0) as f:
            f.write(b"echo \0\n")
    assert refused.value.errno == 22


def connections(cloud):
    """How many connections to the cloud are established."""
    port = int(cloud.endpoint.rpartition(":")[2])
    rows = (line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:])
    return sum(row[2].endswith(f":{port:04X}") and row[3] == "01" for row in rows)


def test_queries_leave_no_connections(stack, cloud):
    """Each one has a new connection, on which libcurl cannot send it twice."""
    stack.query("true")
    before = connections(cloud)
    for _ in range(20):
        stack.query("true")
    until(lambda: connections(cloud) < before + 10, "the end of the connections")


def test_without_a_server_it_runs_without_an_endpoint(stack):
    assert stack.query("echo \"[$VAST_ENDPOINT]\"") == b"[]\n"
    assert "no server is running" in stack.read("lambda/error")


def test_with_a_server_it_has_its_endpoint(stack):
    stack.operate("run-task")
    try:
        endpoint = stack.value("tasks/default/endpoint")
        assert stack.query("echo $VAST_ENDPOINT $TENZIR_ENDPOINT").decode() == f"{endpoint} {endpoint}\n"
    finally:
        stack.operate("stop-all-tasks")


def test_each_open_file_gets_its_own_answer(stack):
    answers = {}

    def ask(n):
        answers[n] = stack.query(f"sleep 0.$((({n} * 7) % 5)); echo {n}")

    threads = [threading.Thread(target=ask, args=(n,)) for n in range(16)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert answers == {n: f"{n}\n".encode() for n in range(16)}


def test_the_shell_idiom_for_scripts(stack):
    for shell in ("bash", "dash"):
        assert stack.bash("exec 3<>lambda/query; echo 'echo 42' >&3; cat <&3; echo 'echo 43' >&3; cat <&3",
                          shell=shell) == "42\n43\n"


def test_history(stack):
    stack.bash("echo 'echo one' > lambda/query; cat lambda/result; echo 'exit 4' > lambda/query; cat lambda/result")
    newest, before = sorted(map(int, os.listdir(stack.path / "lambda/history")), reverse=True)[:2]
    assert stack.read(f"lambda/history/{before}/result") == "one\n"
    assert stack.read(f"lambda/history/{before}/query") == "echo one\n"
    assert stack.value(f"lambda/history/{newest}/exit_code") == "4"


def test_its_log_has_what_lambda_logged(stack):
    stack.query("echo to the log >&2")
    newest = max(map(int, os.listdir(stack.path / "lambda/history")))
    log = stack.read(f"lambda/history/{newest}/lambda.log")
    assert "to the log" in log and "REPORT RequestId: " + stack.value("lambda/request_id") in log


def test_cut_short_is_not_run(stack):
    with open(stack.path / "lambda/query", "wb", buffering=0) as f:
        f.write(b"echo a")
        f.write(b"; rm -rf /tmp/x")
    assert stack.bash("cat lambda/result", check=False).returncode == 1
    assert "incomplete, not run" in stack.read("lambda/error")


def test_nothing_written_is_no_query(stack):
    before = stack.bash("ls lambda/history")
    stack.bash(": > lambda/query; touch lambda/query; cat lambda/query > /dev/null")
    assert stack.bash("ls lambda/history") == before


def test_a_waiting_reader_is_interrupted_and_the_query_goes_on(stack):
    stack.bash("echo 'sleep 1; echo done' > lambda/query")
    assert stack.bash("timeout -s INT 0.2 cat lambda/result", check=False).returncode == 124
    assert stack.read("lambda/state") in ("queued\n", "running\n")
    assert stack.bash("cat lambda/result") == "done\n"


def test_cancel_says_what_happens(stack):
    stack.bash("echo 'sleep 10' > lambda/query")
    reader = subprocess.Popen(["cat", "lambda/result"], cwd=stack.path, stderr=subprocess.PIPE)
    stack.bash("touch lambda/cancel")
    assert reader.wait(60) == 1
    assert stack.value("lambda/state") == "cancelled"
    assert "continues in Lambda" in stack.read("lambda/error") or "before it was sent" in stack.read("lambda/error")


def test_what_did_not_start_is_tried_again(stack, cloud):
    cloud.fault(INVOKE, "error", status=409, code="ResourceConflictException", message="Pending", count=2)
    before = cloud.calls(INVOKE)
    assert stack.query("echo late") == b"late\n"
    assert cloud.calls(INVOKE) == before + 3


@pytest.mark.parametrize("kind", ["drop_after", "error500", "html503", "garbage"])
def test_what_may_have_run_is_never_sent_again(stack, cloud, kind):
    before = cloud.calls(INVOKE)
    cloud.fault(INVOKE, kind, count=1)
    assert stack.bash("echo 'echo x' > lambda/query; cat lambda/result", check=False).returncode == 1
    assert stack.value("lambda/state") == "failed"
    assert stack.read("lambda/error").strip()
    assert cloud.calls(INVOKE) == before + 1
