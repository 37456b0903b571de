# SPDX-License-Identifier: BSD-3-Clause
"""A template with every resource type that a server stack needs, as data."""

import json
import uuid

from conftest import until
from registry_support import Registry, tar

ASSUME = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Principal": {
                "Service": ["ecs-tasks.amazonaws.com", "lambda.amazonaws.com"]
            },
            "Action": "sts:AssumeRole",
        }
    ],
}
TAGS = [{"Key": "vastfs:stage", "Value": {"Ref": "Stage"}}]
EVERYWHERE = "0.0.0.0/0"


def ref(name):
    return {"Ref": name}


def att(name, attribute):
    return {"Fn::GetAtt": [name, attribute]}


def resource(kind, properties, **more):
    return {"Type": f"AWS::{kind}", "Properties": properties, **more}


def policy(action):
    document = {"Effect": "Allow", "Action": action, "Resource": "*"}
    return {
        "PolicyName": "all",
        "PolicyDocument": {"Version": "2012-10-17", "Statement": [document]},
    }


def network():
    """Two subnets, the route to the Internet, and the security groups."""
    return {
        "PublicSubnet": resource(
            "EC2::Subnet",
            {
                "VpcId": ref("VpcId"),
                "CidrBlock": ref("PublicCidr"),
                "AvailabilityZone": ref("AvailabilityZone"),
                "Tags": TAGS,
            },
        ),
        "PrivateSubnet": resource(
            "EC2::Subnet",
            {
                "VpcId": ref("VpcId"),
                "CidrBlock": ref("PrivateCidr"),
                "AvailabilityZone": ref("AvailabilityZone"),
                "Tags": TAGS,
            },
        ),
        "Eip": resource("EC2::EIP", {"Domain": "vpc", "Tags": TAGS}),
        "Nat": resource(
            "EC2::NatGateway",
            {
                "AllocationId": att("Eip", "AllocationId"),
                "SubnetId": ref("PublicSubnet"),
                "Tags": TAGS,
            },
            DependsOn=["PublicRoute", "PublicAssociation"],
        ),
        "PublicTable": resource("EC2::RouteTable", {"VpcId": ref("VpcId")}),
        "PrivateTable": resource("EC2::RouteTable", {"VpcId": ref("VpcId")}),
        "PublicRoute": resource(
            "EC2::Route",
            {
                "RouteTableId": ref("PublicTable"),
                "DestinationCidrBlock": EVERYWHERE,
                "GatewayId": ref("InternetGatewayId"),
            },
        ),
        "PrivateRoute": resource(
            "EC2::Route",
            {
                "RouteTableId": ref("PrivateTable"),
                "DestinationCidrBlock": EVERYWHERE,
                "NatGatewayId": ref("Nat"),
            },
        ),
        "PublicAssociation": resource(
            "EC2::SubnetRouteTableAssociation",
            {"RouteTableId": ref("PublicTable"), "SubnetId": ref("PublicSubnet")},
        ),
        "PrivateAssociation": resource(
            "EC2::SubnetRouteTableAssociation",
            {"RouteTableId": ref("PrivateTable"), "SubnetId": ref("PrivateSubnet")},
        ),
        "S3Endpoint": resource(
            "EC2::VPCEndpoint",
            {
                "VpcId": ref("VpcId"),
                "ServiceName": {"Fn::Sub": "com.amazonaws.${AWS::Region}.s3"},
                "RouteTableIds": [ref("PrivateTable")],
            },
        ),
        "ServerGroup": resource(
            "EC2::SecurityGroup",
            {
                "GroupDescription": "server",
                "VpcId": ref("VpcId"),
                "SecurityGroupIngress": [
                    {
                        "IpProtocol": "tcp",
                        "FromPort": ref("ServerPort"),
                        "ToPort": ref("ServerPort"),
                        "CidrIp": ref("PrivateCidr"),
                    }
                ],
                "Tags": TAGS,
            },
        ),
        "LambdaGroup": resource(
            "EC2::SecurityGroup",
            {"GroupDescription": "lambda", "VpcId": ref("VpcId")},
        ),
        "StorageGroup": resource(
            "EC2::SecurityGroup",
            {"GroupDescription": "storage", "VpcId": ref("VpcId")},
        ),
        "StorageIngress": resource(
            "EC2::SecurityGroupIngress",
            {
                "GroupId": ref("StorageGroup"),
                "IpProtocol": "tcp",
                "FromPort": 2049,
                "ToPort": 2049,
                "SourceSecurityGroupId": ref("ServerGroup"),
            },
        ),
    }


