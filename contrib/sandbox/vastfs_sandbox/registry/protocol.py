# SPDX-License-Identifier: BSD-3-Clause
"""The registry protocol of the OCI distribution specification, over WSGI.

The contents of a registry and its permissions are in its shelf: ecr_shelf.py for
ECR, mirror.py for Docker Hub. The protocol has ECR's peculiarities where they
matter to a client that pushes: a PATCH is answered with 201, and the bodies of
all PATCHes but the first are silently discarded.
"""

import hashlib
import json
import re
import threading
import time
from dataclasses import dataclass, field
from urllib.parse import parse_qsl

from ..common import oci
from ..common.faults import RULES
from ..wire import wsgi
from . import blobs

NAME = r"(?P<name>[a-z0-9]+(?:(?:\.|_{1,2}|-+|/)[a-z0-9]+)*)"
MAX_MANIFEST = 4 * 1024 * 1024
MAX_TAGS = 1000

#: method, path, action
ROUTES = [
    (method, re.compile(path.replace("NAME", NAME)), action)
    for method, path, action in (
        ("GET", r"/v2/?", "Ping"),
        ("GET", r"/v2/NAME/blobs/(?P<digest>[^/]+)", "GetBlob"),
        ("HEAD", r"/v2/NAME/blobs/(?P<digest>[^/]+)", "HeadBlob"),
        ("POST", r"/v2/NAME/blobs/uploads/?", "StartUpload"),
        ("GET", r"/v2/NAME/blobs/uploads/(?P<upload>[^/]+)", "GetUpload"),
        ("PATCH", r"/v2/NAME/blobs/uploads/(?P<upload>[^/]+)", "PatchUpload"),
        ("PUT", r"/v2/NAME/blobs/uploads/(?P<upload>[^/]+)", "PutUpload"),
        ("DELETE", r"/v2/NAME/blobs/uploads/(?P<upload>[^/]+)", "DeleteUpload"),
        ("GET", r"/v2/NAME/manifests/(?P<reference>[^/]+)", "GetManifest"),
        ("HEAD", r"/v2/NAME/manifests/(?P<reference>[^/]+)", "HeadManifest"),
        ("PUT", r"/v2/NAME/manifests/(?P<reference>[^/]+)", "PutManifest"),
        ("GET", r"/v2/NAME/tags/list", "ListTags"),
    )
]
WRITING = ("StartUpload", "PatchUpload", "PutUpload", "DeleteUpload", "PutManifest")


class Refused(Exception):
    """An error of the protocol."""

    def __init__(self, status: int, code: str, message: str, headers=()):
        super().__init__(message)
        self.status = status
        self.code = code
        self.headers = list(headers)


def unknown_blob(digest: str) -> Refused:
    return Refused(404, "BLOB_UNKNOWN", f"blob {digest} unknown to registry")


@dataclass
class Answer:
    """A reply; `body` may be any iterable of bytes if `length` is its size."""

    status: int
    headers: dict = field(default_factory=dict)
    body: object = b""
    length: int | None = None


@dataclass
class Call:
    """One request, parsed for the handlers."""

    environ: dict
    action: str
    words: dict
    query: dict
    grant: object = None  # the scope of the credentials; only the shelf interprets it

    @property
    def name(self) -> str:
        return self.words["name"]

    @property
    def body(self):
        """The request's body, chunk by chunk."""
        return self.environ["vastfs.stream"]

    def header(self, name: str) -> str:
        return self.environ.get(name, "")


def is_registry_call(environ) -> bool:
    """Whether the request is for the registry on the main port. Lambda also has such paths, but signed."""
    path = environ["PATH_INFO"]
    signed = environ.get("HTTP_AUTHORIZATION", "").startswith("AWS4")
    return (path == "/v2" or path.startswith("/v2/")) and not signed


def route(environ):
    """(action, parts of the path); ("", {}) if no route matches."""
    for method, pattern, action in ROUTES:
        found = pattern.fullmatch(environ["PATH_INFO"])
        if found and method == environ["REQUEST_METHOD"]:
            return action, found.groupdict()
    return "", {}


