# SPDX-License-Identifier: BSD-3-Clause
"""CloudFormation's client request tokens, rollbacks that fail, and stacks put into a status."""

import itertools
import json

import pytest
from botocore.exceptions import ClientError
from conftest import until

NAMES = (f"tokens-{n}" for n in itertools.count())
GROUP = {"Type": "AWS::Logs::LogGroup", "Properties": {"RetentionInDays": {"Ref": "Days"}}}
#: B comes after A: when the update of B fails, A has been updated and must be rolled back
TEMPLATE = json.dumps(
    {
        "Parameters": {"Days": {"Type": "String"}},
        "Resources": {"A": GROUP, "B": {**GROUP, "DependsOn": "A"}},
    }
)


class Stack:
    """A small stack and the calls that change it."""

    def __init__(self, sandbox, name=None):
        self.sandbox = sandbox
        self.api = sandbox.client("cloudformation")
        self.name = name or next(NAMES)

    def arguments(self, days):
        parameters = [{"ParameterKey": "Days", "ParameterValue": str(days)}]
        return {"StackName": self.name, "TemplateBody": TEMPLATE, "Parameters": parameters}

    def change_set(self, name, kind="UPDATE", days=1):
        made = self.api.create_change_set(
            ChangeSetName=name, ChangeSetType=kind, **self.arguments(days)
        )["Id"]
        until(
            lambda: self.api.describe_change_set(ChangeSetName=made)["Status"]
            == "CREATE_COMPLETE"
        )
        return made

    def record(self):
        return self.api.describe_stacks(StackName=self.name)["Stacks"][0]

    def becomes(self, status):
        until(lambda: self.record()["StackStatus"] == status)
        return self

    def created(self, token="create", days=1):
        self.api.create_stack(ClientRequestToken=token, **self.arguments(days))
        return self.becomes("CREATE_COMPLETE")

    def gone(self):
        return not [
            s for s in self.api.describe_stacks()["Stacks"] if s["StackName"] == self.name
        ]

    def delete(self, token):
        self.api.delete_stack(StackName=self.name, ClientRequestToken=token)

    def last_event(self):
        return self.api.describe_stack_events(StackName=self.name)["StackEvents"][0]

    def fault(self, kind, resource="A"):
        rule = {"match": f"resource:{resource}", "kind": kind}
        self.sandbox.control("POST", "faults", rule)

    def update(self, token, days):
        self.api.update_stack(ClientRequestToken=token, **self.arguments(days))


def refused(call, *arguments, **named):
    """The code of the error with which a call must fail."""
    with pytest.raises(ClientError) as caught:
        call(*arguments, **named)
    return caught.value.response["Error"]["Code"]


def test_a_token_is_of_one_call(sandbox):
    stack = Stack(sandbox)
    made = stack.change_set("first", "CREATE")
    execute = {"ChangeSetName": made, "ClientRequestToken": "t"}
    stack.api.execute_change_set(**execute)
    stack.api.execute_change_set(**execute)  # the same call again
    stack.becomes("CREATE_COMPLETE")
    assert stack.last_event()["ClientRequestToken"] == "t"
    assert refused(stack.delete, "t") == "TokenAlreadyExistsException"
    assert refused(stack.update, "t", 3) == "TokenAlreadyExistsException"
    second = stack.change_set("second", days=3)
    assert (
        refused(
            stack.api.execute_change_set, ChangeSetName=second, ClientRequestToken="t"
        )
        == "TokenAlreadyExistsException"
    )
    stack.delete("u")
    until(stack.gone)


def test_a_token_outlives_its_stack(sandbox):
    stack = Stack(sandbox).created("t")
    stack.delete("u")
    until(stack.gone)
    assert refused(stack.created, "t") == "TokenAlreadyExistsException"
    assert refused(stack.created, "u") == "TokenAlreadyExistsException"
    stack.created("v")
    assert refused(stack.delete, "u") == "TokenAlreadyExistsException"
    other = Stack(sandbox).created("t")  # another name, another memory
    for one in (stack, other):
        one.delete("w")
        until(one.gone)


def test_a_token_is_of_one_try(sandbox):
    stack = Stack(sandbox).created()
    stack.fault("delete_failed")
    stack.delete("t")
    stack.becomes("DELETE_FAILED")
    stack.delete("t")  # the call of an operation that has ended: nothing happens
    assert stack.record()["StackStatus"] == "DELETE_FAILED"
    stack.delete("u")
    until(stack.gone)


def test_a_rollback_that_failed_goes_on(sandbox):
    stack = Stack(sandbox).created()
    stack.fault("rollback_failed")
    stack.fault("update_failed", "B")
    stack.update("t", 3)
    stack.becomes("UPDATE_ROLLBACK_FAILED")
    assert "[A]" in stack.record()["StackStatusReason"]
    assert refused(stack.update, "u", 5) == "ValidationError"
    go_on = {"StackName": stack.name, "ClientRequestToken": "c"}
    assert (
        refused(stack.api.continue_update_rollback, ResourcesToSkip=["B"], **go_on)
        == "ValidationError"
    )
    stack.api.continue_update_rollback(**go_on)
    stack.becomes("UPDATE_ROLLBACK_COMPLETE")
    assert refused(stack.api.continue_update_rollback, **{**go_on, "ClientRequestToken": "d"})
    group = stack.api.describe_stack_resource(StackName=stack.name, LogicalResourceId="A")
    name = group["StackResourceDetail"]["PhysicalResourceId"]
    logs = sandbox.client("logs").describe_log_groups(logGroupNamePrefix=name)
    assert logs["logGroups"][0]["retentionInDays"] == 1
    stack.delete("e")
    until(stack.gone)


def test_what_is_skipped_stays_as_it_is(sandbox):
    stack = Stack(sandbox).created()
    stack.fault("rollback_failed")
    stack.fault("update_failed", "B")
    stack.update("t", 3)
    stack.becomes("UPDATE_ROLLBACK_FAILED")
    stack.api.continue_update_rollback(StackName=stack.name, ResourcesToSkip=["A"])
    stack.becomes("UPDATE_ROLLBACK_COMPLETE")
    stack.delete("e")
    until(stack.gone)


def test_a_stack_is_put_into_a_status(sandbox):
    stack = Stack(sandbox).created()
    sandbox.control("POST", "stack", {"stack": stack.name, "status": "IMPORT_ROLLBACK_FAILED"})
    assert stack.last_event()["ResourceStatus"] == "IMPORT_ROLLBACK_FAILED"
    assert refused(stack.update, "u", 5) == "ValidationError"
    sandbox.control("POST", "stack", {"stack": stack.name, "status": "UPDATE_IN_PROGRESS"})
    assert refused(stack.delete, "d") == "ValidationError"
    sandbox.control("POST", "stack", {"stack": stack.name, "status": "UPDATE_COMPLETE"})
    stack.delete("e")
    until(stack.gone)
