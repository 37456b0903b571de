# SPDX-License-Identifier: BSD-3-Clause
"""What a command gets, prints and returns."""

import pytest
from conftest import until
from runtime_api import event


def test_stdout_is_exact(api, runtime):
    answer = api.invoke(r"printf '\000\001\377\303\050 end'; printf '\200' >&2")
    assert answer.kind == "response"
    assert answer.stdout == b"\x00\x01\xff\xc3\x28 end"
    assert answer.stderr == b"\x80"
    assert set(answer.json) == {"v", "exit_code", "stdout", "stderr"}
    assert answer.json["v"] == 1 and answer.json["exit_code"] == 0
    assert answer.headers["Content-Type"] == "application/json"


@pytest.mark.parametrize("size", [1, 2, 3, 3071, 3072, 3073, 1_000_000])
def test_all_lengths(api, runtime, size):
    expected = bytes(i % 251 for i in range(size))
    answer = api.invoke(f"python3 -c 'import sys; sys.stdout.buffer.write(bytes(i % 251 for i in range({size})))'")
    assert answer.stdout == expected


def test_a_command_that_prints_nothing(api, runtime):
    answer = api.invoke("true")
    assert (answer.stdout, answer.stderr, answer.json["exit_code"]) == (b"", b"", 0)
    assert api.invoke("").json["exit_code"] == 0
    assert runtime.log == b""


@pytest.mark.parametrize("code", [0, 1, 127, 255])
def test_exit_code(api, runtime, code):
    answer = api.invoke(f"exit {code}")
    assert answer.json["exit_code"] == code
    assert "signal" not in answer.json


@pytest.mark.parametrize("signal", [6, 9, 13, 15])
def test_signal(api, runtime, signal):
    answer = api.invoke(f"echo before; kill -{signal} $$")
    assert answer.json["exit_code"] == 128 + signal
    assert answer.json["signal"] == signal
    assert answer.stdout == b"before\n"


def test_unknown_program(api, runtime):
    answer = api.invoke("no-such-program-anywhere")
    assert answer.json["exit_code"] == 127
    assert b"not found" in answer.stderr


def test_long_command_with_everything(api, runtime):
    text = "it's \"quoted\" $HOME `id` \\ \n\t äöü € 😀 "
    text = text * (90_000 // len(text.encode()))
    command = "printf %s '" + text.replace("'", "'\\''") + "'"
    command += " " * (100 * 1024 - len(command.encode()))
    assert len(command.encode()) == 100 * 1024
    assert api.invoke(command).stdout == text.encode()


def test_endpoint(api, runtime):
    show = 'echo "${VAST_ENDPOINT-none} ${TENZIR_ENDPOINT-none}"'
    assert api.invoke(show, endpoint="10.0.0.7:42000").stdout == b"10.0.0.7:42000 10.0.0.7:42000\n"
    assert api.invoke(show, endpoint="[fd00::7]:5158").stdout == b"[fd00::7]:5158 [fd00::7]:5158\n"
    for fields in ({}, {"endpoint": ""}, {"endpoint": None}):
        assert api.invoke(show, **fields).stdout == b"none none\n"


def test_environment(api, runtime):
    names = {line.split(b"=")[0] for line in api.invoke("env").stdout.splitlines()}
    assert {b"AWS_ACCESS_KEY_ID", b"LAMBDA_TASK_ROOT", b"LANG"} <= names
    assert not {b"AWS_LAMBDA_RUNTIME_API", b"_HANDLER", b"_X_AMZN_TRACE_ID"} & names


def test_trace_id(api, runtime):
    api.send(event("echo $_X_AMZN_TRACE_ID"), **{"Lambda-Runtime-Trace-Id": "Root=1-5bef4de7-ad49;Sampled=1"})
    assert api.answer().stdout == b"Root=1-5bef4de7-ad49;Sampled=1\n"


def test_clean_start(api, runtime):
    """No input, no open files, signals or locks of the runtime's own."""
    assert api.invoke("cat").stdout == b""
    files = api.invoke("for f in 0 1 2 3 4 5 6 7 8 9 11 12 13; do readlink /proc/$$/fd/$f; done").stdout.split()
    assert files[0] == b"/dev/null"
    assert len(files) == 3 and files[1].startswith(b"pipe:") and files[2].startswith(b"pipe:") and files[1] != files[2]
    masks = api.invoke("grep -E '^Sig(Blk|Ign)' /proc/self/status").stdout.split()
    assert masks[1::2] == [b"0" * 16, b"0" * 16]


def test_own_process_group(api, runtime):
    group, shell = api.invoke("cut -d' ' -f5 /proc/$$/stat; echo $$").stdout.split()
    assert group == shell


def test_stderr_is_logged_live(api, runtime, tmp_path):
    flag = tmp_path / "go"
    api.send(event(f"echo early >&2; until [ -e {flag} ]; do sleep 0.01; done; echo late >&2"))
    runtime.until_logged(b"early\n")
    assert api.answers.empty()
    flag.touch()
    assert api.answer().stderr == b"early\nlate\n"
    until(lambda: runtime.log == b"early\nlate\n", "all of it is logged, once")


def test_both_streams_at_once(api, runtime):
    answer = api.invoke("head -c 200000 /dev/zero >&2; head -c 300000 /dev/zero; head -c 50000 /dev/zero >&2")
    assert len(answer.stdout) == 300000
    assert len(answer.stderr) == 250000
    assert "truncated_stderr" not in answer.json


def test_long_stderr_keeps_its_end(api, runtime):
    answer = api.invoke("seq 1 200000 >&2; echo end >&2")
    whole = b"".join(b"%d\n" % i for i in range(1, 200001)) + b"end\n"
    line, _, rest = answer.stderr.partition(b"\n")
    assert answer.json["truncated_stderr"] is True
    assert whole.endswith(rest) and rest.endswith(b"end\n")
    assert line == b"vast-lambda-runtime: the first %d bytes of stderr are left out" % (len(whole) - len(rest))
    assert 255 * 1024 < len(answer.stderr) <= 256 * 1024
    until(lambda: runtime.log == whole, "all of stderr is logged")


def test_stderr_of_exactly_its_limit_is_whole(api, runtime):
    answer = api.invoke("head -c 262144 /dev/zero >&2")
    assert len(answer.stderr) == 262144
    assert "truncated_stderr" not in answer.json
    assert api.invoke("head -c 262145 /dev/zero >&2").json["truncated_stderr"] is True


def test_many_commands(api, runtime):
    for i in range(100):
        assert api.invoke(f"echo {i}").stdout == b"%d\n" % i
    assert runtime.children() == []
