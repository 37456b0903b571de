# SPDX-License-Identifier: BSD-3-Clause
"""A client of ECS Exec's data channel, like the Session Manager plugin.

It is written from the description of the protocol, with the package `websockets`:
it shares no code with the sandbox or with vastfs.
"""

import hashlib
import json
import struct
import time
import uuid

from websockets.sync.client import connect

HEADER = struct.Struct(">I32sIQQQ16s32sII")
DATA, SIZE, REQUEST, RESPONSE, COMPLETE, FLAG = 1, 3, 5, 6, 7, 10
DEADLINE = 60


class Channel:
    """The client's side of a data channel, one step at a time."""

    def __init__(self, session):
        self.id = session["sessionId"]
        self.sequence = 0
        self.expected = 0
        self.output = b""
        self.closed = None
        self.acknowledged = []
        self.connect(session["streamUrl"], session["tokenValue"])

    def connect(self, url, token):
        self.socket = connect(url, open_timeout=DEADLINE, compression=None, legacy=True, close_timeout=0.1)
        greeting = {
            "MessageSchemaVersion": "1.0",
            "RequestId": str(uuid.uuid4()),
            "TokenValue": token,
            "ClientId": str(uuid.uuid4()),
            "ClientVersion": "1.2.694.0",
        }
        self.socket.send(json.dumps(greeting))

    def send(self, kind, payload, sequence=None):
        """Send one message of input."""
        if sequence is None:
            sequence, self.sequence = self.sequence, self.sequence + 1
        self.put(b"input_stream_data", sequence, 0, kind, payload)

    def put(self, name, sequence, flags, kind, payload):
        digest = hashlib.sha256(payload).digest()
        identity = uuid.uuid4().bytes
        now = int(time.time() * 1000)
        head = HEADER.pack(
            116, name.ljust(32), 1, now, sequence, flags, identity, digest, kind, len(payload)
        )
        self.socket.send(head + payload)

    def receive(self, acknowledge=True):
        """The next message: (name, sequence, kind, payload)."""
        data = self.socket.recv(timeout=DEADLINE)
        fields = HEADER.unpack_from(data)
        name, sequence, identity, digest = fields[1].strip(b" \0"), *fields[4:8:2], fields[7]
        kind, payload = fields[8], data[120:]
        assert fields[0] == 116 and fields[9] == len(payload)
        assert digest == hashlib.sha256(payload).digest()
        if name == b"output_stream_data" and acknowledge:
            self.acknowledge(sequence, identity)
        return name, sequence, kind, payload

    def acknowledge(self, sequence, identity):
        text = {
            "AcknowledgedMessageType": "output_stream_data",
            "AcknowledgedMessageId": str(uuid.UUID(bytes=identity[8:] + identity[:8])),
            "AcknowledgedMessageSequenceNumber": sequence,
            "IsSequentialMessage": True,
        }
        self.put(b"acknowledge", 0, 3, 0, json.dumps(text).encode())

    def step(self):
        """Receive one message and acknowledge it; False at the end."""
        name, sequence, kind, payload = self.receive()
        if name == b"channel_closed":
            self.closed = json.loads(payload)["Output"]
            return False
        if name == b"acknowledge":
            self.acknowledged.append(json.loads(payload)["AcknowledgedMessageSequenceNumber"])
        elif sequence == self.expected:
            self.expected += 1
            if kind == REQUEST:
                self.answer(json.loads(payload))
            elif kind == DATA:
                self.output += payload
        return True

    def answer(self, request):
        done = [
            {"ActionType": a["ActionType"], "ActionStatus": 1, "ActionResult": None, "Error": ""}
            for a in request["RequestedClientActions"]
        ]
        reply = {"ClientVersion": "1.2.694.0", "ProcessedClientActions": done, "Errors": None}
        self.send(RESPONSE, json.dumps(reply).encode())

    def until(self, text):
        while text not in self.output:
            assert self.step(), (text, self.output)

    def to_end(self):
        while self.step():
            pass
        return self.output
