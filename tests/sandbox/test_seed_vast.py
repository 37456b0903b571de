# SPDX-License-Identifier: BSD-3-Clause
"""The sandbox's vast command, and the engine."""

import os
import subprocess

import pytest
from conftest import ROOT, until
from run_support import Server
from vastfs_sandbox.seed import engine

VAST = ROOT / "contrib/sandbox/vast"
SHELLS = (["dash"], ["busybox", "sh"])
FAKE = '#!/bin/sh\necho "$TENZIR_ENDPOINT $TENZIR_CONNECTION_TIMEOUT ${0##*/} $*"\n'
EVENT = (
    '{"timestamp":"2021-11-17T13:32:43.237882+0000","flow_id":1,"event_type":"alert",'
    '"src_ip":"147.32.84.165","src_port":1,"dest_ip":"1.2.3.4","dest_port":80,'
    '"proto":"TCP","alert":{"signature_id":2,"severity":1}}'
)


@pytest.fixture(params=SHELLS, ids=lambda shell: shell[0])
def vast(request, tmp_path):
    """The command, with an engine that prints its arguments."""
    (tmp_path / "vast").symlink_to(VAST)
    for name in ("tenzir", "tenzir-node"):
        (tmp_path / name).write_text(FAKE)
        (tmp_path / name).chmod(0o755)

    def run(*arguments, **environment):
        return subprocess.run(
            [*request.param, str(tmp_path / "vast"), *arguments],
            env={"PATH": os.environ["PATH"], **environment},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
        )

    return run


@pytest.mark.parametrize(
    "words, pipeline",
    [
        ("import suricata", "from_stdin { read_suricata } | import"),
        ("import zeek", "from_stdin { read_zeek_tsv } | import"),
        ("count", "export | summarize n=count() | write_lines"),
        ("export json", "export | write_ndjson strip_null_fields=true"),
        ("export csv -n 3", "export | head 3 | write_csv"),
        ("version", "version | write_json"),
    ],
)
def test_a_command_is_a_pipeline(vast, words, pipeline):
    reply = vast("-e", "127.1.2.3:42000", *words.split())
    assert reply.stdout == f"127.1.2.3:42000 10s tenzir {pipeline}\n"
    assert reply.returncode == 0


def test_an_expression_is_translated(vast):
    reply = vast("export", "json", '#type == "suricata.alert" && src_port == 1')
    wanted = 'where @name == "suricata.alert"  and  src_port == 1 | write_ndjson '
    assert f"tenzir export | {wanted}" in reply.stdout


def test_where_the_server_is(vast):
    assert vast("count").stdout.startswith("127.0.0.1:42000 ")
    both = {"VAST_ENDPOINT": "127.1.1.1:1", "TENZIR_ENDPOINT": "127.1.1.1:2"}
    assert vast("count", **both).stdout.startswith("127.1.1.1:1 ")


def test_a_server_has_its_own_address(vast, tmp_path):
    reply = vast(
        *("-e", "0.0.0.0:42000", "start"),
        VASTFS_SANDBOX_ADDRESS="127.1.2.3",
        VASTFS_SANDBOX_STORAGE="/data",
    )
    assert "--endpoint=127.1.2.3:42000 --state-directory=/data" in reply.stdout


@pytest.mark.parametrize("words", ["", "frob", "import frob", "export", "-x count"])
def test_wrong_words(vast, words):
    reply = vast(*words.split())
    assert reply.returncode == 2 and reply.stderr and not reply.stdout


def test_without_an_engine(tmp_path):
    reply = subprocess.run([VAST, "status"], capture_output=True, text=True)
    assert reply.returncode == 127
    assert "no engine" in reply.stderr


def test_a_server_without_an_engine_fails_visibly(tmp_path):
    server = Server(tmp_path)
    server.cluster()
    arn = server.define("exec vast -e 0.0.0.0:42000 start")
    task = server.arrives(server.run(arn), "STOPPED")
    assert task["containers"][0]["exitCode"] == 127
    assert "no engine" in server.lines(task)[0]
    server.end()


@pytest.mark.skipif(not engine.installed(), reason="no engine: contrib/setup")
def test_a_real_server(tmp_path):
    server = Server(tmp_path, VASTFS_SANDBOX_ENGINE=str(engine.directory()))
    server.cluster()
    task = server.run(server.define("exec vast -e 0.0.0.0:42000 start", stopTimeout=30))
    details = task["attachments"][0]["details"]
    (address,) = [d["value"] for d in details if d["name"] == "privateIPv4Address"]

    def vast(*words, given=""):
        return subprocess.run(
            [tmp_path / "bin/vast", "-e", f"{address}:42000", *words],
            env={"PATH": os.environ["PATH"], "HOME": str(tmp_path)},
            input=given,
            capture_output=True,
            text=True,
        )

    until(lambda: vast("count").stdout == "0\n", 60)
    assert vast("import", "suricata", given=EVENT + "\n").returncode == 0
    until(lambda: vast("count", '#type == "suricata.alert"').stdout == "1\n")
    assert '"src_ip":"147.32.84.165"' in vast("export", "json").stdout
    assert "null" not in vast("export", "json").stdout
    assert '"events": 1' in vast("status").stdout
    server.client("ecs").stop_task(cluster="vast", task=task["taskArn"])
    task = server.arrives(task, "STOPPED")
    assert task["containers"][0]["exitCode"] in (0, 143)
    server.end()
