# SPDX-License-Identifier: BSD-3-Clause
"""The image tenzir/vast:latest and the engine in it, made before a sandbox starts.

Only the standard library is needed, because vastfs-sandbox runs without the
virtual environment.
"""
