# SPDX-License-Identifier: BSD-3-Clause
"""Resource types of other services than EC2: IAM, CloudWatch Logs, ECR, ECS, EFS, Lambda."""

from . import faults
from .resources import EC2_KINDS, Failed, Kind, pick, text_policy

NO_SERVICE_LINKED_ROLE = (
    'Resource handler returned message: "Invalid request provided: CreateCluster '
    "Invalid Request: Unable to assume the service linked role. Please verify that "
    "the ECS service linked role exists. (Service: AmazonECS; Status Code: 400; Error "
    'Code: InvalidParameterException; Request ID: {token}; Proxy: null)" '
    "(RequestToken: {token}, HandlerErrorCode: InvalidRequest)"
)
NOT_ASSUMABLE = (
    'Resource handler returned message: "The role defined for the function cannot be '
    'assumed by Lambda. (Service: Lambda, Status Code: 400, Request ID: {token})" '
    "(RequestToken: {token}, HandlerErrorCode: InvalidRequest)"
)


class Role(Kind):
    type = "AWS::IAM::Role"
    seconds = 8
    fixed = frozenset({"RoleName", "Path"})
    properties = fixed | {
        "AssumeRolePolicyDocument",
        "Description",
        "ManagedPolicyArns",
        "MaxSessionDuration",
        "PermissionsBoundary",
        "Policies",
        "Tags",
    }

    def create(self, call, props):
        name = props.get("RoleName") or call.name()
        call.client("iam").create_role(
            RoleName=name,
            AssumeRolePolicyDocument=text_policy(props["AssumeRolePolicyDocument"]),
            **pick(
                props,
                "Path",
                "Description",
                "MaxSessionDuration",
                "PermissionsBoundary",
                "Tags",
            ),
        )
        self._policies(call, name, {}, props)
        return name

    @staticmethod
    def _policies(call, name, old, new):
        iam = call.client("iam")
        before = {p["PolicyName"]: p for p in old.get("Policies", [])}
        after = {p["PolicyName"]: p for p in new.get("Policies", [])}
        for policy in set(before) - set(after):
            iam.delete_role_policy(RoleName=name, PolicyName=policy)
        for policy, body in after.items():
            iam.put_role_policy(
                RoleName=name,
                PolicyName=policy,
                PolicyDocument=text_policy(body["PolicyDocument"]),
            )
        before = set(old.get("ManagedPolicyArns", []))
        after = set(new.get("ManagedPolicyArns", []))
        for arn in before - after:
            iam.detach_role_policy(RoleName=name, PolicyArn=arn)
        for arn in after - before:
            iam.attach_role_policy(RoleName=name, PolicyArn=arn)

    def attributes(self, call, physical_id, props):
        role = call.client("iam").get_role(RoleName=physical_id)["Role"]
        return {"Arn": role["Arn"], "RoleId": role["RoleId"]}

    def update(self, call, physical_id, old, new):
        iam = call.client("iam")
        iam.update_assume_role_policy(
            RoleName=physical_id,
            PolicyDocument=text_policy(new["AssumeRolePolicyDocument"]),
        )
        self._policies(call, physical_id, old, new)
        if new.get("Tags"):
            iam.tag_role(RoleName=physical_id, Tags=new["Tags"])

    def delete(self, call, physical_id, props):
        iam = call.client("iam")
        for name in iam.list_role_policies(RoleName=physical_id)["PolicyNames"]:
            iam.delete_role_policy(RoleName=physical_id, PolicyName=name)
        for arn in props.get("ManagedPolicyArns", []):
            iam.detach_role_policy(RoleName=physical_id, PolicyArn=arn)
        iam.delete_role(RoleName=physical_id)


