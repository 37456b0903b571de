"""Where moto's IAM answers otherwise than AWS's."""

import json

from moto.iam import models
from moto.iam.models import IAMBackend

from .errors import ApiError
from .patching import surround


def install(context) -> None:
    """Names of service-linked roles and the check of trust documents."""
    models.SERVICE_NAME_CONVERSION["ecs"] = "ECS"
    surround(context, IAMBackend, create_service_linked_role, create_role)


def create_service_linked_role(backend, original, service_name, *rest):
    """A second one is refused in these words."""
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
    """The trust document must be one."""
    try:
        json.loads(assume_role_policy_document)["Statement"]
    except (ValueError, KeyError, TypeError):
        raise ApiError(
            "MalformedPolicyDocument", "This policy contains invalid Json"
        ) from None
    return original(backend, role_name, assume_role_policy_document, *rest, **kw)
