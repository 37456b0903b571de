# SPDX-License-Identifier: BSD-3-Clause
"""What goes wrong in AWS, on the way to it, and on this machine."""

import os
import signal
import subprocess

import pytest

from conftest import VPC, Tree, until


def test_the_first_failing_resource_is_named(tree, cloud):
    cloud.fault("resource:LambdaSecurityGroup", "create_failed", reason="Security group quota exceeded", count=1)
    error = tree.operate("deploy", fails=True)
    assert "LambdaSecurityGroup" in error and "quota exceeded" in error
    assert tree.value("stack/status") == "ROLLBACK_COMPLETE"
    assert "is deployed" in tree.operate("deploy")


def test_destroy_of_what_a_failed_deploy_left(tree, cloud):
    cloud.fault("resource:NatGateway", "create_failed", reason="no", count=1)
    tree.operate("deploy", fails=True)
    tree.operate("destroy")
    assert not tree.bash("ls stack/resources")


def test_an_update_that_fails_is_rolled_back(deployed, cloud):
    deployed.write("config/default.env", deployed.settings(server_memory="8192"))
    cloud.fault("resource:TaskDefinition", "update_failed", reason="Invalid CPU or memory", count=1)
    assert "Invalid CPU or memory" in deployed.operate("deploy", fails=True)
    assert deployed.value("stack/status") == "UPDATE_ROLLBACK_COMPLETE"
    assert "is deployed" in deployed.operate("deploy")


def test_a_role_that_is_too_new_is_tried_once_more(tree, cloud):
    cloud.fault("lambda", "role_not_assumable", count=1)
    assert "is deployed" in tree.operate("deploy")
    assert "creating the stack again" in tree.read("operations/latest/operation.log")


def test_an_account_without_the_role_of_ecs(tree, cloud):
    cloud.fault("ecs", "service_linked_role_missing", count=1)
    assert "is deployed" in tree.operate("deploy")


def test_a_delete_that_fails_is_done_again(deployed, cloud):
    cloud.fault("resource:PrivateSubnet", "delete_failed", reason="has dependencies", count=1)
    deployed.operate("destroy")
    assert "state not-deployed" in deployed.read("status")


def test_termination_protection_stops_destroy_untouched(deployed, cloud):
    cloudformation = cloud.boto("cloudformation")
    deployed.operate("run-task")
    cloudformation.update_termination_protection(StackName=deployed.name, EnableTerminationProtection=True)
    error = deployed.operate("destroy", fails=True)
    assert "termination protection" in error and "update-termination-protection --region eu-west-1 " in error
    assert deployed.value("tasks/default/status") == "RUNNING"
    cloudformation.update_termination_protection(StackName=deployed.name, EnableTerminationProtection=False)


def test_an_interrupted_destroy_is_put_right_by_deploy(deployed, cloud):
    cloud.boto("lambda").update_function_configuration(
        FunctionName=deployed.value("stack/outputs/FunctionName"), VpcConfig={"SubnetIds": [], "SecurityGroupIds": []})
    deployed.operate("deploy")
    config = cloud.boto("lambda").get_function_configuration(FunctionName=deployed.value("stack/outputs/FunctionName"))
    assert config["VpcConfig"]["SubnetIds"] == [deployed.value("stack/outputs/PrivateSubnetId")]


@pytest.mark.parametrize("change, words", [
    ({"vpc_id": "vpc-0123456789abcdef1"}, "destroy"),
    ({"subnet_cidr": "172.31.240.0/24"}, "destroy"),
])
def test_what_is_fixed_for_life(deployed, cloud, change, words):
    before = cloud.calls("cloudformation:CreateChangeSet")
    deployed.write("config/default.env", deployed.settings(**change))
    assert words in deployed.operate("deploy", fails=True)
    assert cloud.calls("cloudformation:CreateChangeSet") == before
    deployed.write("config/default.env", deployed.settings())


