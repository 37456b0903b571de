# SPDX-License-Identifier: BSD-3-Clause
"""Invocations of functions, through boto3."""

import base64
import json
import re
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from botocore.exceptions import ClientError
from conftest import until
from run_support import Server, alive

BOOTSTRAP = Path(__file__).with_name("bootstrap.py")
TRUST = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Principal": {"Service": "lambda.amazonaws.com"},
            "Action": "sts:AssumeRole",
        }
    ],
}


def start(run_dir, **more) -> Server:
    server = Server(run_dir, VASTFS_SANDBOX_RUNTIME=str(BOOTSTRAP), SECRET="x", **more)
    server.client("iam").create_role(
        RoleName="run", AssumeRolePolicyDocument=json.dumps(TRUST)
    )
    return server


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory):
    server = start(tmp_path_factory.mktemp("run"))
    create(server, "f", Environment={"Variables": {"MINE": "1"}})
    yield server
    server.end()


def create(server, name: str, **more) -> dict:
    return server.client("lambda").create_function(
        FunctionName=name,
        Role="arn:aws:iam::123456789012:role/run",
        PackageType="Image",
        Code={"ImageUri": "vast:latest"},
        **{"Timeout": 20, "MemorySize": 512, **more},
    )


def invoke(server, event, name="f", **more) -> dict:
    """The reply with its payload read."""
    reply = server.client("lambda").invoke(
        FunctionName=name, Payload=json.dumps(event).encode(), **more
    )
    reply["Payload"] = reply["Payload"].read()
    return reply


def answer(server, event, name="f", **more):
    reply = invoke(server, event, name, **more)
    assert "FunctionError" not in reply, reply["Payload"]
    return json.loads(reply["Payload"])


def failure(reply) -> dict:
    assert reply["FunctionError"] == "Unhandled"
    return json.loads(reply["Payload"])


def code(error) -> str:
    return error.value.response["Error"]["Code"]


def test_an_event_and_its_answer(sandbox):
    given = answer(sandbox, {"a": "ä"})
    assert given["event"] == {"a": "ä"}
    assert given["context"]["arn"].endswith(":function:f")
    assert 10_000 < given["context"]["left_ms"] <= 20_000
    environment = given["env"]
    assert environment["MINE"] == "1"
    assert environment["AWS_LAMBDA_FUNCTION_NAME"] == "f"
    assert environment["AWS_REGION"] == "eu-west-1"
    assert "SECRET" not in environment and "PYTHONPATH" not in environment


def test_warm_and_cold(sandbox):
    first = answer(sandbox, {})["pid"]
    assert answer(sandbox, {})["pid"] == first
    create(sandbox, "changed")
    old = answer(sandbox, {}, "changed")["pid"]
    sandbox.client("lambda").update_function_configuration(
        FunctionName="changed", Environment={"Variables": {"NEW": "1"}}
    )
    new = answer(sandbox, {}, "changed")
    assert new["env"]["NEW"] == "1"
    until(lambda: not alive(old))
    sandbox.client("lambda").delete_function(FunctionName="changed")
    until(lambda: not alive(new["pid"]))


def test_many_at_once(sandbox):
    with ThreadPoolExecutor(8) as pool:
        replies = list(pool.map(lambda n: answer(sandbox, {"n": n}), range(24)))
    assert [reply["event"]["n"] for reply in replies] == list(range(24))


def test_the_end_of_the_log(sandbox):
    reply = invoke(sandbox, {"print": "hello"}, LogType="Tail")
    lines = base64.b64decode(reply["LogResult"]).decode().splitlines()
    identity = reply["ResponseMetadata"]["RequestId"]
    assert lines[0] == f"START RequestId: {identity} Version: $LATEST"
    assert lines[1] == "hello"
    assert lines[2] == f"END RequestId: {identity}"
    assert re.match(rf"REPORT RequestId: {identity}\tDuration: [0-9.]+ ms\t", lines[3])


def test_the_log_stream(sandbox):
    create(sandbox, "logged")
    invoke(sandbox, {"print": "one\ntwo"}, "logged")
    logs = sandbox.client("logs")
    group = "/aws/lambda/logged"
    (stream,) = logs.describe_log_streams(logGroupName=group)["logStreams"]
    name = stream["logStreamName"]
    assert re.fullmatch(r"\d{4}/\d\d/\d\d/\[\$LATEST\][0-9a-f]{32}", name)
    events = logs.get_log_events(
        logGroupName=group, logStreamName=name, startFromHead=True
    )["events"]
    words = [event["message"].split()[0] for event in events]
    assert words == ["START", "one", "two", "END", "REPORT"]


