# SPDX-License-Identifier: BSD-3-Clause
"""Every status that a stack can have, through the mount."""

import pytest

from conftest import until


def put(tree, cloud, status):
    cloud.control("POST", "stack", {"stack": tree.name, "status": status})
    tree.bash("touch control/refresh")
    until(lambda: tree.value("stack/status") == status, status)


@pytest.fixture
def status(deployed, cloud):
    """Puts the stack into a status for the duration of a test."""
    yield lambda wanted: put(deployed, cloud, wanted)
    cloud.control("POST", "stack", {"stack": deployed.name, "status": "UPDATE_COMPLETE"})
    deployed.bash("touch control/refresh")
    until(lambda: deployed.value("stack/status") == "UPDATE_COMPLETE", "the end")
    until(lambda: deployed.value("operations/latest/state") != "running", "the end of what was followed")


def test_what_the_tree_says(deployed, status):
    for name, word in (("UPDATE_ROLLBACK_FAILED", "failed"), ("IMPORT_ROLLBACK_FAILED", "failed"),
                       ("UPDATE_FAILED", "failed"), ("UPDATE_IN_PROGRESS", "updating"),
                       ("UPDATE_ROLLBACK_IN_PROGRESS", "rolling-back"), ("UPDATE_COMPLETE", "deployed"),
                       ("UPDATE_COMPLETE_CLEANUP_IN_PROGRESS", "deployed")):
        status(name)
        assert f"state {word}\n" in deployed.read("status"), name


def refused(tree, script, code):
    assert tree.bash(script, check=False).returncode == 1
    assert f"errno={code}" in tree.read("error").splitlines()[-1]


def test_no_server_is_started_while_the_stack_changes(deployed, status, cloud):
    for name in ("UPDATE_IN_PROGRESS", "UPDATE_ROLLBACK_IN_PROGRESS", "DELETE_IN_PROGRESS"):
        status(name)
        for verb in ("run-task", "restart-task", "deploy", "destroy"):
            refused(deployed, f"touch control/{verb}", "EBUSY")
    assert not cloud.calls("ecs:RunTask")


def test_no_server_is_started_in_what_failed_to_be_made(deployed, status):
    for name in ("ROLLBACK_COMPLETE", "DELETE_FAILED"):
        status(name)
        refused(deployed, "touch control/run-task", "ENXIO")
        assert name in deployed.read("error")


def test_a_status_without_a_way_back(deployed, status, cloud):
    status("IMPORT_ROLLBACK_FAILED")
    before = cloud.calls("ecr:SetRepositoryPolicy"), cloud.calls("cloudformation:CreateChangeSet")
    error = deployed.operate("deploy", fails=True)
    assert "is IMPORT_ROLLBACK_FAILED" in error
    assert "touch control/destroy" in deployed.read("error")
    assert before == (cloud.calls("ecr:SetRepositoryPolicy"), cloud.calls("cloudformation:CreateChangeSet"))


def test_an_update_that_was_left_failed_is_updated(deployed, status):
    status("UPDATE_FAILED")
    assert "is deployed" in deployed.operate("deploy")


def with_failed_rollback(tree, cloud, **more):
    tree.write("config/default.env", tree.settings(server_memory="8192"))
    cloud.fault("resource:TaskDefinition", "update_failed", reason="not today")
    cloud.fault("resource:TaskDefinition", "rollback_failed", **more)
    tree.operate("deploy", fails=True)
    assert tree.value("stack/status") == "UPDATE_ROLLBACK_FAILED"
    assert "deploy would continue the rollback first" in tree.read("stack/plan")
    cloud.control("DELETE", "journal")


def test_a_failed_rollback_is_continued_before_anything_else(deployed, cloud):
    with_failed_rollback(deployed, cloud)
    assert "is deployed" in deployed.operate("deploy")
    asked = [c["action"] for c in cloud.control("GET", "journal")]
    assert asked.index("ContinueUpdateRollback") < asked.index("GetAuthorizationToken")
    assert deployed.value("stack/parameters/ServerMemory") == "8192"


def test_what_would_have_to_be_skipped_is_named(deployed, cloud):
    with_failed_rollback(deployed, cloud, count=2, reason="still not")
    error = deployed.operate("deploy", fails=True)
    assert "failed again because of TaskDefinition" in error and "still not" in error
    assert f"--region eu-west-1 --stack-name {deployed.name} --resources-to-skip TaskDefinition" in deployed.read("error")
    assert not cloud.calls("ecr:SetRepositoryPolicy")
    assert "is deleted" in deployed.operate("destroy")


def test_a_cancelled_destroy_leaves_the_function_in_its_vpc(deployed, cloud):
    deployed.operate("run-task")
    function = deployed.value("stack/outputs/FunctionName")
    cloud.fault("ec2:DescribeNetworkInterfaces", "delay", seconds=2)
    deployed.bash("touch control/destroy")
    until(lambda: not cloud.control("GET", "faults"), "the wait for the interfaces")
    config = cloud.boto("lambda").get_function_configuration(FunctionName=function)
    assert not config["VpcConfig"]["SubnetIds"]
    deployed.bash("touch control/cancel; cat operations/latest/result", check=False)
    assert deployed.value("operations/latest/state") == "cancelled"
    assert "the function is in its VPC again" in deployed.read("operations/latest/error")
    config = cloud.boto("lambda").get_function_configuration(FunctionName=function)
    assert config["VpcConfig"]["SubnetIds"] == [deployed.value("stack/outputs/PrivateSubnetId")]
    assert "state deployed" in deployed.read("status")


def test_a_function_that_cannot_be_put_back_is_said(deployed, cloud):
    cloud.fault("ec2:DescribeNetworkInterfaces", "delay", seconds=2)
    deployed.bash("touch control/destroy")
    until(lambda: not cloud.control("GET", "faults"), "the wait for the interfaces")
    cloud.fault("lambda:UpdateFunctionConfiguration", "error", status=403, code="AccessDeniedException", message="no")
    deployed.bash("touch control/cancel; cat operations/latest/result", check=False)
    assert deployed.value("operations/latest/state") == "failed"
    assert "could not be put back into its VPC" in deployed.read("operations/latest/error")
    assert "touch control/deploy" in deployed.read("error")
    deployed.operate("deploy")
    assert "putting the function back" in deployed.read("operations/latest/operation.log")


def test_a_destroy_that_finds_nothing_says_where_it_looked(tree):
    assert "in account 123456789012, region eu-west-1" in tree.operate("destroy")
