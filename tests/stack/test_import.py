# SPDX-License-Identifier: BSD-3-Clause
"""Events written into import/: cut, delivered, acknowledged."""

import contextlib
import errno
import gzip
import json
import os
import re
import struct
import subprocess

import pytest
from conftest import until

INVOKE = "lambda:Invoke"

pytestmark = pytest.mark.usefixtures("fresh_engine")


def outcome(text):
    return dict(line.split(" ", 1) for line in text.splitlines())


def put(stack, kind, data):
    """Imports data over one open file; its outcome."""
    with open(stack.path / "import" / kind, "r+b", buffering=0) as f:
        assert f.write(data) == len(data)
        return outcome(b"".join(iter(lambda: f.read(65536), b"")).decode())


def events(n, first=0):
    return [json.dumps({"event_type": "flow", "n": i}).encode() for i in range(first, first + n)]


def test_cat_and_the_outcome(stack, engine):
    sent = events(100)
    (stack.base / "eve.json").write_bytes(b"\n".join(sent) + b"\n")
    result = outcome(stack.bash(f"cat {stack.base}/eve.json > import/suricata && cat import/result"))
    assert (result["events"], result["delivered"], result["rejected"]) == ("100", "100", "0")
    assert result["possible_duplicates"] == "0"
    assert engine.lines == sent and engine.batches[0][0] == "suricata"
    assert stack.value("import/state") == "succeeded" and stack.value("import/exit_code") == "0"
    number = max(map(int, os.listdir(stack.path / "import/history")))
    assert stack.value(f"import/history/{number}/format") == "suricata"
    assert "batch 1: 100 events" in stack.read(f"import/history/{number}/import.log")
    assert "import idle" in stack.read("status")


def test_the_shell_idiom_reads_its_own_outcome(stack, engine):
    (stack.base / "two.json").write_bytes(b'{"a":1}\n{"a":2}\n')
    for shell in ("bash", "dash"):
        said = stack.bash(f"exec 3<>import/json; cat {stack.base}/two.json >&3; cat <&3; "
                          f"cat {stack.base}/two.json >&3; cat <&3", shell=shell)
        assert said.count("events 2\ndelivered 2\n") == 2
    assert len(engine.lines) == 8


@pytest.mark.parametrize("way", ["cp {} import/json", "tee import/json < {} > /dev/null", "dd if={} of=import/json status=none",
                                 "cat {} >> import/json", "gzip -c {} > import/json", "cp {}.gz import/json"])
def test_programs_that_write(stack, engine, way):
    sent = events(5000)
    source = stack.base / "source"
    source.write_bytes(b"\n".join(sent) + b"\n")
    (stack.base / "source.gz").write_bytes(gzip.compress(source.read_bytes()))
    stack.bash(way.format(source))
    assert outcome(stack.bash("cat import/result"))["delivered"] == "5000"
    assert engine.lines == sent


def test_headers_are_repeated_in_each_batch(stack, engine):
    header = b"#separator \\x09\n#fields\tts\tuid\n"
    with open(stack.path / "import/zeek-tsv", "wb", buffering=0) as f:
        f.write(header + b"1\ta\n")
        os.fsync(f.fileno())
        f.write(b"2\tb\n")
        os.fsync(f.fileno())
        f.write(b"#separator \\x09\n#fields\tts\n3\n")
    assert outcome(stack.bash("cat import/result"))["events"] == "3"
    assert sorted(data for _, data in engine.batches) == sorted([
        header + b"1\ta\n", header + b"2\tb\n", b"#separator \\x09\n#fields\tts\n3\n"])


def test_csv_and_pcap(stack, engine):
    assert put(stack, "csv", b"a,b\n1,\"x\ny\"\n2,z")["events"] == "2"
    assert engine.batches == [("csv", b"a,b\n1,\"x\ny\"\n2,z\n")]
    capture = struct.pack(">IHHIIII", 0xa1b2c3d4, 2, 4, 0, 0, 65535, 1) + struct.pack(">IIII", 1, 2, 3, 3) + b"abc"
    assert put(stack, "pcap", capture * 2)["events"] == "2"
    assert engine.batches[1] == ("pcap", capture + capture[24:])


