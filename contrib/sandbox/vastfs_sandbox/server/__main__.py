# SPDX-License-Identifier: BSD-3-Clause
"""`python -m vastfs_sandbox.server`: AWS's APIs on loopback.

The layers from the outside in: paths of the packages (registry, sign-in), control
paths, journal, signatures, wire faults, the caller's rights, corrections of replies,
moto.
"""

import argparse
import importlib
import json
import os
import signal
import sys
import threading
from pathlib import Path

from ..common import context
from ..wire import clients, sigv4
from ..wire.faults import WireFaults
from ..wire.httpd import make_server
from ..wire.journal import Journal
from .control import Control
from .replies import Replies

MOTO_VERSION = "5.2.1"

#: the packages of the services: installed in this order, stopped in the
#: reverse one
PACKAGES = (
    "ec2",
    "quotas",
    "iam",
    "efs",
    "registry",
    "containers",
    "logs",
    "lambda_",
    "cloudformation",
    "ecs",
    "exec",
)

#: moto's applications, created ahead of the first request: moto holds a lock meanwhile
WARM = ("ec2", "cloudformation", "sts", "iam", "ecs", "ecr", "efs", "lambda", "logs")


def main(arguments=None) -> int:
    """Serve until a signal, or until the starter's descriptor is closed."""
    options = _parse(arguments)
    _prepare_environment()
    ctx = context.Context(
        run_dir=options.run_dir,
        time_scale=options.time_scale,
        region=options.region,
        seeds=options.seed,
    )
    ctx.run_dir.mkdir(parents=True, exist_ok=True)
    sandbox = Sandbox(ctx, options.port)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: ctx.stopping.set())
    _watch(ctx, options.exit_with_fd)
    sandbox.start()
    ctx.stopping.wait()
    sandbox.stop()
    return 0


def _parse(arguments):
    parser = argparse.ArgumentParser(prog="vastfs_sandbox.server", description=__doc__)
    parser.add_argument("--time-scale", type=float, default=0.02)
    parser.add_argument("--run-dir", type=Path, required=True)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--region", default=context.REGION)
    parser.add_argument(
        "--seed",
        action="append",
        default=[],
        metavar="NAME:TAG=DIRECTORY",
        help="offer the image of an OCI image layout in the second registry",
    )
    parser.add_argument(
        "--exit-with-fd",
        type=int,
        default=0,
        help="end when this descriptor reaches its end (standard input by default, "
        "-1 for none)",
    )
    return parser.parse_args(arguments)


def _prepare_environment() -> None:
    """Set the variables that moto and boto3 read when they are imported."""
    for name in list(os.environ):
        if name.startswith(("AWS_", "MOTO_")):
            del os.environ[name]
    os.environ["MOTO_ACCOUNT_ID"] = context.ACCOUNT_ID
    os.environ["MOTO_IAM_LOAD_MANAGED_POLICIES"] = "true"
    os.environ["AWS_EC2_METADATA_DISABLED"] = "true"
    os.environ["AWS_CONFIG_FILE"] = os.environ["AWS_SHARED_CREDENTIALS_FILE"] = (
        os.devnull
    )
    import moto

    if moto.__version__ != MOTO_VERSION:
        raise SystemExit(f"moto {MOTO_VERSION} is required; found {moto.__version__}")


def _watch(ctx, descriptor: int) -> None:
    """End the sandbox when the process that started it is gone."""
    if descriptor < 0:
        return

    def read_to_end():
        try:
            while os.read(descriptor, 4096):
                pass
        except OSError:
            pass
        ctx.stopping.set()

    threading.Thread(target=read_to_end, name="watch", daemon=True).start()


class Sandbox:
    """moto, its extensions and the server in front of them."""

    def __init__(self, ctx, port: int):
        self.context = ctx
        self.server = make_server(ctx.host, port, self._early)
        ctx.port = self.server.server_port
        self.packages = []
        self.dispatcher = None

    def _early(self, _environ, _start_response):
        """Drop requests that come before everything is installed."""
        raise ConnectionError("not ready")

    def start(self) -> None:
        """Install all packages, serve requests, and announce the facts."""
        from moto.moto_server.werkzeug_app import (
            DomainDispatcherApplication,
            create_backend_app,
        )

        from ..iam import Rights
        from ..registry import is_registry_call

        self.dispatcher = DomainDispatcherApplication(create_backend_app)
        inner = Rights(self.context, Replies(self.dispatcher))
        clients.install(self.context, inner)
        self._install_packages()
        self.server.app = self._layers(inner)
        self.server.streams = is_registry_call
        threading.Thread(
            target=self.server.serve_forever,
            kwargs={"poll_interval": 0.1},
            name="accept",
            daemon=True,
        ).start()
        threading.Thread(target=self._warm, name="warm", daemon=True).start()
        self._announce()

    def _install_packages(self) -> None:
        """The packages import moto, so this comes after its environment was set."""
        sigv4.install(self.context)
        for name in PACKAGES:
            package = importlib.import_module(f"vastfs_sandbox.{name}")
            package.install(self.context)
            self.packages.append(package)

    def _layers(self, inner):
        """The stack of layers; a package's `middleware(context, app)` comes first."""
        app = Control(self.context, Journal(sigv4.SigV4(WireFaults(self.context, inner))))
        for package in reversed(self.packages):
            if hasattr(package, "middleware"):
                app = package.middleware(self.context, app)
        return app

    def _warm(self) -> None:
        from moto.moto_server.werkzeug_app import create_backend_app

        for name in WARM:
            if self.context.stopping.is_set():
                return
            if name not in self.dispatcher.app_instances:
                app = create_backend_app(name)
                self.dispatcher.app_instances.setdefault(name, app)

    def _announce(self) -> None:
        facts = {
            "endpoint": self.context.endpoint,
            "region": self.context.region,
            "account_id": self.context.account_id,
            "access_key": sigv4.ACCESS_KEY,
            "secret_key": sigv4.SECRET_KEY,
            "pid": os.getpid(),
            **self.context.facts,
        }
        text = json.dumps(facts)
        part = self.context.run_dir / "ready.part"
        part.write_text(text + "\n")
        part.rename(self.context.run_dir / "ready")
        print(text, flush=True)

    def stop(self) -> None:
        """Stop all packages, the last installed first."""
        self.context.stopping.set()
        self.server.shutdown()
        self.server.server_close()
        for package in reversed(self.packages):
            if hasattr(package, "stop"):
                package.stop(self.context)
        (self.context.run_dir / "ready").unlink(missing_ok=True)


if __name__ == "__main__":
    sys.exit(main())