@pytest.mark.parametrize("change, words", [
    ({"vpc_id": "vpc-0123456789abcdeff"}, "vpc-0123456789abcdeff does not exist"),
    ({"vpc_id": "vpc-0123456789abcdef1", "subnet_cidr": "10.9.1.0/24"}, "Internet gateway"),
    ({"subnet_cidr": "172.31.0.0/24"}, "172.31.0.0/20"),
    ({"subnet_cidr": "10.1.0.0/24"}, "172.31.0.0/16"),
])
def test_checks_before_anything_is_made(tree, cloud, change, words):
    tree.configure(**change)
    before = cloud.calls("ecr:CreateRepository")
    assert words in tree.operate("deploy", fails=True)
    assert cloud.calls("ecr:CreateRepository") == before
    tree.configure()


@pytest.fixture
def account(cloud):
    """Obstacles in the account, which are gone after the test."""
    ec2 = cloud.boto("ec2")
    yield ec2
    cloud.control("POST", "quotas", {})
    cloud.control("POST", "vpc", {"vpc": VPC, "owner": cloud.facts["account_id"]})
    ec2.modify_vpc_block_public_access_options(InternetGatewayBlockMode="off")
    ec2.associate_dhcp_options(DhcpOptionsId="default", VpcId=VPC)


def refused_at_once(tree, cloud, *words):
    """The deploy fails before it makes anything; its error has all the words."""
    before = cloud.calls("ecr:CreateRepository")
    error = tree.operate("deploy", fails=True)
    assert not [word for word in words if word not in error], error
    assert cloud.calls("ecr:CreateRepository") == before


def test_quotas_are_checked_before_anything_is_made(tree, cloud, account):
    cloud.control("POST", "quotas", {"addresses": 0})
    refused_at_once(tree, cloud, "all 0 Elastic IP addresses of eu-west-1 are in use", "--quota-code L-0263D0A3")
    cloud.control("POST", "quotas", {"nat_gateways": 0})
    refused_at_once(tree, cloud, "every availability zone of eu-west-1 has its 0 NAT gateways", "L-FE5A380F")
    cloud.control("POST", "quotas", {"fargate_vcpus": 1})
    refused_at_once(tree, cloud, "server_cpu=2048 needs 2 vCPUs, and the account may run only 1", "set a smaller server_cpu")
    tree.configure(lambda_memory=3009)
    cloud.control("POST", "quotas", {"new_account": True})
    refused_at_once(tree, cloud, "lambda_memory=3009 is more than the 3008 MB", "set lambda_memory=3008 or less")
    tree.configure()


def test_a_reduced_quota_of_lambda_alone_refuses_nothing(tree, cloud, account):
    """An organization may reduce the concurrency of an account that is not new."""
    cloud.control("POST", "quotas", {"lambda_concurrency": 500})
    tree.configure(lambda_memory=10240)
    assert "is deployed" in tree.operate("deploy")
    log = tree.read("operations/latest/operation.log")
    assert "warning: lambda_memory=10240 is more than the 3008 MB" in log and "this account may be new" in log


def test_a_vpc_that_cannot_hold_the_stack_is_refused_at_once(tree, cloud, account):
    cloud.control("POST", "vpc", {"vpc": VPC, "owner": "222222222222"})
    refused_at_once(tree, cloud, f"{VPC} belongs to account 222222222222", "set vpc_id in config/default.env")
    cloud.control("POST", "vpc", {"vpc": VPC, "owner": cloud.facts["account_id"]})
    account.modify_vpc_block_public_access_options(InternetGatewayBlockMode="block-bidirectional")
    refused_at_once(tree, cloud, "VPC Block Public Access (block-bidirectional) cuts", "exclude the VPC in the VPC console")
    account.modify_vpc_block_public_access_options(InternetGatewayBlockMode="block-ingress")
    servers = [{"Key": "domain-name-servers", "Values": ["192.0.2.53"]}]
    options = account.create_dhcp_options(DhcpConfigurations=servers)["DhcpOptions"]["DhcpOptionsId"]
    account.associate_dhcp_options(DhcpOptionsId=options, VpcId=VPC)
    refused_at_once(tree, cloud, f"({options}) name only DNS servers of its owner, such as 192.0.2.53",
                    "set vast_storage=ephemeral")
    tree.configure(vast_storage="ephemeral")
    assert "is deployed" in tree.operate("deploy")


