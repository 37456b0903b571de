# SPDX-License-Identifier: BSD-3-Clause
"""IAM, STS, IAM Identity Center and the endpoints that provide credentials.

The server calls `install` and `middleware`, and puts `Rights` around moto.
"""

import functools

from . import rights, rules, sign_in
from .rights import Rights

__all__ = ["Rights", "install", "middleware"]

middleware = sign_in.middleware


def install(context) -> None:
    """Wrap the rules around moto's IAM and announce the sign-in endpoints."""
    rules.install(context)
    sign_in.install(context)
    context.registry_guard = functools.partial(rights.check_registry, context)
