# SPDX-License-Identifier: BSD-3-Clause
"""Lambda as one function sees it, with as little between its two sides as Python allows.

The runtime's chunks become PayloadChunk events byte for byte, each sent as it comes. Started as a program it prints the
port for both sides: the Runtime API, and InvokeWithResponseStream without signatures or rules. With a second argument,
bytes a second, it limits a response to that rate after its first 6 MB, as AWS does with 2 MB/s (Lambda Developer Guide,
"Response streaming").
"""

import re
import socket
import struct
import subprocess
import sys
import threading
import time
import zlib

BUFFER = 1 << 20
PIECE = 262144


def event_head(kind, content_type):
    """The headers of an event, as they are encoded."""
    pairs = {":message-type": "event", ":event-type": kind, ":content-type": content_type}
    return b"".join(bytes([len(n)]) + n.encode() + b"\x07" + struct.pack(">H", len(v)) + v.encode() for n, v in pairs.items())


CHUNK = event_head("PayloadChunk", "application/octet-stream")
COMPLETE = event_head("InvokeComplete", "application/json")


def event(head, payload):
    """Its pieces, without a copy of the payload."""
    prelude = struct.pack(">II", 16 + len(head) + len(payload), len(head))
    start = prelude + struct.pack(">I", zlib.crc32(prelude)) + head
    return start, payload, struct.pack(">I", zlib.crc32(payload, zlib.crc32(start)))


class Connection:
    """Bytes of a socket, read ahead into one buffer."""

    def __init__(self, peer):
        self.peer = peer
        peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.buffer = bytearray(BUFFER)
        self.view = memoryview(self.buffer)
        self.at = self.end = 0

    def fill(self):
        if self.at == self.end:
            self.at = self.end = 0
        elif self.end + PIECE > BUFFER:
            self.buffer[:self.end - self.at] = self.buffer[self.at:self.end]
            self.end -= self.at
            self.at = 0
        n = self.peer.recv_into(self.view[self.end:])
        if not n:
            raise ConnectionError("closed")
        self.end += n

    def until(self, mark):
        while (found := self.buffer.find(mark, self.at, self.end)) < 0:
            self.fill()
        text = bytes(self.buffer[self.at:found])
        self.at = found + len(mark)
        return text

    def take(self, size):
        while self.end - self.at < size:
            self.fill()
        self.at += size
        return self.view[self.at - size:self.at]

    def chunks(self):
        while size := int(self.until(b"\r\n"), 16):
            yield self.take(size)
            self.take(2)
        while self.until(b"\r\n"):
            pass

    def body(self, head):
        return bytes(self.take(int(re.search(rb"(?i)content-length: *(\d+)", head)[1])))


class Limit:
    """Lets the first 6 MB of a response pass, and the rest of it at a rate in bytes a second; None: without limit."""

    BURST = 6 << 20

    def __init__(self, rate):
        self.rate = rate
        self.size = 0
        self.since = None

    def wait(self, size):
        self.size += size
        if not self.rate or self.size <= self.BURST:
            return
        self.since = self.since or time.monotonic()
        time.sleep(max(0, self.since + (self.size - self.BURST) / self.rate - time.monotonic()))


class Peer:
    def __init__(self, rate):
        self.rate = rate
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.port = self.listener.getsockname()[1]
        self.runtime = None
        self.asks = threading.Semaphore(0)

    def serve(self):
        while True:
            peer, _ = self.listener.accept()
            threading.Thread(target=self.handle, args=(Connection(peer),), daemon=True).start()

    def handle(self, connection):
        head = connection.until(b"\r\n\r\n")
        if b"/invocation/next" in head:
            self.runtime = connection
            self.asks.release()
            return
        if b"/response-streaming-invocations" in head:
            self.invoke(connection, connection.body(head))
        else:
            connection.peer.sendall(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        connection.peer.shutdown(socket.SHUT_WR)
        connection.peer.close()

    def invoke(self, client, payload):
        self.asks.acquire()
        runtime = self.runtime
        runtime.peer.sendall(b"HTTP/1.1 200 OK\r\nLambda-Runtime-Aws-Request-Id: 1\r\nLambda-Runtime-Deadline-Ms: 99999999999999\r\n"
                             b"Content-Length: %d\r\n\r\n%s" % (len(payload), payload))
        client.peer.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: application/vnd.amazon.eventstream\r\nx-amzn-RequestId: 1\r\n"
                            b"Connection: close\r\n\r\n")
        runtime.until(b"\r\n\r\n")
        limit = Limit(self.rate)
        for chunk in runtime.chunks():
            limit.wait(len(chunk))
            send(client.peer, event(CHUNK, chunk))
        send(client.peer, event(COMPLETE, b"{}"))
        runtime.peer.sendall(b"HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n")
        runtime.until(b"\r\n\r\n")
        self.asks.release()


def send(peer, pieces):
    sent = peer.sendmsg(pieces)
    for piece in pieces:
        if sent < len(piece):
            peer.sendall(memoryview(piece)[sent:])
        sent = max(0, sent - len(piece))


def main(runtime, rate=None):
    peer = Peer(rate and int(rate))
    threading.Thread(target=peer.serve, daemon=True).start()
    child = subprocess.Popen([runtime], env={"AWS_LAMBDA_RUNTIME_API": f"127.0.0.1:{peer.port}", "PATH": "/usr/bin:/bin"})
    print(peer.port, child.pid, flush=True)
    sys.stdin.read()
    child.terminate()
    child.wait()


if __name__ == "__main__":
    main(*sys.argv[1:])
