# SPDX-License-Identifier: BSD-3-Clause
"""The cloud's clock, which a test can set ahead of this machine's.

Clients learn the difference from the Date header and from refused
signatures; both use this clock.
"""

import time
from datetime import datetime, timedelta, timezone

_skew = 0.0


def set_skew(seconds: float) -> None:
    """Let the cloud's clock run `seconds` ahead of this machine's."""
    global _skew
    _skew = float(seconds)


def skew() -> float:
    """Seconds by which the cloud is ahead."""
    return _skew


def timestamp() -> float:
    """The cloud's time in seconds since 1970."""
    return time.time() + _skew


def now() -> datetime:
    """The cloud's time."""
    return datetime.now(timezone.utc) + timedelta(seconds=_skew)
