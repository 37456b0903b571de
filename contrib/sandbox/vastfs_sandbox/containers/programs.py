# SPDX-License-Identifier: BSD-3-Clause
"""Checks whether a program can be started inside a root directory, and if not, why.

The check comes before the start, so that the error reaches the caller: later it
would only be a line of output from bubblewrap.
"""

import errno
import os
import platform
import struct
from pathlib import Path

ELF_MACHINES = {"x86_64": 62, "aarch64": 183}
PT_INTERP = 3
MAX_NESTING = 4


class CannotRun(OSError):
    """The error of execve(2); `program` is the requested one."""

    def __init__(self, number: int, program: str):
        super().__init__(number, os.strerror(number))
        self.program = program

    @property
    def reason(self) -> str:
        """The message of Go programs, which AWS runs."""
        if self.errno == errno.ENOENT and "/" not in self.program:
            return "executable file not found in $PATH"
        return self.strerror.lower()


def find(root, program: str, search: str, directory: str) -> str:
    """The program's path inside the root; CannotRun if it cannot be run."""
    if "/" in program:
        candidates = [os.path.join(directory, program)]
    else:
        candidates = [f"{place or '.'}/{program}" for place in search.split(":")]
    worst = errno.ENOENT
    for path in candidates:
        number = problem(root, path)
        if number == 0:
            return path
        if number != errno.ENOENT:
            worst = number
            if "/" not in program and number == errno.EACCES:
                continue
            break
    raise CannotRun(worst, program)


def problem(root, path: str, nesting: int = 0) -> int:
    """0, or the error number that execve(2) would have."""
    real = root.resolve(path.split("/"))
    if real is None or nesting > MAX_NESTING:
        return errno.ENOENT
    if not real.is_file() or not real.stat().st_mode & 0o111:
        return errno.EACCES
    with real.open("rb") as file:
        head = file.read(4096)
    if head.startswith(b"#!"):
        words = head[2:].split(b"\n")[0].split()
        interpreter = os.fsdecode(words[0]) if words else ""
        return problem(root, interpreter, nesting + 1) if words else errno.ENOEXEC
    if head[:5] != b"\x7fELF\x02":
        return errno.ENOEXEC
    if struct.unpack_from("<H", head, 18)[0] != ELF_MACHINES.get(platform.machine()):
        return errno.ENOEXEC
    loader = elf_interpreter(real, head)
    return problem(root, loader, nesting + 1) if loader else 0


def elf_interpreter(path: Path, head: bytes) -> str:
    """The loader that a program names; empty if it names none."""
    (offset,) = struct.unpack_from("<Q", head, 32)
    size, count = struct.unpack_from("<HH", head, 54)
    with path.open("rb") as file:
        file.seek(offset)
        table = file.read(size * count)
        for start in range(0, len(table), size or 1):
            if len(table) - start < 40:
                break
            (kind,) = struct.unpack_from("<I", table, start)
            place, length = struct.unpack_from("<Q16xQ", table, start + 8)
            if kind == PT_INTERP:
                file.seek(place)
                return os.fsdecode(file.read(length).rstrip(b"\0"))
    return ""
