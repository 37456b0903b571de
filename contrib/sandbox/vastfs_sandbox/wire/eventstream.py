# SPDX-License-Identifier: BSD-3-Clause
"""application/vnd.amazon.eventstream: messages with headers and checksums.

A message is: total length, length of the headers, CRC-32 of these two,
headers, payload, CRC-32 of everything before. Numbers are big-endian.
"""

import struct
import zlib

CONTENT_TYPE = "application/vnd.amazon.eventstream"
PRELUDE = struct.Struct(">II")
WORD = struct.Struct(">I")
STRING = 7  # the type of a header's value


def header(name: str, value: str) -> bytes:
    """One header whose value is text."""
    name, value = name.encode(), value.encode()
    return struct.pack(
        f">B{len(name)}sBH{len(value)}s", len(name), name, STRING, len(value), value
    )


class Event:
    """One kind of event: its headers are always the same."""

    def __init__(self, kind: str, content_type: str):
        self._headers = (
            header(":event-type", kind)
            + header(":content-type", content_type)
            + header(":message-type", "event")
        )

    def encode(self, payload: bytes) -> bytes:
        """The whole message."""
        total = PRELUDE.size + WORD.size + len(self._headers) + len(payload) + WORD.size
        head = PRELUDE.pack(total, len(self._headers))
        head += WORD.pack(zlib.crc32(head)) + self._headers
        checksum = zlib.crc32(payload, zlib.crc32(head))
        return b"".join((head, payload, WORD.pack(checksum)))
