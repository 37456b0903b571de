# SPDX-License-Identifier: BSD-3-Clause
"""Commands in the server's container: tasks/<id>/exec, over ECS Exec."""

import ctypes
import os
import struct
import subprocess
import threading
import time

import pytest
from conftest import until

MANY = 50


@pytest.fixture(autouse=True)
def no_faults(cloud):
    yield
    cloud.control("DELETE", "faults")


EXEC = "tasks/default/exec"


def run(tree, command, deadline=60):
    """What one open file answers."""
    done = subprocess.run(["bash", "-c", f'exec 3<>{EXEC}/query; cat >&3; cat <&3'], cwd=tree.path, env=tree.env,
                          input=command.encode() + b"\n", capture_output=True, timeout=deadline)
    return done.stdout


def test_files_of_a_command(server):
    text = server.bash(f"echo 'echo out; echo err >&2; exit 3' > {EXEC}/query; cat {EXEC}/result {EXEC}/exit_code "
                       f"{EXEC}/stderr {EXEC}/state {EXEC}/error {EXEC}/query; ls {EXEC}")
    lines = text.splitlines()
    assert lines[:4] == ["out", "3", "err", "failed"]
    assert "exit status 3" in lines[4]
    assert "echo out; echo err >&2; exit 3" in lines
    assert lines[-10:] == ["cancel", "duration", "error", "exit_code", "history", "progress", "query", "result", "state",
                           "stderr"]
    assert int(server.value(f"{EXEC}/duration")) < 10000


def test_history_belongs_to_the_task(server):
    run(server, "echo remembered")
    number = max(os.listdir(server.path / EXEC / "history"), key=int)
    assert server.read(f"{EXEC}/history/{number}/result") == "remembered\n"
    assert server.read(f"{EXEC}/history/{number}/query") == "echo remembered\n"
    assert server.bash("ls lambda/history") == ""
    task = os.readlink(server.path / "tasks/default")
    assert server.bash(f"cd tasks/{task}/exec/history/{number} && pwd -P && cd .. && ls").endswith(f"{number}\n")


def test_every_byte(server):
    program = r"""i=0; while [ $i -lt 256 ]; do printf "\\$(printf %o $i)"; i=$((i+1)); done"""
    assert run(server, program) == bytes(range(256))


def test_output_of_a_terminal_is_not_changed(server):
    assert run(server, r"printf 'a\r\nb\tc\033[31m\004\003'") == b"a\r\nb\tc\033[31m\004\003"


def test_standard_input_is_empty(server):
    assert run(server, "cat; wc -c; tty") == b"0\nnot a tty\n"


def test_it_runs_in_the_container(server):
    out = run(server, "id -u; pwd; echo $AWS_EXECUTION_ENV; cat /proc/1/cmdline | tr '\\0' ' '").decode().splitlines()
    assert out[0] == "0"
    assert out[1] == "/var/lib/vast"
    assert out[2] == "AWS_ECS_FARGATE"
    assert "httpd" in out[3]


def test_signal_is_128_and_its_number(server):
    server.bash(f"echo 'kill -9 $$' > {EXEC}/query; cat {EXEC}/result")
    assert server.value(f"{EXEC}/exit_code") == "137"


def test_long_command(server):
    text = "".join(f"echo {i:06}\n" for i in range(8000))
    assert len(text) > 90000
    assert run(server, text) == text.replace("echo ", "").encode()


def test_too_long_command_is_refused(server):
    done = server.bash(f"head -c 200000 /dev/zero | tr '\\0' x > {EXEC}/query", check=False)
    assert done.returncode != 0
    assert b"File too large" in done.stderr


def test_much_output_is_exact(server):
    out = run(server, "i=0; while [ $i -lt 40 ]; do i=$((i+1)); head -c 500000 /dev/zero | tr '\\0' '\\377'; done", 60)
    assert len(out) == 20_000_000
    assert out.count(b"\xff") == len(out)


def test_result_can_be_read_while_it_runs(server):
    with open(server.path / EXEC / "query", "r+b", buffering=0) as f:
        f.write(b"echo first; echo trouble >&2; sleep 1000\n")
        assert f.read(100) == b"first\n"
        until(lambda: server.read(f"{EXEC}/stderr") == "trouble\n")
        assert server.value(f"{EXEC}/state") == "running"
        server.write(f"{EXEC}/cancel", "1")
        with pytest.raises(OSError):
            f.read(100)
    assert server.value(f"{EXEC}/state") == "cancelled"


