# SPDX-License-Identifier: BSD-3-Clause
"""The history of commands belongs to the user: rm -r, history_keep and history_limit."""

import os
import shutil
import subprocess

import pytest

from conftest import until

#: more than is kept in memory
LARGE = "head -c 2000000 /dev/zero"


@pytest.fixture
def commands(server):
    """The server's tree with default settings and no history."""
    server.configure()
    server.bash("rm -rf lambda/history/* tasks/default/exec/history/*")
    return server


def listing(tree, directory="lambda/history"):
    return sorted(tree.bash(f"ls {directory}").split(), key=int)


def run(tree, command="echo x"):
    """One command in Lambda; its number."""
    before = set(listing(tree))
    tree.query(command)
    return (set(listing(tree)) - before).pop()


def run_in_container(tree, command="echo x"):
    with open(tree.path / "tasks/default/exec/query", "r+b", buffering=0) as f:
        f.write(command.encode() + b"\n")
        return b"".join(iter(lambda: f.read(65536), b""))


def nameless_files(tree):
    """Of results on the disk."""
    links = []
    for fd in os.listdir(f"/proc/{tree.process.pid}/fd"):
        try:
            links.append(os.readlink(f"/proc/{tree.process.pid}/fd/{fd}"))
        except FileNotFoundError:
            pass
    return sum(str(tree.base / "cache") in link and link.endswith("(deleted)") for link in links)


@pytest.mark.parametrize("remover", ["rm -r", "rm -rf", "busybox rm -r", "busybox rm -rf", "rmdir",
                                     "uutils rm -r", "coreutils rm -r"])
def test_an_entry_is_removed(commands, remover):
    if shutil.which(remover.split()[0]) is None:
        pytest.skip(f"no {remover.split()[0]} here")
    first, second, third = run(commands, "echo 1"), run(commands, "echo 2"), run(commands, "echo 3")
    assert commands.bash(f"{remover} lambda/history/{second} </dev/null 2>&1") == ""
    assert listing(commands) == [first, third]
    assert commands.read(f"lambda/history/{first}/result") == "1\n" and commands.value("lambda/result") == "3"
    assert int(run(commands)) == int(third) + 1, "numbers are not used again"
    assert f"lambda/history/{second} was removed" in commands.read("events.log")


def test_python_removes_an_entry(commands):
    number = run(commands)
    shutil.rmtree(commands.path / "lambda/history" / number)
    assert listing(commands) == []


def test_several_at_once_and_find(commands):
    numbers = [run(commands) for _ in range(4)]
    commands.bash(f"rm -rf lambda/history/{numbers[0]} lambda/history/{numbers[1]}")
    assert listing(commands) == numbers[2:]
    commands.bash("find lambda/history -mindepth 1 -delete")
    assert listing(commands) == []


def test_the_files_beside_show_the_newest_that_is_left(commands):
    run(commands, "echo first; echo e >&2; exit 3")
    second = run(commands, "echo second")
    commands.bash(f"rm -r lambda/history/{second}")
    assert [commands.value(f"lambda/{name}") for name in ("result", "stderr", "exit_code")] == ["first", "e", "3"]
    commands.bash("rm -rf lambda/history/*")
    assert [commands.read(f"lambda/{name}") for name in ("query", "result", "stderr", "exit_code", "state", "error")] == [""] * 6
    assert commands.query("echo again") == b"again\n"


def test_disk_and_memory_are_given_back(commands):
    before = nameless_files(commands)
    number = run(commands, LARGE)
    assert nameless_files(commands) == before + 1
    with open(commands.path / f"lambda/history/{number}/result", "rb", buffering=0) as reader:
        commands.bash(f"rm -r lambda/history/{number}")
        assert len(b"".join(iter(lambda: reader.read(65536), b""))) == 2000000, "an open file can be read on"
    until(lambda: nameless_files(commands) == before, "the file to go")


def test_a_command_in_flight_stays(commands):
    commands.write("lambda/query", "echo begun; sleep 1000\n")
    number = until(lambda: listing(commands), "the query")[-1]
    commands.write("error", "")
    done = commands.bash(f"rm -r lambda/history/{number}", check=False)
    assert done.returncode != 0 and b"Device or resource busy" in done.stderr
    done = commands.bash(f"rmdir lambda/history/{number}", check=False)
    assert done.returncode != 0 and b"busy" in done.stderr
    [line] = commands.read("error").splitlines()
    assert line.count("pid=") == 2 and "count=2" in line, "one for each program"
    assert f"path=lambda/history/{number} " in line and "errno=EBUSY" in line and "its command is " in line
    assert f"touch lambda/history/{number}/cancel" in line
    assert len(os.listdir(commands.path / f"lambda/history/{number}")) == 11
    commands.bash(f"touch lambda/history/{number}/cancel; cat lambda/history/{number}/exit_code; rm -r lambda/history/{number}")
    assert listing(commands) == []


