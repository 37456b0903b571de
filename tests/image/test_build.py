# SPDX-License-Identifier: BSD-3-Clause
"""Assembling between two of Debian's docker-registries; skopeo and umoci look at what came out."""

import gzip
import json
import os
import shutil
import subprocess

import pytest
from conftest import DOCKER, PROGRAM, RUNTIME, Image, Registry, digest, environment, index_of, layer, make_certificate, until

BIG = os.urandom(3_000_000)


def small_image(**more):
    return Image([layer({"bin/sh": b"#!", "one": b"1"}), layer({"two": BIG})], **more)


@pytest.mark.parametrize("oci", [True, False])
def test_an_image_is_assembled(registries, build, oci):
    source, target = registries
    base = small_image(oci=oci)
    source.push("tenzir/vast", base)
    answer = build(f"{source.host}/tenzir/vast", target.url)
    assert answer["pushed"] and answer["message"] == ""
    manifest = target.manifest("vast-default", answer["digest"])
    assert manifest["mediaType"] == base.kind
    before = json.loads(base.manifest)
    assert manifest["layers"][:-1] == before["layers"]
    assert manifest["layers"][-1]["mediaType"] == before["layers"][0]["mediaType"]
    config = json.loads(target.blob("vast-default", manifest["config"]["digest"]))
    assert config["config"] == {"Env": ["A=b"], "Entrypoint": ["/vast-lambda-runtime"]}
    assert config["x-unknown"] == {"kept": [1, 2.5]}
    assert len(config["history"]) == len(config["rootfs"]["diff_ids"]) == len(manifest["layers"]) == 3
    added = target.blob("vast-default", manifest["layers"][-1]["digest"])
    assert digest(gzip.decompress(added)) == config["rootfs"]["diff_ids"][-1]
    assert target.manifest("vast-default", answer["tag"]) == manifest


def test_nothing_changed_nothing_sent(registries, build):
    source, target = registries
    source.push("tenzir/vast", small_image())
    first = build(f"{source.host}/tenzir/vast", target.url)
    before = len(source.requests()) + len(target.requests())
    again = build(f"{source.host}/tenzir/vast", target.url)
    assert (again["digest"], again["tag"], again["pushed"], again["bytes"]) == (first["digest"], first["tag"], False, 0)
    until(lambda: len(source.requests()) + len(target.requests()) > before, "the log")
    assert len(source.requests()) + len(target.requests()) - before <= 4


def test_another_base_is_another_image_and_shares_layers(registries, build):
    source, target = registries
    source.push("tenzir/vast", small_image())
    first = build(f"{source.host}/tenzir/vast", target.url)
    source.push("tenzir/vast", Image([layer({"bin/sh": b"#!", "one": b"1"}), layer({"two": BIG}), layer({"three": b"3"})]))
    second = build(f"{source.host}/tenzir/vast", target.url)
    assert second["pushed"] and second["digest"] != first["digest"]
    assert second["bytes"] < 10_000


@pytest.mark.parametrize("kind", ["application/vnd.oci.image.index.v1+json", DOCKER + "distribution.manifest.list.v2+json"])
def test_the_platform_is_chosen(registries, build, kind):
    source, target = registries
    images = [small_image(oci="oci" in kind), Image([layer({"arm": b"a"})], architecture="arm64", oci="oci" in kind)]
    for image in images:
        source.push("multi", image, tag=image.architecture)
    # a registry that takes an index looks for what it lists
    index = json.loads(index_of(*images, kind=kind))
    index["manifests"] = index["manifests"][1:]
    source.push("multi", images[0], index=json.dumps(index).encode())
    answer = build(f"{source.host}/multi", target.url)
    assert answer["pushed"], answer
    assert len(target.manifest("vast-default", answer["digest"])["layers"]) == 3


