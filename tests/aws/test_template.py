# SPDX-License-Identifier: BSD-3-Clause
"""The CloudFormation template, held against what AWS forbids or punishes. Needs cfn-lint (1.58.0) beside pytest.

Nothing here talks to AWS or to an emulator.
"""
import json
import os
import re
import subprocess
import sys

import pytest
from cfnlint.schema.manager import PROVIDER_SCHEMA_MANAGER

STACK = os.path.join(os.path.dirname(__file__), "../../src/stack")
PATH = os.path.join(STACK, "template.json")
TEXT = open(PATH, encoding="utf-8").read()
TEMPLATE = json.loads(TEXT)
RESOURCES = TEMPLATE["Resources"]
PARAMETERS = TEMPLATE["Parameters"]

LINT = "import sys; from cfnlint.runner.cli import main; sys.exit(main())"

# Properties that would give a resource a name of its own.
NAMES = {"RoleName", "FunctionName", "ClusterName", "GroupName", "LogGroupName", "PolicyName", "TopicName"}


def walk(node, path=()):
    """Every (path, value) below node, itself included."""
    yield path, node
    children = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    for key, value in children:
        yield from walk(value, path + (key,))


def references(node):
    """Names that Ref, Fn::GetAtt and Fn::Sub mention."""
    for path, value in walk(node):
        last = path[-1] if path else None
        if last == "Ref":
            yield value
        elif last == "Fn::GetAtt":
            yield value[0]
        elif last == "Fn::Sub":
            yield from re.findall(r"\$\{([^.}]+)", value)


def of_type(kind):
    return {name: r for name, r in RESOURCES.items() if r["Type"] == kind}


def schema_of(name):
    """The CloudFormation registry's schema of a resource's type, as cfn-lint holds it."""
    return PROVIDER_SCHEMA_MANAGER.get_resource_schema("us-east-1", RESOURCES[name]["Type"]).schema


def statements(role):
    properties = RESOURCES[role]["Properties"]
    for policy in properties.get("Policies", [properties]):
        yield from policy["PolicyDocument"]["Statement"]


def test_cfn_lint_has_nothing_to_say():
    done = subprocess.run([sys.executable, "-c", LINT, "--include-checks", "I", "--template", PATH],
                          capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout + done.stderr) == (0, "")


def test_it_fits_into_a_request():
    assert len(TEXT.encode()) < 51200


def test_it_is_plain_text():
    assert TEXT.isascii()
    assert "\t" not in TEXT and "\r" not in TEXT and TEXT.endswith("}\n")


def test_version_is_told_twice_alike():
    version = TEMPLATE["Metadata"]["vastfs"]["TemplateVersion"]
    assert isinstance(version, int) and version >= 1
    assert TEMPLATE["Outputs"]["TemplateVersion"]["Value"] == str(version)


def test_parameters_are_those_agreed_on():
    assert set(PARAMETERS) == set(
        "VpcId InternetGatewayId AvailabilityZone PublicCidr PrivateCidr Stage ImageUri BaseImage Architecture ServerCommand ServerEnvironment ServerPort "
        "ServerDataDir ServerCpu ServerMemory ServerDiskSize Storage FileSystemId LambdaMemory LambdaTimeout LambdaTmpSize RolePolicies".split())


@pytest.mark.parametrize("name", PARAMETERS)
def test_parameter_has_no_default_and_is_used(name):
    assert "Default" not in PARAMETERS[name]
    assert "NoEcho" not in PARAMETERS[name]
    assert PARAMETERS[name]["Description"]
    # BaseImage is said again in the outputs and changes nothing by itself
    assert name in set(references([RESOURCES, TEMPLATE["Conditions"], TEMPLATE["Outputs"]]))


def test_patterns_accept_what_vastfs_sends():
    sent = {"PublicCidr": "10.0.1.16/28", "PrivateCidr": "172.31.0.0/17", "Stage": "a-1", "InternetGatewayId": "igw-0123abc",
            "ServerDataDir": "/var/lib/vast", "FileSystemId": "fs-0123abc", "ServerEnvironment": "A=1,_b2=x=y z,C="}
    for name, value in sent.items():
        assert re.search(PARAMETERS[name]["AllowedPattern"], value), name
    for name in ("FileSystemId", "ServerEnvironment"):
        assert re.search(PARAMETERS[name]["AllowedPattern"], ""), name
    for value in ("", "arn:aws:iam::aws:policy/A", "arn:aws-cn:iam::123456789012:policy/a/B,arn:aws-cn:iam::aws:policy/C"):
        assert re.search(PARAMETERS["RolePolicies"]["AllowedPattern"], value), value
    for value in ("A", "arn:aws:iam::aws:policy/A,", "arn:aws:iam::aws:policy/A, B"):
        assert not re.search(PARAMETERS["RolePolicies"]["AllowedPattern"], value), value