def storage():
    """The resources that exist only with a file system."""
    return {
        "MountTarget": resource(
            "EFS::MountTarget",
            {
                "FileSystemId": ref("FileSystemId"),
                "SubnetId": ref("PrivateSubnet"),
                "SecurityGroups": [ref("StorageGroup")],
            },
            Condition="Efs",
        ),
        "AccessPoint": resource(
            "EFS::AccessPoint",
            {
                "FileSystemId": ref("FileSystemId"),
                "PosixUser": {"Uid": "1000", "Gid": "1000"},
                "RootDirectory": {
                    "Path": "/vast",
                    "CreationInfo": {
                        "OwnerUid": "1000",
                        "OwnerGid": "1000",
                        "Permissions": "0755",
                    },
                },
                "AccessPointTags": TAGS,
            },
            Condition="Efs",
        ),
    }


VOLUME = {
    "Name": "data",
    "EFSVolumeConfiguration": {
        "FilesystemId": ref("FileSystemId"),
        "TransitEncryption": "ENABLED",
        "AuthorizationConfig": {"AccessPointId": ref("AccessPoint"), "IAM": "ENABLED"},
    },
}


def compute():
    """Roles, log groups, the server's task definition, and the function."""
    container = {
        "Name": "server",
        "Image": ref("ImageUri"),
        "Essential": True,
        "EntryPoint": ["/bin/sh", "-c"],
        "Command": [{"Fn::Sub": "exec ${ServerCommand}"}],
        "StopTimeout": 120,
        "PortMappings": [{"ContainerPort": ref("ServerPort"), "Protocol": "tcp"}],
        "DockerLabels": {"Some.Label": "kept"},
        "LogConfiguration": {
            "LogDriver": "awslogs",
            "Options": {
                "awslogs-group": ref("ServerLogs"),
                "awslogs-region": ref("AWS::Region"),
                "awslogs-stream-prefix": "server",
            },
        },
    }
    return {
        "ServerLogs": resource("Logs::LogGroup", {"RetentionInDays": 30}),
        "LambdaLogs": resource("Logs::LogGroup", {"RetentionInDays": 30}),
        "TaskRole": resource(
            "IAM::Role",
            {
                "AssumeRolePolicyDocument": ASSUME,
                "Policies": [policy("elasticfilesystem:ClientMount")],
                "Tags": TAGS,
            },
        ),
        "LambdaRole": resource(
            "IAM::Role",
            {
                "AssumeRolePolicyDocument": ASSUME,
                "Policies": [policy("ec2:CreateNetworkInterface")],
            },
        ),
        "Cluster": resource(
            "ECS::Cluster",
            {
                "ClusterSettings": [{"Name": "containerInsights", "Value": "disabled"}],
                "Configuration": {"ExecuteCommandConfiguration": {"Logging": "NONE"}},
                "Tags": TAGS,
            },
        ),
        "Task": resource(
            "ECS::TaskDefinition",
            {
                "Cpu": ref("ServerCpu"),
                "Memory": ref("ServerMemory"),
                "NetworkMode": "awsvpc",
                "RequiresCompatibilities": ["FARGATE"],
                "RuntimePlatform": {
                    "CpuArchitecture": "X86_64",
                    "OperatingSystemFamily": "LINUX",
                },
                "ExecutionRoleArn": att("TaskRole", "Arn"),
                "TaskRoleArn": att("TaskRole", "Arn"),
                "ContainerDefinitions": [container],
                "Volumes": [{"Fn::If": ["Efs", VOLUME, ref("AWS::NoValue")]}],
                "Tags": TAGS,
            },
        ),
        "Function": resource(
            "Lambda::Function",
            {
                "PackageType": "Image",
                "Code": {"ImageUri": ref("ImageUri")},
                "ImageConfig": {"EntryPoint": ["/run"]},
                "Architectures": ["x86_64"],
                "Role": att("LambdaRole", "Arn"),
                "MemorySize": ref("LambdaMemory"),
                "Timeout": 300,
                "Environment": {"Variables": {"PORT": ref("ServerPort")}},
                "LoggingConfig": {"LogGroup": ref("LambdaLogs")},
                "VpcConfig": {
                    "SubnetIds": [ref("PrivateSubnet")],
                    "SecurityGroupIds": [att("LambdaGroup", "GroupId")],
                },
                "Tags": TAGS,
            },
        ),
        "InvokeConfig": resource(
            "Lambda::EventInvokeConfig",
            {
                "FunctionName": ref("Function"),
                "Qualifier": "$LATEST",
                "MaximumRetryAttempts": 0,
            },
        ),
    }


