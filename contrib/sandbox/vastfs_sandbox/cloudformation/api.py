# SPDX-License-Identifier: BSD-3-Clause
"""CloudFormation's API.

moto parses the requests and writes the replies. Everything else is replaced here:
moto creates a whole stack within one request, and its stacks cannot fail.
"""

import threading
import uuid

from moto.core.responses import ActionResult, BaseResponse, EmptyResult

from ..wire.errors import ApiError
from . import describe, faults, plan, validate
from .drift import DriftActions
from .engine import Operation, adopt, inputs_of
from .model import ChangeSet, Store
from .services import KINDS
from .template import invalid
from .tokens import Tokens

NO_CHANGES = (
    "The submitted information didn't contain changes. Submit different information "
    "to create a change set."
)
UPDATABLE = (
    "CREATE_COMPLETE",
    "UPDATE_COMPLETE",
    "UPDATE_FAILED",
    "UPDATE_ROLLBACK_COMPLETE",
    "IMPORT_COMPLETE",
    "IMPORT_ROLLBACK_COMPLETE",
)

_context = None
_store = None
_tokens = Tokens()


def install(context) -> None:
    """Replace moto's API."""
    global _context, _store
    _context = context
    _store = Store(context)
    DriftActions.context = context
    from moto.cloudformation import urls

    urls.url_paths["{0}/$"] = CloudFormation.dispatch
    faults.install(context, _store)


def stop(_) -> None:
    """No operation outlives the sandbox."""
    for stack in _store.everything():
        if stack.operation:
            stack.operation.quit()
            stack.operation.thread.join(5)


