# SPDX-License-Identifier: BSD-3-Clause
"""Access policies of resources, in the form in which AWS returns them."""

import json
import re

ACCOUNT = re.compile(r"[0-9]{12}")


def stored(text: str) -> str:
    """The policy as AWS stores it: account IDs become root ARNs, a list of one item becomes the item."""
    policy = json.loads(text)
    statements = policy.get("Statement", [])
    if isinstance(statements, dict):
        statements = [statements]
    policy["Statement"] = [_statement(statement) for statement in statements]
    return json.dumps(policy, indent=2)


def _statement(statement):
    made = {}
    for key, value in statement.items():
        if key in ("Principal", "NotPrincipal") and isinstance(value, dict):
            value = {kind: _short(_principals(names)) for kind, names in value.items()}
        made[key] = _short(value)
    return made


def _principals(names):
    names = names if isinstance(names, list) else [names]
    return [
        f"arn:aws:iam::{name}:root" if ACCOUNT.fullmatch(name) else name
        for name in names
    ]


def _short(value):
    return value[0] if isinstance(value, list) and len(value) == 1 else value