PARAMETERS = {
    "VpcId": "vpc-0123456789abcdef0",
    "InternetGatewayId": "",
    "AvailabilityZone": "eu-west-1a",
    "PublicCidr": "172.31.48.128/25",
    "PrivateCidr": "172.31.48.0/25",
    "Stage": "test",
    "ImageUri": "",
    "ServerCommand": "vast start",
    "ServerPort": "42000",
    "ServerCpu": "2048",
    "ServerMemory": "4096",
    "Storage": "efs",
    "FileSystemId": "",
    "LambdaMemory": "2048",
}


def template():
    """The whole template as data."""
    return {
        "AWSTemplateFormatVersion": "2010-09-09",
        "Description": "A server",
        "Metadata": {"vastfs": {"TemplateVersion": 3}},
        "Parameters": {name: {"Type": "String"} for name in PARAMETERS},
        "Conditions": {"Efs": {"Fn::Equals": [ref("Storage"), "efs"]}},
        "Resources": {**network(), **storage(), **compute()},
        "Outputs": {
            "ClusterArn": {"Value": att("Cluster", "Arn"), "Description": "cluster"},
            "FunctionName": {"Value": ref("Function")},
            "TaskDefinitionArn": {"Value": ref("Task")},
            "PrivateSubnetId": {"Value": ref("PrivateSubnet")},
            "AccessPointId": {"Condition": "Efs", "Value": ref("AccessPoint")},
        },
    }


