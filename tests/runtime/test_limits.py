# SPDX-License-Identifier: BSD-3-Clause
"""Time and size."""

import time

import pytest
from conftest import within
from runtime_api import REPLY_MAX

# A reply of {"v":1,...} with nothing in stderr takes this much besides stdout.
ENVELOPE = len('{"v":1,"exit_code":0,"stdout":"","stderr":""}')
FITS = (REPLY_MAX - ENVELOPE) // 4 * 3


def test_deadline_ends_the_command(api, runtime):
    begin = time.monotonic()
    answer = within(2.4, lambda: api.invoke("echo some; echo err >&2; sleep 60; echo never", seconds=2.5))
    assert time.monotonic() - begin > 1.3
    assert answer.kind == "response"
    assert answer.stdout == b"some\n"
    assert answer.json["exit_code"] == 124 and answer.json["timed_out"] is True
    assert answer.stderr.startswith(b"err\nvast-lambda-runtime: the command was ended because the function's time is over")
    assert answer.stderr.endswith(b"\n")
    runtime.until_logged(b"time is over")


def test_deadline_and_a_command_that_will_not_go(api, runtime):
    command = "trap '' TERM; echo some; while :; do sleep 60; done"
    answer = within(0.95, lambda: api.invoke(command, seconds=1), lambda a: a.stdout)
    assert answer.json["exit_code"] == 124 and answer.json["timed_out"] is True
    assert answer.stdout == b"some\n"
    assert api.invoke("echo next").stdout == b"next\n"


def test_deadline_leaves_time_to_say_goodbye(api, runtime):
    command = "trap 'echo bye; exit 3' TERM; echo some; while :; do sleep 0.01; done"
    answer = within(1, lambda: api.invoke(command, seconds=1), lambda a: a.stdout == b"some\nbye\n")
    assert answer.json["exit_code"] == 124


def test_deadline_of_a_command_that_prints_for_ever(api, runtime):
    command = "trap '' TERM; while :; do echo x; sleep 0.01; done"
    answer = within(1, lambda: api.invoke(command, seconds=1), lambda a: a.stdout)
    assert answer.json["timed_out"] is True
    assert set(answer.stdout.split()) == {b"x"}


def test_deadline_in_the_past(api, runtime):
    answer = api.invoke("sleep 60", seconds=-5)
    assert answer.json["timed_out"] is True
    assert api.invoke("echo next").stdout == b"next\n"


def test_no_timeout_for_a_command_that_is_in_time(api, runtime):
    answer = api.invoke("sleep 0.1; exit 5", seconds=30)
    assert answer.json["exit_code"] == 5 and "timed_out" not in answer.json


def test_the_largest_result(api, runtime):
    answer = api.invoke(f"head -c {FITS} /dev/zero")
    assert answer.kind == "response"
    assert answer.stdout == bytes(FITS)


@pytest.mark.parametrize("command", [f"head -c {FITS + 1} /dev/zero", f"head -c {FITS - 9} /dev/zero; echo 0123456789 >&2"])
def test_a_result_just_too_large(api, runtime, command):
    answer = api.invoke(command)
    assert answer.kind == "error"
    assert answer.headers["Lambda-Runtime-Function-Error-Type"] == "Vastfs.ResultTooLarge"
    assert answer.json["errorType"] == "Vastfs.ResultTooLarge"
    message = answer.json["errorMessage"]
    size = int(message.split(" bytes")[0].split()[-1])
    assert REPLY_MAX < size <= REPLY_MAX + 20
    assert str(REPLY_MAX) in message and "S3" in message
    assert api.refused == 0
    assert api.invoke("echo next").stdout == b"next\n"


def test_a_result_without_end(api, runtime):
    answer = api.invoke("cat /dev/zero")
    assert answer.json["errorType"] == "Vastfs.ResultTooLarge"
    assert f"more than {REPLY_MAX} bytes" in answer.json["errorMessage"]
    assert runtime.children() == []


def test_a_result_too_large_ends_its_command(api, runtime, tmp_path):
    mark = tmp_path / "mark"
    answer = api.invoke(f"head -c 6000000 /dev/zero; touch {mark}")
    assert "more than" in answer.json["errorMessage"]
    assert not mark.exists()


def test_lambda_finds_the_reply_too_large(api, runtime):
    def refuse(handler):
        handler.rfile.read(int(handler.headers["Content-Length"]))
        handler.reply(413)

    api.faults["response"] = refuse
    answer = api.invoke("echo small")
    assert answer.json["errorType"] == "Vastfs.ResultTooLarge"
    assert api.invoke("echo next").stdout == b"next\n"


def test_lambda_does_not_read_a_reply_to_its_end(api, runtime):
    def refuse(handler):
        handler.rfile.read(1000)
        handler.reply(413)
        handler.wfile.flush()
        handler.close_connection = True

    api.faults["response"] = refuse
    answer = api.invoke("head -c 4000000 /dev/zero")
    assert answer.json["errorType"] == "Vastfs.ResultTooLarge"
    assert api.invoke("echo next").stdout == b"next\n"