class Registry:
    """The WSGI application; `shelf` has the contents that it serves."""

    def __init__(self, shelf):
        self.shelf = shelf
        self.uploads = {}
        self._lock = threading.Lock()

    def __call__(self, environ, start_response):
        begun = time.time()
        call = self._call(environ)
        code = ""
        try:
            if not call.action:
                raise Refused(405, "UNSUPPORTED", "The operation is unsupported.")
            call.grant = self.shelf.admit(call)
            answer = getattr(self, HANDLERS[call.action])(call)
        except Refused as refused:
            code = refused.code
            answer = self._refusal(refused)
        self._record(call, answer.status, code, begun)
        return self._send(call, answer, start_response)

    @staticmethod
    def _call(environ) -> Call:
        action, words = route(environ)
        query = dict(parse_qsl(environ.get("QUERY_STRING", ""), keep_blank_values=True))
        return Call(environ, action, words, query)

    @staticmethod
    def _refusal(refused) -> Answer:
        error = {"code": refused.code, "message": str(refused)}
        body = json.dumps({"errors": [error]}).encode()
        headers = {"Content-Type": "application/json; charset=utf-8"}
        headers.update(refused.headers)
        return Answer(refused.status, headers, body)

    def _record(self, call, status: int, code: str, begun: float) -> None:
        """Record the request in the journal, as calls of AWS's APIs are."""
        environ = call.environ
        path = {"method": environ["REQUEST_METHOD"], "path": environ["PATH_INFO"]}
        entry = {
            "time": begun,
            "service": self.shelf.service,
            "action": call.action,
            "parameters": {**path, **call.query},
            "status": status,
            "code": code,
            "seconds": round(time.time() - begun, 4),
        }
        RULES.record(entry)

    @staticmethod
    def _send(call, answer, start_response):
        headers = {"Docker-Distribution-Api-Version": "registry/2.0", **answer.headers}
        body = answer.body
        if answer.length is None:
            answer.length, body = len(body), [body]
        headers["Content-Length"] = str(answer.length)
        start_response(wsgi.status_line(answer.status), list(headers.items()))
        return [] if call.environ["REQUEST_METHOD"] == "HEAD" else body

    def _ping(self, _call):
        return Answer(200, {"Content-Type": "application/json; charset=utf-8"}, b"{}")

    def _blob(self, call):
        path = self.shelf.blob(call.grant, call.name, call.words["digest"])
        if path is None:
            raise unknown_blob(call.words["digest"])
        return path

    def _head_blob(self, call):
        headers = {
            "Content-Type": "application/octet-stream",
            "Docker-Content-Digest": call.words["digest"],
            "Accept-Ranges": "bytes",
        }
        return Answer(200, headers, b"", self._blob(call).stat().st_size)

    def _get_blob(self, call):
        """Redirect to the storage service, which has the blobs and knows no registry."""
        path = self._blob(call)
        place = self.shelf.storage.address(path, call.words["digest"])
        return Answer(307, {"Location": place})

    def _start_upload(self, call):
        self.shelf.check_name(call.grant, call.name)
        digest = call.query.get("mount")
        source = call.query.get("from")
        if digest and source and self.shelf.mount(call.grant, call.name, digest, source):
            return self._stored(call, digest)
        upload = self.shelf.blobs.upload()
        upload.name = call.name
        upload.patched = False
        with self._lock:
            self.uploads[upload.id] = upload
        return self._progress(202, upload)

    def _upload(self, call):
        with self._lock:
            upload = self.uploads.get(call.words["upload"])
        if upload is None or upload.name != call.name:
            raise Refused(404, "BLOB_UPLOAD_UNKNOWN", "blob upload unknown to registry")
        return upload

    @staticmethod
    def _progress(status: int, upload) -> Answer:
        headers = {
            "Location": f"/v2/{upload.name}/blobs/uploads/{upload.id}",
            "Docker-Upload-UUID": upload.id,
            "Range": f"0-{max(upload.size - 1, 0)}",
        }
        return Answer(status, headers)

    def _get_upload(self, call):
        return self._progress(204, self._upload(call))

    def _patch_upload(self, call):
        upload = self._upload(call)
        self._take_first_body(upload, call)
        return self._progress(201, upload)

    @staticmethod
    def _take_first_body(upload, call) -> None:
        if upload.patched:
            return call.body.discard()
        upload.patched = True
        return upload.append(call.body)

    def _put_upload(self, call):
        upload = self._upload(call)
        digest = call.query.get("digest", "")
        self._take_first_body(upload, call)
        with self._lock:
            del self.uploads[upload.id]
        if upload.digest != digest:
            upload.drop()
            message = f"The digest of the upload is {upload.digest}, not '{digest}'."
            raise Refused(400, "DIGEST_INVALID", message)
        upload.keep()
        if not call.environ.get("vastfs.forget"):
            self.shelf.add_blob(call.grant, call.name, digest)
        return self._stored(call, digest)

    def _delete_upload(self, call):
        upload = self._upload(call)
        with self._lock:
            del self.uploads[upload.id]
        upload.drop()
        return Answer(204)

    @staticmethod
    def _stored(call, digest) -> Answer:
        place = f"/v2/{call.name}/blobs/{digest}"
        return Answer(201, {"Location": place, "Docker-Content-Digest": digest})

    def _get_manifest(self, call):
        reference = call.words["reference"]
        manifest = self.shelf.manifest(call.grant, call.name, reference)
        if manifest is None:
            message = f"manifest {reference} of {call.name} unknown"
            raise Refused(404, "MANIFEST_UNKNOWN", message)
        headers = {
            "Content-Type": manifest.media_type,
            "Docker-Content-Digest": manifest.digest,
        }
        return Answer(200, headers, manifest.data)

    def _put_manifest(self, call):
        reference = call.words["reference"]
        manifest = self._manifest_of(call)
        if oci.is_digest(reference):
            if manifest.digest != reference:
                message = f"The manifest's digest is {manifest.digest}."
                raise Refused(400, "DIGEST_INVALID", message)
        elif not oci.TAG.fullmatch(reference):
            raise Refused(400, "TAG_INVALID", f"'{reference}' is no tag.")
        if not call.environ.get("vastfs.forget"):
            self.shelf.add_manifest(call.grant, call.name, reference, manifest)
        place = f"/v2/{call.name}/manifests/{manifest.digest}"
        return Answer(201, {"Location": place, "Docker-Content-Digest": manifest.digest})

    @staticmethod
    def _manifest_of(call) -> oci.Manifest:
        data = b""
        for chunk in call.body:
            data += chunk
            if len(data) > MAX_MANIFEST:
                raise Refused(413, "SIZE_INVALID", "The manifest is too large.")
        try:
            return oci.parse(data, call.header("CONTENT_TYPE"))
        except oci.Malformed as error:
            raise Refused(400, "MANIFEST_INVALID", str(error)) from error

    def _list_tags(self, call):
        tags = sorted(self.shelf.tags(call.grant, call.name))
        last = call.query.get("last", "")
        count = call.query.get("n", "")
        count = min(int(count) if count.isdigit() else MAX_TAGS, MAX_TAGS)
        rest = [tag for tag in tags if tag > last]
        headers = {"Content-Type": "application/json"}
        if len(rest) > count > 0:
            more = f"/v2/{call.name}/tags/list?n={count}&last={rest[count - 1]}"
            headers["Link"] = f'<{more}>; rel="next"'
        body = json.dumps({"name": call.name, "tags": rest[:count]}).encode()
        return Answer(200, headers, body)


