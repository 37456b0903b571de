# SPDX-License-Identifier: BSD-3-Clause
"""Finds the decisions that authorize a call: IAM's actions, resources and condition keys.

One row for each operation, after AWS's Service Authorization Reference. An
operation without a row is refused to principals that have policies.
"""

import fnmatch
import re

from .policy import Request

#: EC2's kind of resource by the prefix of an ID
EC2_KINDS = {
    "eipalloc": "elastic-ip",
    "eni": "network-interface",
    "nat": "natgateway",
    "rtb": "route-table",
    "sg": "security-group",
    "subnet": "subnet",
    "vpc": "vpc",
    "vpce": "vpc-endpoint",
}

#: The parameters that contain the ID; Name.1 stands for all Name.N
EC2 = {
    "AssociateRouteTable": ("RouteTableId", "SubnetId"),
    "AuthorizeSecurityGroupEgress": ("GroupId",),
    "AuthorizeSecurityGroupIngress": ("GroupId",),
    "CreateNatGateway": ("+natgateway", "SubnetId", "AllocationId"),
    "CreateRoute": ("RouteTableId",),
    "CreateRouteTable": ("+route-table", "VpcId"),
    "CreateSecurityGroup": ("+security-group", "VpcId"),
    "CreateSubnet": ("+subnet", "VpcId"),
    "CreateVpcEndpoint": ("+vpc-endpoint", "VpcId", "RouteTableId.1"),
    "AllocateAddress": ("+elastic-ip",),
    "CreateTags": ("ResourceId.1",),
    "DeleteNatGateway": ("NatGatewayId",),
    "DeleteNetworkInterface": ("NetworkInterfaceId",),
    "DeleteRoute": ("RouteTableId",),
    "DeleteRouteTable": ("RouteTableId",),
    "DeleteSecurityGroup": ("GroupId",),
    "DeleteSubnet": ("SubnetId",),
    "DeleteTags": ("ResourceId.1",),
    "DeleteVpcEndpoints": ("VpcEndpointId.1",),
    "DisassociateRouteTable": ("AssociationId",),
    "ModifySubnetAttribute": ("SubnetId",),
    "ModifyVpcEndpoint": ("VpcEndpointId", "AddRouteTableId.1", "RemoveRouteTableId.1"),
    "ReleaseAddress": ("AllocationId",),
    "ReplaceRoute": ("RouteTableId",),
    "RevokeSecurityGroupEgress": ("GroupId",),
    "RevokeSecurityGroupIngress": ("GroupId",),
}

#: service -> {operations, with wildcards: ((action, kind of resource), ...)}; an empty action is the operation's name.
#: The kinds are the methods of Arns; "tags+" adds the action that tagging at creation needs.
ROWS = {
    "cloudformation": {
        "DescribeStackDriftDetectionStatus": (("", "any"),),
        "DescribeEvents": (("", "change_set_or_stack"),),
        "*": (("", "stack"),),
    },
    "ecr": {"GetAuthorizationToken": (("", "any"),), "*": (("", "repository"), ("TagResource", "tags+"))},
    "ecs": {
        "CreateCluster": (("", "cluster"), ("TagResource", "tags+")),
        "*Cluster*": (("", "cluster"),),
        "CreateService": (("", "service"), ("TagResource", "tags+"), ("iam:PassRole", "roles_of_definition")),
        "UpdateService": (("", "service"), ("iam:PassRole", "roles_of_definition")),
        "*Service": (("", "service"),),
        "DescribeServices": (("", "service"),),
        "RegisterTaskDefinition": (("", "definition"), ("TagResource", "tags+"), ("iam:PassRole", "roles_to_ecs")),
        "DeregisterTaskDefinition": (("", "any"),),
        "DescribeTaskDefinition": (("", "any"),),
        "RunTask": (("", "definition"), ("TagResource", "tags+"), ("iam:PassRole", "roles_of_definition")),
        "ExecuteCommand": (("", "cluster"), ("", "task")),
        "DescribeTasks": (("", "task"),),
        "StopTask": (("", "task"),),
        "ListTasks": (("", "in_cluster"),),
        "ListServices": (("", "in_cluster"),),
        "TagResource": (("", "named"),),
    },
    "elasticfilesystem": {
        "CreateFileSystem": (("", "any"), ("TagResource", "tags+")),
        "DescribeFileSystems": (("", "any"),),
        "CreateAccessPoint": (("", "file_system"), ("TagResource", "tags+")),
        "TagResource": (("", "named"),),
        "*": (("", "file_system"),),
    },
    "iam": {
        "CreateServiceLinkedRole": (("", "service_role"),),
        "GetPolicy": (("", "policy"),),
        "ListRoles": (("", "any"),),
        "CreateRole": (("", "role"), ("TagRole", "role")),
        "*": (("", "role"),),
    },
    "lambda": {
        "Invoke": (("InvokeFunction", "function"),),
        "InvokeWithResponseStream": (("InvokeFunction", "function"),),
        "CreateFunction": (("", "function"), ("TagResource", "function"), ("iam:PassRole", "role_to_lambda")),
        "UpdateFunctionConfiguration": (
            ("", "function"),
            ("iam:PassRole", "role_to_lambda"),
            ("ec2:DescribeSecurityGroups", "any"),
            ("ec2:DescribeSubnets", "any"),
            ("ec2:DescribeVpcs", "any"),
        ),
        "*": (("", "function"),),
    },
    "logs": {
        "DescribeLogGroups": (("", "any"),),
        "GetLogEvents": (("", "log_stream"),),
        "CreateLogGroup": (("", "log_group"), ("TagResource", "log_group")),
        "*": (("", "log_group"),),
    },
    "servicequotas": {"*": (("", "any"),)},
    "ssm": {"*": (("", "session"),)},
    "kms": {"*": (("", "any"),)},
    "sts": {},
}

