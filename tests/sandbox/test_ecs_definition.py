# SPDX-License-Identifier: BSD-3-Clause
"""Definitions that ECS and Lambda refuse, through their APIs and through CloudFormation."""

import json

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError
from conftest import until
from ecs_support import Services, code


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory):
    server = Services(tmp_path_factory.mktemp("definition"))
    server.cluster()
    yield server
    server.end()


def container(**more) -> dict:
    return {"name": "x", "image": "x", "command": ["x"], **more}


def check(**more) -> dict:
    return container(healthCheck={"command": ["CMD", "true"], **more})


def register(sandbox, *containers, **more) -> dict:
    request = {"cpu": "256", "memory": "512", "networkMode": "awsvpc", **more}
    reply = sandbox.client("ecs").register_task_definition(
        family="x",
        requiresCompatibilities=["FARGATE"],
        containerDefinitions=list(containers),
        **request,
    )
    return reply["taskDefinition"]


def test_defaults(sandbox):
    made = register(sandbox, check(), ephemeralStorage={"sizeInGiB": 21})
    assert made["containerDefinitions"][0]["healthCheck"] == {
        "command": ["CMD", "true"],
        "interval": 30,
        "timeout": 5,
        "retries": 3,
    }
    assert made["ephemeralStorage"] == {"sizeInGiB": 21}


BAD = {
    "interval 4": ([check(interval=4)], {}),
    "interval 301": ([check(interval=301)], {}),
    "timeout 1": ([check(timeout=1)], {}),
    "timeout 61": ([check(timeout=61)], {}),
    "retries 0": ([check(retries=0)], {}),
    "retries 11": ([check(retries=11)], {}),
    "startPeriod 301": ([check(startPeriod=301)], {}),
    "startPeriod -1": ([check(startPeriod=-1)], {}),
    "no kind of command": ([check(command=["true", "x"])], {}),
    "no command": ([check(command=["CMD"])], {}),
    "stopTimeout 121": ([container(stopTimeout=121)], {}),
    "storage 20": ([container()], {"ephemeralStorage": {"sizeInGiB": 20}}),
    "storage 201": ([container()], {"ephemeralStorage": {"sizeInGiB": 201}}),
    "a size that is none": ([container()], {"cpu": "256", "memory": "4096"}),
    "two of one name": ([container(), container()], {}),
    "nothing essential": ([container(essential=False)], {}),
    "ulimit": ([container(ulimits=[{"name": "nofile", "softLimit": 2, "hardLimit": 1}])], {}),
}


@pytest.mark.parametrize("what", BAD)
def test_refused(sandbox, what):
    containers, more = BAD[what]
    with pytest.raises(ClientError) as error:
        register(sandbox, *containers, **more)
    assert code(error)[0] == "ClientException"


def test_limits_and_storage_arrive(sandbox):
    limits = [{"name": "nofile", "softLimit": 77, "hardLimit": 99}]
    arn = sandbox.define("ulimit -n; ulimit -Hn", family="limits", ulimits=limits)
    task = sandbox.arrives(sandbox.run(arn), "STOPPED")
    assert sandbox.lines(task) == ["77", "99"]
    assert task["ephemeralStorage"] == {"sizeInGiB": 20}


TEMPLATE = {
    "Parameters": {"Size": {"Type": "Number"}, "Start": {"Type": "Number"}},
    "Resources": {
        "Task": {
            "Type": "AWS::ECS::TaskDefinition",
            "Properties": {
                "Cpu": "256",
                "Memory": "512",
                "NetworkMode": "awsvpc",
                "RequiresCompatibilities": ["FARGATE"],
                "EphemeralStorage": {"SizeInGiB": {"Ref": "Size"}},
                "ContainerDefinitions": [
                    {
                        "Name": "vast-server",
                        "Image": "x",
                        "Command": ["x"],
                        "Environment": [{"Name": "A", "Value": "b"}],
                        "Ulimits": [{"Name": "nofile", "SoftLimit": 1, "HardLimit": 2}],
                        "HealthCheck": {
                            "Command": ["CMD", "/vast-lambda-runtime", "--probe"],
                            "Interval": 10,
                            "StartPeriod": {"Ref": "Start"},
                        },
                    }
                ],
            },
        }
    },
    "Outputs": {"Arn": {"Value": {"Ref": "Task"}}},
}


def deploy(sandbox, size, start):
    """(status of the stack, its description, the reasons of its events)"""
    cfn = sandbox.client("cloudformation")
    parameters = {"Size": str(size), "Start": str(start)}
    identity = cfn.create_stack(
        StackName=f"s{size}-{start}",
        TemplateBody=json.dumps(TEMPLATE),
        Parameters=[{"ParameterKey": k, "ParameterValue": v} for k, v in parameters.items()],
    )["StackId"]

    def settled():
        stack = cfn.describe_stacks(StackName=identity)["Stacks"][0]
        return not stack["StackStatus"].endswith("_IN_PROGRESS") and stack

    stack = until(settled)
    events = cfn.describe_stack_events(StackName=identity)["StackEvents"]
    return stack, " ".join(event.get("ResourceStatusReason", "") for event in events)


def test_by_cloudformation(sandbox):
    stack, _ = deploy(sandbox, 200, 300)
    assert stack["StackStatus"] == "CREATE_COMPLETE"
    arn = stack["Outputs"][0]["OutputValue"]
    made = sandbox.client("ecs").describe_task_definition(taskDefinition=arn)["taskDefinition"]
    assert made["ephemeralStorage"] == {"sizeInGiB": 200}
    (container,) = made["containerDefinitions"]
    assert container["environment"] == [{"name": "A", "value": "b"}]
    assert container["ulimits"] == [{"name": "nofile", "softLimit": 1, "hardLimit": 2}]
    assert container["healthCheck"] == {
        "command": ["CMD", "/vast-lambda-runtime", "--probe"],
        "interval": 10,
        "timeout": 5,
        "retries": 3,
        "startPeriod": 300,
    }


@pytest.mark.parametrize("size, start, words", [(20, 0, "sizeInGiB"), (21, 301, "startPeriod")])
def test_refused_by_cloudformation(sandbox, size, start, words):
    stack, reasons = deploy(sandbox, size, start)
    assert stack["StackStatus"] == "ROLLBACK_COMPLETE"
    assert words in reasons


def test_a_functions_own_storage(sandbox):
    """Sizes that the service refuses; botocore's own check is disabled."""
    client = boto3.client(
        "lambda",
        endpoint_url=sandbox.endpoint,
        region_name="eu-west-1",
        aws_access_key_id=sandbox.facts["access_key"],
        aws_secret_access_key=sandbox.facts["secret_key"],
        config=Config(parameter_validation=False),
    )
    for size, relation in ((511, "greater"), (10241, "less")):
        with pytest.raises(ClientError) as error:
            client.create_function(
                FunctionName="f",
                Role="arn:aws:iam::123456789012:role/x",
                PackageType="Image",
                Code={"ImageUri": "x"},
                EphemeralStorage={"Size": size},
            )
        assert code(error)[0] == "ValidationException"
        assert f"{relation} than or equal to" in code(error)[1]
