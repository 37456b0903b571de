# SPDX-License-Identifier: BSD-3-Clause
"""WSGI helpers for the layers between the socket and moto."""

import io
from http import HTTPStatus
from urllib.parse import parse_qsl


def body_of(environ) -> bytes:
    """The request's body; it stays readable for the next layer."""
    body = environ.get("vastfs.body")
    if body is None:
        length = int(environ.get("CONTENT_LENGTH") or 0)
        body = environ["wsgi.input"].read(length) if length else b""
        set_body(environ, body)
    return body


def set_body(environ, body: bytes) -> None:
    """Set the request's body so that every layer can read it again."""
    environ["vastfs.body"] = body
    environ["wsgi.input"] = io.BytesIO(body)
    environ["CONTENT_LENGTH"] = str(len(body))


def form_of(environ) -> dict:
    """The fields of a query-protocol request, from body or URL."""
    text = body_of(environ).decode("utf-8", "replace")
    content_type = environ.get("CONTENT_TYPE", "")
    if not content_type.startswith("application/x-www-form-urlencoded"):
        text = environ.get("QUERY_STRING", "")
    return dict(parse_qsl(text, keep_blank_values=True))


def scope_of(environ):
    """(access key, date, region, service) of the credential scope, or None."""
    authorization = environ.get("HTTP_AUTHORIZATION", "")
    if not authorization.startswith("AWS4-HMAC-SHA256 "):
        return None
    for part in authorization[len("AWS4-HMAC-SHA256 ") :].split(","):
        name, _, value = part.strip().partition("=")
        if name == "Credential":
            fields = value.rsplit("/", 4)
            if len(fields) == 5 and fields[4] == "aws4_request":
                return tuple(fields[:4])
    return None


def service_of(environ) -> str:
    """The signing name of the service; empty if the request is unsigned."""
    scope = scope_of(environ)
    return scope[3] if scope else ""


def reply(start_response, status: int, headers, body: bytes):
    """Send a reply with a complete body."""
    headers = [(n, v) for n, v in headers if n.lower() != "content-length"]
    headers.append(("Content-Length", str(len(body))))
    start_response(status_line(status), headers)
    return [body]


def status_line(status: int) -> str:
    """`404` -> `404 Not Found`."""
    try:
        return f"{status} {HTTPStatus(status).phrase}"
    except ValueError:
        return f"{status} Unknown"


class Captured:
    """Runs an application and captures its reply.

    Replies without a Content-Length are streams: their body is passed on
    untouched, never collected.
    """

    def __init__(self, app, environ):
        self.status = 0
        self.headers = []
        self._iterable = app(environ, self._start)
        self._first = None
        if not self.status:  # a generator runs only when its first item is requested
            self._first = next(iter(self._iterable), b"")

    def _start(self, status, headers, _exc_info=None):
        self.status = int(status.split()[0])
        self.headers = list(headers)
        return lambda _data: None

    @property
    def complete(self) -> bool:
        """True if the body has a known length."""
        return any(n.lower() == "content-length" for n, _ in self.headers)

    def body(self) -> bytes:
        """The joined body of a complete reply."""
        return b"".join(self.stream())

    def stream(self):
        """The body, chunk by chunk."""
        try:
            if self._first is not None:
                yield self._first
            yield from self._iterable
        finally:
            close = getattr(self._iterable, "close", None)
            if close:
                close()

    def header(self, name: str) -> str:
        """One header's value, or an empty string."""
        for key, value in self.headers:
            if key.lower() == name.lower():
                return value
        return ""

    def set_header(self, name: str, value: str) -> None:
        """Replace or add one header."""
        rest = [(n, v) for n, v in self.headers if n.lower() != name.lower()]
        self.headers = [*rest, (name, value)]
