# SPDX-License-Identifier: BSD-3-Clause
"""The WebSocket side of a data channel: the upgrade and the frames.

The upgrade is that of the package `websockets`. Its frames would take more time
than the rest of a message, so they are parsed here: a session sends and
acknowledges tens of thousands of them per second.
"""

import struct

from websockets.frames import apply_mask
from websockets.http11 import Request
from websockets.server import ServerProtocol

CONTINUATION, TEXT, BINARY = 0, 1, 2
CLOSE, PING, PONG = 8, 9, 10
POLICY_VIOLATION = 1008
NORMAL_CLOSURE = 1000
PROTOCOL_ERROR = 1002
MAX_MESSAGE = 1 << 20


class Broken(ValueError):
    """The peer does not follow the WebSocket protocol."""


class Upgrade:
    """The HTTP request that opens a connection."""

    def __init__(self):
        self._protocol = ServerProtocol()

    def receive(self, data: bytes):
        """The path if the request is complete; otherwise None."""
        self._protocol.receive_data(data)
        for event in self._protocol.events_received():
            if isinstance(event, Request):
                self._request = event
                return event.path
        if self._protocol.handshake_exc:
            raise Broken(str(self._protocol.handshake_exc))
        return None

    def accept(self):
        """(bytes to send, whether the connection is open now)."""
        self._protocol.send_response(self._protocol.accept(self._request))
        accepted = self._protocol.handshake_exc is None
        return b"".join(self._protocol.data_to_send()), accepted

    def reject(self, status: int) -> bytes:
        self._protocol.send_response(self._protocol.reject(status, "refused\n"))
        return b"".join(self._protocol.data_to_send())


class FrameReader:
    """Parses received bytes into messages."""

    def __init__(self):
        self._left = b""
        self._parts = []
        self._opcode = None

    def feed(self, data: bytes):
        """The (opcode, payload) pairs that are now complete."""
        if self._left:
            data = self._left + data
        position, end = 0, len(data)
        messages = []
        while end - position >= 6:
            first, second = data[position], data[position + 1]
            size, start = second & 0x7F, position + 2
            if size == 126:
                size, start = int.from_bytes(data[start : start + 2], "big"), start + 2
            elif size == 127:
                size, start = int.from_bytes(data[start : start + 8], "big"), start + 8
            stop = start + 4 + size
            if stop > end:
                if size > MAX_MESSAGE and start <= end:
                    raise Broken("too long")
                break
            if not second & 0x80 or first & 0x70:
                raise Broken("not masked, or an extension")
            payload = apply_mask(data[start + 4 : stop], data[start : start + 4])
            position = stop
            if first & 0x80 and first != 0x80:
                messages.append((first & 0x0F, payload))
            else:
                self._fragment(first, payload, messages)
        self._left = data[position:]
        return messages

    def _fragment(self, first: int, payload: bytes, messages: list) -> None:
        opcode = first & 0x0F
        if opcode:
            self._opcode, self._parts = opcode, []
        elif self._opcode is None:
            raise Broken("nothing to continue")
        self._parts.append(payload)
        if sum(map(len, self._parts)) > MAX_MESSAGE:
            raise Broken("too long")
        if first & 0x80:
            messages.append((self._opcode, b"".join(self._parts)))
            self._opcode = None


def frame(payload: bytes, opcode: int = BINARY) -> bytes:
    """One complete frame, as a server sends it."""
    size = len(payload)
    if size < 126:
        head = struct.pack(">BB", 0x80 | opcode, size)
    elif size < 1 << 16:
        head = struct.pack(">BBH", 0x80 | opcode, 126, size)
    else:
        head = struct.pack(">BBQ", 0x80 | opcode, 127, size)
    return head + payload


def close_frame(code: int, reason: str = "") -> bytes:
    return frame(struct.pack(">H", code) + reason.encode(), CLOSE)
