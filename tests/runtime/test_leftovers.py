# SPDX-License-Identifier: BSD-3-Clause
"""Nothing of one invocation lives on into the next."""

import os
import pathlib
import signal
import subprocess
import time

import pytest
from conftest import ENDLESS, until, within
from runtime_api import PATIENCE, event


def gone(pid):
    return not os.path.exists(f"/proc/{int(pid)}")


def test_background_child_that_holds_stdout(api, runtime):
    answer = within(2, lambda: api.invoke("sleep 300 & echo $!; exit 4"))
    assert answer.json["exit_code"] == 4
    assert gone(answer.stdout)
    assert runtime.children() == []


def test_background_child_may_finish(api, runtime):
    """On a busy machine it may be silent for too long."""
    command = "(for i in 1 2 3 4 5 6; do sleep 0.03; echo $i; done) & echo shell"
    answer = within(PATIENCE, lambda: api.invoke(command), lambda a: a.stdout.split()[-1] == b"6")
    assert answer.stdout.split() == [b"shell", b"1", b"2", b"3", b"4", b"5", b"6"]
    assert answer.stderr == b""


def test_background_child_that_never_stops_printing(api, runtime):
    begin = time.monotonic()
    answer = within(PATIENCE, lambda: api.invoke(ENDLESS, seconds=10 * PATIENCE), lambda a: b"were killed" in a.stderr)
    assert time.monotonic() - begin > 1.5
    assert answer.json["exit_code"] == 0 and "timed_out" not in answer.json
    assert b"were killed" in answer.stderr
    assert runtime.children() == []


def test_silent_background_child_holds_nothing_up(api, runtime):
    answer = within(1, lambda: api.invoke("sleep 300 >/dev/null 2>&1 & echo $!"))
    assert gone(answer.stdout)


def test_child_in_another_session(api, runtime, tmp_path):
    daemon = tmp_path / "pid"
    script = f"setsid sh -c 'echo $$ >{daemon}.new; mv {daemon}.new {daemon}; exec sleep 300' >/dev/null 2>&1 &"
    api.invoke(f"({script}) ; until [ -e {daemon} ]; do sleep 0.01; done")
    assert gone(daemon.read_text())
    assert runtime.children() == []


def test_deadline_with_children_in_other_sessions(api, runtime, tmp_path):
    script = "trap '' TERM; echo $$; exec sleep 300"
    answer = api.invoke(f"for i in 1 2 3; do setsid sh -c \"{script}\" & done; wait", seconds=1.2)
    pids = answer.stdout.split()
    assert len(pids) == 0 or all(gone(pid) for pid in pids)
    assert answer.json["timed_out"] is True
    assert runtime.children() == []


def test_orphans_are_reaped_while_the_command_runs(api, runtime, tmp_path):
    flag = tmp_path / "go"
    api.send(event(f"for i in 1 2 3 4 5; do (sh -c 'sleep 0.01' &) ; done; echo $$ >&2; until [ -e {flag} ]; do :; done"))
    until(lambda: runtime.log.endswith(b"\n"), "the shell has said its number")
    until(lambda: runtime.children() == [runtime.log.decode().strip()], "the shell is the only child")
    flag.touch()
    assert api.answer().json["exit_code"] == 0


def test_sigterm_while_idle(api, runtime):
    api.wait_until_asked()
    runtime.process.send_signal(signal.SIGTERM)
    assert runtime.exit_code() == 0
    assert runtime.log == b""


def test_sigterm_while_a_command_runs(api, runtime):
    api.send(event("trap '' TERM; echo $$ >&2; sleep 300"))
    until(lambda: runtime.log.endswith(b"\n"), "the shell has said its number")
    runtime.process.send_signal(signal.SIGTERM)
    assert runtime.exit_code() == 0
    until(lambda: gone(runtime.log), "the shell is gone")


@pytest.fixture
def tmp(tmp_path):
    directory = tmp_path / "tmp"
    directory.mkdir(mode=0o1777)
    (directory / "before").write_text("stays")
    (directory / "before.d").mkdir()
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "file").write_text("stays")
    return directory


@pytest.fixture
def confined(api, binary, environment, start, cell, tmp, tmp_path):
    outside = str(tmp_path / "outside")
    mounts = ["--ro-bind", "/", "/", "--bind", str(tmp), "/tmp", "--bind", outside, "/mnt", "--ro-bind", binary, "/tmp/runtime"]
    return start([*cell(*mounts), "/tmp/runtime"], environment)


def listing(directory):
    return sorted(path.name for path in pathlib.Path(directory).iterdir() if path.name != "runtime")


def clean_after(api, runtime, tmp, command):
    api.wait_until_asked()
    answer = api.invoke(command)
    api.wait_until_asked()
    assert answer.json["exit_code"] == 0, answer.stderr
    assert listing(tmp) == ["before", "before.d"], runtime.log
    return answer


def test_tmp_files_go(api, confined, tmp):
    answer = clean_after(api, confined, tmp, "cd /tmp && echo x >a && mkfifo f && mkdir -p d/e/f && echo y >d/e/f/g && mkdir .h && ls -A")
    assert b"before" in answer.stdout
    assert (tmp / "before").read_text() == "stays"


def test_tmp_links_are_not_followed(api, confined, tmp, tmp_path):
    clean_after(api, confined, tmp, "cd /tmp && ln -s /mnt l && mkdir d && ln -s /mnt d/l && ln -s /tmp/before d/k && ln -s / r")
    assert (tmp_path / "outside" / "file").read_text() == "stays"


def test_tmp_modes_do_not_protect(api, confined, tmp):
    clean_after(api, confined, tmp, "cd /tmp && mkdir -p d/e/f && touch d/e/f/g && chmod 000 d/e/f d/e d")


def test_tmp_deep_directories_go(api, confined, tmp):
    """Deeper than a path can be long and than descriptors reach."""
    script = "import os; os.chdir('/tmp'); [(os.mkdir('d'), os.chdir('d')) for _ in range(3000)]"
    clean_after(api, confined, tmp, f'python3 -c "{script}"')


def test_tmp_things_from_before_stay(api, confined, tmp):
    clean_after(api, confined, tmp, "cd /tmp && mv before kept && mv kept before && echo more >before.d/new")
    assert (tmp / "before").read_text() == "stays"
    assert (tmp / "before.d" / "new").exists()


@pytest.fixture
def stranger():
    """A process of this user that is neither an ancestor of the runtime nor a child of the first process."""
    shell = subprocess.Popen(["sh", "-c", "sleep 1000 & echo $!; wait"], stdout=subprocess.PIPE, start_new_session=True)
    shell.stdout.readline()
    yield
    os.killpg(shell.pid, signal.SIGKILL)
    shell.wait()


def test_tmp_is_left_alone_among_strangers(api, stranger, runtime):
    """Beside other processes of its user the runtime cannot know whose a file is."""
    api.wait_until_asked()
    name = api.invoke("mktemp /tmp/vast-lambda-runtime-test.XXXXXX").stdout.decode().strip()
    api.wait_until_asked()
    try:
        runtime.until_logged(b"left there")
        assert os.path.exists(name)
    finally:
        os.unlink(name)
