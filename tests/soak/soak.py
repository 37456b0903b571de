# SPDX-License-Identifier: BSD-3-Clause
"""Whether vastfs needs more after a long time than after a short one: memory, threads, descriptors and files.

Each phase repeats one kind of work against the sandbox. Its first part is the warm-up: histories fill up to history_keep, and
the allocator reaches its size. Then the same work goes on, and at the end vastfs must use as many threads and descriptors as
after the warm-up, as many sockets but for the calls that may be running, and at most 1 % more memory. What api.log and events.log
have grown by is not counted, because they store at most 4 MiB each. At the end, no file may be left that was not there after the
warm-up.

usage: contrib/soak [--short]
"""

import os
import random
import sys
import tempfile
import threading
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))
sys.path.insert(0, str(HERE.parent / "stack"))
import conftest  # noqa: E402
import usage  # noqa: E402
from conftest import SERVER, Cloud, Tree, until  # noqa: E402

#: of the whole run
QUERIES, TASK_CHANGES, IMPORTS, REMOUNTS = 100_000, 10_000, 1_000, 100
#: a short run is this part of it
SHORT = 20
#: queries, and imports, after which the heap has its size: new blocks fit into what earlier ones have freed
QUERIES_FILL_THE_HEAP, IMPORTS_FILL_THE_HEAP = 10_000, 2_000
#: commands that run at the same time, so connections may differ by as many
AT_ONCE = 8
#: mounts of which the one in the middle counts
MOUNTS_LOOKED_AT = 5
#: tasks of one round: they start, and they are forgotten, so a round has twice as many changes
ROUND = 10
#: seconds until vastfs has closed the connections that it no longer needs, and has removed its last files
SETTLING = 180

conftest.DEVELOPER = ["-o", "coredump"]  # otherwise only root may list the descriptors


