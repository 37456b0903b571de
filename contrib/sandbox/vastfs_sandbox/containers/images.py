# SPDX-License-Identifier: BSD-3-Clause
"""Finds the images of tasks and functions in ECR and unpacks them."""

import json
import re
import shutil
import tempfile
import threading
from dataclasses import dataclass
from pathlib import Path

from .. import registry
from ..common import oci
from ..seed import engine
from ..seed.image import MACHINES
from . import layers

ECR = re.compile(
    r"(?P<account>\d{12})\.dkr\.ecr\.(?P<region>[a-z0-9-]+)\.amazonaws\.com(?:\.cn)?/"
    r"(?P<name>[^:@]+)(?::(?P<tag>[^:@]+))?(?:@(?P<digest>sha256:[0-9a-f]{64}))?"
)
CONFIGS = (oci.OCI_CONFIG, "application/vnd.docker.container.image.v1+json")
GZIPPED = (oci.OCI_LAYER, "application/vnd.docker.image.rootfs.diff.tar.gzip")

_context = None
_roots = {}
_lock = threading.Lock()


class NotThere(Exception):
    """ECR does not have the image."""


class Unusable(Exception):
    """ECR has the image, but no process can run from it; says why."""


def install(context) -> None:
    """Remember the run directory, below which images are unpacked."""
    global _context
    _context = context


def is_ecr(uri: str) -> bool:
    return ECR.fullmatch(uri) is not None


@dataclass(frozen=True)
class Image:
    """The image that a URI named at the time of the lookup."""

    uri: str
    manifest: oci.Manifest

    @property
    def digest(self) -> str:
        return self.manifest.digest

    @property
    def resolved(self) -> str:
        """The URI by digest."""
        return f"{self.uri.partition('@')[0].rpartition('/')[0]}/{self._name}@{self.digest}"

    @property
    def _name(self) -> str:
        return self.uri.rpartition("/")[2].partition("@")[0].partition(":")[0]

    @property
    def for_lambda(self) -> bool:
        """Whether Lambda accepts the image: it must not be an index, and its layers must be gzipped."""
        if self.manifest.is_index:
            return False
        config = self.manifest.content["config"].get("mediaType")
        kinds = [layer.get("mediaType") for layer in self.manifest.layers]
        return config in CONFIGS and all(kind in GZIPPED for kind in kinds)

    def for_platform(self, architecture: str) -> "Image":
        """The image itself, or the index's image for this architecture."""
        for child in self.manifest.children:
            platform = child.get("platform", {})
            if (platform.get("os"), platform.get("architecture")) == ("linux", architecture):
                return locate(f"{self.uri.partition('@')[0]}@{child['digest']}")
        if self.manifest.is_index:
            raise Unusable(
                "image Manifest does not contain descriptor matching platform "
                f"'linux/{architecture}'"
            )
        return self

    @property
    def configuration(self) -> dict:
        blob = registry.blob_path(self.manifest.content["config"]["digest"])
        try:
            return json.loads(blob.read_bytes())
        except (ValueError, OSError) as error:
            raise Unusable(f"the configuration cannot be read: {error}") from error

    def root(self) -> layers.Root:
        """The unpacked root directory; the first caller unpacks it and waits."""
        with _lock:
            lock, _ = _roots.setdefault(self.digest, (threading.Lock(), None))
        with lock:
            found = _roots[self.digest][1]
            if found is None:
                found = layers.Root(self._unpack())
                _roots[self.digest] = (lock, found)
        return found

    def _unpack(self) -> Path:
        home = _context.run_dir / "images"
        home.mkdir(exist_ok=True)
        path = Path(tempfile.mkdtemp(dir=home))
        path.chmod(0o755)
        diff_ids = self.configuration.get("rootfs", {}).get("diff_ids", [])
        descriptors = self.manifest.layers
        try:
            if len(diff_ids) != len(descriptors):
                raise layers.Malformed("configuration and manifest have not the same layers")
            root = layers.Root(path)
            for layer, diff_id in zip(descriptors, diff_ids):
                blob = registry.blob_path(layer["digest"])
                root.apply(layers.spooled(blob, layer["digest"], diff_id, spool_place))
        except (layers.Malformed, OSError) as error:
            shutil.rmtree(path, ignore_errors=True)
            raise Unusable(str(error)) from error
        return path


def spool_place(size: int) -> Path:
    """The directory of a layer's spool: large layers are kept for the next sandbox."""
    if size >= layers.LARGE:
        return engine.cache() / "images" / "unpacked"
    return _context.run_dir / "layers"


def locate(uri: str) -> Image:
    """The image that a URI names now, or NotThere."""
    found = ECR.fullmatch(uri)
    if not found or found["account"] != _context.account_id:
        raise NotThere(uri)
    reference = found["digest"] or found["tag"] or "latest"
    try:
        manifest = registry.manifest(found["region"], found["name"], reference)
    except registry.Refused:
        manifest = None
    if manifest is None:
        raise NotThere(uri)
    return Image(uri, manifest)


def architecture(name: str) -> str:
    """The name that images use for the architecture X86_64, x86_64 or arm64."""
    return MACHINES.get(name.lower(), name.lower())