def processes(tree, pattern):
    return run(tree, f"ps -o args | grep -v grep | grep -c '{pattern}'").decode().strip()


def test_cancel_ends_the_command_in_the_container(server):
    server.write(f"{EXEC}/query", "sleep 4242")
    until(lambda: server.value(f"{EXEC}/state") == "running")
    until(lambda: processes(server, "^sleep 4242") == "1")
    number = [n for n in os.listdir(server.path / EXEC / "history")
              if server.read(f"{EXEC}/history/{n}/query") == "sleep 4242"][0]
    server.bash(f"touch {EXEC}/history/{number}/cancel")
    until(lambda: server.value(f"{EXEC}/history/{number}/state") == "cancelled")
    until(lambda: processes(server, "^sleep 4242") == "0")


def test_cancel_ends_who_ignores_the_keyboard(server):
    server.write(f"{EXEC}/query", "trap '' INT QUIT; echo ready; while :; do sleep 1; done # deaf")
    number = max(os.listdir(server.path / EXEC / "history"), key=int)
    until(lambda: server.value(f"{EXEC}/history/{number}/state") == "running")
    server.bash(f"touch {EXEC}/history/{number}/cancel")
    until(lambda: server.value(f"{EXEC}/history/{number}/state") == "cancelled")
    until(lambda: processes(server, "deaf") == "0")


def test_a_child_in_the_background_does_not_hold_the_result(server):
    begin = time.monotonic()
    assert run(server, "sleep 1000 & echo started") == b"started\n"
    assert time.monotonic() - begin < 60
    assert server.value(f"{EXEC}/exit_code") == "0"


