# SPDX-License-Identifier: BSD-3-Clause
"""ECS: tasks that run as local processes, and the scheduler of services.

The server calls `install` and `stop`; ECS Exec finds its task with `find_task`.
"""

from . import api, definition, scheduler, service_api
from .api import find_task

__all__ = ["find_task", "install", "stop"]


def install(context) -> None:
    """Replace moto's API and start the scheduler."""
    api.install(context)
    definition.install(context)
    scheduler.install(context)
    service_api.install(context)


def stop(context) -> None:
    """Let the threads of the scheduler and of all tasks end."""
    scheduler.stop(context)
    api.stop(context)