class CloudFormation(DriftActions, BaseResponse):
    """One method for each action."""

    def __init__(self):
        super().__init__(service_name="cloudformation")
        self.automated_parameter_parsing = True

    def _stack(self, words="Stack with id {} does not exist"):
        return _store.get(self.region, self._get_param("StackName"), words)

    # The inputs of a request

    def _inputs(self, stack, previous) -> plan.Inputs:
        """The request's template, parameters and tags, checked."""
        body = self._get_param("TemplateBody")
        if self._get_param("UsePreviousTemplate") and stack:
            body = stack.body
        if not body:
            if self._get_param("TemplateURL"):
                raise invalid("TemplateURL is not supported here; use TemplateBody.")
            raise invalid("Either Template URL or Template Body must be specified.")
        template = validate.template(body, KINDS)
        capabilities = self._get_param("Capabilities") or []
        validate.capabilities(template, capabilities)
        given = self._get_param("Parameters")
        parameters = validate.parameters(template, given, previous)
        tags = self._get_param("Tags")
        if tags is None:
            tags = stack.tags if stack else []
        return plan.Inputs(template, body, parameters, tags, capabilities)

    # Change sets

    def create_change_set(self):
        """The type CREATE also creates a stack in REVIEW_IN_PROGRESS; UPDATE needs an existing stack."""
        name = self._get_param("ChangeSetName")
        validate.change_set_name(name)
        kind = self._get_param("ChangeSetType") or "UPDATE"
        with _store.lock:
            stack = _store.find(self.region, self._get_param("StackName"))
            known = stack and stack.change_sets.get(name)
            if known:
                return self._same_change_set(known, stack)
            previous = stack.parameters if stack else {}
            self._check_change_set(stack, kind, name)
            inputs = self._inputs(stack, previous)
            if stack is None:
                stack = _store.add(self.region, self._get_param("StackName"))
                stack.set_status("REVIEW_IN_PROGRESS", "User Initiated")
        change_set = self._new_change_set(stack, name, kind, inputs)
        stack.change_sets[name] = change_set
        threading.Thread(
            target=_compute, args=(stack, change_set), name="change set", daemon=True
        ).start()
        return ActionResult({"Id": change_set.id, "StackId": stack.id})

    def _same_change_set(self, known, stack):
        token = self._get_param("ClientToken")
        if token and token == known.token:
            return ActionResult({"Id": known.id, "StackId": stack.id})
        raise ApiError("AlreadyExistsException", f"ChangeSet {known.id} already exists")

    def _check_change_set(self, stack, kind, name) -> None:
        stack_name = self._get_param("StackName")
        if kind == "CREATE":
            if stack is None:
                validate.stack_name(stack_name)
            elif stack.status != "REVIEW_IN_PROGRESS":
                raise invalid(
                    f"Stack [{stack_name}] already exists and cannot be created again "
                    f"with the changeSet [{name}]."
                )
        elif stack is None or stack.deleted:
            raise invalid(f"Stack [{stack_name}] does not exist")
        elif stack.status not in UPDATABLE:
            raise _not_updatable(stack)

    def _new_change_set(self, stack, name, kind, inputs) -> ChangeSet:
        prefix = stack.id.partition(":stack/")[0]
        return ChangeSet(
            id=f"{prefix}:changeSet/{name}/{uuid.uuid4()}",
            name=name,
            type=kind,
            body=inputs.body,
            template=inputs.template,
            parameters=inputs.parameters,
            tags=inputs.tags,
            capabilities=inputs.capabilities,
            description=self._get_param("Description"),
            token=self._get_param("ClientToken"),
            on_failure=self._get_param("OnStackFailure"),
        )

    def _change_set(self):
        """(stack, change set) of the request."""
        name = self._get_param("ChangeSetName")
        stack_name = self._get_param("StackName")
        if not name.startswith("arn:") and not stack_name:
            raise invalid(
                "StackName must be specified if ChangeSetName is not specified as an "
                "ARN."
            )
        if stack_name:
            stacks = [self._stack("Stack [{}] does not exist")]
        else:
            stacks = _store.listed(self.region, deleted=True)
        for stack in stacks:
            for change_set in stack.change_sets.values():
                if name in (change_set.name, change_set.id):
                    return stack, change_set
        raise ApiError("ChangeSetNotFound", f"ChangeSet [{name}] does not exist")

    def describe_change_set(self):
        stack, change_set = self._change_set()
        values = bool(self._get_param("IncludePropertyValues"))
        return ActionResult(
            describe.change_set(stack, change_set, self._token(), values)
        )

    def list_change_sets(self):
        stack = self._stack("Stack [{}] does not exist")
        summaries = [
            describe.change_set_summary(stack, item)
            for item in stack.change_sets.values()
        ]
        return ActionResult({"Summaries": summaries})

    def delete_change_set(self):
        try:
            stack, change_set = self._change_set()
        except ApiError as error:
            if error.code == "ChangeSetNotFound":  # deleting is idempotent
                return EmptyResult()
            raise
        if change_set.execution == "EXECUTE_IN_PROGRESS":
            raise ApiError(
                "InvalidChangeSetStatus",
                f"ChangeSet [{change_set.id}] cannot be deleted in its current "
                f"status of [{change_set.execution}]",
            )
        del stack.change_sets[change_set.name]
        return EmptyResult()

    def execute_change_set(self):
        stack, change_set = self._change_set()
        token = self._get_param("ClientRequestToken")
        with stack.lock:
            if _tokens.repeated(stack, token, "ExecuteChangeSet", change_set.id):
                return EmptyResult()
            if change_set.execution != "AVAILABLE":
                status = change_set.execution
                if status == "UNAVAILABLE":
                    status = change_set.status
                raise ApiError(
                    "InvalidChangeSetStatus",
                    f"ChangeSet [{change_set.id}] cannot be executed in its current "
                    f"status of [{status}]",
                )
            if stack.busy:
                raise _not_updatable(stack)
            stack.caller = self.access_key
            _execute(stack, change_set, token, self._get_param("DisableRollback"))
            _tokens.record(stack, token, "ExecuteChangeSet", change_set.id)
        return EmptyResult()

    # Stacks

    def create_stack(self):
        name = self._get_param("StackName")
        token = self._get_param("ClientRequestToken")
        with _store.lock:
            stack = _store.find(self.region, name)
            if stack:
                if _tokens.repeated(stack, token, "CreateStack"):
                    return ActionResult({"StackId": stack.id})
                raise ApiError(
                    "AlreadyExistsException", f"Stack [{name}] already exists"
                )
            _tokens.unused(self.region, name, token)
            validate.stack_name(name)
            inputs = self._inputs(None, {})
            stack = _store.add(self.region, name)
        stack.protected = bool(self._get_param("EnableTerminationProtection"))
        on_failure = self._get_param("OnFailure")
        if self._get_param("DisableRollback"):
            on_failure = "DO_NOTHING"
        stack.caller = self.access_key
        stack.begin("CREATE_STACK", token)
        _tokens.record(stack, token, "CreateStack")
        adopt(stack, inputs)
        _start(stack, "create", inputs, on_failure)
        return ActionResult({"StackId": stack.id})

    def update_stack(self):
        stack = self._stack("Stack [{}] does not exist")
        token = self._get_param("ClientRequestToken")
        with stack.lock:
            if _tokens.repeated(stack, token, "UpdateStack"):
                return ActionResult({"StackId": stack.id})
            if stack.status not in UPDATABLE:
                raise _not_updatable(stack)
            inputs = self._inputs(stack, stack.parameters)
            if not _differs(stack, inputs):
                raise invalid("No updates are to be performed.")
            stack.updated = describe.now()
            stack.caller = self.access_key
            stack.begin("UPDATE_STACK", token)
            _tokens.record(stack, token, "UpdateStack")
            _start(stack, "update", inputs)
        return ActionResult({"StackId": stack.id})

    def cancel_update_stack(self):
        stack = self._stack("Stack [{}] does not exist")
        token = self._get_param("ClientRequestToken")
        with stack.lock:
            if _tokens.repeated(stack, token, "CancelUpdateStack"):
                return EmptyResult()
            if stack.status != "UPDATE_IN_PROGRESS":
                raise invalid(
                    "CancelUpdateStack cannot be called from current stack status"
                )
            stack.operation.user_cancel = True
            stack.operation.cancelled.set()
            _tokens.record(stack, token, "CancelUpdateStack")
        return EmptyResult()

    def continue_update_rollback(self):
        """Continue a failed rollback, without the resources to skip."""
        stack = self._stack("Stack [{}] does not exist")
        token = self._get_param("ClientRequestToken")
        skipped = self._get_param("ResourcesToSkip") or []
        with stack.lock:
            if _tokens.repeated(stack, token, "ContinueUpdateRollback", str(skipped)):
                return ActionResult({})
            if stack.status != "UPDATE_ROLLBACK_FAILED":
                raise invalid(
                    f"Stack:{stack.id} is in {stack.status} state and its rollback "
                    "can not be continued."
                )
            _check_skipped(stack, skipped)
            stack.caller = self.access_key
            stack.begin("CONTINUE_ROLLBACK", token)
            _tokens.record(stack, token, "ContinueUpdateRollback", str(skipped))
            _start(stack, "continue_rollback", skipped, status="UPDATE_ROLLBACK")
        return ActionResult({})

    def delete_stack(self):
        stack = _store.find(self.region, self._get_param("StackName"))
        if stack is None or stack.deleted:
            return EmptyResult()
        token = self._get_param("ClientRequestToken")
        with stack.lock:
            if _tokens.repeated(stack, token, "DeleteStack"):
                return EmptyResult()
            if stack.status != "DELETE_IN_PROGRESS":
                stack.caller = self.access_key
                _delete(stack, token, self._get_param("RetainResources") or [])
            _tokens.record(stack, token, "DeleteStack")
        return EmptyResult()

    def update_termination_protection(self):
        stack = self._stack()
        stack.protected = bool(self._get_param("EnableTerminationProtection"))
        return ActionResult({"StackId": stack.id})

