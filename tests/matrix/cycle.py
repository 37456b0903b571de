# SPDX-License-Identifier: BSD-3-Clause
"""One life of a stage with one fault in each operation; the outcome is compared with that of a life without faults."""

import errno
import importlib.util
import os
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

from account import Account  # noqa: E402
from proxy import Fault, Proxy  # noqa: E402


def _stack_tests():
    """The conftest of tests/stack, which mounts vastfs and starts sandboxes; it imports modules beside it."""
    sys.path.append(str(HERE.parent / "stack"))
    spec = importlib.util.spec_from_file_location("stack_conftest", HERE.parent / "stack/conftest.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


stack_tests = _stack_tests()
Cloud, Tree = stack_tests.Cloud, stack_tests.Tree
DEADLINE = 180

#: name, verb of control/ or path, argument, settings that change before it
OPERATIONS = (
    ("plan", "stack/replan", "", {}),
    ("deploy", "deploy", "", {}),
    ("run-task", "run-task", "", {}),
    ("restart-task", "restart-task", "", {}),
    ("drift-check", "stack/drift-check", "", {}),
    ("replan", "stack/replan", "", {"lambda_memory": "1536"}),
    ("update", "deploy", "", {"lambda_memory": "1536"}),
    ("stop-all-tasks", "stop-all-tasks", "", {}),
    ("destroy", "destroy", "", {}),
    ("purge", "destroy", "purge", {}),
)
#: operations that change nothing, so a life without a case for them leaves them out
READING = ("plan", "drift-check", "replan")
NAMES = tuple(o[0] for o in OPERATIONS)


@dataclass
class Case:
    """One fault in one operation."""

    operation: str
    fault: Fault

    def __str__(self):
        f = self.fault
        return f"{self.operation} {f.action}#{f.nth} {f.kind}"


@dataclass
class Outcome:
    """The outcome of a case; trouble is empty if it succeeded."""

    case: Case
    trouble: list = field(default_factory=list)
    reached: bool = True
    seconds: float = 0.0
    calls: list = field(default_factory=list)
    state: dict = field(default_factory=dict)


class Life:
    """A mount behind a proxy of its own, and the account that both use."""

    def __init__(self, cloud, base, number: int):
        base.mkdir(parents=True)
        self.cloud = cloud
        self.proxy = Proxy(cloud.endpoint)
        self.tree = Tree(cloud, base, AWS_ENDPOINT_URL=self.proxy.url)
        self.tree.number = number
        self.tree.stage = f"m{number}"
        self.tree.name = f"vast-m{number}"
        self.account = Account(cloud, self.tree.name)
        self.mount()
        self.tree.configure()

    def mount(self):
        """Mount; also used again after a kill."""
        self.tree.mount()
        self.proxy.victim = self.tree.process.pid

    def settings(self, more):
        """Change settings for the next operations."""
        if more:
            self.tree.configure(**more)

    def end(self):
        """End all processes."""
        self.proxy.arm(None)
        self.tree.unmount()
        self.proxy.close()

    # -- operations ---------------------------------------------------------------------------------------------

    def killed(self) -> bool:
        """Whether the fault has ended vastfs."""
        return self.tree.process.poll() is not None

    def start(self, verb, argument):
        """Start an operation, as touch or echo would: True, or the error with which it was refused.

        One write(2): Python's files write again in close(), which would start what was refused.
        """
        try:
            fd = os.open(self.tree.path / (verb if "/" in verb else f"control/{verb}"), os.O_WRONLY | os.O_TRUNC)
        except OSError as error:
            return error
        try:
            os.write(fd, (argument or "1").encode())
            return True
        except OSError as error:
            return error
        finally:
            try:
                os.close(fd)
            except OSError:
                pass

    def latest(self, what) -> str:
        """A file of the last operation; "" if there is none."""
        for _ in range(2):
            try:
                return self.tree.value(f"operations/latest/{what}")
            except OSError as error:
                if error.errno != errno.ENOMEM:
                    break
        return ""

    def number(self) -> str:
        """The number of the last operation."""
        try:
            return os.readlink(self.tree.path / "operations/latest")
        except OSError:
            return ""

    def wait(self) -> str:
        """The state in which the last operation ended, "killed", or "parked" after the deadline."""
        end = time.monotonic() + DEADLINE
        while time.monotonic() < end:
            if self.killed():
                return "killed"
            state = self.latest("state")
            if state in ("succeeded", "failed", "cancelled", ""):
                return "killed" if not state and self._dies() else state
            time.sleep(0.02)
        return "parked"

    def remount(self):
        """Mount again after a kill, as a user would."""
        self.tree.process.wait(30)
        subprocess.run(["fusermount3", "-u", "-z", self.tree.path], check=True)
        self.mount()
        stack_tests.until(self._in_contact, "the first contact", 60)

    def _in_contact(self) -> bool:
        try:
            return "unknown" not in self.tree.read("status")
        except OSError:
            return False

    def run(self, verb, argument):
        """Run an operation until it has ended: (state, notes)."""
        before = self.number()
        refused = self.start(verb, argument)
        if refused is not True and not self._dies():
            return "refused", [f"refused: {refused}", self._error()]
        state = self.wait()
        if state != "killed":
            return state, [] if state == "succeeded" else [f"{state}: {self._error()}"]
        self.remount()
        state = "nothing" if self.number() == before else self.wait()
        return state, [f"killed, then {state}"]

    def _dies(self) -> bool:
        """Whether vastfs ends: the kill may come a moment after the errno."""
        end = time.monotonic() + 1
        while time.monotonic() < end and not self.killed():
            time.sleep(0.02)
        return self.killed()

    def _error(self) -> str:
        try:
            return self.latest("error") or "".join(self.tree.read("error").splitlines()[-1:])
        except OSError as error:
            return str(error)


def operate(life: Life, operation, fault, expected) -> Outcome:
    """One operation with one fault (None: none)."""
    name, verb, argument, more = operation
    began = time.monotonic()
    life.settings(more)
    life.proxy.arm(fault)
    state, notes = life.run(verb, argument)
    killed = bool(fault) and fault.kind.startswith("kill")
    outcome = Outcome(Case(name, fault), reached=not fault or life.proxy.fired.is_set(), calls=list(life.proxy.calls))
    life.proxy.arm(None)
    if state != "succeeded" and killed:
        state, again = life.run(verb, argument)
        notes += ["once more: " + state, *again]
        # what had come to its end already is refused
        if state == "refused" and name == "run-task":
            state = "succeeded"
    if state != "succeeded":
        outcome.trouble += [f"ended as {state}", *notes]
    outcome.state = life.account.state()
    if expected is not None:
        outcome.trouble += differences(expected, outcome.state, notes)
    outcome.seconds = time.monotonic() - began
    return outcome


def differences(expected: dict, found: dict, notes) -> list:
    """The differences, as text."""
    wrong = [f"{k}: {found[k]!r} where {v!r} is expected" for k, v in expected.items() if found[k] != v]
    return wrong and [*wrong, *notes]
