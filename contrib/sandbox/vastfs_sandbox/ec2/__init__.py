# SPDX-License-Identifier: BSD-3-Clause
"""EC2: the account's networks, and the rules that moto lacks.

The server calls `install`; EFS and Lambda create network interfaces with
`make_interface` and mark their own with `own`.
"""

from . import network, rules
from .rules import make_interface, own

__all__ = ["install", "make_interface", "own"]


def install(context) -> None:
    """Create the networks, then wrap the rules around moto's backend."""
    network.install(context)
    rules.install(context)
    context.facts["vpc_id"] = network.VPC_ID
