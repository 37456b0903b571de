# SPDX-License-Identifier: BSD-3-Clause
"""A bare client of registries, and images to push."""

import base64
import gzip
import hashlib
import http.client
import io
import json
import subprocess
import tarfile
from urllib.parse import urlsplit

from conftest import ROOT

OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json"


def digest(data: bytes) -> str:
    return "sha256:" + hashlib.sha256(data).hexdigest()


def make_image() -> str:
    """The layout of the small image."""
    command = [ROOT / "contrib/sandbox/make-image", "--without-engine"]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def skopeo(*arguments, fails=False):
    """skopeo's output as data, or its stderr."""
    done = subprocess.run(["skopeo", *arguments], capture_output=True, text=True)
    assert (done.returncode != 0) == fails, done.stderr
    return done.stderr if fails else done.stdout


def password(sandbox) -> str:
    token = sandbox.client("ecr").get_authorization_token()["authorizationData"][0]
    return base64.b64decode(token["authorizationToken"]).decode()


class Registry:
    """One connection to a registry, with one kind of credentials."""

    def __init__(self, url: str, authorization=None):
        self.wire = http.client.HTTPConnection(urlsplit(url).netloc, timeout=60)
        self.authorization = authorization

    @classmethod
    def of(cls, sandbox):
        token = base64.b64encode(password(sandbox).encode()).decode()
        return cls(sandbox.endpoint, f"Basic {token}")

    def ask(self, method, path, body=None, **headers):
        """(status, headers, body)"""
        if self.authorization:
            headers.setdefault("Authorization", self.authorization)
        chunked = not isinstance(body, (bytes, type(None)))
        if chunked:
            headers["Transfer-Encoding"] = "chunked"
        self.wire.request(method, path, body, headers, encode_chunked=chunked)
        reply = self.wire.getresponse()
        return reply.status, reply.headers, reply.read()

    def upload(self, name, *bodies, wanted=None):
        """Upload a blob with PATCH requests and a PUT; the status of the PUT."""
        _, headers, _ = self.ask("POST", f"/v2/{name}/blobs/uploads/")
        for body in bodies:
            status, headers, _ = self.ask("PATCH", headers["Location"], body)
            assert status == 201
        wanted = wanted or digest(b"".join(bodies))
        return self.ask("PUT", f"{headers['Location']}?digest={wanted}")[0]

    def push(self, name, reference, layers, config=None):
        """Push an image whose layers are tar archives; (status, digest, body)."""
        blobs = [gzip.compress(layer, mtime=0) for layer in layers]
        rootfs = {"type": "layers", "diff_ids": [digest(layer) for layer in layers]}
        base = {"architecture": "amd64", "os": "linux", "config": {}, "rootfs": rootfs}
        text = json.dumps({**base, **(config or {})}).encode()
        for blob in [text, *blobs]:
            assert self.upload(name, blob) == 201
        manifest = json.dumps(
            {
                "schemaVersion": 2,
                "mediaType": OCI_MANIFEST,
                "config": described("application/vnd.oci.image.config.v1+json", text),
                "layers": [
                    described("application/vnd.oci.image.layer.v1.tar+gzip", blob)
                    for blob in blobs
                ],
            }
        ).encode()
        return self.put_manifest(name, reference or digest(manifest), manifest)

    def put_manifest(self, name, reference, manifest, kind=OCI_MANIFEST):
        path = f"/v2/{name}/manifests/{reference}"
        status, _, body = self.ask("PUT", path, manifest, **{"Content-Type": kind})
        return status, digest(manifest), body


def described(kind: str, data: bytes) -> dict:
    return {"mediaType": kind, "digest": digest(data), "size": len(data)}


def tar(*entries) -> bytes:
    """A tar archive of entries (name, keywords of TarInfo, contents)."""
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w") as archive:
        for name, facts, content in entries:
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            entry.mode = 0o755
            for key, value in facts.items():
                setattr(entry, key, value)
            archive.addfile(entry, io.BytesIO(content))
    return file.getvalue()