def test_many_at_once(server):
    answers = {}

    def one(i):
        answers[i] = run(server, f"sleep 0.2; echo number {i}", 60)

    threads = [threading.Thread(target=one, args=(i,)) for i in range(MANY)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert answers == {i: f"number {i}\n".encode() for i in range(MANY)}
    tasks = len(os.listdir(f"/proc/{server.process.pid}/task"))
    assert tasks < 12, "a thread for each session"


# -- bad weather


@pytest.mark.parametrize("kind", ["exec_double", "exec_reorder", "exec_bad_digest", "exec_cut_frame", "exec_oversize"])
def test_damaged_messages(server, cloud, kind):
    cloud.fault("exec", kind)
    text = run(server, "i=0; while [ $i -lt 3000 ]; do i=$((i+1)); echo line $i; done", 60)
    assert text == "".join(f"line {i}\n" for i in range(1, 3001)).encode()


def test_broken_connection(server, cloud):
    before = cloud.calls("ssm:ResumeSession")
    cloud.fault("exec", "exec_break", after_bytes=50000)
    text = run(server, "i=0; while [ $i -lt 20000 ]; do i=$((i+1)); echo line $i; done", 60)
    assert text == "".join(f"line {i}\n" for i in range(1, 20001)).encode()
    assert cloud.calls("ssm:ResumeSession") == before + 1


def test_connection_refused_at_first(server, cloud):
    cloud.fault("exec", "exec_refuse", count=2)
    assert run(server, "echo at last") == b"at last\n"


def test_token_that_is_not_valid_any_more(server, cloud):
    cloud.fault("exec", "exec_bad_token")
    assert run(server, "echo at last") == b"at last\n"


def test_closed_without_a_word(server, cloud):
    cloud.fault("exec", "exec_close", after_bytes=30000)
    done = server.bash(f"echo 'while :; do echo line; sleep 0.01; done' > {EXEC}/query; cat {EXEC}/result", check=False)
    assert b"Input/output error" in done.stderr
    assert done.stdout.startswith(b"line\n")
    assert "cannot be resumed" in server.read(f"{EXEC}/error")
    assert "DoesNotExistException" in server.read("error")


def test_idle_session(server, cloud):
    cloud.fault("exec", "exec_idle", seconds=0.5)
    done = server.bash(f"echo 'sleep 1000' > {EXEC}/query; cat {EXEC}/result", check=False)
    assert done.returncode == 1
    assert "timed out due to inactivity" in server.read(f"{EXEC}/error")


def test_agent_that_needs_its_time(server, cloud):
    cloud.fault("exec", "exec_agent_down", count=1)
    server.write(f"{EXEC}/query", "echo late")
    until(lambda: "TargetNotConnectedException" in server.read(f"{EXEC}/progress"))
    assert server.value(f"{EXEC}/state") == "queued"
    assert server.bash(f"cat {EXEC}/result") == "late\n"


def test_cancel_while_it_waits(server, cloud):
    cloud.fault("exec", "exec_agent_down", count=0)
    server.write(f"{EXEC}/query", "echo never")
    until(lambda: "TargetNotConnectedException" in server.read(f"{EXEC}/progress"))
    server.bash(f"touch {EXEC}/cancel")
    until(lambda: server.value(f"{EXEC}/state") == "cancelled")


def test_input_that_is_never_acknowledged_can_be_cancelled(server, cloud):
    cloud.fault("exec", "exec_no_ack")
    server.write(f"{EXEC}/query", "echo never")
    until(lambda: "running" in server.read("status") or server.value(f"{EXEC}/state") in ("queued", "running"))
    server.bash(f"touch {EXEC}/cancel")
    until(lambda: server.value(f"{EXEC}/state") == "cancelled")


def test_denied(server, cloud):
    cloud.fault("ecs:ExecuteCommand", "error", status=400, code="AccessDeniedException",
                message="User is not authorized to perform: ecs:ExecuteCommand")
    done = server.bash(f"echo true > {EXEC}/query; cat {EXEC}/result", check=False)
    assert done.returncode == 1
    assert "not authorized to perform: ecs:ExecuteCommand" in server.read(f"{EXEC}/error")


def test_encrypted_session(server, cloud):
    kms, ecs = cloud.boto("kms"), cloud.boto("ecs")
    key = kms.create_key()["KeyMetadata"]["Arn"]
    cluster = server.value("stack/outputs/ClusterName")
    ecs.update_cluster(cluster=cluster, configuration={"executeCommandConfiguration": {"kmsKeyId": key}})
    try:
        assert run(server, "echo secret; echo hidden >&2") == b"secret\n", server.read("error")
        assert cloud.calls("kms:GenerateDataKey") == 1
    finally:
        ecs.update_cluster(cluster=cluster, configuration={})


def test_key_that_is_refused(server, cloud):
    key = cloud.boto("kms").create_key()["KeyMetadata"]["Arn"]
    cluster = server.value("stack/outputs/ClusterName")
    cloud.boto("ecs").update_cluster(cluster=cluster, configuration={"executeCommandConfiguration": {"kmsKeyId": key}})
    cloud.fault("kms:GenerateDataKey", "error", status=400, code="AccessDeniedException", message="not for you")
    try:
        done = server.bash(f"echo true > {EXEC}/query; cat {EXEC}/result", check=False)
        assert done.returncode == 1
        assert "KMS returned no key: not for you" in server.read(f"{EXEC}/error")
    finally:
        cloud.boto("ecs").update_cluster(cluster=cluster, configuration={})


def test_no_secret_is_written_down(server, cloud):
    run(server, "echo x")
    tokens = [c for c in cloud.control("GET", "journal") if c["action"] == "ExecuteCommand"]
    assert tokens
    text = server.read("api.log") + server.read("events.log") + (server.base / "vastfs.log").read_text()
    assert "ExecuteCommand" in text
    assert "tokenValue" not in text.lower() and "data-channel" not in text


# -- tasks that cannot


def test_task_without_exec(deployed, cloud):
    deployed.operate("run-task")
    task = deployed.value("tasks/default/task.json") and os.readlink(deployed.path / "tasks/default")
    ecs = cloud.boto("ecs")
    cluster = deployed.value("stack/outputs/ClusterName")
    old = ecs.describe_tasks(cluster=cluster, tasks=[task])["tasks"][0]
    details = {d["name"]: d["value"] for d in old["attachments"][0]["details"]}
    fresh = ecs.run_task(cluster=cluster, taskDefinition=old["taskDefinitionArn"], launchType="FARGATE", count=1,
                         networkConfiguration={"awsvpcConfiguration": {"subnets": [details["subnetId"]]}})["tasks"][0]
    other = fresh["taskArn"].rpartition("/")[2]
    deployed.bash("touch control/refresh")
    until(lambda: (deployed.path / "tasks" / other / "status").exists()
          and deployed.value(f"tasks/{other}/status") == "RUNNING")
    done = deployed.bash(f"echo true > tasks/{other}/exec/query", check=False)
    assert b"Operation not permitted" in done.stderr
    assert "without ECS Exec" in deployed.read("error")
    # a prefix that more than one has, and one that none has
    done = subprocess.run([os.environ.get("VASTFS", "vastfs"), "shell", deployed.path, "zzzz"], env=deployed.env,
                          capture_output=True, stdin=subprocess.DEVNULL, timeout=60)
    assert done.returncode == 255 and b"there is no task zzzz" in done.stderr


def test_task_that_stops_in_the_middle(deployed):
    deployed.operate("run-task")
    task = os.readlink(deployed.path / "tasks/default")
    deployed.write(f"tasks/{task}/exec/query", "echo begun; sleep 1000")
    until(lambda: deployed.value(f"tasks/{task}/exec/state") == "running")
    deployed.operate("stop-all-tasks")
    done = deployed.bash(f"cat tasks/{task}/exec/result", check=False)
    assert b"Input/output error" in done.stderr
    assert done.stdout == b"begun\n"
    assert "ended before the command did" in deployed.read(f"tasks/{task}/exec/error")
    refused = deployed.bash(f"echo true > tasks/{task}/exec/query", check=False)
    assert b"No such device or address" in refused.stderr
    missing = deployed.bash("echo true > tasks/default/exec/query", check=False)
    assert missing.returncode != 0


def test_after_restart_all_points_to_the_new_server(deployed):
    deployed.operate("run-task")
    first = os.readlink(deployed.path / "tasks/default")
    deployed.operate("restart-task")
    second = os.readlink(deployed.path / "tasks/default")
    assert first != second
    address = deployed.value("tasks/default/private_ip")
    assert run(deployed, "echo $VASTFS_SANDBOX_ADDRESS").decode().strip() == address
    assert deployed.query("echo ${VAST_ENDPOINT%:*}").decode().strip() == address


# -- health


ANSWERS = "exec httpd -f -p $VASTFS_SANDBOX_ADDRESS:42000"


def test_check_of_a_server_that_answers(tree):
    tree.configure(vast_command=f"sh -c '{ANSWERS}'")
    tree.operate("deploy")
    tree.operate("run-task")
    assert "Last: never" in tree.read("tasks/default/check")
    assert tree.bash("exec 3<>tasks/default/check; echo >&3; cat <&3") == "port 42000 answers\n"
    assert tree.value("tasks/default/health") == "HEALTHY"
    assert "port 42000 answers" in tree.read("tasks/default/check")
    assert "its port answers" in tree.read("events.log")
    assert tree.bash("ls lambda/history; cat lambda/result") == ""  # it is no query of the user's


def test_check_of_a_server_that_is_silent(tree, cloud):
    """It runs, but opens no port: run-task says so, and check, before ECS's start period ends."""
    tree.configure(vast_command="sh -c 'echo no port; sleep 1000 & wait'", server_start_timeout=1)
    tree.operate("deploy")
    error = tree.operate("run-task", fails=True)
    assert "does not accept connections on port 42000 after 1 s" in error and "no port" in error
    server = tree
    assert server.value("tasks/default/health") == "UNKNOWN"
    before = cloud.calls("lambda:InvokeWithResponseStream")
    server.bash("cat tasks/default/check tasks/default/health; touch -d yesterday tasks/default/check; sync")
    assert cloud.calls("lambda:InvokeWithResponseStream") == before
    server.bash("touch tasks/default/check")
    until(lambda: server.value("tasks/default/health") == "UNHEALTHY")
    assert "port 42000 does not answer" in server.read("tasks/default/check")
    assert cloud.calls("lambda:InvokeWithResponseStream") == before + 1


def test_check_of_a_task_that_is_gone(deployed):
    deployed.operate("run-task")
    task = os.readlink(deployed.path / "tasks/default")
    deployed.operate("stop-all-tasks")
    done = deployed.bash(f"touch tasks/{task}/check", check=False)
    assert b"No such device or address" in done.stderr
    assert "the task is STOPPED" in deployed.read("error")


def test_changes_wake_who_watches_files(server):
    """inotify, as file managers use it: state and result of the last command."""
    libc = ctypes.CDLL(None, use_errno=True)
    fd = libc.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC)
    watched = {libc.inotify_add_watch(fd, os.fsencode(server.path / EXEC / name), 4) for name in ("state", "result")}
    assert len(watched) == 2 and -1 not in watched
    seen = set()

    def look():
        try:
            seen.update(struct.unpack_from("i", os.read(fd, 16))[:1])
        except BlockingIOError:
            pass
        return seen == watched

    run(server, "true")
    until(look, "both events")
    os.close(fd)
