# SPDX-License-Identifier: BSD-3-Clause
"""Drift detection: compares the resources of a stack with their template, as CloudFormation does.

Only properties that the template sets are compared, and of those only the ones that
READERS can read from the service. A resource whose type is in UNSUPPORTED is not
checked, so it is missing in the results.
"""

import json
import threading
import uuid
from dataclasses import dataclass, field
from datetime import datetime

from botocore.exceptions import ClientError
from moto.core.responses import ActionResult

from ..common import clock
from . import describe, faults
from .resources import Call, missing_is_fine, permission
from .template import invalid

#: statuses in which AWS detects drift (CloudFormation User Guide, "Considerations when detecting drift")
DETECTABLE = (
    "CREATE_COMPLETE",
    "UPDATE_COMPLETE",
    "UPDATE_ROLLBACK_COMPLETE",
    "UPDATE_ROLLBACK_FAILED",
)
UNSUPPORTED = ("AWS::IAM::Policy", "AWS::Lambda::EventInvokeConfig")
PAGE = 100
SECONDS = 40  # a detection for a stack takes this long in AWS


@dataclass
class Detection:
    """One run of drift detection."""

    id: str
    stack: object
    status: str = "DETECTION_IN_PROGRESS"
    reason: str | None = None
    drift: str = "NOT_CHECKED"
    drifted: int = 0
    started: datetime = field(default_factory=clock.now)


class DriftActions:
    """The actions of the API; CloudFormation's class has the rest."""

    detections = {}  # ID -> Detection
    lock = threading.Lock()
    context = None

    def detect_stack_drift(self):
        stack = self._stack("Stack [{}] does not exist")
        with self.lock:
            _check_detectable(stack, self.detections)
            made = Detection(str(uuid.uuid4()), stack)
            self.detections[made.id] = made
        threading.Thread(
            target=_detect, args=(self.context, made), name="drift", daemon=True
        ).start()
        return ActionResult({"StackDriftDetectionId": made.id})

    def describe_stack_drift_detection_status(self):
        wanted = self._get_param("StackDriftDetectionId")
        found = self.detections.get(wanted)
        if found is None:
            raise invalid(f"Drift detection with id {wanted} does not exist")
        reply = {
            "StackId": found.stack.id,
            "StackDriftDetectionId": found.id,
            "DetectionStatus": found.status,
            "DetectionStatusReason": found.reason,
            "Timestamp": found.started,
        }
        if found.status != "DETECTION_IN_PROGRESS":
            reply["StackDriftStatus"] = found.drift
            reply["DriftedStackResourceCount"] = found.drifted
        return ActionResult(reply)

    def describe_stack_resource_drifts(self):
        stack = self._stack("Stack [{}] does not exist")
        wanted = self._get_param("StackResourceDriftStatusFilters") or []
        most = min(int(self._get_param("MaxResults") or PAGE), PAGE)
        found = [
            item
            for item in stack.resource_drifts.values()
            if not wanted or item["StackResourceDriftStatus"] in wanted
        ]
        reply = describe.page(
            "StackResourceDrifts", found, self._token(), most=most
        )
        return ActionResult(reply)


def _check_detectable(stack, detections) -> None:
    if stack.status not in DETECTABLE:
        raise invalid(
            f"Stack [{stack.id}] is in {stack.status} state, in which drift can not "
            "be detected."
        )
    for other in detections.values():
        if other.stack is stack and other.status == "DETECTION_IN_PROGRESS":
            raise invalid(
                f"Drift detection is already in progress for stack [{stack.id}]"
            )


def _detect(context, detection) -> None:
    endless = faults.drift_never_ends()
    if not context.wait(SECONDS) or endless:
        return
    stack = detection.stack
    with stack.lock:
        resources = [r.copy() for r in stack.resources.values() if r.physical_id]
    failures = []
    results = {}
    for resource in resources:
        if resource.type in UNSUPPORTED:
            continue
        result = _check(stack, resource)
        results[resource.logical_id] = result
        if result["StackResourceDriftStatus"] == "UNKNOWN":
            failures.append(result)
    _record(detection, results, failures)


