# SPDX-License-Identifier: BSD-3-Clause
"""Runs a process without an image, if its image is not in ECR.

Tests define tasks and functions with images that no registry has. This machine
then takes the place of the image: the process finds the sandbox's own `vast`
command and engine, and the runtime program that VASTFS_SANDBOX_RUNTIME names.
"""

import os
from pathlib import Path

COMMAND_FILE = Path(__file__).parents[2] / "vast"
ENGINE_PROGRAMS = ("tenzir", "tenzir-node", "tenzir-ctl")
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
PROGRAM = "vast-lambda-runtime"


class NoRuntime(Exception):
    """The runtime program is missing."""


def stands_for(uri: str) -> bool:
    """Whether the image with this name is not in ECR."""
    return ".dkr.ecr." not in uri


def prepare_programs(context) -> Path:
    """Fill the directory that comes first in PATH: with `vast`, and with the engine if there is one."""
    directory = context.run_dir / "bin"
    directory.mkdir(parents=True, exist_ok=True)
    link(directory / "vast", COMMAND_FILE)
    engine = os.environ.get("VASTFS_SANDBOX_ENGINE")
    for name in ENGINE_PROGRAMS if engine else ():
        link(directory / name, Path(engine) / name)
    return directory


def link(path: Path, target: Path) -> None:
    path.unlink(missing_ok=True)
    path.symlink_to(target)


def environment(context, home) -> dict:
    """The variables of every process; none are inherited from the caller."""
    return {
        "PATH": f"{context.run_dir / 'bin'}:{PATH}",
        "HOME": str(home),
        "LANG": "C.UTF-8",
    }


def runtime_program() -> str:
    """The path of the runtime program."""
    given = os.environ.get("VASTFS_SANDBOX_RUNTIME")
    if not given:
        raise NoRuntime(f"VASTFS_SANDBOX_RUNTIME does not name {PROGRAM}")
    if not os.access(given, os.X_OK):
        raise NoRuntime(f"{given} is not an executable file")
    return given
