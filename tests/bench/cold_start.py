# SPDX-License-Identifier: BSD-3-Clause
"""How soon the function's runtime runs its first command, and how long one takes: beside AWS's runtime client for Python.

Both speak to the same Runtime API. AWS's client has a handler that runs the command by subprocess, as one would write it.

usage: contrib/bench
"""

import base64
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
BUILD = Path(os.environ.get("VASTFS_BUILD", HERE.parents[1] / "build"))
RUNTIME = BUILD / "src/runtime/vast-lambda-runtime"
sys.path.insert(0, str(HERE.parent / "runtime"))
from runtime_api import RuntimeApi  # noqa: E402

#: with a /tmp of its own, as in Lambda: what a command leaves there is removed
PLACE = ["bwrap", "--dev-bind", "/", "/", "--tmpfs", "/tmp"]
STARTS = 20
ROUNDS = 300
HANDLER = """
import base64, subprocess

def handle(event, context):
    done = subprocess.run(["/bin/sh", "-c", base64.b64decode(event["cmd"])], capture_output=True)
    return {"v": 1, "exit_code": done.returncode, "stdout": base64.b64encode(done.stdout).decode(),
            "stderr": base64.b64encode(done.stderr).decode()}
"""


class Run:
    """A runtime and the function's side of its Runtime API."""

    def __init__(self, argv, directory):
        self.api = RuntimeApi()
        self.started = time.perf_counter()
        env = {"PATH": "/usr/bin:/bin", "AWS_LAMBDA_RUNTIME_API": self.api.address, "LAMBDA_TASK_ROOT": str(directory),
               "AWS_LAMBDA_FUNCTION_NAME": "f", "AWS_LAMBDA_FUNCTION_VERSION": "1", "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "128",
               "AWS_LAMBDA_LOG_GROUP_NAME": "f", "AWS_LAMBDA_LOG_STREAM_NAME": "f", "AWS_REGION": "eu-west-1"}
        self.process = subprocess.Popen(argv, env=env, cwd=directory, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def command(self, text):
        answer = self.api.invoke(text)
        assert json.loads(answer.body)["exit_code"] == 0, answer
        return base64.b64decode(json.loads(answer.body)["stdout"])

    def round_trip_us(self):
        start = time.perf_counter_ns()
        self.command("true")
        return (time.perf_counter_ns() - start) / 1000

    def stop(self):
        self.process.kill()
        self.process.wait()
        self.api.close()


def start_ms(argv, directory):
    """From the start of the runtime to the answer of its first command, which waits for it."""
    run = Run(argv, directory)
    try:
        run.command("true")
        return (time.perf_counter() - run.started) * 1000
    finally:
        run.stop()


def beside(what, ours, theirs, unit):
    a, b = statistics.median(ours), statistics.median(theirs)
    print(f"{what:58} {a:8.1f} {unit} {b:8.1f} {unit} {b / a:8.1f}")


def round_trips(argv, other, directory):
    ours, theirs = Run(argv, directory), Run(other, directory)
    try:
        ours.command("true"), theirs.command("true")
        pairs = [(ours.round_trip_us(), theirs.round_trip_us()) for _ in range(ROUNDS)]
    finally:
        ours.stop()
        theirs.stop()
    beside("one more 'true', from event to answer", *zip(*pairs), "us")


def main(python):
    with tempfile.TemporaryDirectory(dir="/var/tmp") as name:
        directory = Path(name)
        (directory / "handler.py").write_text(HANDLER)
        ours, theirs = [*PLACE, RUNTIME], [*PLACE, python, "-m", "awslambdaric", "handler.handle"]
        print(f"{'the runtime, beside awslambdaric (ratio: how many times as fast)':58} {'vastfs':>11} {'other':>11}    ratio")
        pairs = [(start_ms(ours, directory), start_ms(theirs, directory)) for _ in range(STARTS)]
        beside("start (with bwrap's) to the answer of 'true' (goal: 20 ms)", *zip(*pairs), "ms")
        round_trips(ours, theirs, directory)
    print(f"size of the runtime: {RUNTIME.stat().st_size // 1000} kB (goal: 300 kB)")


main(sys.argv[1])
