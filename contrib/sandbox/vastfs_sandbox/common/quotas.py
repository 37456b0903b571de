# SPDX-License-Identifier: BSD-3-Clause
"""The account's quotas: Service Quotas reports them, the services enforce them.

`POST /sandbox/quotas` changes them; see the package quotas.
"""

import threading

ADDRESSES = ("ec2", "L-0263D0A3")
NAT_GATEWAYS = ("vpc", "L-FE5A380F")
FARGATE_VCPUS = ("fargate", "L-3032A538")
#: not in Service Quotas: functions that may run at once, and MB of one function
LAMBDA_CONCURRENCY = ("lambda", "concurrency")
LAMBDA_MEMORY = ("lambda", "memory")

#: the values of an account that is not new
DEFAULTS = {
    ADDRESSES: 5.0,
    NAT_GATEWAYS: 5.0,
    FARGATE_VCPUS: 4000.0,
    LAMBDA_CONCURRENCY: 1000.0,
    LAMBDA_MEMORY: 10240.0,
}
#: the lower Lambda quotas of a new account
NEW_ACCOUNT = {LAMBDA_CONCURRENCY: 10.0, LAMBDA_MEMORY: 3008.0}

_lock = threading.Lock()
_values = dict(DEFAULTS)


def value(quota) -> float:
    with _lock:
        return _values[quota]


def reported(service: str, code: str):
    """The value that Service Quotas reports, None if it does not know the quota."""
    with _lock:
        return _values.get((service, code)) if code.startswith("L-") else None


def change(values: dict) -> None:
    """Set some quotas; all others get their default."""
    unknown = set(values) - set(DEFAULTS)
    if unknown:
        raise ValueError(f"unknown quotas: {sorted(unknown)}")
    with _lock:
        _values.clear()
        _values.update({**DEFAULTS, **values})
