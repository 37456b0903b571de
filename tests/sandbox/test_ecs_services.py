# SPDX-License-Identifier: BSD-3-Clause
"""ECS services through boto3 and its waiters."""

import json
import os
import signal

import pytest
from botocore.exceptions import ClientError
from conftest import until
from ecs_support import REPLACE, SLEEP, STUBBORN, Services, code


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory):
    server = Services(tmp_path_factory.mktemp("services"))
    server.cluster()
    yield server
    server.end()


def test_a_service_keeps_its_task_running(sandbox):
    arn = sandbox.define(SLEEP, family="keep")
    tags = [{"key": "vastfs:stage", "value": "x"}]
    made = sandbox.create(
        "keep",
        arn,
        tags=tags,
        propagateTags="SERVICE",
        enableECSManagedTags=True,
        enableExecuteCommand=True,
        availabilityZoneRebalancing="DISABLED",
    )
    assert made["status"] == "ACTIVE" and made["runningCount"] == 0 and made["tags"] == tags
    assert made["deployments"][0]["rolloutState"] == "IN_PROGRESS"
    service = sandbox.stable("keep")
    assert "tags" not in service
    (deployment,) = service["deployments"]
    assert deployment["status"] == "PRIMARY"
    until(lambda: sandbox.service("keep")["deployments"][0]["rolloutState"] == "COMPLETED")
    task = sandbox.running("keep")
    assert task["group"] == "service:keep" and task["startedBy"] == deployment["id"]
    assert deployment["id"].startswith("ecs-svc/")
    assert task["enableExecuteCommand"]
    assert {tag["key"]: tag["value"] for tag in task["tags"]} == {
        "vastfs:stage": "x",
        "aws:ecs:clusterName": "vast",
        "aws:ecs:serviceName": "keep",
    }
    identity = task["taskArn"].rpartition("/")[2]
    assert sandbox.messages("keep")[-1] == f"(service keep) has started 1 tasks: (task {identity})."
    assert sandbox.messages("keep")[0] == "(service keep) has reached a steady state."
    sandbox.remove("keep")


def test_a_killed_server_runs_again(sandbox):
    sandbox.create("killed", sandbox.define(SLEEP, family="killed"))
    task = sandbox.running("killed")
    pid = sandbox.pid(task)
    os.kill(pid, signal.SIGKILL)
    sandbox.other("killed", task)
    task = sandbox.arrives(task, "STOPPED")
    assert task["stopCode"] == "EssentialContainerExited"
    assert task["containers"][0]["exitCode"] == 137
    sandbox.remove("killed")


def test_a_stopped_task_is_replaced_while_it_stops(sandbox):
    """The maximum counts only tasks whose desired status is RUNNING, so two servers run for a moment."""
    arn = sandbox.define(STUBBORN, family="stubborn", stopTimeout=5)
    sandbox.create("stubborn", arn)
    task = sandbox.running("stubborn")
    pid = sandbox.pid(task)
    sandbox.ecs.stop_task(cluster="vast", task=task["taskArn"], reason="by hand")
    (stopping,) = sandbox.tasks("stubborn", "STOPPED")
    assert stopping["taskArn"] == task["taskArn"] and stopping["desiredStatus"] == "STOPPED"
    assert stopping["lastStatus"] in ("RUNNING", "DEACTIVATING", "STOPPING")
    other = sandbox.other("stubborn", task)
    assert sandbox.pid(other) != pid
    assert sandbox.arrives(task, "STOPPED")["stoppedReason"] == "by hand"
    sandbox.remove("stubborn")


def test_scaled_to_nothing(sandbox):
    sandbox.create("nothing", sandbox.define(SLEEP, family="nothing"))
    task = sandbox.running("nothing")
    deployment = sandbox.service("nothing")["deployments"][0]["id"]
    assert sandbox.update("nothing", desiredCount=0)["desiredCount"] == 0
    task = sandbox.arrives(task, "STOPPED")
    assert task["stopCode"] == "ServiceSchedulerInitiated"
    assert task["stoppedReason"] == f"Scaling activity initiated by (deployment {deployment})"
    service = sandbox.stable("nothing")
    assert len(service["deployments"]) == 1 and service["deployments"][0]["id"] == deployment
    identity = task["taskArn"].rpartition("/")[2]
    stopped = f"(service nothing) has stopped 1 running tasks: (task {identity})."
    assert stopped in sandbox.messages("nothing")
    assert sandbox.tasks("nothing") == []
    sandbox.update("nothing", desiredCount=1)
    assert sandbox.running("nothing")["taskArn"] != task["taskArn"]
    sandbox.remove("nothing")


