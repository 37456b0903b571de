# SPDX-License-Identifier: BSD-3-Clause
"""The decisions of the services' scheduler, without a sandbox."""

import pytest
from vastfs_sandbox.ecs.scheduler import Seen, decide


def old(name, ready=True):
    return Seen(name, primary=False, ready=ready, unhealthy=False)


def new(name, ready=True, unhealthy=False):
    return Seen(name, primary=True, ready=ready and not unhealthy, unhealthy=unhealthy)


CASES = {
    "the first task": ((1, 100, 200, []), (1, [])),
    "as it should be": ((1, 100, 200, [new("a")]), (0, [])),
    "one of two is missing": ((2, 100, 200, [new("a")]), (1, [])),
    "scaled in": ((1, 0, 100, [new("a", ready=False), new("b")]), (0, ["a"])),
    "scaled to nothing": ((0, 100, 200, [new("a"), old("b")]), (0, ["a", "b"])),
    "0/100 stops first": ((1, 0, 100, [old("a")]), (0, ["a"])),
    "0/100 starts when the old one is told to stop": ((1, 0, 100, []), (1, [])),
    "100/200 starts first": ((1, 100, 200, [old("a")]), (1, [])),
    "100/200 waits for the new one": ((1, 100, 200, [old("a"), new("b", ready=False)]), (0, [])),
    "100/200 then stops the old one": ((1, 100, 200, [old("a"), new("b")]), (0, ["a"])),
    "50/100 goes by halves": ((4, 50, 100, [old(n) for n in "abcd"]), (0, ["a", "b"])),
    "what never ran holds nothing up": ((1, 100, 100, [old("a", ready=False)]), (0, ["a"])),
    "0/100 stops an unhealthy one": ((1, 0, 100, [new("a", unhealthy=True)]), (0, ["a"])),
    "100/200 replaces an unhealthy one": ((1, 100, 200, [new("a", unhealthy=True)]), (1, [])),
    "100/200 waits for the replacement": (
        (1, 100, 200, [new("a", unhealthy=True), new("b", ready=False)]),
        (0, []),
    ),
    "100/200 then stops the unhealthy one": (
        (1, 100, 200, [new("a", unhealthy=True), new("b")]),
        (0, ["a"]),
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_decisions(name):
    arguments, wanted = CASES[name]
    assert decide(*arguments) == wanted