def test_one_file_of_an_entry(commands):
    number = run(commands, "echo secret")
    commands.bash(f"rm lambda/history/{number}/result")
    assert not (commands.path / f"lambda/history/{number}/result").exists()
    assert "result" not in os.listdir(commands.path / f"lambda/history/{number}")
    assert commands.bash(f"rm lambda/history/{number}/result", check=False).returncode != 0
    assert commands.value(f"lambda/history/{number}/query") == "echo secret"
    assert commands.value("lambda/result") == "secret", "the files beside are others"
    commands.bash(f"rmdir lambda/history/{number}")
    assert listing(commands) == []


def test_nothing_else_can_be_removed(commands):
    number = run(commands)
    for script in ("rmdir lambda/history", "rmdir lambda", "rm lambda/result", f"mkdir lambda/history/{number}/x",
                   "mkdir lambda/history/99999", "rmdir operations/latest/", "rm -r operations/1", "rmdir tasks/default/",
                   f"mv lambda/history/{number} lambda/history/99999"):
        done = commands.bash(script, check=False)
        assert done.returncode != 0, script
    assert commands.bash("rmdir lambda/history/99999", check=False).stderr.endswith(b"No such file or directory\n")
    assert listing(commands) == [number] and commands.read(f"lambda/history/{number}/result") == "x\n"


def test_commands_in_a_container(commands):
    assert run_in_container(commands, "echo 1") == b"1\n"
    assert run_in_container(commands, "echo 2") == b"2\n"
    history = "tasks/default/exec/history"
    first, second = listing(commands, history)
    commands.bash(f"rm -r {history}/{second}")
    assert listing(commands, history) == [first] and commands.value("tasks/default/exec/result") == "1"
    commands.bash(f"rm -rf {history}/*")
    assert listing(commands, history) == [] and commands.read("tasks/default/exec/result") == ""
    assert run_in_container(commands, "echo 3") == b"3\n"
    assert listing(commands, history) == [str(int(second) + 1)]


def test_history_keep(commands):
    commands.write("config/default.env", commands.settings(history_keep=2))
    numbers = [commands.query(f"echo {n}") for n in range(4)]
    assert numbers[-1] == b"3\n" and len(listing(commands)) == 2
    commands.write("config/default.env", commands.settings(history_keep=1))
    assert [commands.value(f"lambda/history/{n}/result") for n in listing(commands)] == ["3"]


def test_without_history_the_newest_result_can_be_read(commands):
    commands.write("config/default.env", commands.settings(history_keep=0))
    commands.bash("echo 'echo kept; exit 4' > lambda/query; cat lambda/result")
    assert listing(commands) == []
    assert commands.value("lambda/result") == "kept" and commands.value("lambda/exit_code") == "4"
    commands.write("lambda/query", "sleep 1000\n")
    (number,) = until(lambda: listing(commands), "the query in flight")
    commands.bash(f"touch lambda/history/{number}/cancel; ! cat lambda/exit_code")
    assert listing(commands) == [] and commands.value("lambda/state") == "cancelled"
    assert not (commands.path / f"lambda/history/{number}").exists()
    assert b"".join([commands.query("echo 1"), commands.query("echo 2")]) == b"1\n2\n"


def test_history_limit(commands):
    """Only what is on the disk counts; the newest stays."""
    before = nameless_files(commands)
    small = run(commands, "echo small")
    large = [run(commands, LARGE) for _ in range(3)]
    assert nameless_files(commands) == before + 3
    commands.write("config/default.env", commands.settings(history_limit=0))
    until(lambda: listing(commands) == [small, large[-1]], "the older ones to go")
    assert os.stat(commands.path / "lambda/result").st_size == 2000000
    until(lambda: nameless_files(commands) == before + 1, "their files to go")
    newest = run(commands, LARGE)
    assert listing(commands) == [small, newest]
    commands.write("config/default.env", commands.settings(history_limit=1))
    assert len({run(commands, LARGE), run(commands, LARGE), *listing(commands)}) == 4


def test_neither_setting_is_the_stack_s(commands):
    commands.write("config/default.env", commands.settings(history_keep=3, history_limit=2))
    assert commands.read("stack/plan").startswith("up to date\n")
    done = commands.bash("echo history_keep=101 >> config/default.env", check=False)
    assert done.returncode != 0 and "history_keep: 101 is not between 0 and 100" in commands.read("error")


def test_many_remove_at_the_same_time(commands):
    for _ in range(3):
        for _ in range(6):
            run(commands)
        removers = [subprocess.Popen("rm -rf lambda/history/*", shell=True, cwd=commands.path, stderr=subprocess.PIPE)
                    for _ in range(5)]
        for remover in removers:
            assert remover.communicate()[1] == b"" and remover.returncode == 0
        assert listing(commands) == []
