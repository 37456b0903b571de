# SPDX-License-Identifier: BSD-3-Clause
"""The Lambda Runtime API, one small HTTP server for each function sandbox.

Each sandbox has a server of its own, so that the path needs no identity, as on
AWS. The program requests `next`, works, and posts a response or an error; the
sandbox submits an Invocation and waits for its outcome.

A response reaches the invocation chunk by chunk, so that the first chunks can be
passed on before the last one has arrived.
"""

import base64
import binascii
import queue
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from ..wire.bodies import CHUNK, Body
from .invocation import (
    MAX_RESPONSE,
    TOO_LARGE,
    Collected,
    Invocation,
    TooLarge,
    error_body,
    too_large_body,
)

PREFIX = "/2018-06-01/runtime"
RESPONSE_MODE = "Lambda-Runtime-Function-Response-Mode"
ERROR_TYPE = "Lambda-Runtime-Function-Error-Type"


class RuntimeApi:
    """The API for one sandbox: one invocation at a time."""

    def __init__(self, on_init_error, on_truncated):
        self._waiting = queue.SimpleQueue()
        self._on_init_error = on_init_error
        self._on_truncated = on_truncated
        self.current = None
        #: set when the program has asked for its first event
        self.initialized = threading.Event()
        self._connections = 0
        self._changed = threading.Condition()
        self._server = Server(("127.0.0.1", 0), Handler)
        self._server.api = self
        self.address = f"127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(
            target=self._server.serve_forever,
            kwargs={"poll_interval": 0.5},
            daemon=True,
        )
        self._thread.start()

    def submit(self, invocation: Invocation) -> None:
        """Submit the program's next event."""
        self._waiting.put(invocation)

    def next(self):
        """Wait for an event; None when the sandbox ends."""
        self.initialized.set()
        invocation = self._waiting.get()
        self.current = invocation
        return invocation

    def find(self, request_id: str):
        """The invocation in flight if it has this ID."""
        current = self.current
        if current is None or current.request_id != request_id:
            return None
        return current

    def init_error(self, kind: str, body: bytes) -> None:
        self._on_init_error(kind, body)

    def truncated(self) -> None:
        """The program's response ended before it was complete."""
        if self.current:
            self._on_truncated(self.current)

    def count(self, change: int) -> None:
        """Count an opened or closed connection."""
        with self._changed:
            self._connections += change
            self._changed.notify_all()

    def settle(self, limit: float) -> None:
        """Read the rest of the data that a dead program has sent."""
        with self._changed:
            self._changed.wait_for(lambda: self._connections == 0, limit)

    def close(self) -> None:
        """Release the waiting `next` and end the server."""
        self._waiting.put(None)
        threading.Thread(target=self._shut, daemon=True).start()

    def _shut(self) -> None:
        self._server.shutdown()
        self._server.server_close()


class Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 16

    def handle_error(self, request, client_address):
        """Ignore broken connections: a killed program leaves them behind."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


class Handler(BaseHTTPRequestHandler):
    """The five requests of the API."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # otherwise each reply takes 40 ms
    rbufsize = CHUNK
    wbufsize = -1
    timeout = None

    def log_message(self, *_):
        """Requests are not logged."""

    @property
    def api(self) -> RuntimeApi:
        return self.server.api

    def setup(self):
        super().setup()
        self.api.count(+1)

    def finish(self):
        self.api.count(-1)
        super().finish()

    def do_GET(self):
        if self.path != f"{PREFIX}/invocation/next":
            return self._error(404, "UnknownOperation", "no such path")
        invocation = self.api.next()
        if invocation is None:
            self.close_connection = True
            return None
        deadline = invocation.deliver()
        headers = {
            "Lambda-Runtime-Aws-Request-Id": invocation.request_id,
            "Lambda-Runtime-Deadline-Ms": str(deadline),
            "Lambda-Runtime-Invoked-Function-Arn": invocation.function_arn,
            "Lambda-Runtime-Trace-Id": invocation.trace_id,
        }
        if invocation.client_context:
            headers["Lambda-Runtime-Client-Context"] = invocation.client_context
        return self._reply(200, invocation.payload, headers)

    def do_POST(self):
        body = Body(self.rfile, self.headers)
        parts = self.path.removeprefix(PREFIX).strip("/").split("/")
        try:
            return self._post(parts, body)
        except (OSError, ValueError):
            self.close_connection = True
            self.api.truncated()
            return None

    def _post(self, parts, body):
        if parts == ["init", "error"]:
            return self._init_error(body)
        actions = {"response": self._response, "error": self._invocation_error}
        if len(parts) != 3 or parts[0] != "invocation" or parts[2] not in actions:
            body.discard()
            return self._error(404, "UnknownOperation", "no such path")
        invocation = self.api.find(parts[1])
        if invocation is None:
            body.discard()
            return self._error(400, "InvalidRequestID", "Invalid request ID")
        if invocation.done.is_set():
            body.discard()
            message = "State transition is not allowed"
            return self._error(403, "InvalidStateTransition", message)
        return actions[parts[2]](invocation, body)

    def _response(self, invocation, body):
        mode = self.headers.get(RESPONSE_MODE)
        if mode not in (None, "streaming"):
            body.discard()
            kind = "Runtime.InvalidResponseModeHeader"
            invocation.fail(kind, error_body(kind, "Invalid response mode"))
            return self._error(400, kind, "Invalid response mode")
        try:
            self._pass_on(invocation, body, mode == "streaming")
        except TooLarge:
            return self._too_large(invocation, body)
        kind = body.trailers.get("lambda-runtime-function-error-type")
        if kind:
            text = body.trailers.get("lambda-runtime-function-error-body", "")
            invocation.fail(kind, decoded(text) or error_body(kind, ""))
        invocation.succeed()
        return self._accepted()

    @staticmethod
    def _pass_on(invocation, body, streamed: bool) -> None:
        sink = invocation.sink if streamed else Collected()
        left = sink.limit
        for chunk in body:
            left -= len(chunk)
            if left < 0:
                raise TooLarge
            sink.put(chunk)
        if not streamed:
            invocation.sink.put(sink.whole())

    def _too_large(self, invocation, body):
        streamed = RESPONSE_MODE in self.headers
        limit = invocation.sink.limit if streamed else MAX_RESPONSE
        if limit > MAX_RESPONSE:  # the client is told at once; the program must end
            invocation.cut_off = True
            self.close_connection = True
        else:
            body.discard()  # a program that is still writing does not read a reply yet
        invocation.fail(TOO_LARGE, too_large_body(limit))
        text = f"Exceeded maximum allowed payload size ({limit} bytes)."
        return self._error(413, "RequestEntityTooLarge", text)

    def _invocation_error(self, invocation, body):
        kind = self.headers.get(ERROR_TYPE, "Runtime.Unknown")
        invocation.fail(kind, body.whole() or error_body(kind, ""))
        return self._accepted()

    def _init_error(self, body):
        kind = self.headers.get(ERROR_TYPE, "Runtime.Unknown")
        self.api.init_error(kind, body.whole() or error_body(kind, ""))
        return self._accepted()

    def _accepted(self):
        return self._reply(202, b'{"status":"OK"}\n')

    def _error(self, status: int, kind: str, message: str):
        return self._reply(status, error_body(kind, message))

    def _reply(self, status: int, body: bytes, headers=None):
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)
        self.wfile.flush()


def decoded(text: str) -> bytes:
    """The error's body, decoded from a trailer."""
    try:
        return base64.b64decode(text, validate=True)
    except binascii.Error:
        return text.encode("latin-1")
