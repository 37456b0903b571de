# SPDX-License-Identifier: BSD-3-Clause
"""IAM, STS, Identity Center and the places that hand out credentials.

The server calls `install` and `middleware`.
"""

from . import rules, sign_in

middleware = sign_in.middleware


def install(context) -> None:
    """Put the rules around moto's IAM and announce where one signs in."""
    rules.install(context)
    sign_in.install(context)
