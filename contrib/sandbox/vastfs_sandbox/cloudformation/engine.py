# SPDX-License-Identifier: BSD-3-Clause
"""Creates, updates, rolls back and deletes stacks, in the background.

One Operation is one run over one stack. Resources are created in parallel as far
as their dependencies allow, as on AWS; each step takes AWS's time multiplied by
the time scale.
"""

import json
import threading
import time
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait

from botocore.exceptions import ClientError

from . import faults, plan
from .model import Resource
from .resources import Call, Failed, explain, missing_is_fine
from .services import KINDS
from .template import dependencies

GIVE_UP = 2400  # seconds after which a delete no longer waits for other resources
GIVE_UP_AT_LEAST = 1.0  # seconds of this machine, however small the time scale
WORKERS = 16


class Cancelled(Exception):
    """Another resource failed, or the operation was cancelled."""


def run_graph(graph, work, go_on):
    """Run `work(name)` for all names, each after those it needs.

    Returns {name: exception}. Names that need a failed one are not run. Once
    `go_on()` is false, no further work is started.
    """
    failures, done, running = {}, set(), {}
    with ThreadPoolExecutor(WORKERS) as pool:
        while True:
            for name, needs in graph.items():
                known = name in done or name in failures or name in running.values()
                if not known and needs <= done and go_on():
                    running[pool.submit(work, name)] = name
            if not running:
                return failures
            finished, _ = wait(running, return_when=FIRST_COMPLETED)
            for future in finished:
                name = running.pop(future)
                error = future.exception()
                if error is None:
                    done.add(name)
                else:
                    failures[name] = error


