"""EC2: the account's networks, and the rules that moto does not know.

The server calls `install`.
"""

from . import network, rules


def install(context) -> None:
    """Make the networks, then put the rules before moto's backend."""
    network.install(context)
    rules.install(context)