def test_the_command_gets_the_engines_names(stack, engine):
    header = b"#separator \\x09\n#fields\tts\n"
    for kind, name in (("zeek-tsv", "zeek"), ("ndjson", "json"), ("leef", "leef"), ("unheard-of", "unheard-of")):
        put(stack, kind, header + b"1\n")
        assert engine.batches[-1][0] == name
    assert "$format=zeek (VAST's name) and $reader=zeek_tsv (Tenzir's name)" in stack.read("import/zeek-tsv")


def test_any_other_format_is_delivered_whole(stack, engine):
    data = bytes(range(256)) * 100
    assert put(stack, "arrow-ipc.v1", data)["delivered"] == "0"
    assert engine.batches == [("arrow-ipc.v1", data)]
    assert stack.value("import/state") == "succeeded"
    with pytest.raises(OSError) as refused:
        with open(stack.path / "import/arrow", "wb", buffering=0) as f:
            for _ in range(100):
                f.write(os.urandom(100_000))
            os.fsync(f.fileno())
    assert refused.value.errno == errno.EFBIG
    assert "an import of it is one batch of at most 4.5 MB" in stack.read("error")
    assert len(engine.batches) == 1


def test_names_that_are_no_formats(stack):
    for name in (".hidden", "Upper", "a b"):
        with pytest.raises(OSError) as refused:
            open(stack.path / "import" / name, "wb").close()
        assert refused.value.errno == errno.EPERM
    assert re.search('path=import/Upper errno=EPERM what="this is no name of a format', stack.read("error"))
    assert stack.bash("mkdir import/new", check=False).returncode != 0
    (stack.base / "folder").mkdir()
    assert stack.bash(f"cp -r {stack.base}/folder import/", check=False).returncode != 0
    assert "Suricata" in stack.read("import/suricata")


def test_nothing_written_is_no_import(stack):
    before = os.listdir(stack.path / "import/history")
    stack.bash(f": > import/json; touch import/json; cp /dev/null import/json")
    assert os.listdir(stack.path / "import/history") == before


def test_the_last_line(stack, engine):
    assert put(stack, "json", b'{"a":1}\n{"b":2}')["events"] == "2"
    result = put(stack, "json", b'{"a":3}\n{"b":')
    assert (result["delivered"], result["rejected"]) == ("1", "1")
    assert engine.lines == [b'{"a":1}', b'{"b":2}', b'{"a":3}']
    assert "line 2 was rejected: the last line is incomplete" in stack.read("import/error")
    number = max(map(int, os.listdir(stack.path / "import/history")))
    assert stack.read(f"import/history/{number}/rejected") == '{"b":'
    assert stack.value("import/exit_code") == "1" and stack.value("import/state") == "failed"


def test_a_line_of_10_mb(stack, engine):
    result = put(stack, "suricata", b'{"a":1}\n' + b"x" * (10 << 20) + b'\n{"a":3}\n')
    assert (result["delivered"], result["rejected"]) == ("2", "1")
    assert "line 2 was rejected: a line of more than 4 MB" in stack.read("import/error")
    assert sorted(engine.lines) == [b'{"a":1}', b'{"a":3}']
    number = max(map(int, os.listdir(stack.path / "import/history")))
    assert (stack.path / f"import/history/{number}/rejected").read_bytes() == b"x" * (10 << 20) + b"\n"


def test_a_line_that_no_invocation_takes_is_not_kept(stack, engine):
    result = put(stack, "suricata", b'{"a":1}\n' + os.urandom(8 << 20).replace(b"\n", b"x") + b'\n{"a":3}\n')
    assert (result["delivered"], result["rejected"]) == ("2", "1")
    assert "line 2 was rejected and not kept: it is larger than one invocation takes" in stack.read("import/error")


def test_content_that_cannot_be_imported(stack, engine):
    for data, words in (('{"a":1}\n'.encode("utf-16"), "UTF-16"), (gzip.compress(b'{"a":1}\n' * 100)[:-9], "cut short")):
        with contextlib.suppress(OSError):
            put(stack, "suricata", data)
        until(lambda: stack.value("import/state") == "failed", "the end")
        assert words in stack.read("import/error") and "remedy: " in stack.read("import/error")
    with pytest.raises(OSError) as refused:
        with open(stack.path / "import/pcap", "wb", buffering=0) as f:
            f.write(b"this is no capture at all")
            os.fsync(f.fileno())
    assert refused.value.errno == errno.EINVAL