class Operation:
    """One run over one stack."""

    def __init__(self, context, store, stack):
        self.context = context
        self.store = store
        self.stack = stack
        self.cancelled = threading.Event()
        self.user_cancel = False
        self.delete_next = False
        self.thread = None

    def start(self, run, *arguments) -> None:
        """Run in the background."""
        self.stack.operation = self
        self.thread = threading.Thread(
            target=run, args=arguments, name=f"stack {self.stack.name}", daemon=True
        )
        self.thread.start()

    def quit(self) -> None:
        """End the operation, because the sandbox ends."""
        self.cancelled.set()

    def pause(self, seconds=1.0, cancellable=True) -> bool:
        """Wait for a step of AWS's time, but at least a moment of real time; False if the operation must end."""
        delay = max(0.005, min(self.context.scaled(seconds), 30))
        if cancellable:
            return not self.cancelled.wait(delay)
        return not self.context.stopping.wait(delay)

    def _spend(self, seconds, cancellable=True) -> None:
        if self.context.scaled(seconds) > 0:
            self.pause(seconds, cancellable)
        if cancellable and self.cancelled.is_set():
            raise Cancelled

    # Creating

    def create(self, inputs, on_failure=None) -> None:
        """Create the stack, from the first event to the last."""
        stack = self.stack
        adopt(stack, inputs)
        stack.set_status("CREATE_IN_PROGRESS", "User Initiated")
        failures = self._make_all(self._create_one)
        if self.delete_next:
            self.delete([])
        elif self.context.stopping.is_set():
            return
        elif not failures:
            self._outputs()
            stack.set_status("CREATE_COMPLETE")
        else:
            self._create_failed(failures, on_failure)

    def _create_failed(self, failures, on_failure) -> None:
        stack = self.stack
        names = ", ".join(sorted(failures))
        reason = f"The following resource(s) failed to create: [{names}]. "
        if on_failure == "DO_NOTHING":
            stack.set_status("CREATE_FAILED", reason)
            return
        words = "Delete" if on_failure == "DELETE" else "Rollback"
        first = "DELETE" if on_failure == "DELETE" else "ROLLBACK"
        reason += f"{words} requested by user."
        stack.set_status(f"{first}_IN_PROGRESS", reason)
        self.cancelled.clear()
        failed = self._delete_all(dict(stack.resources))
        self._ended(failed, first)

    def _ended(self, failed, prefix) -> None:
        stack = self.stack
        if self.context.stopping.is_set():
            return
        if failed:
            names = ", ".join(sorted(failed))
            stack.set_status(
                f"{prefix}_FAILED",
                f"The following resource(s) failed to delete: [{names}]. ",
            )
            return
        stack.set_status(f"{prefix}_COMPLETE")
        if prefix == "DELETE":
            stack.deleted = stack.events[-1].timestamp
            self.store.drop(stack)

    def _make_all(self, work) -> dict:
        """Run `work` over the template's resources and record failures."""
        template = self.stack.template
        scope = self.stack.scope()
        names = {n for n in template["Resources"] if scope.included(n)}
        graph = {n: dependencies(template, n) & names for n in names}

        def guarded(name):
            try:
                work(name)
            except Exception as error:
                self._failed(name, error)
                self.cancelled.set()
                raise

        return run_graph(graph, guarded, lambda: not self.cancelled.is_set())

    def _failed(self, logical_id, error) -> None:
        resource = self.stack.resources[logical_id]
        verb = resource.status.partition("_")[0]
        if isinstance(error, Cancelled):
            word = "creation" if verb == "CREATE" else "update"
            reason = f"Resource {word} cancelled"
        else:
            reason = explain(error, Call(self.stack, resource))
        self.stack.note(resource, f"{verb}_FAILED", reason)

    def _new_resource(self, logical_id) -> Resource:
        template = self.stack.template
        definition = template["Resources"][logical_id]
        resource = Resource(
            logical_id,
            definition["Type"],
            retain=definition.get("DeletionPolicy", "").startswith("Retain"),
            depends=dependencies(template, logical_id),
        )
        return resource

    def _properties(self, logical_id) -> dict:
        stack = self.stack
        tags = stack.all_tags(logical_id)
        return plan.properties(stack, stack.scope(), logical_id, tags)

    def _create_one(self, logical_id) -> None:
        resource = self._new_resource(logical_id)
        with self.stack.lock:
            self.stack.resources[logical_id] = resource
        self.stack.note(resource, "CREATE_IN_PROGRESS")
        self._build(resource, "CREATE_IN_PROGRESS", "create_failed")
        self.stack.note(resource, "CREATE_COMPLETE", None, _json(resource))

    def _build(self, resource, status, fault_kind) -> None:
        """Create the resource in its service and wait until it can be used."""
        kind = KINDS[resource.type]
        call = Call(self.stack, resource)
        _trip(resource, fault_kind)
        resource.properties = self._properties(resource.logical_id)
        _known(kind, resource)
        resource.physical_id = kind.create(call, resource.properties)
        reason = "Resource creation Initiated"
        self.stack.note(resource, status, reason, _json(resource))
        self._spend(kind.seconds)
        while not kind.ready(call, resource.physical_id):
            if not self.pause():
                raise Cancelled
        resource.attributes = kind.attributes(
            call, resource.physical_id, resource.properties
        )

    def _outputs(self) -> None:
        stack = self.stack
        scope = stack.scope()
        outputs = []
        for key, definition in stack.template.get("Outputs", {}).items():
            condition = definition.get("Condition")
            if condition is not None and not scope.condition(condition):
                continue
            output = {
                "OutputKey": key,
                "OutputValue": str(scope.value(definition["Value"])),
                "Description": definition.get("Description"),
            }
            if "Export" in definition:
                output["ExportName"] = scope.value(definition["Export"]["Name"])
            outputs.append(output)
        stack.outputs = outputs

    # Deleting

    def delete(self, retained) -> None:
        """Delete the stack, from the first event to the last."""
        stack = self.stack
        self.cancelled.clear()
        stack.set_status("DELETE_IN_PROGRESS", "User Initiated")
        for name in retained:
            if name in stack.resources:
                stack.resources[name].retain = True
        self._ended(self._delete_all(dict(stack.resources)), "DELETE")

    def _delete_all(self, resources) -> dict:
        """Delete resources, each after the resources that depend on it."""
        graph = {
            name: {other for other, r in resources.items() if name in r.depends}
            for name in resources
        }
        return run_graph(
            graph,
            lambda name: self._delete_one(resources[name]),
            lambda: not self.context.stopping.is_set(),
        )

    def _delete_one(self, resource) -> None:
        if resource.status in ("DELETE_COMPLETE", "DELETE_SKIPPED"):
            return
        if resource.retain and resource.physical_id:
            self.stack.note(resource, "DELETE_SKIPPED")
            return
        if resource.physical_id:
            self.stack.note(resource, "DELETE_IN_PROGRESS")
            try:
                self._remove(resource)
            except Exception as error:
                call = Call(self.stack, resource)
                self.stack.note(resource, "DELETE_FAILED", explain(error, call))
                raise
        self.stack.note(resource, "DELETE_COMPLETE")

    def _remove(self, resource) -> None:
        kind = KINDS[resource.type]
        call = Call(self.stack, resource)
        _trip(resource, "delete_failed")
        patience = max(GIVE_UP_AT_LEAST, self.context.scaled(GIVE_UP))
        deadline = time.monotonic() + patience
        while True:
            try:
                kind.delete(call, resource.physical_id, resource.properties)
                break
            except ClientError as error:
                if missing_is_fine(error):
                    return
                late = time.monotonic() > deadline
                if late or not kind.stubborn or not self.pause(5, cancellable=False):
                    raise
        while not kind.gone(call, resource.physical_id):
            if not self.pause(cancellable=False):
                return
        self._spend(kind.delete_seconds, cancellable=False)

    # Updating

    def update(self, inputs) -> None:
        """Update the stack, from the first event to the last."""
        stack = self.stack
        before = inputs_of(stack)
        old = {name: res.copy() for name, res in stack.resources.items()}
        adopt(stack, inputs)
        stack.set_status("UPDATE_IN_PROGRESS", "User Initiated")
        failures = self._make_all(lambda name: self._update_one(name, old))
        if self.context.stopping.is_set():
            return
        if failures or self.user_cancel:
            self._roll_back(before, old, failures)
            return
        self._outputs()
        stack.set_status("UPDATE_COMPLETE_CLEANUP_IN_PROGRESS")
        scope = stack.scope()
        names = {n for n in stack.template["Resources"] if scope.included(n)}
        wanted = {n: r for n, r in stack.resources.items() if n in names}
        failed = self._clean_up(self._left_over(old, wanted), wanted)
        stack.set_status(
            "UPDATE_COMPLETE",
            "One or more resources could not be deleted." if failed else None,
        )

    def _update_one(self, logical_id, old) -> None:
        before = old.get(logical_id)
        if before is None or not before.physical_id:
            self._create_one(logical_id)
            return
        resource = self.stack.resources[logical_id]
        template = self.stack.template
        definition = template["Resources"][logical_id]
        resource.depends = dependencies(template, logical_id)
        new = self._properties(logical_id)
        names = plan.changed_names(before.properties, new)
        kind = KINDS[definition["Type"]]
        if definition["Type"] != before.type or set(names) & kind.fixed:
            self._replace(logical_id)
        elif names:
            self._change(resource, before.properties, new)

    def _replace(self, logical_id) -> None:
        """Create the new resource before the old one is deleted, so that there always is one."""
        resource = self._new_resource(logical_id)
        with self.stack.lock:
            old, self.stack.resources[logical_id] = (
                self.stack.resources[logical_id],
                resource,
            )
        resource.physical_id = old.physical_id
        reason = (
            "Requested update requires the creation of a new physical resource; "
            "hence creating one."
        )
        self.stack.note(resource, "UPDATE_IN_PROGRESS", reason)
        resource.physical_id = ""
        self._build(resource, "UPDATE_IN_PROGRESS", "update_failed")
        self.stack.note(resource, "UPDATE_COMPLETE", None, _json(resource))

    def _change(self, resource, old, new) -> None:
        kind = KINDS[resource.type]
        call = Call(self.stack, resource)
        resource.properties = new
        self.stack.note(resource, "UPDATE_IN_PROGRESS", None, _json(resource))
        _trip(resource, "update_failed")
        _known(kind, resource)
        kind.update(call, resource.physical_id, old, new)
        self._spend(kind.seconds)
        while not kind.ready(call, resource.physical_id):
            if not self.pause():
                raise Cancelled
        resource.attributes = kind.attributes(call, resource.physical_id, new)
        self.stack.note(resource, "UPDATE_COMPLETE", None, _json(resource))

    @staticmethod
    def _left_over(candidates, wanted) -> dict:
        """The resources of `candidates` whose physical resource no resource of `wanted` has."""
        used = {resource.physical_id for resource in wanted.values()}
        return {
            name: resource
            for name, resource in candidates.items()
            if resource.physical_id and resource.physical_id not in used
        }

    def _clean_up(self, left_over, wanted) -> dict:
        """Delete left-over resources; failures are ignored, as on AWS."""
        failed = self._delete_all(left_over)
        with self.stack.lock:
            self.stack.resources = dict(wanted)
        return failed

    def _roll_back(self, before, old, failures) -> None:
        stack = self.stack
        stack.set_status("UPDATE_ROLLBACK_IN_PROGRESS", self._why(failures))
        self.cancelled.clear()
        made = {name: res.copy() for name, res in stack.resources.items()}
        adopt(stack, before)
        stack.rollback = (old, made)
        self._restore_all([n for n in plan.ordered(stack.template) if n in old])

    def continue_rollback(self, skipped) -> None:
        """Continue a failed rollback, without the skipped resources."""
        stack = self.stack
        stack.set_status("UPDATE_ROLLBACK_IN_PROGRESS", "User Initiated")
        left = [n for n, r in stack.resources.items() if r.status == "UPDATE_FAILED"]
        for name in skipped:
            stack.note(stack.resources[name], "UPDATE_COMPLETE", "Skipped by user")
        self._restore_all([name for name in left if name not in skipped])

    def _restore_all(self, names) -> None:
        stack = self.stack
        old, made = stack.rollback or (stack.resources, stack.resources)
        broken = [n for n in names if n in made and not self._restore(old[n], made[n])]
        with stack.lock:
            stack.resources = {
                name: stack.resources.get(name, resource)
                for name, resource in old.items()
            }
        if broken:
            stack.set_status(
                "UPDATE_ROLLBACK_FAILED",
                f"The following resource(s) failed to update: [{', '.join(broken)}]. ",
            )
            return
        stack.rollback = None
        self._outputs()
        stack.set_status("UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS")
        wanted = stack.resources
        failed = self._clean_up(self._left_over(made, wanted), wanted)
        stack.set_status(
            "UPDATE_ROLLBACK_COMPLETE",
            "One or more resources could not be deleted." if failed else None,
        )

    def _why(self, failures) -> str | None:
        if self.user_cancel:
            return "User Initiated"
        parts = []
        for verb in ("create", "update"):
            status = f"{verb.upper()}_FAILED"
            names = [n for n in failures if self.stack.resources[n].status == status]
            if names:
                parts.append(
                    f"The following resource(s) failed to {verb}: "
                    f"[{', '.join(sorted(names))}]. "
                )
        return "".join(parts) or None

    def _restore(self, before, made) -> bool:
        """Restore one resource to its former state."""
        stack = self.stack
        resource = before.copy()
        with stack.lock:
            stack.resources[before.logical_id] = resource
        same = made.physical_id == before.physical_id
        if same and made.properties == before.properties:
            return True
        stack.note(resource, "UPDATE_IN_PROGRESS")
        try:
            _trip(before, "rollback_failed")
            if same:
                call = Call(stack, before)
                kind = KINDS[before.type]
                kind.update(
                    call, before.physical_id, made.properties, before.properties
                )
                while not kind.ready(call, before.physical_id):
                    if not self.pause(cancellable=False):
                        return False
        except (ClientError, Failed) as error:
            call = Call(stack, before)
            stack.note(resource, "UPDATE_FAILED", explain(error, call))
            return False
        stack.note(resource, "UPDATE_COMPLETE")
        return True


def adopt(stack, inputs) -> None:
    """Make the inputs the stack's target state."""
    with stack.lock:
        stack.template = inputs.template
        stack.body = inputs.body
        stack.parameters = inputs.parameters
        stack.tags = inputs.tags
        stack.capabilities = inputs.capabilities


def inputs_of(stack) -> plan.Inputs:
    """The inputs of the stack's target state."""
    return plan.Inputs(
        stack.template, stack.body, stack.parameters, stack.tags, stack.capabilities
    )


def _json(resource) -> str:
    return json.dumps(resource.properties, default=str)


def _known(kind, resource) -> None:
    extra = sorted(set(resource.properties) - kind.properties)
    if extra:
        raise Failed(
            f"Properties validation failed for resource {resource.logical_id} with "
            f"message:\n#: extraneous key [{extra[0]}] is not permitted"
        )


def _trip(resource, kind) -> None:
    """Raise the injected failure of this step, if there is a rule."""
    rule = faults.of_resource(resource, kind)
    if rule:
        raise Failed(rule.get("reason", "Injected failure."))
