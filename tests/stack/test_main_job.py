# SPDX-License-Identifier: BSD-3-Clause
"""The main job, end to end."""

import json
import os
import re
import subprocess

import pytest

from conftest import BUILD, DEADLINE, LISTEN, VASTFS, until


def test_deploy_shows_what_boto3_sees(tree, cloud):
    assert "is deployed" in tree.operate("deploy")
    stack = cloud.boto("cloudformation").describe_stacks(StackName=tree.name)["Stacks"][0]
    assert tree.value("stack/status") == stack["StackStatus"] == "CREATE_COMPLETE"
    assert tree.value("stack/stack_id") == stack["StackId"]
    outputs = {o["OutputKey"]: o["OutputValue"] for o in stack["Outputs"]}
    assert {n: tree.value(f"stack/outputs/{n}") for n in os.listdir(tree.path / "stack/outputs")} == outputs
    parameters = {p["ParameterKey"]: p["ParameterValue"] for p in stack["Parameters"]}
    assert {n: tree.value(f"stack/parameters/{n}") for n in os.listdir(tree.path / "stack/parameters")} == parameters
    resources = cloud.boto("cloudformation").describe_stack_resources(StackName=tree.name)["StackResources"]
    assert set(os.listdir(tree.path / "stack/resources")) == {r["LogicalResourceId"] for r in resources}
    for r in resources:
        where = f"stack/resources/{r['LogicalResourceId']}"
        assert tree.value(f"{where}/physical_id") == r["PhysicalResourceId"]
        assert tree.value(f"{where}/type") == r["ResourceType"]
    assert json.loads(tree.read("stack/stack.json"))["StackId"] == stack["StackId"]


def test_everything_is_tagged(deployed, cloud):
    ec2 = cloud.boto("ec2")
    wanted = {"Key": "vastfs:stage", "Value": deployed.stage}
    for output, call, ids, answer in (
            ("PrivateSubnetId", ec2.describe_subnets, "SubnetIds", "Subnets"),
            ("NatGatewayId", ec2.describe_nat_gateways, "NatGatewayIds", "NatGateways"),
            ("ServerSecurityGroupId", ec2.describe_security_groups, "GroupIds", "SecurityGroups")):
        found = call(**{ids: [deployed.value(f"stack/outputs/{output}")]})[answer][0]
        assert wanted in found["Tags"], output


def test_deploying_again_changes_nothing(deployed, cloud):
    before = cloud.calls("cloudformation:ExecuteChangeSet")
    assert "nothing to change" in deployed.operate("deploy")
    assert cloud.calls("cloudformation:ExecuteChangeSet") == before
    assert deployed.read("stack/plan").startswith("up to date\n")
    assert not cloud.boto("cloudformation").list_change_sets(StackName=deployed.name)["Summaries"]


def test_a_changed_setting_is_an_update(deployed, cloud):
    deployed.operate("run-task")
    before = deployed.value("stack/outputs/TaskDefinitionArn")
    deployed.write("config/default.env", deployed.settings(server_memory="8192"))
    assert "server_memory: 4096 -> 8192" in deployed.read("stack/plan")
    assert "settings differs" in deployed.read("status")
    assert "server outdated" in deployed.operate("deploy")
    assert deployed.value("stack/outputs/TaskDefinitionArn") != before
    assert "settings matches" in deployed.read("status")
    assert "is running" in deployed.operate("restart-task")
    assert deployed.value("tasks/default/memory") == "8192"


