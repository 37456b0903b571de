# SPDX-License-Identifier: BSD-3-Clause
"""The thread that waits for all sockets and terminals of ECS Exec.

Handlers run on this thread; other threads pass work to it with `call`.
"""

import heapq
import itertools
import os
import selectors
import threading
import time
import traceback


class Loop:
    """A selector, timers and an inbox."""

    def __init__(self):
        self._selector = selectors.DefaultSelector()
        self._timers = []
        self._order = itertools.count()
        self._inbox = []
        self._wake_out, self._wake_in = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        self._selector.register(self._wake_out, selectors.EVENT_READ, self._woken)
        self._ending = False
        self._thread = threading.Thread(target=self._run, name="exec", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Stop; returns when no handler is running."""
        self._ending = True
        self.call(lambda: None)
        self._thread.join()

    def call(self, work) -> None:
        """Run a function on the loop's thread; may be called from any thread."""
        self._inbox.append(work)
        os.write(self._wake_in, b"x")

    def after(self, seconds: float, work) -> None:
        heapq.heappush(self._timers, (time.monotonic() + seconds, next(self._order), work))

    def watch(self, file, events: int, handler) -> None:
        """Call handler(events) when the file is ready; `events` 0 ends the watch."""
        known = file in self._selector.get_map()
        if not events:
            if known:
                self._selector.unregister(file)
        elif known:
            self._selector.modify(file, events, handler)
        else:
            self._selector.register(file, events, handler)

    def _woken(self, _events) -> None:
        os.read(self._wake_out, 4096)
        while self._inbox:
            self._guard(self._inbox.pop(0))

    def _run(self) -> None:
        while not self._ending:
            for key, events in self._selector.select(self._patience()):
                self._guard(key.data, events)
            while self._timers and self._timers[0][0] <= time.monotonic():
                self._guard(heapq.heappop(self._timers)[2])

    def _patience(self):
        return max(0, self._timers[0][0] - time.monotonic()) if self._timers else None

    @staticmethod
    def _guard(work, *arguments) -> None:
        """Run a handler; its exception does not affect other sessions."""
        try:
            work(*arguments)
        except Exception:
            traceback.print_exc()
