# SPDX-License-Identifier: BSD-3-Clause
"""Error replies in the envelope of each service's protocol.

Some requests are refused before they reach moto: for a bad signature, or by an
injected fault. Clients must be able to parse these errors like AWS's own.
"""

import json
import uuid
from xml.sax.saxutils import escape

from moto.core.exceptions import ServiceException

#: signing name -> protocol; all other services use json
PROTOCOLS = {
    "ec2": "ec2",
    "iam": "query",
    "sts": "query",
    "cloudformation": "query",
    "sqs": "query",
    "sns": "query",
    "lambda": "rest-json",
    "elasticfilesystem": "rest-json",
    "s3": "rest-xml",
}

#: signing name -> the name used in rules and in the journal
SHORT_NAMES = {"elasticfilesystem": "efs"}


class ApiError(ServiceException):
    """An error of an API that the sandbox itself implements.

    moto looks for an error's details in the service of the module that
    defines it; outside moto's package it takes the one that was called.
    """


def protocol_of(service: str) -> str:
    """The wire protocol of a service, by its signing name."""
    return PROTOCOLS.get(service, "json")


def new_request_id() -> str:
    """AWS's request ids are UUIDs."""
    return str(uuid.uuid4())


def envelope(service, status, code, message, request_id=None):
    """(status, headers, body) of an error as `service` would send it."""
    request_id = request_id or new_request_id()
    make = _MAKERS[protocol_of(service)]
    content_type, extra, body = make(service, status, code, message, request_id)
    headers = [("Content-Type", content_type), *extra]
    return status, headers, body.encode()


def _ec2(_service, _status, code, message, request_id):
    body = (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        f"<Response><Errors><Error><Code>{code}</Code><Message>{escape(message)}"
        f"</Message></Error></Errors><RequestID>{request_id}</RequestID></Response>"
    )
    return "text/xml;charset=UTF-8", [("x-amzn-requestid", request_id)], body


def _query(_service, status, code, message, request_id):
    kind = "Sender" if status < 500 else "Receiver"
    body = (
        f"<ErrorResponse><Error><Type>{kind}</Type><Code>{code}</Code><Message>"
        f"{escape(message)}</Message></Error><RequestId>{request_id}</RequestId>"
        "</ErrorResponse>"
    )
    return "text/xml", [("x-amzn-requestid", request_id)], body


def _json(_service, _status, code, message, request_id):
    body = json.dumps({"__type": code, "message": message})
    return "application/x-amz-json-1.1", [("x-amzn-requestid", request_id)], body


def _rest_json(service, _status, code, message, request_id):
    body = {"message": message}
    if service == "elasticfilesystem":
        body = {"ErrorCode": code, "Message": message}
    extra = [("x-amzn-requestid", request_id), ("x-amzn-ErrorType", code)]
    return "application/json", extra, json.dumps(body)


def _rest_xml(_service, _status, code, message, request_id):
    body = (
        f"<Error><Code>{code}</Code><Message>{escape(message)}</Message>"
        f"<RequestId>{request_id}</RequestId></Error>"
    )
    return "application/xml", [("x-amz-request-id", request_id)], body


_MAKERS = {
    "ec2": _ec2,
    "query": _query,
    "json": _json,
    "rest-json": _rest_json,
    "rest-xml": _rest_xml,
}
