# SPDX-License-Identifier: BSD-3-Clause
"""Where a process runs if its image is in no registry of the sandbox's.

Until vastfs puts images into ECR it passes `vast_image` on as it is, and this
machine stands for what the image would hold: the sandbox's own `vast` command
and engine, and the runtime program that VASTFS_SANDBOX_RUNTIME names. To be
deleted, with the words `host_place` elsewhere, when every image comes from ECR.
"""

import os
from pathlib import Path

COMMAND_FILE = Path(__file__).parents[2] / "vast"
ENGINE_PROGRAMS = ("tenzir", "tenzir-node", "tenzir-ctl")
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
PROGRAM = "vast-lambda-runtime"


class NoRuntime(Exception):
    """The runtime program is not there."""


def stands_for(uri: str) -> bool:
    """Is this the name of an image that is not in ECR?"""
    return ".dkr.ecr." not in uri


def prepare_programs(context) -> Path:
    """The directory that comes first in PATH: `vast`, and the engine if any."""
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
    """What every process gets, and nothing of the caller's."""
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
        raise NoRuntime(f"{given} is no program")
    return given