HANDLERS = {
    "Ping": "_ping",
    "GetBlob": "_get_blob",
    "HeadBlob": "_head_blob",
    "StartUpload": "_start_upload",
    "GetUpload": "_get_upload",
    "PatchUpload": "_patch_upload",
    "PutUpload": "_put_upload",
    "DeleteUpload": "_delete_upload",
    "GetManifest": "_get_manifest",
    "HeadManifest": "_get_manifest",
    "PutManifest": "_put_manifest",
    "ListTags": "_list_tags",
}


class Storage:
    """The storage of the registries' blobs: every client that knows a URL may read it.

    Like the storage services of AWS and Docker, it refuses a request that
    carries the registry's credentials.
    """

    service = "storage"

    def __init__(self):
        self.address_of_server = ""
        self._known = {}
        self._lock = threading.Lock()

    def address(self, path, digest: str) -> str:
        """A URL for one blob."""
        key = hashlib.sha256(str(path).encode()).hexdigest()[:32]
        with self._lock:
            self._known[key] = path
        return f"{self.address_of_server}/{digest}?X-Amz-Signature={key}"

    def __call__(self, environ, start_response):
        query = dict(parse_qsl(environ.get("QUERY_STRING", "")))
        path = self._known.get(query.get("X-Amz-Signature"))
        if environ.get("HTTP_AUTHORIZATION"):
            return self._refuse(start_response, 400, "InvalidArgument")
        if path is None or environ["REQUEST_METHOD"] not in ("GET", "HEAD"):
            return self._refuse(start_response, 403, "AccessDenied")
        return self._send(environ, path, start_response)

    @staticmethod
    def _refuse(start_response, status: int, code: str):
        headers = [("Content-Type", "application/xml")]
        body = f"<Error><Code>{code}</Code></Error>".encode()
        return wsgi.reply(start_response, status, headers, body)

    @staticmethod
    def _send(environ, path, start_response):
        size = path.stat().st_size
        status, start, length = 200, 0, size
        headers = [("Content-Type", "application/octet-stream"), ("Accept-Ranges", "bytes")]
        wanted = re.fullmatch(r"bytes=(\d+)-(\d*)", environ.get("HTTP_RANGE", ""))
        if wanted:
            start = int(wanted[1])
            end = min(int(wanted[2]) if wanted[2] else size - 1, size - 1)
            if start > end:
                headers.append(("Content-Range", f"bytes */{size}"))
                return wsgi.reply(start_response, 416, headers, b"")
            status, length = 206, end - start + 1
            headers.append(("Content-Range", f"bytes {start}-{end}/{size}"))
        headers.append(("Content-Length", str(length)))
        start_response(wsgi.status_line(status), headers)
        return blobs.read(path, start, length)
