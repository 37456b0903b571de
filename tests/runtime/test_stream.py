# SPDX-License-Identifier: BSD-3-Clause
"""Replies that are streamed: the same commands, with no limit to what they print."""

import base64
import itertools
import json
import os
import pathlib
import resource
import socket
import struct
import threading
import time
import zlib

import pytest
from conftest import ENDLESS, until, within
from frames import STDERR_MAX, Reader, Stream
from runtime_api import PATIENCE, chunks, event

EVERY_BYTE = "import sys; sys.stdout.buffer.write(bytes(range(256)) * %d)"
TIME_IS_OVER = b"vast-lambda-runtime: the command was ended because the function's time is over"


def reset(handler):
    """Closes so that the peer gets a reset, as from a process that has died."""
    handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    handler.rfile.close()
    handler.connection.close()
    handler.close_connection = True


def test_stdout_is_exact(api, runtime):
    stream = api.stream(f"python3 -c '{EVERY_BYTE % 1}'; printf '\\200\\000' >&2")
    assert stream.stdout == bytes(range(256))
    assert stream.stderr == b"\x80\0"
    assert set(stream.end) == {"exit_code", "length", "crc32"} and stream.end["exit_code"] == 0


@pytest.mark.parametrize("size", [1, 255, 65535, 65536, 65537, 131073, 10_000_000])
def test_all_lengths(api, runtime, size):
    script = f"import sys; sys.stdout.buffer.write(bytes(i % 251 for i in range(251)) * {size // 251 + 1})"
    stream = api.stream(f"python3 -c '{script}' | head -c {size}")
    assert stream.stdout == (bytes(range(251)) * (size // 251 + 1))[:size]


def test_a_command_that_prints_nothing(api, runtime):
    assert api.stream("true").frames == []
    assert api.stream("").end["exit_code"] == 0
    assert runtime.log == b""


@pytest.mark.parametrize("code", [0, 1, 127, 255])
def test_exit_code(api, runtime, code):
    end = api.stream(f"exit {code}").end
    assert end["exit_code"] == code and "signal" not in end and "timed_out" not in end


@pytest.mark.parametrize("signal", [6, 9, 13, 15])
def test_signal(api, runtime, signal):
    stream = api.stream(f"echo before; kill -{signal} $$")
    assert stream.end["exit_code"] == 128 + signal and stream.end["signal"] == signal
    assert stream.stdout == b"before\n"


def test_both_forms_in_turn(api, runtime):
    for i in range(20):
        assert api.stream(f"echo {i}").stdout == b"%d\n" % i
        assert api.invoke(f"echo {i}").stdout == b"%d\n" % i
        assert api.invoke(f"echo {i}", stream=False).stdout == b"%d\n" % i


@pytest.mark.parametrize("value", [1, "true", [], {}])
def test_stream_is_true_or_false(api, runtime, value):
    answer = api.invoke("true", stream=value)
    assert answer.kind == "error" and answer.json["errorType"] == "Vastfs.BadEvent"
    assert "stream" in answer.json["errorMessage"]


def test_output_comes_as_it_is_printed(api, runtime, tmp_path):
    """One stream waits for the other to have arrived, so that each byte's place is known; the log comes live, too."""
    flags = [tmp_path / str(i) for i in range(6)]
    steps = "; ".join(f"echo {i} {'>&2' if i % 2 else ''}; until [ -e {flag} ]; do sleep 0.01; done" for i, flag in enumerate(flags))
    api.send(event(steps, stream=True))
    expected = []
    for i, flag in enumerate(flags):
        expected.append(("oe"[i % 2], b"%d\n" % i))
        until(lambda: [f for f in Stream(api.live).frames if f[1]] == expected, f"{i} is there")
        if i % 2:
            runtime.until_logged(b"%d\n" % i)
        assert api.answers.empty()
        flag.touch()
    stream = api.answer().stream
    assert stream.stdout == b"0\n2\n4\n" and stream.stderr == b"1\n3\n5\n"


def test_the_stream_begins_with_the_command(api, runtime, tmp_path):
    flag = tmp_path / "go"
    api.send(event(f"until [ -e {flag} ]; do sleep 0.01; done", stream=True))
    until(lambda: api.live.startswith(b"vastfs2\n"), "the preamble is there before anything is printed")
    flag.touch()
    assert api.answer().stream.stdout == b""


def test_many_small_pieces(api, runtime):
    stream = api.stream("for i in $(seq 1 3000); do echo $i; echo $i >&2; done")
    expected = b"".join(b"%d\n" % i for i in range(1, 3001))
    assert stream.stdout == expected and stream.stderr == expected


def test_signs_of_life(api, runtime, binary, tmp_path):
    if not binary.endswith("-asan"):
        pytest.skip("the tests' variant has the short interval")
    numbers = itertools.count()

    def three_signs():
        flag, api.live = tmp_path / str(next(numbers)), bytearray()
        begin = time.monotonic()
        api.send(event(f"until [ -e {flag} ]; do sleep 0.01; done; echo end", stream=True))
        until(lambda: Stream(api.live).life_signs >= 3, "three signs of life have come")
        took = time.monotonic() - begin
        assert took > 0.85
        flag.touch()
        stream = api.answer().stream
        assert stream.stdout == b"end\n" and stream.stderr == b""
        return took

    until(lambda: three_signs() < 3, "they come in time")


def test_no_signs_of_life_from_who_prints(api, runtime):
    """Unless the machine is so busy that the command is silent for as long."""
    command = "for i in 1 2 3 4 5 6 7 8 9 10 11 12; do sleep 0.05; echo $i; done"
    until(lambda: api.stream(command).life_signs == 0, "nothing but lines has come")


class Count:
    """Takes a stream without keeping it. A fault for the API's `response`."""

    def __init__(self):
        self.stdout = self.crc = 0
        self.done = threading.Event()
        self.end = None

    def __call__(self, handler):
        reader = Reader()
        for data in chunks(handler.rfile):
            for kind, payload in reader.feed(data):
                if kind == "o":
                    self.stdout += len(payload)
                    self.crc = zlib.crc32(payload, self.crc)
        self.end = reader.end
        handler.reply(202)
        handler.wfile.flush()
        self.done.set()


def test_large_output_in_constant_memory(api, runtime, binary):
    size = 200 * 1024 * 1024 if not binary.endswith("-asan") else 20 * 1024 * 1024
    count = api.faults["response"] = Count()
    api.send(event(f"""python3 -c '{EVERY_BYTE % (size // 256)}'""", stream=True), seconds=5 * PATIENCE)
    assert count.done.wait(5 * PATIENCE)
    assert count.stdout == size and count.end["exit_code"] == 0
    block = bytes(range(256)) * 4096
    expected = 0
    for _ in range(size // len(block)):
        expected = zlib.crc32(block, expected)
    assert count.crc == expected
    if not binary.endswith("-asan"):
        status = pathlib.Path(f"/proc/{runtime.process.pid}/status").read_text()
        peak = int(status.split("VmHWM:")[1].split()[0])
        assert peak < 3 * 1024, f"{peak} KiB"


def test_long_stderr_is_cut_and_says_so(api, runtime):
    lines = STDERR_MAX // 10 + 100
    stream = api.stream(f"yes 123456789 | head -n {lines} >&2; echo more >&2; echo out", seconds=5 * PATIENCE)
    note = b"\nvast-lambda-runtime: stderr is longer than 16 MiB; the rest of it is only in the log\n"
    assert stream.stderr[:STDERR_MAX] == (b"123456789\n" * lines)[:STDERR_MAX]
    assert stream.stderr[STDERR_MAX:] == note
    assert stream.stdout == b"out\n"
    until(lambda: len(runtime.log) == lines * 10 + len("more\n"), "all of stderr is logged")


def test_stderr_of_exactly_its_limit_is_whole(api, runtime):
    assert api.stream(f"head -c {STDERR_MAX} /dev/zero >&2").stderr == bytes(STDERR_MAX)


def test_what_the_runtime_says_comes_after_long_stderr(api, runtime):
    command = f"head -c {STDERR_MAX + 1} /dev/zero >&2; {ENDLESS}"
    within(PATIENCE, lambda: api.stream(command), lambda s: b"still printed 2 s after" in s.stderr[STDERR_MAX:])


# --- time ---


def test_deadline_ends_the_command(api, runtime):
    begin = time.monotonic()
    stream = within(2.4, lambda: api.stream("echo some; echo err >&2; sleep 60; echo never", seconds=2.5))
    assert time.monotonic() - begin > 1.3
    assert stream.stdout == b"some\n"
    assert stream.end["exit_code"] == 124 and stream.end["timed_out"] is True and "signal" not in stream.end
    assert stream.stderr.startswith(b"err\n" + TIME_IS_OVER) and stream.stderr.endswith(b"\n")
    runtime.until_logged(TIME_IS_OVER)


def test_deadline_and_a_command_that_will_not_go(api, runtime):
    command = "trap '' TERM; echo some; while :; do sleep 60; done"
    stream = within(0.95, lambda: api.stream(command, seconds=1), lambda s: s.stdout)
    assert stream.end["timed_out"] is True and stream.stdout == b"some\n"
    assert api.stream("echo next").stdout == b"next\n"


def test_deadline_leaves_time_to_say_goodbye(api, runtime):
    command = "trap 'echo bye; exit 3' TERM; echo some; while :; do sleep 0.01; done"
    stream = within(1, lambda: api.stream(command, seconds=1), lambda s: s.stdout == b"some\nbye\n")
    assert stream.end["exit_code"] == 124


def test_deadline_of_a_command_that_prints_for_ever(api, runtime):
    stream = api.stream("trap '' TERM; yes", seconds=1)
    assert stream.end["timed_out"] is True
    assert set(stream.stdout.split(b"\n")) <= {b"y", b""}


def test_deadline_in_the_past(api, runtime):
    assert api.stream("sleep 60", seconds=-5).end["timed_out"] is True
    assert api.stream("echo next").stdout == b"next\n"


# --- what a command leaves behind ---


def gone(pid):
    return not os.path.exists(f"/proc/{int(pid)}")


def test_background_child_that_holds_stdout(api, runtime):
    stream = within(2, lambda: api.stream("sleep 300 & echo $!; exit 4"))
    assert stream.end["exit_code"] == 4 and gone(stream.stdout)
    assert runtime.children() == []


def test_background_child_that_never_stops_printing(api, runtime):
    stream = within(PATIENCE, lambda: api.stream(ENDLESS), lambda s: b"were killed" in s.stderr)
    assert stream.end["exit_code"] == 0
    assert runtime.children() == []


def test_a_command_that_kills_its_parent(api, binary, environment, start, cell):
    """As the first process of a container the runtime cannot be killed from inside; else the stream ends without its end."""
    runtime = start([*cell("--bind", "/", "/", "--as-pid-1", "--unshare-user"), binary], environment)
    stream = api.stream("kill -KILL $PPID; echo alive")
    assert stream.stdout == b"alive\n"
    assert runtime.process.poll() is None


def test_killed_runtime_leaves_a_stream_without_end(api, runtime, tmp_path):
    broken = threading.Event()
    flag = tmp_path / "go"

    def watch(handler):
        data = b""
        try:
            for piece in chunks(handler.rfile):
                data += piece
                if b"some\n" in data:
                    flag.touch()
        except (AssertionError, ConnectionError):
            assert Stream(data).end is None and Stream(data).stdout == b"some\n"
            broken.set()
        handler.close_connection = True

    api.faults["response"] = watch
    api.send(event(f"echo some; until [ -e {flag} ]; do sleep 0.01; done; kill -KILL $PPID", stream=True))
    assert broken.wait(PATIENCE)


def test_a_command_that_fills_tmp(api, binary, environment, start, cell):
    mounts = ["--ro-bind", "/", "/", "--size", "1000000", "--tmpfs", "/tmp", "--ro-bind", binary, "/tmp/runtime"]
    start([*cell(*mounts), "/tmp/runtime"], environment)
    stream = api.stream("mkdir /tmp/d; head -c 5000000 /dev/zero >/tmp/d/file; echo $?")
    assert stream.stdout == b"1\n" and b"No space left" in stream.stderr
    api.wait_until_asked()
    assert api.stream("ls /tmp; head -c 900000 /dev/zero >/tmp/file && echo room").stdout == b"runtime\nroom\n"


# --- peers ---


class Stalled:
    """A peer that does not read on until it is told to. A fault for the API's `response`."""

    def __init__(self):
        self.go = threading.Event()
        self.over = threading.Event()

    def __call__(self, handler):
        assert self.go.wait(PATIENCE)
        try:
            handler.do_POST()
        except (AssertionError, ConnectionError):
            handler.close_connection = True
        self.over.set()


def read_so_far(runtime):
    text = pathlib.Path(f"/proc/{runtime.process.pid}/io").read_text()
    return int(text.split("rchar: ")[1].split()[0])


def until_it_stands_still(runtime):
    """Waits until the pipes and sockets are full: nothing has been read for a fifth of a second."""
    last = [0, time.monotonic()]

    def still():
        now = read_so_far(runtime)
        if now != last[0] or now < 1_000_000:
            last[:] = now, time.monotonic()
        return time.monotonic() - last[1] > 0.2

    until(still, "the stream stands still")


def test_a_peer_that_reads_late_gets_everything(api, runtime):
    peer = api.faults["response"] = Stalled()
    api.send(event("seq 1 5000000; echo end >&2", stream=True))
    until_it_stands_still(runtime)
    peer.go.set()
    stream = api.answer().stream
    assert stream.stdout == b"".join(b"%d\n" % i for i in range(1, 5000001))
    assert stream.stderr == b"end\n"


def test_a_peer_that_reads_late_after_the_command(api, runtime, tmp_path):
    """The shell is long gone, and what it printed last is still in the pipe: no process is blamed for that."""
    peer = api.faults["response"] = Stalled()
    mark = tmp_path / "mark"
    script = f"import os; [os.write(1, bytes(65536)) for _ in range(400)]; open('{mark}', 'w')"
    api.send(event(f"python3 -c \"{script}\"", stream=True))
    until_it_stands_still(runtime)
    assert not mark.exists()
    peer.go.set()
    stream = api.answer().stream
    assert len(stream.stdout) == 400 * 65536 and stream.stderr == b"" and mark.exists()


def test_a_peer_that_stops_reading_does_not_stop_the_deadline(api, runtime):
    """It is broken off in time; on a busy machine, not each time."""

    def break_off():
        runtime.forget_log()
        peer = api.faults["response"] = Stalled()
        begin = time.monotonic()
        api.send(event("trap '' TERM; cat /dev/zero", stream=True), seconds=3)
        runtime.until_logged(b"was interrupted: it was not read until the function's time was over")
        took = time.monotonic() - begin
        assert took > 2 and runtime.children() == []
        assert api.stream("echo next").stdout == b"next\n"
        peer.go.set()
        assert peer.over.wait(PATIENCE)
        return took

    until(lambda: break_off() < 3.2, "it is broken off in time")


def test_a_peer_that_stops_reading_costs_no_memory(api, runtime, binary):
    if binary.endswith("-asan"):
        pytest.skip("only that of the image")
    peer = api.faults["response"] = Stalled()
    api.send(event("head -c 50000000 /dev/zero", stream=True))
    until_it_stands_still(runtime)
    status = pathlib.Path(f"/proc/{runtime.process.pid}/status").read_text()
    assert int(status.split("VmHWM:")[1].split()[0]) < 3 * 1024
    peer.go.set()
    assert len(api.answer().stream.stdout) == 50000000


@pytest.mark.parametrize("printing", [True, False], ids=["printing", "silent"])
@pytest.mark.parametrize("close", [reset, lambda handler: setattr(handler, "close_connection", True)], ids=["reset", "closed"])
def test_a_peer_that_closes_in_the_middle(api, runtime, close, printing):
    def break_off(handler):
        body = chunks(handler.rfile)
        data = b""
        while b"started" not in data:
            data += next(body)
        runtime.until_logged(b"\n")
        close(handler)

    api.faults["response"] = break_off
    command = "cat /dev/zero" if printing else "sleep 300"
    api.send(event(f"echo $$ >&2; echo started; {command}", stream=True), seconds=10 * PATIENCE)
    runtime.until_logged(b"was interrupted: ")
    assert gone(runtime.log.split(b"\n")[0]) and runtime.children() == []
    assert api.stream("echo next").stdout == b"next\n"
    assert api.invoke("echo next").stdout == b"next\n"


@pytest.mark.parametrize("status,ends", [(400, False), (403, False), (413, False), (500, True)])
@pytest.mark.parametrize("stay", [True, False], ids=["stays", "closes"])
@pytest.mark.parametrize("command", ["sleep 300", "cat /dev/zero"])
def test_a_peer_that_refuses_early(api, runtime, status, ends, stay, command):
    over = threading.Event()

    def refuse(handler):
        next(chunks(handler.rfile))
        handler.reply(status, b'{"errorType":"Refused"}')
        handler.wfile.flush()
        if stay:
            over.wait(PATIENCE)
        handler.close_connection = True

    api.faults["response"] = refuse
    api.send(event(command, stream=True))
    runtime.until_logged(b"was refused with HTTP %d: {\"errorType\":\"Refused\"}\n" % status)
    if ends:
        assert runtime.exit_code() == 1
    else:
        until(lambda: runtime.children() == [], "the command is gone")
        assert api.stream("echo next").stdout == b"next\n"
    over.set()


@pytest.mark.parametrize("status,ends", [(400, False), (413, False), (500, True)])
def test_a_peer_that_refuses_at_the_end(api, runtime, status, ends):
    def refuse(handler):
        data = b"".join(chunks(handler.rfile))
        assert Stream(data).end is not None
        handler.reply(status, b'{"errorType":"Refused"}')

    api.faults["response"] = refuse
    api.send(event("echo lost", stream=True))
    runtime.until_logged(b"was refused with HTTP %d" % status)
    if ends:
        assert runtime.exit_code() == 1
    else:
        assert api.stream("echo next").stdout == b"next\n"


def test_kept_connection_that_was_closed(api, runtime):
    def close(handler):
        handler.do_GET()
        handler.close_connection = True

    api.faults["next"] = close
    assert api.stream("echo ok").stdout == b"ok\n"
    assert api.stream("echo ok").stdout == b"ok\n"


# --- failures ---


def test_failure_before_the_first_byte(api, runtime):
    """No more processes: the shell cannot be started, and the answer is an error as for any other reply."""
    api.wait_until_asked()
    pid = runtime.process.pid
    before = resource.prlimit(pid, resource.RLIMIT_NOFILE)
    resource.prlimit(pid, resource.RLIMIT_NOFILE, (4, before[1]))
    answer = api.invoke("echo some", stream=True)
    assert answer.kind == "error" and answer.json["errorType"] == "Vastfs.CannotRun"
    resource.prlimit(pid, resource.RLIMIT_NOFILE, before)
    assert api.stream("echo next").stdout == b"next\n"


def test_failure_in_the_middle(api, runtime, tmp_path):
    """poll(2) fails with fewer descriptors allowed than it is given."""
    flag = tmp_path / "go"
    api.send(event(f"echo some; until [ -e {flag} ]; do sleep 0.01; done; echo more; sleep 60", stream=True))
    until(lambda: Stream(api.live).stdout == b"some\n", "the beginning is there")
    pid = runtime.process.pid
    before = resource.prlimit(pid, resource.RLIMIT_NOFILE)
    resource.prlimit(pid, resource.RLIMIT_NOFILE, (2, before[1]))
    flag.touch()
    answer = api.answer()
    resource.prlimit(pid, resource.RLIMIT_NOFILE, before)
    assert Stream(answer.body).end is None
    assert Stream(answer.body).stdout in (b"some\n", b"some\nmore\n")
    assert answer.trailers["Lambda-Runtime-Function-Error-Type"] == "Vastfs.CannotRun"
    error = json.loads(base64.b64decode(answer.trailers["Lambda-Runtime-Function-Error-Body"], validate=True))
    assert error["errorType"] == "Vastfs.CannotRun" and "Invalid argument" in error["errorMessage"]
    until(lambda: b"Vastfs.CannotRun" in runtime.log, "it is logged")
    assert api.stream("echo next").stdout == b"next\n"
