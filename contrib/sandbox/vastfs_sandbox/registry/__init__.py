"""Registries: ECR with its API, and a second one that stands for Docker Hub.

The server calls `install`, `middleware` and `stop`.
"""

from . import ecr, ecr_shelf, mirror
from .protocol import is_registry_call

__all__ = ["install", "is_registry_call", "middleware", "stop"]

middleware = ecr_shelf.middleware
stop = mirror.stop


def install(context) -> None:
    """Put ECR's rules around moto, then open the mirror."""
    ecr.install(context)
    ecr_shelf.install(context)
    mirror.install(context)
