# SPDX-License-Identifier: BSD-3-Clause
"""The WebSocket server of the data channels, on a port of its own."""

import json
import selectors
import socket

from . import faults
from .websocket import (
    BINARY,
    CLOSE,
    NORMAL_CLOSURE,
    PING,
    POLICY_VIOLATION,
    PONG,
    TEXT,
    Broken,
    FrameReader,
    Upgrade,
    close_frame,
    frame,
)

READ = 1 << 18
FULL = 1 << 20
PATH = "/v1/data-channel/"


class Server:
    """Listens, and finds the session of each connection."""

    def __init__(self, loop, host: str, find):
        self.loop = loop
        self.find = find  # session id: session or None
        self._socket = socket.create_server((host, 0), backlog=128)
        self._socket.setblocking(False)
        self.port = self._socket.getsockname()[1]
        loop.call(lambda: loop.watch(self._socket, selectors.EVENT_READ, self._accept))

    def _accept(self, _events) -> None:
        try:
            connection, _ = self._socket.accept()
        except OSError:
            return
        connection.setblocking(False)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        Connection(self, connection)

    def close(self) -> None:
        self._socket.close()


class Connection:
    """One connection of a session, from its first byte."""

    def __init__(self, server: Server, connection: socket.socket):
        self.loop = server.loop
        self._server = server
        self._socket = connection
        self._upgrade = Upgrade()
        self._reader = None
        self._session = None
        self._greeted = False
        self._out = bytearray()
        self._closing = False
        self._watch()

    def _watch(self) -> None:
        if self._socket.fileno() < 0:
            return
        events = selectors.EVENT_READ | (selectors.EVENT_WRITE if self._out else 0)
        self.loop.watch(self._socket, events, self._ready)

    @property
    def is_full(self) -> bool:
        return len(self._out) > FULL

    def _ready(self, events: int) -> None:
        try:
            if events & selectors.EVENT_WRITE:
                self._flush()
            if events & selectors.EVENT_READ and self._socket.fileno() >= 0:
                self._receive()
        except (OSError, Broken, ValueError):
            self.cut()

    def _receive(self) -> None:
        try:
            data = self._socket.recv(READ)
        except BlockingIOError:
            return
        if not data:
            self.cut()
        elif self._reader is None:
            self._open(data)
        else:
            self._take(data)

    # -- the upgrade

    def _open(self, data: bytes) -> None:
        path = self._upgrade.receive(data)
        if path is None:
            return
        name = path.partition("?")[0]
        self._session = self._server.find(name[len(PATH) :]) if name.startswith(PATH) else None
        if self._session is None or faults.refuses_connection():
            self._out += self._upgrade.reject(403 if self._session else 404)
            self._finish()
            return
        text, accepted = self._upgrade.accept()
        self._out += text
        if not accepted:
            self._finish()
            return
        self._reader = FrameReader()
        self._flush()

    # -- messages

    def _take(self, data: bytes) -> None:
        for opcode, payload in self._reader.feed(data):
            if opcode == PING:
                self._put(frame(payload, PONG))
            elif opcode == CLOSE:
                self._put(close_frame(NORMAL_CLOSURE))
                self._finish()
                return
            elif opcode == TEXT and not self._greeted:
                self._greet(payload)
            elif opcode in (TEXT, BINARY):
                self._session.agent.receive(payload)
        self._flush()

    def _greet(self, text: bytes) -> None:
        token = json.loads(text).get("TokenValue")
        if not self._session.takes_token(token):
            self._put(close_frame(POLICY_VIOLATION, "the token is not valid"))
            self._finish()
            return
        self._greeted = True
        self._session.agent.attach(self)

    def send(self, messages: list) -> None:
        for message in messages:
            self._out += frame(message)
        self._flush()

    def _put(self, data: bytes) -> None:
        self._out += data

    def _flush(self) -> None:
        was_full = self.is_full
        if self._socket.fileno() < 0:
            return
        try:
            while self._out:
                done = self._socket.send(self._out)
                del self._out[:done]
        except BlockingIOError:
            pass
        if self._closing and not self._out:
            self.cut()
            return
        self._watch()
        if was_full and not self.is_full and self._greeted:
            self._session.agent.may_print()

    # -- the end

    def close(self) -> None:
        """Close the connection with a close frame."""
        if self._socket.fileno() < 0 or self._closing:
            return
        self._put(close_frame(NORMAL_CLOSURE))
        self._finish()

    def _finish(self) -> None:
        self._closing = True
        try:
            self._flush()
        except OSError:
            self.cut()

    def cut(self) -> None:
        """Close the connection without a close frame."""
        if self._socket.fileno() < 0:
            return
        self.loop.watch(self._socket, 0, None)
        self._socket.close()
        if self._session and self._session.agent:
            self._session.agent.detach(self)
