# SPDX-License-Identifier: BSD-3-Clause
"""EC2: the account's networks, and the rules that moto lacks.

The server calls `install`; EFS and Lambda create network interfaces with
`make_interface` and mark their own with `own`; ECS asks `is_cut_off` whether a
task reaches the Internet.
"""

from . import network, public_access, rules
from .public_access import is_cut_off
from .rules import make_interface, own

__all__ = ["install", "is_cut_off", "make_interface", "own"]


def install(context) -> None:
    """Create the networks, then wrap the rules around moto's backend."""
    network.install(context)
    rules.install(context)
    public_access.install(context)
    context.facts["vpc_id"] = network.VPC_ID
