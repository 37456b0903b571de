# SPDX-License-Identifier: BSD-3-Clause
"""Tasks and functions that run from pushed images."""

import gzip
import json
import platform
import shutil
import tarfile
from pathlib import Path

import pytest
from botocore.exceptions import ClientError
from conftest import until
from registry_support import (
    OCI_MANIFEST,
    Registry,
    described,
    digest,
    make_image,
    password,
    skopeo,
    tar,
)
from run_support import Server, alive
from test_lambda_functions import TRUST, answer, code, failure, invoke

HOST = "123456789012.dkr.ecr.eu-west-1.amazonaws.com"
BUSYBOX = Path(shutil.which("busybox")).read_bytes()
MACHINE = {"x86_64": "amd64", "aarch64": "arm64"}[platform.machine()]
#: a runtime program as a busybox shell script
RUNTIME = rb"""#!/bin/sh
api=http://$AWS_LAMBDA_RUNTIME_API/2018-06-01/runtime/invocation
while :; do
	wget -q -S -O /tmp/event "$api/next" 2>/tmp/head || exit 1
	id=$(sed -n 's/.*Lambda-Runtime-Aws-Request-Id: *//p' /tmp/head | tr -d '\r')
	echo "{\"event\": $(cat /tmp/event), \"uid\": $(id -u), \"pwd\": \"$PWD\"}" >/tmp/reply
	wget -q -O /dev/null --post-file /tmp/reply "$api/$id/response"
done
"""
SYSTEM = [
    ("bin/busybox", {}, BUSYBOX),
    *((f"bin/{name}", {"type": tarfile.SYMTYPE, "linkname": "busybox"}, b"")
      for name in ("sh", "cat", "echo", "id", "ls", "rm", "sed", "sleep", "touch", "tr", "wget")),
    ("tmp", {"type": tarfile.DIRTYPE}, b""),
]  # fmt: skip


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory):
    server = Server(tmp_path_factory.mktemp("run"), VASTFS_SANDBOX_RUNTIME="")
    server.cluster()
    server.client("iam").create_role(
        RoleName="run", AssumeRolePolicyDocument=json.dumps(TRUST)
    )
    server.client("ecr").create_repository(repositoryName="images")
    yield server
    server.end()


def push(sandbox, tag, *layers, **config) -> str:
    """Push an image; its URI by digest."""
    more = {"architecture": MACHINE, "config": config}
    status, name, body = Registry.of(sandbox).push("images", tag, layers, more)
    assert status == 201, body
    return f"{HOST}/images@{name}"


def create(sandbox, name, uri, **more) -> dict:
    """Create a function; its description when it is Active or Failed."""
    client = sandbox.client("lambda")
    client.create_function(
        FunctionName=name,
        Role="arn:aws:iam::123456789012:role/run",
        PackageType="Image",
        Code={"ImageUri": uri},
        Timeout=20,
        **more,
    )

    def settled():
        found = client.get_function(FunctionName=name)["Configuration"]
        return found if found["State"] != "Pending" else None

    return until(settled)


def run(sandbox, image, script=None, **container):
    """Run a task until it has ended; the task and its lines."""
    container = {"image": image, "entryPoint": [], "command": [], **container}
    if script:
        container.update(entryPoint=["/bin/sh", "-c"], command=[script])
    task = sandbox.run(sandbox.define("", **container))
    task = sandbox.arrives(task, "STOPPED")
    try:
        return task, sandbox.lines(task)
    except ClientError:
        return task, []


def test_the_seed_image_by_skopeo(sandbox):
    sandbox.client("ecr").create_repository(repositoryName="seed")
    wanted = {"image": "tenzir/vast", "layout": make_image()}
    sandbox.control("POST", "mirror", wanted)
    address = {"to": sandbox.endpoint, "from": sandbox.facts["registry_mirror"]}
    place = {key: "docker://" + url.removeprefix("http://") for key, url in address.items()}
    options = ["--src-tls-verify=false", "--dest-tls-verify=false"]
    options += ["--dest-creds", password(sandbox)]
    skopeo("copy", *options, place["from"] + "/tenzir/vast:latest", place["to"] + "/seed:one")
    task, lines = run(sandbox, f"{HOST}/seed:one")
    assert task["containers"][0]["exitCode"] == 0
    assert lines[0].startswith("usage: vast")
    script = "id -u; echo $$ $HOME $PWD; cat /proc/1/cmdline | tr '\\0' ' '; vast status"
    task, lines = run(sandbox, f"{HOST}/seed:one", script)
    assert lines[:2] == ["0", "1 /root /var/lib/vast"]
    assert lines[2].startswith("/bin/sh -c id -u")
    assert "no engine" in lines[-1]
    assert task["containers"][0]["exitCode"] == 127


