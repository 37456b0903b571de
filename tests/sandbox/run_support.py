"""A sandbox server for a test, and boto3 as the judge of it."""

import json
import os
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import boto3
from botocore.config import Config

SANDBOX = Path(__file__).parents[2] / "contrib" / "sandbox"
LOG_GROUP = "/vast/server"


def eventually(condition, seconds=20.0):
    """The first true value of condition(); fails after `seconds`."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        value = condition()
        if value:
            return value
        time.sleep(0.01)  # between two looks, never instead of one
    raise AssertionError(f"never true: {condition}")


class Server:
    """`python -m vastfs_sandbox.server` in a directory of its own."""

    def __init__(self, run_dir: Path, time_scale=0, **environment):
        self.run_dir = run_dir
        pipe, self.lifeline = os.pipe()
        command = [sys.executable, "-m", "vastfs_sandbox.server"]
        command += ["--time-scale", str(time_scale), "--run-dir", str(run_dir)]
        command += ["--exit-with-fd", str(pipe)]
        environment = {**os.environ, "PYTHONPATH": str(SANDBOX), **environment}
        self.process = subprocess.Popen(
            command, env=environment, pass_fds=[pipe], stdout=subprocess.DEVNULL
        )
        os.close(pipe)
        self.facts = json.loads(eventually(self._ready))
        self._clients = {}

    def _ready(self):
        assert self.process.poll() is None, "the server ended"
        path = self.run_dir / "ready"
        return path.read_text() if path.exists() else None

    def client(self, service: str):
        if service not in self._clients:
            self._clients[service] = boto3.client(
                service,
                endpoint_url=self.facts["endpoint"],
                region_name="us-east-1" if service == "iam" else self.facts["region"],
                aws_access_key_id=self.facts["access_key"],
                aws_secret_access_key=self.facts["secret_key"],
                config=Config(retries={"total_max_attempts": 1}, read_timeout=60),
            )
        return self._clients[service]

    def fault(self, **rule) -> None:
        request = urllib.request.Request(
            self.facts["endpoint"] + "/sandbox/faults",
            json.dumps(rule).encode(),
            method="POST",
        )
        urllib.request.urlopen(request).close()

    def end(self) -> None:
        os.close(self.lifeline)
        self.process.wait(20)

    # what the tests below need again and again

    def cluster(self) -> None:
        """A cluster, a log group and a subnet to run tasks in."""
        self.client("ecs").create_cluster(clusterName="vast")
        self.client("logs").create_log_group(logGroupName=LOG_GROUP)

    def network(self) -> dict:
        subnets = self.client("ec2").describe_subnets()["Subnets"]
        return {"awsvpcConfiguration": {"subnets": [subnets[0]["SubnetId"]]}}

    def define(self, script: str, family="server", **container) -> str:
        """A task definition whose container runs a shell script."""
        container.setdefault("name", "vast")
        container.setdefault("image", "vast")
        container.setdefault("entryPoint", ["/bin/sh", "-c"])
        container.setdefault("command", [script])
        container.setdefault("logConfiguration", log_to(LOG_GROUP))
        reply = self.client("ecs").register_task_definition(
            family=family,
            requiresCompatibilities=["FARGATE"],
            networkMode="awsvpc",
            cpu="256",
            memory="512",
            volumes=container.pop("volumes", []),
            containerDefinitions=[container],
        )
        return reply["taskDefinition"]["taskDefinitionArn"]

    def run(self, definition: str, **more) -> dict:
        reply = self.client("ecs").run_task(
            cluster="vast",
            taskDefinition=definition,
            launchType="FARGATE",
            networkConfiguration=self.network(),
            **more,
        )
        assert reply["failures"] == []
        return reply["tasks"][0]

    def task(self, task: dict, **more) -> dict:
        return self.client("ecs").describe_tasks(
            cluster="vast", tasks=[task["taskArn"]], **more
        )["tasks"][0]

    def until(self, task: dict, status: str) -> dict:
        """The task when it has come to `status`."""

        def arrived():
            now = self.task(task)
            return now if now["lastStatus"] == status else None

        return eventually(arrived)

    def lines(self, task: dict) -> list:
        """What the task has written so far."""
        stream = f"ecs/vast/{task['taskArn'].rpartition('/')[2]}"
        reply = self.client("logs").get_log_events(
            logGroupName=LOG_GROUP, logStreamName=stream, startFromHead=True
        )
        return [event["message"] for event in reply["events"]]


def log_to(group: str) -> dict:
    return {
        "logDriver": "awslogs",
        "options": {
            "awslogs-group": group,
            "awslogs-region": "eu-west-1",
            "awslogs-stream-prefix": "ecs",
        },
    }


def alive(pid: int) -> bool:
    """Is there such a process, and is it no zombie?"""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"
