"""Trouble on demand, and a journal of what was asked.

`/sandbox/faults` takes rules. A rule is `{"match": ..., "kind": ...}` and
applies `count` times (once if not given, for ever if 0). Two sorts exist:

* `match` is `service:Action` (with `*` and `?`): the call itself goes wrong,
  by the kinds in WIRE_KINDS.
* `match` is a situation, e.g. `resource:MyFunction` or `task`: the module
  that plays it asks `take(match, kind)` and gets the rule once.

Only calls from outside are hit: CloudFormation's own calls are not.
"""

import contextlib
import fnmatch
import json
import re
import socket
import threading
import time

from ..common import clock
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


class Rules:
    """The rules in force, oldest first, and the journal."""

    def __init__(self):
        self._lock = threading.Lock()
        self._rules = []
        self._journal = []
        #: called after a rule was added, for what looks only when it is woken
        self.listeners = []

    def add(self, rule: dict) -> None:
        """Put one rule into force."""
        if not rule.get("match") or not rule.get("kind"):
            raise ValueError("a rule needs match and kind")
        rule = dict(rule)
        rule.setdefault("count", 1)
        rule["endless"] = rule["count"] == 0
        with self._lock:
            self._rules.append(rule)
        for listener in self.listeners:
            listener()

    def clear(self) -> None:
        """No rule is in force any more."""
        with self._lock:
            self._rules.clear()

    def listed(self) -> list:
        """The rules that can still apply."""
        with self._lock:
            return [dict(rule) for rule in self._rules]

    def take(self, match: str, kind=None):
        """Use up one application of the first rule that fits, or None.

        `kind` is one kind or a collection of kinds.
        """
        kinds = {kind} if isinstance(kind, str) else kind
        with self._lock:
            for rule in self._rules:
                if kinds is not None and rule["kind"] not in kinds:
                    continue
                if fnmatch.fnmatchcase(match, rule["match"]):
                    self._use(rule)
                    return dict(rule)
        return None

    def take_each(self, match: str, kind: str) -> list:
        """Use up one application of every rule that fits."""
        with self._lock:
            found = [
                rule
                for rule in self._rules
                if rule["kind"] == kind and fnmatch.fnmatchcase(match, rule["match"])
            ]
            for rule in found:
                self._use(rule)
        return [dict(rule) for rule in found]

    def _use(self, rule) -> None:
        if rule["endless"]:
            return
        rule["count"] -= 1
        if rule["count"] <= 0:
            self._rules.remove(rule)

    def record(self, entry: dict) -> None:
        """Append one call to the journal."""
        with self._lock:
            self._journal.append(entry)

    def journal(self) -> list:
        """All calls so far, in the order of their end."""
        with self._lock:
            return list(self._journal)

    def clear_journal(self) -> None:
        """Forget the calls so far."""
        with self._lock:
            self._journal.clear()


RULES = Rules()


def take(match: str, kind=None):
    """The rule for a situation, used up by this call, or None."""
    return RULES.take(match, kind)


class Journal:
    """Writes down every call with its outcome."""

    def __init__(self, app):
        self.app = app

    def __call__(self, environ, start_response):
        name = actions.name_of(environ)
        if not name:
            return self.app(environ, start_response)
        service, _, action = name.partition(":")
        entry = {
            "time": time.time(),
            "service": service,
            "action": action,
            "region": wsgi.scope_of(environ)[2],
            "parameters": actions.parameters_of(environ),
            "status": 0,
            "code": "",
        }
        try:
            captured = wsgi.Captured(self.app, environ)
            entry["status"] = captured.status
            body = captured.body() if captured.complete else None
            entry["code"] = _error_code(captured, body)
        except ConnectionError as error:
            entry["code"] = str(error)
            raise
        finally:
            entry["seconds"] = round(time.time() - entry["time"], 4)
            RULES.record(entry)
        start_response(wsgi.status_line(captured.status), captured.headers)
        return captured.stream() if body is None else [body]


def _error_code(captured, body) -> str:
    if captured.status < 400:
        return ""
    code = captured.header("x-amzn-errortype")
    if not code and body:
        text = body.decode("utf-8", "replace")
        found = re.search(
            r'<Code>([^<]+)</Code>|"(?:__type|ErrorCode)": ?"([^"]+)"', text
        )
        code = (found.group(1) or found.group(2)) if found else ""
    return code.rpartition("#")[2].partition(":")[0]


