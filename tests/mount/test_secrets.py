# SPDX-License-Identifier: BSD-3-Clause
"""What the environment gives: secrets that stay in the process, and paths that mean where vastfs was started."""

import os
import re
import resource
import socket
import subprocess
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest
from conftest import DEVELOPER, SETTINGS, VASTFS, has, until
from unmounting import unmount

KEY = "verySecretKeyOfTheseTests0123456789"
TOKEN = "verySecretTokenOfTheseTests0123456789"


@pytest.fixture
def secretive(unmounted):
    unmounted.env.update(AWS_SECRET_ACCESS_KEY=KEY, AWS_SESSION_TOKEN=TOKEN)
    (unmounted.base / "config/vastfs").mkdir(parents=True)
    (unmounted.base / "config/vastfs/default.env").write_text(SETTINGS)
    return unmounted


def traced_by_another(pid):
    """What a process sees that has all rights of the user and is no administrator of this machine."""
    drop = ["setpriv", "--bounding-set=-sys_ptrace,-perfmon,-sys_admin", "--inh-caps=-all"] if os.geteuid() == 0 else []
    return subprocess.run([*drop, "cat", f"/proc/{pid}/environ"], capture_output=True, check=False).stdout


def core_limit(pid):
    return re.search(r"Max core file size\s+(\S+)", open(f"/proc/{pid}/limits").read())[1]


@pytest.mark.skipif("san" in VASTFS, reason="sanitizers set the limit of core files themselves")
def test_nobody_traces_it_and_it_leaves_no_core(secretive):
    own = resource.getrlimit(resource.RLIMIT_CORE)
    resource.setrlimit(resource.RLIMIT_CORE, (own[1], own[1]))
    before = core_limit("self")
    secretive.start()
    assert core_limit(secretive.process.pid) == "0"
    assert traced_by_another(secretive.process.pid) == b""
    secretive.stop()
    secretive.start("-o", "noatime,coredump")
    assert core_limit(secretive.process.pid) == before


@pytest.mark.skipif(os.geteuid() != 0 or not has("gcore"), reason="needs root and gcore")
@pytest.mark.skipif(bool(DEVELOPER), reason="sanitizers keep what was freed")
def test_a_core_that_root_makes_has_no_secret(secretive):
    """The administrator can have one at any time; it may lie around."""
    secretive.cloud.refuse.set()
    secretive.start()
    secretive.ok("touch control/refresh")
    until(lambda: secretive.read("api.log").count(" 403 ") >= 2, "an answer")
    subprocess.run(["gcore", "-o", secretive.base / "core", str(secretive.process.pid)], check=True, capture_output=True)
    (core,) = secretive.base.glob("core.*")
    memory = core.read_bytes()
    core.unlink()
    assert b"AWS_EC2_METADATA_DISABLED" in memory, "it is the process's memory"
    assert KEY.encode() not in memory


def test_no_file_of_the_tree_holds_a_secret(secretive):
    secretive.cloud.refuse.set()
    secretive.start()
    secretive.ok("touch control/refresh")
    until(lambda: " 403 " in secretive.read("api.log"), "an answer")
    for name in ("api.log", "error", "events.log", "status", "whoami"):
        if (secretive.path / name).exists():
            text = secretive.read(name)
            assert KEY not in text and TOKEN not in text
    assert KEY not in (secretive.base / "vastfs.log").read_text()


