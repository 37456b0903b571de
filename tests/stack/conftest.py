# SPDX-License-Identifier: BSD-3-Clause
"""vastfs mounted against the sandbox: what a user does and sees, driven by bash and coreutils.

One sandbox serves a module at time scale 0; each test mounts vastfs anew with a stage and addresses of its own.
"""

import itertools
import json
import os
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import boto3
import pytest
from collector import Collector
from vastfs_sandbox.seed import image as seed_image

ROOT = Path(__file__).resolve().parents[2]
BUILD = Path(os.environ.get("VASTFS_BUILD", ROOT / "build"))
VASTFS = BUILD / "vastfs"
#: These files judge examples, a script and policies; the C code that they run is that of the other files.
collect_ignore = ["test_readme.py", "test_rights.py", "test_try_on_aws.py", "test_prices.py", "test_networks.py"] if "san" in BUILD.name else []
RUNTIME = BUILD / "src/runtime/vast-lambda-runtime"
#: in a command that is run by sh: accepts connections at the server's port, without a word, in the background
LISTEN = "httpd -f -p $VASTFS_SANDBOX_ADDRESS:42000 &"
#: process 1 gets only signals that it handles
SERVER = f"""sh -c 'trap "exit 43" TERM; {LISTEN} wait'"""
VPC = "vpc-0123456789abcdef0"
# LeakSanitizer and debuggers trace the process, which it does not let them by itself.
DEVELOPER = ["-o", "coredump"] if "san" in str(VASTFS) else []
DEADLINE = 60
SUSPICIOUS = ("ERROR: AddressSanitizer", "runtime error:", "LeakSanitizer", "Assertion", "ThreadSanitizer")

_numbers = itertools.count(1)


def until(condition, what="something", deadline=DEADLINE):
    """Wait for a condition; its value, or the test fails."""
    end = time.monotonic() + deadline
    while True:
        value = condition()
        if value:
            return value
        assert time.monotonic() < end, f"waited in vain for {what}"
        time.sleep(0.02)


def pytest_addoption(parser):
    parser.addoption("--whole", action="store_true", help="all points of test_import_kills.py, not a sample of them")


class Cloud:
    """A running sandbox."""

    def __init__(self, run_dir, time_scale=0, account=None):
        env = {**os.environ, "PYTHONPATH": str(ROOT / "contrib/sandbox"),
               **({"MOTO_ACCOUNT_ID": account} if account else {})}
        seed = f"{seed_image.NAME}={seed_image.make(with_engine=False)}"
        self.process = subprocess.Popen(
            [sys.executable, "-m", "vastfs_sandbox.server", "--time-scale", str(time_scale), "--run-dir", str(run_dir),
             "--seed", seed],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=env)
        self.facts = json.loads(self.process.stdout.readline())
        self.endpoint = self.facts["endpoint"]

    def stop(self):
        self.process.stdin.close()
        self.process.wait(DEADLINE)

    def boto(self, service):
        return boto3.client(service, endpoint_url=self.endpoint, region_name=self.facts["region"],
                            aws_access_key_id=self.facts["access_key"], aws_secret_access_key=self.facts["secret_key"])

    def control(self, method, path, body=None):
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"{self.endpoint}/sandbox/{path}", data=data, method=method)
        with urllib.request.urlopen(request, timeout=60) as reply:
            return json.load(reply)

    def fault(self, match, kind, **more):
        self.control("POST", "faults", {"match": match, "kind": kind, **more})

    def calls(self, action):
        """How often that action was called, as "service:Action"."""
        return sum(f"{c['service']}:{c['action']}" == action for c in self.control("GET", "journal"))


