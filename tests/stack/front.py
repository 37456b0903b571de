# SPDX-License-Identifier: BSD-3-Clause
"""One endpoint for two accounts, as AWS has it: a relay of bytes in front of sandboxes, each of which is an account."""

import contextlib
import select
import socket
import socketserver
import threading
from urllib.parse import urlsplit


class Front(socketserver.ThreadingTCPServer):
    """New connections go to `target`, a sandbox's endpoint. Signatures stay right: the Host header is the client's."""
    daemon_threads = True
    request_queue_size = 128

    def __init__(self, target):
        self.target = target
        super().__init__(("127.0.0.1", 0), Relay)
        self.endpoint = f"http://127.0.0.1:{self.server_address[1]}"
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    def handle_error(self, request, client_address):
        pass


class Relay(socketserver.BaseRequestHandler):
    def handle(self):
        where = urlsplit(self.server.target)
        with contextlib.suppress(OSError), socket.create_connection((where.hostname, where.port)) as far:
            other = {self.request: far, far: self.request}
            while True:
                for end in select.select(list(other), [], [])[0]:
                    data = end.recv(65536)
                    if not data:
                        return
                    other[end].sendall(data)
