# SPDX-License-Identifier: BSD-3-Clause
"""How fast import/ takes events in and delivers them, beside gzip, and in how much memory; and how many small imports a
second, beside the disk's own fsync.

The function runs `wc`, so that what is measured is vastfs, and the runtime's inflating.

usage: contrib/bench
"""

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
from conftest import Cloud, Tree, until  # noqa: E402
from streaming import Memory  # noqa: E402

MEGABYTES = int(os.environ.get("VASTFS_BENCH_MEGABYTES", "1000"))
SMALL = int(os.environ.get("VASTFS_BENCH_SMALL", "10000"))
PAIRS = 10


def make_events(path):
    """EVE JSON whose fields differ from line to line."""
    with open(path, "w", encoding="ascii") as f:
        size = n = 0
        while size < MEGABYTES * 1_000_000:
            lines = [json.dumps({
                "timestamp": f"2026-11-23T21:{n // 60000 % 60:02}:{n // 1000 % 60:02}.{n % 1000:03}000+0000",
                "flow_id": n * 2654435761 % 2**52, "in_iface": "eth0", "event_type": "flow",
                "src_ip": f"192.0.{n % 251}.{n % 241}", "src_port": n * 7919 % 65536, "dest_ip": f"198.51.{n % 199}.{n % 233}",
                "dest_port": (80, 443, 53, 22)[n % 4], "proto": ("TCP", "UDP")[n % 2], "app_proto": ("http", "tls", "dns")[n % 3],
                "flow": {"pkts_toserver": n % 97, "pkts_toclient": n % 89, "bytes_toserver": n * 31 % 99991,
                         "bytes_toclient": n * 17 % 77777, "start": "2026-11-23T21:40:00.000000+0000", "age": n % 60,
                         "state": "closed", "reason": "timeout", "alerted": n % 50 == 0}}) for n in range(n, n + 1000)]
            n += 1000
            size += f.write("\n".join(lines) + "\n")
    return n, size


def timed(script, directory):
    start = time.perf_counter()
    subprocess.run(["bash", "-c", script], cwd=directory, check=True)
    return time.perf_counter() - start


def large(tree, base):
    source = base / "eve.json"
    n, size = make_events(source)
    subprocess.run(["cat", source], stdout=subprocess.DEVNULL, check=True)
    gzip = timed(f"taskset -c 0 gzip -1 < {source} | taskset -c 0 wc -c > /dev/null", base)
    memory = Memory(tree.process.pid)
    taken = timed(f"cat {source} > import/suricata", tree.path)
    done = taken + timed("cat import/result > /dev/null", tree.path)
    assert f"delivered {n}\n" in tree.read("import/result"), tree.read("import/result") + tree.read("import/error")
    megabytes = size / 1e6
    print(f"{f'{megabytes:.0f} MB of EVE JSON delivered (goal: ratio 0.8)':58} {megabytes / done:7.1f} MB/s {megabytes / gzip:7.1f} MB/s "
          f"{gzip / done:7.2f}")
    print(f"{'of that until close returns':58} {megabytes / taken:7.1f} MB/s")
    print(f"memory above idle (goal: 32 MiB): {memory.above_idle()[0]:.1f} MiB")
    source.unlink()


def fsync_rate(directory, data, n):
    """Files a second that are made with their names, each durably."""
    folder = os.open(directory, os.O_RDONLY)
    start = time.perf_counter()
    for i in range(n):
        with open(directory / f"probe{i}", "wb") as f:
            f.write(data)
            os.fdatasync(f.fileno())
        os.fsync(folder)
    os.close(folder)
    rate = n / (time.perf_counter() - start)
    for i in range(n):
        (directory / f"probe{i}").unlink()
    return rate


def import_rate(tree, data, n):
    start = time.perf_counter()
    for _ in range(n):
        with open(tree.path / "import/suricata", "wb", buffering=0) as f:
            f.write(data)
            os.fsync(f.fileno())
    return n / (time.perf_counter() - start)


def small(tree, base):
    """Pairs, because the disk's rate changes with what else happens on the machine."""
    data = b'{"event_type":"flow","padding":"' + b"x" * 990 + b'"}\n'
    pairs = [(import_rate(tree, data, SMALL // PAIRS), fsync_rate(base, data, 200)) for _ in range(PAIRS)]
    rate, disk = (statistics.median(column) for column in zip(*pairs))
    ratio = statistics.median(mine / other for mine, other in pairs)
    print(f"{f'{SMALL} imports of 1 KB with fsync (goal: 200, or the disk)':58} {rate:7.1f} /s   {disk:7.1f} /s   {ratio:7.2f}")


def main():
    with tempfile.TemporaryDirectory(dir=os.environ.get("VASTFS_BENCH_DIRECTORY")) as name:
        base = Path(name)
        (base / "cloud").mkdir()
        (base / "tree").mkdir()
        cloud = Cloud(base / "cloud")
        tree = Tree(cloud, base / "tree").mount()
        tree.configure(import_command="wc -c")
        tree.operate("deploy")
        tree.operate("run-task")
        print(f"{'importing (ratio: how many times as fast)':58} {'vastfs':>12} {'other':>12}   ratio")
        large(tree, base)
        small(tree, base)
        tree.bash("for i in $(ls import/history); do [ $(cat import/history/$i/state) = succeeded ] || echo > import/history/$i/cancel; done",
                  check=False, deadline=600)
        tree.operate("destroy", "purge")
        tree.unmount()
        cloud.stop()


os.environ.setdefault("VASTFS_BUILD", "build-bench")
if __name__ == "__main__":
    main()
