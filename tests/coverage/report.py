# SPDX-License-Identifier: BSD-3-Clause
"""Prints how much of each folder the tests executed, and whether that is enough: 90 % of all lines and 80 % of all branches.
The file of exceptions must have a reason for each file below that, and for each function that no test executed. A reason that was
not needed is only noted, because some lines are only executed at certain moments.

usage: report.py COUNTERS EXCEPTIONS     COUNTERS: gcovr's JSON
       report.py COUNTERS --file PATH    the functions of one file, and the lines that no test executed
"""

import collections
import fnmatch
import json
import sys
from pathlib import Path

LINES, BRANCHES = 90, 80


class Count:
    """How many lines and branches there are, and how many were executed."""

    def __init__(self, lines=()):
        self.lines = self.executed = self.branches = self.taken = 0
        for line in lines:
            self.add(line)

    def add(self, line):
        self.lines += 1
        self.executed += line["count"] > 0
        self.branches += len(line["branches"])
        self.taken += sum(branch["count"] > 0 for branch in line["branches"])

    def rates(self):
        return share(self.executed, self.lines), share(self.taken, self.branches)

    def is_enough(self):
        lines, branches = self.rates()
        return lines >= LINES and branches >= BRANCHES

    def __str__(self):
        lines, branches = self.rates()
        return f"{self.lines:6} lines {lines:5.1f} %   {self.branches:6} branches {branches:5.1f} %"


def share(part, whole):
    return 100 * part / whole if whole else 100.0


class Exceptions:
    """Rows of PATH or PATH:FUNCTION, which may have wildcards, and a reason."""

    def __init__(self, path):
        rows = [line.split(None, 1) for line in Path(path).read_text().splitlines() if line and line[0] != "#"]
        self.patterns = [row[0] for row in rows]
        self.used = set()
        self.problems = [f"{row[0]} has no reason" for row in rows if len(row) != 2]

    def have(self, name):
        found = {pattern for pattern in self.patterns if fnmatch.fnmatchcase(name, pattern)}
        self.used |= found
        return bool(found)

    def stale(self):
        return [f"{pattern} needs no exception any more" for pattern in self.patterns if pattern not in self.used]


def code_lines(file):
    return [line for line in file["lines"] if not line.get("gcovr/noncode")]


def folder_of(path):
    """src/aws, src/aws/services, fs, fs/picture; src for the files of main."""
    return str(Path(path).parent)


def functions_of(file):
    """(name, first line, executions) in the order of the file. A file that is compiled twice has its functions twice."""
    found = {}
    for function in file["functions"]:
        name = function["name"]
        _, executions = found.get(name, (0, 0))
        found[name] = (function["lineno"], executions + function["execution_count"])
    return sorted((line, name, executions) for name, (line, executions) in found.items())


def problems_of(files, exceptions):
    for file in files:
        path = file["file"]
        count = Count(code_lines(file))
        if not count.is_enough() and not exceptions.have(path):
            yield "%-34s only %.1f %% of the lines and %.1f %% of the branches" % (path, *count.rates())
        for _, name, executions in functions_of(file):
            if not executions and not exceptions.have(f"{path}:{name}"):
                yield f"{path}:{name} is executed by no test"


def print_table(files):
    folders, total = collections.defaultdict(Count), Count()
    for file in files:
        for line in code_lines(file):
            folders[folder_of(file["file"])].add(line)
            total.add(line)
    for folder, count in sorted(folders.items()):
        print(f"{folder:20} {count}")
    print(f"{'all':20} {total}")
    return total


def print_file(file):
    lines = code_lines(file)
    print(Count(lines))
    starts = functions_of(file)
    for (first, name, _), following in zip(starts, [*starts[1:], (sys.maxsize,)]):
        own = [line for line in lines if first <= line["line_number"] < following[0]]
        missed = [line["line_number"] for line in own if not line["count"]]
        branches = sum(not branch["count"] for line in own for branch in line["branches"])
        if missed or branches:
            print(f"{name:40} {branches:3} branches, lines {' '.join(map(str, missed))}")


def main(counters, *more):
    files = json.loads(Path(counters).read_text())["files"]
    if more[0] == "--file":
        print_file(next(file for file in files if file["file"] == more[1]))
        return 0
    exceptions = Exceptions(more[0])
    total = print_table(files)
    problems = [*problems_of(files, exceptions), *exceptions.problems]
    if not total.is_enough():
        problems.append(f"the goal is {LINES} % of the lines and {BRANCHES} % of the branches")
    for problem in problems:
        print(f"coverage: {problem}")
    for note in exceptions.stale():  # no failure: some of these lines are only executed at certain moments
        print(f"note: {note}")
    return bool(problems)


sys.exit(main(*sys.argv[1:]))
