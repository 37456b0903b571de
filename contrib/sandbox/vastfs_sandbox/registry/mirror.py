# SPDX-License-Identifier: BSD-3-Clause
"""A second registry, in the role of Docker Hub: public images that can only be pulled.

It listens on a port of its own, and so does the storage behind both registries.
Its images come from OCI image layouts: from the server's option
`--seed NAME:TAG=DIRECTORY`, or from
POST /sandbox/mirror {"image": "NAME:TAG", "layout": DIRECTORY}.
"""

import json
import secrets
import threading
from pathlib import Path
from urllib.parse import parse_qsl

from ..common import clock, oci
from ..wire import wsgi
from ..wire.httpd import make_server
from . import ecr_shelf
from .faults import RegistryFaults
from .protocol import WRITING, Refused, Registry

TOKEN_SECONDS = 300

shelf = None
_servers = []


def install(context) -> None:
    """Open both ports and load the seed images."""
    global shelf
    shelf = Shelf(ecr_shelf.storage)
    storage = RegistryFaults(context, ecr_shelf.storage, "storage")
    ecr_shelf.storage.address_of_server = serve(context, storage)
    app = RegistryFaults(context, Mirror(shelf), "mirror")
    shelf.address = serve(context, app)
    context.facts["registry_mirror"] = shelf.address
    context.controls["POST", "/sandbox/mirror"] = seed_by_control
    for word in context.seeds:
        image, _, directory = word.partition("=")
        shelf.seed(image, Path(directory))


def serve(context, app) -> str:
    """Serve an application on a new port; its URL."""
    server = make_server(context.host, 0, app)
    server.streams = lambda environ: True
    _servers.append(server)
    threading.Thread(target=server.serve_forever, args=(0.1,), daemon=True).start()
    return f"http://{context.host}:{server.server_port}"


def stop(_context) -> None:
    while _servers:
        server = _servers.pop()
        server.shutdown()
        server.server_close()


def seed_by_control(wanted):
    digest = shelf.seed(wanted["image"], Path(wanted["layout"]))
    return 200, {"digest": digest}


class Mirror:
    """The registry and the endpoint that issues its tokens."""

    def __init__(self, mirror_shelf):
        self.shelf = mirror_shelf
        self.registry = Registry(mirror_shelf)

    def __call__(self, environ, start_response):
        if environ["PATH_INFO"] != "/token":
            return self.registry(environ, start_response)
        query = parse_qsl(environ.get("QUERY_STRING", ""))
        scopes = [value for name, value in query if name == "scope"]
        token = self.shelf.give_token(" ".join(scopes).split())
        reply = {
            "token": token,
            "access_token": token,
            "expires_in": TOKEN_SECONDS,
            "issued_at": clock.now().strftime("%Y-%m-%dT%H:%M:%SZ"),
        }
        headers = [("Content-Type", "application/json")]
        return wsgi.reply(start_response, 200, headers, json.dumps(reply).encode())


class Shelf:
    """Images from layouts; anyone with a token may pull them."""

    service = "mirror"

    def __init__(self, storage):
        self.storage = storage
        self.address = ""
        self._tags = {}  # name -> {tag: digest}
        self._layouts = {}  # name -> directories of its blobs
        self._manifests = {}  # (name, digest) -> Manifest
        self._tokens = {}  # token -> (names, expiry)
        self._lock = threading.Lock()

    def seed(self, image: str, directory: Path) -> str:
        """Offer the image of a layout; its digest."""
        name, _, tag = image.partition(":")
        index = json.loads((directory / "index.json").read_text())
        (entry,) = index["manifests"]
        with self._lock:
            self._layouts.setdefault(name, []).append(directory)
            digest = self._add(name, directory, entry)
            self._tags.setdefault(name, {})[tag or "latest"] = digest
        return digest

    def _add(self, name: str, directory: Path, entry: dict) -> str:
        data = content(directory, entry["digest"]).read_bytes()
        manifest = oci.parse(data, entry["mediaType"])
        self._manifests[name, manifest.digest] = manifest
        for child in manifest.children:
            if content(directory, child["digest"]).exists():
                self._add(name, directory, child)
        return manifest.digest

    def give_token(self, scopes) -> str:
        """An anonymous token, which only permits pulls."""
        names = set()
        for scope in scopes:
            kind, _, rest = scope.partition(":")
            name, _, actions = rest.rpartition(":")
            if kind == "repository" and "pull" in actions.split(","):
                names.add(name)
        token = secrets.token_urlsafe(24)
        with self._lock:
            self._tokens[token] = (names, clock.timestamp() + TOKEN_SECONDS)
        return token

    def forget_tokens(self) -> None:
        """Make all issued tokens invalid, as if they had expired."""
        with self._lock:
            self._tokens.clear()

    def admit(self, call) -> None:
        scheme, _, token = call.header("HTTP_AUTHORIZATION").partition(" ")
        with self._lock:
            names, expiry = self._tokens.get(token, (set(), 0))
        if scheme.lower() != "bearer" or expiry < clock.timestamp():
            raise self._unauthorized(call, "invalid_token" if token else "")
        if call.action in WRITING or (call.words and call.name not in names):
            raise self._unauthorized(call, "insufficient_scope")

    def _unauthorized(self, call, error: str) -> Refused:
        words = f'Bearer realm="{self.address}/token",service="registry.docker.io"'
        if call.words:
            actions = "pull,push" if call.action in WRITING else "pull"
            words += f',scope="repository:{call.name}:{actions}"'
        if error:
            words += f',error="{error}"'
        headers = [("Www-Authenticate", words)]
        return Refused(401, "UNAUTHORIZED", "authentication required", headers)

    def blob(self, _grant, name: str, digest: str):
        if oci.is_digest(digest):
            for directory in self._layouts.get(name, []):
                path = content(directory, digest)
                if path.exists():
                    return path
        return None

    def manifest(self, _grant, name: str, reference: str):
        digest = self._tags.get(name, {}).get(reference, reference)
        return self._manifests.get((name, digest))

    def tags(self, _grant, name: str):
        return self._tags.get(name, {})


def content(directory: Path, digest: str) -> Path:
    return directory / "blobs" / digest.replace(":", "/")
