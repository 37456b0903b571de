# SPDX-License-Identifier: BSD-3-Clause
"""Checks that CloudFormation makes before it changes anything."""

import re

from ..wire.errors import ApiError
from .template import PSEUDO, dependencies, invalid, parse, references

MAX_BODY = 51200
STACK_NAME = re.compile(r"[a-zA-Z][-a-zA-Z0-9]{0,127}")
LOGICAL_ID = re.compile(r"[a-zA-Z0-9]{1,255}")
SECTIONS = {
    "AWSTemplateFormatVersion",
    "Description",
    "Metadata",
    "Parameters",
    "Rules",
    "Mappings",
    "Conditions",
    "Transform",
    "Resources",
    "Outputs",
    "Hooks",
}
RESOURCE_KEYS = {
    "Type",
    "Properties",
    "DependsOn",
    "Condition",
    "Metadata",
    "DeletionPolicy",
    "UpdateReplacePolicy",
    "UpdatePolicy",
    "CreationPolicy",
}
#: properties that require CAPABILITY_NAMED_IAM
IAM_NAMES = ("RoleName", "UserName", "GroupName", "ManagedPolicyName")


def stack_name(name: str) -> None:
    """Check the name of a new stack."""
    if not STACK_NAME.fullmatch(name):
        raise invalid(
            f"1 validation error detected: Value '{name}' at 'stackName' failed to "
            "satisfy constraint: Member must satisfy regular expression pattern: "
            "[a-zA-Z][-a-zA-Z0-9]*"
        )


def change_set_name(name: str) -> None:
    """Check the name of a new change set."""
    if not STACK_NAME.fullmatch(name):
        raise invalid(
            f"1 validation error detected: Value '{name}' at 'changeSetName' failed to "
            "satisfy constraint: Member must satisfy regular expression pattern: "
            "[a-zA-Z][-a-zA-Z0-9]*"
        )


def template(body: str, known_types) -> dict:
    """The parsed template; refused if it cannot be deployed."""
    if len(body.encode()) > MAX_BODY:
        raise invalid(
            "1 validation error detected: Value at 'templateBody' failed to satisfy "
            "constraint: Member must have length less than or equal to 51200"
        )
    parsed = parse(body)
    extra = sorted(set(parsed) - SECTIONS)
    if extra:
        raise invalid(f"Invalid template property or properties [{', '.join(extra)}]")
    if not parsed.get("Resources"):
        raise invalid(
            "Template format error: At least one Resources member must be defined."
        )
    _resources(parsed, known_types)
    _references(parsed)
    _circles(parsed)
    return parsed


def _resources(parsed, known_types) -> None:
    unknown = []
    for name, definition in parsed["Resources"].items():
        if not LOGICAL_ID.fullmatch(name):
            raise invalid(
                f"Template format error: Resource name {name} is non alphanumeric."
            )
        if "Type" not in definition:
            raise invalid(
                f"Template format error: [/Resources/{name}] Every Resources object "
                "must contain a Type member."
            )
        if set(definition) - RESOURCE_KEYS:
            raise invalid(
                "Invalid template resource property "
                f"'{sorted(set(definition) - RESOURCE_KEYS)[0]}'"
            )
        if definition["Type"] not in known_types:
            unknown.append(definition["Type"])
    if unknown:
        names = ", ".join(sorted(set(unknown)))
        raise invalid(f"Template format error: Unrecognized resource types: [{names}]")


def _references(parsed) -> None:
    known = set(parsed["Resources"]) | set(parsed.get("Parameters", {}))
    known |= set(PSEUDO)
    for section in ("Resources", "Outputs"):
        used = {name for name, _ in references(parsed.get(section, {}))}
        if section == "Resources":
            used |= _depends_on(parsed)
        missing = sorted(used - known)
        if missing:
            raise invalid(
                "Template format error: Unresolved resource dependencies "
                f"[{', '.join(missing)}] in the {section} block of the template"
            )
    _conditions(parsed)


def _depends_on(parsed):
    names = set()
    for definition in parsed["Resources"].values():
        value = definition.get("DependsOn", [])
        names |= {value} if isinstance(value, str) else set(value)
    return names


def _conditions(parsed) -> None:
    known = set(parsed.get("Conditions", {}))
    for name, definition in parsed["Resources"].items():
        condition = definition.get("Condition")
        if condition is not None and condition not in known:
            raise invalid(
                f"Template format error: Unresolved dependencies [{condition}]. Cannot "
                f"reference resources in the Conditions block of the template: {name}"
            )


