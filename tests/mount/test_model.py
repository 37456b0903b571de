# SPDX-License-Identifier: BSD-3-Clause
"""The same operations on a mount and on the reference model of the tree (reference.py) have the same results.

Hypothesis makes up sequences of system calls on several open files at once. They are the same in every run
(derandomize), and all of them go to one mount, which each sequence finds as it was at the beginning.
"""

import collections
import errno
import os
import select
import time

import hypothesis
import hypothesis.configuration
import pytest
from conftest import SETTINGS as FIRST_TEXT, Mount, Silence, until
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule, run_state_machine_as_test
from reference import SETTINGS, Refused, Tree

SEQUENCES = 210  # not all of them make all their steps
STEPS = 50
LEAST = 10000
HANDLES = 6
CROWD = 62
PHASES = [hypothesis.Phase.generate]

NAMES = st.sampled_from([SETTINGS] * 5 + ["config/a", "config/b", "config/new"] * 2 + [
    "control/deploy", "control/refresh", "operations/latest/state", "README", "stack/plan", "control/deplyo", "nothing",
    "nothing/below", "tasks/default"])
FLAGS = st.builds(lambda mode, more: mode | more | os.O_NONBLOCK, st.sampled_from([os.O_RDONLY, os.O_WRONLY, os.O_RDWR]),
                  st.sampled_from([0, 0, os.O_TRUNC, os.O_APPEND, os.O_CREAT, os.O_CREAT | os.O_TRUNC,
                                   os.O_CREAT | os.O_EXCL, os.O_CREAT | os.O_APPEND]))
LINES = st.sampled_from([b"stage=here\n", b"stage = over-there # why\n", b"# nothing\n", b"\n", b"vast_port=4242\n",
                         b"vast_port=99999\n", b"stagee=x\n", b"stage=NO\n", b"nonsense", b"aws_region=\n",
                         b"stage=cut", FIRST_TEXT.encode(), FIRST_TEXT.encode() + b"stage=two\n"])
TEXTS = st.lists(LINES, min_size=1, max_size=3).map(b"".join)
WORDS = st.sampled_from([b"\n", b"1", b" 1 \n", b"now\n", b"x" * 40])
# Where lines of the texts above begin, somewhere within them, and beyond all limits.
PLACES = st.sampled_from([0] * 6 + [21, 48, len(FIRST_TEXT), len(FIRST_TEXT)] + [3, 11, 50, 300, 65530, (1 << 20) - 4])
NUMBER = st.integers(0, HANDLES - 1)
# Texts that are right and of different lengths, for the habits of editors below.
RIGHT_TEXTS = st.sampled_from([FIRST_TEXT.encode() + more for more in (b"", b"stage=two\n", b"stage=three\nvast_port=4242\n")] + [
    FIRST_TEXT.encode().replace(b"27", b"26"), b"# no VPC yet\naws_region=eu-west-1\n"])
# How often a run exercises what chance alone would rarely meet: an outcome of a call, and on which file.
OFTEN = {("close", "EBUSY"): 20, ("close", "EINVAL"): 5, ("close", "rest kept"): 20, ("close", "rest cut"): 5,
         ("rename", "rest dropped"): 3, ("rename", "draft outdated"): 30, ("rename", "EINVAL"): 50, ("utime", "EBUSY"): 20,
         ("open", "EBUSY"): 20, ("pread", None): 30, ("poll", None): 50}


def outcome(function, *args):
    """What a call returns, or its errno, and the path that `error` is to name if the tree has refused it."""
    try:
        return function(*args), 0, None
    except Refused as refused:
        return None, refused.errno, refused.path
    except OSError as refused:
        return None, refused.errno, None


