# SPDX-License-Identifier: BSD-3-Clause
"""The streamed form of a result, read by another hand than the one that reads it in vastfs (src/runtime/frames.h)."""

import json
import struct
import zlib

PREAMBLE = b"vastfs2\n"
PAYLOAD_MAX = 65536
STDERR_MAX = 16 * 1024 * 1024


class Reader:
    """Takes a stream in pieces of any size and gives (type, payload) for each frame, compressed or not.

    Memory is one frame's.
    """

    def __init__(self):
        self.pending = b""
        self.begun = False
        self.length = self.crc = 0
        self.end = None
        self.deflated = 0  # frames
        self.inflater = zlib.decompressobj(-15)
        self.stdout_length = self.stdout_crc = 0

    def _count(self, data):
        self.length += len(data)
        self.crc = zlib.crc32(data, self.crc)

    def _inflate(self, payload):
        self.deflated += 1
        plain = self.inflater.decompress(payload)
        assert not self.inflater.unconsumed_tail and not self.inflater.unused_data
        self.stdout_length += len(plain)
        self.stdout_crc = zlib.crc32(plain, self.stdout_crc)
        return plain

    def _finish(self, payload):
        self.end = json.loads(payload)
        if self.deflated:
            assert self.inflater.eof
            assert (self.end["stdout_length"], self.end["stdout_crc32"]) == (self.stdout_length, self.stdout_crc)
        assert self.end["length"] == self.length and self.end["crc32"] == self.crc

    def feed(self, data):
        assert self.end is None or not data, "something after the end"
        self.pending += data
        if not self.begun and len(self.pending) >= len(PREAMBLE):
            assert self.pending.startswith(PREAMBLE)
            self._count(PREAMBLE)
            self.pending = self.pending[len(PREAMBLE) :]
            self.begun = True
        at = 0
        while self.begun and len(self.pending) - at >= 5:
            kind, size = struct.unpack_from(">cI", self.pending, at)
            assert size <= PAYLOAD_MAX and kind in (b"o", b"z", b"e", b"x")
            if len(self.pending) - at < 5 + size:
                break
            frame = self.pending[at : at + 5 + size]
            at += len(frame)
            if kind == b"x":
                self._finish(frame[5:])
                assert len(self.pending) == at, "something after the end"
            else:
                self._count(frame)
            if kind == b"z":
                yield "o", self._inflate(frame[5:])
            else:
                yield kind.decode(), frame[5:]
        self.pending = self.pending[at:]


class Stream:
    """A stream, or its beginning, in memory."""

    def __init__(self, data):
        reader = Reader()
        self.frames = [frame for frame in reader.feed(data) if frame[0] != "x"]
        self.end = reader.end
        self.rest = reader.pending
        self.deflated = reader.deflated
        self.size = reader.length

    def _of(self, kind):
        return b"".join(payload for frame, payload in self.frames if frame == kind)

    @property
    def stdout(self):
        return self._of("o")

    @property
    def stderr(self):
        return self._of("e")

    @property
    def life_signs(self):
        return sum(frame == ("e", b"") for frame in self.frames)


def whole(data):
    stream = Stream(data)
    assert stream.end is not None and stream.rest == b"", "cut short"
    return stream
