# SPDX-License-Identifier: BSD-3-Clause
"""A Runtime API as AWS describes it ("Using the Lambda runtime API for custom runtimes"), for one function of one runtime."""

import base64
import itertools
import json
import queue
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import NamedTuple

import frames

ROOT = "/2018-06-01/runtime/"
REPLY_MAX = 6 * 1024 * 1024 + 100
PATIENCE = 60


class Answer(NamedTuple):
    kind: str  # response, error or init/error
    id: str
    headers: dict
    body: bytes
    trailers: dict = {}

    @property
    def stream(self):
        """A streamed reply, which must be whole."""
        return frames.whole(self.body)

    @property
    def json(self):
        return json.loads(self.body)

    @property
    def stdout(self):
        return base64.b64decode(self.json["stdout"], validate=True)

    @property
    def stderr(self):
        return base64.b64decode(self.json["stderr"], validate=True)


def event(command, **fields):
    if isinstance(command, str):
        command = command.encode()
    return json.dumps({"v": 1, "cmd": base64.b64encode(command).decode(), **fields}).encode()


class RuntimeApi:
    def __init__(self):
        self.pending = queue.Queue()  # (id, event, deadline in seconds from its delivery, extra headers)
        self.answers = queue.Queue()
        self.asked = threading.Semaphore(0)  # one for each GET next
        self.current = None
        self.numbers = itertools.count(1)
        self.refused = 0  # replies that were too large
        self.live = bytearray()  # of a streamed reply, what has come of it
        self.faults = {}  # kind of request -> function(handler), used once
        api = self

        class Handler(RuntimeApiHandler):
            runtime_api = api

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.address = "127.0.0.1:%d" % self.server.server_port
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()

    def send(self, body, seconds=60, **headers):
        request_id = "00000000-0000-4000-8000-%012d" % next(self.numbers)
        self.pending.put((request_id, body, seconds, headers))
        return request_id

    def answer(self, seconds=0):
        return self.answers.get(timeout=max(seconds, PATIENCE))

    def invoke(self, command, seconds=60, **fields):
        request_id = self.send(event(command, **fields), seconds)
        answer = self.answer(seconds)
        assert answer.id == request_id
        return answer

    def stream(self, command, seconds=60, **fields):
        """Invokes for a streamed reply and returns it with all that came in it."""
        answer = self.invoke(command, seconds, stream=True, **fields)
        assert answer.kind == "response" and not answer.trailers, answer
        return answer.stream

    def wait_until_asked(self):
        assert self.asked.acquire(timeout=PATIENCE)


def chunks(file):
    """The chunks of a body (RFC 9112, section 7.1); the generator's value are the trailers."""

    def line():
        text = file.readline(65536)
        assert text.endswith(b"\r\n"), text
        return text[:-2].decode("ascii")

    while size := int(line(), 16):
        yield file.read(size)
        assert line() == ""
    trailers = {}
    while text := line():
        name, _, value = text.partition(": ")
        trailers[name] = value
    return trailers


class RuntimeApiHandler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1

    def log_message(self, *args):
        pass

    def faulty(self, kind):
        fault = self.runtime_api.faults.pop(kind, None)
        if fault:
            fault(self)
        return bool(fault)

    def reply(self, status, body=b'{"status":"OK"}', headers=()):
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        api = self.runtime_api
        assert self.path == ROOT + "invocation/next"
        api.asked.release()
        if self.faulty("next"):
            return
        request_id, body, seconds, extra = api.pending.get()
        headers = [
            ("Content-Type", "application/json"),
            ("Lambda-Runtime-Aws-Request-Id", request_id),
            ("Lambda-Runtime-Deadline-Ms", str(int((time.time() + seconds) * 1000))),
            ("Lambda-Runtime-Invoked-Function-Arn", "arn:aws:lambda:eu-central-1:123456789012:function:f"),
            *extra.items(),
        ]
        api.current = request_id
        self.reply(200, body, headers)

    def do_POST(self):
        api = self.runtime_api
        assert self.path.startswith(ROOT)
        *invocation, kind = self.path[len(ROOT) :].split("/")
        if self.faulty(kind):
            return
        if self.headers["Transfer-Encoding"]:
            return self.take_stream(*invocation)
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if invocation == ["init"] and kind == "error":
            api.answers.put(Answer("init/error", "", dict(self.headers), body))
            return self.reply(202)
        assert invocation[0] == "invocation" and kind in ("response", "error")
        if invocation[1] != api.current:
            return self.reply(403, b'{"errorType":"InvalidRequestID"}')
        if kind == "response" and len(body) > REPLY_MAX:
            api.refused += 1
            return self.reply(413, b'{"errorType":"RequestEntityTooLarge"}')
        api.current = None
        self.reply(202)
        self.wfile.flush()
        api.answers.put(Answer(kind, invocation[1], dict(self.headers), body))

    def check_stream(self, request_id):
        api = self.runtime_api
        assert self.path == ROOT + f"invocation/{api.current}/response" and request_id == api.current
        assert self.headers["Transfer-Encoding"] == "chunked" and "Content-Length" not in self.headers
        assert self.headers["Content-Type"] == "application/octet-stream"
        assert self.headers["Lambda-Runtime-Function-Response-Mode"] == "streaming"
        announced = {name.strip() for name in self.headers["Trailer"].split(",")}
        assert announced == {"Lambda-Runtime-Function-Error-Type", "Lambda-Runtime-Function-Error-Body"}
        return announced

    def take_stream(self, _, request_id):
        api = self.runtime_api
        announced = self.check_stream(request_id)
        api.live = bytearray()
        body = chunks(self.rfile)
        while True:
            try:
                api.live += next(body)
            except StopIteration as end:
                trailers = end.value
                break
        assert set(trailers) <= announced
        api.current = None
        self.reply(202)
        self.wfile.flush()
        api.answers.put(Answer("response", request_id, dict(self.headers), bytes(api.live), trailers))