def test_a_log_group_of_its_own(sandbox):
    sandbox.client("logs").create_log_group(logGroupName="/mine")
    made = create(sandbox, "grouped", LoggingConfig={"LogGroup": "/mine"})
    assert made["LoggingConfig"]["LogGroup"] == "/mine"
    invoke(sandbox, {"print": "x"}, "grouped")
    streams = sandbox.client("logs").describe_log_streams(logGroupName="/mine")
    assert len(streams["logStreams"]) == 1


def test_failures_of_the_function(sandbox):
    assert failure(invoke(sandbox, {"raise": "no"})) == {
        "errorMessage": "no",
        "errorType": "Mine",
    }
    ended = failure(invoke(sandbox, {"exit": 3}))
    assert ended["errorType"] == "Runtime.ExitError"
    assert ended["errorMessage"].endswith("Runtime exited with error: exit status 3")
    assert answer(sandbox, {})["event"] == {}


def test_a_timeout(sandbox):
    create(sandbox, "slow", Timeout=1)
    begin = time.monotonic()
    reply = invoke(sandbox, {"print": "begun", "sleep": 100}, "slow", LogType="Tail")
    assert time.monotonic() - begin < 60
    said = failure(reply)
    assert said["errorType"] == "Sandbox.Timedout"
    assert said["errorMessage"].endswith("Task timed out after 1.00 seconds")
    tail = base64.b64decode(reply["LogResult"]).decode()
    assert "begun\n" in tail and "Task timed out after 1.00 seconds\n" in tail
    assert answer(sandbox, {}, "slow")["event"] == {}


def test_a_failing_start(sandbox):
    create(sandbox, "broken", Environment={"Variables": {"FAIL_INIT": "1"}})
    assert failure(invoke(sandbox, {}, "broken"))["errorType"] == "Init"


@pytest.mark.parametrize("stream", [False, True])
def test_the_size_of_an_answer(sandbox, stream):
    event = {"size": 6_000_000, "stream": stream}
    assert len(answer(sandbox, event)) == 6_000_000
    reply = invoke(sandbox, {"size": 7_000_000, "stream": stream})
    assert failure(reply)["errorType"] == "Function.ResponseSizeTooLarge"


def test_the_other_types(sandbox, tmp_path):
    assert invoke(sandbox, {}, InvocationType="DryRun")["StatusCode"] == 204
    mark = tmp_path / "mark"
    reply = invoke(sandbox, {"run": f"touch {mark}"}, InvocationType="Event")
    assert reply["StatusCode"] == 202
    until(mark.exists)


def test_refusals(sandbox):
    client = sandbox.client("lambda")
    with pytest.raises(ClientError) as error:
        invoke(sandbox, {}, "none")
    assert code(error) == "ResourceNotFoundException"
    with pytest.raises(ClientError) as error:
        client.invoke(FunctionName="f", Payload=b"{")
    assert code(error) == "InvalidRequestContentException"
    with pytest.raises(ClientError) as error:
        client.invoke(FunctionName="f", Payload=b'"' + b"x" * 6_500_000 + b'"')
    assert code(error) == "RequestTooLargeException"
    client.put_function_concurrency(FunctionName="f", ReservedConcurrentExecutions=0)
    with pytest.raises(ClientError) as error:
        invoke(sandbox, {})
    assert code(error) == "TooManyRequestsException"
    client.delete_function_concurrency(FunctionName="f")


@pytest.mark.parametrize(
    "kind, expected",
    [
        ("eni_not_ready", "ENINotReadyException"),
        ("too_many", "TooManyRequestsException"),
        ("inactive", "ResourceNotReadyException"),
    ],
)
def test_refusals_by_a_rule(sandbox, kind, expected):
    sandbox.fault("lambda", kind)
    with pytest.raises(ClientError) as error:
        invoke(sandbox, {})
    assert code(error) == expected
    assert answer(sandbox, {"n": 1})["event"] == {"n": 1}


def test_states_take_time(tmp_path):
    server = start(tmp_path, time_scale=0.05)
    client = server.client("lambda")

    def state():
        return client.get_function_configuration(FunctionName="f")

    assert create(server, "f")["State"] == "Pending"
    with pytest.raises(ClientError) as error:
        invoke(server, {})
    assert code(error) == "ResourceConflictException"
    until(lambda: state()["State"] == "Active")
    changed = client.update_function_configuration(FunctionName="f", MemorySize=256)
    assert changed["LastUpdateStatus"] == "InProgress"
    with pytest.raises(ClientError) as error:
        client.update_function_configuration(FunctionName="f", MemorySize=512)
    assert code(error) == "ResourceConflictException"
    until(lambda: state()["LastUpdateStatus"] == "Successful")
    pid = answer(server, {})["pid"]
    server.kill()
    until(lambda: not alive(pid))
