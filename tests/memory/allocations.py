# SPDX-License-Identifier: BSD-3-Clause
"""The allocations of a process, shared with the preloaded library; failing.c has the layout.

A place is a call path. Its number is good for one build only; its name consists of functions, innermost first, so that
the same places are sampled before and after a change elsewhere.
"""

import mmap
import re
import struct
import subprocess
from collections import Counter
from hashlib import sha256


class Places:
    """Names for call paths of one program."""

    LIBRARIES_BELOW = 0x1000  # of a return address in a library only the offset in its page is known

    def __init__(self, program):
        self._program = program
        self._functions = {}  # return address -> function

    def names(self, paths) -> list:
        """One name for each list of return addresses: functions of the program and offsets in libraries."""
        self._look_up({a for path in paths for a in path if a >= self.LIBRARIES_BELOW})
        return [" < ".join(self._functions.get(a) or f"{a:03x}" for a in path if a) for path in paths]

    def _look_up(self, addresses) -> None:
        new = sorted(addresses - self._functions.keys())
        if not new:
            return
        calls = "\n".join(hex(a - 1) for a in new)  # the address after a call may belong to the next function
        done = subprocess.run(["addr2line", "-fse", self._program], input=calls, capture_output=True, text=True, check=True)
        self._functions.update(zip(new, done.stdout.splitlines()[0::2]))


class Allocations:
    """What the library has seen, and what it is to do."""

    PLACES, BLOCKS, DEPTH = 8192, 1 << 18, 6
    HEAD = struct.Struct("QQ")
    PLACE = struct.Struct(f"{2 + DEPTH}Q")
    BLOCK = struct.Struct("QII")
    AT_PLACES = HEAD.size
    AT_BLOCKS = AT_PLACES + PLACES * PLACE.size

    def __init__(self, path, program, library):
        with open(path, "wb") as file:
            file.truncate(self.AT_BLOCKS + self.BLOCKS * self.BLOCK.size)
        self.environment = {"LD_PRELOAD": str(library), "VASTFS_ALLOCATIONS": str(path)}
        self._file = open(path, "r+b")
        self._map = mmap.mmap(self._file.fileno(), 0)
        self._names = Places(program)
        self._slots = {}  # slot -> name, of every place that was ever met
        self._armed = ""
        self.failures = []  # names of the places that have failed, in order

    def _read_places(self):
        """(slot, number, how often it was met, return addresses) of each place"""
        for slot, (number, met, *callers) in enumerate(self.PLACE.iter_unpack(self._map[self.AT_PLACES:self.AT_BLOCKS])):
            if number:
                yield slot, number, met, callers

    def forget(self) -> None:
        """Forget everything, for another process."""
        self._map[:] = bytes(len(self._map))
        self._slots.clear()
        self.failures.clear()

    def begin(self) -> None:
        """From now on places are met."""
        for slot, *_ in self._read_places():
            at = self.AT_PLACES + slot * self.PLACE.size + 8
            self._map[at:at + 8] = bytes(8)

    def met(self) -> dict:
        """Number -> name, of the places that were met since begin()."""
        places = list(self._read_places())
        new = [place for place in places if place[0] not in self._slots]
        names = self._names.names([callers for *_, callers in new])
        self._slots.update({slot: name for (slot, *_), name in zip(new, names)})
        return {number: self._slots[slot] for slot, number, met, _ in places if met}

    def fail(self, number: int, name: str = "") -> None:
        """The next allocation there fails; 0: none."""
        fails, failed = self.HEAD.unpack(self._map[:self.HEAD.size])
        if not number and failed > len(self.failures):
            self.failures.append(self._armed)
        self._armed = name
        self._map[:8] = struct.pack("Q", number)

    def left(self) -> Counter:
        """The blocks in use, by the name of their place and the failures before and after which they were allocated."""
        self.met()
        around = ["", *self.failures, ""]
        found = Counter()
        for address, slot, failure in self.BLOCK.iter_unpack(self._map[self.AT_BLOCKS:]):
            if address:
                found[self._slots[slot], *around[failure:failure + 2]] += 1
        return found


def sampled(places: dict, most: int) -> dict:
    """A sample of places, number -> name: the same names as long as they exist, however many there are beside them.

    Of the places with one name one is enough.
    """
    one_each = {name: number for number, name in sorted(places.items())}
    by_hash = sorted(one_each, key=lambda name: sha256(name.encode()).digest())
    return {one_each[name]: name for name in by_hash[:most]}


def last_callers(log: str, program) -> str:
    """The functions of vastfs that the last failed allocation in a log came from, innermost first."""
    offsets = re.findall(r"vastfs\(\+(0x[0-9a-f]+)\)", log[log.rfind("an allocation fails:"):])
    done = subprocess.run(["addr2line", "-fse", program, *offsets], capture_output=True, text=True, check=False)
    return " < ".join(done.stdout.splitlines()[0:16:2])
