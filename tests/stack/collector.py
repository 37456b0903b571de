# SPDX-License-Identifier: BSD-3-Clause
"""What stands in for the engine in tests of import/: a socket that takes what import_command reads, and decides how the
command ends."""

import select
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
        #: called for each command with the number of bytes that have arrived so far; what it returns ends the command:
        #: "kill-runtime" and "kill-command" do as they say
        self.plan = lambda kind, size: None
        #: cleared: commands wait
        self.open = threading.Event()
        self.open.set()
        super().__init__(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    @property
    def command(self):
        """For import_command: sends the format and stdin; ends as it is told."""
        port = self.server_address[1]
        return (f"{{ echo $format; cat; }} | nc 127.0.0.1 {port} | {{ read -r a; "
                "case $a in kill-runtime) kill -9 $PPID;; kill-command) kill -9 $$;; esac; "
                "[ -n \"$a\" ] || a='9 nobody is there'; echo \"${a#* }\" >&2; exit ${a%% *}; }")

    @property
    def lines(self):
        with self.lock:
            return [line for _, data in self.batches for line in data.splitlines()]

    def handle_error(self, request, client_address):
        pass


class Handler(socketserver.BaseRequestHandler):
    def take(self):
        """What arrives, as (format, bytes, the plan's word)."""
        data = b""
        while True:
            piece = self.request.recv(1 << 12)
            data += piece
            kind, _, events = data.partition(b"\n")
            word = self.server.plan(kind.decode(), len(events)) if b"\n" in data else None
            if word or not piece:
                return kind.decode(), events, word

    def handle(self):
        kind, events, word = self.take()
        self.server.open.wait(120)
        if word:
            self.request.sendall(f"{word}\n".encode())
            hung_up = select.poll()  # without reading the rest, so that the command has not been able to write it
            hung_up.register(self.request, select.POLLRDHUP)
            hung_up.poll(60_000)
            return
        with self.server.lock:
            self.server.attempts.append((kind, events))
            status, words = self.server.judge(kind, events)
            if status == 0:
                self.server.batches.append((kind, events))
        self.request.sendall(f"{status} {words}\n".encode())
