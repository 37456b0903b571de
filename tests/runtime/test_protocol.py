# SPDX-License-Identifier: BSD-3-Clause
"""The Runtime API, at its best and at its worst."""

import base64
import os
import pathlib
import shutil
import subprocess

import pytest
from runtime_api import event

TRUE = base64.b64encode(b"true").decode()


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"null",
        b"[]",
        b'"text"',
        b"{",
        b"}",
        b"{}",
        b"\xff\xfe\x00",
        b'{"v":1}',
        b'{"cmd":"%s"}' % TRUE.encode(),
        b'{"v":2,"cmd":"%s"}' % TRUE.encode(),
        b'{"v":"1","cmd":"%s"}' % TRUE.encode(),
        b'{"v":1,"cmd":1}',
        b'{"v":1,"cmd":null}',
        b'{"v":1,"cmd":"dHJ1ZQ"}',
        b'{"v":1,"cmd":"not base64!"}',
        b'{"v":1,"cmd":"%s"}' % base64.b64encode(b"true\0false"),
        b'{"v":1,"cmd":"%s"}' % base64.b64encode(b"x" * (100 * 1024 + 1)),
        b'{"v":1,"cmd":"%s","endpoint":7}' % TRUE.encode(),
        b'{"v":1,"cmd":"%s","endpoint":"no port"}' % TRUE.encode(),
        b'{"v":1,"cmd":"%s"} {}' % TRUE.encode(),
        b'{"v":1,"v":1,"cmd":"%s"}' % TRUE.encode(),
        b'{"v":1,"cmd":"%s","x":[%s]}' % (TRUE.encode(), b"[]," * 5000 + b"[]"),
    ],
    ids=lambda body: repr(body[:40]),
)
def test_malformed_events(api, runtime, body):
    api.send(body)
    answer = api.answer()
    assert answer.kind == "error"
    assert answer.headers["Lambda-Runtime-Function-Error-Type"] == "Vastfs.BadEvent"
    assert answer.json["errorType"] == "Vastfs.BadEvent"
    assert answer.json["errorMessage"] and answer.json["stackTrace"] == []
    assert api.invoke("echo next").stdout == b"next\n"


def test_what_is_unknown_is_ignored(api, runtime):
    more = {"deadline_ms": 1, "later": {"cmd": "eA==", "v": [2, {"v": 3}]}, "null": None}
    assert api.invoke("echo fine", **more).stdout == b"fine\n"


def close_silently(handler):
    handler.close_connection = True


def raw(data, stay=False):
    def fault(handler):
        handler.wfile.write(data)
        handler.wfile.flush()
        handler.close_connection = True
        while stay and handler.rfile.read(1):
            pass

    return fault


HEAD = b"HTTP/1.1 200 OK\r\nLambda-Runtime-Aws-Request-Id: 1\r\n"


OK = event("echo ok")
CUT = b"closed the connection"
GARBAGE = b"not valid HTTP"
LARGE = b"larger than"
STOPPED = b"stopped in the middle"
CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"


