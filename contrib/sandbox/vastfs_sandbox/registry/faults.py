# SPDX-License-Identifier: BSD-3-Clause
"""Faults of the registries, with the errors of their protocol.

Rules match `registry:Action` (ECR), `mirror:Action` or `storage:GetBlob`; the
actions are those of protocol.ROUTES, `Token` and, for the storage, GetBlob. The
kinds are the names in KINDS. No blob is held in memory.
"""

import contextlib
import json

from ..common.faults import RULES
from ..wire import wsgi
from ..wire.faults import WireFaults, cut
from . import protocol


class RegistryFaults(WireFaults):
    """The layer around a registry or the storage."""

    def __init__(self, context, app, service: str):
        super().__init__(context, app)
        self.service = service

    def __call__(self, environ, start_response):
        action = protocol.route(environ)[0]
        if environ["PATH_INFO"] == "/token":
            action = "Token"
        elif self.service == "storage":
            action = "GetBlob"
        rule = RULES.take(f"{self.service}:{action}", KINDS)
        if rule is None:
            return self.app(environ, start_response)
        return KINDS[rule["kind"]](self, rule, environ, start_response)

    def _error(self, rule, _environ, start_response):
        code = rule.get("code", "UNKNOWN")
        error = {"code": code, "message": rule.get("message", "Injected error.")}
        headers = [("Content-Type", "application/json")]
        if "retry_after" in rule:
            headers.append(("Retry-After", str(rule["retry_after"])))
        body = json.dumps({"errors": [error]}).encode()
        return wsgi.reply(start_response, int(rule.get("status", 500)), headers, body)

    def _throttle(self, rule, environ, start_response):
        words = {"status": 429, "code": "TOOMANYREQUESTS"}
        words["message"] = "You have reached your pull rate limit."
        return self._error({**words, **rule}, environ, start_response)

    def _error_midway(self, rule, environ, start_response):
        """Reply with an error while the client is still sending."""
        self._swallow(rule, environ)
        environ["vastfs.hang_up"] = bool(rule.get("hang_up"))
        return self._error(rule, environ, start_response)

    def _drop_midway(self, rule, environ, _start_response):
        self._swallow(rule, environ)
        cut(environ)
        raise ConnectionAbortedError("drop_midway")

    @staticmethod
    def _swallow(rule, environ) -> None:
        """Read the first `bytes` of the request's body."""
        left = int(rule.get("bytes", 1))
        for chunk in environ["vastfs.stream"]:
            left -= len(chunk)
            if left <= 0:
                return

    def _forget(self, _rule, environ, start_response):
        """Accept the upload, but do not store it."""
        environ["vastfs.forget"] = True
        return self.app(environ, start_response)

    def _expire(self, _rule, environ, start_response):
        """From this request on, tokens that the mirror issued earlier are invalid."""
        self.app.shelf.forget_tokens()
        return self.app(environ, start_response)

    def _truncate(self, _rule, environ, start_response):
        captured = wsgi.Captured(self.app, environ)
        start_response(wsgi.status_line(captured.status), captured.headers)
        return self._first_of(captured, {"bytes": half(captured)}, environ)

    def _truncate_framed(self, _rule, environ, start_response):
        captured = wsgi.Captured(self.app, environ)
        count = half(captured)
        captured.set_header("Content-Length", str(count))
        start_response(wsgi.status_line(captured.status), captured.headers)
        return self._first_of(captured, {"bytes": count, "framed": True}, environ)

    def _garbage(self, _rule, environ, start_response):
        """Zeros instead of the body, with the announced length."""
        captured = wsgi.Captured(self.app, environ)
        start_response(wsgi.status_line(captured.status), captured.headers)
        return self._zeros(captured)

    @staticmethod
    def _zeros(captured):
        with contextlib.closing(captured.stream()) as stream:
            for data in stream:
                yield bytes(len(data))


def half(captured) -> int:
    return int(captured.header("Content-Length") or 0) // 2


KINDS = {
    "throttle": RegistryFaults._throttle,
    "error": RegistryFaults._error,
    "error500": RegistryFaults._error500,
    "html503": RegistryFaults._html503,
    "drop_before": RegistryFaults._drop_before,
    "drop_after": RegistryFaults._drop_after,
    "delay": RegistryFaults._delay,
    "truncate": RegistryFaults._truncate,
    "truncate_framed": RegistryFaults._truncate_framed,
    "garbage": RegistryFaults._garbage,
    "cut_stream": RegistryFaults._cut_stream,
    "error_midway": RegistryFaults._error_midway,
    "drop_midway": RegistryFaults._drop_midway,
    "forget": RegistryFaults._forget,
    "expire": RegistryFaults._expire,
}
