# SPDX-License-Identifier: BSD-3-Clause
"""Servers that misbehave: what the caller hears, and how often they are asked."""
import errno
import json
import socket
import time

import pytest

from conftest import reply

THROTTLED = reply(400, {"__type": "ThrottlingException", "message": "slow down"})
OK = reply(200, {"taskArns": ["a"]})
FAST = {"AWS_MAX_ATTEMPTS": "3"}


def http_date(offset):
    return time.strftime("%a, %d %b %Y %H:%M:%S GMT", time.gmtime(time.time() + offset))


@pytest.mark.parametrize("bad", [reply(500), reply(503, b"<html>busy</html>"), THROTTLED, None,
                                 reply(200, b"{}", length=100) + b"CLOSE", b"nonsense CLOSE", b"HTTP/1.1 502 X\r\n\r\nCLOSE",
                                 reply(200, b"<html>log in</html>"), reply(200, b'{"taskArns":['),
                                 reply(403, b"<html>log in</html>"), reply(302, headers=[("Location", "http://portal/")])])
def test_an_idempotent_call_is_tried_again(server, call, bad):
    server.script = [bad, OK]
    r = call("ecs", "ListTasks", {})
    assert (r.reply["errno"], r.reply["body"]) == (0, {"taskArns": ["a"]})
    assert len(server.requests) == 2
    ids = {dict(q.headers)["amz-sdk-invocation-id"] for q in server.requests}
    assert len(ids) == 1
    assert [dict(q.headers)["amz-sdk-request"] for q in server.requests] == ["attempt=1; max=3", "attempt=2; max=3"]
    lines = [l for l in r.log.splitlines() if " ecs ListTasks " in l and not l.startswith("vastfs:")]
    assert [l.split()[-1] for l in lines] == ["1", "2"]


def test_three_attempts_are_all(server, call):
    server.script = [reply(500)]
    r = call("ecs", "ListTasks", {})
    assert (r.reply["errno"], r.reply["status"], len(server.requests)) == (-errno.EIO, 500, 3)


@pytest.mark.parametrize("bad", [reply(500), THROTTLED, reply(429), None, reply(200, b"{}", length=9) + b"CLOSE",
                                 reply(200, b"<html>log in</html>"), reply(403, b"<html>log in</html>")])
def test_what_may_have_run_is_sent_once(server, call, bad):
    server.script = [bad]
    r = call("ecs", "RunTask", {"count": 1}, "-u")
    assert r.reply["errno"] < 0 and r.reply["sent"]
    assert len(server.requests) == 1


def test_what_may_have_run_is_sent_once_also_on_a_kept_connection(server, call):
    """libcurl sends again on its own what a kept connection swallowed."""
    server.script = [OK, None]
    r = call("ecs", "RunTask", {"count": 1}, "-u", "-n", "2")
    assert len(server.requests) == 2 == server.connections


def test_unsent_calls_are_tried_again(call):
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        r = call("ecs", "RunTask", {}, "-u", url="http://127.0.0.1:%d" % s.getsockname()[1])
    assert (r.reply["errno"], r.reply["sent"]) == (-errno.ENETUNREACH, False)
    assert r.log.count("ECONNREFUSED") == 3
    assert "AWS_ENDPOINT_URL" in r.reply["remedy"]


def test_timeout(server, call):
    server.script = [lambda q: time.sleep(30)]
    r = call("ecs", "ListTasks", {}, "-t", "2000", env={"AWS_MAX_ATTEMPTS": "1"})
    assert (r.reply["errno"], r.reply["sent"]) == (-errno.ETIMEDOUT, True)


@pytest.mark.parametrize("service,body", [("ecs", b"<html>hi</html>"), ("ecs", b'{"a":'), ("sts", b"<html>hi</html>"),
                                          ("sts", b"<a><b></a>"), ("sts", b""), ("sts", b"\x00\xff\xfe"), ("ec2", b"{}")])
def test_garbage(server, call, service, body):
    server.script = [reply(200, body)]
    r = call(service, "Describe", {})
    assert (r.reply["errno"], len(server.requests)) == (-errno.EBADMSG, 3)
    assert r.reply["message"].startswith("the reply of %s to Describe is not" % service)


def test_too_large(server, call):
    server.script = [reply(200, b"[" + b" " * 100000 + b"]")]
    r = call("ecs", "ListTasks", {}, "-m", "1000")
    assert (r.reply["errno"], len(server.requests)) == (-errno.EFBIG, 1)


