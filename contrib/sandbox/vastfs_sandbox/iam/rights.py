# SPDX-License-Identifier: BSD-3-Clause
"""Refuses calls that the policies of the caller do not allow.

The policies of users and roles with at least one policy are enforced. Users and roles
without a policy may do everything, as may the sandbox's own user. CloudFormation's
calls are signed with the key of the stack's caller, so that caller's policies apply.
moto's own enforcement is not used, because it does not check resources for most services.
"""

import json
import re

from ..wire import actions, wsgi
from ..wire.errors import envelope, protocol_of
from . import policy, requests

REGISTRY_ACTIONS = {
    "HeadBlob": "BatchCheckLayerAvailability",
    "GetBlob": "GetDownloadUrlForLayer",
    "GetManifest": "BatchGetImage",
    "HeadManifest": "BatchGetImage",
    "StartUpload": "InitiateLayerUpload",
    "GetUpload": "UploadLayerPart",
    "PatchUpload": "UploadLayerPart",
    "PutUpload": "CompleteLayerUpload",
    "DeleteUpload": "UploadLayerPart",
    "PutManifest": "PutImage",
    "ListTags": "ListImages",
}


class Principal:
    """A caller and the documents of its policies."""

    def __init__(self, arn, documents):
        self.arn = arn
        self.documents = documents

    def refusal(self, request) -> str:
        """AWS's message if the request is not allowed, else an empty string."""
        decision = policy.decide(self.documents, request)
        if decision == "allow":
            return ""
        why = (
            f"with an explicit deny in an identity-based policy: {request.action}"
            if decision == "deny"
            else f"because no identity-based policy allows the {request.action} action"
        )
        return f"User: {self.arn} is not authorized to perform: {request.action} on resource: {request.resource} {why}"


def principal_of(context, access_key):
    """The principal of a key; None if it may do everything."""
    from moto.iam.models import iam_backends
    from moto.sts.models import sts_backends

    iam = iam_backends[context.account_id]["aws"]
    for session in sts_backends[context.account_id]["aws"].assumed_roles:
        if session.access_key_id == access_key:
            name = session.role_arn.rpartition("/")[2]
            role = next((r for r in iam.roles.values() if r.name == name), None)
            arn = f"arn:aws:sts::{context.account_id}:assumed-role/{name}/{session.session_name}"
            return _restricted(arn, _documents(role) if role else [])
    for user in iam.users.values():
        if any(key.access_key_id == access_key for key in user.access_keys):
            groups = [group for group in iam.groups.values() if user in group.users]
            documents = [d for holder in (user, *groups) for d in _documents(holder)]
            return _restricted(user.arn, documents)
    return None


def _restricted(arn, documents):
    return Principal(arn, documents) if documents else None


def _documents(holder) -> list:
    """The documents of a user's, group's or role's policies, managed and inline."""
    managed = holder.managed_policies.values()
    texts = [v.document for p in managed for v in p.versions if v.version_id == p.default_version_id]
    texts += holder.policies.values()
    return [json.loads(text) if isinstance(text, str) else text for text in texts]


class Call:
    """The parts of a call that its authorization needs."""

    def __init__(self, context, service, region, operation, parameters):
        self.context = context
        self.service = service
        self.region = region
        self.operation = operation
        self.parameters = parameters
        self.facts = Facts(context, region)

    def arn(self, service: str, rest: str) -> str:
        region = "" if service == "iam" else self.region
        return f"arn:aws:{service}:{region}:{self.context.account_id}:{rest}"

    @property
    def tags(self) -> dict:
        """The tags that the request sets."""
        given = self.parameters.get("Tags") or self.parameters.get("tags")
        if isinstance(given, dict):
            return given
        if isinstance(given, list):
            return {tag.get("Key", tag.get("key")): tag.get("Value", tag.get("value", "")) for tag in given}
        found = {}
        for key, value in self.parameters.items():
            if re.search(r"Tags?\.(member\.)?\d+\.Key$", key):
                found[value] = self.parameters.get(f"{key[:-3]}Value", "")
        return found


class Facts:
    """What a service looks up to authorize a call: tags, and what resources belong to."""

    def __init__(self, context, region):
        self.account = context.account_id
        self.region = region

    def ec2_tags(self, identity) -> dict:
        from moto.ec2.models import ec2_backends

        return dict(ec2_backends[self.account][self.region].tags.get(identity, {}))

    def route_table_of(self, association) -> str:
        from moto.ec2.models import ec2_backends

        for table in ec2_backends[self.account][self.region].route_tables.values():
            if association in table._associations:
                return table.id
        return association

    def efs_tags(self, identity) -> dict:
        from moto.efs.models import efs_backends

        if not identity:
            return {}
        tags = efs_backends[self.account][self.region].list_tags_for_resource(identity)
        return {tag["Key"]: tag["Value"] for tag in tags}

    def file_system_of(self, target) -> str:
        from moto.efs.models import efs_backends

        found = efs_backends[self.account][self.region].mount_targets_by_id.get(target)
        return found.file_system_id if found else ""

    def roles_of_definition(self, name) -> list:
        from moto.ecs.models import ecs_backends

        try:
            found = ecs_backends[self.account][self.region].describe_task_definition(name)
        except Exception:  # the call itself reports that it does not exist
            return []
        return [found.execution_role_arn, found.task_role_arn]


class Rights:
    """The layer around moto that refuses calls; CloudFormation's calls pass through it, too."""

    def __init__(self, context, app):
        self.context = context
        self.app = app

    def __call__(self, environ, start_response):
        scope = wsgi.scope_of(environ)
        principal = principal_of(self.context, scope[0]) if scope else None
        message = self._refusal(principal, environ, scope) if principal else ""
        if not message:
            return self.app(environ, start_response)
        return wsgi.reply(start_response, *denial(scope[3], message))

    def _refusal(self, principal, environ, scope) -> str:
        operation = actions.name_of(environ).partition(":")[2]
        call = Call(self.context, scope[3], scope[2], operation, actions.parameters_of(environ))
        try:
            needed = requests.requests_of(call)
        except requests.Unknown as error:
            return str(error)
        return next((text for text in map(principal.refusal, needed) if text), "")


def denial(service, message):
    """(status, headers, body) of a refusal."""
    if service == "ec2":
        return envelope(service, 403, "UnauthorizedOperation", f"You are not authorized to perform this operation. {message}")
    protocol = protocol_of(service)
    code = "AccessDenied" if protocol in ("query", "rest-xml") else "AccessDeniedException"
    return envelope(service, 400 if protocol == "json" else 403, code, message)


def check_registry(context, access_key, region, name, action) -> str:
    """AWS's message if the holder of a registry token may not do this."""
    principal = principal_of(context, access_key)
    if not principal or action not in REGISTRY_ACTIONS:
        return ""
    arn = f"arn:aws:ecr:{region}:{context.account_id}:repository/{name}"
    return principal.refusal(policy.Request(f"ecr:{REGISTRY_ACTIONS[action]}", arn))
