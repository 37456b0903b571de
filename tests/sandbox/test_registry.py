# SPDX-License-Identifier: BSD-3-Clause
"""ECR's registry and the second one, through skopeo and a bare client."""

import base64
import json
import os
import socket
from pathlib import Path

import pytest
from botocore.exceptions import ClientError
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

IMAGE = [tar(("hello", {}, b"hello\n"))]


@pytest.fixture
def repository(sandbox, request):
    """A repository of the test's own, and a connection to its registry."""
    name = "r/" + request.node.name.partition("[")[0].replace("_", "-").lower()
    sandbox.client("ecr").create_repository(repositoryName=name)
    yield name
    sandbox.client("ecr").delete_repository(repositoryName=name, force=True)


@pytest.fixture
def registry(sandbox):
    return Registry.of(sandbox)


@pytest.fixture(scope="module")
def mirror(sandbox):
    """The address of the second registry, which has the small image."""
    wanted = {"image": "tenzir/vast:latest", "layout": make_image()}
    sandbox.control("POST", "mirror", wanted)
    return sandbox.facts["registry_mirror"]


def place(url: str) -> str:
    return "docker://" + url.removeprefix("http://")


def error(body: bytes) -> str:
    return json.loads(body)["errors"][0]["code"]


def test_skopeo_brings_an_image_from_the_mirror(sandbox, mirror, repository, tmp_path):
    source = place(mirror) + "/tenzir/vast:latest"
    target = f"{place(sandbox.endpoint)}/{repository}:one"
    login = ["--dest-creds", password(sandbox)]
    skopeo("copy", "--src-tls-verify=false", "--dest-tls-verify=false", *login, source, target)
    seen = json.loads(
        skopeo("inspect", "--tls-verify=false", "--creds", password(sandbox), target)
    )
    layout = Path(make_image())
    entry = json.loads((layout / "index.json").read_text())["manifests"][0]
    assert seen["Digest"] == entry["digest"] and seen["RepoTags"] == ["one"]
    (image,) = sandbox.client("ecr").describe_images(repositoryName=repository)["imageDetails"]
    assert image["imageDigest"] == entry["digest"] and image["imageTags"] == ["one"]
    sizes = [path.stat().st_size for path in (layout / "blobs/sha256").iterdir()]
    assert image["imageSizeInBytes"] == sum(sizes) - entry["size"]
    back = f"oci:{tmp_path}/back:latest"
    skopeo("copy", "--src-tls-verify=false", "--src-creds", password(sandbox), target, back)
    again = json.loads((tmp_path / "back/index.json").read_text())["manifests"][0]
    assert again["digest"] == entry["digest"]


def test_who_may_come_in(sandbox):
    for given in (None, "Basic eDp5", "Basic !", "Bearer x", "Basic " + base64.b64encode(b"AWS:x").decode()):
        status, headers, body = Registry(sandbox.endpoint, given).ask("GET", "/v2/")
        assert status == 401 and error(body) == "UNAUTHORIZED"
        assert headers["Www-Authenticate"].startswith("Basic realm=")
    registry = Registry.of(sandbox)
    assert registry.ask("GET", "/v2/")[0] == 200
    sandbox.control("POST", "clock", {"skew": 12 * 3600 + 60})
    status, _, body = registry.ask("GET", "/v2/")
    assert status == 403 and "expired" in json.loads(body)["errors"][0]["message"]


def test_no_repository_no_push(registry):
    status, _, body = registry.ask("POST", "/v2/none/blobs/uploads/")
    assert status == 404 and error(body) == "NAME_UNKNOWN"


def test_only_the_first_patch_counts(registry, repository):
    assert registry.upload(repository, b"one", b"two") == 400
    assert registry.upload(repository, b"one", b"two", wanted=digest(b"one")) == 201
    assert registry.upload(repository, b"x", wanted=digest(b"y")) == 400
    path = f"/v2/{repository}/blobs/"
    status, headers, body = registry.ask("HEAD", path + digest(b"one"))
    assert (status, headers["Content-Length"], body) == (200, "3", b"")
    assert registry.ask("HEAD", path + digest(b"onetwo"))[0] == 404


