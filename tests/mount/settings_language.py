# SPDX-License-Identifier: BSD-3-Clause
"""Which lines of config/default.env are right, for the keys that test_model.py writes."""

import re

LINE = re.compile(rb"[ \t]*(?:export[ \t]+)?([A-Za-z0-9_]+)[ \t]*=(.*)")
VALUES = {
    b"aws_region": rb"[a-z]{2,}(-[a-z]+)+-[0-9]+",
    b"vpc_id": rb"vpc-([0-9a-f]{8}|[0-9a-f]{17})",
    b"stage": rb"(?=.{1,32}$)[a-z0-9]+(-[a-z0-9]+)*",
    b"vast_port": rb"[1-9][0-9]{0,3}",
    b"subnet_cidr": rb"172\.31\.64\.0/2[0-7]",
}


def parse_line(line):
    """The key and value of a line, None for a comment or a blank one; ValueError if it is wrong."""
    if re.search(rb"[\x00-\x08\x0a-\x1f\x7f]", line):
        raise ValueError("a control character")
    if not line.strip(b" \t") or line.strip(b" \t").startswith(b"#"):
        return None
    found = LINE.fullmatch(line)
    if not found or found[1] not in VALUES:
        raise ValueError("no key=value")
    value = re.sub(rb"[ \t]#.*", b"", found[2]).strip(b" \t")
    if value and not re.fullmatch(VALUES[found[1]], value):
        raise ValueError("a wrong value")
    return found[1], value


def is_right(text, start=0, end=None):
    """Whether all lines are; with an end only those whose newline lies in [start, end)."""
    at = 0
    for line in text.split(b"\n"):
        newline = at + len(line)
        if end is None or start <= newline < min(end, len(text)):
            try:
                parse_line(bytes(line))
            except ValueError:
                return False
        at = newline + 1
    return True
