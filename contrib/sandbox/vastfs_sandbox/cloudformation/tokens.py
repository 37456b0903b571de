# SPDX-License-Identifier: BSD-3-Clause
"""Client request tokens, which CloudFormation remembers beyond the end of a stack.

A token belongs to the call for which it was first used. AWS stores it under the
stack's name: it is refused for any other call, for the same call after the end of
its operation, and for a later stack of the same name.
"""

import threading
from dataclasses import dataclass

from ..wire.errors import ApiError


@dataclass(frozen=True)
class Use:
    """The call for which a token was used."""

    action: str
    stack_id: str
    detail: str
    operation_id: str


class Tokens:
    """All used tokens."""

    def __init__(self):
        self._lock = threading.Lock()
        self._used = {}  # (region, stack name, token) -> Use

    def repeated(self, stack, token, action, detail="") -> bool:
        """Whether this call was made before and its operation is still running.

        Refuses a token that was used for another call.
        """
        with self._lock:
            use = self._used.get((stack.region, stack.name, token))
        if not token or use is None:
            return False
        if use == Use(action, stack.id, detail, stack.operation_id):
            return True
        raise already_used(token)

    def unused(self, region, name, token) -> None:
        """Refuse a used token for a new stack."""
        with self._lock:
            if token and (region, name, token) in self._used:
                raise already_used(token)

    def record(self, stack, token, action, detail="") -> None:
        """Record an accepted call, which started the stack's current operation."""
        if token:
            use = Use(action, stack.id, detail, stack.operation_id)
            with self._lock:
                self._used[stack.region, stack.name, token] = use


def already_used(token) -> ApiError:
    """AWS's error for a used token."""
    return ApiError(
        "TokenAlreadyExistsException",
        f"The client request token {token} has already been used for this stack. "
        "Retry the request with a different client request token.",
    )
