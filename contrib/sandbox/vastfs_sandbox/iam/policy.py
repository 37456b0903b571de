# SPDX-License-Identifier: BSD-3-Clause
"""Evaluates policy documents: may a principal perform an action on a resource?

The rules are those of IAM's reference: an explicit Deny wins, else one Allow is
needed. Action names match in any case; `*` and `?` are wildcards in actions,
resources and the values of *Like operators. A condition with an operator that is
not in OPERATORS is an error, so that no policy passes by a condition that the
sandbox does not understand.
"""

import functools
import re
from dataclasses import dataclass, field


class Invalid(Exception):
    """The document is no policy that IAM would accept."""


@dataclass
class Request:
    """One decision: the action, the resource, and the condition keys that the service provides."""

    action: str
    resource: str = "*"
    context: dict = field(default_factory=dict)


def decide(documents, request: Request) -> str:
    """`allow`, `deny` (by an explicit Deny), or `none` (no statement allows it)."""
    decision = "none"
    for document in documents:
        for statement in _list(document["Statement"]):
            if not _matches(statement, request):
                continue
            if statement["Effect"] == "Deny":
                return "deny"
            decision = "allow"
    return decision


def _list(value) -> list:
    return value if isinstance(value, list) else [value]


@functools.lru_cache(maxsize=4096)
def _pattern(text: str, any_case: bool):
    parts = (".*" if c == "*" else "." if c == "?" else re.escape(c) for c in text)
    return re.compile("".join(parts), re.DOTALL | (re.IGNORECASE if any_case else 0))


def _like(pattern: str, value: str, any_case=False) -> bool:
    return _pattern(pattern, any_case).fullmatch(value) is not None


def _arn_like(pattern: str, value: str) -> bool:
    """Whether an ARN matches a pattern. Each of the six parts is matched separately."""
    patterns, values = pattern.split(":", 5), value.split(":", 5)
    return len(patterns) == len(values) and all(map(_like, patterns, values))


def _matches(statement, request) -> bool:
    return (
        _one_of(statement, "Action", request.action, True)
        and _one_of(statement, "Resource", request.resource, False)
        and _conditions_hold(statement.get("Condition", {}), request.context)
    )


def _one_of(statement, key, value, any_case) -> bool:
    if f"Not{key}" in statement:
        return not any(_like(p, value, any_case) for p in _list(statement[f"Not{key}"]))
    if key not in statement:
        raise Invalid(f"a statement has no {key}")
    return any(_like(p, value, any_case) for p in _list(statement[key]))


def _equal(wanted, value):
    return wanted == value


def _equal_any_case(wanted, value):
    return wanted.lower() == value.lower()


#: operator -> (comparison, negated)
OPERATORS = {
    "StringEquals": (_equal, False),
    "StringNotEquals": (_equal, True),
    "StringEqualsIgnoreCase": (_equal_any_case, False),
    "StringLike": (_like, False),
    "StringNotLike": (_like, True),
    "ArnEquals": (_arn_like, False),
    "ArnLike": (_arn_like, False),
    "ArnNotLike": (_arn_like, True),
    "Bool": (_equal_any_case, False),
}


def _conditions_hold(conditions, context) -> bool:
    known = {key.lower(): value for key, value in context.items()}
    return all(
        _holds(operator, _texts(wanted), known.get(key.lower()))
        for operator, keys in conditions.items()
        for key, wanted in keys.items()
    )


def _texts(wanted) -> list:
    return [str(item).lower() if isinstance(item, bool) else str(item) for item in _list(wanted)]


def _holds(operator, wanted, present) -> bool:
    if operator == "Null":
        return (present is None) == (wanted == ["true"])
    quantifier, _, name = operator.rpartition(":")
    optional = name.endswith("IfExists")
    name = name.removesuffix("IfExists")
    if name not in OPERATORS or quantifier not in ("", "ForAnyValue", "ForAllValues"):
        raise Invalid(f"the sandbox does not know the condition operator {operator}")
    compare, negated = OPERATORS[name]
    values = [] if present is None else _texts(present)
    if not values:
        return optional or negated or quantifier == "ForAllValues"
    found = [any(compare(pattern, value) for pattern in wanted) != negated for value in values]
    return all(found) if quantifier == "ForAllValues" else any(found)