def test_only_functions_that_the_forecast_knows():
    used = {path[-1] for path, _ in walk(RESOURCES) if path and str(path[-1]).startswith("Fn::")}
    assert used <= {"Fn::GetAtt", "Fn::If", "Fn::Split", "Fn::Sub"}
    for path, value in walk(RESOURCES):
        if path and path[-1] == "Fn::Sub":
            for name in re.findall(r"\$\{([^}]+)\}", value):
                assert name in PARAMETERS or name in RESOURCES or name.startswith("AWS::"), (path, name)
        elif path and path[-1] == "Fn::Split":
            assert references(value) and value[0] == ","
    assert all(list(condition) == ["Fn::Equals"] for condition in TEMPLATE["Conditions"].values())


@pytest.mark.parametrize("name", RESOURCES)
def test_what_can_be_tagged_is(name):
    tags = [key for key in schema_of(name)["properties"] if key in ("Tags", "AccessPointTags")]
    assert bool(tags) == schema_of(name).get("tagging", {"taggable": False})["taggable"]
    for key in tags:
        assert RESOURCES[name]["Properties"][key] == [{"Key": "vastfs:stage", "Value": {"Ref": "Stage"}}]


@pytest.mark.parametrize("name", RESOURCES)
def test_forecast_knows_which_changes_replace(name):
    """The table in resolve.c against the registry, both ways."""
    kind = RESOURCES[name]["Type"]
    source = open(os.path.join(STACK, "resolve.c"), encoding="utf-8").read()
    rows = set(re.findall(r'\{"(AWS::[A-Za-z0-9:]+)", "([A-Za-z*]+)"\}', source))
    fixed = {path.split("/")[2] for path in schema_of(name).get("createOnlyProperties", [])}
    for key in RESOURCES[name]["Properties"]:
        known = (kind, key) in rows or ((kind, "*") in rows and key != "Tags")
        assert known == (key in fixed), key


@pytest.mark.parametrize("name", RESOURCES)
def test_nothing_has_a_name_of_its_own(name):
    for key, value in RESOURCES[name]["Properties"].items():
        inside = RESOURCES[name]["Type"] == "AWS::IAM::Policy"  # a role's: unique there
        assert key not in NAMES or isinstance(value, dict) or inside, f"{key}: {value}"


def test_no_partition_region_or_account_is_written_out():
    for path, value in walk(TEMPLATE):
        if isinstance(value, str) and path[-1] != "AllowedPattern":
            assert not re.search(r"arn:aws|(us|eu|ap|cn)-[a-z]+-[0-9]|\b[0-9]{12}\b", value), (path, value)


def test_no_transforms_no_exports_no_reserved_concurrency():
    assert "Transform" not in TEMPLATE
    assert not any("Export" in output for output in TEMPLATE["Outputs"].values())
    assert "ReservedConcurrentExecutions" not in TEXT


def test_nat_gateway_waits_for_the_way_out():
    (nat,) = of_type("AWS::EC2::NatGateway").values()
    assert sorted(nat["DependsOn"]) == ["PublicRoute", "PublicRouteTableAssociation"]


def test_function_does_not_wait_for_the_nat_gateway():
    def needs(name, seen):
        if name in RESOURCES and name not in seen:
            seen.add(name)
            depends = RESOURCES[name].get("DependsOn", [])
            for other in [*references(RESOURCES[name]["Properties"]), *([depends] if isinstance(depends, str) else depends)]:
                needs(other, seen)
        return seen
    assert needs("Function", set()) == {"Function", "LambdaRole", "LambdaLogGroup", "LambdaSecurityGroup", "PrivateSubnet"}


