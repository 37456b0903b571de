# SPDX-License-Identifier: BSD-3-Clause
"""How fast what a command prints gets from the runtime to `cat`, and in how much memory: ratios of one run.

The same 100 MB come in turn by a query and by curl from the same peer, which stands for Lambda and does little more
than wrap the runtime's chunks into events; then by a query through the sandbox. Last, events come from a peer that
limits a response as AWS does: 6 MB, and 2 MB/s after that.

usage: contrib/bench
"""

import base64
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "stack"))
sys.path.insert(0, str(HERE))
import events  # noqa: E402
from conftest import RUNTIME, Cloud, Tree  # noqa: E402

MEGABYTES = 100
COMMAND = f"dd if=/dev/zero bs=65536 count={MEGABYTES * 1000000 // 65536} 2>/dev/null"
SIZE = MEGABYTES * 1000000 // 65536 * 65536
ROUNDS = 7
AWS_RATE = 2_000_000
EVENTS_SIZE = 100_000_000


def status(pid, field):
    """MiB."""
    lines = dict(line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines())
    return int(lines[field].split()[0]) / 1024


class Memory:
    """The peak of processes above what they have now, in MiB."""

    def __init__(self, *pids):
        self.idle = {}
        for pid in pids:
            Path(f"/proc/{pid}/clear_refs").write_text("5")
            self.idle[pid] = status(pid, "VmRSS")

    def above_idle(self):
        return [status(pid, "VmHWM") - idle for pid, idle in self.idle.items()]


def timed(script, directory):
    """MB/s of what a shell's command prints."""
    start = time.perf_counter()
    done = subprocess.run(["bash", "-c", f"{script} | tee >(wc -c >&2) > /dev/null"], cwd=directory, capture_output=True,
                          check=True)
    assert done.stdout == b"" and int(done.stderr) >= SIZE, done
    return SIZE / 1e6 / (time.perf_counter() - start)


def query(tree):
    return timed(f"echo '{COMMAND}' > lambda/query; cat lambda/result", tree.path)


def curl(port, base):
    event = {"v": 1, "cmd": base64.b64encode(COMMAND.encode()).decode(), "stream": True}
    (base / "event").write_text(json.dumps(event))
    return timed(f"curl -sS --data-binary @event http://127.0.0.1:{port}/2021-11-15/functions/f/response-streaming-invocations",
                 base)


def start_peer(*arguments):
    return subprocess.Popen([sys.executable, HERE / "lambda_peer.py", RUNTIME, *arguments], stdin=subprocess.PIPE,
                            stdout=subprocess.PIPE, text=True)


def stop_peer(peer):
    peer.stdin.close()
    peer.wait()


def second_mount(cloud, tree, base, port):
    """The same stack, with the peer in Lambda's place."""
    second = Tree(cloud, base, AWS_ENDPOINT_URL_LAMBDA=f"http://127.0.0.1:{port}")
    second.number, second.stage, second.name = tree.number, tree.stage, tree.name
    second.mount().configure()
    return second


def beside_curl(cloud, tree, base):
    peer = start_peer()
    port, runtime = peer.stdout.readline().split()
    second = second_mount(cloud, tree, base, port)
    query(second), curl(port, base)
    memory = Memory(second.process.pid, int(runtime))
    ours, theirs = zip(*[(query(second), curl(port, base)) for _ in range(ROUNDS)])
    vastfs, of_runtime = memory.above_idle()
    a, b = statistics.median(ours), statistics.median(theirs)
    print(f"{f'{MEGABYTES} MB from the runtime to cat (goal: 100 MB/s)':58} {a:7.1f} MB/s {b:7.1f} MB/s {a / b:7.2f}")
    print(f"memory above idle (goal: 16 MiB): vastfs {vastfs:.1f} MiB, vast-lambda-runtime {of_runtime:.1f} MiB")
    second.unmount()
    stop_peer(peer)


def read_timed(path, begin, middle):
    """Bytes of a result, seconds to its end since `begin`, and MB/s of what is behind its first `middle` bytes."""
    size, passed = 0, None
    with open(path, "rb", buffering=0) as result:
        while data := result.read(1 << 20):
            size += len(data)
            if passed is None and size >= middle:
                passed = size, time.perf_counter()
    end = time.perf_counter()
    return size, end - begin, (size - passed[0]) / 1e6 / (end - passed[1])


def at_aws_rate(cloud, tree, base):
    size = events.write(base / "eve.json", EVENTS_SIZE)
    peer = start_peer(str(AWS_RATE))
    second = second_mount(cloud, tree, base, peer.stdout.readline().split()[0])
    begin = time.perf_counter()
    second.write("lambda/query", f"cat {base}/eve.json\n")
    got, seconds, rate = read_timed(second.path / "lambda/result", begin, size * 6 // 10)
    assert got == size
    print(f"{'events at the rate of AWS, beside 2 MB/s (goal: 8)':58} {rate:7.1f} MB/s {AWS_RATE / 1e6:7.1f} MB/s "
          f"{rate * 1e6 / AWS_RATE:7.2f}")
    plain = (size - 6e6) / AWS_RATE
    print(f"{size / 1e6:.0f} MB of them, with the first 6 MB: {seconds:.1f} s; without compression it takes {plain:.1f} s")
    second.unmount()
    stop_peer(peer)


def main():
    with tempfile.TemporaryDirectory() as name:
        base = Path(name)
        for part in ("cloud", "first", "second", "third"):
            (base / part).mkdir()
        cloud = Cloud(base / "cloud")
        tree = Tree(cloud, base / "first").mount()
        tree.configure()
        tree.operate("deploy")
        print(f"{'a streamed result, beside curl (ratio: how many times as fast)':58} {'vastfs':>12} {'curl':>12}   ratio")
        beside_curl(cloud, tree, base / "second")
        print(f"the same through the sandbox: {statistics.median(query(tree) for _ in range(3)):.1f} MB/s")
        at_aws_rate(cloud, tree, base / "third")
        tree.operate("destroy", "purge")
        tree.unmount()
        cloud.stop()


os.environ.setdefault("VASTFS_BUILD", "build-bench")
if __name__ == "__main__":
    main()