#: These need no permission.
FREE = ("sts:GetCallerIdentity",)


class Unknown(Exception):
    """The sandbox has no row for the operation."""


def requests_of(call) -> list:
    """The decisions that a call needs; Unknown without a row."""
    name = f"{call.service}:{call.operation}"
    if name in FREE:
        return []
    if call.service == "ec2":
        return _of_ec2(call)
    arns = Arns(call)
    for pattern, row in ROWS.get(call.service, {}).items():
        if fnmatch.fnmatchcase(call.operation, pattern):
            return [request for part in row for request in _part(call, arns, *part)]
    raise Unknown(f"the sandbox does not know which permissions {name} needs; add a row to iam/requests.py")


def _part(call, arns, action, kind):
    action = action or call.operation
    action = action if ":" in action else f"{call.service}:{action}"
    if kind == "tags+":
        return _tagging(call, arns, action)
    return [
        Request(action, arn, {**_request_tags(call), **context})
        for arn, context in getattr(arns, kind)()
    ]


def _tagging(call, arns, action):
    if not _request_tags(call):
        return []
    context = {**_request_tags(call), f"{call.service}:CreateAction": call.operation}
    return [Request(action, arn, context) for arn in arns.created()]


def _request_tags(call) -> dict:
    return {f"aws:RequestTag/{key}": value for key, value in call.tags.items()}


def _of_ec2(call):
    action = f"ec2:{call.operation}"
    if call.operation.startswith("Describe"):
        return [Request(action)]
    if call.operation not in EC2:
        raise Unknown(f"the sandbox does not know which permissions {action} needs; add a row to iam/requests.py")
    found = []
    for place in EC2[call.operation]:
        if place.startswith("+"):
            arn = call.arn("ec2", f"{place[1:]}/*")
            found.append(Request(action, arn, _request_tags(call)))
            if call.tags:
                context = {**_request_tags(call), "ec2:CreateAction": call.operation}
                found.append(Request("ec2:CreateTags", arn, context))
            continue
        found += [Request(action, *_ec2_resource(call, value)) for value in _values(call, place)]
    return found


def _values(call, place):
    """The values of a parameter; of all members of a list if the place ends in .1."""
    if not place.endswith(".1"):
        return [call.parameters[place]] if place in call.parameters else []
    pattern = re.compile(re.escape(place[:-1]) + r"\d+$")
    return [value for key, value in call.parameters.items() if pattern.match(key)]


def _ec2_resource(call, identity):
    """ARN and tags of a resource of EC2."""
    if identity.startswith("rtbassoc-"):
        identity = call.facts.route_table_of(identity)
    kind = EC2_KINDS.get(identity.rpartition("-")[0], "*")
    tags = call.facts.ec2_tags(identity)
    context = {f"aws:ResourceTag/{key}": value for key, value in tags.items()}
    return call.arn("ec2", f"{kind}/{identity}"), context