def test_too_many_headers(server, call):
    server.script = [reply(200, headers=[("X-%d" % i, "y" * 1000) for i in range(90)])]
    r = call("ecs", "ListTasks", {})
    assert (r.reply["errno"], "header of the reply is larger than 64 KiB" in r.reply["message"]) == (-errno.EFBIG, True)


def test_interim_replies_without_end(server, call):
    server.script = [b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n" * 10000 + reply(200)]
    r = call("ecs", "ListTasks", {})
    assert (r.reply["errno"], "header of the reply" in r.reply["message"]) == (-errno.EFBIG, True)


@pytest.mark.parametrize("policy", [(), ("-u",)])
def test_wrong_clock_is_corrected_once(server, call, policy):
    bad = reply(403, {"__type": "InvalidSignatureException", "message": "Signature expired"}, [("Date", http_date(-7200))])
    server.script = [bad, OK]
    r = call("ecs", "ListTasks", {}, *policy)
    assert (r.reply["errno"], len(server.requests)) == (0, 2)
    stamps = [time.strptime(dict(q.headers)["X-Amz-Date"], "%Y%m%dT%H%M%SZ") for q in server.requests]
    assert 7190 < time.mktime(stamps[0]) - time.mktime(stamps[1]) < 7210
    server.script = [bad]
    server.requests.clear()
    assert call("ecs", "ListTasks", {}, *policy).reply["errno"] == -errno.ENOKEY
    assert len(server.requests) == 2


def test_wrong_key_with_right_clock_is_final(server, call):
    server.script = [reply(403, {"__type": "InvalidSignatureException"}, [("Date", http_date(0))])]
    assert call("ecs", "ListTasks", {}).reply["errno"] == -errno.ENOKEY
    assert len(server.requests) == 1


def test_pages(server, call):
    server.script = [reply(200, {"taskArns": [1], "nextToken": "t1"}), reply(200, {"nextToken": "t2"}), THROTTLED,
                     reply(200, {"taskArns": [2, 3]})]
    r = call("ecs", "ListTasks", {"cluster": "c"}, "-p", "nextToken,nextToken,taskArns")
    assert r.reply["body"] == {"taskArns": [1, 2, 3]}
    assert [json.loads(q.body).get("nextToken") for q in server.requests] == [None, "t1", "t2", "t2"]


def test_pages_that_do_not_end(server, call):
    server.script = [reply(200, {"taskArns": [1], "nextToken": "t"})]
    r = call("ecs", "ListTasks", {}, "-p", "nextToken,nextToken,taskArns")
    assert (r.reply["errno"], len(server.requests)) == (-errno.ELOOP, 2)
    assert "do not end" in r.reply["message"]


def test_more_pages_than_are_read(server, call):
    count = iter(range(1, 1000))
    server.script = [lambda q: reply(200, {"taskArns": ["a"], "nextToken": "t%d" % next(count)})]
    r = call("ecs", "ListTasks", {}, "-p", "nextToken,nextToken,taskArns")
    assert (r.reply["errno"], len(server.requests)) == (0, 100)
    assert r.reply["truncated"] and len(r.reply["body"]["taskArns"]) == 100


def test_more_entries_than_are_read(server, call):
    pages = [{"taskArns": ["a"] * 6000, "nextToken": "t%d" % i} for i in range(3)]
    server.script = [reply(200, p) for p in pages]
    r = call("ecs", "ListTasks", {}, "-p", "nextToken,nextToken,taskArns")
    assert (r.reply["errno"], len(server.requests)) == (0, 2)
    assert r.reply["truncated"] and len(r.reply["body"]["taskArns"]) == 10000


def test_cancel_while_waiting_for_a_reply(server, call):
    server.script = [lambda q: time.sleep(30)]
    r = call("ecs", "ListTasks", {}, "-c", "100", "-n", "5")
    assert [x["errno"] for x in r.replies] == [-errno.ECANCELED] * 5


def test_many_at_once_on_few_connections(server, call):
    r = call("ecs", "ListTasks", {}, "-n", "300")
    assert {x["errno"] for x in r.replies} == {0} and len(server.requests) == 300
    assert server.connections <= 300


def test_redirects_are_not_followed(server, call):
    server.script = [reply(302, headers=[("Location", server.url + "/x")])]
    assert call("ecs", "ListTasks", {}).reply["status"] == 302
    assert {q.target for q in server.requests} == {"/"}


def test_function_error_and_opaque_payload(server, call):
    server.script = [reply(200, b"not json", [("X-Amz-Function-Error", "Unhandled")])]
    r = call("lambda", "Invoke", "{}", "-b", "-X", "POST", "/2015-03-31/functions/f/invocations", "")
    assert (r.reply["errno"], r.reply["function_error"]) == (0, "Unhandled")
