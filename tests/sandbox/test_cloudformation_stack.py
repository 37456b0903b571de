# SPDX-License-Identifier: BSD-3-Clause
"""CloudFormation through boto3: the life of a whole stack."""

import contextlib
import json

import pytest
from botocore.exceptions import ClientError
from cloudformation_support import Deployment, resource, template

NUMBERS = iter(range(60, 250))


@pytest.fixture
def deployment(sandbox, request):
    """A stack that is deleted after the test, whether the test succeeds or fails."""
    name = "vast-" + request.node.name.replace("_", "-")[:40].strip("-")
    made = Deployment(sandbox, name, next(NUMBERS))
    yield made
    try:
        made.describe()
    except ClientError:
        return
    with contextlib.suppress(ClientError):  # the stack may have no function
        made.release_function()
    made.cfn.update_termination_protection(
        StackName=name, EnableTerminationProtection=False
    )
    assert made.delete()["StackStatus"] == "DELETE_COMPLETE"


def code_of(call, **arguments):
    """(code, message) of the error with which a call must fail."""
    with pytest.raises(ClientError) as caught:
        call(**arguments)
    error = caught.value.response["Error"]
    return error["Code"], error["Message"]


def test_everything_arrives(sandbox, deployment):
    stack = deployment.apply("CREATE")
    assert stack["StackStatus"] == "CREATE_COMPLETE"
    outputs = deployment.outputs()
    assert set(outputs) == set(deployment.template["Outputs"])
    ecs = sandbox.client("ecs")
    task = ecs.describe_task_definition(
        taskDefinition=outputs["TaskDefinitionArn"], include=["TAGS"]
    )
    check_task(task["taskDefinition"], task["tags"], outputs, deployment)
    function = sandbox.client("lambda").get_function(
        FunctionName=outputs["FunctionName"]
    )
    check_function(function, deployment)
    subnet = deployment.ec2.describe_subnets(SubnetIds=[outputs["PrivateSubnetId"]])
    tags = {t["Key"]: t["Value"] for t in subnet["Subnets"][0]["Tags"]}
    assert tags["vastfs:stage"] == "test"
    assert tags["aws:cloudformation:logical-id"] == "PrivateSubnet"
    assert tags["aws:cloudformation:stack-name"] == deployment.name
    # mount target and function have one address each
    assert subnet["Subnets"][0]["AvailableIpAddressCount"] == 128 - 5 - 2


def check_task(definition, tags, outputs, deployment):
    assert definition["networkMode"] == "awsvpc"
    assert (definition["cpu"], definition["memory"]) == ("2048", "4096")
    assert definition["requiresCompatibilities"] == ["FARGATE"]
    assert definition["executionRoleArn"] == definition["taskRoleArn"]
    container = definition["containerDefinitions"][0]
    assert container["stopTimeout"] == 120
    assert container["command"] == ["exec vast start"]
    assert container["dockerLabels"] == {"Some.Label": "kept"}
    options = container["logConfiguration"]["options"]
    assert options["awslogs-group"] == deployment.physical("ServerLogs")
    volume = definition["volumes"][0]["efsVolumeConfiguration"]
    assert volume["fileSystemId"] == deployment.parameters["FileSystemId"]
    assert volume["transitEncryption"] == "ENABLED"
    assert volume["authorizationConfig"] == {
        "accessPointId": outputs["AccessPointId"],
        "iam": "ENABLED",
    }
    assert {"key": "vastfs:stage", "value": "test"} in tags


def check_function(function, deployment):
    configuration = function["Configuration"]
    assert configuration["PackageType"] == "Image"
    assert configuration["Architectures"] == ["x86_64"]
    assert configuration["MemorySize"] == 2048
    assert configuration["LoggingConfig"]["LogGroup"] == deployment.physical(
        "LambdaLogs"
    )
    image = configuration["ImageConfigResponse"]["ImageConfig"]
    assert image["EntryPoint"] == ["/run"]
    assert configuration["VpcConfig"]["VpcId"] == deployment.parameters["VpcId"]
    assert configuration["State"] == "Active"
    assert configuration["LastUpdateStatus"] == "Successful"
    assert function["Tags"]["vastfs:stage"] == "test"


