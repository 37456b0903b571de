# SPDX-License-Identifier: BSD-3-Clause
"""Registries to copy between: Debian's docker-registry as the judge, and a hostile one."""

import gzip
import hashlib
import io
import json
import os
import shutil
import socket
import ssl
import subprocess
import tarfile
import time
import urllib.request
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
BUILD = Path(os.environ.get("VASTFS_BUILD", ROOT / "build"))
PROGRAM = BUILD / "tests/image/image-build"
RUNTIME = BUILD / "src/runtime/vast-lambda-runtime"
OCI = "application/vnd.oci.image."
DOCKER = "application/vnd.docker."
DEADLINE = 60


def until(condition, what):
    """Wait for a condition; its value, or the test fails."""
    end = time.monotonic() + DEADLINE
    while not (value := condition()):
        assert time.monotonic() < end, f"waited in vain for {what}"
        time.sleep(0.01)
    return value


def digest(data: bytes) -> str:
    return "sha256:" + hashlib.sha256(data).hexdigest()


def layer(files: dict) -> bytes:
    """A gzip tar with these files."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        for name, data in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            info.mode = 0o755
            tar.addfile(info, io.BytesIO(data))
    return gzip.compress(out.getvalue(), 1, mtime=0)


class Image:
    """An image as bytes: blobs by digest, and the manifest."""

    def __init__(self, layers, architecture="amd64", oci=True, layer_type=None, config_architecture=None):
        self.kind = OCI + "manifest.v1+json" if oci else DOCKER + "distribution.manifest.v2+json"
        layer_type = layer_type or (OCI + "layer.v1.tar+gzip" if oci else DOCKER + "image.rootfs.diff.tar.gzip")
        config_type = OCI + "config.v1+json" if oci else DOCKER + "container.image.v1+json"
        config = json.dumps({
            "architecture": config_architecture or architecture, "os": "linux", "x-unknown": {"kept": [1, 2.5]},
            "config": {"Env": ["A=b"], "Cmd": ["serve"], "Entrypoint": ["/old"]},
            "history": [{"created_by": "x"} for _ in layers],
            "rootfs": {"type": "layers", "diff_ids": [digest(gzip.decompress(one)) for one in layers]}}).encode()
        self.architecture = architecture
        self.blobs = {digest(one): one for one in [*layers, config]}
        self.manifest = json.dumps({
            "schemaVersion": 2, "mediaType": self.kind,
            "config": {"mediaType": config_type, "digest": digest(config), "size": len(config)},
            "layers": [{"mediaType": layer_type, "digest": digest(one), "size": len(one)} for one in layers]}).encode()


def index_of(*images, kind=OCI + "index.v1+json"):
    """An index of images, with an attestation as buildx adds one."""
    entries = [{"mediaType": image.kind, "digest": digest(image.manifest), "size": len(image.manifest),
                "platform": {"os": "linux", "architecture": image.architecture}} for image in images]
    entries.insert(0, {"mediaType": OCI + "manifest.v1+json", "digest": "sha256:" + "0" * 64, "size": 1,
                       "platform": {"os": "unknown", "architecture": "unknown"}})
    return json.dumps({"schemaVersion": 2, "mediaType": kind, "manifests": entries}).encode()


def call(method, url, data=None, tls=None, **headers):
    headers = {name.replace("_", "-"): value for name, value in headers.items()}
    return urllib.request.urlopen(urllib.request.Request(url, data, headers, method=method), context=tls)


def make_certificate(directory: Path) -> Path:
    """One for 127.0.0.1 that only those trust who are told to, with its key in the same file."""
    path = directory / "certificate.pem"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
                    "-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", path, "-out", directory / "public.pem"],
                   check=True, capture_output=True)
    with path.open("ab") as whole:
        whole.write((directory / "public.pem").read_bytes())
    return path


class Registry:
    """docker-registry on a port of its own."""

    def __init__(self, directory: Path, certificate=None):
        """certificate: a file with key and certificate, for TLS."""
        directory.mkdir()
        self.directory = directory
        with socket.socket() as s:
            s.bind(("127.0.0.1", 0))
            self.host = "127.0.0.1:%d" % s.getsockname()[1]
        self.url = ("https://" if certificate else "http://") + self.host
        tls = f", tls: {{certificate: {certificate}, key: {certificate}}}" if certificate else ""
        self.tls = ssl.create_default_context(cafile=certificate) if certificate else None
        (directory / "config.yml").write_text(
            f"version: 0.1\nlog: {{level: info, formatter: json}}\nstorage: {{filesystem: {{rootdirectory: {directory}/data}}}}\n"
            f"http: {{addr: {self.host}{tls}}}\n")
        self.log = open(directory / "log", "wb")
        self.process = subprocess.Popen(["docker-registry", "serve", directory / "config.yml"], stdout=self.log, stderr=self.log)
        until(self.answers, "the registry")

    def call(self, method, url, data=None, **headers):
        return call(method, url, data, self.tls, **headers)

    def answers(self):
        try:
            return self.call("GET", self.url + "/v2/").status == 200
        except OSError:
            return False

    def push(self, name, image, tag="latest", index=None):
        for key, data in image.blobs.items():
            where = self.call("POST", f"{self.url}/v2/{name}/blobs/uploads/", b"").headers["Location"]
            self.call("PUT", where + "&digest=" + key, data, Content_Type="application/octet-stream")
        reference = digest(image.manifest) if index else tag
        self.call("PUT", f"{self.url}/v2/{name}/manifests/{reference}", image.manifest, Content_Type=image.kind)
        if index:
            self.call("PUT", f"{self.url}/v2/{name}/manifests/{tag}", index, Content_Type=json.loads(index)["mediaType"])

    def manifest(self, name, reference):
        accept = ",".join([OCI + "manifest.v1+json", DOCKER + "distribution.manifest.v2+json"])
        with self.call("GET", f"{self.url}/v2/{name}/manifests/{reference}", Accept=accept) as reply:
            return json.loads(reply.read())

    def blob(self, name, key):
        with self.call("GET", f"{self.url}/v2/{name}/blobs/{key}") as reply:
            return reply.read()

    def requests(self):
        """Method and path of every request so far."""
        lines = [json.loads(line) for line in (self.directory / "log").read_text().splitlines() if line.startswith("{")]
        return [(line["http.request.method"], line["http.request.uri"]) for line in lines if "http.response.status" in line]

    def stop(self):
        self.process.kill()
        self.process.wait()
        self.log.close()


@pytest.fixture
def registries(tmp_path):
    if not shutil.which("docker-registry"):
        pytest.skip("docker-registry is not installed")
    pair = Registry(tmp_path / "source"), Registry(tmp_path / "target")
    yield pair
    for registry in pair:
        registry.stop()


def environment(tmp_path, **more):
    env = {name: value for name, value in os.environ.items() if "proxy" not in name.lower()}
    for name in ("REGISTRY_AUTH_FILE", "XDG_RUNTIME_DIR", "DOCKER_CONFIG", "VASTFS_REGISTRY_MIRROR"):
        env.pop(name, None)
    return {**env, "HOME": str(tmp_path), **more}


@pytest.fixture
def build(tmp_path):
    """Runs image_build; its answer as a dictionary."""

    def run(base, target, repository="vast-default", architecture="x86_64", authorization="", **more):
        done = subprocess.run([PROGRAM, base, architecture, RUNTIME, target, repository, authorization],
                              env=environment(tmp_path, **more), capture_output=True, text=True, timeout=120)
        assert done.stdout.startswith("{"), done.stderr
        answer = json.loads(done.stdout)
        assert (answer["errnum"] < 0) == (done.returncode != 0)
        for word in ("ERROR: AddressSanitizer", "runtime error", "LeakSanitizer"):
            assert word not in done.stderr, done.stderr
        return answer

    return run
