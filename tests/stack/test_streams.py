# SPDX-License-Identifier: BSD-3-Clause
"""Results that are read while their command prints, of any size; and what becomes of those that do not come whole."""

import hashlib
import mmap
import os
import resource
import subprocess
import threading
import time

import pytest

from conftest import Tree, until

INVOKE = "lambda:InvokeWithResponseStream"
#: prints as many MB of lines whose bytes depend on their place
MEGABYTES = """awk 'BEGIN {{ for (i = 0; i < 65536 * {}; i++) printf "%015d\\n", i }}'"""
MEGABYTE = MEGABYTES.format(1)
#: prints numbers at random, the same ones each time, that are about 1 MB when they are compressed
NUMBERS = """awk 'BEGIN { x = 1; for (i = 0; i < 220000; i++) { x = x * 16807 % 2147483647; printf "%010d\\n", x } }'"""


def megabytes(n):
    return "".join(f"{i:015d}\n" for i in range(65536 * n)).encode()


def numbers():
    x, lines = 1, []
    for _ in range(220000):
        x = x * 16807 % 2147483647
        lines.append(b"%010d\n" % x)
    return b"".join(lines)


@pytest.fixture(scope="module")
def stack(cloud, tmp_path_factory):
    """One stack for all tests of this file; the results' directory is the tests' own."""
    tree = Tree(cloud, tmp_path_factory.mktemp("streams")).mount()
    tree.configure()
    tree.operate("deploy")
    yield tree
    tree.operate("destroy", "purge")
    tree.unmount()


@pytest.fixture
def second(stack, cloud, tmp_path):
    """Another mount of the same stack: what it learns is its own."""
    tree = Tree(cloud, tmp_path)
    tree.number, tree.stage, tree.name = stack.number, stack.stage, stack.name
    tree.mount().configure()
    yield tree
    tree.unmount()


def start(tree, command):
    tree.write("lambda/query", command + "\n")


