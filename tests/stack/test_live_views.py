# SPDX-License-Identifier: BSD-3-Clause
"""Who watches directories by inotify sees tasks, resources and outputs come and go, as file managers do."""

import os
import threading
import xml.dom.minidom

import browser as chromium
import pytest
from conftest import Tree, until
from watching import Watch

ROUNDS = 5
PICTURES = ("overview.html", "status.svg", "stack/diagram.svg")


@pytest.fixture
def tree(cloud, tmp_path):
    made = Tree(cloud, tmp_path).mount()
    made.configure()
    yield made
    made.operate("destroy", "purge")
    made.unmount()


def test_a_stack_and_its_task_come_and_go(tree):
    watch = Watch(tree, "tasks", "stack", "stack/resources", "stack/outputs", "lambda", "lambda/history")
    tree.operate("deploy")
    watch.wait(("stack/resources/Cluster", "created"), ("stack/status", "changed"), ("stack/resources", "changed"))
    tree.operate("run-task")
    task = (tree.path / "tasks/default").readlink()
    watch.wait((f"tasks/{task}", "created"), ("tasks/default", "created"))
    tree.bash("echo 'echo 42' > lambda/query; cat lambda/result")
    watch.wait(("lambda/history/1", "created"), *((f"lambda/{name}", "changed") for name in ("state", "result", "exit_code", "duration")))
    inside = Watch(tree, f"tasks/{task}")
    tree.operate("stop-all-tasks")
    inside.wait((f"tasks/{task}/status", "changed"))
    watch.wait(("tasks/default", "deleted"))
    tree.operate("destroy", "purge")
    watch.wait(("stack/resources/Cluster", "deleted"))
    inside.close()
    watch.close()


def hammer(tree, stop, wrong):
    """Fills the kernel's caches at every moment. A text is never cut, whatever size the kernel knew before."""
    whole = {"", "RUNNING\n", "STOPPED\n"}
    while not stop.is_set():
        for name in os.listdir(tree.path / "tasks"):
            try:
                status = tree.read(f"tasks/{name}/desired_status")
                os.stat(tree.path / f"tasks/{name}/status")
            except FileNotFoundError:
                continue
            if status not in whole:
                wrong.append(status)


def test_nothing_that_the_kernel_caches_is_stale(deployed):
    """A process that has waited for the end of an operation lists and reads what AWS has since then."""
    tree, stop, wrong = deployed, threading.Event(), []
    reader = threading.Thread(target=hammer, args=(tree, stop, wrong))
    reader.start()
    try:
        for _ in range(ROUNDS):
            tree.operate("run-task")
            task = os.readlink(tree.path / "tasks/default")
            assert {task, "default"} <= set(os.listdir(tree.path / "tasks"))
            desired = tree.path / "tasks" / task / "desired_status"
            with open(desired, "rb", buffering=0) as held:
                assert held.read() == b"RUNNING\n"
                tree.operate("stop-all-tasks")
                assert os.pread(held.fileno(), 100, 0) == b"STOPPED\n"
            assert desired.read_text() == "STOPPED\n" and desired.stat().st_size == len("STOPPED\n")
            reason = tree.path / "tasks" / task / "stopped_reason"
            assert reason.stat().st_size == len(reason.read_bytes()) > 0
            assert "default" not in os.listdir(tree.path / "tasks")
    finally:
        stop.set()
        reader.join()
    assert not wrong


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
    """Their layout is tested in tests/picture."""
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
        size = (tree.path / name).stat().st_size
        assert size == len((tree.path / name).read_bytes()) and size % 4096 == 0
    assert tree.bash("touch control/run-task", check=False).returncode == 1
    assert "EEXIST" not in tree.read("overview.html") and "Remedy: " in tree.read("overview.html")
    tree.operate("destroy", "purge")
    tab.until(page % "No stack")
    assert not [e for e in tab.events("Log.entryAdded") if e["entry"]["level"] == "error"]
    watch.close()