def test_crlf_and_binary_pass_through(stack, engine):
    noise = os.urandom(20_000).replace(b"\0", b"x")
    noise = b"ab" + noise + b"\n"
    put(stack, "suricata", b'{"a":1}\r\n')
    put(stack, "suricata", noise)
    assert [data for _, data in engine.batches] == [b'{"a":1}\r\n', noise]


def test_what_the_command_rejects_is_kept(stack, engine):
    engine.judge = lambda kind, data: (3, "no such schema") if b"bad" in data else (0, "")
    result = put(stack, "json", b'{"bad":1}\n{"bad":2}\n')
    assert (result["delivered"], result["rejected"]) == ("0", "2")
    assert stack.value("import/exit_code") == "3"
    assert "no such schema" in stack.read("import/error")
    number = max(map(int, os.listdir(stack.path / "import/history")))
    entry = f"import/history/{number}"
    assert stack.read(f"{entry}/rejected") == '{"bad":1}\n{"bad":2}\n'
    assert os.stat(stack.path / entry / "rejected").st_size == 20
    assert "no such schema" in stack.read(f"{entry}/import.log")
    engine.judge = lambda kind, data: (0, "")
    stack.bash(f"touch {entry}/retry")
    until(lambda: engine.lines == [b'{"bad":1}', b'{"bad":2}'], "the second attempt")
    until(lambda: stack.read(f"{entry}/rejected") == "", "the end of the copy")
    assert stack.bash(f"touch {entry}/retry", check=False).returncode != 0
    stack.bash(f"rm -r {entry}")
    assert str(number) not in os.listdir(stack.path / "import/history")


def test_an_entry_that_is_removed_deletes_what_it_keeps(stack, engine):
    engine.judge = lambda kind, data: (1, "")
    put(stack, "json", b'{"bad":1}\n')
    spool = next(p for p in (stack.base / "state").rglob("spool"))
    number = max(map(int, os.listdir(stack.path / "import/history")))
    assert list(spool.glob(f"{number:010}-*.rejected"))
    stack.bash(f"rm -r import/history/{number}")
    until(lambda: not list(spool.glob(f"{number:010}-*")), "its removal")


@pytest.mark.parametrize("kind", ["drop_after", "error500", "html503", "garbage"])
def test_a_lost_answer_is_told(stack, engine, cloud, kind):
    cloud.fault(INVOKE, kind, count=1)
    result = put(stack, "json", b'{"a":1}\n{"a":2}\n')
    assert result["delivered"] == "2"
    assert result["possible_duplicates"] == "2 (batches 1)"
    assert set(engine.lines) == {b'{"a":1}', b'{"a":2}'}


def test_throttling_only_takes_longer(stack, engine, cloud):
    cloud.fault(INVOKE, "error", status=429, code="TooManyRequestsException", message="Rate exceeded", count=2)
    result = put(stack, "json", b'{"a":1}\n')
    assert (result["delivered"], result["possible_duplicates"]) == ("1", "0")
    assert engine.lines == [b'{"a":1}']


def test_several_writers_at_once(stack, engine):
    writers = [subprocess.Popen(["bash", "-c", f"for i in $(seq 200); do echo '{{\"w\":{n},\"i\":'$i'}}'; done > import/json"],
                                cwd=stack.path) for n in range(10)]
    assert [w.wait(60) for w in writers] == [0] * 10
    until(lambda: len(engine.lines) == 2000, "all events")
    assert len(set(engine.lines)) == 2000


def test_an_endless_writer_is_delivered_every_second(stack, engine):
    with open(stack.path / "import/json", "wb", buffering=0) as f:
        for n in range(3):
            f.write(b'{"n":%d}\n' % n)
            until(lambda: len(engine.lines) == n + 1, "a batch of an open import")


def test_a_command_that_does_not_read_leaves_a_warning(cloud, stack, engine):
    settings = stack.read("config/default.env")
    stack.write("config/default.env", "".join(line for line in settings.splitlines(True) if not line.startswith("import_command"))
                + "import_command=exec <&-\n")
    try:
        assert put(stack, "json", b'{"a":"%s"}\n' % (b"x" * 1_000_000))["delivered"] == "1"
        assert "before it had read all events" in stack.read("import/error")
    finally:
        stack.write("config/default.env", settings)


