# SPDX-License-Identifier: BSD-3-Clause
"""The container engine below ECS and Lambda: it unpacks images and starts processes in them.

The server calls `install` and `stop`.
"""

from . import images, processes

stop = processes.stop


def install(context) -> None:
    """Start the spawner, while the server is still small."""
    processes.install(context)
    images.install(context)