# Descriptions

    def _token(self):
        return self._get_param("NextToken")

    def describe_stacks(self):
        if self._get_param("StackName"):
            return ActionResult({"Stacks": [describe.stack(self._stack())]})
        stacks = [describe.stack(item) for item in _store.listed(self.region)]
        return ActionResult(describe.page("Stacks", stacks, self._token()))

    def list_stacks(self):
        wanted = self._get_param("StackStatusFilter") or []
        found = [
            describe.summary(item)
            for item in _store.listed(self.region, deleted=True)
            if not wanted or item.status in wanted
        ]
        return ActionResult(describe.page("StackSummaries", found, self._token()))

    def describe_stack_events(self):
        stack = self._stack("Stack [{}] does not exist")
        with stack.lock:
            events = list(reversed(stack.events))
        if faults.events_are_late():
            events = [item for item in events if item.token != stack.token]
        found = [describe.event(stack, item) for item in events]
        return ActionResult(
            describe.page("StackEvents", found, self._token(), "EventId")
        )

    def describe_events(self):
        """DescribeEvents, the newer action, which also reports why a change set failed."""
        if self._get_param("ChangeSetName"):
            stack, change_set = self._change_set()
            found = describe.change_set_events(stack, change_set)
        else:
            stack = self._stack("Stack [{}] does not exist")
            with stack.lock:
                events = list(reversed(stack.events))
            operation = self._get_param("OperationId")
            found = [
                describe.operation_event(stack, item)
                for item in events
                if operation in (None, item.operation_id)
            ]
        if (self._get_param("Filters") or {}).get("FailedEvents"):
            found = [item for item in found if describe.is_failure(item)]
        return ActionResult(
            describe.page("OperationEvents", found, self._token(), "EventId")
        )

    def describe_stack_resources(self):
        physical_id = self._get_param("PhysicalResourceId")
        if self._get_param("StackName"):
            stack = self._stack()
        else:
            stack = _owner(self.region, physical_id)
        logical_id = self._get_param("LogicalResourceId")
        found = [
            describe.resource(stack, item)
            for item in describe.resources(stack)
            if logical_id in (None, item.logical_id)
        ]
        return ActionResult({"StackResources": found})

    def describe_stack_resource(self):
        stack = self._stack("Stack '{}' does not exist")
        logical_id = self._get_param("LogicalResourceId")
        found = stack.resources.get(logical_id)
        if found is None:
            raise invalid(
                f"Resource {logical_id} does not exist for stack {stack.name}"
            )
        detail = describe.resource(stack, found)
        detail["LastUpdatedTimestamp"] = detail["Timestamp"]
        definition = stack.template["Resources"].get(logical_id, {})
        if "Metadata" in definition:
            detail["Metadata"] = describe.text(definition["Metadata"])
        return ActionResult({"StackResourceDetail": detail})

    def list_stack_resources(self):
        stack = self._stack()
        found = []
        for item in describe.resources(stack):
            summary = describe.resource(stack, item)
            summary["LastUpdatedTimestamp"] = summary["Timestamp"]
            found.append(summary)
        return ActionResult(
            describe.page("StackResourceSummaries", found, self._token())
        )

    def get_template(self):
        if self._get_param("ChangeSetName"):
            body = self._change_set()[1].body
        else:
            body = self._stack().body
        return ActionResult(
            {"TemplateBody": body, "StagesAvailable": ["Original", "Processed"]}
        )

    def get_template_summary(self):
        body = self._get_param("TemplateBody")
        if not body:
            body = self._stack().body
        template = validate.template(body, KINDS)
        return ActionResult(describe.template_summary(template))

    def validate_template(self):
        template = validate.template(self._get_param("TemplateBody"), KINDS)
        return ActionResult(describe.template_summary(template))

    def list_exports(self):
        exports = [
            {
                "ExportingStackId": stack.id,
                "Name": output["ExportName"],
                "Value": output["OutputValue"],
            }
            for stack in _store.listed(self.region)
            for output in stack.outputs
            if output.get("ExportName")
        ]
        return ActionResult(describe.page("Exports", exports, self._token()))