def reader(tree, *argv):
    return subprocess.Popen(argv, cwd=tree.path, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def rest(process, deadline=60):
    out, err = process.communicate(timeout=deadline)
    return process.returncode, out, err


# -- while it grows ---------------------------------------------------------------------------------------------------

def test_cat_prints_as_it_comes(stack):
    start(stack, "echo first; sleep 2; echo second")
    cat = reader(stack, "cat", "lambda/result")
    assert cat.stdout.readline() == b"first\n"
    assert stack.value("lambda/state") == "running"
    assert rest(cat) == (0, b"second\n", b"")


def test_a_shell_reads_line_by_line(stack):
    start(stack, "echo 1; sleep 1; echo 2; echo 3")
    assert stack.bash("while read -r l; do echo \"<$l>\"; done < lambda/result") == "<1>\n<2>\n<3>\n"


def test_its_own_answer_over_one_open_file_streams_too(stack):
    with open(stack.path / "lambda/query", "r+b", buffering=0) as f:
        f.write(b"echo first; sleep 1; echo second\n")
        assert f.read(65536) == b"first\n"
        assert stack.value("lambda/state") == "running"
        assert f.read(65536) == b"second\n"
        assert f.read(65536) == b""


def test_each_reader_gets_all_of_it(stack):
    start(stack, f"{MEGABYTE}; sleep 1; {MEGABYTE}")
    readers = [reader(stack, "cat", "lambda/result") for _ in range(4)]
    assert all(rest(r) == (0, megabytes(1) * 2, b"") for r in readers)


def test_readers_of_one_open_file_share_it(stack):
    start(stack, f"{MEGABYTE}; sleep 1; {MEGABYTE}")
    with open(stack.path / "lambda/result", "rb", buffering=0) as f:
        readers = [subprocess.Popen(["cat"], stdin=f, stdout=subprocess.PIPE) for _ in range(3)]
    pieces = [[] for _ in readers]
    threads = [threading.Thread(target=lambda r=r, p=p: p.append(r.communicate(timeout=60)[0]))
               for r, p in zip(readers, pieces)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert sum(len(p[0]) for p in pieces) == len(megabytes(2))


def test_size_is_zero_in_flight_and_true_afterwards(stack):
    start(stack, "echo first; sleep 1; echo second")
    cat = reader(stack, "cat", "lambda/result")
    assert cat.stdout.readline() == b"first\n"
    assert (stack.path / "lambda/result").stat().st_size == 0
    rest(cat)
    assert (stack.path / "lambda/result").stat().st_size == len("first\nsecond\n")


def test_stderr_is_there_at_once(stack):
    start(stack, "echo warning >&2; sleep 2; echo more >&2")
    number = max(map(int, os.listdir(stack.path / "lambda/history")))
    tail = reader(stack, "tail", "-n", "+1", "-s", "0.05", "-f", f"lambda/history/{number}/lambda.log")
    try:
        while b"warning" not in tail.stdout.readline():
            pass
        assert stack.value("lambda/state") == "running"
        assert stack.read("lambda/stderr") == "warning\n"
    finally:
        tail.kill()
        tail.communicate()
    assert stack.bash("cat lambda/result; cat lambda/stderr") == "warning\nmore\n"
    assert stack.read(f"lambda/history/{number}/lambda.log").count("warning") == 1


def test_the_log_has_lambdas_own_lines_once(stack):
    stack.query("echo to the log >&2")
    number = max(map(int, os.listdir(stack.path / "lambda/history")))
    log = stack.read(f"lambda/history/{number}/lambda.log")
    assert log.count("to the log") == 1
    assert log.count("REPORT RequestId: " + stack.value("lambda/request_id")) == 1


def test_a_reader_that_leaves_does_not_end_it(stack):
    start(stack, "echo first; sleep 1; echo second")
    cat = reader(stack, "cat", "lambda/result")
    assert cat.stdout.readline() == b"first\n"
    cat.kill()
    cat.communicate()
    assert stack.bash("cat lambda/result") == "first\nsecond\n"


def test_cancel_leaves_what_was_printed_and_an_error(stack):
    start(stack, "echo first; sleep 5")
    cat = reader(stack, "cat", "lambda/result")
    assert cat.stdout.readline() == b"first\n"
    stack.bash("touch lambda/cancel")
    assert rest(cat)[0] == 1
    assert stack.value("lambda/state") == "cancelled"
    done = stack.bash("cat lambda/result", check=False)
    assert (done.returncode, done.stdout) == (1, b"first\n")


def test_a_byte_is_read_within_200_ms(stack):
    """Of several: the machine may be busy, vastfs and the runtime have no excuse. Both read the same clock."""
    start(stack, "for i in 1 2 3 4 5 6; do cut -d ' ' -f 1 /proc/uptime; sleep 0.4; done")
    with (stack.path / "lambda/result").open("rb", buffering=0) as result:
        took = [-float(result.read(100)) + time.clock_gettime(time.CLOCK_BOOTTIME) for _ in range(6)]
    assert min(took) < 0.2, took


# -- of any size ------------------------------------------------------------------------------------------------------

def test_large_results_are_exact(stack):
    start(stack, MEGABYTES.format(24))
    assert hashlib.sha256(stack.bash("cat lambda/result", deadline=60).encode()).digest() == \
        hashlib.sha256(megabytes(24)).digest()
    assert (stack.path / "lambda/result").stat().st_size == 24 << 20
    assert stack.value("lambda/exit_code") == "0"


def test_a_large_result_can_be_read_anywhere(stack):
    stack.query(MEGABYTES.format(3))
    whole = megabytes(3)
    assert stack.bash("tail -c 100 lambda/result").encode() == whole[-100:]
    assert stack.bash("dd if=lambda/result bs=1000 skip=2000 count=1 status=none").encode() == whole[2000000:2001000]
    assert stack.bash("cp lambda/result $XDG_STATE_HOME/copy && sha256sum < $XDG_STATE_HOME/copy").split()[0] == \
        hashlib.sha256(whole).hexdigest()


def test_large_results_leave_no_file(stack):
    stack.query(MEGABYTES.format(2))
    cache = os.path.join(stack.env["XDG_CACHE_HOME"], "vastfs")
    held = [os.readlink(f"/proc/{stack.process.pid}/fd/{fd}") for fd in os.listdir(f"/proc/{stack.process.pid}/fd")]
    assert any(path.startswith(cache) and path.endswith("(deleted)") for path in held)
    assert os.listdir(cache) == []


def test_stderr_over_its_limit_is_cut_in_words(stack):
    stack.query(f"( {MEGABYTES.format(18)} ) >&2")
    text = (stack.path / "lambda/stderr").read_bytes()
    assert text[:16 << 20] == megabytes(16)
    assert text[16 << 20:].decode().strip() == \
        "vast-lambda-runtime: stderr is longer than 16 MiB; the rest of it is only in the log"
    assert stack.value("lambda/state") == "succeeded"


def test_a_result_over_the_limit_is_an_error(second):
    second.configure(lambda_result_limit=2)
    start(second, MEGABYTES.format(3))
    done = second.bash("cat lambda/result", check=False)
    assert done.returncode == 1
    assert megabytes(2).startswith(done.stdout)
    assert "more than 2 MB" in second.read("lambda/error")
    assert "lambda_result_limit" in second.read("lambda/error")
    assert second.query(MEGABYTES.format(2)) == megabytes(2)


def test_what_was_compressed_well_is_limited_too(second):
    second.configure(lambda_result_limit=2)
    start(second, "head -c 3000000000 /dev/zero")
    done = second.bash("cat lambda/result", check=False)
    assert done.returncode == 1 and len(done.stdout) <= 2 << 20
    assert "more than 2 MB" in second.read("lambda/error")


def test_more_than_lambda_streams_comes_compressed(second):
    """The sandbox refuses a response of more than 200 MB, as AWS does."""
    second.configure(lambda_result_limit=300)
    start(second, "yes 0123456789abcde | head -c 250000000")
    assert second.bash("wc -c < lambda/result").strip() == "250000000"
    assert second.value("lambda/exit_code") == "0"


@pytest.mark.parametrize("value", ["0", "10241", "-1", "many", "1.5"])
def test_a_limit_that_makes_no_sense_is_refused(second, value):
    with pytest.raises(OSError):
        second.write("config/default.env", second.settings(lambda_result_limit=value))
    assert "lambda_result_limit" in second.read("error")


def test_a_full_disk_is_an_error_of_that_query_alone(second):
    resource.prlimit(second.process.pid, resource.RLIMIT_FSIZE, (3 << 20, resource.RLIM_INFINITY))
    start(second, MEGABYTES.format(5))
    done = second.bash("cat lambda/result", check=False)
    assert done.returncode == 1
    assert megabytes(3).startswith(done.stdout) and len(done.stdout) >= 1 << 20
    assert "cannot store the result" in second.read("lambda/error") and "XDG_CACHE_HOME" in second.read("lambda/error")
    assert second.query("echo small") == b"small\n"
    assert second.query(MEGABYTES.format(2)) == megabytes(2)


def test_no_place_for_large_results(second):
    cache = os.path.join(second.env["XDG_CACHE_HOME"], "vastfs")
    os.rename(cache, cache + ".away")
    start(second, MEGABYTES.format(2))
    assert second.bash("cat lambda/result", check=False).returncode == 1
    assert "No such file or directory" in second.read("lambda/error")
    os.rename(cache + ".away", cache)
    assert second.query(MEGABYTES.format(2)) == megabytes(2)


# -- cut short --------------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("framed", [False, True])
@pytest.mark.parametrize("size", [1, 11, 12, 100, 65536, 700001])
def test_a_stream_cut_short_is_never_taken_for_whole(stack, cloud, size, framed):
    before = cloud.calls(INVOKE)
    cloud.fault(INVOKE, "cut_stream", bytes=size, framed=framed, count=1)
    start(stack, NUMBERS)
    done = stack.bash("cat lambda/result", check=False)
    assert done.returncode == 1
    assert numbers().startswith(done.stdout)
    assert stack.value("lambda/state") == "failed"
    assert "cut short" in stack.read("lambda/error") or "not an event stream" in stack.read("lambda/error")
    assert stack.bash("cat lambda/result", check=False).returncode == 1
    assert cloud.calls(INVOKE) == before + 1


def test_what_the_end_mark_has_proved_is_a_result(stack, cloud):
    """Lambda's last word, with the end of its log, comes after all that was printed."""
    cloud.fault(INVOKE, "truncate", count=1)
    assert stack.query("echo x") == b"x\n"


@pytest.mark.parametrize("at", [0, 9, 60, 5000, 500000])
def test_a_damaged_stream_is_an_error(stack, cloud, at):
    cloud.fault(INVOKE, "damage", at=at, count=1)
    start(stack, NUMBERS)
    assert stack.bash("cat lambda/result", check=False).returncode == 1
    assert stack.value("lambda/state") == "failed"
    assert stack.read("lambda/error").strip()


def test_a_runtime_that_dies_in_the_middle(stack):
    start(stack, "echo first; sleep 0.3; kill -9 $PPID")
    done = stack.bash("cat lambda/result", check=False)
    assert (done.returncode, done.stdout) == (1, b"first\n")
    assert stack.value("lambda/state") == "failed"
    assert "cut short after 6 bytes" in stack.read("lambda/error")


def test_killed_vastfs_leaves_nothing_behind(cloud, stack, tmp_path):
    tree = Tree(cloud, tmp_path)
    tree.number, tree.stage, tree.name = stack.number, stack.stage, stack.name
    tree.mount().configure()
    tree.query(MEGABYTES.format(2))
    tree.kill()
    assert os.listdir(os.path.join(tree.env["XDG_CACHE_HOME"], "vastfs")) == []
    tree.mount()
    assert tree.query("echo again") == b"again\n"
    tree.unmount()


# -- where nothing is streamed ----------------------------------------------------------------------------------------

@pytest.mark.parametrize("reply", [{"status": 404, "code": "UnknownOperationException", "message": "Unknown operation"},
                                   {"kind": "html404"},
                                   {"status": 400, "code": "ValidationException", "message": "Not in this Region"},
                                   {"status": 403, "code": "AccessDeniedException", "message": "not authorized"}])
def test_where_nothing_is_streamed_it_comes_in_one_piece(second, cloud, reply):
    cloud.fault(INVOKE, reply.pop("kind", "error"), **reply)
    try:
        before = cloud.calls(INVOKE)
        assert second.query("echo one; echo two >&2; exit 3") == b"one\n"
        assert second.value("lambda/exit_code") == "3"
        assert second.read("lambda/stderr") == "two\n"
        assert second.query("echo again") == b"again\n"
        assert cloud.calls(INVOKE) == before + 1, "what is known is not asked again"
        done = second.bash("echo 'head -c 8000000 /dev/zero' > lambda/query; cat lambda/result", check=False)
        assert done.returncode == 1
        assert "ResultTooLarge" in second.read("lambda/error")
    finally:
        cloud.control("DELETE", "faults")


def test_what_a_stream_was_refused_for_may_hold_for_a_plain_request_too(second, cloud):
    """Then nothing is remembered: the next query asks for a stream again."""
    refusal = {"status": 403, "code": "AccessDeniedException", "message": "not authorized", "count": 1}
    cloud.fault(INVOKE, "error", **refusal)
    cloud.fault("lambda:Invoke", "error", **refusal)
    before = cloud.calls(INVOKE), cloud.calls("lambda:Invoke")
    assert second.bash("echo 'echo x' > lambda/query; cat lambda/result", check=False).returncode == 1
    assert "not authorized" in second.read("lambda/error")
    assert second.query("echo x") == b"x\n"
    assert (cloud.calls(INVOKE), cloud.calls("lambda:Invoke")) == (before[0] + 2, before[1] + 1)


@pytest.mark.parametrize("status", [500, 502, 504])
def test_what_may_have_run_is_not_sent_as_a_plain_request(second, cloud, status):
    before = cloud.calls("lambda:Invoke")
    cloud.fault(INVOKE, "error", status=status, code="ServiceException", message="Service error", count=1)
    assert second.bash("echo 'echo x' > lambda/query; cat lambda/result", check=False).returncode == 1
    assert cloud.calls("lambda:Invoke") == before


def test_a_function_that_is_gone_is_no_reason_to_ask_again(second, cloud):
    before = cloud.calls("lambda:Invoke")
    cloud.fault(INVOKE, "error", status=404, code="ResourceNotFoundException", message="Function not found", count=1)
    assert second.bash("echo 'echo x' > lambda/query; cat lambda/result", check=False).returncode == 1
    assert "Function not found" in second.read("lambda/error")
    assert cloud.calls("lambda:Invoke") == before


#: what the kernel asks for at once, less where the buffer begins in its page
PART = (1 << 20) - 100


@pytest.mark.parametrize("more", [0, 100, 300000])
def test_a_large_read_comes_in_parts(stack, more):
    """A buffer of a megabyte that does not begin with a page: the second part goes on where the first ended, and does
    not wait for what has not come."""
    length = PART + more
    with open(stack.path / "lambda/query", "r+b", buffering=0) as f:
        f.write(f"{MEGABYTES.format(2)} | head -c {length + 16}; sleep 1000\n".replace("{{", "{").replace("}}", "}").encode())
        assert f.read(16) == megabytes(1)[:16]
        with open(stack.path / "lambda/result", "rb", buffering=0) as other:  # until all is there
            left = length + 16
            while left:
                left -= len(other.read(65536))
        with mmap.mmap(-1, 3 << 20) as memory, memoryview(memory)[100:100 + (1 << 20)] as view:
            got = os.readv(f.fileno(), [view])
            assert got == min(length, 1 << 20)
            assert bytes(view[:got]) == megabytes(2)[16:16 + got]
        stack.write("lambda/cancel", "1")
