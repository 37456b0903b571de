# SPDX-License-Identifier: BSD-3-Clause
"""Every call, every member of its reply, every wrong value: an error that names service, operation and member.

The valid replies are made of the calls' own descriptions; botocore's models judge those in test_judge.py.
"""
import errno
import json
import subprocess
from xml.sax.saxutils import escape

import pytest

from conftest import BUILD

#: in the order of enum aws_type
_, OBJECT, LIST, ENTRIES, STRING, NUMBER, TIME, BOOL, COUNT, TEXT = range(10)
PLAIN = {STRING: "x", NUMBER: 1, TIME: 1700000000, BOOL: True, COUNT: 1, TEXT: "x"}
MISSING = object()
HUGE = "x" * 1000000
WRONG = {"missing": MISSING, "null": None, "5": 5, "-1": -1, "1e300": 1e300, "{}": {}, "[]": [], "[[]]": [[]], "empty": "",
         "true": True, "huge": HUGE, "nan": "nan"}
PROGRAM = str(BUILD / "tests/aws/aws-calls")


def described():
    done = subprocess.run([PROGRAM], capture_output=True, text=True, check=True)
    return [json.loads(line) for line in done.stdout.splitlines()]


CALLS = described()
QUERY = ("cloudformation", "iam", "sts")


class Reply:
    """A valid reply to a call, in which one member can be replaced."""

    def __init__(self, call):
        self.call = call
        self.rows = {row["path"]: row for row in call["members"]}
        self.asked = {path: (call["params"] or {}).get(name) for path, name in call["echoes"]}

    def below(self, path):
        start = path + "." if path else ""
        return [p for p in self.rows if p.startswith(start) and "." not in p[len(start):]]

    def value(self, path, changed=None, by=None):
        """The value of a member; changed: the member that has another value."""
        if path == changed:
            return by
        kind = self.rows[path]["type"] if path else OBJECT
        if kind in (LIST, ENTRIES):
            return [self.value(p, changed, by) for p in self.below(path)] or [{"Other": "x"}]
        if kind == OBJECT:
            return {"Other": "x", **{p.rpartition(".")[2]: self.value(p, changed, by) for p in self.below(path)}}
        asked = self.asked.get(path)
        return (asked[0] if isinstance(asked, list) else asked) or PLAIN[kind]

    def is_fine(self, path, value):
        """Whether a member may have this value."""
        row = self.rows[path]
        if value is MISSING and path.endswith("*"):
            return True  # a shorter list
        if value is MISSING or value is None:
            return row["optional"] and not path.endswith("*")
        kind = row["type"]
        if kind == OBJECT:
            return value == {} and all(self.rows[p]["optional"] for p in self.below(path))
        if kind in (LIST, ENTRIES):
            return value == [] and kind == LIST or value == [[]] and not self.below(path)
        if kind == STRING:
            return isinstance(value, str) and (bool(value) or row["optional"]) and not (value and self.asked.get(path))
        if kind == TEXT:
            return isinstance(value, str)
        if kind in (NUMBER, TIME, COUNT):
            number = not isinstance(value, bool) and isinstance(value, (int, float))
            return number and (kind == NUMBER or 0 <= value < 1e10)
        return value is True


def without(value):
    """JSON cannot say that a member is missing."""
    if isinstance(value, dict):
        return {n: without(v) for n, v in value.items() if v is not MISSING}
    return [without(v) for v in value if v is not MISSING] if isinstance(value, list) else value


def as_xml(name, value, entry):
    if value is MISSING or value is None:
        return ""
    if isinstance(value, dict):
        inner = "".join(as_xml(n, v, entry) for n, v in value.items())
    elif isinstance(value, list):
        inner = "".join(as_xml(entry, v, entry) for v in value)
    else:
        inner = escape(str(value).lower() if isinstance(value, bool) else str(value))
    return f"<{name}>{inner}</{name}>"


def body(call, value):
    operation = call["operation"]
    if call["service"] in QUERY:
        return as_xml(f"{operation}Response", {f"{operation}Result": value}, "member")
    if call["service"] == "ec2":
        return as_xml(f"{operation}Response", value, "item")
    return json.dumps(without(value))


def judged(bodies):
    """What becomes of the replies: bodies is a list of (number of the call, body)."""
    text = "".join(f"{number} {text}\n" for number, text in bodies)
    done = subprocess.run([PROGRAM, "replies"], input=text, capture_output=True, text=True, check=True)
    assert "Sanitizer" not in done.stderr, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


READ = [(n, c) for n, c in enumerate(CALLS) if c["members"]]


def test_a_whole_reply_is_fine():
    found = judged([(n, body(c, Reply(c).value(""))) for n, c in READ])
    assert [(c["operation"], r) for (_, c), r in zip(READ, found) if r["errno"]] == []


def wrong_values(call, reply):
    """(member, name of the value, body of the reply) of every wrong value that the format of the service can express."""
    is_xml = call["service"] in (*QUERY, "ec2")
    for path in reply.rows:
        for name, value in WRONG.items():
            if reply.is_fine(path, value) or is_xml and not is_wrong_in_xml(reply, path, value):
                continue
            yield path, name, body(call, reply.value("", path, value))


def is_wrong_in_xml(reply, path, value):
    """Everything is a text in XML, an empty element is also an empty list, and a list cannot lack an entry."""
    kind = reply.rows[path]["type"]
    if path.endswith("*"):
        return value == 5 and kind == OBJECT
    if value in (MISSING, None):
        return True
    if kind == STRING:
        return value == "" and not reply.rows[path]["optional"] or value == [[]]
    if kind == TEXT:
        return value == [[]]
    if kind in (NUMBER, TIME, BOOL, COUNT):
        return value in ("", "nan") or value == [[]]
    return value == 5


@pytest.mark.parametrize("number,call", READ, ids=lambda c: c["operation"] if isinstance(c, dict) else "")
def test_a_wrong_value_is_an_error_that_names_the_member(number, call):
    cases = list(wrong_values(call, Reply(call)))
    assert cases
    start = f"the reply of {call['service']} to {call['operation']} is unusable: "
    for (path, name, _), found in zip(cases, judged([(number, text) for *_, text in cases])):
        where = (path, name, found)
        assert found["errno"] == -errno.ENOMSG and found["message"].startswith(start), where
        assert found["message"][len(start):].startswith(path.removesuffix(".*")), where
        assert found["transient"], where


@pytest.mark.parametrize("wrong", ["null", "5", "[]", "[[]]", '""', "{}", ""])
def test_a_reply_that_is_something_else(wrong):
    """Also for the calls whose members are all optional."""
    for (_, call), found in zip(READ, judged([(n, wrong) for n, _ in READ])):
        may_be_empty = wrong == "{}" and all(row["optional"] for row in call["members"] if "." not in row["path"])
        assert (found["errno"] == 0) == (may_be_empty and call["service"] not in (*QUERY, "ec2")), (call["operation"], found)
