# SPDX-License-Identifier: BSD-3-Clause
"""A proxy in front of the sandbox that kills vastfs at a chosen request."""

import http.client
import threading
import urllib.parse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Killer:
    """Forwards requests; `strike(action, number, phase)` tells where to kill, phase being "before" or "after" the
    request has reached AWS. What was asked is in `requests`."""

    def __init__(self, endpoint):
        self.target = urllib.parse.urlsplit(endpoint).netloc
        self.lock = threading.Lock()
        self.requests = []
        self.strike = lambda action, number, phase: False
        self.victim = None
        self.struck = False
        killer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def handle_one_request(self):
                try:
                    super().handle_one_request()
                except ConnectionError:
                    self.close_connection = True

            def do_any(self):
                killer.forward(self)

            do_GET = do_POST = do_PUT = do_DELETE = do_HEAD = do_any

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.endpoint = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()

    def kill(self, tree):
        """Once, at the next request that fits."""
        self.victim, self.struck = tree.process, False
        with self.lock:
            self.requests.clear()

    def _strikes(self, action, number, phase):
        with self.lock:
            if self.victim is None or not self.strike(action, number, phase):
                return False
            self.victim.kill()
            self.victim, self.struck = None, True
            return True

    def forward(self, handler):
        body = handler.rfile.read(int(handler.headers.get("Content-Length", 0)))
        action = action_of(handler, body)
        with self.lock:
            self.requests.append(action)
            number = len(self.requests)
        if self._strikes(action, number, "before"):
            handler.close_connection = True
            return
        connection = http.client.HTTPConnection(self.target, timeout=60)
        connection.putrequest(handler.command, handler.path, skip_host=True, skip_accept_encoding=True)
        for name, value in handler.headers.items():
            connection.putheader(name, value)
        connection.endheaders(body)
        reply = connection.getresponse()
        data = reply.read()
        if self._strikes(action, number, "after"):
            handler.close_connection = True
            return
        handler.send_response_only(reply.status)
        for name, value in reply.getheaders():
            if name.lower() not in ("transfer-encoding", "content-length", "connection"):
                handler.send_header(name, value)
        handler.send_header("Content-Length", str(len(data)))
        handler.end_headers()
        handler.wfile.write(data)
        connection.close()


def action_of(handler, body):
    """The API's name, or method and path."""
    target = handler.headers.get("X-Amz-Target", "").rpartition(".")[2]
    form = urllib.parse.parse_qs(body.decode("utf-8", "replace")) if body.startswith(b"Action=") or b"&Action=" in body else {}
    return target or form.get("Action", [""])[0] or f"{handler.command} {handler.path.partition('?')[0]}"
