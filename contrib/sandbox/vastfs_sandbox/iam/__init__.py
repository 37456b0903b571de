# SPDX-License-Identifier: BSD-3-Clause
"""IAM, STS, IAM Identity Center and the endpoints that provide credentials.

The server calls `install` and `middleware`.
"""

from . import rules, sign_in

middleware = sign_in.middleware


def install(context) -> None:
    """Wrap the rules around moto's IAM and announce the sign-in endpoints."""
    rules.install(context)
    sign_in.install(context)
