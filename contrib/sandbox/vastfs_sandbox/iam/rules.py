# SPDX-License-Identifier: BSD-3-Clause
"""Rules of IAM that moto lacks."""

import json
import re

from moto.iam import models
from moto.iam.models import IAMBackend

from ..common.patching import surround
from ..wire.errors import ApiError

#: the default quota of managed policies per role
POLICIES_PER_ROLE = 10
POLICY_ARN = re.compile(r"arn:aws[a-z-]*:iam::(aws|[0-9]{12}):policy/.+")


def install(context) -> None:
    """Wrap the rules around moto's backend."""
    models.SERVICE_NAME_CONVERSION["ecs"] = "ECS"
    surround(
        context,
        IAMBackend,
        create_service_linked_role,
        create_role,
        attach_role_policy,
    )


def create_service_linked_role(backend, original, service_name, *rest):
    """A second service-linked role of the same name is refused."""
    try:
        return original(backend, service_name, *rest)
    except models.EntityAlreadyExists:
        name = service_name.split(".")[0]
        name = models.SERVICE_NAME_CONVERSION.get(name, name)
        raise ApiError(
            "InvalidInput",
            f"Service role name AWSServiceRoleFor{name} has been taken in this "
            "account, please try a different suffix.",
        ) from None


def create_role(backend, original, role_name, assume_role_policy_document, *rest, **kw):
    """The trust policy must be a policy document."""
    try:
        json.loads(assume_role_policy_document)["Statement"]
    except (ValueError, KeyError, TypeError):
        raise ApiError(
            "MalformedPolicyDocument", "This policy contains invalid Json"
        ) from None
    return original(backend, role_name, assume_role_policy_document, *rest, **kw)


def attach_role_policy(backend, original, policy_arn, role_name):
    """Refused if the ARN is invalid, the policy does not exist or the quota is reached."""
    if not POLICY_ARN.fullmatch(policy_arn):
        raise ApiError("InvalidInput", f"ARN {policy_arn} is not valid.")
    if ":policy/aws-service-role/" in policy_arn:
        raise ApiError(
            "PolicyNotAttachable",
            "Cannot attach a Service Role Policy to a Customer Role.",
        )
    if policy_arn not in {known.arn for known in backend.managed_policies.values()}:
        raise ApiError(
            "NoSuchEntity",
            f"Policy {policy_arn} does not exist or is not attachable.",
        )
    attached = set(backend.get_role(role_name).managed_policies)
    if policy_arn not in attached and len(attached) >= POLICIES_PER_ROLE:
        raise ApiError(
            "LimitExceeded",
            f"Cannot exceed quota for PoliciesPerRole: {POLICIES_PER_ROLE}",
        )
    return original(backend, policy_arn, role_name)
