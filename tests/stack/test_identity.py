# SPDX-License-Identifier: BSD-3-Clause
"""whoami, and the lines of status about the credentials: what the AWS CLI would say, without it."""

import json

import pytest
from conftest import Tree, until


def whoami(tree):
    return json.loads(tree.read("whoami"))


def status(tree):
    return dict(line.partition(" ")[::2] for line in tree.read("status").splitlines())


def test_static_keys(tree, cloud):
    caller = cloud.boto("sts").get_caller_identity()
    until(lambda: whoami(tree)["arn"], "the identity")
    assert whoami(tree) == {"account": caller["Account"], "arn": caller["Arn"], "user_id": caller["UserId"], "source": "environment",
                            "expires": None, "region": "eu-west-1", "profile": None}
    told = status(tree)
    assert (told["account"], told["identity"], told["credentials"]) == (caller["Account"], caller["Arn"], "environment")


def test_it_is_asked_once(tree, cloud):
    until(lambda: whoami(tree)["arn"], "the identity")
    until(lambda: "state ready" in tree.read("discover/status"), "discover/, which asks whose account it reads")
    before = cloud.calls("sts:GetCallerIdentity")
    for _ in range(20):
        whoami(tree)
        status(tree)
    assert cloud.calls("sts:GetCallerIdentity") == before


def test_without_credentials(tree):
    tree.unmount()
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        del tree.env[name]
    tree.env["AWS_EC2_METADATA_DISABLED"] = "true"
    tree.mount()
    told = until(lambda: "error" in whoami(tree) and whoami(tree), "the refusal")
    assert told["account"] is None and told["source"] is None and "no AWS credentials" in told["error"]
    assert status(tree)["credentials"].startswith("- no AWS credentials")
    tree.unmount()
    tree.env.update(AWS_ACCESS_KEY_ID=tree.cloud.facts["access_key"], AWS_SECRET_ACCESS_KEY=tree.cloud.facts["secret_key"])
    tree.mount()


@pytest.mark.parametrize("variables, config, region", [
    ({"AWS_REGION": "us-east-1", "AWS_DEFAULT_REGION": "us-east-2"}, "[default]\nregion = us-west-1\n", "us-east-1"),
    ({"AWS_DEFAULT_REGION": "us-east-2"}, "[default]\nregion = us-west-1\n", "us-east-2"),
    ({"AWS_PROFILE": "other"}, "[default]\nregion = us-west-1\n[profile other]\nregion = us-west-2\n", "us-west-2"),
    ({}, "", None),
])
def test_the_region_where_aws_region_is_not_set(cloud, tmp_path, variables, config, region):
    mounted = Tree(cloud, tmp_path, **variables)
    (tmp_path / ".aws").mkdir()
    (tmp_path / ".aws/config").write_text(config)
    mounted.mount()
    try:
        mounted.write("config/default.env", mounted.settings(aws_region=""))
        until(lambda: status(mounted)["stage"] == mounted.stage, "the settings")
        assert whoami(mounted)["region"] == region and status(mounted)["region"] == (region or "-")
        done = mounted.bash("touch control/deploy", check=False)
        assert ("aws_region" in mounted.read("error")) == (region is None), done
    finally:
        mounted.bash("touch control/cancel", check=False)
        mounted.unmount()


@pytest.mark.parametrize("variables, config, words", [
    ({"AWS_REGION": " eu-west-1"}, "", "AWS_REGION cannot be used:  eu-west-1 is not"),
    ({"AWS_REGION": "eu\r\nX: y"}, "", r"AWS_REGION cannot be used: eu\r\nX: y is not"),
    ({"AWS_DEFAULT_REGION": "eu-west-1a"}, "", "AWS_DEFAULT_REGION cannot be used: eu-west-1a is an availability zone"),
    ({}, "[default]\nregion = nowhere\n", "region in the profile cannot be used: nowhere is not"),
])
def test_a_region_that_is_none_is_named_with_where_it_stands(cloud, tmp_path, variables, config, words):
    mounted = Tree(cloud, tmp_path, **variables)
    (tmp_path / ".aws").mkdir()
    (tmp_path / ".aws/config").write_text(config)
    mounted.mount()
    try:
        mounted.write("config/default.env", mounted.settings(aws_region=""))
        until(lambda: words in mounted.read("error"), "the refusal")
        assert mounted.bash("touch control/deploy", check=False).returncode
        assert words in mounted.read("error").splitlines()[-1] and "write aws_region" in mounted.read("error")
        mounted.write("config/default.env", mounted.settings())
        until(lambda: status(mounted)["state"] == "not-deployed", "the remedy's effect")
    finally:
        mounted.unmount()
