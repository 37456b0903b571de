# SPDX-License-Identifier: BSD-3-Clause
"""AWS's APIs on loopback: moto, and beside it what moto lacks."""
