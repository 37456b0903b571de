# SPDX-License-Identifier: BSD-3-Clause
"""A transparent HTTP proxy in front of AWS's endpoint: it passes every byte and disturbs exactly one call.

Calls are counted by action: a fault names an action and its n-th occurrence since the proxy was armed, so that calls
that vastfs makes in the background do not change the numbers of other calls.
"""

import os
import signal
import socket
import threading
import time
from collections import Counter
from dataclasses import dataclass
from urllib.parse import urlsplit

import faults
from wire import Closed, Message, Reader, action_of


@dataclass
class Fault:
    """The fault of one call."""

    action: str
    nth: int
    kind: str
    turn: int = 0  # which of several wrong values


class Proxy:
    """Listens on a port of its own; closed and opened again by refuse()."""

    def __init__(self, upstream: str):
        parts = urlsplit(upstream)
        self._upstream = (parts.hostname, parts.port)
        self._lock = threading.Lock()
        self._fault = None
        self._seen = Counter()
        self.fired = threading.Event()
        self.calls = []
        self.victim = None  # pid of vastfs
        self.spoil = {}  # action -> body of each of its replies, or a function that makes it of AWS's body
        self._open = set()
        self._listener = self._listen(0)
        self.port = self._listener.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"

    # -- control by the tests -------------------------------------------------------------------------------------

    def arm(self, fault=None) -> None:
        """Reset the counters; the fault happens once."""
        with self._lock:
            self._fault = fault
            self._seen.clear()
            self.calls = []
            self.fired.clear()

    def refuse(self, seconds: float) -> None:
        """Cut all connections, and do not listen for this time."""
        self.close()
        time.sleep(seconds)
        self.open()

    def close(self) -> None:
        """Stop listening."""
        self._close_listener()
        for connection in list(self._open):
            self._cut(connection)

    def open(self) -> None:
        """Listen again."""
        self._listener = self._listen(self.port)

    # -- sockets ------------------------------------------------------------------------------------------------

    def _listen(self, port: int):
        listener = socket.socket()
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", port))
        listener.listen(128)
        threading.Thread(target=self._accept, args=(listener,), daemon=True).start()
        return listener

    def _close_listener(self) -> None:
        try:
            self._listener.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self._listener.close()

    def _accept(self, listener) -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _cut(self, connection) -> None:
        try:
            connection.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass

    # -- one connection -----------------------------------------------------------------------------------------

    def _serve(self, client) -> None:
        with self._lock:
            self._open.add(client)
        upstream = socket.create_connection(self._upstream)
        upstream.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        requests, replies = Reader(client), Reader(upstream)
        try:
            while True:
                request = requests.message()
                request.action = action_of(request)
                answer = self._answer(request, upstream, replies)
                client.sendall(answer)
        except faults.Cut as cut:
            client.sendall(cut.args[0])
        except (Closed, OSError):
            pass
        finally:
            with self._lock:
                self._open.discard(client)
            client.close()
            upstream.close()

    def _answer(self, request: Message, upstream, replies) -> bytes:
        fault = self._take(request)
        if fault and fault.kind in faults.BEFORE + faults.RARE:
            return self._fail_before(fault, request)
        upstream.sendall(request.raw)
        found = replies.message(bodiless=request.start.startswith("HEAD "))
        if fault:
            return self._fail_after(fault, found, request.action)
        if request.action in self.spoil:
            spoil = self.spoil[request.action]
            return found.with_body(spoil(found.body) if callable(spoil) else spoil)
        if request.action == "ecr:GetAuthorizationToken":
            here, there = self.url.encode(), b"http://%s:%d" % (self._upstream[0].encode(), self._upstream[1])
            return found.with_body(found.body.replace(there, here))
        return found.raw

    def _take(self, request: Message):
        with self._lock:
            if not request.action:
                return None
            self._seen[request.action] += 1
            self.calls.append(request.action)
            fault = self._fault
            if not fault or (fault.action, fault.nth) != (request.action, self._seen[request.action]):
                return None
            self._fault = None
            return fault

    def _kill(self) -> None:
        os.kill(self.victim, signal.SIGKILL)

    def _fail_before(self, fault: Fault, request: Message) -> bytes:
        if fault.kind == "kill_before":
            self._kill()
        if "refused_" in fault.kind:
            threading.Thread(target=self.refuse, args=(float(fault.kind.rpartition("_")[2]),), daemon=True).start()
        if fault.kind == "kill_refused_5":
            self._kill()
        self.fired.set()
        if fault.kind in ("status_500", "html_503", "throttle"):
            return faults.refused(fault.kind, request.action)
        raise Closed

    def _fail_after(self, fault: Fault, found: Message, action: str) -> bytes:
        if fault.kind == "kill_after":
            self._kill()
        self.fired.set()
        if fault.kind in ("kill_after", "lost_after"):
            raise Closed
        return faults.spoilt(fault.kind, found, fault.turn, action)
