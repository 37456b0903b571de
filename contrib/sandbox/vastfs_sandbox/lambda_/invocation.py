# SPDX-License-Identifier: BSD-3-Clause
"""One event in a function sandbox, and the sink of its response.

A response reaches its sink chunk by chunk. Invoke returns the whole response or
an error (Collected). InvokeWithResponseStream passes the chunks on as they come
(Piped) and buffers so little that the program waits for a slow client.
"""

import json
import threading
import time
import uuid
from collections import deque

MAX_RESPONSE = 6 * 1024 * 1024 + 100  # maximum of a buffered response
MAX_STREAMED = 200 * 1024 * 1024
MAX_IN_PIPE = 1 << 20
MAX_CHUNK = 256 * 1024  # size of the pieces in which buffered bytes are passed on
TOO_LARGE = "Function.ResponseSizeTooLarge"


class TooLarge(Exception):
    """The response exceeds the limit."""


class Collected:
    """Collects the whole response."""

    limit = MAX_RESPONSE

    def __init__(self):
        self._chunks = []

    def put(self, chunk: bytes) -> None:
        self._chunks.append(chunk)

    def close(self) -> None:
        """Nothing more comes."""

    def whole(self) -> bytes:
        return b"".join(self._chunks)


class Piped:
    """Passes the response on and buffers only a part of it."""

    limit = MAX_STREAMED

    def __init__(self):
        self._chunks = deque()
        self._size = 0
        self._closed = False
        self._changed = threading.Condition()

    def put(self, chunk: bytes) -> None:
        """Wait for room in the buffer; drop the bytes if the reader is gone."""
        with self._changed:
            while self._size >= MAX_IN_PIPE and not self._closed:
                self._changed.wait()
            if not self._closed:
                self._chunks.append(chunk)
                self._size += len(chunk)
                self._changed.notify_all()

    def close(self) -> None:
        """Nothing more comes."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def abandon(self) -> None:
        """The reader is gone: the program no longer waits for it."""
        with self._changed:
            self._chunks.clear()
            self._closed = True
            self._changed.notify_all()

    def get(self):
        """The buffered bytes, up to MAX_CHUNK; None at the end."""
        with self._changed:
            while not self._chunks and not self._closed:
                self._changed.wait()
            if not self._chunks:
                return None
            taken = [self._chunks.popleft()]
            size = len(taken[0])
            while self._chunks and size + len(self._chunks[0]) <= MAX_CHUNK:
                taken.append(self._chunks.popleft())
                size += len(taken[-1])
            self._size -= size
            self._changed.notify_all()
        return taken[0] if len(taken) == 1 else b"".join(taken)


class Invocation:
    """One event and its outcome."""

    def __init__(self, payload: bytes, function_arn: str, timeout: float, sink):
        self.request_id = str(uuid.uuid4())
        self.payload = payload
        self.function_arn = function_arn
        self.timeout = timeout
        self.trace_id = f"Root=1-{int(time.time()):x}-{uuid.uuid4().hex[:24]};Sampled=0"
        self.client_context = None
        #: set when the program has received the event: the function's time counts from here
        self.delivered = threading.Event()
        self.delivered_at = None
        self.sink = sink
        #: set when the invocation is over
        self.done = threading.Event()
        #: (type, body) if the program or the sandbox failed
        self.error = None
        #: the program was interrupted in the middle of its response and cannot be reused
        self.cut_off = False
        self._lock = threading.Lock()

    def deliver(self) -> int:
        """Mark the event as delivered; its deadline in milliseconds."""
        self.delivered_at = time.monotonic()
        self.delivered.set()
        return int((time.time() + self.timeout) * 1000)

    def fail(self, kind: str, body: bytes) -> None:
        """End the invocation with an error, unless it is already over."""
        with self._lock:
            if self.done.is_set():
                return
            self.error = (kind, body)
            self._finish()

    def succeed(self) -> None:
        with self._lock:
            if not self.done.is_set():
                self._finish()

    def _finish(self) -> None:
        self.done.set()
        self.delivered.set()
        self.sink.close()


def error_body(kind: str, message: str) -> bytes:
    return json.dumps({"errorMessage": message, "errorType": kind}).encode()


def too_large_body(limit=MAX_RESPONSE) -> bytes:
    return error_body(
        TOO_LARGE,
        f"Response payload size exceeded maximum allowed payload size ({limit} bytes).",
    )