def _record(detection, results, failures) -> None:
    stack = detection.stack
    statuses = [item["StackResourceDriftStatus"] for item in results.values()]
    drifted = sum(status in ("MODIFIED", "DELETED") for status in statuses)
    with stack.lock:
        stack.resource_drifts = results
        stack.drift = "DRIFTED" if drifted else "IN_SYNC"
        stack.drift_checked = clock.now()
    detection.drift = stack.drift
    detection.drifted = drifted
    if failures:
        names = ", ".join(item["LogicalResourceId"] for item in failures)
        detection.reason = json.dumps(
            {
                "Summary": f"Failed to detect drift on resources [{names}]",
                "Failures": [
                    {
                        "Resource": item["LogicalResourceId"],
                        "FailureReason": item["DriftStatusReason"],
                    }
                    for item in failures
                ],
            }
        )
    detection.status = "DETECTION_FAILED" if failures else "DETECTION_COMPLETE"


def _check(stack, resource) -> dict:
    made = {
        "StackId": stack.id,
        "LogicalResourceId": resource.logical_id,
        "PhysicalResourceId": resource.physical_id,
        "ResourceType": resource.type,
        "PropertyDifferences": [],
        "Timestamp": clock.now(),
    }
    rule = faults.of_resource(resource, "drift_failed")
    if rule:
        made["StackResourceDriftStatus"] = "UNKNOWN"
        made["DriftStatusReason"] = rule.get("reason", "Rate exceeded")
        return made
    actual = _actual(stack, resource)
    if actual is None:
        made["StackResourceDriftStatus"] = "DELETED"
        return made
    names = [n for n in actual if n in resource.properties]
    expected = {n: resource.properties[n] for n in names}
    actual = {n: actual[n] for n in names}
    made["ExpectedProperties"] = _json(expected)
    made["ActualProperties"] = _json(actual)
    made["PropertyDifferences"] = list(_differences("", expected, actual))
    status = "MODIFIED" if made["PropertyDifferences"] else "IN_SYNC"
    made["StackResourceDriftStatus"] = status
    return made


def _json(value) -> str:
    return json.dumps(value, default=str)


def _text(value) -> str:
    return value if isinstance(value, str) else _json(value)


def _same(one, other) -> bool:
    """Whether two values are equal; a number in the template may be a text."""
    return one == other or _text(one) == _text(other)


def _differences(path, expected, actual):
    if isinstance(expected, dict) and isinstance(actual, dict):
        for name in sorted(set(expected) | set(actual)):
            yield from _differences(
                f"{path}/{name}", expected.get(name), actual.get(name)
            )
        return
    if isinstance(expected, list) and isinstance(actual, list):
        yield from _list_differences(path, expected, actual)
        return
    if _same(expected, actual):
        return
    kind = "ADD" if expected is None else "REMOVE" if actual is None else "NOT_EQUAL"
    yield _difference(path, expected, actual, kind)


def _list_differences(path, expected, actual):
    """The differences between two lists, whose order does not matter."""
    lost = [item for item in expected if item not in actual]
    won = [item for item in actual if item not in expected]
    for item in lost:
        yield _difference(f"{path}/{expected.index(item)}", item, None, "REMOVE")
    for item in won:
        yield _difference(f"{path}/{actual.index(item)}", None, item, "ADD")


def _difference(path, expected, actual, kind) -> dict:
    return {
        "PropertyPath": path,
        "ExpectedValue": _text(expected),
        "ActualValue": _text(actual),
        "DifferenceType": kind,
    }


def _actual(stack, resource):
    """The properties that the service has now; None if the resource does not exist."""
    reader = READERS.get(resource.type)
    if reader is None:
        return {}
    try:
        return reader(Call(stack, resource), resource.physical_id, resource.properties)
    except ClientError as error:
        if missing_is_fine(error):
            return None
        raise


