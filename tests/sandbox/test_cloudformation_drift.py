# SPDX-License-Identifier: BSD-3-Clause
"""Drift detection, and change sets with the values of properties."""

import json

import pytest
from botocore.exceptions import ClientError
from conftest import until
from test_cloudformation_tokens import Stack, refused


@pytest.fixture(name="stack")
def fixture_stack(sandbox):
    return Stack(sandbox).created()


def detect(stack):
    """The status of a detection that has ended."""
    made = stack.api.detect_stack_drift(StackName=stack.name)["StackDriftDetectionId"]

    def ended():
        found = stack.api.describe_stack_drift_detection_status(StackDriftDetectionId=made)
        return found if found["DetectionStatus"] != "DETECTION_IN_PROGRESS" else None

    return until(ended)


def drifts(stack, **more):
    found = stack.api.describe_stack_resource_drifts(StackName=stack.name, **more)
    return {item["LogicalResourceId"]: item for item in found["StackResourceDrifts"]}


def group(stack, logical_id):
    found = stack.api.describe_stack_resources(StackName=stack.name, LogicalResourceId=logical_id)
    return found["StackResources"][0]["PhysicalResourceId"]


def test_nothing_was_checked_before(stack):
    assert stack.record()["DriftInformation"] == {"StackDriftStatus": "NOT_CHECKED"}
    assert drifts(stack) == {}


def test_a_stack_as_its_template_wants_it(stack):
    found = detect(stack)
    assert (found["DetectionStatus"], found["StackDriftStatus"]) == ("DETECTION_COMPLETE", "IN_SYNC")
    assert found["DriftedStackResourceCount"] == 0
    assert {d["StackResourceDriftStatus"] for d in drifts(stack).values()} == {"IN_SYNC"}
    assert stack.record()["DriftInformation"]["LastCheckTimestamp"]


def test_changed_and_deleted_resources(stack, sandbox):
    logs = sandbox.client("logs")
    logs.put_retention_policy(logGroupName=group(stack, "A"), retentionInDays=7)
    logs.delete_log_group(logGroupName=group(stack, "B"))
    assert detect(stack)["DriftedStackResourceCount"] == 2
    found = drifts(stack)
    assert found["A"]["StackResourceDriftStatus"] == "MODIFIED"
    assert found["A"]["PropertyDifferences"] == [
        {
            "PropertyPath": "/RetentionInDays",
            "ExpectedValue": "1",
            "ActualValue": "7",
            "DifferenceType": "NOT_EQUAL",
        }
    ]
    assert found["B"]["StackResourceDriftStatus"] == "DELETED"
    assert list(drifts(stack, StackResourceDriftStatusFilters=["DELETED"])) == ["B"]
    assert stack.record()["DriftInformation"]["StackDriftStatus"] == "DRIFTED"


def test_pages(stack):
    detect(stack)
    first = stack.api.describe_stack_resource_drifts(StackName=stack.name, MaxResults=1)
    second = stack.api.describe_stack_resource_drifts(
        StackName=stack.name, MaxResults=1, NextToken=first["NextToken"]
    )
    assert len(first["StackResourceDrifts"]) == len(second["StackResourceDrifts"]) == 1
    assert "NextToken" not in second


def test_a_resource_that_cannot_be_checked(stack):
    stack.fault("drift_failed")
    found = detect(stack)
    assert found["DetectionStatus"] == "DETECTION_FAILED"
    assert json.loads(found["DetectionStatusReason"])["Failures"] == [
        {"Resource": "A", "FailureReason": "Rate exceeded"}
    ]
    assert drifts(stack)["A"]["StackResourceDriftStatus"] == "UNKNOWN"
    assert drifts(stack)["B"]["StackResourceDriftStatus"] == "IN_SYNC"


def test_one_detection_at_a_time(stack, sandbox):
    sandbox.control("POST", "faults", {"match": "drift", "kind": "never_ends"})
    stack.api.detect_stack_drift(StackName=stack.name)
    with pytest.raises(ClientError, match="Drift detection is already in progress for stack"):
        stack.api.detect_stack_drift(StackName=stack.name)


def test_statuses_in_which_drift_is_not_detected(stack, sandbox):
    for status in ("UPDATE_IN_PROGRESS", "ROLLBACK_COMPLETE"):
        sandbox.control("POST", "stack", {"stack": stack.name, "status": status})
        assert refused(stack.api.detect_stack_drift, StackName=stack.name) == "ValidationError"
    unknown = stack.api.describe_stack_drift_detection_status
    assert refused(unknown, StackDriftDetectionId="nothing") == "ValidationError"


def test_values_in_a_change_set(stack):
    made = stack.change_set("values", days=3)
    plain = stack.api.describe_change_set(ChangeSetName=made)["Changes"][0]["ResourceChange"]
    assert "BeforeContext" not in plain and "BeforeValue" not in plain["Details"][0]["Target"]
    full = stack.api.describe_change_set(ChangeSetName=made, IncludePropertyValues=True)
    change = full["Changes"][0]["ResourceChange"]
    assert json.loads(change["AfterContext"])["Properties"]["RetentionInDays"] == "3"
    target = change["Details"][0]["Target"]
    assert (target["Path"], target["BeforeValue"], target["AfterValue"]) == (
        "/Properties/RetentionInDays", "1", "3")
    assert target["AttributeChangeType"] == "Modify"
    stack.api.delete_change_set(ChangeSetName=made)


def test_values_of_a_stack_to_come(sandbox):
    stack = Stack(sandbox)
    made = stack.change_set("values", kind="CREATE")
    full = stack.api.describe_change_set(ChangeSetName=made, IncludePropertyValues=True)
    change = full["Changes"][0]["ResourceChange"]
    assert (change["Action"], "BeforeContext" in change) == ("Add", False)
    assert json.loads(change["AfterContext"])["Properties"]["RetentionInDays"] == "1"
    stack.delete("values")
