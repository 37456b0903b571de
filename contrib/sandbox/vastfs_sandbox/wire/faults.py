# SPDX-License-Identifier: BSD-3-Clause
"""Faults of single calls on the wire, by the rules of common/faults.py.

The kinds are the names in WIRE_KINDS.
"""

import contextlib
import socket

from ..common.faults import RULES
from . import actions, wsgi
from .errors import envelope, new_request_id

THROTTLE_CODES = {
    "ec2": (503, "RequestLimitExceeded", "Request limit exceeded."),
    "lambda": (429, "TooManyRequestsException", "Rate exceeded"),
    "query": (400, "Throttling", "Rate exceeded"),
    "": (400, "ThrottlingException", "Rate exceeded"),
}
QUERY_SERVICES = ("cloudformation", "iam", "sts")

HTML_404 = b"<html><head><title>404 Not Found</title></head></html>"
HTML_503 = b"<html><body><h1>503 Service Unavailable</h1></body></html>\n"


class WireFaults:
    """The layer that applies the rules to calls."""

    def __init__(self, context, app):
        self.context = context
        self.app = app

    def __call__(self, environ, start_response):
        name = actions.name_of(environ)
        rule = RULES.take(name, WIRE_KINDS) if name else None
        if rule is None:
            return self.app(environ, start_response)
        play = WIRE_KINDS[rule["kind"]]
        return play(self, rule, environ, start_response)

    def _error(self, rule, environ, start_response):
        reply = envelope(
            wsgi.service_of(environ),
            int(rule.get("status", 400)),
            rule.get("code", "InternalFailure"),
            rule.get("message", "Injected error."),
        )
        return wsgi.reply(start_response, *reply)

    def _throttle(self, rule, environ, start_response):
        service = wsgi.service_of(environ)
        key = "query" if service in QUERY_SERVICES else service
        status, code, message = THROTTLE_CODES.get(key, THROTTLE_CODES[""])
        rule = {"status": status, "code": code, "message": message, **rule}
        return self._error(rule, environ, start_response)

    def _error500(self, _rule, _environ, start_response):
        headers = [("x-amzn-requestid", new_request_id())]
        return wsgi.reply(start_response, 500, headers, b"")

    def _html503(self, _rule, _environ, start_response):
        headers = [("Content-Type", "text/html")]
        return wsgi.reply(start_response, 503, headers, HTML_503)

    def _html404(self, _rule, _environ, start_response):
        """The reply of an endpoint that does not know the path."""
        headers = [("Content-Type", "text/html")]
        return wsgi.reply(start_response, 404, headers, HTML_404)

    def _drop_before(self, _rule, environ, _start_response):
        cut(environ)
        raise ConnectionAbortedError("drop_before")

    def _drop_after(self, _rule, environ, _start_response):
        wsgi.Captured(self.app, environ).body()
        cut(environ)
        raise ConnectionAbortedError("drop_after")

    def _delay(self, rule, environ, start_response):
        self.context.stopping.wait(float(rule.get("seconds", 1)))
        return self.app(environ, start_response)

    def _truncate(self, _rule, environ, start_response):
        """Announce the length of the whole body, send half of it, close the connection."""
        captured = wsgi.Captured(self.app, environ)
        body = captured.body()
        captured.set_header("Content-Length", str(len(body)))
        environ["vastfs.hang_up"] = True
        start_response(wsgi.status_line(captured.status), captured.headers)
        return [body[: len(body) // 2]]

    def _truncate_framed(self, _rule, environ, start_response):
        """Half of the body, with a Content-Length that matches the half."""
        captured = wsgi.Captured(self.app, environ)
        body = captured.body()
        half = body[: len(body) // 2]
        return wsgi.reply(start_response, captured.status, captured.headers, half)

    def _cut_stream(self, rule, environ, start_response):
        """End the reply after `bytes` of its body: with `framed` as if it were
        complete, otherwise by closing the connection."""
        captured = wsgi.Captured(self.app, environ)
        start_response(wsgi.status_line(captured.status), captured.headers)
        return self._first_of(captured, rule, environ)

    @staticmethod
    def _first_of(captured, rule, environ):
        left = int(rule.get("bytes", 1000))
        with contextlib.closing(captured.stream()) as stream:
            for data in stream:
                yield data[:left]
                left -= len(data)
                if left <= 0:
                    break
        if not rule.get("framed"):
            environ["vastfs.handler"].wfile.flush()
            cut(environ)
            raise ConnectionAbortedError("cut_stream")

    def _damage(self, rule, environ, start_response):
        """Change one byte of the reply's body, at offset `at`."""
        captured = wsgi.Captured(self.app, environ)
        start_response(wsgi.status_line(captured.status), captured.headers)
        return self._with_damage(captured, int(rule.get("at", 0)))

    @staticmethod
    def _with_damage(captured, at):
        with contextlib.closing(captured.stream()) as stream:
            for data in stream:
                if 0 <= at < len(data):
                    data = data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]
                at -= len(data)
                yield data

    def _garbage(self, _rule, environ, start_response):
        """Zeros instead of the body, with the right length."""
        captured = wsgi.Captured(self.app, environ)
        body = bytes(len(captured.body()))
        return wsgi.reply(start_response, captured.status, captured.headers, body)


WIRE_KINDS = {
    "throttle": WireFaults._throttle,
    "error": WireFaults._error,
    "error500": WireFaults._error500,
    "html503": WireFaults._html503,
    "html404": WireFaults._html404,
    "drop_before": WireFaults._drop_before,
    "drop_after": WireFaults._drop_after,
    "delay": WireFaults._delay,
    "truncate": WireFaults._truncate,
    "truncate_framed": WireFaults._truncate_framed,
    "cut_stream": WireFaults._cut_stream,
    "damage": WireFaults._damage,
    "garbage": WireFaults._garbage,
}


def cut(environ) -> None:
    """Shut the connection down at once; a close alone would leave the client waiting."""
    connection = environ.get("werkzeug.socket")
    if connection is not None:
        with contextlib.suppress(OSError):
            connection.shutdown(socket.SHUT_RDWR)
