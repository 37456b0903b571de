# SPDX-License-Identifier: BSD-3-Clause
"""The agent's side of a data channel: handshake, sequence numbers, acknowledgements.

It outlives the channel's connections: messages that were not acknowledged are sent
again over the next connection.
"""

import base64
import codecs
import json
import os
import selectors
import time

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from . import faults, message
from .terminal import CannotStart, Terminal

AGENT_VERSION = "3.3.1802.0"
CHUNK = 1024
WINDOW = 256  # messages that may be unacknowledged
READ = 1 << 16
TICK = 0.05
RESEND = 0.2
RESEND_MOST = 1.0
FAREWELL = 5.0  # seconds to wait for the last acknowledgements
MERCY = 1.0  # seconds between SIGHUP and SIGKILL
TIMED_OUT = "Your session timed out due to inactivity and has been terminated."
EVERY = 3  # one of so many messages is damaged


class Agent:
    """One session. All its functions run on the loop's thread."""

    def __init__(self, loop, session):
        self.loop = loop
        self.session = session
        self.connection = None
        self.terminal = None
        self.size = None
        self.next = 0
        self.unacknowledged = {}  # sequence: [frame, when sent, tries]
        self.round_trip = RESEND / 2
        self.expected = 0
        self.ahead = {}
        self.keys = None
        self.challenge = None
        self.handshaken = False
        self.to_terminal = b""
        self.decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self.active = time.monotonic()
        self.ending = False
        self.over = False
        self.damage = None
        self.sent = 0

    # -- connections

    def attach(self, connection) -> None:
        if self.connection:
            self.connection.close()
        self.connection = connection
        if self.next == 0:
            self.loop.after(TICK, self._tick)
            self._request_handshake()
            return
        for entry in self.unacknowledged.values():
            self._send_again(entry)
        self.may_print()

    def detach(self, connection) -> None:
        if self.connection is connection:
            self.connection = None
            self.may_print()

    def _send(self, frames: list) -> None:
        if self.connection:
            self.connection.send(frames)

    # -- sending

    def _put(self, kind: int, payload: bytes) -> bytes:
        """Assign a sequence number to a message and store it; its frame."""
        if self.keys and kind in message.ENCRYPTED:
            nonce = os.urandom(12)
            payload = nonce + self.keys[0].encrypt(nonce, payload, None)
        frame = message.build(message.OUTPUT, self.next, self._flags(), kind, payload)
        self.unacknowledged[self.next] = [frame, time.monotonic(), 1]
        self.next += 1
        return frame

    def _flags(self) -> int:
        return message.SYN if self.next == 0 else 0

    def _put_all(self, kind: int, payloads) -> None:
        self._send(self._damaged([self._put(kind, payload) for payload in payloads]))

    def _damaged(self, frames: list) -> list:
        """Apply the rule's damage; undamaged messages are sent again later, because they are not acknowledged."""
        if self.damage is None:
            return frames
        out = []
        for frame in frames:
            self.sent += 1
            out += damage(self.damage, frame) if self.sent % EVERY == 0 else [frame]
        if self.damage == "exec_reorder":
            out.reverse()
        return out

    def _send_again(self, entry: list) -> None:
        entry[1], entry[2] = time.monotonic(), entry[2] + 1
        self._send([entry[0]])

    def _acknowledged(self, sequence: int) -> None:
        entry = self.unacknowledged.pop(sequence, None)
        if entry is None:
            return
        if entry[2] == 1:
            self.round_trip += (time.monotonic() - entry[1] - self.round_trip) / 8
        if len(self.unacknowledged) == WINDOW // 2 or not self.unacknowledged:
            self.may_print()

    # -- time

    def _tick(self) -> None:
        if self.over:
            return
        now = time.monotonic()
        patience = min(RESEND_MOST, RESEND + 4 * self.round_trip)
        oldest = next(iter(self.unacknowledged.values()), None)
        if self.connection and oldest and now - oldest[1] > patience:
            self._send_again(oldest)
        if self.handshaken and now - self.active > self.session.idle_limit:
            self.close(TIMED_OUT)
            return
        self.loop.after(TICK, self._tick)

    # -- receiving

    def receive(self, data: bytes) -> None:
        try:
            got = message.parse(data)
        except message.Malformed:
            return
        if got.kind == message.ACKNOWLEDGE:
            self._acknowledged(json.loads(got.payload)["AcknowledgedMessageSequenceNumber"])
        elif got.kind == message.INPUT:
            self._take(got)

    def _take(self, got) -> None:
        if self.session.deaf or self._too_early(got):
            return
        if got.sequence > self.expected:
            self.ahead[got.sequence] = got
        self._send([message.acknowledgement(got)])
        if got.sequence != self.expected:
            return
        while got:
            self.expected += 1
            self._process(got)
            got = self.ahead.pop(self.expected, None)

    def _too_early(self, got) -> bool:
        """Ignore input before there is a terminal; the client sends it again."""
        return got.payload_type in (message.DATA, message.SIZE) and not self.terminal and not self.over

    def _process(self, got) -> None:
        self.active = time.monotonic()
        kind, payload = got.payload_type, got.payload
        if self.keys and kind in message.ENCRYPTED:
            payload = self.keys[1].decrypt(payload[:12], payload[12:], None)
        if kind == message.DATA:
            self.to_terminal += payload
            self._feed()
        elif kind == message.SIZE and self.terminal:
            size = json.loads(payload)
            self.terminal.resize(size["cols"], size["rows"])
        elif kind == message.FLAG and int.from_bytes(payload, "big") == message.FLAG_TERMINATE:
            self.close("")
        elif kind == message.HANDSHAKE_RESPONSE:
            self._handshake_answered(json.loads(payload))
        elif kind == message.CHALLENGE_RESPONSE:
            self._challenge_answered(json.loads(payload))

    # -- the handshake

    def _request_handshake(self) -> None:
        properties = {"commands": self.session.command, "runAsElevated": True, "separateOutputStream": ""}
        actions = [
            {
                "ActionType": "SessionType",
                "ActionParameters": {"SessionType": "InteractiveCommands", "Properties": properties},
            }
        ]
        if self.session.key_id:
            parameters = {"KMSKeyId": self.session.key_id}
            actions.insert(0, {"ActionType": "KMSEncryption", "ActionParameters": parameters})
        request = {"AgentVersion": AGENT_VERSION, "RequestedClientActions": actions}
        self._put_all(message.HANDSHAKE_REQUEST, [json.dumps(request).encode()])

    def _handshake_answered(self, answer: dict) -> None:
        if not self.session.key_id:
            self._complete()
            return
        for action in answer["ProcessedClientActions"]:
            if action["ActionType"] == "KMSEncryption" and action["ActionStatus"] == 1:
                self._take_key(action["ActionResult"])
                return
        self.close("Handshake with client failed: KMSEncryption failed on client")

    def _take_key(self, result: dict) -> None:
        key = self.session.decrypt(base64.b64decode(result["KMSCipherTextKey"]))
        if len(key) != 64:
            self.close("Handshake with client failed: wrong encryption key")
            return
        ours, theirs = AESGCM(key[:32]), AESGCM(key[32:])
        self.challenge, nonce = os.urandom(64), os.urandom(12)
        sealed = nonce + ours.encrypt(nonce, self.challenge, None)
        text = json.dumps({"Challenge": base64.b64encode(sealed).decode()}).encode()
        self._put_all(message.CHALLENGE_REQUEST, [text])
        self.keys = ours, theirs

    def _challenge_answered(self, answer: dict) -> None:
        sealed = base64.b64decode(answer["Challenge"])
        if self.keys[1].decrypt(sealed[:12], sealed[12:], None) == self.challenge:
            self._complete()
        else:
            self.close("Handshake with client failed: wrong answer to the challenge")

    def _complete(self) -> None:
        text = json.dumps({"HandshakeTimeToComplete": 100000000, "CustomerMessage": ""}).encode()
        self._put_all(message.HANDSHAKE_COMPLETE, [text])
        self.handshaken = True
        self.active = time.monotonic()
        try:
            self.terminal = Terminal(self.session.container, self.session.command)
        except CannotStart as error:
            self.close(str(error))
            return
        self.damage = faults.damage()
        self.loop.after(faults.seconds_before_output(), self.may_print)

    # -- the terminal

    def may_print(self) -> None:
        """Watch the terminal if there is room for its output."""
        if not self.terminal or self.terminal.master < 0:
            return
        events = selectors.EVENT_WRITE if self.to_terminal else 0
        if len(self.unacknowledged) < WINDOW and self.connection and not self.connection.is_full:
            events |= selectors.EVENT_READ
        self.loop.watch(self.terminal.master, events, self._terminal_ready)

    def _terminal_ready(self, events: int) -> None:
        if events & selectors.EVENT_WRITE:
            self._feed()
        if events & selectors.EVENT_READ:
            self._read()
        self.may_print()

    def _feed(self) -> None:
        try:
            done = os.write(self.terminal.master, self.to_terminal)
            self.to_terminal = self.to_terminal[done:]
        except BlockingIOError:
            pass
        except OSError:
            self.to_terminal = b""
        self.may_print()

    def _read(self) -> None:
        data = b""
        try:
            while len(data) < READ and (piece := os.read(self.terminal.master, READ)):
                data += piece
            ended = len(data) < READ
        except BlockingIOError:
            ended = False
        except OSError:  # the last process has closed the terminal
            ended = True
        if data or ended:
            self._print(data, ended)
        if ended:
            self._forget_terminal()
            self.close("")

    def _print(self, data: bytes, last: bool) -> None:
        self.active = time.monotonic()
        text = self.decoder.decode(data, last).encode()
        self._put_all(message.DATA, chunks(text))
        rule = self.session.break_at
        if rule and self.next * CHUNK > rule:
            self.session.break_at = None
            connection = self.connection
            if self.session.gone_then:
                self.over = True
                self.session.ended()
            if connection:
                connection.cut()

    def _forget_terminal(self) -> None:
        if self.terminal and self.terminal.master >= 0:
            self.loop.watch(self.terminal.master, 0, None)
            self.terminal.close()

    # -- the end

    def close(self, output: str) -> None:
        """End the command, and the channel when all messages are acknowledged."""
        if self.ending:
            return
        self.ending = True
        if self.terminal:
            terminal = self.terminal
            if terminal.master >= 0:
                self.loop.watch(terminal.master, 0, None)
                terminal.hang_up()
            self.loop.after(MERCY, terminal.kill)
        deadline = time.monotonic() + FAREWELL
        self._part(output, deadline)

    def _part(self, output: str, deadline: float) -> None:
        if self.over:
            return
        if self.unacknowledged and time.monotonic() < deadline:
            self.loop.after(0.002, lambda: self._part(output, deadline))
            return
        self.session.ended()  # a client that receives the end no longer finds the session
        self._send([message.channel_closed(self.session.id, output)])
        self.vanish()

    def vanish(self) -> None:
        """Send nothing more."""
        self.over = True
        self._forget_terminal()
        if self.connection:
            self.connection.close()
        self.session.ended()


def chunks(data: bytes) -> list:
    """Pieces of at most CHUNK bytes, without splitting a character."""
    if data.isascii():
        return [data[at : at + CHUNK] for at in range(0, len(data), CHUNK)]
    out, at = [], 0
    while at < len(data):
        end = min(at + CHUNK, len(data))
        while end < len(data) and data[end] & 0xC0 == 0x80:
            end -= 1
        out.append(data[at:end])
        at = end
    return out


def damage(kind: str, frame: bytes) -> list:
    """The frames that replace an undamaged one."""
    if kind == "exec_double":
        return [frame, frame]
    if kind == "exec_bad_digest":
        return [frame[:80] + bytes(32) + frame[112:]]
    if kind == "exec_cut_frame":
        return [frame[: len(frame) // 2]]
    if kind == "exec_oversize":
        return [frame[:116] + b"\x7f\xff\xff\xff" + frame[120:]]
    return [frame]