def test_events_and_template(deployment):
    deployment.apply("CREATE")
    events = deployment.events()
    assert events[0] == (deployment.name, "REVIEW_IN_PROGRESS", "User Initiated")
    assert events[-1] == (deployment.name, "CREATE_COMPLETE", None)
    assert deployment.events("Cluster") == [
        ("Cluster", "CREATE_IN_PROGRESS", None),
        ("Cluster", "CREATE_IN_PROGRESS", "Resource creation Initiated"),
        ("Cluster", "CREATE_COMPLETE", None),
    ]
    order = [name for name, status, _ in events if status == "CREATE_COMPLETE"]
    assert order.index("PublicRoute") < order.index("Nat") < order.index("PrivateRoute")
    summary = deployment.cfn.get_template_summary(StackName=deployment.name)
    assert json.loads(summary["Metadata"])["vastfs"]["TemplateVersion"] == 3
    body = deployment.cfn.get_template(StackName=deployment.name)["TemplateBody"]
    assert body == deployment.template


def test_parameters_only(deployment):
    deployment.apply("CREATE")
    deployment.parameters["LambdaMemory"] = "1024"
    deployment.parameters["ServerMemory"] = "8192"
    change_set = deployment.change_set()
    changes = {
        c["ResourceChange"]["LogicalResourceId"]: c["ResourceChange"]
        for c in change_set["Changes"]
    }
    assert set(changes) == {"Function", "Task"}
    assert changes["Function"]["Replacement"] == "False"
    assert changes["Task"]["Replacement"] == "True"
    assert changes["Function"]["Scope"] == ["Properties"]
    detail = changes["Function"]["Details"][0]
    assert detail["ChangeSource"] == "ParameterReference"
    assert detail["CausingEntity"] == "LambdaMemory"
    before = deployment.outputs()
    deployment.cfn.execute_change_set(ChangeSetName=change_set["ChangeSetId"])
    assert deployment.settled()["StackStatus"] == "UPDATE_COMPLETE"
    after = deployment.outputs()
    assert after["TaskDefinitionArn"] != before["TaskDefinitionArn"]
    assert after["FunctionName"] == before["FunctionName"]
    again = deployment.change_set()
    assert (again["Status"], again["ExecutionStatus"]) == ("FAILED", "UNAVAILABLE")
    assert again["StatusReason"] == (
        "The submitted information didn't contain changes. Submit different "
        "information to create a change set."
    )


def test_a_condition_adds_and_removes(deployment):
    deployment.parameters["Storage"] = "ephemeral"
    deployment.apply("CREATE")
    assert "AccessPointId" not in deployment.outputs()
    deployment.parameters["Storage"] = "efs"
    assert deployment.apply()["StackStatus"] == "UPDATE_COMPLETE"
    assert "AccessPointId" in deployment.outputs()
    deployment.parameters["Storage"] = "ephemeral"
    assert deployment.apply()["StackStatus"] == "UPDATE_COMPLETE"
    assert deployment.events("AccessPoint")[-1][1] == "DELETE_COMPLETE"
    deployment.parameters["ServerMemory"] = "8192"
    deployment.apply()
    page = deployment.cfn.describe_stack_events(StackName=deployment.name)
    assert len(page["StackEvents"]) == 100 and page["NextToken"]
    ids = [event["LogicalResourceId"] for event in page["StackEvents"]]
    assert ids[0] == deployment.name and len(deployment.events()) > 100


