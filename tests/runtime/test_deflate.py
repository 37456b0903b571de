# SPDX-License-Identifier: BSD-3-Clause
"""Streamed replies whose stdout is compressed: byte for byte what the plain ones have, and as prompt."""

import itertools
import pathlib
import random
import threading
import time

import pytest
from conftest import until
from frames import Stream
from runtime_api import PATIENCE, event
from test_stream import Count, Stalled, until_it_stands_still

EVENTS = b"".join(b'{"timestamp": %d, "event_type": "flow", "src_port": %d}\n' % (i, i * 7919 % 65536) for i in range(100000))


@pytest.fixture
def deflated(api, runtime):
    """Asks for a compressed reply and returns it. A reply with stdout has to be one."""

    def deflated(command, seconds=60):
        stream = api.stream(command, seconds, deflate=True)
        assert (stream.deflated > 0) == (stream.stdout != b"")
        return stream

    return deflated


@pytest.fixture
def file(tmp_path):
    def file(data):
        path = tmp_path / "data"
        path.write_bytes(data)
        return path

    return file


def mixed(size):
    """Data that changes between what shrinks and what does not, so that the level changes on the way."""
    source = random.Random(size)
    parts = []
    while size > 0:
        part = source.choice([EVENTS, source.randbytes(3_000_000), bytes(2_500_000)])[: min(size, source.randrange(1, 5_000_000))]
        parts.append(part)
        size -= len(part)
    return b"".join(parts)


@pytest.mark.parametrize("size", [1, 2, 65535, 65536, 65537, 131073, len(EVENTS)])
def test_all_lengths(deflated, file, size):
    assert deflated(f"cat {file(EVENTS[:size])}").stdout == EVENTS[:size]


@pytest.mark.parametrize("size", [65537, 20_000_000])
def test_data_that_does_not_shrink(deflated, file, size):
    data = random.Random(1).randbytes(size)
    stream = deflated(f"cat {file(data)}")
    assert stream.stdout == data
    assert stream.size < size * 1.003 + 1000


def test_data_that_changes(deflated, file):
    data = mixed(30_000_000)
    assert deflated(f"cat {file(data)}").stdout == data


def test_events_shrink(deflated, file):
    stream = deflated(f"cat {file(EVENTS)}")
    assert stream.stdout == EVENTS and stream.size * 4 < len(EVENTS)


def test_a_command_that_prints_nothing(deflated):
    stream = deflated("true")
    assert stream.frames == [] and set(stream.end) == {"exit_code", "length", "crc32"}


def test_the_end_of_one_that_prints(deflated):
    stream = deflated("echo some; echo err >&2; kill -9 $$")
    assert stream.stdout == b"some\n" and stream.stderr == b"err\n"
    assert stream.end["exit_code"] == 137 and stream.end["stdout_length"] == 5


@pytest.mark.parametrize("fields", [{}, {"deflate": False}, {"deflate": None}])
def test_only_if_it_is_asked_for(api, runtime, fields):
    stream = api.stream("echo plain", **fields)
    assert stream.stdout == b"plain\n" and stream.deflated == 0
    assert set(stream.end) == {"exit_code", "length", "crc32"}


def test_a_reply_in_one_piece_stays_plain(api, runtime):
    assert api.invoke("echo plain", deflate=True).stdout == b"plain\n"


def test_deflate_is_true_or_false(api, runtime):
    answer = api.invoke("true", stream=True, deflate=1)
    assert answer.json["errorType"] == "Vastfs.BadEvent" and "deflate" in answer.json["errorMessage"]


def test_many_replies_in_turn(api, deflated):
    for i in range(20):
        assert deflated(f"echo {i}").stdout == b"%d\n" % i
        assert api.stream(f"echo {i}").stdout == b"%d\n" % i


# --- promptness ---


def test_output_comes_as_it_is_printed(api, runtime, tmp_path):
    """Each byte is there before the command goes on, and stdout and stderr stay in their order."""
    flags = [tmp_path / str(i) for i in range(6)]
    steps = "; ".join(f"echo {i} {'>&2' if i % 2 else ''}; until [ -e {flag} ]; do sleep 0.01; done" for i, flag in enumerate(flags))
    api.send(event(steps, stream=True, deflate=True))
    expected = []
    for i, flag in enumerate(flags):
        expected.append(("oe"[i % 2], b"%d\n" % i))
        until(lambda: [f for f in Stream(api.live).frames if f[1]] == expected, f"{i} is there")
        flag.touch()
    assert api.answer().stream.deflated >= 3


