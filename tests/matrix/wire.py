# SPDX-License-Identifier: BSD-3-Clause
"""HTTP/1.1 messages as bytes: reads them from a socket, parses and writes them."""

import json
import re
import urllib.parse
from dataclasses import dataclass, field

HEAD_MAX = 1 << 20
SCOPE = re.compile(rb"Credential=[^/]+/\d+/[^/]+/([^/]+)/aws4_request")
#: name in the credential scope -> usual name of the service
SHORT = {"elasticfilesystem": "efs"}
#: REST calls by method and path; the first match counts
REST = [
    (re.compile(r"^GET /2015-03-31/functions/[^/]+/configuration"), "GetFunctionConfiguration"),
    (re.compile(r"^PUT /2015-03-31/functions/[^/]+/configuration"), "UpdateFunctionConfiguration"),
    (re.compile(r"^POST /2015-03-31/functions/[^/]+/invocations"), "Invoke"),
    (re.compile(r"^POST /2021-11-15/functions/"), "InvokeWithResponseStream"),
    (re.compile(r"^GET /2015-02-01/file-systems$"), "DescribeFileSystems"),
    (re.compile(r"^POST /2015-02-01/file-systems$"), "CreateFileSystem"),
    (re.compile(r"^DELETE /2015-02-01/file-systems/"), "DeleteFileSystem"),
    (re.compile(r"^(GET|PUT) /2015-02-01/file-systems/[^/]+/policy"), "FileSystemPolicy"),
    (re.compile(r"^GET /2015-02-01/mount-targets"), "DescribeMountTargets"),
]


class Closed(Exception):
    """The peer closed the connection between two messages."""


@dataclass
class Message:
    """A request or a reply; raw has the received bytes, body the decoded body."""

    start: str
    headers: list
    body: bytes
    raw: bytes
    action: str = field(default="")

    def header(self, name: str) -> str:
        """The first header of that name, or an empty text."""
        return next((v for n, v in self.headers if n.lower() == name.lower()), "")

    @property
    def status(self) -> int:
        """Of a reply."""
        return int(self.start.split()[1])

    def with_body(self, body: bytes) -> bytes:
        """This reply with another body."""
        kept = [(n, v) for n, v in self.headers if n.lower() not in ("content-length", "transfer-encoding")]
        return compose(self.start, [*kept, ("Content-Length", str(len(body)))], body)


def compose(start: str, headers, body: bytes) -> bytes:
    """The bytes of a message."""
    lines = [start, *(f"{n}: {v}" for n, v in headers), "", ""]
    return "\r\n".join(lines).encode("latin-1") + body


def reply(status: int, body: bytes, content_type: str, headers=()) -> bytes:
    """A reply that keeps the connection open."""
    return compose(f"HTTP/1.1 {status} Proxy", [("Content-Type", content_type), ("Content-Length", str(len(body))), *headers],
                   body)


class Reader:
    """Takes messages from a socket, one after the other."""

    def __init__(self, connection):
        self._connection = connection
        self._left = b""

    def _more(self) -> None:
        data = self._connection.recv(65536)
        if not data:
            raise Closed
        self._left += data

    def _until(self, mark: bytes) -> bytes:
        while mark not in self._left:
            if len(self._left) > HEAD_MAX:
                raise Closed
            self._more()
        taken, self._left = self._left.split(mark, 1)
        return taken + mark

    def _exactly(self, size: int) -> bytes:
        while len(self._left) < size:
            self._more()
        taken, self._left = self._left[:size], self._left[size:]
        return taken

    def _chunks(self):
        raw = body = b""
        while True:
            line = self._until(b"\r\n")
            size = int(line.split(b";")[0], 16)
            data = self._exactly(size + 2)
            raw, body = raw + line + data, body + data[:size]
            if not size:
                return raw, body

    def message(self, bodiless: bool = False) -> Message:
        """The next one, whole."""
        head = self._until(b"\r\n\r\n")
        start, *lines = head[:-4].decode("latin-1").split("\r\n")
        headers = [tuple(part.strip() for part in line.split(":", 1)) for line in lines]
        found = Message(start, headers, b"", head)
        if bodiless or (start.startswith("HTTP/") and found.status in (204, 304)):
            return found
        if found.header("transfer-encoding").lower() == "chunked":
            raw, found.body = self._chunks()
        else:
            raw = found.body = self._exactly(int(found.header("content-length") or 0))
        found.raw = head + raw
        return found


def action_of(request: Message) -> str:
    """ "service:Action" of an AWS call, "registry:METHOD kind" of a registry's, else an empty text."""
    method, target, _ = request.start.split(" ", 2)
    path = target.split("?")[0]
    scope = SCOPE.search(request.header("authorization").encode())
    if not scope:
        part = next((p for p in ("manifests", "uploads", "blobs") if f"/{p}" in path), "root")
        return f"registry:{method} {part}" if path.startswith("/v2") else ""
    service = SHORT.get(scope.group(1).decode(), scope.group(1).decode())
    named = request.header("x-amz-target").rpartition(".")[2]
    if not named and b"Action=" in request.body:
        named = dict(urllib.parse.parse_qsl(request.body.decode("latin-1"))).get("Action", "")
    if not named:
        named = next((name for pattern, name in REST if pattern.match(f"{method} {path}")), f"{method} {path}")
    return f"{service}:{named}"


def json_of(body: bytes):
    """The value, or None if it is no JSON."""
    try:
        return json.loads(body)
    except ValueError:
        return None
