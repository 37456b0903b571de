# SPDX-License-Identifier: BSD-3-Clause
"""VPC Block Public Access, which moto lacks: the mode of the region and the exclusions from it.

In the mode block-bidirectional nothing in a VPC reaches the Internet, also not
through its NAT gateway, unless the VPC is excluded.
"""

import uuid

from moto.core.responses import ActionResult
from moto.ec2.exceptions import EC2ClientError
from moto.ec2.responses import EC2Response

from ..common import clock

MODES = ("off", "block-bidirectional", "block-ingress")

_context = None


def install(context) -> None:
    """Add the five actions to moto."""
    global _context
    _context = context
    for action in (
        describe_vpc_block_public_access_options,
        modify_vpc_block_public_access_options,
        describe_vpc_block_public_access_exclusions,
        create_vpc_block_public_access_exclusion,
        delete_vpc_block_public_access_exclusion,
    ):
        setattr(EC2Response, action.__name__, action)


def is_cut_off(backend, vpc_id: str) -> bool:
    """Whether nothing in the VPC reaches the Internet."""
    excluded = any(
        item["ResourceArn"].endswith(f"/{vpc_id}") and item["State"] == "create-complete"
        for item in _exclusions(backend)
    )
    return _options(backend)["InternetGatewayBlockMode"] == MODES[1] and not excluded


def _options(backend) -> dict:
    return backend.__dict__.setdefault(
        "public_access_options",
        {
            "AwsAccountId": backend.account_id,
            "AwsRegion": backend.region_name,
            "State": "default-state",
            "InternetGatewayBlockMode": "off",
            "ManagedBy": "account",
            "ExclusionsAllowed": "allowed",
        },
    )


def _exclusions(backend) -> list:
    return backend.__dict__.setdefault("public_access_exclusions", [])


def describe_vpc_block_public_access_options(response) -> ActionResult:
    return ActionResult({"VpcBlockPublicAccessOptions": _options(response.ec2_backend)})


def modify_vpc_block_public_access_options(response) -> ActionResult:
    mode = response._get_param("InternetGatewayBlockMode")
    if mode not in MODES:
        raise EC2ClientError("InvalidParameterValue", f"Invalid mode: {mode}")
    with _context.lock:
        options = _options(response.ec2_backend)
        options.update(InternetGatewayBlockMode=mode, State="update-complete")
    return ActionResult({"VpcBlockPublicAccessOptions": options})


def describe_vpc_block_public_access_exclusions(response) -> ActionResult:
    with _context.lock:
        items = [dict(item) for item in _exclusions(response.ec2_backend)]
    return ActionResult({"VpcBlockPublicAccessExclusions": items})


def create_vpc_block_public_access_exclusion(response) -> ActionResult:
    backend = response.ec2_backend
    kind, resource = "vpc", response._get_param("VpcId")
    if not resource:
        kind, resource = "subnet", response._get_param("SubnetId")
    arn = f"arn:aws:ec2:{backend.region_name}:{backend.account_id}:{kind}/{resource}"
    made = {
        "ExclusionId": f"vpcbpa-exclude-{uuid.uuid4().hex[:17]}",
        "InternetGatewayExclusionMode": response._get_param("InternetGatewayExclusionMode"),
        "ResourceArn": arn,
        "State": "create-complete",
        "CreationTimestamp": clock.now(),
    }
    with _context.lock:
        _exclusions(backend).append(made)
    return ActionResult({"VpcBlockPublicAccessExclusion": made})


def delete_vpc_block_public_access_exclusion(response) -> ActionResult:
    """Delete an exclusion. It stays in the list with another state for a while."""
    wanted = response._get_param("ExclusionId")
    with _context.lock:
        for item in _exclusions(response.ec2_backend):
            if item["ExclusionId"] == wanted:
                item["State"] = "delete-complete"
                return ActionResult({"VpcBlockPublicAccessExclusion": item})
    raise EC2ClientError(
        "InvalidVpcBlockPublicAccessExclusionId.NotFound", f"{wanted} does not exist"
    )
