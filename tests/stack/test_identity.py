"""whoami, and the lines of status about the credentials: what the AWS CLI would say, without it."""

import json

from conftest import until


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