def test_a_server_lives_and_ends(deployed, cloud):
    deployed.operate("run-task")
    task = os.readlink(deployed.path / "tasks/default")
    seen = cloud.boto("ecs").describe_tasks(cluster=deployed.value("stack/outputs/ClusterName"), tasks=[task])["tasks"][0]
    assert deployed.value("tasks/default/status") == seen["lastStatus"] == "RUNNING"
    address = next(d["value"] for a in seen["attachments"] for d in a["details"] if d["name"] == "privateIPv4Address")
    assert deployed.value("tasks/default/endpoint") == f"{address}:42000"
    assert deployed.bash("touch control/run-task", check=False).returncode == 1
    assert "errno=EEXIST" in deployed.read("error")
    deployed.bash(f"touch tasks/{task}/stop")
    until(lambda: deployed.value(f"tasks/{task}/status") == "STOPPED", "the stop")
    until(lambda: not (deployed.path / "tasks/default").is_symlink(), "the default to go")
    assert deployed.value(f"tasks/{task}/exit_code") == "43"
    assert deployed.value(f"tasks/{task}/stopped_reason")


def test_a_restart_is_another_task_on_the_same_database(deployed):
    deployed.operate("run-task")
    first = os.readlink(deployed.path / "tasks/default")
    deployed.operate("restart-task")
    second = os.readlink(deployed.path / "tasks/default")
    assert first != second
    assert deployed.value(f"tasks/{first}/status") == "STOPPED"
    assert "1 task stopped" in deployed.operate("stop-all-tasks")


def test_force_needs_storage_that_is_not_shared(tree):
    tree.configure(vast_storage="ephemeral")
    tree.operate("deploy")
    assert "MountTarget" not in os.listdir(tree.path / "stack/resources")
    tree.operate("run-task")
    tree.operate("run-task", "force")
    assert len([t for t in os.listdir(tree.path / "tasks") if t != "default"]) == 2
    tree.bash("ln -sfn $(ls tasks | grep -v default | head -1) tasks/default")
    chosen = os.readlink(tree.path / "tasks/default")
    tree.bash("rm tasks/default")
    assert os.readlink(tree.path / "tasks/default") in os.listdir(tree.path / "tasks")
    assert chosen
    tree.operate("stop-all-tasks")


def test_force_is_refused_with_one_database(deployed):
    assert deployed.bash("echo force > control/run-task", check=False).returncode == 1
    assert "one database has one server" in deployed.read("error")


def test_the_log_of_a_task_can_be_followed(tree):
    tree.configure(vast_command=f"/bin/sh -c 'echo first; read x < /dev/null; echo second; {LISTEN} wait'")
    tree.operate("deploy")
    tree.operate("run-task")
    until(lambda: tree.read("tasks/default/task.log") == "first\nsecond\n", "the lines")
    assert tree.bash("timeout 20 tail -n +1 -f tasks/default/task.log | head -2") == "first\nsecond\n"
    until(lambda: "second" in tree.read("stack/server.log"), "the server's log")


def test_destroy_removes_all_but_the_database(deployed, cloud):
    deployed.operate("run-task")
    result = deployed.operate("destroy")
    kept = cloud.boto("efs").describe_file_systems(CreationToken=deployed.name)["FileSystems"]
    assert len(kept) == 1 and kept[0]["FileSystemId"] in result
    assert os.listdir(deployed.path / "tasks") == []
    assert os.listdir(deployed.path / "stack/resources") == []
    assert "state not-deployed" in deployed.read("status")
    ours = {"Name": "tag:vastfs:stage", "Values": [deployed.stage]}
    ec2 = cloud.boto("ec2")
    assert not ec2.describe_subnets(Filters=[ours])["Subnets"]
    assert not ec2.describe_addresses(Filters=[ours])["Addresses"]
    assert not ec2.describe_security_groups(Filters=[ours])["SecurityGroups"]
    assert not [r for r in cloud.boto("ecr").describe_repositories()["repositories"] if r["repositoryName"] == deployed.name]
    again = deployed.operate("deploy")
    assert "is deployed" in again
    assert deployed.value("stack/outputs/FileSystemId") == kept[0]["FileSystemId"]
    assert "deleted" in deployed.operate("destroy", "purge")
    assert not cloud.boto("efs").describe_file_systems(CreationToken=deployed.name)["FileSystems"]


