# SPDX-License-Identifier: BSD-3-Clause
"""Who watches directories by inotify sees tasks, resources and outputs come and go, as file managers do."""

import pytest
from conftest import Tree
from watching import Watch


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
