# SPDX-License-Identifier: BSD-3-Clause
"""`/sandbox/...`: the unsigned paths that control the sandbox itself.

A package adds one by `context.controls[method, path] = handle`; `handle` gets
the decoded body and returns an HTTP status and the answer.
"""

import json

from ..common import clock
from ..common.faults import RULES
from ..wire import wsgi


class Control:
    """The layer that answers the control paths."""

    def __init__(self, context, app):
        self.context = context
        self.app = app
        self.routes = {**self._own(), **context.controls}

    def _own(self) -> dict:
        return {
            ("POST", "/sandbox/faults"): add_faults,
            ("GET", "/sandbox/faults"): lambda _: (200, RULES.listed()),
            ("DELETE", "/sandbox/faults"): lambda _: (200, RULES.clear() or []),
            ("GET", "/sandbox/journal"): lambda _: (200, RULES.journal()),
            ("DELETE", "/sandbox/journal"): lambda _: (200, RULES.clear_journal() or []),
            ("POST", "/sandbox/clock"): set_clock,
            ("POST", "/sandbox/pace"): self._set_pace,
        }

    def __call__(self, environ, start_response):
        path = environ["PATH_INFO"]
        if not path.startswith("/sandbox/"):
            return self.app(environ, start_response)
        handle = self.routes.get((environ["REQUEST_METHOD"], path.rstrip("/")))
        try:
            wish = json.loads(wsgi.body_of(environ) or b"{}")
            status, answer = handle(wish) if handle else (404, {})
        except (ValueError, TypeError, AttributeError) as error:
            status, answer = 400, {"error": str(error)}
        body = (json.dumps(answer, default=str) + "\n").encode()
        headers = [("Content-Type", "application/json")]
        return wsgi.reply(start_response, status, headers, body)

    def _set_pace(self, wish):
        """Change the time scale of the running sandbox."""
        self.context.time_scale = float(wish["time_scale"])
        return 200, {"time_scale": self.context.time_scale}


def add_faults(wish):
    for rule in wish if isinstance(wish, list) else [wish]:
        RULES.add(rule)
    return 200, RULES.listed()


def set_clock(wish):
    clock.set_skew(wish["skew"])
    return 200, {"skew": clock.skew()}