def test_scaled_by_hand(sandbox):
    sandbox.create("three", sandbox.define(SLEEP, family="three"))
    sandbox.update("three", desiredCount=3)
    assert sandbox.stable("three")["runningCount"] == 3
    sandbox.update("three", desiredCount=1)
    until(lambda: len(sandbox.tasks("three")) == 1)
    sandbox.remove("three")


def test_a_new_definition_is_a_new_deployment(sandbox):
    one = sandbox.define(SLEEP, family="versions")
    sandbox.create("versions", one)
    task = sandbox.running("versions")
    first = sandbox.service("versions")["deployments"][0]["id"]
    assert len(sandbox.update("versions", taskDefinition=one)["deployments"]) == 1
    two = sandbox.define(SLEEP, family="versions")
    updated = sandbox.update("versions", taskDefinition="versions")
    assert updated["taskDefinition"] == two
    assert [item["status"] for item in updated["deployments"]] == ["PRIMARY", "ACTIVE"]
    other = sandbox.other("versions", task)
    assert other["taskDefinitionArn"] == two
    service = sandbox.stable("versions")
    second = service["deployments"][0]["id"]
    assert second != first
    assert len(sandbox.update("versions", forceNewDeployment=True)["deployments"]) == 2
    assert sandbox.other("versions", other)["taskDefinitionArn"] == two
    sandbox.remove("versions")


def test_what_makes_no_new_deployment(sandbox):
    sandbox.create("same", sandbox.define(SLEEP, family="same"))
    task = sandbox.running("same")
    assert not task["enableExecuteCommand"]
    wide = {"minimumHealthyPercent": 100, "maximumPercent": 200}
    with pytest.raises(ClientError) as error:
        sandbox.update("same", availabilityZoneRebalancing="ENABLED")
    assert code(error)[0] == "InvalidParameterException"
    service = sandbox.update(
        "same",
        enableExecuteCommand=True,
        enableECSManagedTags=True,
        propagateTags="SERVICE",
        deploymentConfiguration=wide,
        availabilityZoneRebalancing="ENABLED",
    )
    assert len(service["deployments"]) == 1 and service["enableExecuteCommand"]
    assert wide.items() <= service["deploymentConfiguration"].items()
    assert service["availabilityZoneRebalancing"] == "ENABLED"
    with pytest.raises(ClientError) as error:  # as long as it is rebalanced
        sandbox.update("same", deploymentConfiguration=REPLACE)
    assert code(error)[0] == "InvalidParameterException"
    assert sandbox.running("same")["taskArn"] == task["taskArn"]
    sandbox.ecs.stop_task(cluster="vast", task=task["taskArn"])
    assert sandbox.other("same", task)["enableExecuteCommand"]
    sandbox.remove("same")


def test_nothing_runs_twice_by_default(sandbox):
    """With 100/200 percent the new task is RUNNING before the old one is asked to stop."""
    sandbox.create("rolling", sandbox.define(SLEEP, family="rolling"), deploymentConfiguration={})
    task = sandbox.running("rolling")
    sandbox.update("rolling", forceNewDeployment=True)
    other = sandbox.other("rolling", task)
    old = sandbox.arrives(task, "STOPPED")
    assert old["stoppingAt"] >= other["startedAt"]
    sandbox.remove("rolling")


def test_an_inactive_definition_still_runs(sandbox):
    arn = sandbox.define(SLEEP, family="retired")
    sandbox.create("retired", arn)
    task = sandbox.running("retired")
    sandbox.ecs.deregister_task_definition(taskDefinition=arn)
    sandbox.ecs.stop_task(cluster="vast", task=task["taskArn"])
    sandbox.other("retired", task)
    with pytest.raises(ClientError) as error:
        sandbox.update("retired", taskDefinition=arn)
    assert code(error) == ("ClientException", "TaskDefinition is inactive")
    sandbox.remove("retired")
    with pytest.raises(ClientError) as error:
        sandbox.create("retired", arn)
    assert code(error) == ("ClientException", "TaskDefinition is inactive")


