# SPDX-License-Identifier: BSD-3-Clause
"""InvokeWithResponseStream: sends the response while the function writes it.

The reply is an event stream: a PayloadChunk event for each chunk of the program,
then InvokeComplete with the outcome. The program waits for a client that does
not read, but not for a client that has closed the connection.
"""

import base64
import json
import threading

from moto.awslambda import urls
from moto.awslambda.responses import LambdaResponse

from ..wire import eventstream
from . import invoke
from .invocation import Piped

PATH = (
    r"{0}/(?P<api_version>[^/]+)/functions/(?P<function_name>[\w_:%-]+)"
    r"/response-streaming-invocations/?$"
)
CHUNK = eventstream.Event("PayloadChunk", "application/octet-stream")
COMPLETE = eventstream.Event("InvokeComplete", "application/json")


def install(_context) -> None:
    """Add the action to moto, before the first request: moto reads its URLs once."""
    urls.url_paths[PATH] = LambdaResponse.dispatch
    LambdaResponse.invoke_with_response_stream = invoke_with_response_stream


def invoke_with_response_stream(self):
    """InvokeWithResponseStream; the errors before the start are those of Invoke."""
    function = invoke.function_of(self)
    payload = invoke.body_of(self)
    invoke.check_payload(payload, invoke.MAX_REQUEST)
    if self.headers.get("X-Amz-Invocation-Type") == "DryRun":
        return 204, {"status": 204}, b""
    slot, invocation = invoke.begin(self, function, payload, Piped())
    headers = {
        "status": 200,
        "Content-Type": eventstream.CONTENT_TYPE,
        "X-Amz-Executed-Version": str(function.version),
        "x-amzn-RequestId": invocation.request_id,
    }
    wants_log = self.headers.get("X-Amz-Log-Type") == "Tail"
    return 200, headers, Reply(slot, invocation, wants_log)


class Reply:
    """The body of the reply; the invocation runs in a thread of its own."""

    def __init__(self, slot, invocation, wants_log: bool):
        self._invocation = invocation
        self._wants_log = wants_log
        self._tail = b""
        self._thread = threading.Thread(target=self._run, args=(slot,), daemon=True)
        self._thread.start()

    def _run(self, slot) -> None:
        try:
            self._tail = slot.run(self._invocation)
        finally:
            slot.free()
            self._invocation.sink.close()

    def __iter__(self):
        while (chunk := self._invocation.sink.get()) is not None:
            yield CHUNK.encode(chunk)
        self._thread.join()  # the log is complete only now
        yield COMPLETE.encode(json.dumps(self._outcome()).encode())

    def _outcome(self) -> dict:
        outcome = {}
        if self._invocation.error:
            kind, body = self._invocation.error
            outcome["ErrorCode"] = kind
            outcome["ErrorDetails"] = body.decode("utf-8", "replace")
        if self._wants_log:
            outcome["LogResult"] = base64.b64encode(self._tail).decode()
        return outcome

    def close(self) -> None:
        """The client has received everything or closed the connection."""
        self._invocation.sink.abandon()
