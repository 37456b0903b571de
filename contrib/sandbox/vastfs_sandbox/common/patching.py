# SPDX-License-Identifier: BSD-3-Clause
"""Wraps rules around moto's methods.

A rule is a function `rule(self, original, ...)`. It runs under the sandbox's
lock, because another thread could otherwise change moto's tables during an
iteration.
"""

import functools


def surround(context, cls, *rules) -> None:
    """Wrap each rule around the method of `cls` with the same name."""
    for rule in rules:
        original = getattr(cls, rule.__name__)
        around = functools.partialmethod(_locked(context, rule), original)
        setattr(cls, rule.__name__, around)


def _locked(context, rule):
    @functools.wraps(rule)
    def run(*arguments, **keywords):
        with context.lock:
            return rule(*arguments, **keywords)

    return run