def test_the_history_has_the_last_imports(stack, engine):
    settings = stack.read("config/default.env")
    stack.write("config/default.env", settings + "history_keep=2\n")
    try:
        for n in range(5):
            put(stack, "json", b'{"a":%d}\n' % n)
        # An entry may be removed between its listing and its read.
        until(lambda: int(stack.bash("cat import/history/*/state 2> /dev/null | grep -c succeeded")) <= 2, "the trimming")
    finally:
        stack.write("config/default.env", settings)


def imports_while_two_wait(stack, engine, lines):
    """Imports each line while two invocations do not end; the new entries of the history."""
    before = set(os.listdir(stack.path / "import/history"))
    engine.open.clear()
    try:
        for n in range(2):
            (stack.path / "import/json").write_bytes(b'{"first":%d}\n' % n)
            until(lambda: sum("running" in stack.value(f"import/history/{i}/state") for i in set(os.listdir(stack.path / "import/history")) - before) > n,
                  "an invocation")
        for line in lines:
            (stack.path / "import/json").write_bytes(line + b"\n")
    finally:
        engine.open.set()
    return sorted(set(os.listdir(stack.path / "import/history")) - before, key=int)[2:]


def test_small_imports_share_an_invocation(stack, engine):
    lines = [b'{"a":%d}' % n for n in range(20)]
    entries = imports_while_two_wait(stack, engine, lines)
    for number in entries:
        result = outcome(stack.bash(f"cat import/history/{number}/result"))
        assert (result["events"], result["delivered"], result["possible_duplicates"]) == ("1", "1", "0")
    assert len(engine.attempts) == 3 and sorted(engine.batches[2][1].splitlines()) == sorted(lines)
    assert "the command got 20 batches of small imports together" in stack.read(f"import/history/{entries[7]}/import.log")


def test_a_bad_import_rejects_no_neighbour(stack, engine):
    engine.judge = lambda kind, data: (3, "bad") if b"bad" in data else (0, "")
    lines = [b'{"a":%d}' % n for n in range(5)] + [b'{"bad":1}'] + [b'{"a":%d}' % n for n in range(5, 9)]
    entries = imports_while_two_wait(stack, engine, lines)
    for number, line in zip(entries, lines):
        result = outcome(stack.bash(f"cat import/history/{number}/result"))
        if line == b'{"bad":1}':
            assert result["rejected"] == "1"
            assert stack.value(f"import/history/{number}/exit_code") == "3"
            assert stack.read(f"import/history/{number}/rejected") == '{"bad":1}\n'
        else:
            assert (result["delivered"], result["rejected"]) == ("1", "0")
            assert result["possible_duplicates"] == "1 (batches 1)"  # the shared attempt may have delivered it
    assert {line for line in engine.lines if b"first" not in line} == set(lines) - {b'{"bad":1}'}
    assert len(engine.attempts) == 2 + 1 + 10


def test_imports_that_need_a_header_share_nothing(stack, engine):
    files = {b"a,b\n%d,2\n" % n for n in range(6)}
    engine.open.clear()
    for data in files:
        (stack.path / "import/csv").write_bytes(data)
    engine.open.set()
    until(lambda: len(engine.batches) == 6, "all batches")
    assert {data for _, data in engine.batches} == files


def test_cancel(stack, engine):
    engine.open.clear()
    with open(stack.path / "import/json", "wb", buffering=0) as f:
        f.write(b'{"a":1}\n')
    stack.bash("touch import/cancel")
    engine.open.set()
    assert stack.bash("cat import/exit_code") == "1\n"
    assert stack.value("import/state") == "cancelled"


def test_a_writer_that_is_ahead_waits_and_can_be_killed(stack, engine):
    """Nothing is delivered, and the spool takes a gigabyte; the noise is there sooner than it is packed."""
    writer = subprocess.Popen(["bash", "-c", "exec head -c 40000000 /dev/urandom > import/syslog"], cwd=stack.path)
    writer.kill()
    assert writer.wait(60) == -9
    stack.bash("touch import/cancel; cat import/exit_code > /dev/null")
