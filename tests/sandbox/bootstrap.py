#!/usr/bin/env python3
"""A runtime program for tests: the event says what to do."""

import http.client
import json
import os
import subprocess
import sys
import time

api = http.client.HTTPConnection(os.environ["AWS_LAMBDA_RUNTIME_API"])
BASE = "/2018-06-01/runtime"


def call(method, path, body=None, headers=None):
    api.request(method, BASE + path, body, headers or {})
    reply = api.getresponse()
    return reply.status, reply.headers, reply.read()


def perform(event, context):
    """The response, or None after having posted an error."""
    if "print" in event:
        print(event["print"], flush=True)
    if "sleep" in event:
        time.sleep(event["sleep"])
    if "exit" in event:
        os._exit(event["exit"])
    if "size" in event:
        return "x" * event["size"]
    if "run" in event:
        return subprocess.run(event["run"], shell=True, capture_output=True, text=True).stdout
    if "raise" in event:
        body = json.dumps({"errorMessage": event["raise"], "errorType": "Mine"})
        headers = {"Lambda-Runtime-Function-Error-Type": "Mine"}
        call("POST", f"/invocation/{context['id']}/error", body, headers)
        return None
    return {"event": event, "context": context, "env": dict(os.environ), "pid": os.getpid()}


def chunks(text):
    for start in range(0, len(text), 100_000):
        yield text[start : start + 100_000].encode()


if os.environ.get("FAIL_INIT"):
    body = json.dumps({"errorMessage": "no", "errorType": "Init"})
    call("POST", "/init/error", body, {"Lambda-Runtime-Function-Error-Type": "Init"})
    sys.exit(1)
while True:
    _, headers, body = call("GET", "/invocation/next")
    context = {
        "id": headers["Lambda-Runtime-Aws-Request-Id"],
        "arn": headers["Lambda-Runtime-Invoked-Function-Arn"],
        "left_ms": int(headers["Lambda-Runtime-Deadline-Ms"]) - time.time() * 1000,
    }
    event = json.loads(body)
    answer = perform(event, context)
    if answer is None:
        continue
    path = f"/invocation/{context['id']}/response"
    if event.get("stream"):
        headers = {"Lambda-Runtime-Function-Response-Mode": "streaming"}
        api.request("POST", BASE + path, chunks(json.dumps(answer)), headers, encode_chunked=True)
        api.getresponse().read()
    else:
        call("POST", path, json.dumps(answer))