def test_subnets_lie_in_one_zone():
    for subnet in of_type("AWS::EC2::Subnet").values():
        assert subnet["Properties"]["AvailabilityZone"] == {"Ref": "AvailabilityZone"}
        assert subnet["Properties"]["MapPublicIpOnLaunch"] is False


def test_s3_does_not_pass_the_nat_gateway():
    (endpoint,) = of_type("AWS::EC2::VPCEndpoint").values()
    assert endpoint["Properties"]["VpcEndpointType"] == "Gateway"
    assert endpoint["Properties"]["RouteTableIds"] == [{"Ref": "PrivateRouteTable"}]


def test_security_groups_let_in_no_more_than_needed():
    ingress = {name: r["Properties"].get("SecurityGroupIngress", []) for name, r in of_type("AWS::EC2::SecurityGroup").items()}
    assert ingress["LambdaSecurityGroup"] == []
    (server,) = ingress["ServerSecurityGroup"]
    assert server["CidrIp"] == {"Ref": "PrivateCidr"} and server["FromPort"] == server["ToPort"] == {"Ref": "ServerPort"}
    (storage,) = ingress["StorageSecurityGroup"]
    assert storage["SourceSecurityGroupId"] == {"Fn::GetAtt": ["ServerSecurityGroup", "GroupId"]}
    assert storage["FromPort"] == storage["ToPort"] == 2049
    assert set(ingress) == {"LambdaSecurityGroup", "ServerSecurityGroup", "StorageSecurityGroup"}


def test_storage_exists_only_with_efs():
    resources = {name for name, r in RESOURCES.items() if r.get("Condition") == "IsEfs"}
    assert resources == {"MountTarget", "AccessPoint", "StorageSecurityGroup", "StoragePolicy"}
    outputs = {name for name, o in TEMPLATE["Outputs"].items() if o.get("Condition") == "IsEfs"}
    assert outputs == {"FileSystemId", "MountTargetId", "AccessPointId"}


def test_server_may_use_its_storage_before_it_starts():
    """Not by DependsOn: AWS documents that what depends on a resource that a condition leaves out is left out, too."""
    policy = RESOURCES["StoragePolicy"]["Properties"]
    assert policy["Roles"] == [{"Ref": "TaskRole"}]
    assert {"Ref": "StoragePolicy"} in [value for _, value in walk(RESOURCES["TaskDefinition"]["Metadata"])]
    conditional = {name for name, r in RESOURCES.items() if "Condition" in r}
    assert not any(conditional & set(r.get("DependsOn", [])) for r in RESOURCES.values())


def test_policies_of_one_role_have_names_of_their_own():
    """An older template had a policy "storage" inside the role: the same name would lose it when an update rolls back."""
    inside = {policy["PolicyName"] for policy in RESOURCES["TaskRole"]["Properties"]["Policies"]}
    assert RESOURCES["StoragePolicy"]["Properties"]["PolicyName"] not in inside | {"storage"}


def test_no_element_of_a_list_is_conditional():
    """Emulators compute an Fn::If in a property, but not one in the middle of a list."""
    for path, _ in walk(RESOURCES):
        assert not (len(path) > 1 and path[-1] == "Fn::If" and isinstance(path[-2], int)), path


def test_server_s_container():
    task = RESOURCES["TaskDefinition"]["Properties"]
    (container,) = task["ContainerDefinitions"]
    assert container["Name"] == "vast-server"
    begin, end = ["/vast-lambda-runtime", "serve", {"Fn::Sub": "--environment=${ServerEnvironment}"}], ["--"]
    lock = {"Fn::Sub": "--lock=${ServerDataDir}/.vastfs-server.lock"}
    assert container["EntryPoint"]["Fn::If"] == ["IsEfs", [*begin, lock, *end], [*begin, *end]]
    assert container["Command"] == [{"Ref": "ServerCommand"}], "one argument, whatever is in it"
    assert container["StopTimeout"] == 120
    assert "LinuxParameters" not in container
    volumes = task["Volumes"]["Fn::If"][1]
    efs = volumes[0]["EFSVolumeConfiguration"]
    assert efs["TransitEncryption"] == "ENABLED" and "RootDirectory" not in efs
    assert efs["AuthorizationConfig"] == {"AccessPointId": {"Ref": "AccessPoint"}, "IAM": "ENABLED"}
    mount = container["MountPoints"]["Fn::If"][1][0]
    assert mount["SourceVolume"] == volumes[0]["Name"] and mount["ContainerPath"] == {"Ref": "ServerDataDir"}