def test_the_same_token_is_the_same_service(sandbox):
    arn = sandbox.define(SLEEP, family="token")
    one = sandbox.create("token", arn, clientToken="t")
    assert sandbox.create("token", arn, clientToken="t")["createdAt"] == one["createdAt"]
    for more in ({"clientToken": "u"}, {}, {"clientToken": "t", "desiredCount": 2}):
        with pytest.raises(ClientError) as error:
            sandbox.create("token", arn, **more)
        assert code(error) == (
            "InvalidParameterException",
            "Creation of service was not idempotent.",
        )
    with pytest.raises(ClientError) as error:
        sandbox.create("token2", arn, clientToken="x" * 37)
    assert code(error)[0] == "InvalidParameterException"
    sandbox.remove("token")


def test_the_end_of_a_service(sandbox):
    arn = sandbox.define(STUBBORN, family="end", stopTimeout=5)
    sandbox.create("end", arn)
    task = sandbox.running("end")
    sandbox.pid(task)
    with pytest.raises(ClientError) as error:
        sandbox.ecs.delete_service(cluster="vast", service="end")
    assert code(error) == (
        "InvalidParameterException",
        "The service cannot be stopped while it is scaled above 0.",
    )
    deleted = sandbox.ecs.delete_service(cluster="vast", service="end", force=True)["service"]
    assert deleted["status"] == "DRAINING" and deleted["desiredCount"] == 0
    listed = sandbox.ecs.list_services(cluster="vast")["serviceArns"]
    assert deleted["serviceArn"] not in listed
    # INACTIVE as soon as its tasks are STOPPING, which may take the stop timeout
    assert sandbox.inactive("end")["status"] == "INACTIVE"
    assert sandbox.task(task)["lastStatus"] != "STOPPED"
    with pytest.raises(ClientError) as error:
        sandbox.update("end", desiredCount=1)
    assert code(error) == ("ServiceNotActiveException", "Service was not ACTIVE.")
    with pytest.raises(ClientError) as error:
        sandbox.ecs.delete_service(cluster="vast", service="end")
    assert code(error)[0] == "ServiceNotFoundException"
    sandbox.arrives(task, "STOPPED")
    assert sandbox.create("end", arn, desiredCount=0)["status"] == "ACTIVE"
    sandbox.remove("end")


def test_a_draining_service_cannot_be_made_anew(tmp_path):
    """The task is DEACTIVATING for 2 s, so that DRAINING can be observed."""
    server = Services(tmp_path)
    server.cluster()
    arn = server.define(SLEEP)
    server.create("slow", arn)
    server.running("slow")
    server.control("POST", "pace", {"time_scale": 1.5})
    server.ecs.delete_service(cluster="vast", service="slow", force=True)
    with pytest.raises(ClientError) as error:
        server.create("slow", arn)
    assert code(error) == (
        "InvalidParameterException",
        "Unable to Start a service that is still Draining.",
    )
    with pytest.raises(ClientError) as error:
        server.update("slow", desiredCount=1)
    assert code(error)[0] == "ServiceNotActiveException"
    with pytest.raises(ClientError) as error:
        server.ecs.delete_cluster(cluster="vast")
    assert code(error)[0] == "ClusterContainsServicesException"
    server.control("POST", "pace", {"time_scale": 0})
    server.inactive("slow")
    server.end()


def test_names_that_are_no_service(sandbox):
    reply = sandbox.ecs.describe_services(cluster="vast", services=["none"])
    assert reply["services"] == [] and reply["failures"][0]["reason"] == "MISSING"
    for call in (
        lambda: sandbox.update("none", desiredCount=1),
        lambda: sandbox.ecs.delete_service(cluster="vast", service="none"),
        lambda: sandbox.ecs.list_tasks(cluster="vast", serviceName="none"),
    ):
        with pytest.raises(ClientError) as error:
            call()
        assert code(error) == ("ServiceNotFoundException", "Service not found.")
    for call in (
        lambda: sandbox.ecs.describe_services(cluster="none", services=["none"]),
        lambda: sandbox.ecs.update_service(cluster="none", service="none"),
        lambda: sandbox.ecs.list_services(cluster="none"),
    ):
        with pytest.raises(ClientError) as error:
            call()
        assert code(error) == ("ClusterNotFoundException", "Cluster not found.")


