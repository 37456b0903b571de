# SPDX-License-Identifier: BSD-3-Clause
"""A registry that does what a test tells it, and remembers what it was asked."""

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Hostile:
    """rules: (method, part of the path) -> function(handler, body), tried in order; everything else is a 404."""

    def __init__(self):
        self.rules = []
        self.asked = []
        registry = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def answer(self):
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                registry.asked.append((self.command, self.path, self.headers.get("Authorization")))
                for method, part, act in registry.rules:
                    if method == self.command and part in self.path:
                        act(self, body)
                        return
                self.reply(404, b'{"errors":[{"code":"UNKNOWN","message":"not there"}]}')

            do_GET = do_HEAD = do_POST = do_PATCH = do_PUT = answer

            def reply(self, status, body=b"", length=None, **headers):
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name.replace("_", "-"), value)
                self.send_header("Content-Length", str(len(body) if length is None else length))
                self.end_headers()
                if self.command != "HEAD":
                    self.wfile.write(body)
                if length is not None:
                    self.close_connection = True

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.host = "127.0.0.1:%d" % self.server.server_port
        self.url = "http://" + self.host
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def when(self, method, part, act):
        self.rules.append((method, part, act))

    def stop(self):
        self.server.shutdown()
        self.server.server_close()
