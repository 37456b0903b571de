# SPDX-License-Identifier: BSD-3-Clause
"""The wire: signatures, faults, journal and connections; the server's process."""

import http.client
import json
import urllib.error
import urllib.request

import pytest
from botocore.exceptions import (
    ClientError,
    ConnectionClosedError,
    EndpointConnectionError,
)
from botocore.parsers import ResponseParserError
from conftest import Sandbox

SERVICES = {
    "sts": ("get_caller_identity", "SignatureDoesNotMatch"),
    "ec2": ("describe_vpcs", "AuthFailure"),
    "cloudformation": ("list_stacks", "SignatureDoesNotMatch"),
    "ecs": ("list_clusters", "InvalidSignatureException"),
    "logs": ("describe_log_groups", "InvalidSignatureException"),
    "lambda": ("list_functions", "InvalidSignatureException"),
    "efs": ("describe_file_systems", "InvalidSignatureException"),
}


@pytest.mark.parametrize("service", sorted(SERVICES))
def test_only_good_signatures(sandbox, service):
    action, code = SERVICES[service]
    good = getattr(sandbox.client(service), action)()
    assert len(good["ResponseMetadata"]["RequestId"]) == 36
    with pytest.raises(ClientError) as caught:
        getattr(sandbox.client(service, secret="wrong"), action)()
    assert caught.value.response["Error"]["Code"] == code
    with pytest.raises(ClientError):
        getattr(sandbox.client(service, key="AKIA" + "A" * 16), action)()


def test_identity_and_sessions(sandbox):
    identity = sandbox.client("sts").get_caller_identity()
    assert identity["Account"] == "123456789012"
    assert identity["Arn"].endswith(":user/sandbox")
    trust = {"Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole"}]}
    role = sandbox.client("iam").create_role(
        RoleName="visitor", AssumeRolePolicyDocument=json.dumps(trust)
    )["Role"]["Arn"]
    made = sandbox.client("sts").assume_role(RoleArn=role, RoleSessionName="me")
    keys = made["Credentials"]
    pair = (keys["AccessKeyId"], keys["SecretAccessKey"])
    visitor = sandbox.client("sts", *pair, keys["SessionToken"])
    assert visitor.get_caller_identity()["Arn"].endswith("assumed-role/visitor/me")
    with pytest.raises(ClientError):
        sandbox.client("sts", *pair, "another token").get_caller_identity()


def test_the_clock_may_differ(sandbox):
    sandbox.control("POST", "clock", {"skew": 290})
    sandbox.client("sts").get_caller_identity()
    sandbox.control("POST", "clock", {"skew": 400})
    with pytest.raises(ClientError) as caught:
        sandbox.client("sts").get_caller_identity()
    assert caught.value.response["Error"]["Message"].startswith("Signature expired")


def test_unsigned_is_refused(sandbox):
    with pytest.raises(urllib.error.HTTPError) as caught:
        urllib.request.urlopen(sandbox.endpoint + "/2015-03-31/functions/")
    assert caught.value.code == 403
    caught.value.close()
    with pytest.raises(urllib.error.HTTPError) as caught:
        urllib.request.urlopen(sandbox.endpoint + "/moto-api/data.json")
    caught.value.close()


def test_throttle_once(sandbox):
    sandbox.fault("ec2:DescribeVpcs", "throttle")
    with pytest.raises(ClientError) as caught:
        sandbox.client("ec2").describe_vpcs()
    assert caught.value.response["Error"]["Code"] == "RequestLimitExceeded"
    sandbox.client("ec2").describe_vpcs()
    sandbox.fault("lambda:*", "throttle")
    sandbox.client("lambda", attempts=2).list_functions()  # boto3 retries


@pytest.mark.parametrize("kind", ["drop_before", "drop_after"])
def test_lost_replies(sandbox, kind):
    sandbox.fault("logs:CreateLogGroup", kind)
    name = f"lost-{kind}"
    logs = sandbox.client("logs")
    with pytest.raises((ConnectionClosedError, EndpointConnectionError)):
        logs.create_log_group(logGroupName=name)
    found = logs.describe_log_groups(logGroupNamePrefix=name)["logGroups"]
    assert bool(found) == (kind == "drop_after")


def test_broken_replies(sandbox):
    ec2 = sandbox.client("ec2")
    sandbox.fault("ec2:DescribeVpcs", "truncate_framed")
    with pytest.raises(ResponseParserError):
        ec2.describe_vpcs()
    sandbox.fault("ec2:DescribeVpcs", "truncate")
    with pytest.raises(Exception, match="(?i)incomplete|read|closed"):
        ec2.describe_vpcs()
    for kind in ("error500", "html503"):
        sandbox.fault("ec2:DescribeVpcs", kind)
        with pytest.raises((ClientError, ResponseParserError)):
            ec2.describe_vpcs()
    rule = {"code": "OptInRequired", "message": "no", "status": 401}
    sandbox.fault("ec2:DescribeVpcs", "error", **rule)
    with pytest.raises(ClientError, match="OptInRequired"):
        ec2.describe_vpcs()


def test_the_journal_keeps_no_secret(sandbox):
    sandbox.control("DELETE", "journal")
    sandbox.client("sts").get_caller_identity()
    sandbox.client("lambda").list_functions()
    with pytest.raises(ClientError):
        sandbox.client("efs").describe_file_systems(FileSystemId="fs-12345678")
    calls = sandbox.control("GET", "journal")
    names = [f"{call['service']}:{call['action']}" for call in calls]
    assert names == [
        "sts:GetCallerIdentity",
        "lambda:ListFunctions",
        "efs:DescribeFileSystems",
    ]
    assert (calls[2]["status"], calls[2]["code"]) == (404, "FileSystemNotFound")
    assert sandbox.facts["secret_key"] not in json.dumps(calls)


def test_connections_stay_open(sandbox):
    host = sandbox.endpoint.partition("//")[2]
    connection = http.client.HTTPConnection(host, timeout=60)
    for _ in range(3):
        connection.request("GET", "/sandbox/faults")
        reply = connection.getresponse()
        reply.read()
        assert not reply.will_close
        used = connection.sock
        assert used is not None
    connection.close()


def test_it_ends_with_its_starter(tmp_path):
    sandbox = Sandbox(tmp_path)
    assert json.loads((tmp_path / "ready").read_text()) == sandbox.facts
    sandbox.end()
    assert sandbox.process.returncode == 0
    assert not (tmp_path / "ready").exists()
