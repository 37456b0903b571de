# SPDX-License-Identifier: BSD-3-Clause
"""What stands in for the engine in tests of import/: a socket that takes what import_command reads, and decides how the
command ends."""

import socketserver
import threading


class Collector(socketserver.ThreadingTCPServer):
    daemon_threads = True
    request_queue_size = 128

    def __init__(self):
        self.lock = threading.Lock()
        #: (format, bytes) of each command that has ended with status 0
        self.batches = []
        #: (format, bytes) of all of them
        self.attempts = []
        #: how a command ends: gets format and bytes, returns its exit status and what it says
        self.judge = lambda kind, data: (0, "")
        #: cleared: commands wait
        self.open = threading.Event()
        self.open.set()
        super().__init__(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    @property
    def command(self):
        """For import_command: sends the format and stdin; ends as it is told."""
        port = self.server_address[1]
        return (f"a=$({{ echo $format; cat; }} | nc 127.0.0.1 {port}); "
                "[ -n \"$a\" ] || a='9 nobody is there'; echo \"${a#* }\" >&2; exit ${a%% *}")

    @property
    def lines(self):
        with self.lock:
            return [line for _, data in self.batches for line in data.splitlines()]

    def handle_error(self, request, client_address):
        pass


class Handler(socketserver.BaseRequestHandler):
    def handle(self):
        data = b"".join(iter(lambda: self.request.recv(1 << 16), b""))
        kind, _, events = data.partition(b"\n")
        self.server.open.wait(120)
        with self.server.lock:
            self.server.attempts.append((kind.decode(), events))
            status, words = self.server.judge(kind.decode(), events)
            if status == 0:
                self.server.batches.append((kind.decode(), events))
        self.request.sendall(f"{status} {words}\n".encode())