REFUSED = {
    "no definition": (
        {"taskDefinition": "none"},
        ("ClientException", "TaskDefinition not found."),
    ),
    "no network": (
        {"networkConfiguration": {}},
        (
            "InvalidParameterException",
            "Network Configuration must be provided when networkMode 'awsvpc' is specified.",
        ),
    ),
    "100/100": (
        {"deploymentConfiguration": {"minimumHealthyPercent": 100, "maximumPercent": 100}},
        (
            "InvalidParameterException",
            "Both maximumPercent and minimumHealthyPercent cannot be 100 as this will block "
            "deployments.",
        ),
    ),
    "rebalancing": ({"availabilityZoneRebalancing": "ENABLED"}, ("InvalidParameterException", None)),
    "a negative count": ({"desiredCount": -1}, ("InvalidParameterException", None)),
    "a bad name": ({"serviceName": "a b"}, ("InvalidParameterException", None)),
}


@pytest.mark.parametrize("what", REFUSED)
def test_refused(sandbox, what):
    more, (wanted, message) = REFUSED[what]
    request = {
        "cluster": "vast",
        "serviceName": "refused",
        "taskDefinition": sandbox.define(SLEEP, family="refused"),
        "desiredCount": 1,
        "launchType": "FARGATE",
        "networkConfiguration": sandbox.network(),
        "deploymentConfiguration": REPLACE,
        **more,
    }
    with pytest.raises(ClientError) as error:
        sandbox.ecs.create_service(**request)
    assert code(error)[0] == wanted
    assert message in (None, code(error)[1])
    assert sandbox.ecs.list_services(cluster="vast")["serviceArns"] == []


def test_tags_of_a_service(sandbox):
    made = sandbox.create("tags", sandbox.define(SLEEP, family="tags"), desiredCount=0)
    assert sandbox.ecs.list_tags_for_resource(resourceArn=made["serviceArn"])["tags"] == []
    tags = [{"key": "vastfs:stage", "value": "default"}]
    sandbox.ecs.tag_resource(resourceArn=made["serviceArn"], tags=tags)
    assert sandbox.ecs.list_tags_for_resource(resourceArn=made["serviceArn"])["tags"] == tags
    assert sandbox.service("tags", include=["TAGS"])["tags"] == tags
    found = sandbox.client("resourcegroupstaggingapi").get_resources(
        TagFilters=[{"Key": "vastfs:stage"}]
    )
    arns = [item["ResourceARN"] for item in found["ResourceTagMappingList"]]
    assert made["serviceArn"] in arns
    sandbox.remove("tags")


def test_pages(sandbox):
    arn = sandbox.define(SLEEP, family="pages")
    for number in range(12):
        sandbox.create(f"page-{number:02}", arn, desiredCount=0)
    first = sandbox.ecs.list_services(cluster="vast")
    assert len(first["serviceArns"]) == 10
    rest = sandbox.ecs.list_services(cluster="vast", nextToken=first["nextToken"])
    assert len(rest["serviceArns"]) == 2 and "nextToken" not in rest
    with pytest.raises(ClientError) as error:
        names = [arn.rpartition("/")[2] for arn in first["serviceArns"]]
        sandbox.ecs.describe_services(cluster="vast", services=[*names, "page-11"])
    assert code(error)[0] == "InvalidParameterException"
    for number in range(12):
        sandbox.ecs.delete_service(cluster="vast", service=f"page-{number:02}")


def test_which_tasks_are_listed(sandbox):
    arn = sandbox.define(SLEEP, family="listed")
    sandbox.create("listed", arn)
    task = sandbox.running("listed")
    alone = sandbox.run(arn, startedBy="me")
    ecs = sandbox.ecs

    def listed(**more):
        return set(ecs.list_tasks(cluster="vast", **more)["taskArns"])

    assert listed(serviceName="listed") == {task["taskArn"]}
    assert listed(family="listed") == {task["taskArn"], alone["taskArn"]}
    assert listed(startedBy="me") == {alone["taskArn"]}
    with pytest.raises(ClientError) as error:
        listed(startedBy="me", family="listed")
    assert code(error)[0] == "InvalidParameterException"
    cluster = ecs.describe_clusters(clusters=["vast"])["clusters"][0]
    assert cluster["activeServicesCount"] == 1
    assert cluster["runningTasksCount"] + cluster["pendingTasksCount"] == 2
    ecs.stop_task(cluster="vast", task=alone["taskArn"])
    sandbox.remove("listed")