class Faults:
    """Lets calls go wrong on the wire as the rules say."""

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
        """An endpoint that does not know the path at all."""
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
        """Promise the whole body, send half of it, hang up."""
        captured = wsgi.Captured(self.app, environ)
        body = captured.body()
        captured.set_header("Content-Length", str(len(body)))
        environ["vastfs.hang_up"] = True
        start_response(wsgi.status_line(captured.status), captured.headers)
        return [body[: len(body) // 2]]

    def _truncate_framed(self, _rule, environ, start_response):
        """Half a body, but framed as if it were all of it."""
        captured = wsgi.Captured(self.app, environ)
        body = captured.body()
        half = body[: len(body) // 2]
        return wsgi.reply(start_response, captured.status, captured.headers, half)

    def _cut_stream(self, rule, environ, start_response):
        """A reply that breaks off after `bytes` of its body; if it is `framed`,
        it looks as if it had ended there."""
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
        """One byte of the reply's body, that `at`, is not what was sent."""
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
        """A reply of the right length that is no document at all."""
        captured = wsgi.Captured(self.app, environ)
        body = bytes(len(captured.body()))
        return wsgi.reply(start_response, captured.status, captured.headers, body)


WIRE_KINDS = {
    "throttle": Faults._throttle,
    "error": Faults._error,
    "error500": Faults._error500,
    "html503": Faults._html503,
    "html404": Faults._html404,
    "drop_before": Faults._drop_before,
    "drop_after": Faults._drop_after,
    "delay": Faults._delay,
    "truncate": Faults._truncate,
    "truncate_framed": Faults._truncate_framed,
    "cut_stream": Faults._cut_stream,
    "damage": Faults._damage,
    "garbage": Faults._garbage,
}


def cut(environ) -> None:
    """Hang up at once: closing alone would leave the client waiting."""
    connection = environ.get("werkzeug.socket")
    if connection is not None:
        with contextlib.suppress(OSError):
            connection.shutdown(socket.SHUT_RDWR)


class Control:
    """`/sandbox/...`: the unsigned knobs of the sandbox itself."""

    def __init__(self, context, app):
        self.context = context
        self.app = app

    def __call__(self, environ, start_response):
        path = environ["PATH_INFO"]
        if not path.startswith("/sandbox/"):
            return self.app(environ, start_response)
        handle = ROUTES.get((environ["REQUEST_METHOD"], path.rstrip("/")))
        try:
            status, answer = handle(self, environ) if handle else (404, {})
        except (ValueError, TypeError, AttributeError) as error:
            status, answer = 400, {"error": str(error)}
        body = (json.dumps(answer, default=str) + "\n").encode()
        headers = [("Content-Type", "application/json")]
        return wsgi.reply(start_response, status, headers, body)

    @staticmethod
    def _json(environ):
        return json.loads(wsgi.body_of(environ) or b"{}")

    def _add_faults(self, environ):
        rules = self._json(environ)
        for rule in rules if isinstance(rules, list) else [rules]:
            RULES.add(rule)
        return 200, RULES.listed()

    def _list_faults(self, _environ):
        return 200, RULES.listed()

    def _clear_faults(self, _environ):
        RULES.clear()
        return 200, []

    def _journal(self, _environ):
        return 200, RULES.journal()

    def _clear_journal(self, _environ):
        RULES.clear_journal()
        return 200, []

    def _clock(self, environ):
        clock.set_skew(self._json(environ)["skew"])
        return 200, {"skew": clock.skew()}

    def _pace(self, environ):
        """The time scale may change while the sandbox runs."""
        self.context.time_scale = float(self._json(environ)["time_scale"])
        return 200, {"time_scale": self.context.time_scale}


ROUTES = {
    ("POST", "/sandbox/faults"): Control._add_faults,
    ("GET", "/sandbox/faults"): Control._list_faults,
    ("DELETE", "/sandbox/faults"): Control._clear_faults,
    ("GET", "/sandbox/journal"): Control._journal,
    ("DELETE", "/sandbox/journal"): Control._clear_journal,
    ("POST", "/sandbox/clock"): Control._clock,
    ("POST", "/sandbox/pace"): Control._pace,
}