def test_health_check_leaves_time_for_the_lock_and_the_database():
    """An old server that is stopping may hold the lock for 120 s, a lost one for its lease of 90 s, and a database may
    take minutes to open: ECS replaces a server that it finds unhealthy."""
    (container,) = RESOURCES["TaskDefinition"]["Properties"]["ContainerDefinitions"]
    check = container["HealthCheck"]
    assert check["Command"] == ["CMD", "/vast-lambda-runtime", "probe", {"Ref": "ServerPort"}]
    assert check["StartPeriod"] + check["Retries"] * check["Interval"] >= 120 + 90 + 240
    # what ECS accepts; the probe itself gives up after 2 s
    assert 5 <= check["Interval"] <= 300 and 2 < check["Timeout"] <= 60
    assert 1 <= check["Retries"] <= 10 and check["StartPeriod"] <= 300


def test_disks():
    task, function = RESOURCES["TaskDefinition"]["Properties"], RESOURCES["Function"]["Properties"]
    assert task["EphemeralStorage"]["Fn::If"] == ["HasFargateDisk", {"Ref": "AWS::NoValue"}, {"SizeInGiB": {"Ref": "ServerDiskSize"}}]
    assert function["EphemeralStorage"] == {"Size": {"Ref": "LambdaTmpSize"}}


def test_server_and_function_run_the_same_image():
    (container,) = RESOURCES["TaskDefinition"]["Properties"]["ContainerDefinitions"]
    function = RESOURCES["Function"]["Properties"]
    assert container["Image"] == function["Code"]["ImageUri"] == {"Ref": "ImageUri"}
    assert "ImageConfig" not in function, "the image brings the entry point that Lambda needs"


def test_queries_are_never_repeated():
    (config,) = of_type("AWS::Lambda::EventInvokeConfig").values()
    assert config["Properties"]["MaximumRetryAttempts"] == 0


def test_logs_are_kept_thirty_days_and_go_with_the_stack():
    groups = of_type("AWS::Logs::LogGroup")
    assert set(groups) == {"ServerLogGroup", "LambdaLogGroup"}
    for group in groups.values():
        assert group["Properties"]["RetentionInDays"] == 30
        assert group["DeletionPolicy"] == group["UpdateReplacePolicy"] == "Delete"
    assert RESOURCES["Function"]["Properties"]["LoggingConfig"]["LogGroup"] == {"Ref": "LambdaLogGroup"}


def test_roles_have_only_the_user_s_managed_policies_and_no_wildcard_action():
    assert not of_type("AWS::IAM::ManagedPolicy")
    chosen = {"Fn::If": ["HasNoRolePolicies", {"Ref": "AWS::NoValue"}, {"Fn::Split": [",", {"Ref": "RolePolicies"}]}]}
    for name, role in of_type("AWS::IAM::Role").items():
        assert role["Properties"].get("ManagedPolicyArns") == (None if name == "ExecutionRole" else chosen)
    for name in [*of_type("AWS::IAM::Role"), *of_type("AWS::IAM::Policy")]:
        for statement in statements(name):
            actions = statement["Action"] if isinstance(statement["Action"], list) else [statement["Action"]]
            assert not any("*" in action for action in actions)
            assert "logs:CreateLogGroup" not in actions


def test_a_query_s_own_commands_cannot_touch_network_interfaces():
    allow = [s for s in statements("LambdaRole") if "ec2:CreateNetworkInterface" in s["Action"] and s["Effect"] == "Allow"]
    deny = [s for s in statements("LambdaRole") if s["Effect"] == "Deny"]
    assert [s["Action"] for s in allow] == [s["Action"] for s in deny]
    assert "lambda:SourceFunctionArn" in deny[0]["Condition"]["ArnLike"]


def test_outputs_are_those_agreed_on():
    assert set(TEMPLATE["Outputs"]) == set(
        "TemplateVersion VpcId PrivateSubnetId PublicSubnetId NatGatewayId PublicIp ServerSecurityGroupId LambdaSecurityGroupId "
        "ClusterArn ClusterName TaskDefinitionArn TaskFamily FunctionName FunctionArn ServerLogGroup LambdaLogGroup FileSystemId "
        "MountTargetId AccessPointId BaseImage".split())
