# SPDX-License-Identifier: BSD-3-Clause
"""Lambda: functions that run in processes of their own.

The server calls `install`.
"""

from . import images, interfaces, invoke, response_stream


def install(context) -> None:
    """Put states, images, interfaces and both kinds of Invoke into moto's place."""
    interfaces.install(context)
    images.install(context)
    invoke.install(context)
    response_stream.install(context)