class Policy(Kind):
    """An inline policy, which is added to each of its roles."""

    type = "AWS::IAM::Policy"
    seconds = 8
    tags = None
    properties = frozenset(
        {"Groups", "PolicyDocument", "PolicyName", "Roles", "Users"}
    )

    def create(self, call, props):
        if not props.get("Roles"):
            raise Failed("At least one of [Groups,Roles,Users] must be non-empty.")
        self._put(call, props)
        return call.name()

    @staticmethod
    def _put(call, props):
        for role in props["Roles"]:
            call.client("iam").put_role_policy(
                RoleName=role,
                PolicyName=props["PolicyName"],
                PolicyDocument=text_policy(props["PolicyDocument"]),
            )

    def attributes(self, call, physical_id, props):
        return {"Id": physical_id}

    def update(self, call, physical_id, old, new):
        self._put(call, new)
        kept = new["Roles"] if old["PolicyName"] == new["PolicyName"] else ()
        self._take(call, old, kept)

    @staticmethod
    def _take(call, props, kept=()):
        iam = call.client("iam")
        for role in set(props["Roles"]) - set(kept):
            try:
                iam.delete_role_policy(
                    RoleName=role, PolicyName=props["PolicyName"]
                )
            except iam.exceptions.NoSuchEntityException:
                pass  # deleted by hand, or together with its role

    def delete(self, call, physical_id, props):
        self._take(call, props)


class LogGroup(Kind):
    type = "AWS::Logs::LogGroup"
    fixed = frozenset({"LogGroupName", "LogGroupClass"})
    properties = fixed | {"RetentionInDays", "KmsKeyId", "Tags"}

    def create(self, call, props):
        name = props.get("LogGroupName") or call.name(512)
        tags = {tag["Key"]: tag["Value"] for tag in props.get("Tags", [])}
        call.client("logs").create_log_group(logGroupName=name, tags=tags)
        self._retention(call, name, props)
        return name

    @staticmethod
    def _retention(call, name, props):
        logs = call.client("logs")
        if "RetentionInDays" in props:
            days = props["RetentionInDays"]
            logs.put_retention_policy(logGroupName=name, retentionInDays=days)
        else:
            logs.delete_retention_policy(logGroupName=name)

    def attributes(self, call, physical_id, props):
        return {"Arn": f"arn:aws:logs:{call.arn_prefix}:log-group:{physical_id}:*"}

    def update(self, call, physical_id, old, new):
        self._retention(call, physical_id, new)

    def delete(self, call, physical_id, props):
        call.client("logs").delete_log_group(logGroupName=physical_id)


def lower_camel(value, keep=()):
    """Keys as ECS's API spells them, with a lower-case first letter."""
    if isinstance(value, list):
        return [lower_camel(item, keep) for item in value]
    if not isinstance(value, dict):
        return value
    made = {}
    for key, item in value.items():
        name = ECS_NAMES.get(key, key[:1].lower() + key[1:])
        made[name] = item if key in keep else lower_camel(item, keep)
    return made


ECS_NAMES = {
    "FilesystemId": "fileSystemId",
    "EFSVolumeConfiguration": "efsVolumeConfiguration",
    "IAM": "iam",
    "SizeInGiB": "sizeInGiB",
}
#: maps whose keys are chosen by the user
ECS_MAPS = ("DockerLabels", "Options", "DriverOpts", "Labels")


class Cluster(Kind):
    type = "AWS::ECS::Cluster"
    seconds = 4
    fixed = frozenset({"ClusterName"})
    properties = fixed | {
        "CapacityProviders",
        "ClusterSettings",
        "Configuration",
        "DefaultCapacityProviderStrategy",
        "ServiceConnectDefaults",
        "Tags",
    }

    @staticmethod
    def _arguments(props):
        props = {key: item for key, item in props.items() if key != "ClusterName"}
        arguments = lower_camel(props)
        if "clusterSettings" in arguments:
            arguments["settings"] = arguments.pop("clusterSettings")
        return arguments

    def create(self, call, props):
        name = props.get("ClusterName") or call.name(255)
        if faults.misses_service_linked_role() and not _has_service_linked_role(call):
            raise Failed(NO_SERVICE_LINKED_ROLE.format(token=call.token))
        call.client("ecs").create_cluster(clusterName=name, **self._arguments(props))
        return name

    def attributes(self, call, physical_id, props):
        return {"Arn": f"arn:aws:ecs:{call.arn_prefix}:cluster/{physical_id}"}

    def update(self, call, physical_id, old, new):
        arguments = self._arguments(new)
        wanted = pick(arguments, "settings", "configuration", "serviceConnectDefaults")
        call.client("ecs").update_cluster(cluster=physical_id, **wanted)

    def delete(self, call, physical_id, props):
        call.client("ecs").delete_cluster(cluster=physical_id)