class Deployment:
    """One stack of a test, deployed with change sets."""

    def __init__(self, sandbox, name, number, **parameters):
        self.sandbox = sandbox
        self.name = name
        self.cfn = sandbox.client("cloudformation")
        self.ec2 = sandbox.client("ec2")
        self.template = template()
        gateway = self.ec2.describe_internet_gateways()["InternetGateways"][0]
        self.parameters = {
            **PARAMETERS,
            "InternetGatewayId": gateway["InternetGatewayId"],
            "ImageUri": self._image(),
            "FileSystemId": self._file_system(),
            "PublicCidr": f"172.31.{number}.128/25",
            "PrivateCidr": f"172.31.{number}.0/25",
            **parameters,
        }

    def _image(self):
        ecr = self.sandbox.client("ecr")
        made = ecr.create_repository(repositoryName=self.name)["repository"]
        layer = tar(("run", {}, b"#!/bin/sh\n"))
        assert Registry.of(self.sandbox).push(self.name, "latest", [layer])[0] == 201
        return made["repositoryUri"] + ":latest"

    def _file_system(self):
        efs = self.sandbox.client("efs")
        made = efs.create_file_system(CreationToken=self.name)["FileSystemId"]
        until(
            lambda: (
                efs.describe_file_systems(FileSystemId=made)["FileSystems"][0][
                    "LifeCycleState"
                ]
                == "available"
            )
        )
        return made

    def change_set(self, kind="UPDATE", wait=True, **more):
        """Create a change set; its description once it is computed."""
        made = self.cfn.create_change_set(
            StackName=self.name,
            ChangeSetName=f"c{uuid.uuid4().hex}",
            ChangeSetType=kind,
            TemplateBody=json.dumps(self.template),
            Parameters=[
                {"ParameterKey": key, "ParameterValue": value}
                for key, value in self.parameters.items()
            ],
            Capabilities=["CAPABILITY_IAM"],
            **more,
        )["Id"]
        if not wait:
            return made

        def computed():
            found = self.cfn.describe_change_set(ChangeSetName=made)
            return found["Status"] in ("CREATE_COMPLETE", "FAILED") and found

        return until(computed)

    def apply(self, kind="UPDATE", **more):
        """Create a change set, execute it, and wait; the stack afterwards."""
        change_set = self.change_set(kind, **more)
        assert change_set["Status"] == "CREATE_COMPLETE", change_set["StatusReason"]
        self.cfn.execute_change_set(ChangeSetName=change_set["ChangeSetId"])
        return self.settled()

    def describe(self):
        """The present stack."""
        return self.cfn.describe_stacks(StackName=self.name)["Stacks"][0]

    def settled(self):
        """The stack when no operation is running."""

        def idle():
            self.free_interfaces()
            found = self.describe()
            return not found["StackStatus"].endswith("_IN_PROGRESS") and found

        return until(idle)

    def outputs(self):
        """{name: value}"""
        return {o["OutputKey"]: o["OutputValue"] for o in self.describe()["Outputs"]}

    def physical(self, logical_id):
        """A resource's physical ID."""
        found = self.cfn.describe_stack_resource(
            StackName=self.name, LogicalResourceId=logical_id
        )
        return found["StackResourceDetail"].get("PhysicalResourceId", "none")

    def events(self, logical_id=None):
        """(logical ID, status, reason) of all events, the oldest first."""
        pages = self.cfn.get_paginator("describe_stack_events")
        found = [
            event
            for page in pages.paginate(StackName=self.name)
            for event in page["StackEvents"]
        ]
        return [
            (e["LogicalResourceId"], e["ResourceStatus"], e.get("ResourceStatusReason"))
            for e in reversed(found)
            if logical_id in (None, e["LogicalResourceId"])
        ]

    def interfaces(self):
        """IDs and states of the function's interfaces in this network."""
        base = self.parameters["PrivateCidr"].rpartition(".")[0]
        found = self.ec2.describe_network_interfaces(
            Filters=[
                {"Name": "interface-type", "Values": ["lambda"]},
                {"Name": "private-ip-address", "Values": [f"{base}.*"]},
            ]
        )
        return {
            item["NetworkInterfaceId"]: item["Status"]
            for item in found["NetworkInterfaces"]
        }

    def free_interfaces(self):
        """Delete interfaces that Lambda has released; True if none is left."""
        found = self.interfaces()
        for interface, status in found.items():
            if status == "available":
                self.ec2.delete_network_interface(NetworkInterfaceId=interface)
        return not found

    def release_function(self):
        """Detach the function from its VPC and delete its interfaces."""
        self.sandbox.client("lambda").update_function_configuration(
            FunctionName=self.physical("Function"),
            VpcConfig={"SubnetIds": [], "SecurityGroupIds": []},
        )
        until(self.free_interfaces)

    def delete(self):
        """Delete the stack; its last state, found by ID."""
        stack_id = self.describe()["StackId"]
        self.cfn.delete_stack(StackName=stack_id)

        def gone():
            found = self.cfn.describe_stacks(StackName=stack_id)["Stacks"][0]
            return found["StackStatus"] in ("DELETE_COMPLETE", "DELETE_FAILED") and (
                found
            )

        return until(gone)
