# SPDX-License-Identifier: BSD-3-Clause
"""ECS Exec in the sandbox, through boto3 and the tests' own client."""

import os
import struct

import pytest
from botocore.exceptions import ClientError
from conftest import until
from exec_client import DATA, DEADLINE, FLAG, REQUEST, SIZE, Channel
from run_support import Server
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory):
    server = Server(tmp_path_factory.mktemp("run"))
    server.cluster()
    yield server
    server.end()


@pytest.fixture(scope="module")
def task(sandbox):
    begun = sandbox.run(sandbox.define("sleep 1000"), enableExecuteCommand=True)
    return sandbox.arrives(begun, "RUNNING")


def execute(sandbox, task, command, **more):
    return sandbox.client("ecs").execute_command(
        cluster="vast", task=task["taskArn"], command=command, interactive=True, **more
    )["session"]


def test_output_and_the_end(sandbox, task):
    channel = Channel(execute(sandbox, task, "/bin/sh -c 'echo one; echo two >&2; tty; echo $TERM'"))
    lines = channel.to_end().decode().split("\r\n")
    assert lines[:2] == ["one", "two"]
    assert lines[2].startswith("/dev/pts/") and lines[3] == "xterm-256color"
    assert channel.closed == ""
    with pytest.raises(ConnectionClosed):
        channel.receive()


def test_words_are_split_but_no_shell_runs_them(sandbox, task):
    channel = Channel(execute(sandbox, task, "echo 'a  b' $HOME ';' \"c'\""))
    assert channel.to_end() == b"a  b $HOME ; c'\r\n"


def test_no_signal_is_ignored(sandbox, task):
    text = Channel(execute(sandbox, task, "grep SigIgn /proc/self/status")).to_end().decode()
    assert int(text.split()[1], 16) == 0


def test_input_is_typed(sandbox, task):
    channel = Channel(execute(sandbox, task, "/bin/sh -c 'stty -echo; echo ready; read x; echo got $x'"))
    channel.until(b"ready")
    channel.send(DATA, "grün\n".encode())
    assert channel.to_end().endswith("got grün\r\n".encode())
    assert 1 in channel.acknowledged


def test_size(sandbox, task):
    channel = Channel(execute(sandbox, task, "/bin/sh -c 'echo ready; read x; stty size'"))
    channel.until(b"ready")
    channel.send(SIZE, b'{"cols":133,"rows":41}')
    channel.send(DATA, b"\n")
    assert b"41 133" in channel.to_end()


def test_input_that_comes_twice_or_too_early(sandbox, task):
    channel = Channel(execute(sandbox, task, "/bin/sh -c 'stty -echo; echo ready; read x; read y; echo $x $y'"))
    channel.until(b"ready")
    first = channel.sequence
    channel.send(DATA, b"b\n", first + 1)
    channel.send(DATA, b"a\n", first)
    channel.send(DATA, b"a\n", first)
    assert channel.to_end().endswith(b"a b\r\n")
    assert channel.acknowledged.count(first) == 2  # a duplicate is acknowledged again


def test_what_is_not_acknowledged_comes_again(sandbox, task):
    channel = Channel(execute(sandbox, task, "echo x"))
    first = channel.receive(acknowledge=False)
    again = channel.receive(acknowledge=False)
    assert first[1:] == again[1:] and first[2] == REQUEST


def test_output_is_cut_between_characters(sandbox, task):
    script = "/bin/sh -c 'i=0; while [ $i -lt 2000 ]; do printf ü€; i=$((i+1)); done; printf \"\\377\"'"
    channel = Channel(execute(sandbox, task, script))
    pieces = []
    while channel.closed is None:
        before = len(channel.output)
        channel.step()
        pieces.append(channel.output[before:])
    assert all(len(p) <= 1024 for p in pieces)
    assert b"".join(p.decode().encode() for p in pieces).decode() == "ü€" * 2000 + "\ufffd"


def test_a_connection_that_breaks(sandbox, task):
    script = "/bin/sh -c 'i=0; while [ $i -lt 5000 ]; do i=$((i+1)); echo line $i; done'"
    session = execute(sandbox, task, script)
    channel = Channel(session)
    channel.until(b"line 100\r")
    channel.socket.close()
    again = sandbox.client("ssm").resume_session(SessionId=channel.id)
    assert again["SessionId"] == channel.id and again["TokenValue"] != session["tokenValue"]
    channel.connect(again["StreamUrl"], again["TokenValue"])
    assert channel.to_end() == "".join(f"line {i}\r\n" for i in range(1, 5001)).encode()


