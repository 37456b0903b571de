# SPDX-License-Identifier: BSD-3-Clause
"""Commands and shells in a container: throughput, keystrokes, many at once; ratios of one run, against the sandbox.

usage: contrib/bench [PLUGIN]     PLUGIN: AWS's session-manager-plugin, to stand beside
"""

import json
import os
import pty
import statistics
import subprocess
import sys
import tempfile
import termios
import threading
import time
from pathlib import Path

TESTS = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(TESTS / "stack"), str(TESTS / "sandbox")]
from conftest import SERVER, VASTFS, Cloud, Tree, until  # noqa: E402
from exec_client import DATA, Channel  # noqa: E402

BYTES = 100_000_000
KEYS = 300
SESSIONS = 50


def rss(tree):
    lines = dict(line.split(":", 1) for line in Path(f"/proc/{tree.process.pid}/status").read_text().splitlines())
    return int(lines["VmRSS"].split()[0]) / 1024, int(lines["Threads"])


def execute(tree, cloud, command):
    return cloud.boto("ecs").execute_command(cluster=tree.value("stack/outputs/ClusterName"), command=command,
                                             task=os.readlink(tree.path / "tasks/default"), interactive=True)["session"]


def ours(tree):
    begin = time.perf_counter()
    with open(tree.path / "tasks/default/exec/query", "r+b", buffering=0) as f:
        f.write(b"cat /tmp/big\n")
        got = 0
        while piece := f.read(1 << 20):
            got += len(piece)
    assert got == BYTES, (got, tree.read("tasks/default/exec/error"), tree.read("tasks/default/exec/stderr"))
    return BYTES / (time.perf_counter() - begin) / 1e6


def of_the_plugin(tree, cloud, plugin):
    """The same bytes in base64 on its standard output; nobody puts them together again."""
    session = execute(tree, cloud, "/bin/sh -c 'stty raw; base64 -w0 /tmp/big'")
    words = {"SessionId": session["sessionId"], "StreamUrl": session["streamUrl"], "TokenValue": session["tokenValue"]}
    begin = time.perf_counter()
    command = [plugin, json.dumps(words), "eu-west-1", "StartSession", "", '{"Target":"x"}', cloud.endpoint]
    out = subprocess.run(["script", "-qec", " ".join(f"'{word}'" for word in command), "/dev/null"], env=tree.env,
                         stdin=subprocess.DEVNULL, capture_output=True, check=False)
    assert len(out.stdout) > BYTES * 4 / 3, out.stdout[-300:]
    return BYTES / (time.perf_counter() - begin) / 1e6


def keystrokes(write, read):
    times = []
    for _ in range(KEYS):
        begin = time.perf_counter()
        write()
        read()
        times.append(time.perf_counter() - begin)
    return statistics.median(times) * 1000


def in_the_shell(tree):
    master, slave = pty.openpty()
    process = subprocess.Popen([VASTFS, "shell", tree.path], env=tree.env, stdin=slave, stdout=slave, stderr=slave)
    seen = b""
    while b"# " not in seen:
        seen += os.read(master, 4096)
    os.write(master, b"stty -icanon; echo g''o; cat > /dev/null\r")
    while b"\ngo" not in seen:
        seen += os.read(master, 4096)
    termios.tcdrain(master)
    result = keystrokes(lambda: os.write(master, b"x"), lambda: os.read(master, 4096))
    os.write(master, b"\x03exit\r")
    until(lambda: os.read(master, 4096) and process.poll() is not None)
    return result


def in_the_channel(tree, cloud):
    channel = Channel(execute(tree, cloud, "/bin/sh -c 'stty -icanon; echo go; cat > /dev/null'"))
    channel.until(b"go\r\n")

    def read():
        before = len(channel.output)
        while len(channel.output) == before:
            channel.step()

    result = keystrokes(lambda: channel.send(DATA, b"x"), read)
    channel.socket.close()
    cloud.boto("ssm").terminate_session(SessionId=channel.id)
    return result


def many(tree):
    before = rss(tree)[0]
    answers = []

    def one():
        with open(tree.path / "tasks/default/exec/query", "r+b", buffering=0) as f:
            f.write(b"sleep 3; echo done\n")
            answers.append(f.read(100))

    begin = time.perf_counter()
    threads = [threading.Thread(target=one) for _ in range(SESSIONS)]
    for thread in threads:
        thread.start()
    states = tree.path / "tasks/default/exec/history"
    until(lambda: sum((states / n / "state").read_text() == "running\n" for n in os.listdir(states)) == SESSIONS, "all")
    memory, count = rss(tree)
    for thread in threads:
        thread.join()
    assert answers == [b"done\n"] * SESSIONS
    print(f"{SESSIONS} sessions at once: {time.perf_counter() - begin:.1f} s for `sleep 3` in each, {memory - before:.1f} MiB more, "
          f"{count} threads")


def main(plugin=None):
    with tempfile.TemporaryDirectory() as base:
        for name in ("cloud", "tree"):
            (Path(base) / name).mkdir()
        cloud = Cloud(Path(base) / "cloud")
        tree = Tree(cloud, Path(base) / "tree").mount()
        tree.configure(vast_storage="ephemeral", vast_command=SERVER)
        tree.operate("deploy")
        tree.operate("run-task")
        tree.bash(f"echo 'head -c {BYTES} /dev/urandom > /tmp/big' > tasks/default/exec/query; cat tasks/default/exec/result")
        before = rss(tree)[0]
        speed = statistics.median(ours(tree) for _ in range(3))
        print(f"{BYTES // 1_000_000} MB through tasks/<id>/exec: {speed:.1f} MB/s, {rss(tree)[0] - before:.1f} MiB more")
        if plugin:
            theirs = statistics.median(of_the_plugin(tree, cloud, plugin) for _ in range(3))
            print(f"  beside the Session Manager plugin: {theirs:.1f} MB/s, ratio {speed / theirs:.2f}")
        shell, channel = in_the_shell(tree), in_the_channel(tree, cloud)
        print(f"keystroke to echo: {shell:.2f} ms in vastfs shell, {channel:.2f} ms on the bare channel")
        many(tree)
        tree.unmount()
        cloud.stop()


main(*sys.argv[1:])
