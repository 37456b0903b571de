# SPDX-License-Identifier: BSD-3-Clause
"""ECS Exec: sessions, their data channels, and their commands on terminals.

The server calls `install` and `stop`.
"""

from .api import install, stop

__all__ = ["install", "stop"]
