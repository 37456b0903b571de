# SPDX-License-Identifier: BSD-3-Clause
"""botocore as judge: it recomputes the signatures of what was sent, and its models know the members' names."""
import datetime
import json
import subprocess
import urllib.parse
from unittest import mock

import botocore.auth
import botocore.session
import pytest
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from conftest import BUILD, KEYS, reply

SCOPES = {"efs": ("elasticfilesystem", "eu-west-1")}


def judge(server, request, service, token):
    """Signs the request anew as botocore would, at the time it names."""
    headers = dict(request.headers)
    when = datetime.datetime.strptime(headers["X-Amz-Date"], "%Y%m%dT%H%M%SZ")
    signed = headers["Authorization"].split("SignedHeaders=")[1].split(",")[0].split(";")
    kept = {k: v for k, v in request.headers if k.lower() in signed and not k.lower().startswith("x-amz-date")
            and k.lower() != "x-amz-security-token"}
    assert {"host", "x-amz-date"} <= set(signed)
    again = AWSRequest(request.method, server.url + request.target, headers=kept, data=request.body)
    name, region = SCOPES.get(service, (service, "eu-west-1"))
    auth = botocore.auth.SigV4Auth(Credentials(KEYS["AWS_ACCESS_KEY_ID"], KEYS["AWS_SECRET_ACCESS_KEY"], token), name, region)
    with mock.patch.object(botocore.auth, "get_current_datetime", lambda *a, **k: when):
        auth.add_auth(again)
    assert again.headers["Authorization"] == headers["Authorization"]


CASES = [
    ("ecs", "ListTasks", {"cluster": "ü/+ &"}, ()),
    ("sts", "GetCallerIdentity", {}, ()),
    ("iam", "CreateServiceLinkedRole", {"AWSServiceName": "ecs.amazonaws.com"}, ()),
    ("ec2", "DescribeSubnets", {"Filter": [{"Name": "vpc-id", "Value": ["a b", "ü"]}]}, ()),
    ("efs", "DescribeFileSystems", None, ("-X", "GET", "/2015-02-01/file-systems", "MaxItems=2&CreationToken=a%2Fb%20c&a")),
    ("lambda", "ListTags", None, ("-X", "GET", "/2017-03-31/tags/arn%3Aaws%3Alambda%3Aeu", "")),
    ("lambda", "Invoke", '{"v":1}', ("-b", "-X", "POST", "/2015-03-31/functions/a%20b/invocations", "")),
    ("lambda", "InvokeWithResponseStream", '{"v":1}',
     ("-b", "-X", "POST", "/2021-11-15/functions/a%20b/response-streaming-invocations", "")),
    ("efs", "DeleteFileSystem", None, ("-X", "DELETE", "/2015-02-01/file-systems/fs-1", "")),
]


@pytest.mark.parametrize("service,operation,params,options", CASES)
@pytest.mark.parametrize("token", [None, "a/token+with=signs"])
def test_signature(server, call, service, operation, params, options, token):
    server.script = [reply(200, ("<%sResponse><%sResult/></%sResponse>" % ((operation,) * 3)).encode())
                     if service in ("sts", "iam", "ec2") else reply()]
    r = call(service, operation, params, *options, env={"AWS_SESSION_TOKEN": token} if token else {})
    assert r.reply["errno"] == 0
    request = server.requests[0]
    judge(server, request, service, token)
    agent = dict(request.headers)["User-Agent"]
    assert agent.startswith("vastfs/") and "region/" not in agent


def ec2_name(name, shape):
    """How EC2's protocol calls a member."""
    wire = shape.serialization.get("queryName")
    return wire or (shape.serialization.get("name", name)[:1].upper() + shape.serialization.get("name", name)[1:])