def _not_updatable(stack) -> ApiError:
    return invalid(
        f"Stack:{stack.id} is in {stack.status} state and can not be updated."
    )


def _owner(region, physical_id):
    for stack in _store.listed(region):
        for resource in stack.resources.values():
            if resource.physical_id == physical_id:
                return stack
    raise invalid(f"Stack for {physical_id} does not exist")


def _check_skipped(stack, names) -> None:
    """Only resources whose rollback failed may be skipped."""
    for name in names:
        found = stack.resources.get(name)
        if found is None or found.status != "UPDATE_FAILED":
            raise invalid(
                f"The following resources to skip are not in UPDATE_FAILED state: "
                f"[{name}]"
            )


def _differs(stack, inputs) -> bool:
    """Whether the inputs change a resource, the outputs or other data of the stack."""
    if plan.changes(stack, inputs):
        return True
    current = inputs_of(stack)
    for section in ("Outputs", "Metadata", "Description"):
        if current.template.get(section) != inputs.template.get(section):
            return True
    return False


def _compute(stack, change_set) -> None:
    """Compute the changes of a change set after the call has returned, as AWS does."""
    change_set.status = "CREATE_IN_PROGRESS"
    if not _context.wait(3):
        return
    inputs = inputs_from(change_set)
    try:
        with stack.lock:
            change_set.changes = plan.changes(stack, inputs)
            differs = change_set.type == "CREATE" or _differs(stack, inputs)
    except ApiError as error:
        change_set.error = error.message
        change_set.reason = error.message
        change_set.status = "FAILED"
        return
    if differs:
        change_set.execution = "AVAILABLE"
        change_set.status = "CREATE_COMPLETE"
    else:
        change_set.reason = NO_CHANGES
        change_set.status = "FAILED"