def test_a_blob_in_one_put(registry, repository):
    _, headers, _ = registry.ask("POST", f"/v2/{repository}/blobs/uploads/")
    assert headers["Location"].startswith("/v2/")
    chunks = (b"x" * 100_000 for _ in range(30))
    path = f"{headers['Location']}?digest={digest(b'x' * 3_000_000)}"
    assert registry.ask("PUT", path, chunks)[0] == 201
    status, headers, _ = registry.ask("GET", f"/v2/{repository}/blobs/{digest(b'x' * 3_000_000)}")
    assert status == 307
    storage = Registry(headers["Location"])
    path = "/" + headers["Location"].split("/", 3)[3]
    assert storage.ask("GET", path)[2] == b"x" * 3_000_000
    status, headers, body = storage.ask("GET", path, Range="bytes=2999990-")
    assert (status, body) == (206, b"x" * 10)
    assert headers["Content-Range"] == "bytes 2999990-2999999/3000000"
    assert storage.ask("GET", path, Authorization="Basic x")[0] == 400
    assert storage.ask("GET", path[:-1])[0] == 403


def test_a_mount_needs_a_manifest(sandbox, registry, repository):
    sandbox.client("ecr").create_repository(repositoryName="target")
    assert registry.upload(repository, b"loose") == 201
    mount = "/v2/target/blobs/uploads/?mount={}&from=" + repository
    assert registry.ask("POST", mount.format(digest(b"loose")))[0] == 202
    assert registry.push(repository, "one", IMAGE)[0] == 201
    manifest = json.loads(registry.ask("GET", f"/v2/{repository}/manifests/one")[2])
    layer = manifest["layers"][0]["digest"]
    assert registry.ask("POST", mount.format(layer))[0] == 201
    assert registry.ask("HEAD", f"/v2/target/blobs/{layer}")[0] == 200


def test_manifests_are_checked(registry, repository):
    part = described("application/vnd.oci.image.config.v1+json", b"{}")
    manifest = {"schemaVersion": 2, "config": part, "layers": []}

    def put(reference="one", **more):
        text = json.dumps({**manifest, **more}).encode()
        status, _, body = registry.put_manifest(repository, reference, text)
        return status, error(body) if status >= 400 else ""

    assert put() == (404, "BLOB_UNKNOWN")
    assert registry.upload(repository, b"{}") == 201
    assert put(config={**part, "size": 3}) == (400, "SIZE_INVALID")
    assert put(mediaType="text/plain") == (400, "MANIFEST_INVALID")
    assert put(config={}) == (400, "MANIFEST_INVALID")
    assert put(digest(b"other")) == (400, "DIGEST_INVALID")
    assert put("-") == (400, "TAG_INVALID")
    assert put() == (201, "")
    assert put() == (201, "")


def test_tags_and_digests(sandbox, registry, repository):
    status, one, _ = registry.push(repository, None, IMAGE)
    assert status == 201
    ecr = sandbox.client("ecr")
    (image,) = ecr.describe_images(repositoryName=repository)["imageDetails"]
    assert image["imageDigest"] == one and not image.get("imageTags")
    registry.push(repository, "a", IMAGE)
    _, two, _ = registry.push(repository, "a", [tar(("other", {}, b"x"))])
    registry.push(repository, "b", IMAGE)
    path = f"/v2/{repository}/manifests/"
    for reference, expected in (("a", two), ("b", one), (one, one)):
        status, headers, body = registry.ask("HEAD", path + reference)
        assert (status, headers["Docker-Content-Digest"], body) == (200, expected, b"")
        assert headers["Content-Type"] == OCI_MANIFEST
    status, headers, body = registry.ask("GET", f"/v2/{repository}/tags/list?n=1")
    assert json.loads(body)["tags"] == ["a"] and "last=a" in headers["Link"]
    ecr.batch_delete_image(repositoryName=repository, imageIds=[{"imageDigest": two}])
    assert registry.ask("GET", path + "a")[0] == 404
    assert registry.ask("GET", path + two)[0] == 404


def test_immutable_tags(sandbox, registry):
    sandbox.client("ecr").create_repository(
        repositoryName="fixed", imageTagMutability="IMMUTABLE"
    )
    assert registry.push("fixed", "a", IMAGE)[0] == 201
    assert registry.push("fixed", "a", IMAGE)[0] == 201
    assert registry.push("fixed", "a", [tar(("b", {}, b"b"))])[0] == 400


def test_a_deleted_repository_is_empty_afterwards(sandbox, registry):
    ecr = sandbox.client("ecr")
    ecr.create_repository(repositoryName="gone")
    _, one, _ = registry.push("gone", "a", IMAGE)
    with pytest.raises(ClientError):
        ecr.delete_repository(repositoryName="gone")
    ecr.delete_repository(repositoryName="gone", force=True)
    assert registry.ask("GET", f"/v2/gone/manifests/{one}")[0] == 404
    ecr.create_repository(repositoryName="gone")
    assert registry.ask("GET", f"/v2/gone/manifests/{one}")[0] == 404