def test_destroy_where_nothing_is_deployed(tree):
    assert "no stack was deployed" in tree.operate("destroy")


def test_a_result_read_right_away_finds_the_tree_settled(tree):
    for _ in range(3):
        tree.bash("touch control/deploy; cat operations/latest/result; touch control/destroy; cat operations/latest/result")
        assert tree.value("operations/latest/name") == "destroy"
        assert tree.value("operations/latest/state") == "succeeded"


def test_an_open_control_file_reads_its_own_result(deployed):
    assert "nothing to change" in deployed.bash("exec 3<>control/deploy; echo >&3; cat <&3")
    assert "nothing" not in deployed.bash("cat control/deploy | head -1")


@pytest.mark.parametrize("shell", ["bash", "dash"])
def test_one_operation_at_a_time(deployed, cloud, shell):
    cloud.fault("sts:GetCallerIdentity", "delay", seconds=2, count=1)
    done = deployed.bash("touch control/deploy; touch control/destroy", shell=shell, check=False)
    assert done.returncode == 1
    assert b"busy" in done.stderr
    assert "errno=EBUSY" in deployed.read("error")
    deployed.bash("cat operations/latest/result")
    assert deployed.value("operations/latest/name") == "deploy"


def both(tree, other, script):
    """Runs a script on both machines at once; how each ended."""
    running = [subprocess.Popen(["bash", "-c", script], cwd=t.path, env=t.env, stdout=subprocess.PIPE) for t in (tree, other)]
    return [(p.communicate(timeout=60)[0].decode(), p.returncode) for p in running]


def test_two_machines_see_the_same_stack(deployed, other):
    other.bash("touch control/refresh")
    until(lambda: other.value("stack/stack_id") == deployed.value("stack/stack_id"), "the stack")
    assert "nothing to change" in other.operate("deploy")
    deployed.operate("run-task")
    other.bash("touch control/refresh")
    until(lambda: os.listdir(other.path / "tasks") == os.listdir(deployed.path / "tasks"), "the task")


def test_two_machines_that_deploy_at_once_make_one_stack(tree, other):
    for text, code in both(tree, other, "touch control/deploy; cat operations/latest/result"):
        assert code == 0 and "is deployed" in text, tree.read("error") + other.read("error")


def test_two_machines_that_start_a_server_at_once_make_one(deployed, other, cloud):
    other.bash("touch control/refresh")
    until(lambda: other.value("stack/status") == "CREATE_COMPLETE", "the stack")
    both(deployed, other, "touch control/run-task; cat operations/latest/result")
    tasks = cloud.boto("ecs").list_tasks(cluster=deployed.value("stack/outputs/ClusterName"))["taskArns"]
    assert len(tasks) == 1


def resident_kib(tree):
    """Of the daemon that serves the tree."""
    for entry in os.listdir("/proc"):
        try:
            if (entry.isdigit() and os.path.realpath(f"/proc/{entry}/exe") == str(VASTFS)
                    and f"HOME={tree.base}\0".encode() in open(f"/proc/{entry}/environ", "rb").read()):
                return int(re.search(r"VmRSS:\s+(\d+)", open(f"/proc/{entry}/status", encoding="ascii").read())[1])
        except OSError:
            continue
    return None


@pytest.mark.skipif("san" in BUILD.name, reason="sanitizers keep what was freed")
def test_an_idle_daemon_is_small(deployed):
    """As people run it: in the background, with a stack, after everything was read and a query was made."""
    deployed.unmount()
    subprocess.run([VASTFS, deployed.path], env=deployed.env, check=True, stdin=subprocess.DEVNULL, timeout=DEADLINE)
    until(lambda: "state deployed" in deployed.read("status"), "the first contact")
    deployed.bash("cat status stack/status stack/plan; ls -R stack tasks; echo 'echo x' > lambda/query; cat lambda/result")
    assert resident_kib(deployed) <= 12 * 1024