def test_create_rolls_back(sandbox, deployment):
    sandbox.fault("resource:Task", "create_failed", reason="no such luck")
    stack = deployment.apply("CREATE")
    assert stack["StackStatus"] == "ROLLBACK_COMPLETE"
    assert ("Task", "CREATE_FAILED", "no such luck") in deployment.events()
    code, message = code_of(deployment.change_set, wait=False)
    assert code == "ValidationError"
    assert message.endswith("is in ROLLBACK_COMPLETE state and can not be updated.")
    subnets = deployment.ec2.describe_subnets(
        Filters=[
            {"Name": "cidr-block", "Values": [deployment.parameters["PublicCidr"]]}
        ]
    )
    assert not subnets["Subnets"]


def test_a_role_that_is_too_new(sandbox, deployment):
    sandbox.fault("lambda", "role_not_assumable")
    assert deployment.apply("CREATE")["StackStatus"] == "ROLLBACK_COMPLETE"
    reasons = [r for _, status, r in deployment.events("Function") if r]
    assert any("cannot be assumed by Lambda" in reason for reason in reasons)


def test_update_rolls_back(sandbox, deployment):
    deployment.apply("CREATE")
    before = deployment.outputs()
    sandbox.fault("resource:AWS::Lambda::Function", "update_failed", reason="no")
    deployment.parameters["LambdaMemory"] = "512"
    deployment.parameters["ServerCpu"] = "1024"
    stack = deployment.apply()
    assert stack["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
    assert deployment.outputs() == before
    function = sandbox.client("lambda").get_function_configuration(
        FunctionName=before["FunctionName"]
    )
    assert function["MemorySize"] == 2048
    parameters = {p["ParameterKey"]: p["ParameterValue"] for p in stack["Parameters"]}
    assert parameters["LambdaMemory"] == "2048"
    assert deployment.apply()["StackStatus"] == "UPDATE_COMPLETE"


def test_a_subnet_cannot_move(deployment):
    """The replacement is created first, so its CIDR overlaps with the old one."""
    deployment.apply("CREATE")
    base = deployment.parameters["PrivateCidr"].rpartition("/")[0]
    deployment.parameters["PrivateCidr"] = f"{base}/26"
    changes = {
        c["ResourceChange"]["LogicalResourceId"]: c["ResourceChange"]["Replacement"]
        for c in deployment.change_set()["Changes"]
    }
    assert changes["PrivateSubnet"] == "True"
    assert changes["MountTarget"] == "Conditional"
    assert deployment.apply()["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
    reasons = [r for _, status, r in deployment.events() if status == "UPDATE_FAILED"]
    assert any("conflicts with another subnet" in reason for reason in reasons)


def test_the_function_holds_the_network(sandbox, deployment):
    deployment.apply("CREATE")
    stack = deployment.delete()
    assert stack["StackStatus"] == "DELETE_FAILED"
    failed = {n for n, status, _ in deployment.events() if status == "DELETE_FAILED"}
    assert failed == {"PrivateSubnet", "LambdaGroup", deployment.name}
    code, message = code_of(deployment.change_set, wait=False)
    assert "DELETE_FAILED state and can not be updated" in message
    assert list(deployment.interfaces().values()) == ["available"]
    deployment.free_interfaces()
    assert deployment.delete()["StackStatus"] == "DELETE_COMPLETE"
    assert code_of(deployment.describe)[0] == "ValidationError"


def test_a_released_function_lets_go(deployment):
    deployment.apply("CREATE")
    deployment.release_function()
    assert deployment.delete()["StackStatus"] == "DELETE_COMPLETE"
    gateways = deployment.ec2.describe_nat_gateways(
        Filters=[{"Name": "state", "Values": ["available", "pending"]}]
    )
    assert not gateways["NatGateways"]
    assert not deployment.ec2.describe_addresses()["Addresses"]


def test_termination_protection(deployment):
    deployment.apply("CREATE")
    deployment.cfn.update_termination_protection(
        StackName=deployment.name, EnableTerminationProtection=True
    )
    assert deployment.describe()["EnableTerminationProtection"]
    code, message = code_of(deployment.cfn.delete_stack, StackName=deployment.name)
    assert code == "ValidationError"
    assert "TerminationProtection is enabled" in message


def test_change_sets_that_are_not_there(deployment):
    deployment.template["Resources"] = {
        "Logs": {"Type": "AWS::Logs::LogGroup"},
    }
    deployment.template["Outputs"] = {}
    made = deployment.change_set("CREATE")
    assert deployment.describe()["StackStatus"] == "REVIEW_IN_PROGRESS"
    cfn = deployment.cfn
    token = {"ClientRequestToken": "once"}
    cfn.execute_change_set(ChangeSetName=made["ChangeSetId"], **token)
    cfn.execute_change_set(ChangeSetName=made["ChangeSetId"], **token)
    code, _ = code_of(cfn.execute_change_set, ChangeSetName=made["ChangeSetId"])
    assert code == "InvalidChangeSetStatus"
    deployment.settled()
    stages = [status for _, status, _ in deployment.events(deployment.name)]
    assert stages.count("CREATE_IN_PROGRESS") == 1
    unknown = {"ChangeSetName": "nothing", "StackName": deployment.name}
    assert code_of(cfn.describe_change_set, **unknown)[0] == "ChangeSetNotFound"
    cfn.delete_change_set(**unknown)
    code, message = code_of(deployment.change_set, kind="CREATE", wait=False)
    assert "already exists and cannot be created again" in message


BAD = {
    "Unresolved resource dependencies [Nobody]": {
        "A": resource("EC2::RouteTable", {"VpcId": {"Ref": "Nobody"}}),
    },
    "Unrecognized resource types: [AWS::No::Thing]": {"A": {"Type": "AWS::No::Thing"}},
    "Circular dependency": {
        "A": {"Type": "AWS::Logs::LogGroup", "DependsOn": "B"},
        "B": {"Type": "AWS::Logs::LogGroup", "DependsOn": "A"},
    },
}


@pytest.mark.parametrize("words", sorted(BAD))
def test_bad_templates(sandbox, words):
    cfn = sandbox.client("cloudformation")
    body = json.dumps({"Resources": BAD[words]})
    code, message = code_of(
        cfn.create_change_set,
        StackName="bad",
        ChangeSetName="c",
        ChangeSetType="CREATE",
        TemplateBody=body,
    )
    assert (code, words in message) == ("ValidationError", True)
    assert code_of(cfn.describe_stacks, StackName="bad")[0] == "ValidationError"


def test_parameters_and_capabilities_are_checked(sandbox):
    cfn = sandbox.client("cloudformation")
    arguments = {
        "StackName": "bad",
        "ChangeSetName": "c",
        "ChangeSetType": "CREATE",
        "TemplateBody": json.dumps(template()),
    }
    code, message = code_of(cfn.create_change_set, **arguments)
    assert code == "InsufficientCapabilitiesException"
    assert message == "Requires capabilities : [CAPABILITY_IAM]"
    arguments["Capabilities"] = ["CAPABILITY_IAM"]
    code, message = code_of(cfn.create_change_set, **arguments)
    assert message.startswith("Parameters: [AvailabilityZone, FileSystemId")
    assert message.endswith("must have values")


def test_a_missing_service_linked_role(sandbox, deployment):
    sandbox.fault("ecs", "service_linked_role_missing", count=0)
    assert deployment.apply("CREATE")["StackStatus"] == "ROLLBACK_COMPLETE"
    reasons = [reason for _, _, reason in deployment.events("Cluster") if reason]
    assert any("service linked role" in reason for reason in reasons)
    assert deployment.delete()["StackStatus"] == "DELETE_COMPLETE"
    iam = sandbox.client("iam")
    iam.create_service_linked_role(AWSServiceName="ecs.amazonaws.com")
    code, message = code_of(
        iam.create_service_linked_role, AWSServiceName="ecs.amazonaws.com"
    )
    assert code == "InvalidInput" and "has been taken" in message
    assert deployment.apply("CREATE")["StackStatus"] == "CREATE_COMPLETE"
