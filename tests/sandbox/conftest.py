# SPDX-License-Identifier: BSD-3-Clause
"""Starts one sandbox for the tests, with time scale 0, and its boto3 clients."""

import json
import os
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

ROOT = Path(__file__).resolve().parents[2]
DEADLINE = 60
#: the regions for which requests to global services are signed
GLOBAL = {"iam": "us-east-1"}


def until(condition, deadline=DEADLINE):
    """Wait for a condition; its value. Fails after the deadline."""
    end = time.monotonic() + deadline
    while True:
        value = condition()
        if value:
            return value
        assert time.monotonic() < end, f"the condition did not hold within {deadline} seconds"
        time.sleep(0.01)


def refused(code, call, **arguments):
    """The reply of a call that must fail with this error code."""
    with pytest.raises(ClientError) as caught:
        call(**arguments)
    assert caught.value.response["Error"]["Code"] == code
    return caught.value.response


class Sandbox:
    """A running sandbox, with its clients and its control paths."""

    def __init__(self, run_dir, time_scale=0, **environment):
        environment = {**os.environ, **environment}
        environment["PYTHONPATH"] = str(ROOT / "contrib/sandbox")
        self.process = subprocess.Popen(
            [
                sys.executable,
                "-m",
                "vastfs_sandbox.server",
                *("--time-scale", str(time_scale), "--run-dir", str(run_dir)),
            ],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=environment,
        )
        self.facts = json.loads(self.process.stdout.readline())
        self.endpoint = self.facts["endpoint"]
        self._clients = {}

    def client(self, service, key=None, secret=None, token=None, attempts=1):
        """A boto3 client with the configuration of an ordinary user."""
        name = (service, key, secret, token, attempts)
        if name not in self._clients:
            self._clients[name] = boto3.client(
                service,
                endpoint_url=self.endpoint,
                region_name=GLOBAL.get(service, self.facts["region"]),
                aws_access_key_id=key or self.facts["access_key"],
                aws_secret_access_key=secret or self.facts["secret_key"],
                aws_session_token=token,
                config=Config(
                    retries={"total_max_attempts": attempts}, read_timeout=60
                ),
            )
        return self._clients[name]

    def control(self, method, path, body=None):
        """Send a request to a control path."""
        data = json.dumps(body).encode() if body is not None else None
        request = urllib.request.Request(
            f"{self.endpoint}/sandbox/{path}", data=data, method=method
        )
        with urllib.request.urlopen(request, timeout=60) as reply:
            return json.load(reply)

    def fault(self, match, kind, **more):
        """Put one rule into force."""
        self.control("POST", "faults", {"match": match, "kind": kind, **more})

    def end(self):
        """End the sandbox by closing its standard input, as the end of its starter would."""
        self.process.stdin.close()
        self.process.wait(DEADLINE)
        self.process.stdout.close()


@pytest.fixture(scope="session")
def sandbox(tmp_path_factory):
    """The one sandbox of a test run."""
    running = Sandbox(tmp_path_factory.mktemp("sandbox"))
    yield running
    running.end()


@pytest.fixture(autouse=True)
def calm(request):
    """No test inherits the faults of another one."""
    yield
    running = request.node.funcargs.get("sandbox")
    if isinstance(running, Sandbox):
        running.control("DELETE", "faults")
        running.control("POST", "clock", {"skew": 0})
        running.control("POST", "quotas", {})
