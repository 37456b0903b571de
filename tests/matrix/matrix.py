# SPDX-License-Identifier: BSD-3-Clause
"""Every AWS call of every operation, with every fault.

A life without faults shows which calls each operation makes and which resources the account has afterwards. Then
each life has one fault in each of its operations, and must lead to the same resources. Lives run in parallel, and
each worker has a sandbox of its own. contrib/matrix runs the matrix.
"""

import itertools
import multiprocessing
import re
import shutil
import tempfile
import time
from collections import Counter
from pathlib import Path

import faults
from cycle import NAMES, OPERATIONS, READING, Case, Cloud, Life, Outcome, operate
from proxy import Fault

READS = re.compile(r":(Describe|List|Get|GET|HEAD)")
#: calls at which an operation waits; it is left alone for a minute
WAITING = (("deploy", "cloudformation:DescribeStackEvents", 2), ("run-task", "ecs:DescribeTasks", 1),
           ("restart-task", "ecs:DescribeTasks", 2), ("update", "cloudformation:DescribeStackEvents", 2),
           ("stop-all-tasks", "ecs:DescribeTasks", 1), ("destroy", "cloudformation:DescribeStacks", 3),
           ("deploy", "cloudformation:DescribeChangeSet", 1), ("deploy", "registry:PUT manifests", 1),
           ("deploy", "efs:DescribeFileSystems", 2), ("destroy", "ec2:DescribeNetworkInterfaces", 1),
           ("deploy", "registry:PATCH uploads", 1), ("purge", "efs:DescribeFileSystems", 2),
           ("run-task", "ecs:DescribeServices", 1), ("restart-task", "ecs:DescribeServices", 1),
           ("destroy", "lambda:GetFunctionConfiguration", 1), ("plan", "cloudformation:DescribeChangeSet", 1),
           ("drift-check", "cloudformation:DescribeStackDriftDetectionStatus", 1))
#: the check runs one of so many cases; a prime number, so that all calls and kinds are sampled evenly
SAMPLE_OF = 151
WORKERS = 3


def reference(base) -> list:
    """The outcomes of a life without faults; the first such life only warms up the sandbox."""
    cloud = Cloud(base / "reference")
    try:
        for number in (1, 2):
            life = Life(cloud, base / f"life-{number}", number)
            outcomes = [operate(life, operation, None, None) for operation in OPERATIONS]
            life.end()
        for outcome in outcomes:
            assert not outcome.trouble, (outcome.case.operation, outcome.trouble)
        return outcomes
    finally:
        cloud.stop()


def kinds_for(action: str):
    """The kinds for a call.

    A call that only reads cannot fail before or after an effect, and only some replies name what they are about.
    """
    reading, named = READS.search(action), faults.NAMED.search(action)
    return [k for k in faults.KINDS if not (reading and k in ("kill_after", "lost_after"))
            and (named or k != "stranger")]


def plan(outcomes) -> dict:
    """Cases by operation."""
    cases = {name: [] for name in NAMES}
    for outcome in outcomes:
        name = outcome.case.operation
        for action, count in sorted(Counter(outcome.calls).items()):
            for nth in range(1, count + 1):
                for turn, kind in enumerate(kinds_for(action)):
                    cases[name].append(Case(name, Fault(action, nth, kind, turn=len(cases[name]) + turn)))
    return cases


def sampled(cases: dict) -> dict:
    """Every SAMPLE_OF-th case, counted over all operations."""
    numbers = itertools.count()
    return {name: [c for c in found if next(numbers) % SAMPLE_OF == 0] for name, found in cases.items()}


def chosen(cases: dict, text: str) -> dict:
    """The cases whose name contains a text."""
    return {name: [c for c in found if re.search(text, str(c))] for name, found in cases.items()}


def rare_cases(whole: bool, only: str) -> list:
    """Long outages where an operation waits, and kills in the middle of one; two of them in a sample."""
    cases = [Case(name, Fault(action, nth, kind)) for name, action, nth in WAITING for kind in faults.RARE]
    if only:
        return [c for c in cases if re.search(only, str(c))]
    return cases if whole else [cases[0], cases[3]]


def lives(cases: dict):
    """Rows with one case per operation; None where none is left."""
    return [dict(zip(cases, row)) for row in itertools.zip_longest(*cases.values())]


