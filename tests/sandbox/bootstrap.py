#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""A runtime program for tests: the event contains instructions."""

import http.client
import json
import os
import socket
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
    """The response; None after it has posted an error."""
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


def stream(event, identity):
    """Send a streamed response: its chunks and its end."""
    wire = socket.create_connection(os.environ["AWS_LAMBDA_RUNTIME_API"].split(":"))
    head = f"POST {BASE}/invocation/{identity}/response HTTP/1.1\r\nHost: x\r\n"
    head += "Transfer-Encoding: chunked\r\nLambda-Runtime-Function-Response-Mode: streaming\r\n"
    head += "Trailer: Lambda-Runtime-Function-Error-Type\r\n\r\n"
    wire.sendall(head.encode())
    for piece in event["pieces"]:
        if "wait" in piece:
            while not os.path.exists(piece["wait"]):
                time.sleep(0.01)
        if "sleep" in piece:
            time.sleep(piece["sleep"])
        if "exit" in piece:
            os._exit(piece["exit"])
        if "cut" in piece:
            wire.sendall(b"1000\r\nhalf")
            return wire.close()
        data = piece.get("text", "x" * piece.get("size", 0)).encode()
        for _ in range(piece.get("times", 1) if data else 0):
            wire.sendall(b"%x\r\n%b\r\n" % (len(data), data))
        if "mark" in piece:
            open(piece["mark"], "w").close()
    wire.sendall(b"0\r\n" + "".join(f"{n}: {v}\r\n" for n, v in event.get("trailers", {}).items()).encode() + b"\r\n")
    print("status", wire.recv(100).split()[1].decode(), flush=True)
    return wire.close()


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
    if "pieces" in event:
        stream(event, context["id"])
        continue
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
