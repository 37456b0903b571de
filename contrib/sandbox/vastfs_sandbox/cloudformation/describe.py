# SPDX-License-Identifier: BSD-3-Clause
"""Descriptions of stacks, events and change sets, as CloudFormation's replies have them."""

import json

from ..common import clock
from . import validate
from .model import STACK_TYPE
from .template import Unknown, invalid

PAGE = 100
#: stands for a value that exists only after the execution
KNOWN_LATER = str(Unknown())

now = clock.now


def text(value) -> str:
    """Metadata as the text that replies contain."""
    return json.dumps(value)


def page(key, items, token, identity=None, most=PAGE) -> dict:
    """One page of a list.

    With `identity` the token names the last item of the page, so that pages do
    not overlap when new items are inserted in front.
    """
    start = 0
    if token and identity:
        ids = [item[identity] for item in items]
        if token not in ids:
            raise invalid("NextToken is not valid")
        start = ids.index(token) + 1
    elif token:
        start = int(token) if token.isdigit() else 0
    part = items[start : start + most]
    reply = {key: part}
    if start + most < len(items):
        reply["NextToken"] = part[-1][identity] if identity else str(start + most)
    return reply


def _parameters(values, declared) -> list:
    return [
        {
            "ParameterKey": name,
            "ParameterValue": "****" if _hidden(declared.get(name)) else value,
        }
        for name, value in values.items()
    ]


def _hidden(rule) -> bool:
    return str((rule or {}).get("NoEcho", "")).lower() == "true"


def stack(item) -> dict:
    """DescribeStacks."""
    with item.lock:
        reply = {
            "StackId": item.id,
            "StackName": item.name,
            "ChangeSetId": item.change_set_id,
            "Description": item.template.get("Description"),
            "Parameters": _parameters(
                item.parameters, item.template.get("Parameters", {})
            ),
            "CreationTime": item.created,
            "LastUpdatedTime": item.updated,
            "DeletionTime": item.deleted,
            "StackStatus": item.status,
            "StackStatusReason": item.reason,
            "DisableRollback": item.disable_rollback,
            "NotificationARNs": [],
            "Capabilities": item.capabilities,
            "Outputs": item.outputs,
            "Tags": item.tags,
            "EnableTerminationProtection": item.protected,
            "DriftInformation": _drift(item),
            "RollbackConfiguration": {},
        }
    return reply


def _drift(item) -> dict:
    made = {"StackDriftStatus": item.drift}
    if item.drift_checked:
        made["LastCheckTimestamp"] = item.drift_checked
    return made


def _resource_drift(item, found) -> dict:
    checked = item.resource_drifts.get(found.logical_id)
    if checked is None:
        return {"StackResourceDriftStatus": "NOT_CHECKED"}
    return {
        "StackResourceDriftStatus": checked["StackResourceDriftStatus"],
        "LastCheckTimestamp": checked["Timestamp"],
    }


def summary(item) -> dict:
    """ListStacks."""
    return {
        "StackId": item.id,
        "StackName": item.name,
        "TemplateDescription": item.template.get("Description"),
        "CreationTime": item.created,
        "LastUpdatedTime": item.updated,
        "DeletionTime": item.deleted,
        "StackStatus": item.status,
        "StackStatusReason": item.reason,
        "DriftInformation": _drift(item),
    }


def event(item, line) -> dict:
    """DescribeStackEvents."""
    return {
        "StackId": item.id,
        "StackName": item.name,
        "EventId": line.event_id,
        "LogicalResourceId": line.logical_id,
        "PhysicalResourceId": line.physical_id,
        "ResourceType": line.type,
        "Timestamp": line.timestamp,
        "ResourceStatus": line.status,
        "ResourceStatusReason": line.reason,
        "ResourceProperties": line.properties,
        "ClientRequestToken": line.token,
        "OperationId": line.operation_id,
    }


def operation_event(item, line) -> dict:
    """DescribeEvents, for an event of a stack."""
    failed = line.status.endswith("_FAILED")
    kind = "STACK_EVENT" if line.type == STACK_TYPE else "PROGRESS_EVENT"
    made = event(item, line)
    made["OperationType"] = line.operation_type
    made["EventType"] = "PROVISIONING_ERROR" if failed else kind
    return made


