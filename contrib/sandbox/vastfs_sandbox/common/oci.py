# SPDX-License-Identifier: BSD-3-Clause
"""The formats of registries and image layouts: digests, names, manifests."""

import hashlib
import json
import re
from dataclasses import dataclass

OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
OCI_INDEX = "application/vnd.oci.image.index.v1+json"
OCI_CONFIG = "application/vnd.oci.image.config.v1+json"
OCI_LAYER = "application/vnd.oci.image.layer.v1.tar+gzip"
DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
DOCKER_LIST = "application/vnd.docker.distribution.manifest.list.v2+json"
IMAGES = (OCI_MANIFEST, DOCKER_MANIFEST)
INDEXES = (OCI_INDEX, DOCKER_LIST)

DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,127}")


class Malformed(ValueError):
    """The bytes are not a valid manifest."""


def digest_of(data: bytes) -> str:
    return "sha256:" + hashlib.sha256(data).hexdigest()


def is_digest(text: str) -> bool:
    return DIGEST.fullmatch(text) is not None


@dataclass(frozen=True)
class Manifest:
    """A manifest with the bytes that were received: its digest depends on them."""

    data: bytes
    media_type: str

    @property
    def digest(self) -> str:
        return digest_of(self.data)

    @property
    def content(self) -> dict:
        return json.loads(self.data)

    @property
    def is_index(self) -> bool:
        return self.media_type in INDEXES

    @property
    def layers(self) -> list:
        return self.content.get("layers", [])

    @property
    def blobs(self) -> list:
        """The descriptors of config and layers; none for an index."""
        return [] if self.is_index else [self.content["config"], *self.layers]

    @property
    def children(self) -> list:
        """The descriptors of an index's manifests."""
        return self.content["manifests"] if self.is_index else []


def parse(data: bytes, media_type: str = "") -> Manifest:
    """The manifest, if its kind is known and its descriptors are complete; else Malformed."""
    try:
        content = json.loads(data)
        named = content.get("mediaType") or media_type
    except (ValueError, AttributeError):
        raise Malformed("the manifest is not a JSON object") from None
    if media_type and named != media_type:
        raise Malformed(f"the manifest names the type {named}, but was sent as {media_type}")
    if named not in IMAGES + INDEXES:
        raise Malformed(f"manifests of type '{named}' are not supported")
    manifest = Manifest(data, named)
    try:
        for item in manifest.blobs + manifest.children:
            if not is_digest(item["digest"]) or not isinstance(item["size"], int):
                raise Malformed("a descriptor without digest or size")
    except (KeyError, TypeError, AttributeError):
        raise Malformed("the manifest lacks config, layers or manifests") from None
    return manifest
