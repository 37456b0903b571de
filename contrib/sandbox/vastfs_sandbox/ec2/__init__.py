# SPDX-License-Identifier: BSD-3-Clause
"""EC2: the account's networks, and the rules that moto does not know.

The server calls `install`; EFS and Lambda make network interfaces by `own` and `make_interface`.
"""

from . import network, rules
from .rules import make_interface, own

__all__ = ["install", "make_interface", "own"]


def install(context) -> None:
    """Make the networks, then put the rules before moto's backend."""
    network.install(context)
    rules.install(context)
    context.facts["vpc_id"] = network.VPC_ID
