# SPDX-License-Identifier: BSD-3-Clause
"""vastfs mounted without a cloud: the laws of the tree that hold with nobody at the other end.

The endpoint takes every request and answers none, so the state stays unknown and what is started stays in flight,
until a test lets it refuse them all.
"""

import os
import shutil
import subprocess
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
VASTFS = os.environ.get("VASTFS", str(Path(os.environ.get("VASTFS_BUILD", ROOT / "build")) / "vastfs"))
# LeakSanitizer and debuggers trace the process, which it does not let them by itself.
DEVELOPER = ["-o", "coredump"] if "san" in str(VASTFS) else []
DEADLINE = 60
SUSPICIOUS = ("AddressSanitizer", "LeakSanitizer", "ThreadSanitizer", "runtime error:", "Assertion")
SETTINGS = "aws_region=eu-west-1\nvpc_id=vpc-0123456789abcdef0\nsubnet_cidr=172.31.64.0/27\n"


def until(condition, what="something", deadline=DEADLINE):
    """Wait for a condition; its value, or the test fails."""
    end = time.monotonic() + deadline
    while not (value := condition()):
        assert time.monotonic() < end, f"waited in vain for {what}"
        time.sleep(0.005)
    return value


def process_state(pid):
    """S, D, Z, ... of a process or thread; "" if it is gone."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return ""


class Silence(ThreadingHTTPServer):
    """Somebody at the other end who does not answer until told to refuse."""
    daemon_threads = True
    request_queue_size = 512
    body = b"<ErrorResponse><Error><Code>AccessDenied</Code><Message>no</Message></Error></ErrorResponse>"

    def __init__(self):
        self.refuse = threading.Event()
        super().__init__(("127.0.0.1", 0), self.handler())
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    def handler(self):
        class Handler(BaseHTTPRequestHandler):
            def do_POST(handler):
                self.refuse.wait(60)
                handler.send_response(403)
                handler.send_header("Content-Length", str(len(self.body)))
                handler.end_headers()
                handler.wfile.write(self.body)
            do_GET = do_PUT = do_DELETE = do_POST

            def log_message(handler, *args):
                pass
        return Handler

    def handle_error(self, request, client_address):
        pass


class Mount:
    def __init__(self, base, cloud):
        self.base = base
        self.cloud = cloud
        endpoint = f"http://127.0.0.1:{cloud.server_port}"
        self.path = base / "mnt"
        self.path.mkdir()
        self.env = {
            "PATH": os.environ["PATH"], "HOME": str(base), "LANG": "C.UTF-8", "m": str(self.path),
            "XDG_CONFIG_HOME": str(base / "config"), "XDG_STATE_HOME": str(base / "state"),
            "XDG_CACHE_HOME": str(base / "cache"), "AWS_ENDPOINT_URL": endpoint, "AWS_ACCESS_KEY_ID": "nobody",
            "AWS_SECRET_ACCESS_KEY": "nothing", "AWS_EC2_METADATA_DISABLED": "true",
            "ASAN_OPTIONS": f"log_path={base}/asan", "UBSAN_OPTIONS": f"log_path={base}/ubsan:print_stacktrace=1",
            "TSAN_OPTIONS": f"log_path={base}/tsan",
        }
        self.process = None

    def run(self, *args, **more):
        """The program, to its return: as a daemon, that is when the tree answers."""
        return subprocess.run([VASTFS, *map(str, args)], env=self.env, cwd=self.base, capture_output=True, text=True,
                              timeout=DEADLINE, **more)

    def start(self, *args):
        """In the foreground, so that the test is its parent."""
        with open(self.base / "vastfs.log", "ab") as log:
            self.process = subprocess.Popen([VASTFS, "-f", *DEVELOPER, *args, self.path], env=self.env, stdin=subprocess.DEVNULL,
                                            stderr=log)
        until(lambda: self.answers() or self.process.poll() is not None, "the mount")
        assert self.process.poll() is None, (self.base / "vastfs.log").read_text()
        return self

    def answers(self):
        """The kernel may still know the attributes of a dead mount's root. So first a message, which fails there."""
        try:
            return bool(os.statvfs(self.path)) and os.path.ismount(self.path)
        except OSError:
            return False

    def cancel(self, what="control"):
        """Ends what is in flight: the wish, and answers for who waits for them."""
        self.ok(f"touch {what}/cancel")
        self.cloud.refuse.set()

    def stop(self):
        self.cloud.refuse.set()
        subprocess.run(["fusermount3", "-u", "-z", self.path], check=False, capture_output=True)
        if self.process:
            try:
                self.process.wait(DEADLINE)
            finally:
                self.process.kill()
        logs = [self.base / "vastfs.log", *self.base.glob("?san*"), *self.base.glob("ubsan*")]
        text = "".join(p.read_text(errors="replace") for p in logs if p.exists())
        assert not any(word in text for word in SUSPICIOUS), text

    def shell(self, script, shell="bash"):
        return subprocess.run([shell, "-c", script], cwd=self.path, env=self.env, capture_output=True, text=True,
                              timeout=DEADLINE)

    def ok(self, script, shell="bash"):
        done = self.shell(script, shell)
        assert done.returncode == 0, (script, done, self.read("error"))
        return done.stdout

    def read(self, name):
        return (self.path / name).read_text()

    def status(self):
        return dict(line.split(" ", 1) for line in self.read("status").splitlines())

    def in_force(self):
        """What is on disk is what is in force."""
        return (self.base / "config/vastfs/default.env").read_text()

    def configure(self):
        (self.path / "config/default.env").write_text(SETTINGS)

    def deploy(self):
        """An operation that stays in flight."""
        self.configure()
        self.ok("touch control/deploy")
        return self.path / "operations/latest/result"


@pytest.fixture
def unmounted(tmp_path):
    with Silence() as cloud:
        made = Mount(tmp_path, cloud)
        yield made
        made.stop()
        cloud.shutdown()


@pytest.fixture
def mount(unmounted):
    return unmounted.start()


def has(program):
    return shutil.which(program) is not None
