# SPDX-License-Identifier: BSD-3-Clause
"""stack/plan and stack/replan: what a deploy would change, what it interrupts and what it costs."""

import json
import re
import subprocess

import pytest

from conftest import Tree, until
from killer import Killer


def act(tree, name, fails=False):
    """Touches a file of stack/ and waits; the result, or the error if it is to fail."""
    tree.bash(f"touch stack/{name}")
    done = tree.bash("cat operations/latest/result", check=False)
    assert tree.value("operations/latest/name") == name
    assert (done.returncode != 0) == fails, (done, tree.read("operations/latest/operation.log"))
    return tree.read("operations/latest/error") if fails else done.stdout.decode()


def stacks(cloud, tree):
    return [s for s in cloud.boto("cloudformation").describe_stacks()["Stacks"] if s["StackName"] == tree.name]


def change_sets(cloud, tree):
    found = cloud.boto("cloudformation").list_change_sets(StackName=tree.name)["Summaries"]
    return [s["ChangeSetName"] for s in found]


def test_before_the_first_deploy(tree, cloud):
    memory = tree.read("stack/plan")
    assert "nothing is deployed: deploy would create 26 resources\n" in memory
    assert "    creates NatGateway (AWS::EC2::NatGateway)\n" in memory
    assert "from memory; touch stack/replan asks CloudFormation\n" in memory
    assert act(tree, "replan") == "stack/plan has the exact plan\n"
    exact = tree.read("stack/plan")
    assert "deploy would change 26 resources\n" in exact
    assert "    creates NatGateway (AWS::EC2::NatGateway)\n" in exact
    assert "by a change set of CloudFormation, " in exact and "from memory" not in exact
    assert not stacks(cloud, tree) and cloud.calls("cloudformation:ExecuteChangeSet") == 0
    assert tree.value("stack/status") == ""
    tree.operate("deploy")
    assert tree.read("stack/plan").startswith("up to date\n")


def test_nothing_to_change(deployed):
    assert act(deployed, "replan") == "nothing to change\n"
    assert deployed.read("stack/plan").startswith("up to date\nby a change set of CloudFormation, ")


def test_changed_settings(deployed, cloud):
    executed = cloud.calls("cloudformation:ExecuteChangeSet")
    deployed.write("config/default.env", deployed.settings(server_memory="8192", lambda_timeout="9"))
    memory = deployed.read("stack/plan")
    assert "    server_memory: 4096 -> 8192 (parameter ServerMemory)\n" in memory
    assert "    replaces TaskDefinition (AWS::ECS::TaskDefinition) because of server_memory\n" in memory
    assert "    updates Function (AWS::Lambda::Function) because of lambda_timeout\n" in memory
    act(deployed, "replan")
    exact = deployed.read("stack/plan")
    assert "    server_memory: 4096 -> 8192 (parameter ServerMemory)\n" in exact
    assert ("    replaces TaskDefinition (AWS::ECS::TaskDefinition) because of server_memory\n"
            "        Memory: 4096 -> 8192 (replaces the resource)\n") in exact
    assert "        Timeout: 300 -> 9\n" in exact
    assert "a running server stays unchanged until control/restart-task\n" in exact
    assert not change_sets(cloud, deployed)
    assert cloud.calls("cloudformation:ExecuteChangeSet") == executed
    assert deployed.value("stack/status") == "CREATE_COMPLETE" and "settings differs" in deployed.read("status")
    # The plan was for those settings.
    deployed.write("config/default.env", deployed.settings(lambda_timeout="10"))
    assert "from memory" in deployed.read("stack/plan") and "300 -> 10" in deployed.read("stack/plan")


def test_an_image_that_deploy_would_assemble(tree, cloud):
    tree.operate("deploy")
    tree.write("config/default.env", tree.settings(vast_image="tenzir/vast@sha256:" + "0" * 64))
    assert "cannot" in act(tree, "replan", fails=True)
    assert not change_sets(cloud, tree)


