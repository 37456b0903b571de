"""The Lambda Runtime API, one small HTTP server for each function sandbox.

A server of its own makes the path need no identity, as in AWS. The program
asks for `next`, works, and posts a response or an error; the sandbox's side
hands in an Invocation and waits for its outcome.

An answer reaches the invocation chunk by chunk, so that whoever waits may
pass the chunks on before the last one has come.
"""

import base64
import json
import queue
import threading
import time
import uuid
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

PREFIX = "/2018-06-01/runtime"
MAX_RESPONSE = 6 * 1024 * 1024 + 100  # of a buffered response
MAX_STREAMED = 200 * 1024 * 1024
CHUNK = 64 * 1024
END = None
ERROR_TYPE = "Lambda-Runtime-Function-Error-Type"
TOO_LARGE = "Function.ResponseSizeTooLarge"


class Invocation:
    """One event on its way through a sandbox, and what became of it."""

    def __init__(self, payload: bytes, function_arn: str, timeout: float):
        self.request_id = str(uuid.uuid4())
        self.payload = payload
        self.function_arn = function_arn
        self.timeout = timeout
        self.trace_id = f"Root=1-{int(time.time()):x}-{uuid.uuid4().hex[:24]};Sampled=0"
        self.client_context = None
        #: set when the program has taken the event: the clock runs from then
        self.delivered = threading.Event()
        self.delivered_at = None
        #: chunks of the response, then END
        self.chunks = queue.SimpleQueue()
        self.streamed = False
        #: set when it is over
        self.done = threading.Event()
        #: (type, body) if the program or the sandbox failed
        self.error = None
        self._lock = threading.Lock()

    def deliver(self) -> int:
        """Hand it to the program; returns its deadline in milliseconds."""
        self.delivered_at = time.monotonic()
        self.delivered.set()
        return int((time.time() + self.timeout) * 1000)

    def fail(self, kind: str, body: bytes) -> None:
        """End it with an error, unless it is over already."""
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
        self.chunks.put(END)

    def response(self) -> bytes:
        """All chunks; to be called when it is over."""
        return b"".join(iter(self.chunks.get, END))


class RuntimeApi:
    """The API for one sandbox: one invocation at a time."""

    def __init__(self, on_init_error):
        self._waiting = queue.SimpleQueue()
        self._on_init_error = on_init_error
        self.current = None
        #: set when the program has asked for its first event
        self.initialized = threading.Event()
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
        """The next event of the program."""
        self._waiting.put(invocation)

    def next(self):
        """Wait for an event; None when the sandbox ends."""
        self.initialized.set()
        invocation = self._waiting.get()
        self.current = invocation
        return invocation

    def find(self, request_id: str):
        """The invocation in flight if it has this id."""
        current = self.current
        if current is None or current.request_id != request_id:
            return None
        return current

    def init_error(self, kind: str, body: bytes) -> None:
        self._on_init_error(kind, body)

    def close(self) -> None:
        """Let the waiting `next` go and end the server."""
        self._waiting.put(None)
        threading.Thread(target=self._shut, daemon=True).start()

    def _shut(self) -> None:
        self._server.shutdown()
        self._server.server_close()


class Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 16


class TooLarge(Exception):
    """A response is over the limit."""


class Body:
    """A request's body, chunk by chunk, however it is framed."""

    def __init__(self, file, headers):
        self._file = file
        self.trailers = {}
        chunked = headers.get("Transfer-Encoding", "").lower() == "chunked"
        length = int(headers.get("Content-Length") or 0)
        self._chunks = self._chunked() if chunked else self._counted(length)

    def __iter__(self):
        return self._chunks

    def whole(self) -> bytes:
        """All that is left."""
        return b"".join(self._chunks)

    def discard(self) -> None:
        """Read what is left, or the connection cannot go on."""
        for _ in self._chunks:
            pass

    def _counted(self, length: int):
        while length:
            yield self._exactly(min(CHUNK, length))
            length -= min(CHUNK, length)

    def _chunked(self):
        while size := int(self._line().split(b";")[0], 16):
            yield self._exactly(size)
            self._line()
        while line := self._line().strip():
            name, _, value = line.decode("latin-1").partition(":")
            self.trailers[name.strip().lower()] = value.strip()

    def _exactly(self, size: int) -> bytes:
        data = self._file.read(size)
        if len(data) < size:
            raise ConnectionError("cut")
        return data

    def _line(self) -> bytes:
        line = self._file.readline()
        if not line:
            raise ConnectionError("cut")
        return line


class Handler(BaseHTTPRequestHandler):
    """The five requests of the API."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # else 40 ms for each answer
    wbufsize = -1
    timeout = None

    def log_message(self, *_):
        """Requests are no news."""

    @property
    def api(self) -> RuntimeApi:
        return self.server.api

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
            self.close_connection = True  # the program died in the middle of it
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
        mode = self.headers.get("Lambda-Runtime-Function-Response-Mode")
        if mode not in (None, "streaming"):
            body.discard()
            kind = "Runtime.InvalidResponseModeHeader"
            invocation.fail(kind, error_body(kind, "Invalid response mode"))
            return self._error(400, kind, "Invalid response mode")
        invocation.streamed = mode == "streaming"
        try:
            self._pass_on(invocation, body)
        except TooLarge:
            return self._too_large(invocation, body)
        kind = body.trailers.get("lambda-runtime-function-error-type")
        if kind:
            text = body.trailers.get("lambda-runtime-function-error-body", "")
            invocation.fail(kind, base64.b64decode(text))
        invocation.succeed()
        return self._accepted()

    @staticmethod
    def _pass_on(invocation, body) -> None:
        left = MAX_STREAMED if invocation.streamed else MAX_RESPONSE
        for chunk in body:
            left -= len(chunk)
            if left < 0:
                raise TooLarge
            invocation.chunks.put(chunk)

    def _too_large(self, invocation, body):
        body.discard()  # who is writing does not look for a reply yet
        invocation.fail(TOO_LARGE, too_large_body())
        text = f"Exceeded maximum allowed payload size ({MAX_RESPONSE} bytes)."
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


def error_body(kind: str, message: str) -> bytes:
    return json.dumps({"errorMessage": message, "errorType": kind}).encode()


def too_large_body() -> bytes:
    return error_body(
        TOO_LARGE,
        "Response payload size exceeded maximum allowed payload size "
        f"({MAX_RESPONSE} bytes).",
    )