def change_set_events(item, made) -> list:
    """DescribeEvents, for the errors of a change set."""
    if made.status != "FAILED":
        return []
    return [
        {
            "EventId": f"{made.name}-validation",
            "StackId": item.id,
            "OperationId": made.id,
            "OperationType": "CREATE_CHANGESET",
            "OperationStatus": "FAILED",
            "EventType": "VALIDATION_ERROR" if made.error else "STACK_EVENT",
            "LogicalResourceId": item.name,
            "PhysicalResourceId": item.id,
            "ResourceType": STACK_TYPE,
            "Timestamp": made.created,
            "ValidationStatus": "FAILED" if made.error else None,
            "ValidationStatusReason": made.reason,
            "ResourceStatusReason": made.reason,
        }
    ]


def is_failure(item) -> bool:
    """Whether an event of DescribeEvents is an error."""
    return item["EventType"].endswith("_ERROR")


def resources(item) -> list:
    """A stack's resources, without deleted ones."""
    with item.lock:
        return [r for r in item.resources.values() if r.status]


def resource(item, found) -> dict:
    """DescribeStackResources."""
    return {
        "StackId": item.id,
        "StackName": item.name,
        "LogicalResourceId": found.logical_id,
        "PhysicalResourceId": found.physical_id or None,
        "ResourceType": found.type,
        "Timestamp": found.updated,
        "ResourceStatus": found.status,
        "ResourceStatusReason": found.reason,
        "DriftInformation": _resource_drift(item, found),
    }


def change_set_summary(item, made) -> dict:
    """ListChangeSets."""
    return {
        "StackId": item.id,
        "StackName": item.name,
        "ChangeSetId": made.id,
        "ChangeSetName": made.name,
        "ExecutionStatus": made.execution,
        "Status": made.status,
        "StatusReason": made.reason,
        "CreationTime": made.created,
        "Description": made.description,
    }


def change_set(item, made, token, values) -> dict:
    """DescribeChangeSet."""
    reply = change_set_summary(item, made)
    declared = made.template.get("Parameters", {})
    reply.update(
        Parameters=_parameters(made.parameters, declared),
        Capabilities=made.capabilities,
        Tags=made.tags,
        OnStackFailure=made.on_failure,
        NotificationARNs=[],
    )
    changes = [
        {"Type": "Resource", "ResourceChange": _change(c, values)} for c in made.changes
    ]
    reply.update(page("Changes", changes, token))
    return reply


def _change(item, values) -> dict:
    made = {
        "Action": item.action,
        "LogicalResourceId": item.logical_id,
        "PhysicalResourceId": item.physical_id or None,
        "ResourceType": item.type,
        "Replacement": item.replacement,
        "Scope": item.scope,
        "Details": item.details,
    }
    if values:
        made["BeforeContext"] = _context(item.before)
        made["AfterContext"] = _context(item.after)
        made["Details"] = [_with_values(item, detail) for detail in item.details]
    return made


def _context(properties):
    """The whole resource, as IncludePropertyValues adds it."""
    if properties is None:
        return None
    made = {"Properties": properties}
    return json.dumps(made, default=lambda _: KNOWN_LATER)


def _with_values(item, detail) -> dict:
    """The detail with the values of its property before and after."""
    target = dict(detail["Target"])
    name = target.get("Name", "Tags")
    target["Path"] = f"/Properties/{name}"
    before = (item.before or {}).get(name)
    after = (item.after or {}).get(name)
    if before is not None:
        target["BeforeValue"] = _value(before)
    if after is not None:
        target["AfterValue"] = _value(after)
    kind = "Add" if before is None else "Remove" if after is None else "Modify"
    target["AttributeChangeType"] = kind
    return {**detail, "Target": target}


def _value(value) -> str:
    if isinstance(value, str):
        return value
    made = json.dumps(value, default=lambda _: KNOWN_LATER)
    return KNOWN_LATER if made == json.dumps(KNOWN_LATER) else made


def template_summary(template) -> dict:
    """GetTemplateSummary and ValidateTemplate."""
    capabilities, reason = validate.needed_capabilities(template)
    metadata = template.get("Metadata")
    return {
        "Parameters": [
            {
                "ParameterKey": name,
                "ParameterType": rule.get("Type"),
                "DefaultValue": rule.get("Default"),
                "NoEcho": _hidden(rule),
                "Description": rule.get("Description"),
                "ParameterConstraints": {
                    "AllowedValues": [str(v) for v in rule.get("AllowedValues", [])]
                },
            }
            for name, rule in template.get("Parameters", {}).items()
        ],
        "Description": template.get("Description"),
        "Capabilities": capabilities,
        "CapabilitiesReason": reason,
        "ResourceTypes": sorted(
            {item["Type"] for item in template["Resources"].values()}
        ),
        "Version": template.get("AWSTemplateFormatVersion"),
        "Metadata": text(metadata) if metadata is not None else None,
    }
