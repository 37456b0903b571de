# SPDX-License-Identifier: BSD-3-Clause
"""Invoke: functions that really run.

Each function has a list of warm sandboxes; when none is free, a cold one is
started. sandbox.py runs the program, runtime_api.py is the program's API, and
states.py has the function's states.
"""

import base64
import json
import threading
from urllib.parse import unquote

from moto.awslambda.exceptions import LambdaClientError
from moto.awslambda.responses import LambdaResponse

from . import faults, states
from .invocation import Collected, Invocation, error_body
from .sandbox import InvalidEntrypoint, Warm

MAX_REQUEST = 6 * 1024 * 1024
MAX_EVENT = 1024 * 1024
ACCOUNT_CONCURRENCY = 1000

_context = None
_pools = {}
_pools_lock = threading.Lock()


class Refused(LambdaClientError):
    """Invoke fails before the program runs."""

    def __init__(self, status: int, kind: str, message: str, **more):
        super().__init__(kind, message)
        self.code = status
        body = {"Type": "User", "message": message, **more}
        self.description = json.dumps(body)


def pool_of(function) -> Warm:
    """The sandboxes of the function's present version; those of older versions end."""
    key = (function.account_id, function.function_arn)
    with _pools_lock:
        generation, pool = _pools.get(key, (None, None))
        current = (id(function), function.generation)
        if generation == current:
            return pool
        fresh = Warm(_context, function)
        _pools[key] = (current, fresh)
    if pool:
        pool.retire()
    return fresh


def forget(function) -> None:
    """The function was deleted."""
    with _pools_lock:
        _, pool = _pools.pop((function.account_id, function.function_arn), (None, None))
    if pool:
        pool.retire()


def check(function) -> None:
    """Raise Refused if the function cannot receive an event now."""
    rule = faults.of_invoke()
    if rule and rule["kind"] == "inactive":
        states.make_inactive(function)
    elif rule:
        status, kind, message = faults.REFUSALS[rule["kind"]]
        more = {}
        if status == 429:
            more["Reason"] = rule.get("reason", "ConcurrentInvocationLimitExceeded")
        raise Refused(status, kind, rule.get("message", message), **more)
    state = function.state
    if state == "Inactive":
        states.restore(function)
        raise Refused(
            502,
            "ResourceNotReadyException",
            "The function is inactive and its VPC connection is no longer available. "
            "Wait for the VPC connection to reestablish and try again.",
        )
    if state != "Active":
        message = states.pending_message(function)
        raise Refused(409, "ResourceConflictException", message)


class Slot:
    """One slot of the function's and the account's concurrency."""

    def __init__(self, function):
        self._pool = pool_of(function)
        limit = function.reserved_concurrency
        with _pools_lock:
            if limit is not None and self._pool.busy >= int(limit):
                raise too_many("ReservedFunctionConcurrentInvocationLimitExceeded")
            busy = sum(pool.busy for _, pool in _pools.values())
            if busy >= ACCOUNT_CONCURRENCY:
                raise too_many("ConcurrentInvocationLimitExceeded")
            self._pool.busy += 1

    def run(self, invocation):
        """Run one event; returns the end of its log."""
        try:
            sandbox = self._pool.take()
        except InvalidEntrypoint as error:
            kind = "Runtime.InvalidEntrypoint"
            message = f"RequestId: {invocation.request_id} Error: {error}"
            invocation.fail(kind, error_body(kind, message))
            return b""
        sandbox.run(invocation)
        tail = sandbox.tail_text()
        self._pool.give_back(sandbox)
        return tail

    def free(self) -> None:
        with _pools_lock:
            self._pool.busy -= 1


def too_many(reason: str) -> Refused:
    return Refused(429, "TooManyRequestsException", "Rate Exceeded.", Reason=reason)


def invoke(self):
    """Invoke of all three types."""
    function = function_of(self)
    payload = body_of(self)
    kind = self.headers.get("X-Amz-Invocation-Type", "RequestResponse")
    check_payload(payload, MAX_EVENT if kind == "Event" else MAX_REQUEST)
    if kind == "DryRun":
        return 204, {"status": 204}, b""
    slot, invocation = begin(self, function, payload, Collected())
    if kind == "Event":
        threading.Thread(
            target=run_event, args=(slot, invocation), daemon=True
        ).start()
        return 202, {"status": 202, "x-amzn-RequestId": invocation.request_id}, b""
    try:
        tail = slot.run(invocation)
    finally:
        slot.free()
    return reply(self, function, invocation, tail)


def begin(self, function, payload: bytes, sink):
    """(slot, invocation); the caller frees the slot. Refused if there is none."""
    check(function)
    slot = Slot(function)
    timeout = float(function.timeout)
    invocation = Invocation(payload, function.function_arn, timeout, sink)
    invocation.client_context = self.headers.get("X-Amz-Client-Context")
    return slot, invocation


def run_event(slot, invocation) -> None:
    """An asynchronous event, tried once."""
    try:
        slot.run(invocation)
    finally:
        slot.free()


def reply(self, function, invocation, tail: bytes):
    """The reply of a RequestResponse invocation."""
    headers = {
        "status": 200,
        "Content-Type": "application/json",
        "X-Amz-Executed-Version": str(function.version),
        "x-amzn-RequestId": invocation.request_id,
    }
    body = invocation.sink.whole()
    if invocation.error:
        body = invocation.error[1]
        headers["X-Amz-Function-Error"] = "Unhandled"
    if self.headers.get("X-Amz-Log-Type") == "Tail":
        headers["X-Amz-Log-Result"] = base64.b64encode(tail).decode()
    return 200, headers, body


def function_of(self):
    """The function that the request's path names."""
    name = unquote(self.path.rstrip("/").rsplit("/", 2)[-2])
    qualifier = self.querystring.get("Qualifier", [None])[0]
    return self.backend.get_function(name, qualifier)


def body_of(self) -> bytes:
    body = self.raw_body
    return body.encode() if isinstance(body, str) else bytes(body or b"")


def check_payload(payload: bytes, limit: int) -> None:
    if len(payload) > limit:
        message = f"Request must be smaller than {limit} bytes for the InvokeFunction operation"
        raise Refused(413, "RequestTooLargeException", message)
    if not payload:
        return
    try:
        json.loads(payload)
    except ValueError as error:
        message = f"Could not parse request body into json: {error}"
        raise Refused(400, "InvalidRequestContentException", message) from error


def _delete_function(original):
    def delete_function(self, function_name, qualifier=None):
        function = self.get_function(function_name)
        original(self, function_name, qualifier)
        if not qualifier:
            forget(function)

    return delete_function


def install(context) -> None:
    """Put these in moto's place."""
    global _context
    _context = context
    from moto.awslambda.models import LambdaBackend

    states.install(context)
    LambdaResponse.invoke = invoke
    LambdaBackend.delete_function = _delete_function(LambdaBackend.delete_function)