class Arns:
    """The resources of a call, by kind: (ARN, condition keys) of each."""

    def __init__(self, call):
        self.call = call

    def _get(self, *names) -> str:
        for name in names:
            value = self.call.parameters.get(name)
            if isinstance(value, str) and value:
                return value
        return ""

    def _path(self, before: str) -> str:
        """The part of a REST path that follows `before`."""
        found = re.search(f"/{before}/([^/?]+)", self.call.parameters.get("path", ""))
        return found[1] if found else ""

    def _named(self, service, kind, name):
        """Names may be given as ARNs."""
        return name if name.startswith("arn:") else self.call.arn(service, f"{kind}{name}")

    def created(self):
        """The resources that are tagged at their creation."""
        call = self.call
        if call.service == "ecr":
            return [arn for arn, _ in self.repository()]
        if call.service == "elasticfilesystem":
            kind = "access-point" if call.operation == "CreateAccessPoint" else "file-system"
            return [call.arn("elasticfilesystem", f"{kind}/*")]
        cluster = self._get("cluster", "clusterName").rpartition("/")[2]
        places = {
            "RunTask": f"task/{cluster}/*",
            "CreateService": f"service/{cluster}/{self._get('serviceName')}",
            "CreateCluster": f"cluster/{cluster}",
            "RegisterTaskDefinition": f"task-definition/{self._get('family')}:*",
        }
        return [call.arn("ecs", places[call.operation])]

    def any(self):
        return [("*", {})]

    def named(self):
        """The ARN that a tagging call names, or the ID of an EFS resource."""
        arn = self._get("resourceArn")
        if arn:
            return [(arn, {})]
        return self._efs(self._path("resource-tags"))

    # CloudFormation

    def stack(self):
        name = self._get("StackName")
        if name.startswith("arn:") or not name:
            return [(name or self._get("ChangeSetName") or "*", {})]
        return [(self.call.arn("cloudformation", f"stack/{name}/*"), {})]

    def change_set_or_stack(self):
        name = self._get("ChangeSetName")
        return [(name, {})] if name.startswith("arn:") else self.stack()

    # ECR

    def repository(self):
        arn = self._get("resourceArn")
        names = self.call.parameters.get("repositoryNames") or [self._get("repositoryName") or "*"]
        return [(arn, {})] if arn else [(self.call.arn("ecr", f"repository/{name}"), {}) for name in names]

    # ECS

    def _cluster_name(self):
        return self._get("cluster", "clusterName").rpartition("/")[2] or "default"

    def cluster(self):
        names = self.call.parameters.get("clusters") or [self._get("cluster", "clusterName") or "default"]
        return [(self._named("ecs", "cluster/", name), {}) for name in names]

    def in_cluster(self):
        return [("*", {"ecs:cluster": self._named("ecs", "cluster/", self._cluster_name())})]

    def service(self):
        names = self.call.parameters.get("services") or [self._get("service", "serviceName")]
        return [(self._named("ecs", f"service/{self._cluster_name()}/", name), {}) for name in names]

    def task(self):
        names = self.call.parameters.get("tasks") or [self._get("task")]
        return [(self._named("ecs", f"task/{self._cluster_name()}/", name), {}) for name in names]

    def definition(self):
        name = self._get("taskDefinition") or f"{self._get('family')}:*"
        return [(self._named("ecs", "task-definition/", name), {})]

    def _passed(self, arns, service):
        return [(arn, {"iam:PassedToService": service}) for arn in arns if arn]

    def roles_to_ecs(self):
        roles = [self._get("executionRoleArn"), self._get("taskRoleArn")]
        return self._passed(roles, "ecs-tasks.amazonaws.com")

    def roles_of_definition(self):
        name = self._get("taskDefinition")
        roles = self.call.facts.roles_of_definition(name) if name else []
        return self._passed(roles, "ecs-tasks.amazonaws.com")

    # EFS

    def _efs(self, identity):
        kind = "access-point" if identity.startswith("fsap-") else "file-system"
        tags = self.call.facts.efs_tags(identity)
        context = {f"aws:ResourceTag/{key}": value for key, value in tags.items()}
        return [(self.call.arn("elasticfilesystem", f"{kind}/{identity}"), context)]

    def file_system(self):
        place = self._path("file-systems") or self._get("FileSystemId") or self._path("access-points") or self._get("AccessPointId")
        target = self._path("mount-targets") or self._get("MountTargetId")
        return self._efs(place or self.call.facts.file_system_of(target))

    # IAM

    def role(self):
        return [(self.call.arn("iam", f"role/{self._get('RoleName')}"), {"iam:PolicyARN": self._get("PolicyArn")})]

    def policy(self):
        return [(self._get("PolicyArn"), {})]

    def service_role(self):
        name = self._get("AWSServiceName")
        return [(self.call.arn("iam", f"role/aws-service-role/{name}/*"), {"iam:AWSServiceName": name})]

    # Lambda

    def function(self):
        name = self._path("functions") or self._get("FunctionName") or self._path("tags")
        return [(self._named("lambda", "function:", name), {})]

    def role_to_lambda(self):
        return self._passed([self._get("Role")], "lambda.amazonaws.com")

    # Logs

    def log_group(self):
        name = self._get("logGroupName")
        return [(self.call.arn("logs", f"log-group:{name}:*"), {})]

    def log_stream(self):
        name, stream = self._get("logGroupName"), self._get("logStreamName")
        return [(self.call.arn("logs", f"log-group:{name}:log-stream:{stream}"), {})]

    # SSM

    def session(self):
        return [(self.call.arn("ssm", f"session/{self._get('SessionId')}"), {})]
