# SPDX-License-Identifier: BSD-3-Clause
"""Jobs in flight: who waits, who is let go, and who is not made to wait."""

import fcntl
import mmap
import os
import select
import signal
import subprocess
import threading
import time

import pytest
from conftest import process_state, until

ENDED = ("cancelled\n", "failed\n")  # the wish and the refusal come at the same time
PROMPT = 0.5  # s; the contract says 0.1, the machine may be busy


def reader(path):
    """A cat that sleeps in its read."""
    cat = subprocess.Popen(["cat", path], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    until(lambda: waits(cat.pid), "the reader to wait")
    return cat


def waits(pid):
    try:
        with open(f"/proc/{pid}/syscall", encoding="ascii") as f:
            return f.read().split()[0] == "0"  # read(2)
    except OSError:
        return False


def fate(process, number):
    start = time.monotonic()
    process.send_signal(number)
    assert process.wait(5) == -number
    assert time.monotonic() - start < PROMPT


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_a_waiting_reader_can_be_ended(mount, number):
    cat = reader(mount.deploy())
    assert process_state(cat.pid) == "S"
    fate(cat, number)
    assert mount.read("operations/latest/state") in ("queued\n", "running\n")


def test_readers_that_share_an_open_file_are_killable(mount):
    fd = os.open(mount.deploy(), os.O_RDONLY)
    both = [subprocess.Popen(["cat"], stdin=fd, stdout=subprocess.DEVNULL) for _ in range(2)]
    os.close(fd)
    for cat in both:
        until(lambda: waits(cat.pid), "both to wait")
    assert [process_state(cat.pid) for cat in both] == ["S", "S"]
    for cat in both:
        fate(cat, signal.SIGKILL)


def test_nothing_else_waits(mount):
    result = mount.deploy()
    cats = [reader(result) for _ in range(20)]
    mount.ok("stat operations/latest/* && ls -lR . && cat operations/latest/[!re]* operations/latest/error status")
    for cat in cats:
        fate(cat, signal.SIGKILL)


def test_stop_and_continue_do_not_lose_the_reader(mount):
    result = mount.deploy()
    # cat does not retry EINTR; python does.
    waiting = subprocess.Popen(["python3", "-c", "import sys; open(sys.argv[1], 'rb', 0).read(10)", result],
                               stderr=subprocess.DEVNULL)
    until(lambda: waits(waiting.pid))
    waiting.send_signal(signal.SIGSTOP)
    until(lambda: process_state(waiting.pid) == "T")
    waiting.send_signal(signal.SIGCONT)
    until(lambda: waits(waiting.pid), "the retry")
    mount.cancel()
    assert waiting.wait(10) != 0  # EIO: cancelled


def test_size_in_flight_is_0_and_a_mapping_cannot_wait(mount):
    result = mount.deploy()
    assert os.stat(result).st_size == 0
    code = ("import mmap, os, sys; fd = os.open(sys.argv[1], os.O_RDONLY);"
            "m = mmap.mmap(fd, 4096, flags=mmap.MAP_PRIVATE, prot=mmap.PROT_READ); m[0]")
    done = subprocess.run(["python3", "-c", code, result], capture_output=True, timeout=60)
    assert done.returncode != 0  # a signal, or python's own look at the size
    assert mmap.PROT_READ


def test_nonblocking_reader_is_told_to_come_again(mount):
    fd = os.open(mount.deploy(), os.O_RDONLY | os.O_NONBLOCK)
    with pytest.raises(BlockingIOError):
        os.read(fd, 10)
    os.close(fd)


def test_cancel_ends_waiting_with_eio_at_every_open(mount):
    cat = reader(mount.deploy())
    mount.cancel()
    assert cat.wait(5) == 1 and b"Input/output error" in cat.stderr.read()
    assert mount.shell("cat operations/latest/result").returncode == 1
    assert mount.ok("cat operations/latest/exit_code") == "1\n"
    assert mount.read("operations/latest/state") in ENDED
    assert mount.read("operations/latest/error")


def test_cp_waits_as_cat_does(mount):
    mount.deploy()
    cp = subprocess.Popen(["cp", "operations/latest/exit_code", mount.base / "copy"], cwd=mount.path)
    until(lambda: waits(cp.pid), "cp to wait")
    mount.cancel()
    assert cp.wait(5) == 0 and (mount.base / "copy").read_text() == "1\n"


def test_one_operation_at_a_time(mount):
    mount.deploy()
    for script in ("touch control/deploy", "echo > control/deploy", "touch control/destroy", "echo purge > control/destroy"):
        done = mount.shell(script)
        assert done.returncode != 0 and "busy" in done.stderr, (script, done)
    mount.ok("touch control/refresh; echo 1 > control/refresh")
    assert len(os.listdir(mount.path / "operations")) == 2


def test_what_does_not_start_anything(mount):
    mount.configure()
    mount.ok(": > control/deploy; cat control/deploy; chmod 644 control/deploy; touch -d 2001-01-01 control/deploy; "
             "cp -p README $HOME/x; touch -r $HOME/x control/deploy; touch -a control/deploy; exec 3>control/deploy")
    assert os.listdir(mount.path / "operations") == []


@pytest.mark.parametrize("script", ["touch control/deploy", "echo > control/deploy", "echo 1 > control/deploy",
                                    "printf ' 1 ' > control/deploy", "printf 1 | tee control/deploy",
                                    "busybox touch control/deploy", "dash -c 'echo > control/deploy'"])
def test_what_starts(mount, script):
    mount.configure()
    mount.ok(script)
    assert sorted(os.listdir(mount.path / "operations")) == ["1", "latest"]
    assert mount.read("operations/latest/name") == "deploy\n"


def test_unknown_commands_are_refused(mount):
    mount.configure()
    for word in ("2", "force", "x" * 1000, "a b"):
        done = mount.shell(f"echo {word} > control/deploy")
        assert done.returncode != 0 and "Invalid" in done.stderr, word
    assert os.listdir(mount.path / "operations") == []


def test_a_handle_that_wrote_reads_its_own_operation(mount):
    mount.configure()
    fd = os.open(mount.path / "control/deploy", os.O_RDWR)
    assert b"touch" in os.read(fd, 4096)
    os.write(fd, b"1\n")
    got = []
    thread = threading.Thread(target=lambda: got.append(read_errno(fd)))
    thread.start()
    mount.cancel()
    thread.join(10)
    os.close(fd)
    assert got == [5]


def read_errno(fd):
    try:
        return os.read(fd, 100)
    except OSError as e:
        return e.errno


def test_poll_tells_of_a_changed_state(mount):
    mount.deploy()
    until(lambda: mount.read("operations/latest/state") == "running\n", "the start")
    fd = os.open(mount.path / "operations/latest/state", os.O_RDONLY)
    os.read(fd, 100)
    poll = select.poll()
    poll.register(fd, select.POLLPRI)
    assert poll.poll(0) == []
    threading.Timer(0.05, mount.cancel).start()
    assert poll.poll(5000) == [(fd, select.POLLPRI | select.POLLERR)]
    assert poll.poll(0) != []  # until it is read
    assert os.pread(fd, 100, 0).decode() in ENDED
    assert poll.poll(0) == []
    poll.modify(fd, select.POLLIN)
    assert poll.poll(0) == [(fd, select.POLLIN)]
    os.close(fd)


def test_poll_on_result_waits_for_the_end(mount):
    fd = os.open(mount.deploy(), os.O_RDONLY)
    poll = select.poll()
    poll.register(fd, select.POLLIN)
    assert poll.poll(0) == []
    threading.Timer(0.05, mount.cancel).start()
    assert poll.poll(5000) == [(fd, select.POLLIN)]
    os.close(fd)


def test_before_any_query_the_result_is_empty(mount):
    assert mount.ok("cat lambda/result lambda/exit_code lambda/state lambda/query") == ""


def test_an_unasked_query_is_refused_without_settings(mount):
    done = mount.shell("echo x > lambda/query")
    assert done.returncode != 0 and "No such device or address" in done.stderr


def test_queries_are_numbered_and_kept(mount):
    mount.configure()
    mount.ok("echo one > lambda/query; printf two > lambda/query; printf 'three\\nand four\\n' > lambda/query")
    assert [mount.read(f"lambda/history/{n}/query") for n in (1, 2, 3)] == ["one\n", "two", "three\nand four\n"]
    assert mount.read("lambda/query") == "three\nand four\n"


def test_opening_a_query_alone_asks_nothing(mount):
    mount.configure()
    mount.ok(": > lambda/query; exec 3<>lambda/query; touch lambda/query; cat lambda/query")
    assert os.listdir(mount.path / "lambda/history") == []


def test_a_query_cut_short_is_not_run(mount):
    mount.configure()
    fd = os.open(mount.path / "lambda/query", os.O_WRONLY)
    os.write(fd, b"rm -r ")
    os.write(fd, b"/tmp/x")
    os.close(fd)
    assert mount.read("lambda/state") == "failed\n"
    assert "incomplete" in mount.read("lambda/error")


def test_limits_of_a_query(mount):
    mount.configure()
    with open(mount.path / "lambda/query", "wb", buffering=0) as f:
        with pytest.raises(OSError) as refused:
            f.write(b"a\0b")
        assert refused.value.errno == 22
    done = mount.shell("head -c 103000 /dev/zero | tr '\\0' x > lambda/query")
    assert "too large" in done.stderr.lower(), done
    assert os.listdir(mount.path / "lambda/history") == []


def test_another_write_before_the_answer_is_busy(mount):
    mount.configure()
    fd = os.open(mount.path / "lambda/query", os.O_RDWR)
    fcntl.fcntl(fd, fcntl.F_SETFL, 0)
    os.write(fd, b"sleep 1000\n")
    threading.Timer(0.2, lambda: mount.cancel("lambda")).start()
    assert read_errno(fd) == 5
    os.write(fd, b"another\n")
    os.close(fd)
    assert mount.read("lambda/query") == "another\n"


def test_write_while_another_process_waits_for_the_answer(mount):
    mount.configure()
    fd = os.open(mount.path / "lambda/query", os.O_RDWR)
    os.write(fd, b"sleep 1000\n")
    cat = subprocess.Popen(["cat"], stdin=fd, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    until(lambda: waits(cat.pid))
    with pytest.raises(OSError) as refused:
        os.write(fd, b"another\n")
    assert refused.value.errno == 16
    fate(cat, signal.SIGKILL)
    os.close(fd)


def test_a_query_is_there_when_its_file_is_closed(mount):
    """RELEASE comes before the next OPEN, however many others close files."""
    mount.configure()
    stop = threading.Event()

    def hammer():
        while not stop.is_set():
            os.close(os.open(mount.path / "status", os.O_RDONLY))

    threads = [threading.Thread(target=hammer) for _ in range(200)]
    for thread in threads:
        thread.start()
    try:
        out = mount.ok('for i in $(seq 60); do echo "true $i" > lambda/query; read -r q < lambda/query; '
                       'test "$q" = "true $i" || echo "$i got $q"; done')
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    assert out == ""


def test_no_request_is_left_and_nobody_is_in_d_state(mount):
    result = mount.deploy()
    cats = [reader(result) for _ in range(5)]
    assert all(process_state(cat.pid) == "S" for cat in cats)
    for cat in cats:
        fate(cat, signal.SIGKILL)
    if os.path.isdir("/sys/fs/fuse/connections"):
        device = os.minor(os.stat(mount.path).st_dev)
        waiting = f"/sys/fs/fuse/connections/{device}/waiting"
        if os.path.exists(waiting):
            until(lambda: open(waiting).read() == "0\n", "all requests to be answered")


def test_programs_known_to_sniff_see_an_empty_file(mount):
    result = mount.deploy()
    dolphin = mount.base / "dolphin"
    dolphin.write_bytes(open("/bin/cat", "rb").read())
    dolphin.chmod(0o755)
    assert subprocess.run([dolphin, result], capture_output=True, timeout=60, check=True).stdout == b""
