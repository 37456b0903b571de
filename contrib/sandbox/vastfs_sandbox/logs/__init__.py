# SPDX-License-Identifier: BSD-3-Clause
"""CloudWatch Logs, and the output of processes on its way there.

The server calls `install`; ECS and Lambda write by `Capture` and `Writer`.
"""

from .streams import Capture, Writer, install

__all__ = ["Capture", "Writer", "install"]
