# SPDX-License-Identifier: BSD-3-Clause
"""The pictures in a mount, from nothing to nothing, as a browser and a watcher see them. Their layout is tested in tests/picture."""

import os
import xml.dom.minidom

import pytest

import browser as chromium
from conftest import until
from watching import Watch

PICTURES = ("overview.html", "status.svg", "stack/diagram.svg")


@pytest.fixture
def tab(tmp_path):
    if not chromium.program():
        pytest.skip("no Chromium: contrib/setup tests installs it")
    b = chromium.Browser(tmp_path / "chromium")
    yield chromium.Tab(b)
    b.close()


def words(text):
    """The words of the large boxes of the diagram by the title of each."""
    document = xml.dom.minidom.parseString(text)
    titles = [g.getElementsByTagName("title")[0].firstChild.data for g in document.getElementsByTagName("g")
              if "part" in g.getAttribute("class")]
    return {t.split(":")[0].split(" (")[0].split()[0]: t.split(": ", 1)[1].split()[0] for t in titles}


def test_the_pictures_follow_the_stack(tree, tab):
    page = "document.querySelector('h1')?.textContent == '%s' && document.querySelector('footer') != null"
    tab.open((tree.path / "overview.html").as_uri())
    tab.until(page % "No stack")
    watch = Watch(tree, ".", "stack")
    tree.operate("deploy")
    watch.wait(("./overview.html", "changed"), ("./status.svg", "changed"), ("stack/diagram.svg", "changed"))
    tab.until(page % "Deployed")  # the page has reloaded itself
    assert words(tree.read("stack/diagram.svg")) == {
        "Images": "ready", "NAT": "ready", "Function": "ready", "Server": "none", "Storage": "ready"}
    for output in "NatGatewayId", "PrivateSubnetId", "PublicSubnetId", "VpcId", "FunctionName":
        assert tree.value(f"stack/outputs/{output}") in tree.read("stack/diagram.svg")
    tree.operate("run-task")
    tab.until(page % "Running")
    assert os.readlink(tree.path / "tasks/default") in tree.read("overview.html")
    tree.bash("echo 'echo 42 \"<b>\"' > lambda/query; cat lambda/result")
    until(lambda: "echo 42 &quot;&lt;b&gt;&quot;" in tree.read("overview.html"), "the query")
    for name in PICTURES:
        assert (tree.path / name).stat().st_size == len((tree.path / name).read_bytes())
    assert tree.bash("touch control/run-task", check=False).returncode == 1
    assert "EEXIST" not in tree.read("overview.html") and "Remedy: " in tree.read("overview.html")
    tree.operate("destroy", "purge")
    tab.until(page % "No stack")
    assert not [e for e in tab.events("Log.entryAdded") if e["entry"]["level"] == "error"]
    watch.close()


def test_a_look_at_the_pictures_calls_nobody(deployed, cloud):
    """They are rendered from memory, so a picture of a stack that is not reachable says so at once."""
    calls = len(cloud.control("GET", "journal"))
    for _ in range(50):
        for name in PICTURES:
            deployed.read(name)
    assert len(cloud.control("GET", "journal")) - calls < 10  # the usual poll