class Worker:
    """A sandbox, and the lives in it, one after the other."""

    def __init__(self, number: int, base: Path, expected: dict):
        self.base = base / f"worker-{number}"
        self.expected = expected
        self.numbers = itertools.count(1)
        self.cloud = Cloud(self.base / "run")

    def live(self, row: dict) -> list:
        """The outcomes of one row; after a failed life the stage is purged."""
        number = next(self.numbers) % 200
        base = self.base / f"life-{next(self.numbers)}"
        life = Life(self.cloud, base, number)
        outcomes = []
        last = max(i for i, o in enumerate(OPERATIONS) if row.get(o[0]))
        try:
            for i, operation in enumerate(OPERATIONS):
                case = row.get(operation[0])
                name = operation[0]
                if not case and (name in READING or name not in ("deploy", "purge") and i > last):
                    continue
                outcome = operate(life, operation, case and case.fault, self.expected[name])
                if case:
                    outcome.case = case
                    outcomes.append(outcome)
                elif outcome.trouble:
                    outcomes.append(outcome)
                if outcome.trouble:
                    break
        finally:
            self.clear(life, outcomes)
            shutil.rmtree(base, ignore_errors=True)
        return outcomes

    def clear(self, life: Life, outcomes) -> None:
        """Remove all resources of the stage, whatever happened before."""
        if outcomes and outcomes[-1].trouble:
            life.proxy.arm(None)
            if life.killed():
                life.remount()
            state, notes = life.run("destroy", "purge")
            left = life.account.stack() if state == "succeeded" else notes
            if left:
                outcomes[-1].trouble.append(f"and it cannot be removed: {left}")
        try:
            life.end()
        except AssertionError as error:
            outcomes.append(Outcome(Case("the mount", None), [str(error)[:2000]]))


def work(number, base, expected, queue, results) -> None:
    """One worker's process."""
    worker = Worker(number, base, expected)
    try:
        while (row := queue.get()) is not None:
            try:
                results.put(worker.live(row))
            except Exception as error:  # an error of the tests themselves is shown like a failed case
                results.put([Outcome(next(c for c in row.values() if c), [f"harness: {error!r}"])])
    finally:
        worker.cloud.stop()
        results.put(None)


def run(rows, expected, base, workers) -> list:
    """The outcomes of all rows; each is shown as soon as it is there."""
    queue, results = multiprocessing.Queue(), multiprocessing.Queue()
    for row in [*rows, *[None] * workers]:
        queue.put(row)
    processes = [multiprocessing.Process(target=work, args=(i, base, expected, queue, results)) for i in range(workers)]
    for process in processes:
        process.start()
    outcomes, ended = [], 0
    while ended < workers:
        found = results.get(timeout=900)
        if found is None:
            ended += 1
            continue
        for outcome in found:
            outcomes.append(outcome)
            show(outcome, len(outcomes))
    for process in processes:
        process.join()
    return outcomes


def show(outcome: Outcome, number: int) -> None:
    """Print one line per case, and below it what failed."""
    word = "WRONG" if outcome.trouble else "held" if outcome.reached else "not reached"
    print(f"{number:5} {outcome.seconds:6.1f} s  {word:12} {outcome.case}", flush=True)
    for line in outcome.trouble:
        print(f"        {line}", flush=True)


def matrix(whole: bool, workers: int = WORKERS, only: str = "") -> list:
    """Run the matrix; its outcomes."""
    base = Path(tempfile.mkdtemp(prefix="vastfs-matrix-"))
    began = time.monotonic()
    try:
        known = reference(base)
        expected = {o.case.operation: o.state for o in known}
        cases = plan(known)
        if only:
            cases = chosen(cases, only)
        elif not whole:
            cases = sampled(cases)
        for case in rare_cases(whole, only):
            cases[case.operation].insert(0, case)
        print("cases:", ", ".join(f"{n} {len(c)}" for n, c in cases.items()), flush=True)
        rows = [r for r in lives(cases) if any(r.values())]
        outcomes = run(rows, expected, base, workers)
    finally:
        shutil.rmtree(base, ignore_errors=True)
    wrong = sum(bool(o.trouble) for o in outcomes)
    reached = sum(o.reached for o in outcomes)
    print(f"{len(outcomes)} cases, {reached} reached, {wrong} wrong, {time.monotonic() - began:.0f} s", flush=True)
    return outcomes