def test_a_pause_takes_no_longer_than_a_flush(api, runtime, tmp_path):
    """Of several tries: the machine may be busy, the runtime has no excuse."""
    numbers = itertools.count()

    def pause():
        flag, api.live = tmp_path / str(next(numbers)), bytearray()
        api.send(event(f"printf x; until [ -e {flag} ]; do sleep 0.01; done", stream=True, deflate=True))
        until(lambda: api.live.startswith(b"vastfs2\n"), "the command runs")
        begin = time.monotonic()
        until(lambda: Stream(api.live).stdout == b"x", "the byte is there")
        took = time.monotonic() - begin
        flag.touch()
        api.answer()
        return took

    until(lambda: pause() < 0.15, "a pause is short")


def test_lines_that_trickle_are_not_kept_back(api, runtime, tmp_path):
    """A command that never pauses for as long as a flush takes."""
    flag = tmp_path / "go"
    api.send(event(f"i=0; until [ -e {flag} ]; do i=$((i + 1)); echo $i; sleep 0.01; done", stream=True, deflate=True))
    until(lambda: Stream(api.live).deflated > 10, "lines are there")
    assert api.answers.empty()
    flag.touch()
    lines = api.answer().stream.stdout.split()
    assert lines == [b"%d" % i for i in range(1, len(lines) + 1)]


# --- bounds ---


def test_large_output_in_constant_memory(api, runtime, binary):
    size = 200 * 1024 * 1024 if not binary.endswith("-asan") else 20 * 1024 * 1024
    count = api.faults["response"] = Count()
    api.send(event(f"head -c {size} /dev/zero", stream=True, deflate=True), seconds=5 * PATIENCE)
    assert count.done.wait(5 * PATIENCE)
    assert count.stdout == size and count.end["stdout_length"] == size and count.end["length"] * 100 < size
    if not binary.endswith("-asan"):
        status = pathlib.Path(f"/proc/{runtime.process.pid}/status").read_text()
        peak = int(status.split("VmHWM:")[1].split()[0])
        assert peak < 3 * 1024, f"{peak} KiB"


def test_a_peer_that_reads_late_gets_everything(api, runtime, file):
    data = mixed(20_000_000)
    peer = api.faults["response"] = Stalled()
    api.send(event(f"cat {file(data)}; echo end >&2", stream=True, deflate=True))
    until_it_stands_still(runtime)
    peer.go.set()
    stream = api.answer().stream
    assert stream.stdout == data and stream.stderr == b"end\n"


def test_a_peer_that_stops_reading_does_not_stop_the_deadline(api, runtime):
    """It is broken off at most half a second too late; on a busy machine, not each time."""

    def break_off():
        runtime.forget_log()
        peer = api.faults["response"] = Stalled()
        begin = time.monotonic()
        api.send(event("trap '' TERM; cat /dev/urandom", stream=True, deflate=True), seconds=3)
        runtime.until_logged(b"was interrupted: it was not read until the function's time was over")
        took = time.monotonic() - begin
        assert took > 2 and runtime.children() == []
        assert api.stream("echo next", deflate=True).stdout == b"next\n"
        peer.go.set()
        assert peer.over.wait(PATIENCE)
        return took

    until(lambda: break_off() < 3.5, "it is broken off in time")


def test_the_deadline_keeps_what_was_printed(deflated):
    stream = deflated("echo some; sleep 60", seconds=2)
    assert stream.end["timed_out"] is True and stream.stdout == b"some\n"


def test_a_killed_runtime_leaves_a_stream_without_end(api, runtime, tmp_path):
    broken = threading.Event()

    def watch(handler):
        try:
            handler.do_POST()
        except (AssertionError, ConnectionError):
            broken.set()

    api.faults["response"] = watch
    flag = tmp_path / "go"
    api.send(event(f"echo some; until [ -e {flag} ]; do sleep 0.01; done; kill -KILL $PPID", stream=True, deflate=True))
    until(lambda: Stream(api.live).stdout, "the line is there")
    flag.touch()
    until(broken.is_set, "the stream is broken")
    assert Stream(api.live).stdout == b"some\n" and Stream(api.live).end is None
    assert api.answers.empty()
