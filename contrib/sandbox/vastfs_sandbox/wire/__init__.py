# SPDX-License-Identifier: BSD-3-Clause
"""HTTP and the protocols of AWS: requests, signatures, error replies, faults on the wire."""
