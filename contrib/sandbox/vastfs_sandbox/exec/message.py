# SPDX-License-Identifier: BSD-3-Clause
"""The messages of a data channel, in the format of the Session Manager plugin.

All numbers are big-endian. A message is a header of 120 bytes and its payload; the
header contains its own length without the last field, 116.
"""

import hashlib
import json
import random
import struct
import time
import uuid
from typing import NamedTuple

HEADER = struct.Struct(">I32sIQQQ16s32sII")
HEADER_LENGTH = HEADER.size - 4
SCHEMA_VERSION = 1

INPUT = b"input_stream_data"
OUTPUT = b"output_stream_data".ljust(32)
ACKNOWLEDGE = b"acknowledge"
CHANNEL_CLOSED = b"channel_closed".ljust(32)

#: payload types
DATA, ERROR, SIZE = 1, 2, 3
HANDSHAKE_REQUEST, HANDSHAKE_RESPONSE, HANDSHAKE_COMPLETE = 5, 6, 7
CHALLENGE_REQUEST, CHALLENGE_RESPONSE = 8, 9
FLAG, STDERR, EXIT_CODE = 10, 11, 12
ENCRYPTED = (DATA, STDERR, EXIT_CODE)

FLAG_TERMINATE = 2

SYN, FIN = 1, 2
UUID_CLEAR = ~(0xF << 76 | 0x3 << 62)
UUID_SET = 0x4 << 76 | 0x2 << 62


class Malformed(ValueError):
    """The bytes are not a valid message."""


class Message(NamedTuple):
    """The fields of a message that its receiver needs."""

    kind: bytes
    sequence: int
    flags: int
    identity: bytes  # as on the wire, with its halves swapped
    payload_type: int
    payload: bytes


def parse(data: bytes) -> Message:
    """Parse a message, with the agent's checks."""
    if len(data) < HEADER.size:
        raise Malformed("too short")
    fields = HEADER.unpack_from(data)
    length, kind, _version, date, sequence, flags, identity, digest, sort, size = fields
    payload = data[HEADER.size :]
    if length != HEADER_LENGTH or not date:
        raise Malformed("wrong header")
    if size != len(payload):
        raise Malformed("wrong length")
    if size and hashlib.sha256(payload).digest() != digest:
        raise Malformed("wrong digest")
    kind = kind.strip(b"\0 ")
    return Message(kind, sequence, flags, identity, sort, payload)


def build(kind: bytes, sequence: int, flags: int, payload_type: int, payload: bytes) -> bytes:
    """Build a message; `kind` is already padded to 32 bytes."""
    identity = random.getrandbits(128) & UUID_CLEAR | UUID_SET
    return (
        HEADER.pack(
            HEADER_LENGTH,
            kind,
            SCHEMA_VERSION,
            int(time.time() * 1000),
            sequence,
            flags,
            identity.to_bytes(16, "big"),
            hashlib.sha256(payload).digest(),
            payload_type,
            len(payload),
        )
        + payload
    )


def acknowledgement(message: Message) -> bytes:
    """The acknowledgement of a received message."""
    identity = uuid.UUID(bytes=message.identity[8:] + message.identity[:8])
    payload = {
        "AcknowledgedMessageType": message.kind.decode("ascii", "replace"),
        "AcknowledgedMessageId": str(identity),
        "AcknowledgedMessageSequenceNumber": message.sequence,
        "IsSequentialMessage": True,
    }
    return build(ACKNOWLEDGE.ljust(32), 0, SYN | FIN, 0, json.dumps(payload).encode())


def channel_closed(session: str, output: str) -> bytes:
    """The last message of a session."""
    payload = {
        "MessageId": str(uuid.uuid4()),
        "CreatedDate": time.strftime("%Y-%m-%dT%H:%M:%S.000Z", time.gmtime()),
        "DestinationId": session,
        "SessionId": session,
        "MessageType": "channel_closed",
        "SchemaVersion": SCHEMA_VERSION,
        "Output": output,
    }
    return build(CHANNEL_CLOSED, 0, SYN | FIN, 0, json.dumps(payload).encode())
