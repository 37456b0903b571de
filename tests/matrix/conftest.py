# SPDX-License-Identifier: BSD-3-Clause
"""The matrix under pytest: a sample of it, or all of it with --whole."""


def pytest_addoption(parser):
    """The options of contrib/matrix."""
    group = parser.getgroup("matrix")
    group.addoption("--whole", action="store_true", help="every call and every fault, not a sample of them")
    group.addoption("--workers", type=int, default=0, help="sandboxes side by side")
    group.addoption("--only", default="", metavar="REGEX", help="the cases whose name fits, such as 'update .*shape'")
