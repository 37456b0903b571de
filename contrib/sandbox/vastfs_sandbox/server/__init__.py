# SPDX-License-Identifier: BSD-3-Clause
"""The server that all services answer through: `python -m vastfs_sandbox.server`."""
