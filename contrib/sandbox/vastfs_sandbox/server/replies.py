# SPDX-License-Identifier: BSD-3-Clause
"""Corrects moto's replies to what AWS sends on the wire.

This concerns content types, request IDs and uncaught exceptions: a client under
test would otherwise be adapted to moto instead of AWS.
"""

import re
import traceback

from ..wire import wsgi
from ..wire.errors import envelope, new_request_id

CONTENT_TYPES = {"lambda": "application/json", "logs": "application/x-amz-json-1.1"}
#: the form of IDs that the sandbox's own code assigns; moto's look different
UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
REQUEST_ID = re.compile(rb"<(RequestId|requestId|RequestID)>[^<]*</\1>", re.IGNORECASE)


class Replies:
    """The layer directly around moto."""

    def __init__(self, app):
        self.app = app

    def __call__(self, environ, start_response):
        service = wsgi.service_of(environ)
        if environ["PATH_INFO"].startswith("/moto-api"):
            return self._unknown(service, start_response)
        try:
            captured = wsgi.Captured(self.app, environ)
            body = captured.body() if captured.complete else None
        except ConnectionError:
            raise
        except NotImplementedError as error:
            return self._unknown(service, start_response, str(error))
        except Exception as error:
            traceback.print_exc()
            reply = envelope(service, 500, "InternalFailure", repr(error))
            return wsgi.reply(start_response, *reply)
        return self._polish(service, captured, body, start_response)

    @staticmethod
    def _unknown(service, start_response, message="The action is not known."):
        reply = envelope(service, 400, "InvalidAction", message)
        return wsgi.reply(start_response, *reply)

    @staticmethod
    def _polish(service, captured, body, start_response):
        given = captured.header("x-amzn-requestid") or ""
        request_id = given if UUID.fullmatch(given) else new_request_id()
        captured.headers = [
            (name, value)
            for name, value in captured.headers
            if not name.lower().startswith("access-control-")
            and name.lower() not in ("x-amzn-requestid", "status")
        ]
        captured.set_header("x-amzn-requestid", request_id)
        content_type = captured.header("Content-Type")
        if service in CONTENT_TYPES and content_type.startswith("text/html"):
            captured.set_header("Content-Type", CONTENT_TYPES[service])
        if body is None:
            start_response(wsgi.status_line(captured.status), captured.headers)
            return captured.stream()
        if b"equest" in body and "xml" in content_type:
            body = REQUEST_ID.sub(rb"<\1>" + request_id.encode() + rb"</\1>", body)
        return wsgi.reply(start_response, captured.status, captured.headers, body)
