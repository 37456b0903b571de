# SPDX-License-Identifier: BSD-3-Clause
"""~/.aws files are read as the AWS CLI reads them: botocore, whose reader is Python's configparser, is the judge."""

import json
import random
import subprocess

import pytest
from botocore import configloader
from botocore.exceptions import ConfigParseError
from conftest import BUILD

#: Pieces that files are made of; each has been a difference between readers of such files somewhere.
LINES = ["[default]", "[profile work]", '[profile "two words"]', "[profile\ttab]", "[ default ]", "[a] # b]", "[a", "[]", "[DEFAULT]",
         "region = eu-west-1", "REGION: eu-west-1", "region=", "s3 =", "  addressing_style = path", "\tx=y", "    deeper : z", "junk",
         "# comment", "  ; comment", "a = b # not a comment", "a = b ; c", "", "   ", "= value", " : value", "[x] y", "key = [z]", "a:b=c",
         "k\u00e9y = v\u00e4lue", "\u00a0b = \u3000c\u2003", "a b = c", "duplicate = 1", "duplicate = 2", "\ufeff[default]", "nested =\r", "v = 1\r"]


def botocore_reads(path):
    try:
        return configloader.raw_config_parse(str(path))
    except ConfigParseError:
        return None


def vastfs_reads(text):
    done = subprocess.run([BUILD / "tests/aws/ini-dump"], input=text, capture_output=True, check=False)
    assert done.returncode in (0, 1) and bool(done.stderr) == (done.returncode == 1), done
    return json.loads(done.stdout) if done.returncode == 0 else None


def agree(tmp_path, text):
    path = tmp_path / "config"
    path.write_bytes(text)
    assert vastfs_reads(text) == botocore_reads(path), text


@pytest.mark.parametrize("text", [
    b"", b"\n", b"[default]", b"[default]\na=1", b"a=1\n", b"[a]\nx=1\n[a]\ny=2\n", b"[a]\nx=1\nX=2\n", b"[a]\nx=1\n[b]\nx=2\n",
    b"[a]\nx =\n  y = 1\n  z = 2\n", b"[a]\nx =\n\n  y = 1\n", b"[a]\nx =\n  y\n", b"[a]\nx = 1\n  2\n\n  3\n", b"[a]\n  x = 1\n  y = 2\n",
    b"[a]\n\tx =\n\t\ty = 1\n\tz = 2\n", b"[a]\r\nx = 1\r\n", b"[a]\rx = 1\r", b"\xef\xbb\xbf[a]\nx=1\n", b"[a]\nx=\xff\n", b"[a]\nx=1\n  [b]\ny=2\n",
    b"[DEFAULT]\nx=1\n[a]\n[b]\nx=2\n", b"[DEFAULT]\nx=1\n[DEFAULT]\ny=2\n[a]\n", b"[DEFAULT]\nx=1\n[DEFAULT]\nx=2\n[a]\n",
    b"  [a]\nx=1\n", b"[a]\nx=1\n# c\n  2\n", b"[a]\nx=1\n  # c\n  2\n", b"[a]\nx y z\n  = 1\n", b"[a]\nx\n",
])
def test_single_files(tmp_path, text):
    agree(tmp_path, text)


def test_a_thousand_files_made_of_odd_lines(tmp_path):
    """The seed is fixed: a failure can be looked at again."""
    chance = random.Random(1)
    for _ in range(1000):
        lines = chance.choices(LINES, k=chance.randint(1, 8))
        ends = chance.choice(["\n", "\r\n", "\n"])
        agree(tmp_path, (chance.choice(["[default]\n", ""]) + ends.join(lines) + chance.choice(["", "\n"])).encode())
