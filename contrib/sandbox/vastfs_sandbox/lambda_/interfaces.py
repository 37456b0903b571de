# SPDX-License-Identifier: BSD-3-Clause
"""Network interfaces of Lambda functions in a VPC.

On AWS a function has an interface in each of its subnets, which remains long
after the function was deleted: that is why deleting a stack is slow. moto has no
such interfaces. A function's states are in states.py, its images in images.py.
"""

import json
import uuid

from moto.awslambda.exceptions import LambdaClientError
from moto.awslambda.models import LambdaBackend, LambdaFunction
from moto.ec2.exceptions import EC2ClientError
from moto.ec2.models import ec2_backends

from ..common.patching import surround
from ..ec2 import make_interface

RELEASE = 60  # until an unused interface is `available`
REMOVE = 1500  # until Lambda deletes it
LEAST_STORAGE, MOST_STORAGE = 512, 10240  # MB of /tmp

_context = None


def install(context) -> None:
    """Wrap the rules of interfaces around moto's functions."""
    global _context
    _context = context
    surround(context, LambdaBackend, create_function, delete_function)
    surround(context, LambdaFunction, update_configuration)


def _ec2(function):
    return ec2_backends[function.account_id][function.region]


def create_function(backend, original, spec):
    """The function takes its addresses at once."""
    ec2 = ec2_backends[backend.account_id][backend.region_name]
    _check(ec2, spec.get("VpcConfig"))
    _check_storage(spec.get("EphemeralStorage"))
    function = original(backend, spec)
    function.interfaces = []
    _enter(function)
    return function


def delete_function(backend, original, function_name, qualifier=None):
    """The function's interfaces remain."""
    function = backend.get_function(function_name, qualifier)
    original(backend, function_name, qualifier)
    _leave(function)


def update_configuration(function, original, updates):
    """After a move to another network the old interfaces remain."""
    _check(_ec2(function), updates.get("VpcConfig"))
    _check_storage(updates.get("EphemeralStorage"))
    before = dict(function._vpc_config or {})
    answer = original(function, updates)
    if before != dict(function._vpc_config or {}):
        _leave(function)
        _enter(function)
    return answer


def _check(ec2, config) -> None:
    """The subnets and security groups must exist."""
    for subnet in (config or {}).get("SubnetIds") or []:
        try:
            ec2.get_subnet(subnet)
        except EC2ClientError:
            _refuse(f"The subnet ID '{subnet}' does not exist")
    for group in (config or {}).get("SecurityGroupIds") or []:
        if ec2.get_security_group_from_id(group) is None:
            _refuse(f"The security group '{group}' does not exist")


def _check_storage(storage) -> None:
    """Check the size of /tmp in MB."""
    size = (storage or {}).get("Size", LEAST_STORAGE)
    for relation, limit, wrong in (
        ("greater", LEAST_STORAGE, size < LEAST_STORAGE),
        ("less", MOST_STORAGE, size > MOST_STORAGE),
    ):
        if wrong:
            _refuse(
                f"1 validation error detected: Value '{size}' at 'ephemeralStorage.size' failed to "
                f"satisfy constraint: Member must have value {relation} than or equal to {limit}",
                "ValidationException",
            )


def _refuse(message, code="InvalidParameterValueException"):
    error = LambdaClientError(code, message)
    error.description = json.dumps({"Type": "User", "Message": message})
    raise error


def _enter(function) -> None:
    """Create one interface in each subnet."""
    config = function._vpc_config or {}
    for subnet in config.get("SubnetIds") or []:
        words = f"AWS Lambda VPC ENI-{function.function_name}-{uuid.uuid4()}"
        groups = config.get("SecurityGroupIds") or []
        interface = make_interface(_ec2(function), subnet, groups, words, "lambda")
        function.interfaces.append(interface)


def _leave(function) -> None:
    """Release the interfaces slowly, and delete them very slowly."""
    enis = _ec2(function).enis
    left, function.interfaces = function.interfaces, []

    def release():
        for interface in left:
            interface.status = "available"
        if _context.scaled(REMOVE) > 0:  # otherwise no client would ever see them
            _context.later(REMOVE, remove)

    def remove():
        for interface in left:
            enis.pop(interface.id, None)

    _context.later(RELEASE, release)