def _has_service_linked_role(call) -> bool:
    roles = call.client("iam").list_roles(PathPrefix="/aws-service-role/")["Roles"]
    return any(role["RoleName"] == "AWSServiceRoleForECS" for role in roles)


class TaskDefinition(Kind):
    type = "AWS::ECS::TaskDefinition"
    properties = frozenset(
        {
            "ContainerDefinitions",
            "Cpu",
            "EnableFaultInjection",
            "EphemeralStorage",
            "ExecutionRoleArn",
            "Family",
            "IpcMode",
            "Memory",
            "NetworkMode",
            "PidMode",
            "PlacementConstraints",
            "RequiresCompatibilities",
            "RuntimePlatform",
            "TaskRoleArn",
            "Volumes",
            "Tags",
        }
    )
    fixed = properties - {"Tags"}

    def create(self, call, props):
        arguments = lower_camel(props, ECS_MAPS)
        family = call.stack.name + call.logical_id + call.name()[-13:]
        arguments.setdefault("family", family)
        made = call.client("ecs").register_task_definition(**arguments)
        return made["taskDefinition"]["taskDefinitionArn"]

    def attributes(self, call, physical_id, props):
        return {"TaskDefinitionArn": physical_id}

    def update(self, call, physical_id, old, new):
        tags = lower_camel(new.get("Tags", []))
        call.client("ecs").tag_resource(resourceArn=physical_id, tags=tags)

    def delete(self, call, physical_id, props):
        call.client("ecs").deregister_task_definition(taskDefinition=physical_id)


class MountTarget(Kind):
    type = "AWS::EFS::MountTarget"
    seconds = 1
    tags = None
    fixed = frozenset({"FileSystemId", "SubnetId", "IpAddress"})
    properties = fixed | {"SecurityGroups"}

    def create(self, call, props):
        made = call.client("efs").create_mount_target(**props)
        return made["MountTargetId"]

    @staticmethod
    def _describe(call, physical_id):
        found = call.client("efs").describe_mount_targets(MountTargetId=physical_id)
        return found["MountTargets"][0]

    def ready(self, call, physical_id):
        return self._describe(call, physical_id)["LifeCycleState"] == "available"

    def attributes(self, call, physical_id, props):
        address = self._describe(call, physical_id)["IpAddress"]
        return {"Id": physical_id, "IpAddress": address}

    def update(self, call, physical_id, old, new):
        call.client("efs").modify_mount_target_security_groups(
            MountTargetId=physical_id, SecurityGroups=new["SecurityGroups"]
        )

    def delete(self, call, physical_id, props):
        call.client("efs").delete_mount_target(MountTargetId=physical_id)

    def gone(self, call, physical_id):
        efs = call.client("efs")
        try:
            efs.describe_mount_targets(MountTargetId=physical_id)
        except efs.exceptions.MountTargetNotFound:
            return True
        return False


class AccessPoint(Kind):
    type = "AWS::EFS::AccessPoint"
    tags = "AccessPointTags"
    fixed = frozenset({"FileSystemId", "PosixUser", "RootDirectory", "ClientToken"})
    properties = fixed | {"AccessPointTags"}

    def create(self, call, props):
        arguments = dict(props)
        arguments.setdefault("ClientToken", call.token)
        arguments["Tags"] = arguments.pop("AccessPointTags", [])
        made = call.client("efs").create_access_point(**arguments)
        return made["AccessPointId"]

    def ready(self, call, physical_id):
        found = call.client("efs").describe_access_points(AccessPointId=physical_id)
        return found["AccessPoints"][0]["LifeCycleState"] == "available"

    def attributes(self, call, physical_id, props):
        arn = f"arn:aws:elasticfilesystem:{call.arn_prefix}:access-point/{physical_id}"
        return {"AccessPointId": physical_id, "Arn": arn}

    def update(self, call, physical_id, old, new):
        call.client("efs").tag_resource(
            ResourceId=physical_id, Tags=new["AccessPointTags"]
        )

    def delete(self, call, physical_id, props):
        call.client("efs").delete_access_point(AccessPointId=physical_id)


CODE = ("ImageUri", "S3Bucket", "S3Key", "S3ObjectVersion", "ZipFile")


