# SPDX-License-Identifier: BSD-3-Clause
"""The image tenzir/vast:latest and the engine inside it, made before a sandbox starts.

Only the standard library is needed: the launcher runs without the virtual environment.
"""