def test_what_a_task_sees(sandbox, tmp_path):
    image = push(sandbox, "see", tar(*SYSTEM), Env=["PATH=/bin", "A=image", "B=image"])
    script = f"""echo $A $B $VASTFS_SANDBOX_ADDRESS; ls -d /usr /home {tmp_path} 2>/dev/null
        touch /here 2>/dev/null || echo read-only; touch /tmp/x && echo temporary
        ls /proc | sed -n '/^[0-9]/p' | wc -l 2>/dev/null; echo ${{VASTFS_SANDBOX_STORAGE-none}}"""
    environment = [{"name": "B", "value": "task"}]
    _, lines = run(sandbox, image, script, environment=environment)
    assert lines[0].startswith("image task 127.")
    assert lines[1:3] == ["read-only", "temporary"] and lines[-1] == "none"


@pytest.mark.parametrize("script, expected", [("exit 5", 5), ("kill -9 $$; sleep 9", 0)])
def test_exit_codes(sandbox, script, expected):
    """The kernel protects process 1 from its own signals, so it cannot kill itself."""
    image = push(sandbox, "exit", tar(*SYSTEM), Env=["PATH=/bin"])
    script = script.replace("sleep 9", "exit 0")
    task, _ = run(sandbox, image, script)
    assert task["containers"][0]["exitCode"] == expected


def test_a_task_is_stopped(sandbox):
    image = push(sandbox, "stop", tar(*SYSTEM), Env=["PATH=/bin"])
    script = "trap 'exit 7' TERM; echo ready; while :; do sleep 0.01; done"
    task = sandbox.run(sandbox.define(script, image=image))
    until(lambda: sandbox.task(task)["lastStatus"] == "RUNNING" and sandbox.lines(task))
    sandbox.client("ecs").stop_task(cluster="vast", task=task["taskArn"])
    task = sandbox.arrives(task, "STOPPED")
    assert task["containers"][0]["exitCode"] == 7


def test_volumes(sandbox):
    image = push(sandbox, "volume", tar(*SYSTEM), Env=["PATH=/bin"], Volumes={"/own": {}})
    efs = sandbox.client("efs")
    identity = efs.create_file_system(CreationToken="images")["FileSystemId"]
    subnet = sandbox.network()["awsvpcConfiguration"]["subnets"][0]
    efs.create_mount_target(FileSystemId=identity, SubnetId=subnet)
    volume = {"name": "data", "efsVolumeConfiguration": {"fileSystemId": identity}}
    mount = {"sourceVolume": "data", "containerPath": "/deep/in/data"}
    script = "echo x >>/deep/in/data/db; cat /deep/in/data/db | tr '\\n' .; echo; touch /own/x && echo own"
    for lines in (["x.", "own"], ["x.x.", "own"]):
        assert run(sandbox, image, script, volumes=[volume], mountPoints=[mount])[1] == lines


def test_entry_points_and_commands(sandbox):
    image = push(
        sandbox, "entry", tar(*SYSTEM), Env=["PATH=/bin"], Entrypoint=["echo", "e"], Cmd=["c"]
    )
    assert run(sandbox, image)[1] == ["e c"]
    assert run(sandbox, image, command=["mine"])[1] == ["e mine"]
    assert run(sandbox, image, entryPoint=["echo", "other"])[1] == ["other"]


@pytest.mark.parametrize(
    "entry, said",
    [
        (["/none"], "no such file or directory"),
        (["none"], "executable file not found in $PATH"),
        (["/data"], "permission denied"),
        (["/text"], "exec format error"),
        (["/orphan"], "no such file or directory"),
        ([], "no command specified"),
    ],
)
def test_what_cannot_be_started(sandbox, entry, said):
    files = [
        ("data", {"mode": 0o644}, b"x"),
        ("text", {}, b"hello"),
        ("orphan", {}, b"#!/none/sh\n"),
    ]
    image = push(sandbox, "bad", tar(*SYSTEM, *files), Env=["PATH=/bin"])
    task, _ = run(sandbox, image, entryPoint=entry)
    assert task["stopCode"] == "TaskFailedToStart"
    assert task["stoppedReason"].startswith("CannotStartContainerError: ")
    assert said in task["stoppedReason"]
    assert task["containers"][0]["reason"] == task["stoppedReason"]