def check_shape(shape, value, protocol, path):
    if shape.type_name == "structure":
        members = {ec2_name(n, s) if protocol == "ec2" else s.serialization.get("name", n): s
                   for n, s in shape.members.items()}
        for name, inner in value.items():
            assert name in members, "%s.%s" % (path, name)
            check_shape(members[name], inner, protocol, "%s.%s" % (path, name))
        for name in shape.required_members:
            s = shape.members[name]
            wire = ec2_name(name, s) if protocol == "ec2" else s.serialization.get("name", name)
            assert wire in value or s.serialization.get("location"), "%s lacks %s" % (path, wire)
    elif shape.type_name == "list":
        assert isinstance(value, list), path
        for inner in value:
            check_shape(shape.member, inner, protocol, path + "[]")
    elif shape.type_name == "boolean":
        assert isinstance(value, bool), path
    elif shape.type_name in ("integer", "long"):
        assert isinstance(value, int), path
    elif shape.type_name == "string":
        assert isinstance(value, str), path
        assert not shape.enum or value in shape.enum, (path, value)


def built():
    done = subprocess.run([str(BUILD / "tests/aws/aws-calls")], capture_output=True, text=True, check=True)
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_every_call_fits_the_models():
    session = botocore.session.get_session()
    calls = built()
    assert len(calls) >= 57
    for c in calls:
        model = session.get_service_model(c["service"])
        op = model.operation_model(c["operation"])
        where = c["service"] + "." + c["operation"]
        if c["params"] is not None:
            check_shape(op.input_shape, c["params"], model.protocol, where)
        if model.protocol == "rest-json":
            check_rest(op, c, where)
        check_paging(op, c, where)
        check_members(op, c, where)
        check_echoes(op, c, where)


def check_rest(op, c, where):
    assert c["method"] == op.http["method"], where
    pattern = op.http["requestUri"].split("?")[0].split("/")
    path = c["path"].split("/")
    assert len(pattern) == len(path), where
    assert all(p == q or p.startswith("{") for p, q in zip(pattern, path)), where
    names = {s.serialization.get("name") for s in op.input_shape.members.values()
             if s.serialization.get("location") == "querystring"}
    assert set(urllib.parse.parse_qs(c["query"] or "")) <= names, where


def wire_members(shape):
    return {s.serialization.get("name", n) for n, s in shape.members.items()}


def check_paging(op, c, where):
    if not c["paging"]:
        return
    token_in, token_out, items = c["paging"]
    names_in = {ec2_name(n, s) if op.service_model.protocol == "ec2" else s.serialization.get("name", n)
                for n, s in op.input_shape.members.items()}
    assert token_in in names_in and {token_out, items} <= wire_members(op.output_shape), where


#: in the order of enum aws_type
TYPES = (None, {"structure"}, {"list"}, {"list"}, {"string", "timestamp", "blob"}, {"integer", "long", "float", "double"},
         {"timestamp"}, {"boolean"}, {"integer", "long"}, {"string"})


def member_shape(shape, path):
    """The model's shape at a path of a reply as it stands on the wire."""
    for part in path.split("."):
        if part == "*":
            shape = shape.member
        else:
            named = {s.serialization.get("name", n): s for n, s in shape.members.items()}
            assert part in named, path
            shape = named[part]
    return shape


def check_members(op, c, where):
    """What a reply must contain exists in the model, with that type; and each list's entries follow the list."""
    seen = set()
    for row in c["members"]:
        path = row["path"]
        assert member_shape(op.output_shape, path).type_name in TYPES[row["type"]], (where, path)
        above = path.rpartition(".")[0]
        assert not above or above in seen, (where, path)
        seen.add(path)


def check_echoes(op, c, where):
    """A member that repeats a parameter exists in the model, and the request has that parameter."""
    for path, parameter in c["echoes"]:
        assert member_shape(op.output_shape, path).type_name == "string", (where, path)
        assert parameter in c["params"], (where, parameter)


def test_what_is_read_is_described():
    """Replies that only say yes are the others."""
    silent = {"CreateChangeSet", "ExecuteChangeSet", "DeleteChangeSet", "DeleteStack", "CancelUpdateStack", "DescribeEvents",
              "DeleteNetworkInterface", "StopTask", "CreateRepository", "SetRepositoryPolicy", "PutLifecyclePolicy",
              "BatchDeleteImage", "DeleteRepository", "PutFileSystemPolicy", "DeleteFileSystem", "UpdateFunctionConfiguration",
              "Invoke", "InvokeWithResponseStream", "CreateServiceLinkedRole", "TerminateSession", "ContinueUpdateRollback",
              "UpdateService", "DeleteService", "TagResource", "Logout"}
    assert {c["operation"] for c in built() if not c["members"]} <= silent
