# SPDX-License-Identifier: BSD-3-Clause
"""The tour of the README and the examples of the other pages are typed as they stand, in the sandbox, with the real engine."""

import os
import re
import shlex
import subprocess

import pytest
from vastfs_sandbox.seed import engine

from conftest import BUILD, ROOT, RUNTIME, VASTFS

BLOCK = re.compile(r"<!-- tour(?:: (\w+))? -->\n```console\n(.*?)```", re.DOTALL)
LINK = re.compile(r"\]\((?!https?:)([^)#]*)(?:#([^)]*))?\)")
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
OTHERS = [*sorted(ROOT.glob("*.md")), ROOT / "contrib/sandbox/README.md"]


def tour():
    """(kind, commands) of each block, what needs a deployed stack before the stack is removed."""
    blocks = [(kind, [line[2:] for line in text.splitlines() if line.startswith("$ ")])
              for page in PAGES for kind, text in BLOCK.findall(page.read_text())]
    deployed = [b for b in blocks if b[0] == "deployed"]
    rest = [b for b in blocks if b[0] != "deployed"]
    end = next(i for i, b in enumerate(rest) if any("control/destroy" in c for c in b[1]))
    return rest[:end] + deployed + rest[end:]


def script(blocks):
    """Every command, followed by its status on a line of its own; of a block that fails, the first command does."""
    lines = []
    for kind, commands in blocks:
        for i, command in enumerate(commands):
            expected = "!= 0" if kind == "fails" and i == 0 else "== 0"
            lines += [command, f"s=$?; (( s {expected} )) || {{ echo \"@ $s: \"{shlex.quote(command)}; tail -n 3 ~/vast/error; exit 99; }}"]
    return "\n".join(lines)


def test_there_is_a_tour():
    commands = " ".join(c for _, block in tour() for c in block)
    for word in ("vastfs-sandbox", "deploy", "run-task", "lambda/query", "destroy", "fusermount3"):
        assert word in commands


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_example_is_executed(page):
    assert page.read_text().count("```console") == len(BLOCK.findall(page.read_text()))


def anchors(page):
    titles = re.findall(r"^#+ (.*)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in titles}


@pytest.mark.parametrize("page", sorted({*PAGES, *OTHERS}), ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_leads_somewhere(page):
    for path, anchor in LINK.findall(page.read_text()):
        target = page.parent / path if path else page
        assert target.exists(), path
        assert not anchor or anchor in anchors(target), f"{path}#{anchor}"


@pytest.mark.skipif(not engine.installed(), reason="no engine: contrib/setup")
def test_the_tour_works_as_it_stands(tmp_path):
    cache = os.environ.get("XDG_CACHE_HOME", os.path.expanduser("~/.cache"))
    env = {"PATH": f"{ROOT}/contrib/sandbox:{BUILD}:{os.environ['PATH']}", "HOME": str(tmp_path), "LANG": "C.UTF-8",
           "VASTFS": str(VASTFS), "VASTFS_SANDBOX_RUNTIME": str(RUNTIME), "XDG_CACHE_HOME": cache, "BUILD": str(BUILD)}
    # Programs that look at the tree keep it busy for an instant: as unmounting.py, 60 s.
    patient = 'fusermount3() { local n; for n in {1..600}; do command fusermount3 "$@" 2>/dev/null && return; read -rt 0.1 <> <(:); done; command fusermount3 "$@"; }\n'
    done = subprocess.run(["bash", "-c", patient + script(tour())], env=env, capture_output=True, text=True, timeout=180, check=False)
    subprocess.run(["fusermount3", "-u", "-z", tmp_path / "vast"], capture_output=True, check=False)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    lines = done.stdout.splitlines()
    for expected in ("42", "RUNNING", "some output", "a remark", "begun, running", "root", "4", "port 42000 answers", "HEALTHY", "nothing to change", "the stack vast-default is deleted",
                     "signed in: sso profile default"):
        assert expected in lines, expected
