# SPDX-License-Identifier: BSD-3-Clause
import os
import pathlib
import shutil
import signal
import subprocess
import tempfile
import threading
import time

import pytest

from runtime_api import PATIENCE, RuntimeApi

ROOT = pathlib.Path(__file__).resolve().parents[2]
BINARIES = os.environ.get("VAST_LAMBDA_RUNTIME", "").split() or [
    str(ROOT / "build/src/runtime/vast-lambda-runtime"),
    str(ROOT / "build/src/runtime/vast-lambda-runtime-asan"),
]


def until(condition, what):
    """Waits for a condition that nobody signals."""
    end = time.monotonic() + PATIENCE
    pause = threading.Event()
    while True:
        value = condition()
        if value:
            return value
        assert time.monotonic() < end, f"waited in vain until {what}"
        pause.wait(0.005)


def within(limit, act, right=lambda result: True):
    """What act gives, once it is right and takes less than limit (seconds): a busy machine is late now and then, a slow
    program always."""
    end = time.monotonic() + PATIENCE
    while True:
        begin = time.monotonic()
        result = act()
        took = time.monotonic() - begin
        if took < limit and right(result):
            return result
        assert time.monotonic() < end, f"never right in less than {limit} s; at last, in {took:.2f} s: {result}"


#: A command that ends at once and leaves four children that print every 10 ms, without a process for each line. On a very
#: busy machine even they are silent for too long now and then.
ENDLESS = """exec python3 -c '
import os, time
if all(os.fork() for _ in range(4)):
    os._exit(0)
while True:
    os.write(1, b"x\\n")
    time.sleep(0.01)
'"""


FILES_OF_OTHERS = b"vast-lambda-runtime: new files in /tmp are left there: other processes of this user may have made them\n"


def children_of(pid):
    return pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()


class Runtime:
    """The program, with its stderr in a file: of what a pipe does not take for half a second the program drops the rest."""

    def __init__(self, command, environment):
        standard_input, give = os.pipe()
        os.write(give, b"not for the command")
        os.close(give)
        self.file = tempfile.TemporaryFile()
        self.forgotten = 0
        # Anything on stdout is a fault: Lambda would take it for a log line.
        self.process = subprocess.Popen(command, env=environment, stdin=standard_input, stdout=subprocess.PIPE, stderr=self.file)
        os.close(standard_input)

    def _read(self):
        size = os.fstat(self.file.fileno()).st_size
        return os.pread(self.file.fileno(), size - self.forgotten, self.forgotten)

    @property
    def log(self):
        """Without the line about files in /tmp, which other programs of this machine put there."""
        return self._read().replace(FILES_OF_OTHERS, b"")

    def forget_log(self):
        self.forgotten += len(self._read())

    def until_logged(self, text):
        until(lambda: text in self._read(), f"the log has {text!r}")

    def children(self):
        return children_of(self.process.pid)

    def program(self):
        """The process ID of the program, also inside bubblewrap, which would kill it without a signal before."""
        pid = self.process.pid
        while pathlib.Path(f"/proc/{pid}/comm").read_text() == "bwrap\n" and children_of(pid):
            pid = int(children_of(pid)[0])
        return pid

    def exit_code(self):
        return self.process.wait(PATIENCE)

    def close(self):
        """By SIGTERM, after which a build for contrib/coverage writes its counters."""
        if self.process.poll() is None:
            os.kill(self.program(), signal.SIGTERM)
        try:
            self.process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.exit_code()
        assert self.process.stdout.read() == b""
        for bad in (b"Sanitizer", b"runtime error:"):
            assert bad not in self.log, self.log.decode(errors="replace")
        self.process.stdout.close()
        self.file.close()


@pytest.fixture
def api():
    api = RuntimeApi()
    yield api
    api.close()


@pytest.fixture(params=BINARIES, ids=lambda path: os.path.basename(path))
def binary(request):
    assert os.path.exists(request.param), "build it first"
    return request.param


@pytest.fixture
def environment(api):
    """What Lambda gives to a runtime, as far as it matters here."""
    return {
        "PATH": os.environ["PATH"],
        "LANG": "C.UTF-8",
        "AWS_LAMBDA_RUNTIME_API": api.address,
        "AWS_ACCESS_KEY_ID": "AKIDEXAMPLE",
        "_HANDLER": "handler",
        "LAMBDA_TASK_ROOT": "/var/task",
        "VAST_ENDPOINT": "stale:1",
        "TENZIR_ENDPOINT": "stale:1",
        "_X_AMZN_TRACE_ID": "stale",
        "ASAN_OPTIONS": "abort_on_error=0:exitcode=99",
    }


@pytest.fixture
def start():
    started = []

    def start(command, environment):
        started.append(Runtime(command, environment))
        return started[-1]

    yield start
    for runtime in started:
        runtime.close()


@pytest.fixture
def runtime(binary, environment, start):
    return start([binary], environment)


def writable_counters(mounts):
    """A build for contrib/coverage writes its counters beside its objects, also from a container that has this directory."""
    found = {str(objects.parent.parent) for binary in BINARIES for objects in pathlib.Path(binary).parent.glob("*.p/*.gcno")}
    return [option for path in found if ("/", "/") in zip(mounts, mounts[1:]) for option in ("--bind", path, path)]


@pytest.fixture
def cell():
    """A function that puts options for bubblewrap in front of a command: own processes and no privileges, as in Lambda."""
    bwrap = shutil.which("bwrap")
    options = [bwrap, "--die-with-parent", "--unshare-pid", "--cap-drop", "ALL"]
    if not bwrap or subprocess.run([*options, "--ro-bind", "/", "/", "true"], capture_output=True).returncode != 0:
        pytest.skip("bubblewrap does not work here")
    return lambda *more: [*options, *more, *writable_counters(more), "--proc", "/proc", "--dev", "/dev"]
