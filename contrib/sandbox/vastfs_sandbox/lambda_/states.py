# SPDX-License-Identifier: BSD-3-Clause
"""A function's states and settings that moto does not keep.

A new function is Pending and an updated one InProgress for as long as on AWS.
Both states end after a time, not after a number of requests as in moto.
"""

import time
from urllib.parse import unquote

from moto.awslambda import models
from moto.awslambda.exceptions import LambdaClientError
from moto.awslambda.models import LambdaFunction
from moto.awslambda.responses import LambdaResponse
from moto.ec2.models import ec2_backends

#: seconds of AWS's time
CREATE = 15
CREATE_IN_VPC = 45
UPDATE = 8
UPDATE_VPC = 30
RESTORE = 45  # to restore the network of a function that was idle for weeks

_context = None


class ResourceConflict(LambdaClientError):
    """Another update of the function is in progress."""

    code = 409

    def __init__(self, message: str):
        super().__init__("ResourceConflictException", message)


def state_of(function) -> str:
    """Pending until its time is over, then the state that was set."""
    if time.monotonic() < function.pending_until:
        return "Pending"
    if function.first_image:
        if function.fetching:
            return "Pending"
        if function.image_error:
            return "Failed"
    return function.settled_state


def make_inactive(function) -> None:
    """Make the function inactive, as after weeks without an invocation."""
    function.settled_state = "Inactive"


def restore(function) -> None:
    """Restore an inactive function; the invocation that triggers it fails."""
    function.settled_state = "Active"
    function.pending_reason = ("Restoring", "The function is being restored.")
    function.pending_until = _context.deadline(RESTORE)


def updating(function) -> bool:
    if function.fetching and not function.first_image:
        return True
    return time.monotonic() < function.updating_until


def _initialize(original):
    def __init__(function, account_id, spec, region, version=1):
        original(function, account_id, spec, region, version)
        function.logging_config = dict(spec.get("LoggingConfig") or {})
        function.generation = 0
        function.settled_state = "Active"
        function.pending_reason = ("Creating", "The function is being created.")
        seconds = CREATE_IN_VPC if in_vpc(function) else CREATE
        function.pending_until = _context.deadline(seconds)
        function.updating_until = 0.0

    return __init__


def in_vpc(function) -> bool:
    return bool((function._vpc_config or {}).get("SubnetIds"))


def log_group(function) -> str:
    """The function's log group."""
    name = function.logging_config.get("LogGroup")
    return name or f"/aws/lambda/{function.function_name}"


def vpc_config(function):
    """The VPC configuration, with the VPC of the subnets."""
    config = dict(function._vpc_config or {})
    if not config.get("SubnetIds"):
        return {"SubnetIds": [], "SecurityGroupIds": [], "VpcId": ""}
    backend = ec2_backends[function.account_id][function.region]
    for zone in backend.subnets.values():
        if config["SubnetIds"][0] in zone:
            config["VpcId"] = zone[config["SubnetIds"][0]].vpc_id
    return config


def _get_configuration(original):
    def get_configuration(function, on_create=False):
        config = original(function, on_create)
        config["LoggingConfig"] = {
            "LogFormat": "Text",
            **function.logging_config,
            "LogGroup": function.log_group,
        }
        if config["State"] == "Pending":
            config["StateReasonCode"], config["StateReason"] = function.pending_reason
        elif config["State"] == "Inactive":
            config["StateReasonCode"] = "Idle"
            config["StateReason"] = "The function has been inactive for a long time."
        elif config["State"] == "Failed":
            config["StateReasonCode"] = "InvalidImage"
            config["StateReason"] = function.image_error
        if function.image_error and not function.first_image:
            config["LastUpdateStatus"] = "Failed"
            config["LastUpdateStatusReason"] = function.image_error
            config["LastUpdateStatusReasonCode"] = "InvalidImage"
        if updating(function):
            config["LastUpdateStatus"] = "InProgress"
            config["LastUpdateStatusReason"] = "The function is being updated."
            config["LastUpdateStatusReasonCode"] = "Creating"
        return config

    return get_configuration


def _update_configuration(original):
    def update_configuration(function, updates):
        before = dict(function._vpc_config or {})
        original(function, updates)
        if "LoggingConfig" in updates:
            function.logging_config = dict(updates["LoggingConfig"] or {})
        if "ImageConfig" in updates:
            function.image_config = models.ImageConfig(updates["ImageConfig"] or {})
        if "EphemeralStorage" in updates:
            function.ephemeral_storage = updates["EphemeralStorage"]["Size"]
        moved = before != dict(function._vpc_config or {})
        _begin_update(function, UPDATE_VPC if moved else UPDATE)
        return function.get_configuration()

    return update_configuration


def _update_code(original):
    def update_function_code(function, spec):
        original(function, spec)
        if not spec.get("DryRun"):
            _begin_update(function, UPDATE)
        return function.get_configuration()

    return update_function_code


def _begin_update(function, seconds: float) -> None:
    function.generation += 1
    function.updating_until = _context.deadline(seconds)


def _refused_while_busy(original):
    """Refuse an update while another one is in progress."""

    def handler(response):
        name = unquote(response.path.rsplit("/", 2)[-2])
        function = response.backend.get_function(name)
        if updating(function):
            raise ResourceConflict(
                "The operation cannot be performed at this time. An update is in "
                f"progress for resource: {function.function_arn}"
            )
        if state_of(function) == "Pending":
            raise ResourceConflict(pending_message(function))
        return original(response)

    return handler


def pending_message(function) -> str:
    return (
        "The operation cannot be performed at this time. The function is currently in "
        f"the following state: {state_of(function)}"
    )


def install(context) -> None:
    """Put these in moto's place."""
    global _context
    _context = context
    cls = LambdaFunction
    cls.__init__ = _initialize(cls.__init__)
    cls.state = property(state_of, lambda function, value: None)
    cls.log_group = property(log_group)
    cls.vpc_config = property(vpc_config)
    cls.get_configuration = _get_configuration(cls.get_configuration)
    cls.update_configuration = _update_configuration(cls.update_configuration)
    cls.update_function_code = _update_code(cls.update_function_code)
    for name in ("update_function_configuration", "update_function_code"):
        setattr(
            LambdaResponse, name, _refused_while_busy(getattr(LambdaResponse, name))
        )
