# SPDX-License-Identifier: BSD-3-Clause
"""Client request tokens, which CloudFormation remembers longer than stacks.

A token belongs to the one call that it was first used for. AWS keeps it by the
stack's name: it is refused for any other call, for the same call once its
operation is over, and for a later stack of that name too.
"""

import threading
from dataclasses import dataclass

from ..wire.errors import ApiError


@dataclass(frozen=True)
class Use:
    """What a token was used for."""

    action: str
    stack_id: str
    detail: str
    operation_id: str


class Tokens:
    """All tokens that were ever used."""

    def __init__(self):
        self._lock = threading.Lock()
        self._used = {}  # (region, stack name, token) -> Use

    def repeated(self, stack, token, action, detail="") -> bool:
        """Whether this call was made already and its operation still runs.

        Refuses a token that was used for anything else.
        """
        with self._lock:
            use = self._used.get((stack.region, stack.name, token))
        if not token or use is None:
            return False
        if use == Use(action, stack.id, detail, stack.operation_id):
            return True
        raise already_used(token)

    def unused(self, region, name, token) -> None:
        """Refuse a used token for a stack that does not exist yet."""
        with self._lock:
            if token and (region, name, token) in self._used:
                raise already_used(token)

    def record(self, stack, token, action, detail="") -> None:
        """The call was accepted and its operation is the current one."""
        if token:
            use = Use(action, stack.id, detail, stack.operation_id)
            with self._lock:
                self._used[stack.region, stack.name, token] = use


def already_used(token) -> ApiError:
    """AWS's refusal."""
    return ApiError(
        "TokenAlreadyExistsException",
        f"The client request token {token} has already been used for this stack. "
        "Retry the request with a different client request token.",
    )