def inputs_from(change_set) -> plan.Inputs:
    """The inputs of a change set."""
    return plan.Inputs(
        change_set.template,
        change_set.body,
        change_set.parameters,
        change_set.tags,
        change_set.capabilities,
    )


def _execute(stack, change_set, token, disable_rollback) -> None:
    inputs = inputs_from(change_set)
    creating = stack.status == "REVIEW_IN_PROGRESS"
    stack.begin("CREATE_STACK" if creating else "UPDATE_STACK", token)
    stack.change_set_id = change_set.id
    change_set.execution = "EXECUTE_IN_PROGRESS"
    for other in stack.change_sets.values():
        if other is not change_set:
            other.execution = "OBSOLETE"
    on_failure = "DO_NOTHING" if disable_rollback else change_set.on_failure
    if not creating:
        stack.updated = describe.now()

    def done():
        failed = "ROLLBACK" in stack.status or "FAILED" in stack.status
        change_set.execution = "EXECUTE_FAILED" if failed else "EXECUTE_COMPLETE"

    if creating:
        adopt(stack, inputs)  # the new tags are visible together with the first status
        _start(stack, "create", inputs, on_failure, done=done)
    else:
        _start(stack, "update", inputs, done=done)


def _start(stack, verb, *arguments, done=None, status=None) -> None:
    """Begin an operation; the stack is busy before the reply."""
    operation = Operation(_context, _store, stack)

    def run():
        try:
            getattr(operation, verb)(*arguments)
        finally:
            if done:
                done()

    stack.status = f"{status or verb.upper()}_IN_PROGRESS"
    operation.start(run)


def _delete(stack, token, retained) -> None:
    if stack.protected:
        raise invalid(
            f"Stack [{stack.name}] cannot be deleted while TerminationProtection is "
            "enabled"
        )
    if stack.status == "CREATE_IN_PROGRESS":
        stack.begin("DELETE_STACK", token)
        stack.operation.delete_next = True
        stack.operation.cancelled.set()
        return
    if stack.busy:
        raise invalid(
            f"Stack [{stack.name}] cannot be deleted while in status {stack.status}"
        )
    if retained and stack.status != "DELETE_FAILED":
        raise invalid(
            f"Invalid operation on stack [{stack.id}]. When you delete a stack, "
            "specify which resources to retain only when the stack is in the "
            "DELETE_FAILED state."
        )
    stack.begin("DELETE_STACK", token)
    _start(stack, "delete", retained)
