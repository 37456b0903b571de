# SPDX-License-Identifier: BSD-3-Clause
"""Data for a command's stdin, which comes compressed in the event."""

import base64
import gzip
import json
import os
import pathlib
import random
import threading
import zlib

import pytest
from conftest import until, within
from frames import Stream
from runtime_api import event

LINES = b"".join(b'{"timestamp": %d, "event_type": "flow"}\n' % i for i in range(20000))


def stdin(data):
    """The event's fields for these compressed bytes."""
    return {"stdin": base64.b64encode(data).decode(), "stdin_encoding": "gzip"}


class Both:
    """An answer in either form, read alike."""

    def __init__(self, answer):
        if answer.headers.get("Lambda-Runtime-Function-Response-Mode") == "streaming":
            self.failed = bool(answer.trailers)
            self.stdout, self.stderr = Stream(answer.body).stdout, Stream(answer.body).stderr
            self.end = Stream(answer.body).end
            if self.failed:
                assert self.end is None
                self.error = json.loads(base64.b64decode(answer.trailers["Lambda-Runtime-Function-Error-Body"]))
        else:
            self.failed = answer.kind == "error"
            self.end = self.error = answer.json
            if not self.failed:
                self.stdout, self.stderr = answer.stdout, answer.stderr


@pytest.fixture(params=[False, True], ids=["collected", "streamed"])
def feed(request, api):
    def feed(command, data, seconds=60):
        return Both(api.invoke(command, seconds, stream=request.param, **stdin(data)))

    return feed


@pytest.fixture
def succeed(feed):
    def succeed(command, data):
        answer = feed(command, data)
        assert not answer.failed, answer.error
        return answer

    return succeed


@pytest.mark.parametrize("size", [0, 1, 4096, 65535, 65536, 65537, 131072, 3_000_000])
def test_stdin_is_exact(runtime, succeed, size):
    data = random.Random(size).randbytes(size)
    answer = succeed("cat", gzip.compress(data, 1))
    assert answer.stdout == data
    assert answer.end["exit_code"] == 0 and answer.end["stdin_bytes"] == size


def test_a_command_sees_the_end_of_its_stdin(runtime, succeed):
    answer = succeed("wc -c; cat; exit 3", gzip.compress(LINES))
    assert answer.stdout.split() == [b"%d" % len(LINES)]
    assert answer.end["exit_code"] == 3 and answer.end["stdin_bytes"] == len(LINES)


def test_several_members(runtime, succeed):
    parts = [gzip.compress(part) for part in (LINES, b"", b"x" * 65536, LINES)]
    answer = succeed("cat", b"".join(parts))
    assert answer.stdout == LINES + b"x" * 65536 + LINES


def test_without_data_stdin_is_empty_and_not_counted(api, runtime):
    answer = api.invoke("cat", stdin=None, stdin_encoding=None)
    assert answer.stdout == b"" and "stdin_bytes" not in answer.json
    assert api.invoke("cat", stdin_encoding="gzip").stdout == b""
    assert "stdin_bytes" not in api.stream("cat").end


def test_a_slash_may_be_escaped(api, runtime):
    data = random.Random(1).randbytes(5000)
    body = event("cat", **stdin(gzip.compress(data))).replace(b"/", b"\\/")
    assert b"\\/" in body
    api.send(body)
    assert api.answer().stdout == data


# --- commands ---


def test_a_command_that_prints_while_it_reads(runtime, succeed):
    """Neither side waits for the other, whichever pipe is full first."""
    answer = succeed("tee /dev/stderr | tail -c 1000000", gzip.compress(LINES))
    assert answer.stdout == LINES[-1000000:] and answer.stderr[-1000:] == LINES[-1000:]


def test_a_command_that_prints_before_it_reads(runtime, succeed):
    answer = succeed("head -c 3000000 /dev/zero; cat >/dev/null", gzip.compress(LINES))
    assert answer.stdout == bytes(3000000) and answer.end["stdin_bytes"] == len(LINES)


@pytest.mark.parametrize("command, code", [("true", 0), ("head -n 1 >/dev/null", 0), ("exec <&-; sleep 0.2; exit 7", 7), ("exit 1", 1)])
def test_a_command_that_does_not_read_on(runtime, succeed, command, code):
    """The exit status decides, and the number says how much may have been read."""
    answer = succeed(command, gzip.compress(LINES * 20))
    assert answer.end["exit_code"] == code and "signal" not in answer.end
    assert answer.end["stdin_bytes"] < len(LINES) * 20


def test_a_command_that_dies(runtime, succeed):
    answer = succeed("head -n 2; kill -9 $$", gzip.compress(LINES * 20))
    assert answer.end["exit_code"] == 137 and answer.end["signal"] == 9
    assert answer.stdout == b"".join(LINES.splitlines(True)[:2])


def test_a_command_keeps_its_own_sigpipe(api, runtime):
    """Only the runtime ignores it."""
    assert api.invoke("yes | head -n 1", **stdin(gzip.compress(LINES))).stdout == b"y\n"
    assert "PIPE" not in runtime.log.decode()


def test_a_child_in_the_background_that_holds_stdin(runtime, succeed):
    answer = within(10, lambda: succeed("exec 3<&0; sleep 300 <&3 & exit 4", gzip.compress(LINES * 20)))
    assert answer.end["exit_code"] == 4
    assert runtime.children() == []


