# SPDX-License-Identifier: BSD-3-Clause
"""The faults of one call, in the format of each service."""

import gzip
import json
import re
from xml.etree import ElementTree

from wire import Message, json_of, reply

HTML = b"<!DOCTYPE html><html><head><title>Sign in</title></head><body><h1>Welcome to the hotel</h1></body></html>\n"
GARBAGE = bytes(range(128, 256)) + b"\x00\xff{<"
XML = "text/xml"
JSON = "application/x-amz-json-1.1"
#: (status, code) of a throttled call
THROTTLE = {"ec2": (503, "RequestLimitExceeded"), "lambda": (429, "TooManyRequestsException"), "iam": (400, "Throttling"),
            "cloudformation": (400, "Throttling"), "sts": (400, "Throttling"), "efs": (429, "ThrottlingException"),
            "registry": (429, "TOOMANYREQUESTS")}

#: kinds whose request does not reach AWS, and kinds whose reply is lost or damaged after the effect
BEFORE = ("kill_before", "lost_before", "status_500", "html_503", "throttle", "refused_5")
RARE = ("refused_60", "kill_refused_5")
AFTER = ("kill_after", "lost_after", "html_200", "truncated", "garbage", "shape", "stranger")
KINDS = BEFORE + AFTER


def error(action: str, status: int, code: str, message: str) -> bytes:
    """An error of AWS in the format of the service."""
    service = action.partition(":")[0]
    if service == "ec2":
        text = (f"<Response><Errors><Error><Code>{code}</Code><Message>{message}</Message></Error></Errors>"
                "<RequestID>11111111-2222-3333-4444-555555555555</RequestID></Response>")
        return reply(status, text.encode(), XML)
    if service in ("cloudformation", "sts", "iam"):
        text = (f"<ErrorResponse><Error><Type>Sender</Type><Code>{code}</Code><Message>{message}</Message></Error>"
                "<RequestId>11111111-2222-3333-4444-555555555555</RequestId></ErrorResponse>")
        return reply(status, text.encode(), XML)
    if service == "registry":
        return reply(status, json.dumps({"errors": [{"code": code, "message": message}]}).encode(), "application/json")
    if service == "efs":
        return reply(status, json.dumps({"ErrorCode": code, "Message": message}).encode(), "application/json",
                     [("x-amzn-ErrorType", code)])
    if service == "lambda":
        return reply(status, json.dumps({"Type": "User", "message": message}).encode(), "application/json",
                     [("x-amzn-ErrorType", code)])
    return reply(status, json.dumps({"__type": code, "message": message}).encode(), JSON)


class Cut(Exception):
    """The reply ends in the middle: its argument are the bytes that are sent before the connection is closed."""


def gzip_cut(found: Message, _action: str) -> bytes:
    """A compressed reply, of which a proxy has kept the first half."""
    kept = gzip.compress(found.body)[: len(found.body) // 2 + 5]
    return reply(200, kept, found.header("content-type"), [("Content-Encoding", "gzip")])


def chunked_cut(found: Message, _action: str) -> bytes:
    """The connection is lost in the middle of a chunk."""
    head = f"{found.start}\r\nContent-Type: {found.header('content-type')}\r\nTransfer-Encoding: chunked\r\n\r\n"
    raise Cut(head.encode() + b"%x\r\n" % (len(found.body) + 10) + found.body)


def foreign_error(_found: Message, action: str) -> bytes:
    """A gateway fails in the format of another service."""
    other = "ecs:" if action.partition(":")[0] in ("ec2", "cloudformation", "sts", "iam") else "cloudformation:"
    return error(other, 503, "ServiceUnavailable", "The service is unavailable")


def bytes_of_nobody(_found: Message, _action: str) -> bytes:
    """Neither text nor HTTP."""
    return reply(200, GARBAGE, "application/octet-stream")


#: what a damaged reply looks like; the turn of a fault chooses one
DAMAGES = (bytes_of_nobody, gzip_cut, chunked_cut, foreign_error)


def throttle(action: str) -> bytes:
    """The service throttles the call."""
    status, code = THROTTLE.get(action.partition(":")[0], (400, "ThrottlingException"))
    return error(action, status, code, "Rate exceeded")


WRONG = (None, 5, {}, [[]])


def shape(found: Message, turn: int) -> bytes:
    """A reply that can be parsed, but whose first list (or else first member) has another type."""
    wrong = WRONG[turn % len(WRONG)]
    value = json_of(found.body)
    if isinstance(value, dict) and value:
        name = next((n for n, v in value.items() if isinstance(v, list)), next(iter(value)))
        return found.with_body(json.dumps({**value, name: wrong}).encode())
    if found.body.lstrip().startswith(b"<"):
        return found.with_body(spoil_xml(found.body, wrong))
    return found.with_body(json.dumps(wrong).encode())


def spoil_xml(body: bytes, wrong) -> bytes:
    """Spoil a reply in XML like one in JSON; None removes the element, because an empty element is an empty list."""
    root = ElementTree.fromstring(re.sub(rb' xmlns="[^"]*"', b"", body, count=1))
    result = next((e for e in root if e.tag.endswith("Result")), root)
    members = [e for e in result if e.tag not in ("requestId", "ResponseMetadata")]
    if not members:
        return body
    entry = "member" if result is not root else "item"
    target = next((e for e in members if e.find(entry) is not None), members[0])
    if wrong is None:
        result.remove(target)
        return ElementTree.tostring(root)
    target.clear()
    if wrong == 5:
        target.text = "5"
    else:
        ElementTree.SubElement(target, entry if wrong else "wrong")
    return ElementTree.tostring(root)


#: calls whose reply names what it is about
NAMED = re.compile(r"^(cloudformation:(Describe(Stack|ChangeSet)|List)|ecs:Describe)")
ARN = re.compile(rb"(:(?:stack|changeSet|cluster|task|task-definition)/)[^/\"<:]+")


def stranger(found: Message) -> bytes:
    """The reply to another request: the same, but about another stack, change set, cluster, task or task definition."""
    return found.with_body(ARN.sub(rb"\1stranger", found.body))


def spoilt(kind: str, found: Message, turn: int, action: str) -> bytes:
    """The bytes that are sent instead of a reply."""
    if kind == "html_200":
        return reply(200, HTML, "text/html")
    if kind == "garbage":
        return DAMAGES[turn % len(DAMAGES)](found, action)
    if kind == "truncated":
        return found.with_body(found.body[: len(found.body) // 2])
    if kind == "stranger":
        return stranger(found)
    return shape(found, turn)


def refused(kind: str, action: str) -> bytes:
    """The reply to a request that does not reach AWS."""
    if kind == "throttle":
        return throttle(action)
    if kind == "html_503":
        return reply(503, HTML, "text/html")
    return error(action, 500, "InternalFailure", "An internal error occurred")
