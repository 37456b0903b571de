# SPDX-License-Identifier: BSD-3-Clause
"""Registries: ECR with its API, and a second registry in the role of Docker Hub.

The server calls `install`, `middleware` and `stop`; the container engine reads
images from ECR with `manifest` and `blob_path`.
"""

from . import ecr, ecr_shelf, mirror
from .protocol import Refused, is_registry_call

__all__ = ["Refused", "blob_path", "install", "is_registry_call", "manifest", "middleware", "stop"]

middleware = ecr_shelf.middleware
stop = mirror.stop


def install(context) -> None:
    """Wrap ECR's rules around moto, then open the mirror."""
    ecr.install(context)
    ecr_shelf.install(context)
    mirror.install(context)


def manifest(region: str, name: str, reference: str):
    """The manifest of an image in ECR, or None; Refused if the repository does not exist."""
    return ecr_shelf.shelf.manifest(region, name, reference)


def blob_path(digest: str):
    """The file of a blob that was pushed to ECR."""
    return ecr_shelf.shelf.blobs.path(digest)
