# SPDX-License-Identifier: BSD-3-Clause
"""A sandbox for tests that run tasks and functions, with helpers for them."""

from pathlib import Path

from conftest import Sandbox, until

LOG_GROUP = "/vast/server"


class Server(Sandbox):
    """A sandbox with tasks."""

    def kill(self) -> None:
        """Kill a process, as the out-of-memory killer does."""
        self.process.kill()
        self.process.wait()

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

    def arrives(self, task: dict, status: str) -> dict:
        """The task, when it has reached `status`."""

        def look():
            now = self.task(task)
            return now if now["lastStatus"] == status else None

        return until(look)

    def lines(self, task: dict) -> list:
        """The lines that the task has written so far."""
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
    """Whether the process exists and is not a zombie."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"