@pytest.mark.parametrize(
    "fault,message",
    [
        (close_silently, CUT),
        (raw(b"HTTP/1.1 200 O"), CUT),
        (raw(b"SSH-2.0-OpenSSH_9.2\r\n\r\n"), GARBAGE),
        (raw(b"RTSP/1.1 200 OK\r\n\r\n"), GARBAGE),
        (raw(b"HTTP/2 200 OK\r\n\r\n"), GARBAGE),
        (raw(b"HTTP/1.1 20x OK\r\n\r\n"), GARBAGE),
        (raw(b"HTTP/1.2 200 OK\r\n\r\n"), GARBAGE),
        (raw(b"HTTP/1.1-200 OK\r\n\r\n"), GARBAGE),
        (raw(b"HTTP/1.1 2000 OK\r\n\r\n"), GARBAGE),
        (raw(b"\0" * 100), GARBAGE),
        (raw(HEAD.replace(b"200", b"500") + b"Content-Length: 0\r\n\r\n"), b"answered HTTP 500"),
        (raw(HEAD.replace(b"200", b"304") + b"\r\n"), b"answered HTTP 304"),
        (raw(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"), b"without a request ID"),
        (raw(HEAD.replace(b": 1", b": ") + b"Content-Length: 2\r\n\r\n{}"), b"without a request ID"),
        (raw(HEAD.replace(b": 1", b": " + b"1" * 1000) + b"Content-Length: 2\r\n\r\n{}"), b"without a request ID"),
        (raw(HEAD.replace(b": 1", b": ../../x") + b"Content-Length: 2\r\n\r\n{}"), b"without a request ID"),
        (raw(HEAD + b"Content-Length: 10\r\n\r\n{}"), CUT),
        (raw(HEAD + b"Content-Length: -1\r\n\r\n{}"), GARBAGE),
        (raw(HEAD + b"Content-Length: 99999999999999999999\r\n\r\n{}"), GARBAGE),
        (raw(HEAD + b"Content-Length: 8388609\r\n\r\n{}"), LARGE),
        (raw(HEAD + b"Transfer-Encoding: gzip\r\n\r\n{}"), GARBAGE),
        (raw(CHUNKED + b"zz\r\n{}\r\n0\r\n\r\n"), GARBAGE),
        (raw(CHUNKED + b"\r\n{}\r\n0\r\n\r\n"), GARBAGE),
        (raw(CHUNKED + b"2\r\n{}xx\r\n0\r\n\r\n"), GARBAGE),
        (raw(CHUNKED + b"2\r\n{}\r\n"), CUT),
        (raw(CHUNKED + b"400000\r\n" + bytes(0x400000) + b"\r\n400001\r\n" + bytes(0x400001)), LARGE),
        (raw(HEAD + b"X: " + b"x" * 20000 + b"\r\n\r\n"), LARGE),
        (raw(CHUNKED + b"0\r\n" + b"X: y\r\n" * 100 + b"\r\n"), LARGE),
        (raw(b"HTTP/1.1 200 OK\r\n", stay=True), STOPPED),
        (raw(HEAD + b"Content-Length: 10\r\n\r\n{}", stay=True), STOPPED),
    ],
)
def test_a_broken_reply_ends_the_runtime(api, binary, environment, start, fault, message):
    api.faults["next"] = fault
    runtime = start([binary], environment)
    assert runtime.exit_code() == 1
    assert runtime.log.startswith(b"vast-lambda-runtime: ") and runtime.log.count(b"\n") == 1
    assert message in runtime.log


@pytest.mark.parametrize(
    "fault",
    [
        raw(CHUNKED + b"3;x=y\r\n%s\r\n%x\r\n%s\r\n0\r\nX: y\r\n\r\n" % (OK[:3], len(OK) - 3, OK[3:])),
        raw(b"HTTP/1.1 100 Continue\r\n\r\n" + HEAD + b"content-length:  %d \r\n\r\n%s" % (len(OK), OK)),
        raw(HEAD.replace(b"1.1", b"1.0") + b"\r\n" + OK),
        raw(HEAD + b"Connection: Close\r\n\r\n" + OK),
    ],
    ids=["chunked", "continue", "until-close", "close"],
)
def test_every_form_of_body(api, binary, environment, start, fault):
    def deliver(handler):
        api.current = "1"
        fault(handler)

    api.faults["next"] = deliver
    start([binary], environment)
    assert api.answer().stdout == b"ok\n"
    assert api.invoke("echo next").stdout == b"next\n"


def test_kept_connection_that_was_closed(api, runtime):
    def accept_and_close(handler):
        handler.do_POST()
        handler.close_connection = True

    for _ in range(3):
        api.faults["response"] = accept_and_close
        assert api.invoke("echo ok").stdout == b"ok\n"


def test_reply_to_a_closed_connection_is_sent_again(api, runtime):
    api.faults["response"] = close_silently
    assert api.invoke("echo ok").stdout == b"ok\n"


@pytest.mark.parametrize("status,ends", [(400, False), (403, False), (500, True)])
def test_refused_reply(api, runtime, status, ends):
    def refuse(handler):
        handler.rfile.read(int(handler.headers["Content-Length"]))
        handler.reply(status, b'{"errorType":"Refused"}')

    api.faults["response"] = refuse
    api.send(event("echo lost"))
    runtime.until_logged(b"was refused with HTTP %d: {\"errorType\":\"Refused\"}\n" % status)
    if ends:
        assert runtime.exit_code() == 1
    else:
        assert api.invoke("echo next").stdout == b"next\n"


def test_the_api_goes_away(api, runtime):
    api.faults["error"] = close_silently
    api.wait_until_asked()
    api.server.shutdown()
    api.server.server_close()
    api.send(b"bad")
    assert runtime.exit_code() == 1
    assert b"failed" in runtime.log


def test_nobody_listens(api, binary, environment, start):
    api.close()
    runtime = start([binary], environment)
    assert runtime.exit_code() == 1
    assert b"Connection refused" in runtime.log


@pytest.mark.parametrize("address", ["", None, "127.0.0.1", "127.0.0.1:", ":80", "127.0.0.1:http", "[::1:80", "x" * 300 + ":1"])
def test_bad_address(binary, environment, start, address):
    del environment["AWS_LAMBDA_RUNTIME_API"]
    if address is not None:
        environment["AWS_LAMBDA_RUNTIME_API"] = address
    runtime = start([binary], environment)
    assert runtime.exit_code() == 1
    assert b"AWS_LAMBDA_RUNTIME_API" in runtime.log


def test_arguments_are_ignored(api, binary, environment, start):
    """The base image's CMD comes as arguments."""
    start([binary, "--help"], environment)
    assert api.invoke("echo ok").stdout == b"ok\n"


def test_version(binary):
    done = subprocess.run([binary, "--version"], capture_output=True, env={})
    assert done.returncode == 0 and done.stderr == b""
    assert done.stdout.startswith(b"vast-lambda-runtime ") and done.stdout.count(b"\n") == 1


@pytest.fixture
def image(cell, binary, tmp_path):
    """A root file system with nothing of its own but /bin/sh."""
    root = tmp_path / "root"
    (root / "bin").mkdir(parents=True)
    shutil.copy("/bin/sh", root / "bin" / "sh", follow_symlinks=True)
    mounts = ["--bind", str(root), "/"]
    for path in ("/usr", "/lib", "/lib64"):
        if os.path.exists(path):
            mounts += ["--ro-bind", path, path]
    return root, [*cell(*mounts, "--ro-bind", binary, "/runtime"), "/runtime"]


def test_image_without_a_shell(api, image, environment, start):
    root, command = image
    (root / "bin" / "sh").unlink()
    runtime = start(command, environment)
    answer = api.answer()
    assert answer.kind == "init/error"
    assert answer.headers["Lambda-Runtime-Function-Error-Type"] == "Runtime.InitError"
    assert "/bin/sh" in answer.json["errorMessage"]
    assert runtime.exit_code() == 1


def test_shell_that_disappears(api, image, environment, start):
    root, command = image
    start(command, environment)
    assert api.invoke("echo ok").stdout == b"ok\n"
    (root / "bin" / "sh").unlink()
    answer = api.invoke("echo ok")
    assert answer.kind == "error"
    assert answer.json["errorType"] == "Vastfs.NoShell"
    assert "/bin/sh" in answer.json["errorMessage"]


def test_the_static_binary_is_static(binary):
    if binary.endswith("-asan"):
        pytest.skip("only that of the image")
    data = pathlib.Path(binary).read_bytes()
    assert len(data) <= 300_000
    assert b"/ld-linux" not in data
    assert b"GLIBC" not in data