def test_the_cost_of_a_plan(deployed):
    """eu-west-1: NAT gateway 0.048 and address 0.005 an hour, 2 vCPU at 0.04048, 4 GB at 0.004445."""
    idle = 730 * (0.048 + 0.005)
    server = 730 * (2 * 0.04048 + 4 * 0.004445)
    assert f"cost about ${idle:.2f} a month plus use\n" in deployed.read("status")
    deployed.write("config/default.env", deployed.settings(server_memory="8192"))
    more = idle + server + 730 * 4 * 0.004445
    plan = deployed.read("stack/plan")
    assert f"cost while the server runs: about ${more:.2f} a month; while it is stopped: about ${idle:.2f} a month" in plan
    assert f"cost now: about ${idle:.2f} a month; difference: +${more - idle:.2f} while the server runs, $0.00" in plan
    assert f"    NAT gateway: 730 hours at about $0.048: about ${730 * 0.048:.2f} a month\n" in plan
    deployed.operate("run-task")
    assert f"cost about ${idle + server:.2f} a month plus use\n" in deployed.read("status")
    assert f"the NAT gateway and its address still cost money, about ${idle:.2f} a month" in deployed.operate("stop-all-tasks")
    until(lambda: f"cost about ${idle:.2f} a month" in deployed.read("status"), "the rate without server")


def test_the_cost_of_the_storage(deployed, cloud):
    """eu-west-1: 0.33 for a GB month; 120.5 GB."""
    idle, storage = 730 * (0.048 + 0.005), 120.5 * 0.33
    cloud.control("POST", "file-system", {"name": deployed.name, "bytes": 120_500_000_000})
    deployed.bash("touch control/refresh")
    until(lambda: "storage 120.500 GB\n" in deployed.read("status"), "the size")
    assert f"cost about ${idle + storage:.2f} a month plus use\n" in deployed.read("status")
    plan = deployed.read("stack/plan")
    assert f"    EFS storage: 120.5 GB months at about $0.33: about ${storage:.2f} a month\n" in plan
    assert f"while it is stopped: about ${idle + storage:.2f} a month" in plan
    assert f"and so does the storage, 120.500 GB, about ${storage:.2f} a month" in deployed.operate("stop-all-tasks")
    # Without EFS in the settings the file system stays, and is paid for.
    deployed.write("config/default.env", deployed.settings(vast_storage="ephemeral"))
    assert f"while it is stopped: about ${idle + storage:.2f} a month" in deployed.read("stack/plan")
    deployed.write("config/default.env", deployed.settings())
    assert f"120.500 GB, about ${storage:.2f} a month" in deployed.operate("destroy")
    assert "storage -\n" in deployed.read("status")


def test_a_size_that_may_not_be_read_or_makes_no_sense(deployed, cloud):
    cloud.fault("efs:DescribeFileSystems", "error", code="AccessDeniedException", status=403, count=0,
                message="User: u is not authorized to perform: elasticfilesystem:DescribeFileSystems")
    deployed.bash("touch control/refresh")
    until(lambda: "denied elasticfilesystem:DescribeFileSystems\n" in deployed.read("status"), "the denial")
    assert "contrib/iam/viewer.json" in deployed.read("error")
    assert "storage by its size" in deployed.operate("stop-all-tasks")
    cloud.control("DELETE", "faults")
    cloud.control("POST", "file-system", {"name": deployed.name, "bytes": -5})
    deployed.bash("touch control/refresh")
    until(lambda: "denied" not in deployed.read("status"), "the reply")
    assert "storage -\n" in deployed.read("status")
    assert deployed.read("stack/plan").count("EFS storage: about $0.33 for each GB month\n") == 1


def test_a_replacement_and_what_it_interrupts(tree):
    tree.operate("deploy")
    tree.write("config/default.env", tree.settings(vast_storage="ephemeral"))
    act(tree, "replan")
    plan = tree.read("stack/plan")
    assert "    removes MountTarget (AWS::EFS::MountTarget)" in plan
    assert "        interruption: the server loses its storage\n" in plan
    assert "while a task runs, deploy would refuse this: touch control/stop-all-tasks first\n" in plan


def test_reading_shows_help_and_bad_words_are_refused(tree):
    for name in ("replan", "drift-check"):
        text = tree.read(f"stack/{name}")
        assert f"touch {tree.path}/stack/{name}\n" in text and "Last run: never\n" in text
        assert (tree.path / "stack" / name).stat().st_mode & 0o777 == 0o644
    assert tree.bash("echo nonsense > stack/replan", check=False).returncode != 0
    assert "unknown word 'nonsense' for stack/replan" in tree.read("error")