def test_skopeo_and_umoci_agree(registries, build, tmp_path):
    for program in ("skopeo", "umoci"):
        if not shutil.which(program):
            pytest.skip(f"{program} is not installed")
    source, target = registries
    source.push("tenzir/vast", small_image())
    answer = build(f"{source.host}/tenzir/vast", target.url)
    name = f"docker://{target.host}/vast-default"
    inspect = ["skopeo", "inspect", "--tls-verify=false"]
    seen = json.loads(subprocess.check_output([*inspect, f"{name}:{answer['tag']}"]))
    assert seen["Digest"] == answer["digest"] and seen["Architecture"] == "amd64"
    policy = tmp_path / "policy.json"
    policy.write_text('{"default": [{"type": "insecureAcceptAnything"}]}')
    copy = ["skopeo", "--policy", policy, "copy", "-q", "--src-tls-verify=false"]
    subprocess.run([*copy, f"{name}@{answer['digest']}", f"oci:{tmp_path}/image:x"], check=True)
    subprocess.run(["umoci", "raw", "unpack", "--rootless", "--image", f"{tmp_path}/image:x", tmp_path / "root"], check=True)
    program = tmp_path / "root/vast-lambda-runtime"
    assert program.read_bytes() == RUNTIME.read_bytes()
    assert program.stat().st_mode & 0o7777 == 0o755 and program.stat().st_mtime == 0
    assert (tmp_path / "root/two").read_bytes() == BIG
    assert b"vast-lambda-runtime" in subprocess.check_output([program, "--version"])


def test_an_image_not_there(registries, build):
    source, target = registries
    answer = build(f"{source.host}/none", target.url)
    assert answer["errnum"] == -2 and "not found" in answer["message"] and "name and tag" in answer["remedy"]


def test_no_such_platform(registries, build):
    source, target = registries
    image = small_image()
    source.push("multi", image, tag="x")
    index = json.loads(index_of(image))
    index["manifests"] = index["manifests"][1:]
    source.push("multi", image, index=json.dumps(index).encode())
    answer = build(f"{source.host}/multi", target.url, architecture="arm64")
    assert answer["errnum"] == -22 or "linux/arm64" in answer["message"]


def test_a_killed_push_is_resumed(registries, build, tmp_path):
    """Killed at whatever moment: what the target has is not sent again, and nothing half is ever found."""
    source, target = registries
    parts = [layer({f"file{n}": os.urandom(4_000_000)}) for n in range(8)]
    source.push("large", Image(parts))
    command = [PROGRAM, f"{source.host}/large", "x86_64", RUNTIME, target.url, "vast-default"]
    process = subprocess.Popen(command, env=environment(tmp_path), stdout=subprocess.DEVNULL)
    until(lambda: any(m == "PUT" and "/blobs/" in p for m, p in target.requests()) or process.poll() is not None, "a layer")
    process.kill()
    process.wait()
    done = {p.partition("digest=")[2] for m, p in target.requests() if m == "PUT" and "/blobs/" in p}
    answer = build(f"{source.host}/large", target.url)
    assert answer["message"] == ""
    if answer["pushed"]:
        assert answer["bytes"] <= sum(map(len, parts)) - 4_000_000 * max(0, len(done) - 3) + 200_000
    for one in parts:
        assert digest(target.blob("vast-default", digest(one))) == digest(one)


def test_the_mirror(registries, build):
    source, target = registries
    source.push("tenzir/vast", small_image())
    assert build("tenzir/vast", target.url, VASTFS_REGISTRY_MIRROR=source.url)["pushed"]


def test_certificates_are_those_of_the_bundle(tmp_path, build):
    certificate = make_certificate(tmp_path)
    source, target = Registry(tmp_path / "source", certificate), Registry(tmp_path / "target", certificate)
    try:
        source.push("tenzir/vast", small_image())
        refusal = build("tenzir/vast", target.url, VASTFS_REGISTRY_MIRROR=source.url)
        assert "certificate of the server is not trusted" in refusal["message"] and "AWS_CA_BUNDLE" in refusal["remedy"]
        answer = build("tenzir/vast", target.url, VASTFS_REGISTRY_MIRROR=source.url, AWS_CA_BUNDLE=str(certificate))
        assert answer["pushed"] and target.manifest("vast-default", answer["digest"])
    finally:
        source.stop()
        target.stop()