@pytest.mark.parametrize("uri", [f"{HOST}/images:none", f"{HOST}/none:one", f"{HOST}/images@{digest(b'')}"])
def test_an_image_that_is_not_there(sandbox, uri):
    task, _ = run(sandbox, uri)
    assert task["stopCode"] == "TaskFailedToStart"
    assert task["stoppedReason"].startswith("CannotPullContainerError: ")
    assert "not found" in task["stoppedReason"]
    with pytest.raises(ClientError) as error:
        create(sandbox, "nothing", uri)
    assert code(error) == "InvalidParameterValueException"
    assert f"Source image {uri} does not exist. Provide a valid" in str(error.value)


def function_image(sandbox, **config) -> str:
    layers = tar(*SYSTEM), tar(("runtime", {}, RUNTIME), ("var/task/x", {}, b""))
    config = {"Env": ["PATH=/bin"], "Entrypoint": ["/runtime"], **config}
    return push(sandbox, None, *layers, **config)


def test_a_function(sandbox):
    uri = function_image(sandbox, WorkingDir="/var/task")
    made = create(sandbox, "run", uri)
    assert made["State"] == "Active"
    assert made["CodeSha256"] == uri.partition("sha256:")[2]
    found = sandbox.client("lambda").get_function(FunctionName="run")
    assert found["Code"]["ResolvedImageUri"] == uri
    assert answer(sandbox, {"n": 1}, "run") == {"event": {"n": 1}, "uid": 993, "pwd": "/var/task"}
    assert answer(sandbox, {"n": 2}, "run")["event"] == {"n": 2}


def test_a_tag_is_looked_up_once(sandbox):
    push(sandbox, "moving", tar(*SYSTEM), tar(("runtime", {}, RUNTIME)), Entrypoint=["/runtime"])
    create(sandbox, "tagged", f"{HOST}/images:moving")
    client = sandbox.client("lambda")
    before = client.get_function(FunctionName="tagged")["Code"]["ResolvedImageUri"]
    after = push(sandbox, "moving", tar(*SYSTEM), Entrypoint=["/none"])
    assert client.get_function(FunctionName="tagged")["Code"]["ResolvedImageUri"] == before
    answer(sandbox, {}, "tagged")
    client.update_function_code(FunctionName="tagged", ImageUri=f"{HOST}/images:moving")
    until(lambda: client.get_function(FunctionName="tagged")["Code"]["ResolvedImageUri"] == after)
    reply = failure(invoke(sandbox, {}, "tagged"))
    assert reply["errorType"] == "Runtime.InvalidEntrypoint"
    assert "fork/exec /none: no such file or directory" in reply["errorMessage"]


@pytest.mark.parametrize(
    "config, said",
    [
        ({"Entrypoint": ["/var/task/x"]}, "exec format error"),
        ({"Entrypoint": ["/bin"]}, "permission denied"),
        ({"Entrypoint": []}, "entrypoint"),
    ],
)
def test_a_bad_entry_point(sandbox, config, said):
    name = said.partition(" ")[0]
    assert create(sandbox, name, function_image(sandbox, **config))["State"] == "Active"
    reply = failure(invoke(sandbox, {}, name))
    assert reply["errorType"] == "Runtime.InvalidEntrypoint"
    assert said in reply["errorMessage"]


def test_settings_of_the_function_come_first(sandbox):
    uri = function_image(sandbox, Entrypoint=["/none"])
    create(sandbox, "own-entry", uri, ImageConfig={"EntryPoint": ["/bin/sh", "/runtime"]})
    answer(sandbox, {}, "own-entry")


def raw_image(sandbox, tag, layer: bytes, diff_id: str, kind="tar+gzip") -> str:
    """Push an image with these bytes as its layer."""
    registry = Registry.of(sandbox)
    rootfs = {"type": "layers", "diff_ids": [diff_id]}
    config = json.dumps({"architecture": MACHINE, "os": "linux", "rootfs": rootfs}).encode()
    for blob in (layer, config):
        registry.upload("images", blob)
    manifest = {
        "schemaVersion": 2,
        "mediaType": OCI_MANIFEST,
        "config": described("application/vnd.oci.image.config.v1+json", config),
        "layers": [described(f"application/vnd.oci.image.layer.v1.{kind}", layer)],
    }
    assert registry.put_manifest("images", tag, json.dumps(manifest).encode())[0] == 201
    return f"{HOST}/images:{tag}"


ESCAPES = [
    tar(("../out", {}, b"x")),
    tar(("a", {"type": tarfile.LNKTYPE, "linkname": "../../etc/passwd"}, b"")),
    tar(("a", {"type": tarfile.LNKTYPE, "linkname": "etc/none"}, b"")),
]