def test_a_token_is_good_once(sandbox, task):
    session = execute(sandbox, task, "sleep 1000")
    Channel(session).step()
    for token in (session["tokenValue"], "nonsense"):
        other = Channel({**session, "tokenValue": token})
        with pytest.raises(ConnectionClosed) as refused:
            other.receive()
        assert refused.value.rcvd.code == 1008
    sandbox.client("ssm").terminate_session(SessionId=session["sessionId"])


def test_an_unknown_path(sandbox, task):
    url = execute(sandbox, task, "true")["streamUrl"]
    for wrong in (url.replace("ecs-execute", "xyz"), url.replace("data-channel", "control-channel")):
        with pytest.raises(InvalidStatus):
            connect(wrong, open_timeout=DEADLINE, legacy=True)


@pytest.mark.parametrize("way", ["flag", "api"])
def test_the_end_on_demand(sandbox, task, way, tmp_path):
    script = f"/bin/sh -c 'echo $$ > {tmp_path}/pid; echo ready; sleep 1000'"
    channel = Channel(execute(sandbox, task, script))
    channel.until(b"ready")
    pid = int((tmp_path / "pid").read_text())
    if way == "flag":
        channel.send(FLAG, struct.pack(">I", 2))
    else:
        sandbox.client("ssm").terminate_session(SessionId=channel.id)
    channel.to_end()
    assert channel.closed == ""
    until(lambda: not os.path.exists(f"/proc/{pid}"))
    with pytest.raises(ClientError) as error:
        sandbox.client("ssm").resume_session(SessionId=channel.id)
    assert error.value.response["Error"]["Code"] == "DoesNotExistException"


def test_no_such_program(sandbox, task):
    channel = Channel(execute(sandbox, task, "/no/such/program"))
    channel.to_end()
    assert channel.closed.endswith("fork/exec /no/such/program: no such file or directory")


def test_the_task_takes_it_along(sandbox):
    begun = sandbox.run(sandbox.define("sleep 1000"), enableExecuteCommand=True)
    mine = sandbox.arrives(begun, "RUNNING")
    channel = Channel(execute(sandbox, mine, "/bin/sh -c 'echo ready; sleep 1000'"))
    channel.until(b"ready")
    sandbox.client("ecs").stop_task(cluster="vast", task=mine["taskArn"])
    channel.to_end()
    assert channel.closed == ""


def refusal(call, *arguments, **more):
    with pytest.raises(ClientError) as error:
        call(*arguments, **more)
    return error.value.response["Error"]["Code"], error.value.response["Error"]["Message"]


def test_refusals(sandbox, task):
    ecs = sandbox.client("ecs")
    base = {"cluster": "vast", "command": "true", "interactive": True}
    code, words = refusal(ecs.execute_command, task="f" * 32, **base)
    assert code == "InvalidParameterException" and "not found" in words
    code, words = refusal(ecs.execute_command, task=task["taskArn"], **{**base, "interactive": False})
    assert code == "InvalidParameterException" and "only mode" in words
    code, words = refusal(ecs.execute_command, task=task["taskArn"], container="other", **base)
    assert code == "InvalidParameterException"
    code, _ = refusal(ecs.execute_command, task=task["taskArn"], **{**base, "cluster": "none"})
    assert code == "ClusterNotFoundException"
    plain = sandbox.arrives(sandbox.run(sandbox.define("sleep 1000")), "RUNNING")
    code, words = refusal(ecs.execute_command, task=plain["taskArn"], **base)
    assert code == "InvalidParameterException" and "was not enabled" in words


def test_the_agent_takes_its_time(tmp_path):
    server = Server(tmp_path, time_scale=0.1)
    server.cluster()
    try:
        begun = server.run(server.define("sleep 1000"), enableExecuteCommand=True)
        running = server.arrives(begun, "RUNNING")
        assert running["containers"][0]["managedAgents"][0]["lastStatus"] == "PENDING"
        ecs = server.client("ecs")
        code, _ = refusal(
            ecs.execute_command, cluster="vast", task=running["taskArn"], command="true", interactive=True
        )
        assert code == "TargetNotConnectedException"
        until(lambda: server.task(running)["containers"][0]["managedAgents"][0]["lastStatus"] == "RUNNING")
        Channel(execute(server, running, "true")).to_end()
    finally:
        server.end()
