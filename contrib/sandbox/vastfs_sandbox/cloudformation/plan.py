# SPDX-License-Identifier: BSD-3-Clause
"""Computes what a new template, parameters or tags would change in a stack.

Plan (change sets) and engine resolve properties with the same functions, so that
a change set shows what its execution does.
"""

from dataclasses import dataclass, field

from .services import KINDS
from .template import Unknown, dependencies, references, walk


@dataclass
class Inputs:
    """Everything that determines the target state of a stack."""

    template: dict
    body: str
    parameters: dict
    tags: list
    capabilities: list


@dataclass
class Change:
    """One resource's part in a change set."""

    action: str
    logical_id: str
    type: str
    physical_id: str = ""
    replacement: str | None = None
    details: list = field(default_factory=list)
    before: dict | None = None  # the computed properties
    after: dict | None = None

    @property
    def scope(self) -> list:
        """The parts of the resource that change."""
        return sorted({item["Target"]["Attribute"] for item in self.details})


def properties(stack, scope, logical_id, tags) -> dict:
    """A resource's computed properties, with all of its tags."""
    definition = scope.template["Resources"][logical_id]
    kind = KINDS[definition["Type"]]
    props = scope.value(definition.get("Properties", {}))
    if kind.tags:
        own = props.get(kind.tags, [])
        named = {tag["Key"] for tag in own}
        added = [tag for tag in tags if tag["Key"] not in named]
        props[kind.tags] = [*own, *added]
    return props


def changed_names(old, new) -> list:
    """The top-level properties that differ; unknown values count as different."""
    return sorted(n for n in set(old) | set(new) if old.get(n) != new.get(n))


def ordered(template) -> list:
    """Logical IDs, each after those it depends on."""
    done, order = set(), []

    def visit(name):
        if name not in done:
            done.add(name)
            for needed in sorted(dependencies(template, name)):
                visit(needed)
            order.append(name)

    for name in template["Resources"]:
        visit(name)
    return order


def changes(stack, inputs: Inputs) -> list:
    """The changes, in the order of logical IDs."""
    view = dict(stack.resources)
    scope = stack.scope(inputs.template, inputs.parameters, view)
    found = []
    for logical_id in ordered(inputs.template):
        if scope.included(logical_id):
            change = _change(stack, inputs, scope, view, logical_id)
            if change:
                found.append(change)
    for logical_id, resource in stack.resources.items():
        definition = inputs.template["Resources"].get(logical_id)
        if definition is None or not scope.included(logical_id):
            found.append(
                Change(
                    "Remove",
                    logical_id,
                    resource.type,
                    resource.physical_id,
                    before=resource.properties,
                )
            )
    return sorted(found, key=lambda change: change.logical_id)


def _change(stack, inputs, scope, view, logical_id):
    definition = inputs.template["Resources"][logical_id]
    old = stack.resources.get(logical_id)
    if old is None or not old.physical_id:
        view[logical_id] = None
        tags = tags_for(stack, inputs, logical_id)
        new = properties(stack, scope, logical_id, tags)
        return Change("Add", logical_id, definition["Type"], after=new)
    tags = tags_for(stack, inputs, logical_id)
    new = properties(stack, scope, logical_id, tags)
    names = changed_names(old.properties, new)
    if old.type != definition["Type"]:
        names = ["Type"]
    if not names:
        return None
    kind = KINDS[old.type]
    fixed = [name for name in names if name in kind.fixed]
    details = []
    for name in names:
        details += _details(stack, inputs, definition, kind, name, new)
    replacement = "False"
    if fixed or names == ["Type"]:
        certain = any(not _unknown(new.get(name)) for name in fixed)
        replacement = "True" if certain else "Conditional"
        view[logical_id] = None
    return Change(
        "Modify",
        logical_id,
        old.type,
        old.physical_id,
        replacement,
        details,
        old.properties,
        new,
    )


def _unknown(value) -> bool:
    return any(isinstance(v, Unknown) for v in walk(value))


def tags_for(stack, inputs, logical_id) -> list:
    """The tags that a resource gets in addition to its own."""
    own = stack.all_tags(logical_id)[len(stack.tags) :]
    return [*inputs.tags, *own]


def _details(stack, inputs, definition, kind, name, new) -> list:
    attribute = "Tags" if name == kind.tags else "Properties"
    recreate = "Always" if name in kind.fixed else "Never"
    target = {"Attribute": attribute, "RequiresRecreation": recreate}
    if attribute == "Properties":
        target["Name"] = name
    raw = definition.get("Properties", {}).get(name)
    found = []
    for reference, part in sorted(
        references(raw), key=lambda row: (row[0], row[1] or "")
    ):
        if reference in inputs.parameters:
            if stack.parameters.get(reference) != inputs.parameters[reference]:
                found.append(_detail(target, "ParameterReference", reference))
        elif reference in stack.resources and _unknown(new.get(name)):
            source = "ResourceAttribute" if part else "ResourceReference"
            cause = f"{reference}.{part}" if part else reference
            found.append(_detail(target, source, cause, "Dynamic"))
    sources = {item["ChangeSource"] for item in found}
    if not sources or sources == {"ParameterReference"}:
        evaluation = "Dynamic" if sources else "Static"
        found.append(_detail(target, "DirectModification", None, evaluation))
    return found


def _detail(target, source, cause, evaluation="Static"):
    made = {"Target": target, "Evaluation": evaluation, "ChangeSource": source}
    if cause:
        made["CausingEntity"] = cause
    return made
