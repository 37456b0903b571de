# SPDX-License-Identifier: BSD-3-Clause
"""A sandbox with ECS services, as boto3 and its waiters see it."""

from conftest import until
from run_support import Server

SLEEP = "trap 'exit 0' TERM; echo $$; while :; do sleep 0.01; done"
STUBBORN = "trap '' TERM; echo $$; while :; do sleep 0.01; done"
#: for a service of one task: the old task stops before the new one starts
REPLACE = {"minimumHealthyPercent": 0, "maximumPercent": 100}


class Services(Server):
    """A sandbox with ECS services."""

    def create(self, name, definition, **more) -> dict:
        more.setdefault("desiredCount", 1)
        more.setdefault("deploymentConfiguration", REPLACE)
        more.setdefault("launchType", "FARGATE")
        more.setdefault("networkConfiguration", self.network())
        reply = self.ecs.create_service(
            cluster="vast", serviceName=name, taskDefinition=definition, **more
        )
        return reply["service"]

    @property
    def ecs(self):
        return self.client("ecs")

    def update(self, name, **more) -> dict:
        return self.ecs.update_service(cluster="vast", service=name, **more)["service"]

    def service(self, name, **more) -> dict:
        reply = self.ecs.describe_services(cluster="vast", services=[name], **more)
        assert reply["failures"] == []
        return reply["services"][0]

    def stable(self, name) -> dict:
        """The service, when boto3's waiter reports it as stable."""
        self._wait("services_stable", services=[name])
        return self.service(name)

    def inactive(self, name) -> dict:
        self._wait("services_inactive", services=[name])
        return self.service(name)

    def _wait(self, waiter, **names):
        settings = {"Delay": 0.05, "MaxAttempts": 1200}
        self.ecs.get_waiter(waiter).wait(cluster="vast", WaiterConfig=settings, **names)

    def tasks(self, name, status="RUNNING") -> list:
        """The tasks of a service with this desired status."""
        arns = self.ecs.list_tasks(cluster="vast", serviceName=name, desiredStatus=status)
        if not arns["taskArns"]:
            return []
        found = self.ecs.describe_tasks(cluster="vast", tasks=arns["taskArns"], include=["TAGS"])
        return found["tasks"]

    def running(self, name) -> dict:
        """The service's only task, when it is RUNNING."""

        def look():
            tasks = self.tasks(name)
            return len(tasks) == 1 and tasks[0]["lastStatus"] == "RUNNING" and tasks[0]

        return until(look, 60)

    def other(self, name, task) -> dict:
        """The task that has replaced `task`, when it is RUNNING."""
        return until(lambda: (now := self.running(name))["taskArn"] != task["taskArn"] and now, 60)

    def pid(self, task) -> int:
        return int(until(lambda: self.lines(task))[0])

    def remove(self, name) -> None:
        self.ecs.delete_service(cluster="vast", service=name, force=True)
        self.inactive(name)

    def messages(self, name) -> list:
        return [event["message"] for event in self.service(name)["events"]]


def code(error) -> tuple:
    """(code, message) of a caught ClientError."""
    reply = error.value.response["Error"]
    return reply["Code"], reply["Message"]
