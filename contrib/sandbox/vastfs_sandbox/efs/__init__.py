# SPDX-License-Identifier: BSD-3-Clause
"""EFS: file systems and mount targets with their life cycles.

The server calls `install`.
"""

from .rules import install

__all__ = ["install"]