def _function(call, name, _):
    found = call.client("lambda").get_function_configuration(FunctionName=name)
    return {
        "Description": found.get("Description", ""),
        "MemorySize": found["MemorySize"],
        "Timeout": found["Timeout"],
        "EphemeralStorage": found["EphemeralStorage"],
    }


def _log_group(call, name, _):
    found = call.client("logs").describe_log_groups(logGroupNamePrefix=name)
    groups = [g for g in found["logGroups"] if g["logGroupName"] == name]
    return {"RetentionInDays": groups[0].get("retentionInDays")} if groups else None


def _security_group(call, group, props):
    found = call.client("ec2").describe_security_groups(GroupIds=[group])
    rules = found["SecurityGroups"][0]["IpPermissions"]
    expected = props.get("SecurityGroupIngress", [])
    known = [(rule, _flat(permission(rule))) for rule in expected]
    return {
        "SecurityGroupIngress": [
            next((rule for rule, flat in known if flat == item), item)
            for item in (item for rule in rules for item in _split(rule))
        ]
    }


def _flat(rule) -> dict:
    return _split(rule)[0]


def _split(rule) -> list:
    """The rules in the form of a template: one rule for each source."""
    ports = {k: int(rule[k]) for k in ("FromPort", "ToPort") if k in rule}
    ports["IpProtocol"] = rule["IpProtocol"]
    sources = [
        *({"CidrIp": item["CidrIp"]} for item in rule.get("IpRanges", [])),
        *({"CidrIpv6": item["CidrIpv6"]} for item in rule.get("Ipv6Ranges", [])),
        *(
            {"SourceSecurityGroupId": item["GroupId"]}
            for item in rule.get("UserIdGroupPairs", [])
        ),
    ]
    return [{**ports, **source} for source in sources]


def _role(call, name, _):
    iam = call.client("iam")
    iam.get_role(RoleName=name)
    attached = iam.list_attached_role_policies(RoleName=name)["AttachedPolicies"]
    return {"ManagedPolicyArns": [item["PolicyArn"] for item in attached]}


def _subnet(call, subnet, _):
    found = call.client("ec2").describe_subnets(SubnetIds=[subnet])["Subnets"][0]
    return {"CidrBlock": found["CidrBlock"], "VpcId": found["VpcId"]}


def _address(call, address, _):
    call.client("ec2").describe_addresses(PublicIps=[address])
    return {}


def _nat_gateway(call, gateway, _):
    found = call.client("ec2").describe_nat_gateways(NatGatewayIds=[gateway])
    state = found["NatGateways"][0]["State"]
    return None if state in ("deleting", "deleted") else {}


def _route(call, physical_id, _):
    table, cidr = physical_id.split("|")
    found = call.client("ec2").describe_route_tables(RouteTableIds=[table])
    for route in found["RouteTables"][0]["Routes"]:
        if route.get("DestinationCidrBlock") == cidr:
            return {k: route.get(k) for k in ("GatewayId", "NatGatewayId")}
    return None


def _route_table(call, table, _):
    call.client("ec2").describe_route_tables(RouteTableIds=[table])
    return {}


def _cluster(call, name, _):
    found = call.client("ecs").describe_clusters(clusters=[name])["clusters"]
    active = [c for c in found if c["status"] == "ACTIVE"]
    return {} if active else None


READERS = {
    "AWS::EC2::EIP": _address,
    "AWS::EC2::NatGateway": _nat_gateway,
    "AWS::EC2::Route": _route,
    "AWS::EC2::RouteTable": _route_table,
    "AWS::EC2::SecurityGroup": _security_group,
    "AWS::EC2::Subnet": _subnet,
    "AWS::ECS::Cluster": _cluster,
    "AWS::IAM::Role": _role,
    "AWS::Lambda::Function": _function,
    "AWS::Logs::LogGroup": _log_group,
}
