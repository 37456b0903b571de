# SPDX-License-Identifier: BSD-3-Clause
"""The whole path of an image: seed, second registry, ECR, server and function."""

import base64
import json
import os
import subprocess
from pathlib import Path

import pytest
from conftest import ROOT, until
from registry_support import OCI_MANIFEST, Registry, described, digest, password, skopeo, tar
from run_support import Server
from test_lambda_functions import TRUST, answer
from test_containers_images import HOST, create
from test_seed_vast import EVENT
from vastfs_sandbox.seed import engine

RUNTIME = os.environ.get("VAST_LAMBDA_RUNTIME", "")

pytestmark = pytest.mark.skipif(
    not engine.installed() or not os.access(RUNTIME, os.X_OK),
    reason="needs the engine and the runtime program",
)


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory):
    server = Server(tmp_path_factory.mktemp("run"))
    server.cluster()
    server.client("iam").create_role(
        RoleName="run", AssumeRolePolicyDocument=json.dumps(TRUST)
    )
    yield server
    server.end()


def assemble(sandbox) -> str:
    """Push the seed image to ECR, with the runtime in an additional layer."""
    made = subprocess.run(
        [ROOT / "contrib/sandbox/make-image"], check=True, capture_output=True, text=True
    ).stdout.strip()
    sandbox.control("POST", "mirror", {"image": "tenzir/vast:latest", "layout": made})
    sandbox.client("ecr").create_repository(repositoryName="vast")
    urls = sandbox.facts["registry_mirror"], sandbox.endpoint
    source, target = ("docker://" + url.removeprefix("http://") for url in urls)
    skopeo(
        "copy", "--src-tls-verify=false", "--dest-tls-verify=false",
        "--dest-creds", password(sandbox),
        f"{source}/tenzir/vast:latest", f"{target}/vast:base",
    )  # fmt: skip
    registry = Registry.of(sandbox)
    manifest = json.loads(registry.ask("GET", "/v2/vast/manifests/base")[2])
    contents = Path(made, "blobs/sha256", manifest["config"]["digest"].partition(":")[2])
    config = json.loads(contents.read_bytes())
    layer = tar(("vast-lambda-runtime", {}, Path(RUNTIME).read_bytes()))
    config["rootfs"]["diff_ids"].append(digest(layer))
    config["config"].update(Entrypoint=["/vast-lambda-runtime"], Cmd=None)
    text = json.dumps(config).encode()
    packed = subprocess.run(["gzip", "-n"], input=layer, capture_output=True, check=True).stdout
    for blob in (text, packed):
        assert registry.upload("vast", blob) == 201
    kind = "application/vnd.oci.image.layer.v1.tar+gzip"
    manifest["layers"].append(described(kind, packed))
    manifest["config"].update(digest=digest(text), size=len(text))
    data = json.dumps(manifest).encode()
    status, name, _ = registry.put_manifest("vast", "assembled", data, OCI_MANIFEST)
    assert status == 201
    return f"{HOST}/vast@{name}"


def test_a_server_and_its_function(sandbox):
    image = assemble(sandbox)
    assert create(sandbox, "vast", image)["State"] == "Active"
    efs = sandbox.client("efs")
    identity = efs.create_file_system(CreationToken="vast")["FileSystemId"]
    subnet = sandbox.network()["awsvpcConfiguration"]["subnets"][0]
    efs.create_mount_target(FileSystemId=identity, SubnetId=subnet)
    arn = sandbox.define(
        "exec vast -e 0.0.0.0:42000 start",
        image=image,
        volumes=[{"name": "data", "efsVolumeConfiguration": {"fileSystemId": identity}}],
        mountPoints=[{"sourceVolume": "data", "containerPath": "/var/lib/vast"}],
    )
    task = sandbox.arrives(sandbox.run(arn), "RUNNING")
    address = task["containers"][0]["networkInterfaces"][0]["privateIpv4Address"]

    def query(command):
        event = {"v": 1, "cmd": base64.b64encode(command.encode()).decode()}
        event["endpoint"] = f"{address}:42000"
        return answer(sandbox, event, "vast")

    def out(command):
        return base64.b64decode(query(command)["stdout"]).decode()

    status = json.loads(until(lambda: out("vast status")))
    assert status["endpoint"] == f"{address}:42000" and status["events"] == 0
    assert query(f"echo '{EVENT}' | vast import suricata")["exit_code"] == 0
    until(lambda: out("vast count") == "1\n")
    sandbox.client("ecs").stop_task(cluster="vast", task=task["taskArn"])
    task = sandbox.arrives(task, "STOPPED")
    assert task["containers"][0]["exitCode"] == 0
    task = sandbox.arrives(sandbox.run(arn), "RUNNING")
    address = task["containers"][0]["networkInterfaces"][0]["privateIpv4Address"]
    until(lambda: out("vast count") == "1\n")
