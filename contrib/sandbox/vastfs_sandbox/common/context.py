# SPDX-License-Identifier: BSD-3-Clause
"""What all packages share: the run directory, the time scale and the lock.

One Context lives as long as the process. The package of every service has
`install(context)`, called once before the first request, and may have
`stop(context)`, called once at the end.
"""

import os
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

HOST = "127.0.0.1"
#: moto reads the same variable
ACCOUNT_ID = os.environ.get("MOTO_ACCOUNT_ID", "123456789012")
REGION = "eu-west-1"


@dataclass
class Context:
    """The facts of one running sandbox."""

    run_dir: Path
    time_scale: float = 0.02
    region: str = REGION
    account_id: str = ACCOUNT_ID
    host: str = HOST
    port: int = 0  # set by the server once it is bound
    #: images for the mirror, each NAME:TAG=DIRECTORY of an OCI image layout
    seeds: list = field(default_factory=list)
    #: what packages add to the facts that the server announces
    facts: dict = field(default_factory=dict)
    #: what packages add to the control paths: (method, path) -> handle(body)
    controls: dict = field(default_factory=dict)
    #: (access key, region, repository, action of the protocol) -> why it is refused, or ""
    registry_guard: object = lambda *_: ""
    #: moto's backends are not made for threads: hold this while changing them
    #: outside a request, and never sleep under it
    lock: threading.RLock = field(default_factory=threading.RLock)
    #: set when the sandbox ends; every waiting thread returns then
    stopping: threading.Event = field(default_factory=threading.Event)

    @property
    def endpoint(self) -> str:
        """The URL of all services."""
        return f"http://{self.host}:{self.port}"

    def scaled(self, seconds: float) -> float:
        """The seconds of this machine that a duration of AWS takes."""
        return seconds * self.time_scale

    def wait(self, seconds: float) -> bool:
        """Let `seconds` of AWS's time pass; False if the sandbox ends."""
        delay = self.scaled(seconds)
        if delay <= 0:
            return not self.stopping.is_set()
        return not self.stopping.wait(delay)

    def deadline(self, seconds: float) -> float:
        """The monotonic time at which `seconds` of AWS's time have passed."""
        return time.monotonic() + self.scaled(seconds)

    def later(self, seconds: float, action) -> None:
        """Run `action` under the lock when `seconds` of AWS's time have passed.

        If the scaled delay is 0, the action has run when this function returns.
        """
        if self.scaled(seconds) <= 0:
            with self.lock:
                action()
            return

        def run():
            if self.wait(seconds):
                with self.lock:
                    action()

        threading.Thread(target=run, name="later", daemon=True).start()
