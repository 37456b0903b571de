# SPDX-License-Identifier: BSD-3-Clause
"""The same name in another account, region or stage is another stack: operations and costs stay with their own."""

import pytest

from conftest import Cloud, Tree, until
from front import Front

OTHER_ACCOUNT = "210987654321"
ACCOUNT = "123456789012"
WRITES = ("Create", "Delete", "Update", "Execute", "Run", "Stop", "Put")


@pytest.fixture(scope="module")
def other_cloud(tmp_path_factory):
    """A sandbox that is another account. Its keys are the same: which account they belong to only AWS knows."""
    running = Cloud(tmp_path_factory.mktemp("account"), account=OTHER_ACCOUNT)
    yield running
    running.stop()


@pytest.fixture
def front(cloud, other_cloud, tmp_path):
    """A mount whose endpoint leads to the sandbox's account, until front.target is the other one's."""
    relay = Front(cloud.endpoint)
    tree = Tree(cloud, tmp_path, AWS_ENDPOINT_URL=relay.endpoint).mount()
    tree.configure()
    tree.operate("deploy")
    yield tree, relay
    relay.target = cloud.endpoint
    tree.unmount()
    tree.mount()
    tree.bash("cat operations/latest/result", check=False)
    tree.operate("destroy", "purge")
    tree.unmount()
    relay.shutdown()


def writes(cloud):
    return [c["action"] for c in cloud.control("GET", "journal") if c["action"].startswith(WRITES)]


def interrupt_destroy(tree, cloud):
    cloud.fault("cloudformation:DeleteStack", "throttle", count=1000)
    tree.bash("touch control/destroy")
    until(lambda: "DeleteStack" in writes(cloud), "the deletion")
    tree.kill()
    cloud.control("DELETE", "faults")


def test_an_interrupted_destroy_is_not_resumed_in_another_account(front, cloud, other_cloud):
    tree, relay = front
    interrupt_destroy(tree, cloud)
    other_cloud.control("DELETE", "journal")
    relay.target = other_cloud.endpoint
    tree.mount()
    latest = "operations/latest"
    until(lambda: tree.value(f"{latest}/state") not in ("queued", "running"), "the account")
    assert tree.value(f"{latest}/state") == "unknown"
    error = tree.read(f"{latest}/error")
    assert f"account {ACCOUNT} (here: {OTHER_ACCOUNT})" in error and f"use credentials of account {ACCOUNT}" in error
    assert tree.bash(f"cat {latest}/result", check=False).returncode == 1
    assert not writes(other_cloud)
    (line,) = until(lambda: elsewhere(tree), "status")
    assert f"{tree.name} in eu-west-1, account {ACCOUNT}" in line and f"account {ACCOUNT}) is still" in tree.read("error")
    assert "no stack was deployed" in tree.operate("destroy")
    assert elsewhere(tree) == [line]
    tree.unmount()
    relay.target = cloud.endpoint
    tree.mount()
    interrupted = str(int(tree.bash("readlink operations/latest")) - 1)
    assert "is deleted" in tree.bash(f"cat operations/{interrupted}/result")
    until(lambda: not elsewhere(tree), "the end of the cost")


def test_the_account_is_asked_before_anything_else(deployed, cloud):
    interrupt_destroy(deployed, cloud)
    cloud.control("DELETE", "journal")
    cloud.fault("sts:GetCallerIdentity", "error", status=403, code="AccessDenied", message="no", count=100)
    deployed.mount()
    until(lambda: deployed.value("operations/latest/state") == "unknown", "the refusal")
    assert "account is not known" in deployed.read("operations/latest/error")
    assert not writes(cloud)
    deployed.unmount()
    cloud.control("DELETE", "faults")
    deployed.mount()
    assert "is deleted" in deployed.bash("cat operations/latest/result")


def elsewhere(tree):
    return [line for line in tree.read("status").splitlines() if line.startswith("elsewhere")]


@pytest.mark.parametrize("change,way", [({"stage": "another"}, "stage={stage}"),
                                        ({"aws_region": "us-east-1"}, "aws_region=eu-west-1")])
def test_what_is_left_deployed_is_named_until_it_is_destroyed(deployed, change, way):
    tree = deployed
    way = way.format(stage=tree.stage)
    before = tree.settings()
    tree.bash(": > error")
    tree.write("config/default.env", tree.settings(**change))
    (line,) = until(lambda: elsewhere(tree), "status")
    assert f"{tree.name} in eu-west-1, account {ACCOUNT}, costs money" in line
    assert f"write {way} to config/default.env" in line
    error = tree.read("error")
    assert f"the stack {tree.name} in eu-west-1 (account {ACCOUNT}) is still deployed" in error and way in error
    tree.unmount()
    tree.mount()
    assert elsewhere(tree) == [line] and tree.name in tree.read("error")
    tree.write("config/default.env", before)
    assert not elsewhere(tree)
    until(lambda: "state deployed" in tree.read("status"), "the stack")
    tree.operate("destroy")
    tree.write("config/default.env", tree.settings(**change))
    assert not elsewhere(tree)
    tree.write("config/default.env", before)


def test_the_way_back_in_error_follows_the_settings(deployed):
    before = deployed.settings()
    deployed.write("config/default.env", deployed.settings(stage="another"))
    assert f'write stage={deployed.stage} to' in deployed.read("error").splitlines()[-1]
    deployed.write("config/default.env", deployed.settings(aws_region="us-east-1"))
    assert "write aws_region=eu-west-1 to" in deployed.read("error").splitlines()[-1]
    lines = deployed.read("error").count("is still deployed")
    deployed.write("config/default.env", deployed.settings(aws_region="us-east-1", server_memory="8192"))
    deployed.bash("touch control/refresh")
    assert deployed.read("error").count("is still deployed") == lines
    deployed.write("config/default.env", before)


def test_another_profile_of_the_same_account_leaves_nothing_behind(deployed, cloud):
    """But until AWS has said which account it is, nobody knows."""
    (deployed.base / ".aws").mkdir()
    (deployed.base / ".aws/credentials").write_text(
        f"[own]\naws_access_key_id = {cloud.facts['access_key']}\naws_secret_access_key = {cloud.facts['secret_key']}\n")
    deployed.write("config/default.env", deployed.settings(aws_profile="own"))
    assert "is still deployed" in deployed.read("error") and "remove aws_profile" in deployed.read("error")
    until(lambda: not elsewhere(deployed) and "state deployed" in deployed.read("status"), "the account")


def test_a_stack_destroyed_by_others_is_not_named_for_ever(deployed, other):
    other.operate("destroy")
    deployed.bash("touch control/refresh")
    until(lambda: "state not-deployed" in deployed.read("status"), "the deletion")
    before = deployed.settings()
    deployed.write("config/default.env", deployed.settings(stage="another"))
    until(lambda: not elsewhere(deployed), "nothing left")
    deployed.write("config/default.env", before)
