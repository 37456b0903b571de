# SPDX-License-Identifier: BSD-3-Clause
"""What every package shares and what belongs to no service: the context, the clock, names of OCI."""