class Soak:
    """One sandbox, one mount, and what it used at each mark."""

    def __init__(self, base, scale):
        self.base = base
        self.scale = scale
        self.problems = []
        for name in ("cloud", "tree", "tmp"):
            (base / name).mkdir()
        self.cloud = Cloud(base / "cloud")
        self.tree = Tree(self.cloud, base / "tree", TMPDIR=str(base / "tmp")).mount()
        self.random = random.Random(1)

    def deploy(self):
        """With a server, because imports wait for one."""
        self.tree.configure(vast_storage="ephemeral", vast_command=SERVER, import_command="wc -c")
        self.tree.operate("deploy")
        self.tree.operate("run-task")

    def count(self, whole):
        return max(1, whole // self.scale)

    def phase(self, name, work, n, warm_up, look=None):
        """work(n) twice: to warm up, then with what is measured by look()."""
        look = look or self.settled
        begin = time.monotonic()
        work(warm_up)
        before = look()
        files = self.files()
        work(n)
        after = look(before)
        seconds = time.monotonic() - begin
        print(f"{n} {name} in {seconds:.0f} s, after {warm_up} to warm up\n  before: {before}\n  after:  {after}", flush=True)
        self.judge(name, before, after)
        self.judge_files(name, files)

    def settled(self, expected=None):
        """The usage, once it is that of an idle mount, or when no more patience is left."""
        end = time.monotonic() + SETTLING
        idle = self.usage_of_idle()
        while expected and (idle.descriptors != expected.descriptors or idle.sockets > expected.sockets + AT_ONCE) and time.monotonic() < end:
            idle = self.usage_of_idle()
        return idle

    def settled_mounts(self, expected=None):
        """The usage of a typical mount: each one is a new process, and their sizes differ by 1 to 2 %."""
        seen = []
        for _ in range(MOUNTS_LOOKED_AT):
            self.remounts(1)
            seen.append(self.settled(expected))
        return sorted(seen, key=lambda one: one.rss)[MOUNTS_LOOKED_AT // 2]

    def usage_of_idle(self):
        """Waits until nothing has changed for two seconds."""
        seen, since = None, time.monotonic()
        end = since + SETTLING
        while time.monotonic() < end and time.monotonic() - since < 2:
            now = usage.of(self.tree)
            if now != seen:
                seen, since = now, time.monotonic()
            threading.Event().wait(0.2)
        return seen

    def files(self):
        self.settle_imports()
        return usage.files(self.base / "tree/state", self.base / "tree/cache", self.base / "tree/config", self.base / "tmp")

    def settle_imports(self):
        until(lambda: not [f for f in (self.base / "tree").rglob("*.batch")], "the empty spool", SETTLING)

    def judge(self, name, before, after):
        if after.threads != before.threads:
            self.problems.append(f"{name}: {before.threads} threads became {after.threads}")
        if after.descriptors != before.descriptors or after.sockets > before.sockets + AT_ONCE:
            self.problems.append(f"{name}: {before.descriptors} descriptors and {before.sockets} sockets became "
                                 f"{after.descriptors} and {after.sockets}: {usage.descriptors(self.tree)}")
        if after.has_grown(before):
            self.problems.append(f"{name}: {before.without_logs} KiB of memory became {after.without_logs} KiB")

    def judge_files(self, name, before):
        left = sorted(set(self.files()) - set(before))
        if left:
            self.problems.append(f"{name}: {len(left)} files were left, among them {left[:5]}")

    # -- work --------------------------------------------------------------------------------------------------------------

    def queries(self, n):
        numbers = iter(range(n))
        lock = threading.Lock()

        def ask():
            while True:
                with lock:
                    number = next(numbers, None)
                if number is None:
                    return
                answer = self.tree.query(f"echo {number}")
                if answer != b"%d\n" % number:
                    self.problems.append(f"query {number} was answered by {answer!r}")
                    return

        askers = [threading.Thread(target=ask) for _ in range(AT_ONCE)]
        for asker in askers:
            asker.start()
        for asker in askers:
            asker.join()
        self.cloud.control("DELETE", "journal")

    def task_changes(self, n):
        """Each task appears, stops and disappears."""
        server = self.tasks()
        ecs, outputs = self.cloud.boto("ecs"), self.tree.path / "stack/outputs"
        value = {name: (outputs / name).read_text().strip() for name in os.listdir(outputs)}
        network = {"awsvpcConfiguration": {"subnets": [value["PrivateSubnetId"]], "securityGroups": [value["ServerSecurityGroupId"]]}}
        for _ in range(max(1, n // 2 // ROUND)):
            ecs.run_task(cluster=value["ClusterName"], launchType="FARGATE", count=ROUND,
                         taskDefinition=value["TaskDefinitionArn"], networkConfiguration=network)
            self.refresh_until(lambda: len(self.tasks()) == len(server) + ROUND, f"{ROUND} more tasks")
            for task in self.tasks():
                self.tree.read(f"tasks/{task}/status")
                if task not in server:
                    ecs.stop_task(cluster=value["ClusterName"], task=task)
            self.forget_tasks()
            self.refresh_until(lambda: self.tasks() == server, "no other task than the server")
        self.cloud.control("DELETE", "journal")

    def tasks(self):
        return sorted(name for name in os.listdir(self.tree.path / "tasks") if name != "default")

    def forget_tasks(self):
        left = ROUND
        end = time.monotonic() + SETTLING
        while left > 0:
            assert time.monotonic() < end, f"{left} tasks do not stop"
            left -= self.cloud.control("DELETE", "tasks")["forgotten"]

    def refresh_until(self, condition, what):
        """touch control/refresh as often as it takes, but not more often than vastfs has polled."""

        def is_so():
            self.tree.write("control/refresh", "1")
            end = time.monotonic() + 1
            while not condition() and time.monotonic() < end:
                threading.Event().wait(0.01)
            return condition()

        until(is_so, what, SETTLING)

    def imports(self, n):
        for number in range(n):
            lines = self.random.randint(1, 200)
            with open(self.tree.path / "import/json", "wb", buffering=0) as f:
                f.write(b'{"number":%d}\n' % number * lines)
        self.tree.bash("cat import/result", deadline=SETTLING)
        self.settle_imports()
        self.cloud.control("DELETE", "journal")

    def remounts(self, n):
        for _ in range(n):
            self.tree.unmount()
            self.tree.mount()
            until(lambda: "unknown" not in self.tree.read("status"), "the first contact", SETTLING)
            self.tree.query("true")

    def run(self):
        self.deploy()
        self.phase("queries", self.queries, self.count(QUERIES), self.count(QUERIES) // 10 + QUERIES_FILL_THE_HEAP)
        self.phase("task changes", self.task_changes, self.count(TASK_CHANGES), self.count(TASK_CHANGES) // 10 + 100)
        self.phase("imports", self.imports, self.count(IMPORTS), self.count(IMPORTS) // 10 + IMPORTS_FILL_THE_HEAP)
        self.phase("remounts", self.remounts, self.count(REMOUNTS), 1, self.settled_mounts)
        self.end()

    # -- the end -----------------------------------------------------------------------------------------------------------

    def end(self):
        self.tree.operate("destroy", "purge")
        self.unmount()
        left = [path for path in usage.files(self.base / "tmp", *(self.base / "tree").rglob("spool")) if not path.endswith("/format")]
        if left:
            self.problems.append(f"files were left after the unmount: {left}")
        self.cloud.stop()

    def unmount(self):
        """Also after a failure: the removal of the directory must not reach into the mount."""
        if os.path.ismount(self.tree.path):
            self.tree.unmount()


def main(arguments):
    if arguments not in ([], ["--short"]):
        sys.exit("usage: contrib/soak [--short]")
    scale = SHORT if arguments else 1
    with tempfile.TemporaryDirectory(prefix="vastfs-soak-") as base:
        soak = Soak(Path(base), scale)
        try:
            soak.run()
        finally:
            soak.unmount()
    for problem in soak.problems:
        print(f"soak: {problem}")
    return bool(soak.problems)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
