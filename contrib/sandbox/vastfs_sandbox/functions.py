"""Lambda functions as things: their states, their place in a VPC.

Running them is another matter (and another module). moto's functions are
active at once and leave no interface in the subnets that they are put into,
which is what makes deleting a stack slow in AWS.
"""

import json
import uuid

from moto.awslambda import models
from moto.awslambda.exceptions import LambdaClientError
from moto.awslambda.models import LambdaBackend, LambdaFunction
from moto.ec2.exceptions import EC2ClientError
from moto.ec2.models import ec2_backends
from moto.ecr.models import ecr_backends

from .ec2_rules import make_interface
from .patching import surround

CREATE = 10
CREATE_IN_VPC = 60
UPDATE = 5
UPDATE_VPC = 40
RELEASE = 60  # until an interface that nobody uses any more is `available`
REMOVE = 1500  # until Lambda removes it by itself

_context = None


def install(context) -> None:
    """Put states and interfaces around moto's functions."""
    global _context
    _context = context
    surround(context, LambdaBackend, create_function, delete_function)
    surround(
        context,
        LambdaFunction,
        get_configuration,
        get_code,
        update_configuration,
        update_function_code,
    )
    LambdaFunction.vpc_config = property(vpc_config)


def _ec2(function):
    return ec2_backends[function.account_id][function.region]


def _refuse(status, code, message):
    error = LambdaClientError(code, message)
    error.code = status
    error.description = json.dumps({"Type": "User", "Message": message})
    raise error


# Life


def create_function(backend, original, spec):
    """Pending until it could run."""
    account = backend.account_id
    _check_vpc(ec2_backends[account][backend.region_name], spec.get("VpcConfig"))
    function = original(backend, spec)
    function.state = "Pending"
    function.last_update = "InProgress"
    function.revision = str(uuid.uuid4())
    function.logging_config = _logging(function, spec.get("LoggingConfig"))
    function.interfaces = []
    _enter(function)

    def finish():
        function.state = "Active"
        function.last_update = "Successful"

    _context.later(CREATE_IN_VPC if function.interfaces else CREATE, finish)
    return function


def _logging(function, wanted):
    default = {"LogFormat": "Text", "LogGroup": f"/aws/lambda/{function.function_name}"}
    return {**default, **(wanted or {})}


def delete_function(backend, original, function_name, qualifier=None):
    """Its interfaces stay behind."""
    function = backend.get_function(function_name, qualifier)
    original(backend, function_name, qualifier)
    _leave(function)


# Network


def _check_vpc(backend, config) -> None:
    for subnet in (config or {}).get("SubnetIds") or []:
        try:
            backend.get_subnet(subnet)
        except EC2ClientError:
            message = (
                f"The subnet ID '{subnet}' does not exist (InvalidSubnetID.NotFound)"
            )
            _refuse(400, "InvalidParameterValueException", message)
    for group in (config or {}).get("SecurityGroupIds") or []:
        if backend.get_security_group_from_id(group) is None:
            message = f"The security group '{group}' does not exist"
            _refuse(400, "InvalidParameterValueException", message)


def vpc_config(function):
    """The configuration with the VPC that the subnets are in."""
    config = function._vpc_config
    if not config:
        return None
    subnets = config.get("SubnetIds") or []
    vpc = ""
    if subnets:
        try:
            vpc = _ec2(function).get_subnet(subnets[0]).vpc_id
        except EC2ClientError:
            pass
    return {
        "SubnetIds": subnets,
        "SecurityGroupIds": config.get("SecurityGroupIds") or [],
        "VpcId": vpc,
        "Ipv6AllowedForDualStack": False,
    }


def _enter(function) -> None:
    """Lambda takes one address in each subnet."""
    config = function._vpc_config or {}
    for subnet in config.get("SubnetIds") or []:
        words = f"AWS Lambda VPC ENI-{function.function_name}-{uuid.uuid4()}"
        groups = config.get("SecurityGroupIds") or []
        interface = make_interface(_ec2(function), subnet, groups, words, "lambda")
        function.interfaces.append(interface)


def _leave(function) -> None:
    """Interfaces are let go slowly, and removed very slowly."""
    backend = _ec2(function)
    left, function.interfaces = function.interfaces, []

    def release():
        for interface in left:
            interface.status = "available"
        if _context.scaled(REMOVE) > 0:  # at no time scale they would never be seen
            _context.later(REMOVE, remove)

    def remove():
        for interface in left:
            backend.enis.pop(interface.id, None)

    _context.later(RELEASE, release)


# Changes


def _begin_update(function) -> None:
    if function.state == "Pending":
        _refuse(
            409,
            "ResourceConflictException",
            "The operation cannot be performed at this time. The function is currently "
            f"in the following state: Pending: {function.function_arn}",
        )
    if function.last_update == "InProgress":
        _refuse(
            409,
            "ResourceConflictException",
            "The operation cannot be performed at this time. An update is in progress "
            f"for resource: {function.function_arn}",
        )


def _end_update(function, seconds) -> None:
    function.last_update = "InProgress"
    function.revision = str(uuid.uuid4())

    def finish():
        function.last_update = "Successful"

    _context.later(seconds, finish)


def update_configuration(function, original, updates):
    """One update at a time; a move between networks takes longer."""
    _begin_update(function)
    _check_vpc(_ec2(function), updates.get("VpcConfig"))
    before = function.vpc_config
    original(function, updates)
    if "ImageConfig" in updates:
        function.image_config = models.ImageConfig(updates["ImageConfig"])
    if "EphemeralStorage" in updates:
        function.ephemeral_storage = updates["EphemeralStorage"]["Size"]
    if "LoggingConfig" in updates:
        function.logging_config = _logging(function, updates["LoggingConfig"])
    if "TracingConfig" in updates:
        function.tracing_config = updates["TracingConfig"]
    moved = "VpcConfig" in updates and function.vpc_config != before
    if moved:
        _leave(function)
        _enter(function)
    _end_update(function, UPDATE_VPC if moved else UPDATE)
    return function.get_configuration()


def update_function_code(function, original, spec):
    """New code is an update as any other."""
    _begin_update(function)
    original(function, spec)
    if "Architectures" in spec:
        function.architectures = spec["Architectures"]
    _end_update(function, UPDATE)
    return function.get_configuration()


# Looking


def get_configuration(function, original, on_create=False):
    """With what moto leaves out."""
    answer = original(function, on_create)
    answer["LastUpdateStatus"] = function.last_update
    answer["RevisionId"] = function.revision
    answer["LoggingConfig"] = function.logging_config
    if function.state == "Pending":
        answer["StateReason"] = "The function is being created."
        answer["StateReasonCode"] = "Creating"
    if function.last_update == "InProgress" and function.state != "Pending":
        answer["LastUpdateStatusReason"] = "The function is being updated."
        answer["LastUpdateStatusReasonCode"] = "Updating"
    return {key: value for key, value in answer.items() if value is not None}


def get_code(function, original):
    """An image's digest is what the repository has under that name now."""
    answer = original(function)
    image = function.code.get("ImageUri")
    if image:
        answer["Code"]["ResolvedImageUri"] = _resolved(function, image)
    return answer


def _resolved(function, image) -> str:
    if "@" in image:
        return image
    base, _, tag = image.rpartition(":")
    if not base or "/" in tag:
        base, tag = image, "latest"
    name = base.partition("/")[2]
    repositories = ecr_backends[function.account_id][function.region].repositories
    if name in repositories:
        for found in repositories[name].images:
            if tag in found.image_tags:
                return f"{base}@{found.image_digest}"
    return f"{base}@sha256:{function.code_sha_256}"
