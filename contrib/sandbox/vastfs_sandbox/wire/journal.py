# SPDX-License-Identifier: BSD-3-Clause
"""The journal: every call of an AWS API with its outcome."""

import re
import time

from ..common.faults import RULES
from . import actions, wsgi


class Journal:
    """The layer that records every call with its outcome."""

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
