# SPDX-License-Identifier: BSD-3-Clause
"""A server that answers as told, and the tool that calls it."""
import json
import os
import pathlib
import socketserver
import subprocess
import threading

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("VASTFS_BUILD", ROOT / "build"))
#: These files judge the template and run no code of vastfs, so a sanitizer has nothing to find in them.
collect_ignore = ["test_template.py", "test_template_judges.py"] if "san" in BUILD.name else []
KEYS = {"AWS_ACCESS_KEY_ID": "AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY": "secret/+key"}


class Request:
    def __init__(self, line, headers, body):
        self.method, self.target, _ = line.split(" ", 2)
        self.headers, self.body = headers, body


class Handler(socketserver.StreamRequestHandler):
    """Serves the requests of one connection, one answer of the script each; None closes it."""

    def handle(self):
        server = self.server
        server.connections += 1
        while True:
            request = self.read()
            if request is None:
                return
            with server.lock:
                server.requests.append(request)
                answer = server.script.pop(0) if len(server.script) > 1 else server.script[0]
            if callable(answer):
                answer = answer(request)
            if answer is None:
                return
            try:
                self.wfile.write(answer)
            except OSError:
                return
            if answer.endswith(b"CLOSE"):
                return

    def read(self):
        try:
            line = self.rfile.readline().decode().strip()
            if not line:
                return None
            headers = []
            while (h := self.rfile.readline().decode().rstrip("\r\n")):
                headers.append(tuple(h.split(": ", 1)) if ": " in h else (h.rstrip(":"), ""))
            size = int(dict((k.lower(), v) for k, v in headers).get("content-length", 0))
            return Request(line, headers, self.rfile.read(size))
        except OSError:
            return None


class Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True
    request_queue_size = 2000
    handler = Handler

    def __init__(self):
        super().__init__(("127.0.0.1", 0), self.handler)
        self.lock = threading.Lock()
        self.requests, self.connections, self.script = [], 0, [reply()]
        threading.Thread(target=self.serve_forever, daemon=True).start()

    @property
    def url(self):
        return "http://127.0.0.1:%d" % self.server_address[1]


def reply(status=200, body=b"{}", headers=(), length=None):
    body = body if isinstance(body, bytes) else json.dumps(body).encode()
    head = ["HTTP/1.1 %d X" % status, "Content-Length: %d" % (len(body) if length is None else length)]
    head += ["%s: %s" % h for h in headers]
    return "\r\n".join(head).encode() + b"\r\n\r\n" + body


@pytest.fixture
def server():
    s = Server()
    yield s
    s.shutdown()
    s.server_close()


class Result:
    def __init__(self, done):
        self.code, self.log = done.returncode, done.stderr
        self.replies = [json.loads(line) for line in done.stdout.splitlines()]
        self.reply = self.replies[0] if self.replies else None


@pytest.fixture
def call(server, tmp_path):
    def run(service, operation, params=None, *options, env=(), url=None):
        environment = {"HOME": str(tmp_path), "PATH": os.environ["PATH"], **KEYS, "AWS_ENDPOINT_URL": url or server.url}
        environment.update(env)
        command = [str(BUILD / "tests/aws/aws-call"), *options, "eu-west-1", service, operation]
        command += [] if params is None else [params if isinstance(params, str) else json.dumps(params)]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60)
        assert done.returncode in (0, 1), done.stderr
        assert "Sanitizer" not in done.stderr, done.stderr
        assert "secret/+key" not in done.stderr + done.stdout
        return Result(done)
    return run
