# SPDX-License-Identifier: BSD-3-Clause
"""What a running vastfs uses: memory, threads, descriptors and files."""

import os
from dataclasses import dataclass
from pathlib import Path

#: These files are stored in memory until they have 4 MiB; from then on new lines replace the oldest.
LOGS = ("api.log", "events.log")
#: The memory of the process may have grown by this part after the warm-up.
GROWTH = 0.01


@dataclass
class Usage:
    """At one moment. The sizes are in KiB."""

    rss: int
    logs: int
    threads: int
    descriptors: int

    @property
    def without_logs(self):
        return self.rss - self.logs

    def __str__(self):
        return (f"RSS {self.rss / 1024:6.2f} MiB, without logs {self.without_logs / 1024:6.2f} MiB, "
                f"{self.threads} threads, {self.descriptors} descriptors")


def of(tree) -> Usage:
    process = Path(f"/proc/{tree.process.pid}")
    status = dict(line.split(":", 1) for line in (process / "status").read_text().splitlines())
    return Usage(rss=int(status["VmRSS"].split()[0]), logs=sum(size_of(tree.path / name) for name in LOGS) // 1024,
                 threads=int(status["Threads"]), descriptors=len(os.listdir(process / "fd")))


def size_of(log) -> int:
    """The bytes of a log that are still stored."""
    with open(log, "rb") as f:
        return sum(len(piece) for piece in iter(lambda: f.read(1 << 20), b""))


def descriptors(tree) -> list:
    """What each descriptor refers to, for messages."""
    folder = Path(f"/proc/{tree.process.pid}/fd")
    return sorted(os.readlink(folder / number) for number in os.listdir(folder))


def files(*folders) -> list:
    """All files and directories below the folders."""
    return sorted(str(path) for folder in folders for path in Path(folder).rglob("*"))