class Comparison(RuleBasedStateMachine):
    mount = None
    steps = 0
    laws = collections.Counter()

    def __init__(self):
        super().__init__()
        self.handles = []
        self.open_files = []
        self.cleared_at = time.monotonic()
        self.tree = Tree(FIRST_TEXT.encode(), time.monotonic)

    # -- both --------------------------------------------------------------------------------------------------

    def path(self, name):
        return os.fspath(self.mount.path / name)

    def compare(self, real, reference, ignore_value=False):
        type(self).steps += 1
        self.wait_for_a_rest_to_be_forgotten()
        operations, rest, settings = len(self.tree.operations), self.tree.overwritten, self.tree.settings
        expected, expected_errno, refused_path = outcome(*reference)
        self.count(real[0].__name__.removesuffix("_real"), expected_errno, rest, settings)
        value, number, _ = outcome(*real)
        assert errno.errorcode.get(number) == errno.errorcode.get(expected_errno), (real, self.mount.read("error"))
        assert ignore_value or value == expected
        if refused_path:
            self.check_explained(number, refused_path)
        if len(self.tree.operations) > operations:
            self.wait_for_state("running")
        return expected_errno == 0

    def count(self, call, number, rest, settings):
        """Statistics for OFTEN."""
        self.laws[call, errno.errorcode.get(number)] += 1
        if rest != self.tree.overwritten and (rest or self.tree.overwritten):
            self.laws[call, "rest kept" if not rest else "rest cut" if call == "close" and not number else "rest dropped"] += 1
        if settings != self.tree.settings and any(getattr(handle, "dirty", False) for handle, _ in self.handles):
            self.laws[call, "draft outdated"] += 1

    def wait_for_a_rest_to_be_forgotten(self):
        """It takes 10 s; near that time nobody can say what the mount does."""
        since = self.tree.overwritten_at
        if self.tree.overwritten is not None and time.monotonic() - since > 5:
            until(lambda: time.monotonic() - since > 11)

    def check_explained(self, number, path):
        if time.monotonic() - self.cleared_at < 0.2:
            return  # what is refused again within 100 ms has no second line
        lines = self.mount.read("error").splitlines()
        path = path.replace("latest", os.readlink(self.path("operations/latest")))
        assert any(f"pid={os.getpid()} " in line and f"path={path} " in line and f"errno={errno.errorcode[number]}" in line
                   for line in lines), (path, number, lines)

    def wait_for_state(self, wanted):
        until(lambda: self.mount.read("operations/latest/state").strip() == wanted, f"the operation to be {wanted}")

    def is_running(self):
        return os.path.exists(self.path("operations/latest")) and self.mount.read("operations/latest/state") == "running\n"

    def handle(self, number):
        return self.handles[number % len(self.handles)]

    # -- names -------------------------------------------------------------------------------------------------

    @initialize(crowded=st.sampled_from([False] * 7 + [True]))
    def crowd(self, crowded):
        for i in range(CROWD if crowded else 0):
            name = f"config/crowd{i}"
            self.tree.add_file(name)
            os.mknod(self.path(name))

    @precondition(lambda self: len(self.handles) < HANDLES)
    @rule(name=NAMES, flags=FLAGS)
    def open(self, name, flags):
        self.open_both(name, flags)

    def open_both(self, name, flags):
        made = {}

        def open_real():
            made["fd"] = os.open(self.path(name), flags)
            self.open_files.append(made["fd"])

        def open_reference():
            made["handle"] = self.tree.open(name, flags)
        if self.compare((open_real,), (open_reference,)):
            self.handles.append((made["handle"], made["fd"]))
            return made["handle"], made["fd"]
        return None, None

    @rule(name=NAMES)
    def touch(self, name):
        self.compare((os.utime, self.path(name)), (self.tree.touch, name))

    @rule(name=NAMES)
    def set_explicit_time_and_mode(self, name):
        self.compare((os.utime, self.path(name), (1, 1)), (self.tree.require, name))
        self.compare((os.chmod, self.path(name), 0o644), (self.tree.require, name))

    @rule(name=NAMES, size=PLACES)
    def truncate(self, name, size):
        self.compare((os.truncate, self.path(name), size), (self.tree.truncate, name, size))

    @rule(name=NAMES, new_name=NAMES)
    def rename(self, name, new_name):
        self.compare((os.rename, self.path(name), self.path(new_name)), (self.tree.rename, name, new_name))

    @rule(name=NAMES)
    def unlink(self, name):
        self.compare((os.unlink, self.path(name)), (self.tree.unlink, name))

    @rule(name=NAMES)
    def make_symbolic_link(self, name):
        self.compare((os.symlink, "no-task", self.path(name)), (self.tree.symlink, name))

    @rule(name=NAMES)
    def make_directory(self, name):
        self.compare((os.mkdir, self.path(name)), (self.tree.make_other, name))

    # -- open files --------------------------------------------------------------------------------------------

    @precondition(lambda self: self.handles)
    @rule(number=NUMBER, offset=PLACES, size=st.sampled_from([1, 20, 1 << 21]))
    def read(self, number, offset, size):
        handle, fd = self.handle(number)
        if handle.path.startswith("control/") and handle.writable:  # a stream
            self.compare((os.read, fd, 4096), (handle.read, 0, 4096), ignore_value=not handle.known)
        else:
            self.compare((os.pread, fd, size, offset), (handle.read, offset, size), ignore_value=not handle.known)

    @precondition(lambda self: self.handles)
    @rule(number=NUMBER, text=TEXTS, word=WORDS, offset=PLACES)
    def write(self, number, text, word, offset):
        handle, fd = self.handle(number)
        if handle.path.startswith("control/"):
            self.compare((os.write, fd, word), (handle.write, word, 0), ignore_value=True)
        else:
            self.compare((os.pwrite, fd, text, offset), (handle.write, text, offset), ignore_value=True)

    @precondition(lambda self: self.handles)
    @rule(number=NUMBER, size=PLACES)
    def truncate_open_file(self, number, size):
        handle, fd = self.handle(number)
        self.compare((os.ftruncate, fd, size), (handle.truncate, size))

    @precondition(lambda self: self.handles)
    @rule(number=NUMBER)
    def poll(self, number):
        handle, fd = self.handle(number)

        def poll_real():
            poller = select.poll()
            poller.register(fd, select.POLLIN | select.POLLPRI | select.POLLOUT)
            return dict(poller.poll(0)).get(fd, 0)
        self.compare((poll_real,), (handle.poll,))

    @precondition(lambda self: self.handles)
    @rule(number=NUMBER)
    def close(self, number):
        self.close_both(*self.handle(number))

    def close_both(self, handle, fd):
        self.handles.remove((handle, fd))
        self.open_files.remove(fd)
        self.compare((os.close, fd), (handle.close,))

    # -- the habits of editors: chance alone would rarely make these sequences ---------------------------------

    def write_both(self, handle, fd, text, offset=0):
        self.compare((os.pwrite, fd, text, offset), (handle.write, text, offset), ignore_value=True)

    @precondition(lambda self: len(self.handles) < HANDLES)
    @rule(text=RIGHT_TEXTS, flags=st.sampled_from([os.O_TRUNC, os.O_TRUNC, os.O_APPEND]))
    def save(self, text, flags):
        handle, fd = self.open_both(SETTINGS, os.O_WRONLY | flags)
        if handle:
            self.write_both(handle, fd, text)
            self.close_both(handle, fd)

    @precondition(lambda self: len(self.handles) < HANDLES)
    @rule(text=st.one_of(RIGHT_TEXTS, TEXTS), flags=st.sampled_from([0, os.O_APPEND]))
    def begin_a_draft(self, text, flags):
        """It stays open; what another handle or a rename saves makes its close fail."""
        handle, fd = self.open_both(SETTINGS, os.O_RDWR | flags)
        if handle:
            self.write_both(handle, fd, text)

    @rule(text=st.one_of(RIGHT_TEXTS, TEXTS), name=st.sampled_from(["config/a", "config/new"]))
    def save_by_rename(self, text, name):
        if len(self.handles) == HANDLES:
            self.close_both(*self.handles[0])
        handle, fd = self.open_both(name, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        if handle:
            self.write_both(handle, fd, text)
            self.close_both(handle, fd)
            self.compare((os.rename, self.path(name), self.path(SETTINGS)), (self.tree.rename, name, SETTINGS))

    @precondition(lambda self: len(self.handles) < HANDLES)
    @rule(text=RIGHT_TEXTS, ending=st.sampled_from(["cut", "cut", "cut", "leave", "by path", "by rename"]))
    def save_in_place(self, text, ending):
        """As dd and rsync --inplace do: a shorter text over the old one, which the same or another open file cuts."""
        handle, fd = self.open_both(SETTINGS, os.O_RDWR)
        if not handle:
            return
        self.write_both(handle, fd, text)
        self.close_both(handle, fd)
        if ending == "by path":
            self.compare((os.truncate, self.path(SETTINGS), len(text)), (self.tree.truncate, SETTINGS, len(text)))
        if ending == "by rename":
            self.save_by_rename(text, "config/new")
        if ending != "cut":
            return
        handle, fd = self.open_both(SETTINGS, os.O_RDWR)
        if handle:
            self.compare((os.ftruncate, fd, len(text)), (handle.truncate, len(text)))
            self.close_both(handle, fd)

    # -- the whole ---------------------------------------------------------------------------------------------

    @rule()
    def look(self):
        self.compare((lambda: set(os.listdir(self.path("config"))),), (self.tree.listing,))
        assert self.mount.in_force() == self.tree.settings.decode()
        for name in sorted(name for name in self.tree.files if "crowd" not in name) + [SETTINGS] * self.tree.has_settings:
            text = self.tree.settings if name == SETTINGS else bytes(self.tree.files[name])
            assert os.stat(self.path(name)).st_size == len(text), name
            assert (self.mount.path / name).read_bytes() == text, name

    @rule()
    def clear_errors(self):
        (self.mount.path / "error").write_text("\n")
        assert f"pid={os.getpid()} " not in self.mount.read("error")
        self.cleared_at = time.monotonic()

    @precondition(lambda self: len(self.handles) < HANDLES)
    @rule(flags=st.sampled_from([os.O_WRONLY, os.O_RDWR, os.O_WRONLY | os.O_TRUNC]))
    def act_twice(self, flags):
        for _ in range(2):
            self.compare((os.utime, self.path("control/deploy")), (self.tree.touch, "control/deploy"))
        self.open_both("control/deploy", flags)

    @precondition(lambda self: self.tree.running())
    @rule()
    def cancel(self):
        """It ends cancelled, or failed if the refusal of the cloud comes first."""
        os.utime(self.path("control/cancel"))
        self.mount.cloud.refuse.set()
        until(lambda: not self.is_running(), "the end of the operation")
        self.mount.cloud.refuse.clear()
        self.tree.end(self.mount.read("operations/latest/state").strip())

    def teardown(self):
        """Closes what is open, and leaves the mount to the next sequence as this one has found it."""
        for fd in self.open_files:
            outcome(os.close, fd)
        if self.is_running():
            self.cancel()
        for name in os.listdir(self.path("config")):
            if name != "default.env":
                os.unlink(self.path(f"config/{name}"))
        self.mount.configure()


@pytest.fixture
def silent_mount(tmp_path):
    hypothesis.configuration.set_hypothesis_home_dir(tmp_path / "hypothesis")
    with Silence() as cloud:
        made = Mount(tmp_path, cloud)
        yield made.start()
        made.stop()
        cloud.shutdown()


def test_the_mount_does_what_the_model_does(silent_mount):
    silent_mount.deploy()
    Comparison.mount = silent_mount
    Comparison.steps = 0
    Comparison.laws.clear()
    Comparison().cancel()  # every sequence begins with one operation, which has ended
    run_state_machine_as_test(Comparison, settings=hypothesis.settings(
        max_examples=SEQUENCES, stateful_step_count=STEPS, derandomize=True, database=None, deadline=None,
        suppress_health_check=list(hypothesis.HealthCheck), phases=PHASES))
    assert Comparison.steps >= LEAST
    rare = {law: Comparison.laws[law] for law, least in OFTEN.items() if Comparison.laws[law] < least}
    assert not rare, (Comparison.steps, rare)
