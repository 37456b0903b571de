# SPDX-License-Identifier: BSD-3-Clause
"""Faults of an invocation before the function runs.

`match` is `lambda`, and `kind` one of REFUSALS. `message` replaces the error
message, `reason` the reason of `too_many`.
"""

from ..common.faults import take

#: kind: (status, code, message)
REFUSALS = {
    "not_ready": (502, "ResourceNotReadyException", "The function is not ready."),
    "eni_not_ready": (
        502,
        "ENINotReadyException",
        "Lambda couldn't create an elastic network interface in time. Try again.",
    ),
    "ec2_throttled": (502, "EC2ThrottledException", "EC2 throttled Lambda."),
    "no_address": (
        502,
        "SubnetIPAddressLimitReachedException",
        "One or more configured subnets has no available IP addresses.",
    ),
    "pending": (
        409,
        "ResourceConflictException",
        "The operation cannot be performed at this time. The function is currently "
        "in the following state: Pending",
    ),
    "too_many": (429, "TooManyRequestsException", "Rate Exceeded."),
    "inactive": (0, "", ""),  # first makes the function inactive
}


def of_invoke():
    """The rule by which the next Invoke is refused, or None."""
    return take("lambda", REFUSALS)
