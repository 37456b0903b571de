# SPDX-License-Identifier: BSD-3-Clause
"""CloudFormation's template language: parses templates and computes their values."""

import base64
import ipaddress
import itertools
import json
import re

import yaml

from ..wire.errors import ApiError

SUB = re.compile(r"\$\{([^!{}][^{}]*)\}")
PSEUDO = (
    "AWS::AccountId",
    "AWS::NoValue",
    "AWS::NotificationARNs",
    "AWS::Partition",
    "AWS::Region",
    "AWS::StackId",
    "AWS::StackName",
    "AWS::URLSuffix",
)
NO_VALUE = object()


class Unknown:
    """A value that is only known after deployment; it equals no other value."""

    def __eq__(self, _other):
        return False

    __hash__ = None

    def __str__(self):
        return "{{changeSet:KNOWN_AFTER_APPLY}}"


def invalid(message: str) -> ApiError:
    """CloudFormation's ValidationError."""
    return ApiError("ValidationError", message)


class _Loader(yaml.SafeLoader):
    """YAML with CloudFormation's short tags."""


def _tag(loader, suffix, node):
    if isinstance(node, yaml.ScalarNode):
        value = loader.construct_scalar(node)
        if suffix == "GetAtt":
            value = value.split(".", 1)
    elif isinstance(node, yaml.SequenceNode):
        value = loader.construct_sequence(node, deep=True)
    else:
        value = loader.construct_mapping(node, deep=True)
    return {suffix if suffix in ("Ref", "Condition") else f"Fn::{suffix}": value}


_Loader.add_multi_constructor("!", _tag)
_Loader.yaml_implicit_resolvers = {  # dates such as 2010-09-09 remain text
    key: [row for row in rows if row[0] != "tag:yaml.org,2002:timestamp"]
    for key, rows in _Loader.yaml_implicit_resolvers.items()
}


def parse(body: str) -> dict:
    """Parse a template in JSON or YAML."""
    try:
        template = json.loads(body)
    except ValueError:
        try:
            template = yaml.load(body, Loader=_Loader)
        except yaml.YAMLError as error:
            message = f"Template format error: YAML not well-formed. {error}"
            raise invalid(message) from None
    if not isinstance(template, dict):
        raise invalid("Template format error: unsupported structure.")
    return template


def walk(value):
    """Every mapping and scalar inside a value."""
    yield value
    if isinstance(value, dict):
        for item in value.values():
            yield from walk(item)
    elif isinstance(value, list):
        for item in value:
            yield from walk(item)


def references(value):
    """{(name, attribute or None)} of all Ref, GetAtt and Sub inside."""
    found = set()
    for node in walk(value):
        if not isinstance(node, dict) or len(node) != 1:
            continue
        ((key, argument),) = node.items()
        if key == "Ref":
            found.add((argument, None))
        elif key == "Fn::GetAtt":
            name, attribute = _getatt(argument)
            found.add((name, attribute))
        elif key == "Fn::Sub":
            found |= _sub_references(argument)
    return found


def _getatt(argument):
    if isinstance(argument, str):
        argument = argument.split(".", 1)
    return argument[0], argument[1]


def _sub_references(argument):
    text, own = argument if isinstance(argument, list) else (argument, {})
    found = set()
    for name in SUB.findall(text):
        if name not in own:
            head, _, attribute = name.partition(".")
            found.add((head, attribute or None))
    return found


def dependencies(template, logical_id):
    """The logical IDs that a resource needs before it can be created."""
    resources = template["Resources"]
    definition = resources[logical_id]
    explicit = definition.get("DependsOn", [])
    names = {explicit} if isinstance(explicit, str) else set(explicit)
    for part in ("Properties", "Metadata"):
        names |= {name for name, _ in references(definition.get(part, {}))}
    return {name for name in names if name in resources} - {logical_id}


