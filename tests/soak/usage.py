# SPDX-License-Identifier: BSD-3-Clause
"""What a running vastfs uses: memory, threads, descriptors and files."""

import os
from dataclasses import dataclass
from pathlib import Path

#: The last 4 MiB of these files are stored in memory.
LOGS = ("api.log", "events.log")
LOG_STORED = 4 << 20
#: The memory of the process may have grown by this part after the warm-up.
GROWTH = 0.01


@dataclass
class Usage:
    """At one moment. The sizes are in KiB."""

    rss: int
    logs: int
    threads: int
    descriptors: int  # without sockets
    sockets: int  # connections to AWS among them, which libcurl keeps for a while

    @property
    def without_logs(self):
        return self.rss - self.logs

    def has_grown(self, before):
        """Whether more than the logs has grown."""
        return self.without_logs - before.without_logs > before.rss * GROWTH

    def __str__(self):
        return (f"RSS {self.rss / 1024:6.2f} MiB, without logs {self.without_logs / 1024:6.2f} MiB, "
                f"{self.threads} threads, {self.descriptors} descriptors and {self.sockets} sockets")


def of(tree) -> Usage:
    process = Path(f"/proc/{tree.process.pid}")
    status = dict(line.split(":", 1) for line in (process / "status").read_text().splitlines())
    all_of_them = descriptors(tree)
    sockets = sum(name.startswith("socket:") for name in all_of_them)
    return Usage(rss=int(status["VmRSS"].split()[0]), logs=sum(stored(tree.path / name) for name in LOGS) // 1024,
                 threads=int(status["Threads"]), descriptors=len(all_of_them) - sockets, sockets=sockets)


def stored(log) -> int:
    """The bytes of a log that are in memory. Its size counts those that were dropped, too."""
    return min(log.stat().st_size, LOG_STORED)


def descriptors(tree) -> list:
    """What each descriptor refers to."""
    folder = Path(f"/proc/{tree.process.pid}/fd")
    return sorted(name for number in os.listdir(folder) if (name := link_of(folder / number)))


def link_of(descriptor) -> str:
    """Empty for one that was closed meanwhile."""
    try:
        return os.readlink(descriptor)
    except FileNotFoundError:
        return ""


def files(*folders) -> list:
    """All files and directories below the folders."""
    return sorted(str(path) for folder in folders for path in Path(folder).rglob("*"))
