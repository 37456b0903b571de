"""CloudWatch Logs, and the output of processes on its way there.

The server calls `install`.
"""

from .streams import install

__all__ = ["install"]
