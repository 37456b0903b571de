# SPDX-License-Identifier: BSD-3-Clause
"""For all tests: ^C is a test's tool, also where they run as a background job, which ignores it."""

import signal

signal.signal(signal.SIGINT, signal.default_int_handler)