def _circles(parsed) -> None:
    """The names in circular dependencies: names without dependencies are removed until none is left."""
    graph = {
        name: dependencies(parsed, name) for name in parsed["Resources"]
    }
    while graph:
        free = {name for name, needs in graph.items() if not needs & set(graph)}
        if not free:
            names = ", ".join(sorted(graph))
            raise invalid(f"Circular dependency between resources: [{names}]")
        graph = {name: needs for name, needs in graph.items() if name not in free}


def parameters(parsed, given, previous) -> dict:
    """{name: text} for all parameters of the template.

    `given` are the request's Parameters, `previous` the stack's values.
    """
    declared = parsed.get("Parameters", {})
    values = {}
    for item in given or []:
        name = item["ParameterKey"]
        if item.get("UsePreviousValue"):
            if name not in previous:
                raise invalid(
                    f"Invalid input for parameter key {name}. Cannot specify "
                    "usePreviousValue as true for a parameter key not in the "
                    "previous template"
                )
            values[name] = previous[name]
        else:
            values[name] = item.get("ParameterValue", "")
    extra = sorted(set(values) - set(declared))
    if extra:
        raise invalid(f"Parameters: [{', '.join(extra)}] do not exist in the template")
    for name, rule in declared.items():
        if name not in values and "Default" in rule:
            values[name] = str(rule["Default"])
    missing = sorted(set(declared) - set(values))
    if missing:
        raise invalid(f"Parameters: [{', '.join(missing)}] must have values")
    for name, value in values.items():
        _parameter(name, value, declared[name])
    return values


def _parameter(name, value, rule) -> None:
    words = rule.get("ConstraintDescription")
    allowed = [str(item) for item in rule.get("AllowedValues", [])]
    if allowed and value not in allowed:
        raise invalid(
            words
            and f"Parameter {name} failed to satisfy constraint: {words}"
            or f"Parameter '{name}' must be one of AllowedValues"
        )
    pattern = rule.get("AllowedPattern")
    if pattern and not re.fullmatch(pattern, value):
        what = words or f"must match pattern {pattern}"
        raise invalid(
            f"Parameter {name} failed to satisfy constraint: {what}"
            if words
            else f"Parameter '{name}' {what}"
        )
    _number(name, value, rule)
    if len(value) > int(rule.get("MaxLength", 4096)):
        raise invalid(
            f"Parameter '{name}' must contain at most {rule['MaxLength']} characters"
        )
    if len(value) < int(rule.get("MinLength", 0)):
        raise invalid(
            f"Parameter '{name}' must contain at least {rule['MinLength']} characters"
        )


def _number(name, value, rule) -> None:
    if rule.get("Type") != "Number":
        return
    try:
        number = float(value)
    except ValueError:
        raise invalid(f"Parameter '{name}' must be a number.") from None
    if "MinValue" in rule and number < float(rule["MinValue"]):
        raise invalid(
            f"Parameter '{name}' must be a number not less than {rule['MinValue']}"
        )
    if "MaxValue" in rule and number > float(rule["MaxValue"]):
        raise invalid(
            f"Parameter '{name}' must be a number not greater than {rule['MaxValue']}"
        )


def needed_capabilities(parsed):
    """(capabilities, reason) that the template requires."""
    types, named = [], False
    for definition in parsed["Resources"].values():
        if definition["Type"].startswith("AWS::IAM::"):
            types.append(definition["Type"])
            named |= any(key in definition.get("Properties", {}) for key in IAM_NAMES)
    if not types:
        return [], None
    names = ", ".join(sorted(set(types)))
    reason = f"The following resource(s) require capabilities: [{names}]"
    return ["CAPABILITY_NAMED_IAM" if named else "CAPABILITY_IAM"], reason


def capabilities(parsed, given) -> None:
    """Refuse a request without the capabilities that the template requires."""
    needed, _ = needed_capabilities(parsed)
    given = set(given or [])
    if "CAPABILITY_NAMED_IAM" in given:
        given.add("CAPABILITY_IAM")
    if set(needed) - given:
        raise ApiError(
            "InsufficientCapabilitiesException",
            f"Requires capabilities : [{', '.join(needed)}]",
        )