def test_the_deadline_of_a_command_that_does_not_read(runtime, feed):
    answer = feed("sleep 60", gzip.compress(LINES * 20), seconds=2)
    assert answer.end["exit_code"] == 124 and answer.end["timed_out"] is True
    assert 0 < answer.end["stdin_bytes"] < len(LINES) * 20


def test_the_next_command_gets_nothing_of_it(api, runtime, succeed):
    for _ in range(3):
        succeed("head -n 1 >/dev/null", gzip.compress(LINES * 20))
        assert api.invoke("cat").stdout == b""
        assert succeed("cat", gzip.compress(b"own")).stdout == b"own"


# --- damage ---

COMPRESSED = gzip.compress(LINES)


def changed(at, data=COMPRESSED):
    return data[:at] + bytes([data[at] ^ 0x55]) + data[at + 1 :]


DAMAGED = {
    "empty": (b"", "truncated"),
    "no gzip": (b"plain text, by mistake", "header"),
    "zlib": (zlib.compress(LINES), "header"),
    "a cut header": (COMPRESSED[:5], "truncated"),
    "a cut body": (COMPRESSED[: len(COMPRESSED) // 2], "truncated"),
    "a cut checksum": (COMPRESSED[:-1], "truncated"),
    "no checksum": (COMPRESSED[:-8], "truncated"),
    "a wrong checksum": (changed(len(COMPRESSED) - 8), "data check"),
    "a wrong length": (changed(len(COMPRESSED) - 1), "length check"),
    "a wrong block": (COMPRESSED[:10] + b"\xff" * 100, "block type"),
    "something behind it": (COMPRESSED + b"\n", "truncated"),
    "zeros behind it": (COMPRESSED + bytes(512), "header"),
    "a second member that is cut": (COMPRESSED + COMPRESSED[:-3], "truncated"),
}


@pytest.mark.parametrize("data, words", DAMAGED.values(), ids=DAMAGED.keys())
@pytest.mark.parametrize("command", ["wc -l", "true"])
def test_damaged_data_is_an_error(api, runtime, feed, data, words, command):
    """Also of a command that does not read that far: success says that the data was whole."""
    answer = feed(command, data)
    assert answer.failed and answer.error["errorType"] == "Vastfs.BadStdin"
    assert "stdin is damaged" in answer.error["errorMessage"] and words in answer.error["errorMessage"]
    assert runtime.children() == []
    assert api.invoke("echo next").stdout == b"next\n"


def test_a_command_with_damaged_data_never_sees_the_end_of_it(api, runtime, feed, tmp_path):
    mark = tmp_path / "mark"
    assert feed(f"cat >/dev/null; touch {mark}", changed(len(COMPRESSED) - 8)).failed
    api.wait_until_asked()
    assert not mark.exists()


def test_the_failure_of_a_command_goes_before_damage_that_was_not_reached(runtime, succeed):
    big = gzip.compress(LINES * 20)
    assert succeed("exit 9", big[:-1]).end["exit_code"] == 9


@pytest.mark.parametrize("encoding, words", [("zstd", "stdin_encoding"), (None, "stdin_encoding"), ("gzip", "not base64")])
def test_fields_that_make_no_sense(api, runtime, encoding, words):
    answer = api.invoke("cat", stdin="H4s", stdin_encoding=encoding)
    assert answer.kind == "error" and answer.json["errorType"] == "Vastfs.BadEvent"
    assert words in answer.json["errorMessage"]
    assert api.invoke("echo next").stdout == b"next\n"


# --- memory ---


def peak(runtime):
    """KiB."""
    status = pathlib.Path(f"/proc/{runtime.process.pid}/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0])


def compressed_zeros(size):
    compressor = zlib.compressobj(9, wbits=31)
    return b"".join(compressor.compress(bytes(1 << 20)) for _ in range(size >> 20)) + compressor.flush()


def test_inflating_takes_no_memory(api, runtime, binary, succeed):
    size = 200 << 20
    answer = succeed("wc -c", compressed_zeros(size))
    assert answer.stdout.split() == [b"%d" % size] and answer.end["stdin_bytes"] == size
    if not binary.endswith("-asan"):
        assert peak(runtime) < 3 * 1024


def test_the_largest_event(api, runtime, binary, succeed):
    data = os.urandom(4_400_000)
    answer = succeed("cksum", gzip.compress(data, 1))
    assert answer.end["stdin_bytes"] == len(data) and answer.end["exit_code"] == 0
    if not binary.endswith("-asan"):
        assert peak(runtime) < 20 * 1024


def test_a_killed_runtime_gives_no_end_of_stdin_for_a_success(api, runtime, tmp_path):
    """The command dies with it or sees its pipe's end, but nobody is told of a success."""
    broken = threading.Event()

    def watch(handler):
        try:
            handler.do_POST()
        except (AssertionError, ConnectionError):
            broken.set()

    api.faults["response"] = watch
    api.send(event("head -n 1; kill -KILL $PPID; cat >/dev/null", stream=True, **stdin(gzip.compress(LINES * 20))))
    until(broken.is_set, "the stream is broken")
    assert api.answers.empty()