def test_a_check_that_is_not_permitted_is_skipped(tree, cloud):
    for action in ("servicequotas:GetServiceQuota", "ec2:DescribeVpcBlockPublicAccess*", "ec2:DescribeDhcpOptions"):
        cloud.fault(action, "error", status=403, code="AccessDeniedException", count=0,
                    message=f"not authorized to perform: {action}")
    assert "is deployed" in tree.operate("deploy")
    log = tree.read("operations/latest/operation.log")
    for what in ("the quota of Elastic IP addresses", "the quota of NAT gateways per availability zone",
                 "the quota of vCPUs of Fargate On-Demand tasks", "VPC Block Public Access", "the DNS servers of the VPC"):
        assert f"{what} could not be checked: " in log


def test_quotas_that_make_no_sense_refuse_nothing(tree, cloud):
    cloud.fault("servicequotas:GetServiceQuota", "truncate_framed", count=0)
    cloud.fault("lambda:GetAccountSettings", "garbage", count=0)
    tree.configure(lambda_memory=10240)
    assert "is deployed" in tree.operate("deploy")
    log = tree.read("operations/latest/operation.log")
    assert "the quota of Elastic IP addresses could not be checked: " in log
    assert "the limit of lambda_memory could not be checked: " in log


def test_a_collision_proposes_free_blocks_that_work(tree):
    tree.configure(subnet_cidr="172.31.0.0/26")
    error = tree.operate("deploy", fails=True)
    free = error.split("free block")[1].split(": ")[1].split(",")[0].strip(". \n")
    tree.configure(subnet_cidr=free)
    assert "is deployed" in tree.operate("deploy")


def test_a_repository_of_somebody_else_is_not_touched(tree, cloud):
    ecr = cloud.boto("ecr")
    ecr.create_repository(repositoryName=tree.name)
    assert "vastfs did not create it" in tree.operate("deploy", fails=True)
    tree.operate("destroy")
    assert ecr.describe_repositories(repositoryNames=[tree.name])
    ecr.delete_repository(repositoryName=tree.name, force=True)


def test_required_settings_are_named(tree):
    tree.write("config/default.env", "aws_region=eu-west-1\n")
    assert tree.bash("touch control/deploy", check=False).returncode == 1
    error = tree.read("error")
    assert "errno=EINVAL" in error and "vpc_id" in error and "subnet_cidr" in error
    tree.configure()


def test_without_credentials_it_is_said_at_once(cloud, tmp_path):
    tree = Tree(cloud, tmp_path, AWS_EC2_METADATA_DISABLED="true")
    for key in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        del tree.env[key]
    tree.mount()
    try:
        tree.write("config/default.env", tree.settings())
        done = tree.bash("touch control/deploy", check=False)
        assert done.returncode == 1 and b"Required key not available" in done.stderr
        assert "errno=ENOKEY" in tree.read("error")
    finally:
        tree.unmount()


@pytest.mark.parametrize("kind", ["throttle", "error500", "html503", "drop_before", "drop_after", "truncate"])
@pytest.mark.parametrize("action", ["cloudformation:CreateChangeSet", "cloudformation:ExecuteChangeSet",
                                    "efs:CreateFileSystem", "ecr:CreateRepository"])
def test_a_stumbling_aws_does_not_stop_a_deploy(tree, cloud, action, kind):
    cloud.fault(action, kind, count=1)
    assert "is deployed" in tree.operate("deploy")


def test_run_task_whose_answer_was_lost_is_one_task(deployed, cloud):
    cloud.fault("ecs:RunTask", "drop_after", count=1)
    deployed.operate("run-task")
    tasks = cloud.boto("ecs").list_tasks(cluster=deployed.value("stack/outputs/ClusterName"))["taskArns"]
    assert len(tasks) == 1