@pytest.mark.parametrize("number", range(len(ESCAPES)))
def test_layers_that_lead_outside(sandbox, number):
    layer = ESCAPES[number]
    uri = raw_image(sandbox, f"escape{number}", gzip.compress(layer), digest(layer))
    made = create(sandbox, f"escape{number}", uri)
    assert (made["State"], made["StateReasonCode"]) == ("Failed", "InvalidImage")
    task, _ = run(sandbox, uri)
    assert task["stoppedReason"].startswith("CannotPullContainerError: ")


def test_links_stay_inside(sandbox, tmp_path):
    mark = tmp_path / "mark"
    layer = tar(
        *SYSTEM,
        ("out", {"type": tarfile.SYMTYPE, "linkname": str(tmp_path)}, b""),
        ("out/mark", {}, b"inside\n"),
        ("up", {"type": tarfile.SYMTYPE, "linkname": "../../../../../vastfs-test"}, b""),
        ("up/mark", {}, b"inside\n"),
    )
    image = push(sandbox, "links", layer, Env=["PATH=/bin"])
    assert run(sandbox, image, "cat /vastfs-test/mark")[1] == ["inside"]
    assert not mark.exists() and not Path("/vastfs-test").exists()


def test_layers_that_are_none(sandbox):
    good = tar(*SYSTEM)
    cases = {
        "garbage": (b"\x1f\x8bxxx", digest(b"")),
        "cut": (gzip.compress(good)[:-2000], digest(good)),
        "other": (gzip.compress(good), digest(b"other")),
    }
    for tag, (layer, diff_id) in cases.items():
        made = create(sandbox, tag, raw_image(sandbox, tag, layer, diff_id))
        assert (made["State"], made["StateReasonCode"]) == ("Failed", "InvalidImage")
    uri = raw_image(sandbox, "plain", good, digest(good), "tar")
    with pytest.raises(ClientError) as error:
        create(sandbox, "plain", uri)
    assert "layer media type for the source image" in str(error.value)
    assert run(sandbox, uri, "echo yes")[1] == ["yes"]


def test_an_index(sandbox):
    uri = function_image(sandbox)
    registry = Registry.of(sandbox)
    child = registry.ask("GET", f"/v2/images/manifests/{uri.partition('@')[2]}")[2]
    kind = "application/vnd.oci.image.index.v1+json"
    platforms = {"os": "linux", "architecture": MACHINE}
    entry = {**described(OCI_MANIFEST, child), "platform": platforms}
    index = {"schemaVersion": 2, "mediaType": kind, "manifests": [entry]}
    data = json.dumps(index).encode()
    assert registry.put_manifest("images", "index", data, kind)[0] == 201
    with pytest.raises(ClientError) as error:
        create(sandbox, "index", f"{HOST}/images:index")
    assert "The image manifest, config or layer media type" in str(error.value)
    assert run(sandbox, f"{HOST}/images:index", "echo yes")[1] == ["yes"]


def test_whiteouts_and_replacements(sandbox):
    first = tar(
        *SYSTEM,
        ("a/one", {}, b""), ("a/two", {}, b""), ("b/old", {}, b""), ("c", {}, b"file"),
        ("lib64", {"type": tarfile.DIRTYPE}, b""),
        ("lib", {"type": tarfile.SYMTYPE, "linkname": "lib64"}, b""),
    )  # fmt: skip
    second = tar(
        ("a/.wh.one", {}, b""), ("b/new", {}, b""), ("b/.wh..wh..opq", {}, b""),
        ("lib/x", {}, b""),
        ("hard", {"type": tarfile.LNKTYPE, "linkname": "bin/busybox"}, b""),
    )  # fmt: skip
    image = push(sandbox, "white", first, second, Env=["PATH=/bin"])
    _, lines = run(sandbox, image, "echo /a/* /b/* /lib64/* /hard")
    assert lines == ["/a/two /b/new /lib64/x /hard"]


def test_nothing_is_left_of_a_killed_sandbox(tmp_path):
    server = Server(tmp_path / "run")
    server.cluster()
    server.client("ecr").create_repository(repositoryName="images")
    image = push(server, "left", tar(*SYSTEM), Env=["PATH=/bin"])
    task = server.run(server.define("echo up; sleep 4321 & sleep 4321", image=image))
    until(lambda: server.task(task)["lastStatus"] == "RUNNING" and server.lines(task))

    def left():
        found = []
        for path in Path("/proc").glob("[0-9]*/cmdline"):
            try:
                if str(tmp_path).encode() in path.read_bytes():
                    found.append(int(path.parts[2]))
            except OSError:
                continue
        return [pid for pid in found if alive(pid)]

    assert left()
    server.kill()
    until(lambda: not left())