def test_refused_where_deploy_would_be(tree, cloud):
    tree.write("config/default.env", tree.settings(vpc_id="vpc-00000000000000000"))
    assert "vpc-00000000000000000" in act(tree, "replan", fails=True)
    assert not stacks(cloud, tree)


def test_a_colleagues_change_set_stays(tree, other, cloud):
    cloudformation = cloud.boto("cloudformation")
    tree.operate("deploy")
    body = cloudformation.get_template(StackName=tree.name)["TemplateBody"]
    parameters = cloudformation.describe_stacks(StackName=tree.name)["Stacks"][0]["Parameters"]
    cloudformation.create_change_set(
        StackName=tree.name, ChangeSetName="theirs", TemplateBody=body if isinstance(body, str) else json.dumps(body),
        Parameters=parameters, Capabilities=["CAPABILITY_IAM"], Tags=[{"Key": "other", "Value": "tag"}])
    until(lambda: cloudformation.describe_change_set(StackName=tree.name, ChangeSetName="theirs")["Status"]
          in ("CREATE_COMPLETE", "FAILED"), "their change set")
    act(tree, "replan")
    assert change_sets(cloud, tree) == ["theirs"]
    assert act(other, "replan") == "nothing to change\n"
    assert change_sets(cloud, tree) == ["theirs"]


def test_two_plans_at_once_before_the_first_deploy(tree, other, cloud):
    tree.bash("touch stack/replan")
    other.bash("touch stack/replan")
    for mounted in (tree, other):
        done = mounted.bash("cat operations/latest/result", check=False)
        refused = "somebody else is changing the stack" in mounted.read("operations/latest/error")
        assert done.returncode == 0 or refused, mounted.read("operations/latest/operation.log")
    assert not stacks(cloud, tree)


def test_a_review_with_a_colleagues_change_set_stays(tree, cloud):
    cloudformation = cloud.boto("cloudformation")
    group = '{"Resources": {"A": {"Type": "AWS::Logs::LogGroup"}}}'
    cloudformation.create_change_set(StackName=tree.name, ChangeSetName="vastfs-theirs", ChangeSetType="CREATE",
                                     TemplateBody=group)
    until(lambda: cloudformation.describe_change_set(StackName=tree.name, ChangeSetName="vastfs-theirs")["Status"]
          == "CREATE_COMPLETE", "their change set")
    act(tree, "replan")
    assert change_sets(cloud, tree) == ["vastfs-theirs"]
    assert stacks(cloud, tree)[0]["StackStatus"] == "REVIEW_IN_PROGRESS"


def test_a_foreign_stack_is_not_touched(tree, cloud):
    cloudformation = cloud.boto("cloudformation")
    group = '{"Resources": {"A": {"Type": "AWS::Logs::LogGroup"}}}'
    cloudformation.create_stack(StackName=tree.name, TemplateBody=group)
    until(lambda: stacks(cloud, tree)[0]["StackStatus"] == "CREATE_COMPLETE", "their stack")
    tree.bash("touch control/refresh")
    until(lambda: "state foreign" in tree.read("status"), "the foreign stack")
    made = cloud.calls("cloudformation:CreateChangeSet")
    for name in ("replan", "drift-check"):
        assert tree.bash(f"echo 1 > stack/{name}", check=False).returncode != 0
        assert "errno=EEXIST" in tree.read("error")
    assert cloud.calls("cloudformation:CreateChangeSet") == made
    cloudformation.delete_stack(StackName=tree.name)
    until(lambda: not stacks(cloud, tree), "the end of their stack")
    tree.bash("touch control/refresh")
    until(lambda: "state not-deployed" in tree.read("status"), "the end of their stack in the tree")


def put(cloud, tree, status):
    cloud.control("POST", "stack", {"stack": tree.name, "status": status})
    tree.bash("touch control/refresh")
    until(lambda: tree.value("stack/status") == status, status)