def test_a_mount_target_that_does_not_resolve_yet(deployed, cloud):
    reason = "ResourceInitializationError: failed to invoke EFS utils commands to set up EFS volumes: Failed to resolve"
    cloud.fault("task", "stop_with", reason=reason, count=1)
    deployed.operate("run-task")
    assert "Failed to resolve" in deployed.read("operations/latest/operation.log")
    assert deployed.value("tasks/default/status") == "RUNNING"
    deployed.configure(server_restart="never")
    cloud.fault("task", "stop_with", reason=reason, count=1)
    deployed.operate("restart-task")
    assert "trying again" in deployed.read("operations/latest/operation.log")
    assert deployed.value("tasks/default/status") == "RUNNING"


def test_a_refused_first_deploy_leaves_no_empty_stack(tree, cloud):
    cloud.fault("cloudformation:ExecuteChangeSet", "error", status=403, code="AccessDenied", message="no", count=1)
    tree.operate("deploy", fails=True)
    stacks = cloud.boto("cloudformation").list_stacks()["StackSummaries"]
    assert not [s for s in stacks if s["StackName"] == tree.name and s["StackStatus"] != "DELETE_COMPLETE"]


def test_denied_is_said_with_code_and_request_id(tree, cloud):
    cloud.fault("cloudformation:CreateChangeSet", "error", status=403, code="AccessDenied", count=1,
                message="User is not authorized to perform: cloudformation:CreateChangeSet")
    assert "not authorized" in tree.operate("deploy", fails=True)
    assert "code=AccessDenied" in tree.read("error") and "request_id=" in tree.read("error")


def test_a_wrong_clock_is_corrected(tree, cloud):
    cloud.control("POST", "clock", {"skew": 3600})
    tree.bash("touch control/refresh")
    assert "is deployed" in tree.operate("deploy")


def test_a_task_that_cannot_start_says_why(deployed, cloud):
    cloud.fault("task", "stop_with", reason="CannotPullContainerError: pull image manifest: not found", count=3)
    error = deployed.operate("run-task", fails=True)
    assert "3 times" in error and "CannotPullContainerError" in error
    deployed.configure(server_restart="never")
    cloud.fault("task", "stop_with", reason="CannotPullContainerError: pull image manifest: not found", count=1)
    error = deployed.operate("run-task", fails=True)
    assert "stopped before it ran" in error and "CannotPullContainerError" in error


def start_elsewhere(tree, cloud):
    network = {"awsvpcConfiguration": {"subnets": [tree.value("stack/outputs/PrivateSubnetId")],
                                       "securityGroups": [tree.value("stack/outputs/ServerSecurityGroupId")]}}
    started = cloud.boto("ecs").run_task(cluster=tree.value("stack/outputs/ClusterName"), launchType="FARGATE",
                                         taskDefinition=tree.value("stack/outputs/TaskDefinitionArn"),
                                         networkConfiguration=network)
    return started["tasks"][0]["taskArn"].rpartition("/")[2]


def test_a_task_that_somebody_else_cannot_start_says_why(deployed, cloud):
    cloud.fault("task", "stop_with", reason="CannotPullContainerError: pull image manifest: not found", count=1)
    task = start_elsewhere(deployed, cloud)
    deployed.bash("touch control/refresh")
    line = until(lambda: [x for x in deployed.read("error").splitlines() if f"path=tasks/{task}" in x], "the error")
    assert len(line) == 1 and "CannotPullContainerError" in line[0] and "check the NAT gateway" in line[0]
    deployed.bash("touch control/refresh; touch control/refresh")
    assert deployed.read("error").count(f"path=tasks/{task}") == 1


def test_a_server_that_ends_at_once_shows_its_exit_code(tree):
    tree.configure(vast_command="sh -c 'exit 9'")
    tree.operate("deploy")
    tree.bash("touch control/run-task; cat operations/latest/result", check=False)
    until(lambda: tree.bash("cat tasks/*/exit_code").split().count("9") >= 3, "the exit codes")


def test_a_failing_restart_says_that_no_server_runs(deployed, cloud):
    deployed.operate("run-task")
    cloud.fault("ecs:TagResource", "error", status=400, code="InvalidParameterException", message="no", count=1)
    assert "no server is running now" in deployed.operate("restart-task", fails=True)


