# SPDX-License-Identifier: BSD-3-Clause
"""vastfs shell: a real terminal, a script, and everybody who may not."""

import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import termios
import time

import pytest
from conftest import BUILD, VASTFS, until
from unmounting import unmount

DEADLINE = 60


@pytest.fixture(autouse=True)
def no_faults(cloud):
    yield
    cloud.control("DELETE", "faults")


class Terminal:
    """`vastfs shell` on a terminal that a test types on."""

    def __init__(self, tree, *words, columns=80, rows=24):
        self.master, self.slave = pty.openpty()
        self.resize(columns, rows)
        self.before = termios.tcgetattr(self.slave)
        self.screen = b""
        self.process = subprocess.Popen([VASTFS, "shell", tree.path, *words], env=tree.env, stdin=self.slave,
                                        stdout=self.slave, stderr=self.slave, start_new_session=True,
                                        preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0))

    def resize(self, columns, rows):
        fcntl.ioctl(self.slave, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def type(self, text):
        os.write(self.master, text.encode() if isinstance(text, str) else text)

    def read(self):
        if select.select([self.master], [], [], 0.05)[0]:
            self.screen += os.read(self.master, 65536)

    def see(self, pattern, deadline=DEADLINE):
        """Waits for it on the screen; what was before it is forgotten."""
        pattern = pattern.encode() if isinstance(pattern, str) else pattern
        end = time.monotonic() + deadline
        while not (found := re.search(pattern, self.screen)):
            assert time.monotonic() < end, (pattern, self.screen)
            self.read()
        self.screen = self.screen[found.end():]
        return found

    def end(self):
        """Its exit status, with the terminal as it was."""
        finish = time.monotonic() + DEADLINE
        while self.process.poll() is None:
            assert time.monotonic() < finish, self.screen
            self.read()
        assert termios.tcgetattr(self.slave) == self.before
        os.close(self.master)
        os.close(self.slave)
        return self.process.returncode


def begin(tree, *words, **more):
    terminal = Terminal(tree, *words, **more)
    terminal.see("# ")
    return terminal


def script(tree, text, *words, check=None):
    done = subprocess.run([VASTFS, "shell", tree.path, *words], env=tree.env, input=text.encode(), capture_output=True,
                          timeout=DEADLINE)
    if check is not None:
        assert done.returncode == check, done
    return done


def test_exit_status(server):
    terminal = begin(server)
    terminal.type("exit 42\r")
    assert terminal.end() == 42


def test_size_and_its_changes(server):
    terminal = begin(server, columns=100, rows=30)
    terminal.type("stty size\r")
    terminal.see("\r\n30 100\r\n")
    for columns, rows in ((1, 1), (500, 300), (80, 24)):
        terminal.resize(columns, rows)
        if columns > 1:  # keys and sizes travel apart: a key may overtake a size
            terminal.type(f"until [ \"$(stty size)\" = '{rows} {columns}' ]; do :; done; echo it is {rows}x$((0+{columns}))\r")
            terminal.see(f"\r\nit is {rows}x{columns}")
    terminal.type("exit\r")
    assert terminal.end() == 0


def running_cat(terminal):
    """It has the terminal, not the shell's line editor any more."""
    terminal.type("sh -c 'echo go; exec cat'\r")
    terminal.see("\ngo\r\n")
    terminal.type("here\r")
    terminal.see("here\r\nhere\r\n")  # the terminal's echo and cat's: a signal finds cat, not the shell before it


def test_keys_are_bytes(server):
    terminal = begin(server)
    running_cat(terminal)
    terminal.type(b"\x03")
    terminal.see("# ")
    terminal.type("echo $?\r")
    terminal.see("130")
    running_cat(terminal)
    terminal.type(b"\x1c")
    terminal.see("# ")
    terminal.type("echo $?\r")
    terminal.see("131")
    running_cat(terminal)
    terminal.type(b"\x1a")
    terminal.see("Stopped")
    terminal.type("kill %1; stty -echo; od -An -tx1 -N9\r")
    terminal.see("N9\r\n")
    terminal.type("grün ✓\r".encode())
    terminal.see("67 72 c3 bc 6e 20 e2 9c 93")
    terminal.type("exit 0\r")
    terminal.type("exit 0\r")
    assert terminal.end() == 0


def test_full_screen_program(server):
    terminal = begin(server)
    terminal.type("vi /tmp/note\r")
    terminal.see(re.escape("/tmp/note"))
    terminal.type("ihällo")
    terminal.see("I /tmp/note")
    terminal.type(b"\x1b")
    terminal.see("- /tmp/note")
    terminal.type(":wq\r")
    terminal.see("# ")
    terminal.type("cat /tmp/note; rm /tmp/note; exit\r")
    terminal.see("hällo")
    assert terminal.end() == 0


def test_pasted_text_arrives_whole(server):
    terminal = begin(server)
    terminal.type("stty -echo; cat > /tmp/pasted\r")
    terminal.see("\r\n")
    text = "".join(f"line {i} äöü\n" for i in range(3000))
    for at in range(0, len(text), 500):
        terminal.type(text[at:at + 500])
    terminal.type(b"\x04")
    terminal.type("md5sum < /tmp/pasted; rm /tmp/pasted; exit\r")
    import hashlib
    terminal.see(hashlib.md5(text.encode()).hexdigest())
    assert terminal.end() == 0


def test_escape_leaves_at_once(server):
    terminal = begin(server)
    terminal.type("sleep 5151\r")
    terminal.see("sleep 5151\r\n")
    terminal.type("\r~.")
    assert terminal.end() == 255
    until(lambda: b"0" in script(server, "ps -o args | grep -v grep | grep -c '^sleep 5151'").stdout)


def test_two_tildes_are_one(server):
    terminal = begin(server)
    terminal.type("\r~~\r")
    terminal.see("~")
    terminal.type("exit 0\r")
    assert terminal.end() == 0


@pytest.mark.parametrize("number", [signal.SIGHUP, signal.SIGTERM])
def test_signals_give_the_terminal_back(server, number):
    terminal = begin(server)
    terminal.type("sleep 6161\r")
    terminal.see("sleep 6161\r\n")
    terminal.process.send_signal(number)
    assert terminal.end() == 128 + number
    until(lambda: b"0" in script(server, "ps -o args | grep -v grep | grep -c '^sleep 6161'").stdout)


def test_terminal_that_goes_away(server):
    terminal = begin(server)
    terminal.type("sleep 7171\r")
    terminal.see("sleep 7171\r\n")
    os.close(terminal.slave)
    os.close(terminal.master)
    assert terminal.process.wait(DEADLINE) in (129, 255)
    until(lambda: b"0" in script(server, "ps -o args | grep -v grep | grep -c '^sleep 7171'").stdout)


def test_death_of_the_daemon_gives_the_terminal_back(deployed):
    deployed.operate("run-task")
    terminal = begin(deployed)
    deployed.kill()
    terminal.see("the daemon of this mount has exited")
    assert terminal.end() == 255
    deployed.mount()
    until(lambda: "unknown" not in deployed.read("status"), "the first contact")


def test_unmounting_ends_the_shell_in_the_container(deployed, tmp_path):
    deployed.operate("run-task")
    terminal = begin(deployed)
    terminal.type("cat; echo ended > /var/lib/vast/late\r")
    terminal.see("late\r\n")
    pids = subprocess.run(["pgrep", "-f", "/bin/sh -c s=/bin/sh; command -v bash"], capture_output=True, text=True,
                          check=True).stdout.split()
    unmount(deployed.path)
    deployed.process.wait(DEADLINE)
    terminal.see("the daemon of this mount has exited")
    assert terminal.end() == 255
    until(lambda: not any(os.path.exists(f"/proc/{pid}") for pid in pids), "the shell's end")
    deployed.mount()
    until(lambda: "unknown" not in deployed.read("status"), "the first contact")


def test_broken_connection_is_not_seen(server, cloud):
    cloud.fault("exec", "exec_break", after_bytes=20000)
    terminal = begin(server)
    terminal.type("i=0; while [ $i -lt 5000 ]; do i=$((i+1)); echo line $i; done; echo the $((1+1))nd end\r")
    terminal.see("line 5000\r\nthe 2nd end")
    terminal.type("exit 3\r")
    assert terminal.end() == 3


# -- scripts


def test_script(server):
    done = script(server, "echo out; echo err >&2; printf '\\377\\0'; exit 7\n", check=7)
    assert done.stdout == b"out\n\xff\0" and done.stderr == b"err\n"


def test_empty_script(server):
    assert script(server, "", check=0).stdout == b""


def test_closed_descriptors(server):
    for closed in ("<&-", "<&- >&-", "<&- >&- 2>&-"):
        assert server.bash(f"{VASTFS} shell . {closed}; echo $?") == "0\n"
    assert server.bash(f"echo 'echo seen; exit 3' | {VASTFS} shell . 2>&-; echo $?") == "seen\n3\n"


def test_script_without_a_newline_at_its_end(server):
    assert script(server, "echo last", check=0).stdout == b"last\n"


def test_script_runs_as_it_comes(server):
    process = subprocess.Popen([VASTFS, "shell", server.path], env=server.env, stdin=subprocess.PIPE,
                               stdout=subprocess.PIPE)
    process.stdin.write(b"echo first\n")
    process.stdin.flush()
    assert process.stdout.readline() == b"first\n"
    process.stdin.write(b"echo second; exit 4\n")
    process.stdin.flush()
    assert process.stdout.readline() == b"second\n"
    assert process.wait(DEADLINE) == 4
    process.stdin.close()


def test_long_script(server):
    text = "".join(f"echo {i}\n" for i in range(30000))
    assert script(server, text, check=0).stdout == text.replace("echo ", "").encode()


def rss(tree):
    status = (f"/proc/{tree.process.pid}/status")
    return int(re.search(r"VmRSS:\s+(\d+)", open(status, encoding="ascii").read()).group(1))


def test_reader_that_stops_reading(server):
    """What is not read stays in the container; memory does not grow."""
    before = rss(server)
    process = subprocess.Popen([VASTFS, "shell", server.path], env=server.env, stdin=subprocess.PIPE,
                               stdout=subprocess.PIPE)
    process.stdin.write(b"head -c 60000000 /dev/zero; echo behind >&2\n")
    process.stdin.close()
    assert len(process.stdout.read(100000)) == 100000
    sizes = []
    until(lambda: sizes.append(rss(server)) or (len(sizes) > 30 and sizes[-1] == sizes[-20]), "a calm memory")
    assert max(sizes) - before < 16 * 1024 or "san" in BUILD.name, "sanitizers keep what was freed"
    left = 60000000 - 100000
    while piece := process.stdout.read(1 << 20):
        assert not piece.strip(b"\0")
        left -= len(piece)
    assert left == 0
    assert process.wait(DEADLINE) == 0


def test_output_that_nobody_wants(server):
    done = server.bash(f"echo 'yes' | {VASTFS} shell . | head -1; echo ${{PIPESTATUS[1]}}")
    assert done == "y\n141\n"
    until(lambda: b"0" in script(server, "ps -o args | grep -v grep | grep -c '^yes'").stdout)


# -- which task, and who


def test_task_by_id_and_prefix(server):
    task = os.readlink(server.path / "tasks/default")
    for name in (task, task[:6], task[:1]):
        assert script(server, "echo here", name, check=0).stdout == b"here\n"
    done = script(server, "echo here", "no-such-task", check=255)
    assert b"there is no task no-such-task" in done.stderr


def test_ambiguous_prefix_and_no_server(deployed):
    done = script(deployed, "true", check=255)
    assert b"no server is running; touch control/run-task" in done.stderr
    deployed.operate("stop-all-tasks")
    done = script(deployed, "true", "x" * 300, check=255)
    assert b"at most 200 characters" in done.stderr


def test_stopped_task(deployed):
    deployed.operate("run-task")
    task = os.readlink(deployed.path / "tasks/default")
    deployed.operate("stop-all-tasks")
    done = script(deployed, "true", task, check=255)
    assert b"stopped" in done.stderr


def test_not_a_mount(server, tmp_path):
    for path in (tmp_path, tmp_path / "missing"):
        done = subprocess.run([VASTFS, "shell", path], env=server.env, stdin=subprocess.DEVNULL, capture_output=True,
                              timeout=DEADLINE)
        assert done.returncode == 255 and done.stderr.startswith(b"vastfs: ")
    done = subprocess.run([VASTFS, "shell"], stdin=subprocess.DEVNULL, capture_output=True, timeout=DEADLINE)
    assert done.returncode == 1


@pytest.mark.skipif(os.getuid() != 0, reason="only root can become somebody else")
def test_another_user(server):
    """Neither by the command, nor by speaking to the socket."""
    address = f"\\0vastfs/0/{os.major(os.stat(server.path).st_dev)}:{os.minor(os.stat(server.path).st_dev)}"
    done = subprocess.run([VASTFS, "shell", server.path], user=65534, group=65534, env=server.env,
                          stdin=subprocess.DEVNULL, capture_output=True, timeout=DEADLINE)
    assert done.returncode == 255
    text = f"import socket; s = socket.socket(1, 5); s.connect('{address}'); print(s.recv(999))"
    done = subprocess.run(["python3", "-c", text], user=65534, group=65534, capture_output=True, timeout=DEADLINE)
    assert b"Fonly the user who mounted this file system may start a shell" in done.stdout, done


def test_nonsense_on_the_socket(server):
    import socket
    device = os.stat(server.path).st_dev
    for text in (b"x", b"", b"o", b"o\7\0\0\0\0\0", b"i" * 60000, b"o" + b"\xff" * 1000):
        with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as s:
            s.connect(f"\0vastfs/{os.getuid()}/{os.major(device)}:{os.minor(device)}")
            s.settimeout(DEADLINE)
            if text:
                s.send(text)
            s.shutdown(socket.SHUT_WR)
            assert s.recv(9999)[:1] in (b"", b"F")
    assert script(server, "echo fine", check=0).stdout == b"fine\n"


def test_it_is_written_down(server):
    script(server, "true", check=0)
    task = os.readlink(server.path / "tasks/default")
    assert f"shell in task {task}: started" in server.read("events.log")
    until(lambda: server.read("events.log").rstrip().endswith("ended"))