def test_statuses_without_a_change_set(deployed, cloud):
    made = cloud.calls("cloudformation:CreateChangeSet")
    put(cloud, deployed, "ROLLBACK_COMPLETE")
    assert "AWS makes no change set in this status" in act(deployed, "replan")
    assert "deploy would delete it first, then create 26 resources" in deployed.read("stack/plan")
    put(cloud, deployed, "UPDATE_IN_PROGRESS")
    for name in ("replan", "drift-check"):
        assert deployed.bash(f"echo 1 > stack/{name}", check=False).returncode != 0
        assert "errno=EBUSY" in deployed.read("error")
    put(cloud, deployed, "CREATE_COMPLETE")
    until(lambda: deployed.value("operations/latest/state") != "running", "the end of the external operation")
    assert cloud.calls("cloudformation:CreateChangeSet") == made


def test_a_change_set_that_cannot_be_deleted_is_reported(deployed, cloud):
    cloud.fault("cloudformation:DeleteChangeSet", "error", code="AccessDenied", status=403, count=0)
    error = act(deployed, "replan", fails=True)
    assert "cannot delete the change set vastfs-plan-" in error
    cloud.control("DELETE", "faults")
    assert len(change_sets(cloud, deployed)) == 1
    deployed.operate("deploy")
    assert not change_sets(cloud, deployed)


@pytest.fixture
def killer(cloud):
    made = Killer(cloud.endpoint)
    yield made
    made.close()


@pytest.fixture
def victim(cloud, killer, tmp_path):
    """A mount whose requests pass through the killer."""
    tree = Tree(cloud, tmp_path, AWS_ENDPOINT_URL=killer.endpoint).mount()
    tree.configure()
    yield tree
    killer.victim = None
    tree.operate("destroy", "purge")
    tree.unmount()


def killed(tree, killer, name, action, phase):
    killer.strike = lambda called, _number, when: (called, when) == (action, phase)
    killer.kill(tree)
    subprocess.run(["bash", "-c", f"touch stack/{name}"], cwd=tree.path, env=tree.env, check=False, timeout=60)
    until(lambda: killer.struck, f"the kill {phase} {action}")
    tree.process.wait(60)
    subprocess.run(["fusermount3", "-u", "-z", tree.path], check=True)


KILLS = [("CreateChangeSet", "before"), ("CreateChangeSet", "after"), ("DescribeChangeSet", "after"),
         ("DeleteStack", "before"), ("DeleteStack", "after")]


@pytest.mark.parametrize("action, phase", KILLS)
def test_killed_before_the_first_deploy(victim, cloud, killer, action, phase):
    killed(victim, killer, "replan", action, phase)
    assert len(stacks(cloud, victim)) <= 1
    victim.mount()
    done = victim.bash("cat operations/latest/result", check=False)
    assert done.returncode == 0, victim.read("operations/latest/operation.log")
    assert not stacks(cloud, victim)
    assert "by a change set of CloudFormation" in victim.read("stack/plan")


def test_what_a_kill_left_is_removed_by_the_next_deploy(victim, cloud, killer):
    """The journal is lost as well, so that nothing is resumed."""
    victim.operate("deploy")
    victim.write("config/default.env", victim.settings(lambda_timeout="9"))
    killed(victim, killer, "replan", "DescribeChangeSet", "after")
    left = change_sets(cloud, victim)
    assert len(left) == 1 and left[0].startswith("vastfs-plan-")
    for journal in victim.base.glob("state/**/journal.jsonl"):
        journal.unlink()
    victim.mount()
    victim.configure()
    victim.operate("deploy")
    assert not change_sets(cloud, victim)


def test_what_a_kill_left_is_removed_by_destroy(victim, cloud, killer):
    killed(victim, killer, "replan", "DescribeChangeSet", "after")
    assert stacks(cloud, victim)[0]["StackStatus"] == "REVIEW_IN_PROGRESS"
    for journal in victim.base.glob("state/**/journal.jsonl"):
        journal.unlink()
    victim.mount()
    victim.configure()
    victim.operate("destroy")
    assert not stacks(cloud, victim)


# -- drift -------------------------------------------------------------------------------------------------------


def physical(tree, logical_id):
    return tree.value(f"stack/resources/{logical_id}/physical_id")