class Function(Kind):
    type = "AWS::Lambda::Function"
    seconds = 3
    fixed = frozenset({"FunctionName", "PackageType"})
    configuration = frozenset(
        {
            "Description",
            "Environment",
            "EphemeralStorage",
            "Handler",
            "ImageConfig",
            "LoggingConfig",
            "MemorySize",
            "Role",
            "Runtime",
            "Timeout",
            "TracingConfig",
            "VpcConfig",
        }
    )
    properties = fixed | configuration | {"Code", "Architectures", "Tags"}

    def create(self, call, props):
        if faults.cannot_assume_role():
            raise Failed(NOT_ASSUMABLE.format(token=call.token))
        arguments = dict(props)
        arguments.setdefault("FunctionName", call.name())
        tags = {tag["Key"]: tag["Value"] for tag in arguments.pop("Tags", [])}
        made = call.client("lambda").create_function(**arguments, Tags=tags)
        return made["FunctionName"]

    def ready(self, call, physical_id):
        found = call.client("lambda").get_function(FunctionName=physical_id)
        state = found["Configuration"]
        if "Failed" in (state["State"], state.get("LastUpdateStatus")):
            raise Failed(state.get("StateReason") or "The function failed.")
        return state["State"] == "Active" and (
            state.get("LastUpdateStatus") != "InProgress"
        )

    def attributes(self, call, physical_id, props):
        arn = f"arn:aws:lambda:{call.arn_prefix}:function:{physical_id}"
        return {"Arn": arn}

    def update(self, call, physical_id, old, new):
        client = call.client("lambda")
        changed = {k for k in set(old) | set(new) if old.get(k) != new.get(k)}
        names = changed & self.configuration
        if names:
            arguments = {name: new.get(name, RESET.get(name, "")) for name in names}
            client.update_function_configuration(FunctionName=physical_id, **arguments)
        if changed & {"Code", "Architectures"}:
            code = pick(new["Code"], *CODE)
            code.update(pick(new, "Architectures"))
            self._settle(call, physical_id)
            client.update_function_code(FunctionName=physical_id, **code)
        if "Tags" in changed and new.get("Tags"):
            tags = {tag["Key"]: tag["Value"] for tag in new["Tags"]}
            arn = self.attributes(call, physical_id, new)["Arn"]
            client.tag_resource(Resource=arn, Tags=tags)

    def _settle(self, call, physical_id):
        """Wait for the end of an update: Lambda refuses a second one before."""
        while not self.ready(call, physical_id):
            if not call.stack.operation.pause():
                raise Failed("The sandbox ends.")

    def delete(self, call, physical_id, props):
        call.client("lambda").delete_function(FunctionName=physical_id)


#: the value of a property that a new template omits
RESET = {
    "VpcConfig": {"SubnetIds": [], "SecurityGroupIds": []},
    "Environment": {"Variables": {}},
    "ImageConfig": {},
    "EphemeralStorage": {"Size": 512},
    "MemorySize": 128,
    "Timeout": 3,
    "LoggingConfig": {"LogFormat": "Text"},
    "TracingConfig": {"Mode": "PassThrough"},
}


class EventInvokeConfig(Kind):
    type = "AWS::Lambda::EventInvokeConfig"
    tags = None
    fixed = frozenset({"FunctionName", "Qualifier"})
    properties = fixed | {
        "DestinationConfig",
        "MaximumEventAgeInSeconds",
        "MaximumRetryAttempts",
    }

    @staticmethod
    def _put(call, props):
        arguments = {k: v for k, v in props.items() if k != "Qualifier"}
        call.client("lambda").put_function_event_invoke_config(**arguments)

    def create(self, call, props):
        self._put(call, props)
        return f"{props['FunctionName']}|{props['Qualifier']}"

    def update(self, call, physical_id, old, new):
        self._put(call, new)

    def delete(self, call, physical_id, props):
        call.client("lambda").delete_function_event_invoke_config(
            FunctionName=props["FunctionName"]
        )


KINDS = {
    kind.type: kind()
    for kind in (
        *EC2_KINDS,
        Role,
        Policy,
        LogGroup,
        Cluster,
        TaskDefinition,
        MountTarget,
        AccessPoint,
        Function,
        EventInvokeConfig,
    )
}
