# SPDX-License-Identifier: BSD-3-Clause
"""Lambda: functions that run as local processes.

The server calls `install`.
"""

from . import account, images, interfaces, invoke, response_stream


def install(context) -> None:
    """Replace moto's states, images, interfaces and both kinds of Invoke."""
    interfaces.install(context)
    images.install(context)
    invoke.install(context)
    response_stream.install(context)
    account.install(context)
