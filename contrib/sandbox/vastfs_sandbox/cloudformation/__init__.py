# SPDX-License-Identifier: BSD-3-Clause
"""CloudFormation: stacks that are created, updated and rolled back in the background.

The server calls `install` and `stop`.
"""

from .api import install, stop

__all__ = ["install", "stop"]