def test_drift(deployed, cloud):
    assert deployed.read("stack/drift") == "never checked: touch stack/drift-check\n"
    assert "0 resources modified, 0 deleted" in act(deployed, "drift-check"), deployed.read("stack/drift")
    text = deployed.read("stack/drift")
    assert re.match(r"checked \d{4}-\d\d-\d\d", text) and "no difference from the template was found\n" in text
    assert "not checked StoragePolicy (AWS::IAM::Policy)" in text
    cloud.boto("lambda").update_function_configuration(FunctionName=physical(deployed, "Function"), Timeout=7)
    cloud.boto("ec2").authorize_security_group_ingress(
        GroupId=physical(deployed, "ServerSecurityGroup"),
        IpPermissions=[{"IpProtocol": "tcp", "FromPort": 22, "ToPort": 22, "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}])
    cloud.boto("logs").delete_log_group(logGroupName=physical(deployed, "LambdaLogGroup"))
    assert "2 resources modified, 1 deleted" in act(deployed, "drift-check")
    text = deployed.read("stack/drift")
    assert f"modified Function (AWS::Lambda::Function), {physical(deployed, 'Function')}\n    Timeout: expected 300, actual 7\n" in text
    assert "    SecurityGroupIngress/1: expected (none), actual {" in text
    assert "deleted LambdaLogGroup (AWS::Logs::LogGroup), " in text
    assert "3 of " in text
    cloud.boto("lambda").update_function_configuration(FunctionName=physical(deployed, "Function"), Timeout=300)


def test_a_check_of_an_earlier_mount(deployed):
    act(deployed, "drift-check")
    deployed.unmount()
    deployed.mount()
    until(lambda: "last checked " in deployed.read("stack/drift"), "the earlier check")
    assert ": IN_SYNC; touch stack/drift-check" in deployed.read("stack/drift")


def test_an_update_makes_the_check_outdated(deployed):
    act(deployed, "drift-check")
    deployed.write("config/default.env", deployed.settings(lambda_timeout="9"))
    deployed.operate("deploy")
    assert "the stack has changed since then: touch stack/drift-check\n" in deployed.read("stack/drift")


def test_a_resource_that_cannot_be_checked(deployed, cloud):
    cloud.fault("resource:NatGateway", "drift_failed", reason="Rate exceeded")
    error = act(deployed, "drift-check", fails=True)
    assert "could not check every resource: Failed to detect drift on resources [NatGateway]: Rate exceeded" in error
    text = deployed.read("stack/drift")
    assert "incomplete: Failed to detect drift" in text and "not known NatGateway (AWS::EC2::NatGateway), nat-" in text


def test_another_detection_is_waited_for(deployed, cloud):
    cloud.control("POST", "pace", {"time_scale": 0.05})
    cloud.boto("cloudformation").detect_stack_drift(StackName=deployed.name)
    deployed.bash("touch stack/drift-check")
    cloud.control("POST", "pace", {"time_scale": 0})
    assert deployed.bash("cat operations/latest/result")


def test_a_detection_without_end_can_be_cancelled(deployed, cloud):
    cloud.fault("drift", "never_ends")
    deployed.bash("touch stack/drift-check")
    until(lambda: "CloudFormation compares the resources" in deployed.read("operations/latest/progress"), "the detection")
    deployed.bash("touch control/cancel")
    until(lambda: deployed.value("operations/latest/state") == "cancelled", "the end")


def test_a_missing_permission_is_named(deployed, cloud):
    cloud.fault("cloudformation:DetectStackDrift", "error", code="AccessDenied", status=403,
                message="User: me is not authorized to perform: cloudformation:DetectStackDrift")
    assert "cloudformation:DetectStackDrift" in act(deployed, "drift-check", fails=True)
    assert "DetectStackDrift" in deployed.read("error")


def test_nothing_is_deployed(tree):
    assert tree.read("stack/drift") == "nothing is deployed: touch control/deploy\n"
    assert tree.bash("echo 1 > stack/drift-check", check=False).returncode != 0
    assert "errno=ENXIO" in tree.read("error")


def test_a_kill_during_the_detection(victim, cloud, killer):
    victim.operate("deploy")
    killed(victim, killer, "drift-check", "DescribeStackDriftDetectionStatus", "before")
    victim.mount()
    assert "in sync" in victim.bash("cat operations/latest/result")
    assert cloud.calls("cloudformation:DetectStackDrift") >= 1