class Scope:
    """Computes values for one stack with one set of parameters.

`resources` maps logical IDs to objects with `physical_id` and
    `attributes`; a missing one, or None, gives Unknown.
    """

    def __init__(self, template, parameters, pseudo, resources, zones):
        self.template = template
        self.parameters = parameters
        self.pseudo = pseudo
        self.resources = resources
        self.zones = zones

    def condition(self, name) -> bool:
        """The value of a named condition."""
        conditions = self.template.get("Conditions", {})
        if name not in conditions:
            raise invalid(f"Template format error: Unresolved condition {name}.")
        return self._truth(conditions[name])

    def _truth(self, node) -> bool:
        ((key, argument),) = node.items()
        if key == "Condition":
            return self.condition(argument)
        if key == "Fn::Equals":
            left, right = (self.value(item) for item in argument)
            return str(left) == str(right)
        if key == "Fn::Not":
            return not self._truth(argument[0])
        if key == "Fn::And":
            return all(self._truth(item) for item in argument)
        if key == "Fn::Or":
            return any(self._truth(item) for item in argument)
        raise invalid(f"Template error: {key} is no condition function.")

    def included(self, logical_id) -> bool:
        """Whether the conditions include a resource."""
        name = self.template["Resources"][logical_id].get("Condition")
        return name is None or self.condition(name)

    def value(self, node):
        """The computed value of a part of the template."""
        if isinstance(node, list):
            values = [self.value(item) for item in node]
            return [item for item in values if item is not NO_VALUE]
        if not isinstance(node, dict):
            return node
        if len(node) == 1:
            ((key, argument),) = node.items()
            if key == "Ref" or key.startswith("Fn::"):
                return self._function(key, argument)
        values = {key: self.value(item) for key, item in node.items()}
        return {k: v for k, v in values.items() if v is not NO_VALUE}

    def _function(self, key, argument):
        function = FUNCTIONS.get(key)
        if function is None:
            raise invalid(f"Template error: unknown function {key}.")
        return function(self, argument)

    def ref(self, name):
        """Ref: a parameter, pseudo parameter or physical ID."""
        if name == "AWS::NoValue":
            return NO_VALUE
        if name in self.pseudo:
            return self.pseudo[name]
        if name in self.parameters:
            kind = self.template["Parameters"][name].get("Type", "String")
            value = self.parameters[name]
            is_list = kind.startswith("List<") or kind == "CommaDelimitedList"
            return [x.strip() for x in value.split(",")] if is_list else value
        resource = self.resources.get(name)
        return resource.physical_id if resource else Unknown()

    def getatt(self, argument):
        """Fn::GetAtt."""
        name, attribute = _getatt(argument)
        resource = self.resources.get(name)
        if resource is None:
            return Unknown()
        if attribute not in resource.attributes:
            raise invalid(
                f"Template error: resource {name} does not support attribute type "
                f"{attribute} in Fn::GetAtt"
            )
        return resource.attributes[attribute]

    def sub(self, argument):
        """Fn::Sub."""
        text, own = argument if isinstance(argument, list) else (argument, {})
        own = {key: self.value(item) for key, item in own.items()}
        unknown = []

        def fill(match):
            name = match.group(1)
            if name in own:
                value = own[name]
            elif "." in name:
                value = self.getatt(name)
            else:
                value = self.ref(name)
            if isinstance(value, Unknown):
                unknown.append(value)
            return str(value)

        filled = SUB.sub(fill, text).replace("${!", "${")
        return Unknown() if unknown else filled

    def join(self, argument):
        """Fn::Join."""
        glue, items = argument[0], self.value(argument[1])
        if isinstance(items, Unknown) or any(isinstance(i, Unknown) for i in items):
            return Unknown()
        return glue.join(str(item) for item in items)

    def select(self, argument):
        """Fn::Select."""
        items = self.value(argument[1])
        return items if isinstance(items, Unknown) else items[int(argument[0])]

    def split(self, argument):
        """Fn::Split."""
        text = self.value(argument[1])
        return text if isinstance(text, Unknown) else text.split(argument[0])

    def choose(self, argument):
        """Fn::If."""
        return self.value(argument[1 if self.condition(argument[0]) else 2])

    def find_in_map(self, argument):
        """Fn::FindInMap."""
        name, first, second = (self.value(item) for item in argument[:3])
        return self.template["Mappings"][name][first][second]

    def cidr(self, argument):
        """Fn::Cidr."""
        block, count, *bits = (self.value(item) for item in argument)
        if isinstance(block, Unknown):
            return block
        prefix = 32 - int(bits[0] if bits else 8)
        subnets = ipaddress.ip_network(block).subnets(new_prefix=prefix)
        return [str(subnet) for subnet in itertools.islice(subnets, int(count))]

    def encode(self, argument):
        """Fn::Base64."""
        text = self.value(argument)
        if isinstance(text, Unknown):
            return text
        return base64.b64encode(text.encode()).decode()


FUNCTIONS = {
    "Ref": Scope.ref,
    "Fn::GetAtt": Scope.getatt,
    "Fn::Sub": Scope.sub,
    "Fn::Join": Scope.join,
    "Fn::Select": Scope.select,
    "Fn::Split": Scope.split,
    "Fn::If": Scope.choose,
    "Fn::FindInMap": Scope.find_in_map,
    "Fn::Cidr": Scope.cidr,
    "Fn::Base64": Scope.encode,
    "Fn::GetAZs": lambda scope, _region: list(scope.zones),
}