def test_pages_of_tasks(sandbox):
    """A page has 100 tasks, and none appears twice; tasks that end at once are listed as STOPPED."""
    arn = sandbox.define("", family="many", entryPoint=["/no/such"])
    made = {sandbox.run(arn)["taskArn"] for _ in range(103)}
    query = {"cluster": "vast", "family": "many", "desiredStatus": "STOPPED"}
    ecs = sandbox.ecs

    def pages():
        first = ecs.list_tasks(**query)
        if len(first["taskArns"]) < 100 or "nextToken" not in first:
            return None
        rest = ecs.list_tasks(**query, nextToken=first["nextToken"])
        return len(rest["taskArns"]) == 3 and (first["taskArns"], rest["taskArns"])

    first, rest = until(pages, 60)
    assert len(first) == 100 and set(first) | set(rest) == made
    assert len(ecs.list_tasks(**query, maxResults=7)["taskArns"]) == 7


def test_a_task_that_cannot_start_is_tried_more_and_more_seldom(sandbox):
    arn = sandbox.define("", family="broken", entryPoint=["/no/such"])
    sandbox.create("broken", arn)
    impaired = "(service broken) is unable to consistently start tasks successfully."
    until(lambda: any(text.startswith(impaired) for text in sandbox.messages("broken")))
    failed = sandbox.service("broken")["deployments"][0]["failedTasks"]
    assert failed >= 3
    # a new definition is tried at once
    sandbox.update("broken", taskDefinition=sandbox.define(SLEEP, family="broken"))
    sandbox.running("broken")
    assert sandbox.service("broken")["deployments"][0]["failedTasks"] == 0
    sandbox.remove("broken")


def test_no_capacity(sandbox):
    sandbox.fault("service:unplaced", "unplaced", count=2)
    sandbox.create("unplaced", sandbox.define(SLEEP, family="unplaced"))
    sandbox.running("unplaced")
    texts = [text for text in sandbox.messages("unplaced") if "unable to place" in text]
    assert texts == [
        "(service unplaced) was unable to place a task. Reason: Capacity is unavailable at this "
        "time. Please try again later or in a different availability zone. For more "
        "information, see the Troubleshooting section of the Amazon ECS Developer Guide."
    ]
    sandbox.remove("unplaced")


CLUSTER = {"Resources": {"Cluster": {"Type": "AWS::ECS::Cluster"}}}


def test_a_stack_keeps_a_cluster_that_is_in_use(sandbox):
    cfn, ecs = sandbox.client("cloudformation"), sandbox.ecs
    identity = cfn.create_stack(StackName="used", TemplateBody=json.dumps(CLUSTER))["StackId"]

    def settled(*states):
        stack = cfn.describe_stacks(StackName=identity)["Stacks"][0]
        return stack["StackStatus"] in states

    until(lambda: settled("CREATE_COMPLETE"))
    found = cfn.describe_stack_resource(StackName="used", LogicalResourceId="Cluster")
    cluster = found["StackResourceDetail"]["PhysicalResourceId"]
    definition = sandbox.define(STUBBORN, family="used", stopTimeout=5)
    request = {"taskDefinition": definition, "networkConfiguration": sandbox.network()}
    ecs.create_service(
        cluster=cluster, serviceName="x", desiredCount=1, launchType="FARGATE", **request
    )
    arns = until(lambda: ecs.list_tasks(cluster=cluster)["taskArns"])
    ecs.get_waiter("tasks_running").wait(
        cluster=cluster, tasks=arns, WaiterConfig={"Delay": 0.05, "MaxAttempts": 1200}
    )
    sandbox.pid({"taskArn": arns[0]})
    for words in ("Services are active", "Tasks are active"):
        cfn.delete_stack(StackName=identity)
        until(lambda: settled("DELETE_FAILED"))
        reasons = [
            event.get("ResourceStatusReason", "")
            for event in cfn.describe_stack_events(StackName=identity)["StackEvents"]
        ]
        assert any(words in reason for reason in reasons)
        if words.startswith("Services"):
            ecs.delete_service(cluster=cluster, service="x", force=True)
            ecs.get_waiter("services_inactive").wait(
                cluster=cluster, services=["x"], WaiterConfig={"Delay": 0.05, "MaxAttempts": 1200}
            )
    ecs.get_waiter("tasks_stopped").wait(
        cluster=cluster, tasks=arns, WaiterConfig={"Delay": 0.05, "MaxAttempts": 1200}
    )
    cfn.delete_stack(StackName=identity)
    until(lambda: settled("DELETE_COMPLETE"))