def test_the_network_going_away_leaves_the_tree_readable(deployed, cloud):
    os.kill(cloud.process.pid, signal.SIGSTOP)
    try:
        assert deployed.bash("ls -lR . > /dev/null; cat status stack/status stack/outputs/*", deadline=20)
    finally:
        os.kill(cloud.process.pid, signal.SIGCONT)


def test_an_aws_that_never_answers_keeps_nobody(tree, cloud):
    os.kill(cloud.process.pid, signal.SIGSTOP)
    try:
        tree.bash("touch control/deploy control/cancel")
        assert tree.bash("cat operations/latest/result", check=False, deadline=25).returncode == 1
        assert tree.value("operations/latest/state") == "cancelled"
        tree.bash("touch control/deploy")
        tree.process.terminate()
        tree.process.wait(20)
    finally:
        os.kill(cloud.process.pid, signal.SIGCONT)
    tree.mount()
    tree.bash("cat operations/latest/result", check=False)


def test_an_operation_survives_kill_9(tree, cloud):
    cloud.fault("efs:CreateFileSystem", "delay", seconds=2, count=1)
    tree.bash("touch control/deploy")
    until(lambda: "file system" in tree.read("operations/latest/progress"), "the step")
    tree.kill()
    tree.mount()
    assert "is deployed" in tree.bash("cat operations/latest/result")
    assert tree.value("operations/latest/name") == "deploy"
    assert "resumed after vastfs had ended" in tree.read("operations/latest/operation.log")


def test_unmounting_leaves_the_operation_to_the_next_mount(tree, cloud):
    cloud.fault("efs:CreateFileSystem", "delay", seconds=1, count=1)
    tree.bash("touch control/deploy")
    number = os.readlink(tree.path / "operations/latest")
    tree.unmount()
    tree.mount()
    assert os.readlink(tree.path / "operations/latest") == number
    assert "is deployed" in tree.bash("cat operations/latest/result")


def test_numbers_go_on_across_mounts(tree):
    tree.operate("destroy")
    number = int(os.readlink(tree.path / "operations/latest"))
    tree.unmount()
    tree.mount()
    until(lambda: "unknown" not in tree.read("status"))
    assert tree.value(f"operations/{number}/state") == "succeeded"
    tree.operate("destroy")
    assert int(os.readlink(tree.path / "operations/latest")) == number + 1


def test_somebody_else_at_work(deployed, cloud):
    cloud.control("POST", "pace", {"time_scale": 0.02})
    try:
        cloud.boto("cloudformation").delete_stack(StackName=deployed.name)
        deployed.bash("touch control/refresh")
        until(lambda: deployed.value("operations/latest/name") == "external", "the external operation")
        assert deployed.bash("touch control/deploy", check=False).returncode == 1
        assert "errno=EBUSY" in deployed.read("error")
    finally:
        cloud.control("POST", "pace", {"time_scale": 0})
    until(lambda: deployed.value("operations/latest/state") != "running", "its end")


def test_cancelling_a_creation_deletes_what_was_made(tree, cloud):
    cloud.control("POST", "pace", {"time_scale": 0.05})
    try:
        tree.bash("touch control/deploy")
        until(lambda: (tree.path / "stack/resources/NatGateway").exists(), "a resource")
        tree.bash("touch control/cancel")
        assert tree.bash("cat operations/latest/result", check=False).returncode == 1
    finally:
        cloud.control("POST", "pace", {"time_scale": 0})
    assert tree.value("operations/latest/state") == "cancelled"
    assert "state not-deployed" in tree.read("status")
    tree.bash("touch control/cancel")


def test_secrets_are_nowhere(deployed, cloud):
    deployed.bash("echo 'echo hunter2' > lambda/query; cat lambda/result")
    secret = cloud.facts["secret_key"]
    logs = deployed.read("api.log") + deployed.read("events.log") + deployed.read("error")
    logs += (deployed.base / "vastfs.log").read_text()
    assert secret not in logs and "hunter2" not in logs
    for path in deployed.base.rglob("*"):
        if path.is_file() and "mnt" not in path.parts and "config" in str(path):
            assert path.stat().st_mode & 0o077 == 0, path