def test_the_mirrors_tokens(sandbox, mirror):
    bare = Registry(mirror)
    status, headers, _ = bare.ask("GET", "/v2/tenzir/vast/manifests/latest")
    assert status == 401
    challenge = headers["Www-Authenticate"]
    assert f'Bearer realm="{mirror}/token"' in challenge
    assert 'scope="repository:tenzir/vast:pull"' in challenge

    def with_token(scope):
        reply = json.loads(bare.ask("GET", f"/token?service=x&scope={scope}")[2])
        assert reply["expires_in"] == 300 and reply["token"] == reply["access_token"]
        return Registry(mirror, f"Bearer {reply['token']}")

    other = with_token("repository:other:pull")
    assert other.ask("GET", "/v2/tenzir/vast/manifests/latest")[0] == 401
    right = with_token("repository:tenzir/vast:pull,push")
    assert right.ask("GET", "/v2/tenzir/vast/manifests/latest")[0] == 200
    assert right.ask("GET", "/v2/tenzir/vast/manifests/none")[0] == 404
    assert right.ask("POST", "/v2/tenzir/vast/blobs/uploads/")[0] == 401
    sandbox.control("POST", "clock", {"skew": 400})
    assert right.ask("GET", "/v2/tenzir/vast/manifests/latest")[0] == 401


@pytest.mark.parametrize(
    "match, kind, more, status",
    [
        ("registry:PutUpload", "error500", {}, 500),
        ("registry:StartUpload", "throttle", {"retry_after": 1}, 429),
        ("registry:PatchUpload", "error_midway", {"bytes": 10, "status": 503}, 503),
        ("registry:HeadBlob", "error", {"status": 403, "code": "DENIED"}, 403),
    ],
)
def test_errors_by_a_rule(sandbox, registry, repository, match, kind, more, status):
    sandbox.fault(match, kind, **more)
    got = [registry.ask("HEAD", f"/v2/{repository}/blobs/{digest(b'x')}")[0]]
    code, headers, _ = registry.ask("POST", f"/v2/{repository}/blobs/uploads/")
    got.append(code)
    if code == 202:
        got.append(registry.ask("PATCH", headers["Location"], b"x" * 1_000_000)[0])
        got.append(registry.ask("PUT", headers["Location"] + "?digest=" + digest(b"x" * 1_000_000))[0])
    assert status in got
    assert registry.upload(repository, b"x" * 1_000_000) == 201


def test_a_push_that_is_forgotten(sandbox, registry, repository):
    sandbox.fault("registry:PutUpload", "forget")
    assert registry.upload(repository, b"x") == 201
    assert registry.ask("HEAD", f"/v2/{repository}/blobs/{digest(b'x')}")[0] == 404


def test_a_connection_that_breaks_in_an_upload(sandbox, repository):
    sandbox.fault("registry:PatchUpload", "drop_midway", bytes=1000)
    with pytest.raises(OSError):
        for _ in range(3):  # the socket's buffers may accept the request once
            Registry.of(sandbox).upload(repository, b"x" * 10_000_000)


@pytest.mark.parametrize("kind", ["truncate", "truncate_framed", "garbage", "cut_stream"])
def test_a_bad_download(sandbox, mirror, tmp_path, kind):
    sandbox.fault("storage:GetBlob", kind, count=0)
    source = place(mirror) + "/tenzir/vast:latest"
    skopeo("copy", "--src-tls-verify=false", source, f"dir:{tmp_path}", fails=True)


def test_a_connection_is_used_again(sandbox, repository):
    registry = Registry.of(sandbox)
    registry.ask("GET", "/v2/")
    used = registry.wire.sock
    assert isinstance(used, socket.socket)
    assert registry.upload(repository, os.urandom(1000)) == 201
    registry.ask("PUT", f"/v2/{repository}/manifests/x", b"x" * 100_000)
    assert registry.wire.sock is used


def test_the_journal_has_the_registries_calls(sandbox, mirror):
    sandbox.control("DELETE", "journal")
    skopeo("inspect", "--tls-verify=false", place(mirror) + "/tenzir/vast:latest")
    calls = [(call["service"], call["action"]) for call in sandbox.control("GET", "journal")]
    assert ("mirror", "GetManifest") in calls