@pytest.mark.parametrize("name,value,words", [
    ("AWS_ACCESS_KEY_ID", "AKIA\r", "AWS_ACCESS_KEY_ID contains a control character"),
    ("AWS_ACCESS_KEY_ID", " AKIA", "AWS_ACCESS_KEY_ID contains a blank"),
    ("AWS_SECRET_ACCESS_KEY", "x\n", "AWS_SECRET_ACCESS_KEY contains a control character"),
    ("AWS_SESSION_TOKEN", "t\r\ninjected: yes", "AWS_SESSION_TOKEN contains a control character"),
    ("AWS_ENDPOINT_URL", "http://127.0.0.1:1/\r\nx", "AWS_ENDPOINT_URL is not an http or https URL"),
    ("AWS_ENDPOINT_URL_ECS", "http://user:hunter2@127.0.0.1", "AWS_ENDPOINT_URL_ECS is not an http or https URL"),
])
def test_control_characters_are_refused_by_name(secretive, name, value, words):
    secretive.env[name] = value
    secretive.start()
    secretive.shell("touch control/refresh")
    until(lambda: words in secretive.read("error"), "the error")
    assert "hunter2" not in secretive.read("error")
    assert not (secretive.path / "api.log").read_text()


class Asked(ThreadingHTTPServer):
    """An endpoint that keeps the keys' names it was asked with."""

    def __init__(self):
        self.keys = set()

        class Handler(BaseHTTPRequestHandler):
            def do_POST(handler):
                self.keys.add(handler.headers["Authorization"].split("Credential=")[1].split("/")[0])
                handler.send_response(403)
                handler.send_header("Content-Length", "0")
                handler.end_headers()
            do_GET = do_POST

            def log_message(handler, *args):
                pass
        super().__init__(("127.0.0.1", 0), Handler)
        Thread(target=self.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()


@pytest.mark.parametrize("variable", ["AWS_SHARED_CREDENTIALS_FILE", "AWS_CONFIG_FILE", "HOME"])
def test_relative_paths_are_those_of_the_start(secretive, variable):
    """In the background, whose working directory is another one."""
    (secretive.base / "h/.aws").mkdir(parents=True)
    text = "[default]\naws_access_key_id=RELATIVE\naws_secret_access_key=b\n"
    for name in ("keys", "h/.aws/credentials"):
        (secretive.base / name).write_text(text)
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        del secretive.env[name]
    secretive.env[variable] = "h" if variable == "HOME" else "keys"
    with Asked() as asked:
        secretive.env["AWS_ENDPOINT_URL"] = f"http://127.0.0.1:{asked.server_port}"
        done = secretive.run(secretive.path)
        assert done.returncode == 0, done.stderr
        secretive.shell("touch control/refresh")
        until(lambda: asked.keys == {"RELATIVE"}, "a call with the keys of the file")
        unmount(secretive.path)
        asked.shutdown()


def test_relative_xdg_directories_are_those_of_the_start(secretive):
    secretive.env.update(XDG_CONFIG_HOME="./config", XDG_STATE_HOME="deep/state")
    assert secretive.run(secretive.path).returncode == 0
    assert secretive.read("config/default.env") == SETTINGS
    secretive.ok("touch control/deploy")
    assert (secretive.base / "deep/state/vastfs").is_dir()
    unmount(secretive.path)


def test_without_home_the_password_database_knows_it(secretive):
    del secretive.env["HOME"]
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        del secretive.env[name]
    secretive.env["AWS_CONFIG_FILE"] = "/dev/null"
    secretive.start()
    secretive.shell("touch control/refresh")
    home = os.path.expanduser(f"~{os.environ.get('USER', 'root')}")
    until(lambda: f"{home}/.aws/credentials" in secretive.read("error") or "credentials of" in secretive.read("whoami"),
          "where the keys were looked for")


@pytest.mark.parametrize("kind", ["fifo", "device", "socket", "directory"])
def test_settings_that_are_no_file_do_not_hang(unmounted, kind):
    path = unmounted.base / "config/vastfs/default.env"
    path.parent.mkdir(parents=True)
    if kind == "fifo":
        os.mkfifo(path)
    elif kind == "device":
        path.symlink_to("/dev/zero")
    elif kind == "socket":
        with socket.socket(socket.AF_UNIX) as s:
            os.chdir(path.parent)
            s.bind("default.env")
    else:
        path.mkdir()
    unmounted.start()
    until(lambda: "default.env" in unmounted.read("error"), "the error")
    assert ("it is a directory" if kind == "directory" else "not a regular file") in unmounted.read("error")
