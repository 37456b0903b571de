# SPDX-License-Identifier: BSD-3-Clause
"""CloudWatch Logs, and the capture of processes' output.

The server calls `install`; ECS and Lambda write with `Capture` and `Writer`.
"""

from .streams import Capture, Writer, install

__all__ = ["Capture", "Writer", "install"]
