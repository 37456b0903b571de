# SPDX-License-Identifier: BSD-3-Clause
"""The engine: VAST's successor Tenzir, from its Python wheel.

`python -m vastfs_sandbox.seed.engine` installs it in the user's cache, once.
"""

import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

VERSION = "6.20.0"
#: hashes of the tested wheels; pip refuses any other
HASHES = ("sha256:f42006ada3280bbd2bdf1c378588ca0873bc96520cb4b1d3f255325151f44c41",)
PREFIX = "tenzir/bundled/"
WANTED = ("libexec/tenzir-engine", "share/")
BINARY = "libexec/tenzir-engine"
#: the binary's behaviour depends on the name by which it is called
NAMES = ("tenzir", "tenzir-node", "tenzir-ctl")


def cache() -> Path:
    """The directory of everything that was downloaded for vastfs."""
    home = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(home) / "vastfs"


def directory() -> Path:
    """The engine's directory, whether it is installed or not."""
    return cache() / f"engine-{VERSION}"


def installed() -> bool:
    return all(os.access(directory() / name, os.X_OK) for name in NAMES)


def install() -> None:
    """Download and unpack the engine, completely or not at all."""
    target = directory()
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent, prefix="engine.") as scratch:
        wheel = download(Path(scratch))
        unpacked = Path(scratch) / "engine"
        unpack(wheel, unpacked)
        shutil.rmtree(target, ignore_errors=True)
        unpacked.rename(target)


def download(scratch: Path) -> Path:
    """Download the wheel; pip checks its hash."""
    hashes = " ".join(f"--hash={value}" for value in HASHES)
    requirement = scratch / "requirements.txt"
    requirement.write_text(f"tenzir=={VERSION} {hashes}\n")
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps"]
    command += ["--only-binary", ":all:", "--require-hashes"]
    command += ["--dest", str(scratch), "--requirement", str(requirement)]
    subprocess.run(command, check=True)
    (wheel,) = scratch.glob("tenzir-*.whl")
    return wheel


def unpack(wheel: Path, target: Path) -> None:
    """Unpack the binary and its data, without the rest of the wheel."""
    with zipfile.ZipFile(wheel) as archive:
        for name in archive.namelist():
            relative = name.removeprefix(PREFIX)
            if relative != name and relative.startswith(WANTED):
                write(archive, name, target / relative)
    (target / BINARY).chmod(0o755)
    for name in NAMES:
        (target / name).symlink_to(BINARY)


def write(archive, name: str, path: Path) -> None:
    if name.endswith("/"):
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    with archive.open(name) as source, path.open("wb") as sink:
        shutil.copyfileobj(source, sink, 1 << 20)


def main() -> int:
    if installed():
        return 0
    try:
        install()
    except subprocess.CalledProcessError:
        sys.exit(f"the engine (PyPI package tenzir {VERSION}) could not be downloaded")
    except (OSError, ValueError, zipfile.BadZipFile) as error:
        sys.exit(f"the engine (PyPI package tenzir {VERSION}) could not be unpacked: {error}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
