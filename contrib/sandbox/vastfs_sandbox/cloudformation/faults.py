# SPDX-License-Identifier: BSD-3-Clause
"""Faults of stacks.

| match | kind | effect |
| --- | --- | --- |
| `resource:ID` or `resource:TYPE` | `create_failed`, `update_failed`, `delete_failed`, `rollback_failed` | that step of the resource fails with `reason` |
| `resource:ID` or `resource:TYPE` | `drift_failed` | the drift of the resource cannot be detected, with `reason` |
| `drift` | `never_ends` | the next drift detection stays in progress |
| `ecs` | `service_linked_role_missing` | the cluster cannot be created while the account has no service-linked role |
| `stack-events` | `late` | the events of the newest operation are not listed yet |
| `lambda` | `role_not_assumable` | Lambda cannot assume the function's new role yet |

`POST /sandbox/stack` with `{"stack": NAME, "status": STATUS, "reason": TEXT}`
puts a stack into a status that would take long to reach. No operation runs during
a status that ends in _IN_PROGRESS: it remains until another one is set. The default
reason is that of an operation that a user started.
"""

from ..common.faults import take

_store = None


def install(context, store) -> None:
    """Add the control path."""
    global _store
    _store = store
    context.controls["POST", "/sandbox/stack"] = _set_status


def of_resource(resource, step: str):
    """The rule for a step of this resource, by its logical ID or its type; or None."""
    for name in (resource.logical_id, resource.type):
        if rule := take(f"resource:{name}", step):
            return rule
    return None


def misses_service_linked_role() -> bool:
    return take("ecs", "service_linked_role_missing") is not None


def events_are_late() -> bool:
    return take("stack-events", "late") is not None


def drift_never_ends() -> bool:
    return take("drift", "never_ends") is not None


def cannot_assume_role() -> bool:
    return take("lambda", "role_not_assumable") is not None


def _set_status(wish):
    found = [s for s in _store.everything() if s.name == wish["stack"] and not s.deleted]
    if not found:
        raise ValueError(f"stack {wish['stack']} does not exist")
    stack = found[0]
    with stack.lock:
        if stack.operation and stack.operation.thread.is_alive():
            raise ValueError(f"an operation is running on stack {stack.name}: {stack.status}")
        stack.set_status(wish["status"], wish.get("reason", "User Initiated"))
    return 200, {"stack": stack.id, "status": stack.status}
