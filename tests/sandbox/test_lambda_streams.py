# SPDX-License-Identifier: BSD-3-Clause
"""Streamed invocations, through boto3."""

import base64
import json
import time
from pathlib import Path

import pytest
from botocore.exceptions import BotoCoreError, ClientError, EventStreamError
from conftest import until

from test_lambda_functions import code, create, sandbox  # noqa: F401: the fixture
from urllib3.exceptions import HTTPError

MEGABYTE = 1 << 20


def begin(server, event, name="f", **more):
    """The stream's events, not read yet."""
    reply = server.client("lambda").invoke_with_response_stream(
        FunctionName=name, Payload=json.dumps(event).encode(), **more
    )
    assert reply["ResponseStreamContentType"] == "application/vnd.amazon.eventstream"
    return reply["EventStream"]


def outcome(events):
    """(all bytes, number of chunks, InvokeComplete)"""
    events = list(events)
    chunks = [event["PayloadChunk"]["Payload"] for event in events[:-1]]
    return b"".join(chunks), len(chunks), events[-1]["InvokeComplete"]


def test_chunks_come_as_they_are_written(sandbox, tmp_path):  # noqa: F811
    mark = tmp_path / "mark"
    pieces = [{"text": "one"}, {"text": "two", "wait": str(mark)}]
    events = iter(begin(sandbox, {"pieces": pieces}))
    assert next(events)["PayloadChunk"]["Payload"] == b"one"
    mark.touch()
    assert next(events)["PayloadChunk"]["Payload"] == b"two"
    assert next(events) == {"InvokeComplete": {}}
    assert list(events) == []


def test_a_response_that_is_not_streamed_is_one_chunk(sandbox):  # noqa: F811
    body, count, complete = outcome(begin(sandbox, {"size": 6_000_000}))
    assert (len(body), count, complete) == (6_000_002, 1, {})


def test_the_log(sandbox):  # noqa: F811
    _, _, complete = outcome(begin(sandbox, {"print": "hello"}, LogType="Tail"))
    lines = base64.b64decode(complete["LogResult"]).decode().splitlines()
    assert [line.split()[0] for line in lines] == ["START", "hello", "END", "REPORT"]


def test_an_error_in_the_middle(sandbox):  # noqa: F811
    said = json.dumps({"errorMessage": "no", "errorType": "Mine"})
    trailers = {
        "Lambda-Runtime-Function-Error-Type": "Mine",
        "Lambda-Runtime-Function-Error-Body": base64.b64encode(said.encode()).decode(),
    }
    event = {"pieces": [{"text": "part"}], "trailers": trailers}
    body, _, complete = outcome(begin(sandbox, event))
    assert (body, complete) == (b"part", {"ErrorCode": "Mine", "ErrorDetails": said})


@pytest.mark.parametrize(
    "event, kind",
    [
        ({"raise": "no"}, "Mine"),
        ({"exit": 3}, "Runtime.ExitError"),
        ({"pieces": [{"text": "part"}, {"exit": 3}]}, "Runtime.ExitError"),
        ({"pieces": [{"text": "part"}, {"cut": True}]}, "Runtime.TruncatedResponse"),
    ],
)
def test_failures(sandbox, event, kind):  # noqa: F811
    body, _, complete = outcome(begin(sandbox, event))
    assert complete["ErrorCode"] == kind
    assert json.loads(complete["ErrorDetails"])["errorType"] == kind
    assert body.startswith(b"part" if "pieces" in event else b"")
    assert outcome(begin(sandbox, {"pieces": [{"text": "on"}]}))[0] == b"on"


def test_a_timeout_in_the_middle(sandbox):  # noqa: F811
    create(sandbox, "slow-stream", Timeout=1)
    pieces = [{"text": "part"}, {"sleep": 100}]
    body, _, complete = outcome(begin(sandbox, {"pieces": pieces}, "slow-stream"))
    assert (body, complete["ErrorCode"]) == (b"part", "Sandbox.Timedout")


def test_refusals_before_the_start(sandbox):  # noqa: F811
    with pytest.raises(ClientError) as error:
        begin(sandbox, {}, "none")
    assert code(error) == "ResourceNotFoundException"
    sandbox.fault("lambda", "too_many")
    with pytest.raises(ClientError) as error:
        begin(sandbox, {})
    assert code(error) == "TooManyRequestsException"
    sandbox.fault("lambda:InvokeWithResponseStream", "throttle")
    with pytest.raises(ClientError) as error:
        begin(sandbox, {})
    assert code(error) == "TooManyRequestsException"


def memory(server) -> int:
    """The peak memory so far, in bytes."""
    status = Path(f"/proc/{server.facts['pid']}/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) * 1024


def test_two_hundred_megabytes_and_no_more(sandbox):  # noqa: F811
    outcome(begin(sandbox, {"pieces": [{"size": MEGABYTE, "times": 5}]}))
    before = memory(sandbox)
    begun = time.monotonic()
    event = {"pieces": [{"size": MEGABYTE, "times": 300}]}
    size, complete = 0, {}
    for part in begin(sandbox, event):
        size += len(part.get("PayloadChunk", {}).get("Payload", b""))
        complete = part.get("InvokeComplete", complete)
    assert size == 200 * MEGABYTE
    assert complete["ErrorCode"] == "Function.ResponseSizeTooLarge"
    assert memory(sandbox) - before < 30 * MEGABYTE
    assert time.monotonic() - begun < 120


def test_who_does_not_read_makes_the_function_wait(sandbox, tmp_path):  # noqa: F811
    written = [tmp_path / str(n) for n in range(100)]
    pieces = [{"size": MEGABYTE, "mark": str(path)} for path in written]
    events = begin(sandbox, {"pieces": pieces})
    until(written[0].exists)
    other = {"pieces": [{"size": MEGABYTE, "times": 100}]}
    assert len(outcome(begin(sandbox, other))[0]) == 100 * MEGABYTE
    assert not written[50].exists()
    body, _, complete = outcome(events)
    assert (len(body), complete) == (100 * MEGABYTE, {})


def test_who_hangs_up_lets_the_function_end(sandbox, tmp_path):  # noqa: F811
    mark = tmp_path / "end"
    pieces = [{"size": MEGABYTE, "times": 50}, {"text": "x", "mark": str(mark)}]
    begin(sandbox, {"pieces": pieces}).close()
    until(mark.exists)


def test_a_cut_stream(sandbox):  # noqa: F811
    sandbox.fault("lambda:InvokeWithResponseStream", "cut_stream", bytes=300_000)
    event = {"pieces": [{"size": 100_000, "times": 50}]}
    got = 0
    with pytest.raises((BotoCoreError, EventStreamError, HTTPError)):
        for part in begin(sandbox, event):
            got += len(part["PayloadChunk"]["Payload"])
    assert got <= 300_000
    sandbox.fault("lambda:InvokeWithResponseStream", "cut_stream", bytes=300_000, framed=1)
    assert not any("InvokeComplete" in part for part in begin(sandbox, event))
    assert outcome(begin(sandbox, event))[2] == {}