class Tree:
    """vastfs mounted in a directory."""

    def __init__(self, cloud, base, **environment):
        self.cloud = cloud
        self.base = base
        self.path = base / "mnt"
        self.path.mkdir()
        self.number = next(_numbers)
        self.stage = f"t{self.number}"
        self.name = f"vast-{self.stage}"
        self.env = {
            "PATH": os.environ["PATH"], "HOME": str(base), "LANG": "C.UTF-8", "m": str(self.path),
            "XDG_CONFIG_HOME": str(base / "config"), "XDG_STATE_HOME": str(base / "state"),
            "XDG_CACHE_HOME": str(base / "cache"), "AWS_ENDPOINT_URL": cloud.endpoint,
            "AWS_ACCESS_KEY_ID": cloud.facts["access_key"], "AWS_SECRET_ACCESS_KEY": cloud.facts["secret_key"],
            "VASTFS_REGISTRY_MIRROR": cloud.facts["registry_mirror"],
            "ASAN_OPTIONS": f"log_path={base}/asan", "UBSAN_OPTIONS": f"log_path={base}/ubsan:print_stacktrace=1",
            "TSAN_OPTIONS": f"log_path={base}/tsan",
            **environment,
        }
        self.process = None

    def mount(self):
        """In the foreground, so that the test is its parent; returns when the tree answers."""
        self.log = open(self.base / "vastfs.log", "ab")
        self.process = subprocess.Popen([VASTFS, "-f", *DEVELOPER, self.path], env=self.env, stderr=self.log, stdin=subprocess.DEVNULL)
        until(lambda: os.path.ismount(self.path) or self.process.poll() is not None, "the mount")
        assert os.path.ismount(self.path), (self.base / "vastfs.log").read_text()
        return self

    def unmount(self):
        subprocess.run(["fusermount3", "-u", "-z", self.path], check=False, capture_output=True)
        if self.process:
            self.wait_for_end()
        self.check_log()

    def wait_for_end(self):
        """A mount lives on while another mount namespace of the machine has a copy of it: SIGTERM ends it there, too."""
        try:
            self.process.wait(DEADLINE)
        except subprocess.TimeoutExpired:
            self.process.terminate()
            self.process.wait(DEADLINE)

    def kill(self):
        """As a power cut would."""
        self.process.kill()
        self.process.wait(DEADLINE)
        subprocess.run(["fusermount3", "-u", "-z", self.path], check=True)

    def check_log(self):
        logs = [self.base / "vastfs.log", *self.base.glob("?san*"), *self.base.glob("ubsan*")]
        text = "".join(p.read_text(errors="replace") for p in logs if p.exists())
        assert not any(word in text for word in SUSPICIOUS), text

    def bash(self, script, shell="bash", check=True, deadline=2 * DEADLINE):
        """Runs a script in the mount; its output. The test fails if the script does."""
        done = subprocess.run([shell, "-c", script], cwd=self.path, env=self.env, capture_output=True, timeout=deadline)
        if check:
            assert done.returncode == 0, (script, done, self.read("error"))
        return done.stdout.decode(errors="surrogateescape") if check else done

    def read(self, name):
        return (self.path / name).read_text()

    def value(self, name):
        return self.read(name).rstrip("\n")

    def write(self, name, text):
        with open(self.path / name, "w", encoding="utf-8") as f:
            f.write(text)

    def settings(self, **more):
        block = f"172.31.{64 + self.number // 8}.{self.number % 8 * 32}/27"
        values = {"aws_region": "eu-west-1", "vpc_id": VPC, "subnet_cidr": block, "stage": self.stage,
                  "vast_command": SERVER, **more}
        return "".join(f"{k}={v}\n" for k, v in values.items())

    def configure(self, **more):
        self.write("config/default.env", self.settings(**more))
        until(lambda: "unknown" not in self.read("status"), "the first contact")

    def operate(self, verb, argument="", fails=False):
        """Runs an operation and returns its result, or its error if it is to fail."""
        self.write(f"control/{verb}", argument or "1")
        done = self.bash("cat operations/latest/result", check=False)
        failed = done.returncode != 0
        assert failed == fails, (verb, done, self.read("operations/latest/error"),
                                 self.read("operations/latest/operation.log"))
        return self.read("operations/latest/error") if fails else done.stdout.decode()

    def query(self, command):
        """Its own answer, over one open file."""
        with open(self.path / "lambda/query", "r+b", buffering=0) as f:
            f.write(command.encode() + b"\n")
            return b"".join(iter(lambda: f.read(65536), b""))


@pytest.fixture(scope="module")
def cloud(tmp_path_factory):
    running = Cloud(tmp_path_factory.mktemp("cloud"))
    yield running
    running.stop()


@pytest.fixture
def tree(cloud, tmp_path):
    """A mount with settings; what it deployed is destroyed."""
    mounted = Tree(cloud, tmp_path).mount()
    mounted.configure()
    yield mounted
    cloud.control("DELETE", "faults")
    cloud.control("POST", "clock", {"skew": 0})
    if mounted.process.poll() is None:
        state = mounted.bash("cat operations/latest/result >/dev/null 2>&1; echo purge > control/destroy && "
                             "cat operations/latest/result", check=False)
        assert state.returncode == 0, mounted.read("operations/latest/operation.log")[-4000:] + mounted.read("error")
    mounted.unmount()


@pytest.fixture(scope="module")
def server(cloud, tmp_path_factory):
    """A running server for the tests of a module that do not hurt it."""
    mounted = Tree(cloud, tmp_path_factory.mktemp("server")).mount()
    mounted.configure()
    mounted.operate("deploy")
    mounted.operate("run-task")
    yield mounted
    cloud.control("DELETE", "faults")
    mounted.operate("destroy", "purge")
    mounted.unmount()


@pytest.fixture(scope="module")
def engine():
    """The server's end of imports: collects the batches that import_command sends it."""
    with Collector() as collector:
        yield collector


@pytest.fixture(scope="module")
def stack(cloud, engine, tmp_path_factory):
    """One stack with a server for all tests of a file about imports."""
    tree = Tree(cloud, tmp_path_factory.mktemp("import")).mount()
    tree.configure(import_command=engine.command)
    tree.operate("deploy")
    tree.operate("run-task")
    yield tree
    engine.open.set()
    cloud.control("DELETE", "faults")
    tree.operate("destroy", "purge")
    tree.unmount()


@pytest.fixture
def fresh_engine(engine, cloud):
    """Leaves no batch, no fault and no closed server to the next test of the file."""
    yield
    engine.open.set()
    engine.plan = lambda kind, size: None
    engine.judge = lambda kind, data: (0, "")
    cloud.control("DELETE", "faults")
    with engine.lock:
        engine.batches.clear()
        engine.attempts.clear()


@pytest.fixture
def other(tree, cloud, tmp_path_factory):
    """The same settings on another machine."""
    second = Tree(cloud, tmp_path_factory.mktemp("other")).mount()
    second.number, second.stage, second.name = tree.number, tree.stage, tree.name
    second.configure()
    yield second
    second.unmount()


@pytest.fixture
def deployed(tree):
    tree.operate("deploy")
    return tree
