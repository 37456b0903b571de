# SPDX-License-Identifier: BSD-3-Clause
"""A first look at speed and memory: ratios of one run, against the sandbox on this machine.

usage: contrib/bench
"""

import http.client
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "stack"))
from conftest import Cloud, Tree, until  # noqa: E402

TASKS = 1000
ROUNDS = 2000
QUERIES = 200
INVOCATION = b'{"v":1,"cmd":"dHJ1ZQo="}'


def median_us(action, rounds=ROUNDS):
    times = []
    for _ in range(rounds):
        start = time.perf_counter_ns()
        action()
        times.append(time.perf_counter_ns() - start)
    return statistics.median(times) / 1000


def read_whole(path):
    fd = os.open(path, os.O_RDONLY)
    os.read(fd, 4096)
    os.close(fd)


def compare(what, ours, theirs, rounds=ROUNDS):
    """The two in turn, so that a machine whose speed drifts does not favour one."""
    pairs = [(median_us(ours, rounds // 10), median_us(theirs, rounds // 10)) for _ in range(10)]
    a, b = (statistics.median(x) for x in zip(*pairs))
    print(f"{what:58} {a:9.1f} us {b:9.1f} us {a / b:7.2f}")


def status(pid):
    lines = dict(line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines())
    return int(lines["VmRSS"].split()[0]) / 1024, int(lines["Threads"])


def start_tasks(tree, cloud):
    """Their servers end at once, but AWS goes on listing them: a thousand running ones would disturb the measurements."""
    ecs = cloud.boto("ecs")
    network = {"awsvpcConfiguration": {"subnets": [tree.value("stack/outputs/PrivateSubnetId")],
                                       "securityGroups": [tree.value("stack/outputs/ServerSecurityGroupId")]}}
    for _ in range(TASKS // 10):
        ecs.run_task(cluster=tree.value("stack/outputs/ClusterName"), launchType="FARGATE", count=10,
                     taskDefinition=tree.value("stack/outputs/TaskDefinitionArn"), networkConfiguration=network)
    tree.bash("touch control/refresh")
    until(lambda: len(os.listdir(tree.path / "tasks")) >= TASKS, "the tasks", 120)


def signed_invoke(tree, cloud):
    """The request that vastfs sends for "true"."""
    url = f"{cloud.endpoint}/2015-03-31/functions/{tree.value('stack/outputs/FunctionName')}/invocations"
    request = AWSRequest("POST", url, data=INVOCATION, headers={"Content-Type": "application/json"})
    key = Credentials(cloud.facts["access_key"], cloud.facts["secret_key"])
    SigV4Auth(key, "lambda", cloud.facts["region"]).add_auth(request)
    return request


def curl_of(request):
    headers = [word for name, value in request.headers.items() for word in ("-H", f"{name}: {value}")]
    return ["curl", "-sS", "-o", "/dev/null", "-d", INVOCATION, *headers, request.url]


def invoke_on_open_connection(request):
    """What the sandbox takes for its answer. vastfs, too, has its connection open, but curl has not."""
    address = urlsplit(request.url)
    connection = http.client.HTTPConnection(address.hostname, address.port)

    def invoke():
        connection.request("POST", address.path, INVOCATION, dict(request.headers))
        connection.getresponse().read()
    return invoke


@contextmanager
def minimal_fs(base):
    """The same path in a file system that does the least (minimal-fs.c)."""
    mountpoint = Path(base) / "minimal"
    mountpoint.mkdir()
    program = Path(os.environ["VASTFS_BUILD"]).resolve() / "tests/bench/minimal-fs"
    with subprocess.Popen([program, mountpoint]) as process:
        until(lambda: os.path.ismount(mountpoint) or process.poll() is not None, "the minimal file system")
        yield mountpoint / "tasks/task/status"
        subprocess.run(["fusermount3", "-u", mountpoint], check=True)


def look_at_the_tree(tree, shm, minimal):
    task = next(n for n in os.listdir(tree.path / "tasks") if n != "default")
    ours, theirs = tree.path / "tasks" / task / "status", shm / "file"
    theirs.write_text("RUNNING\n")
    (shm / "tasks").mkdir()
    for n in range(TASKS):
        (shm / "tasks" / str(n)).mkdir()
    print(f"{f'with {TASKS} tasks, against tmpfs':58} {'vastfs':>12} {'other':>12}   ratio")
    compare("stat of a task's attribute", lambda: os.stat(ours), lambda: os.stat(theirs))
    compare("open, read, close of it", lambda: read_whole(ours), lambda: read_whole(theirs))
    compare("the same, against a minimal file system in FUSE", lambda: read_whole(ours), lambda: read_whole(minimal))
    compare("listing tasks/", lambda: os.listdir(tree.path / "tasks"), lambda: os.listdir(shm / "tasks"), 500)


def look_at_queries(tree, cloud, shm):
    env = {**tree.env, "m": str(tree.path), "shm": str(shm)}
    shell = ["bash", "-c", "echo true > $m/lambda/query; cat $m/lambda/result"]
    nothing = ["bash", "-c", "echo true > $shm/query; cat $shm/query > /dev/null"]
    request = signed_invoke(tree, cloud)
    curl = curl_of(request)
    compare("echo true > lambda/query; cat lambda/result, against curl",
            lambda: subprocess.run(shell, env=env, check=True), lambda: subprocess.run(curl, check=True), 200)
    compare("of that: bash and cat with tmpfs, against the sandbox alone",
            lambda: subprocess.run(nothing, env=env, check=True), invoke_on_open_connection(request), 200)


def look_at_memory(tree):
    print("RSS %.1f MiB, %d threads, idle with %d tasks" % (*status(tree.process.pid), TASKS))
    askers = [threading.Thread(target=tree.query, args=("sleep 8",)) for _ in range(QUERIES)]
    for asker in askers:
        asker.start()
    until(lambda: f"lambda running {QUERIES}" in tree.read("status"), "the queries", 60)
    print("RSS %.1f MiB, %d threads, with %d queries in flight" % (*status(tree.process.pid), QUERIES))
    for asker in askers:
        asker.join()


def main():
    with tempfile.TemporaryDirectory() as base, tempfile.TemporaryDirectory(dir="/dev/shm") as shm:
        for name in ("cloud", "tree"):
            (Path(base) / name).mkdir()
        cloud = Cloud(Path(base) / "cloud")
        tree = Tree(cloud, Path(base) / "tree").mount()
        print("RSS %.1f MiB, %d threads, idle without settings" % status(tree.process.pid))
        tree.configure(subnet_cidr="172.31.64.0/18", vast_storage="ephemeral", vast_command="true")
        tree.operate("deploy")
        look_at_queries(tree, cloud, Path(shm))
        start_tasks(tree, cloud)
        with minimal_fs(base) as minimal:
            look_at_the_tree(tree, Path(shm), minimal)
        look_at_memory(tree)
        tree.unmount()
        cloud.stop()


main()
