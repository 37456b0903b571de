# SPDX-License-Identifier: BSD-3-Clause
"""Makes the image that the sandbox's second registry offers as tenzir/vast:latest.

It contains busybox, the engine and the `vast` command, and is packed as an OCI
image layout in the user's cache. The same files give the same bytes. Each layer
is packed once, because packing the engine's 500 MB takes seconds.
"""

import argparse
import gzip
import hashlib
import io
import json
import os
import platform
import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

from ..common import oci
from . import engine

NAME = "tenzir/vast:latest"
FORMAT = "1"  # increase it when the same files are packed differently
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
EPOCH = "1970-01-01T00:00:00Z"
MACHINES = {"x86_64": "amd64", "aarch64": "arm64"}
COMMAND = Path(__file__).parents[2] / "vast"
ENGINE_HOME = "opt/tenzir"

DIRECTORIES = {
    "bin": 0o755,
    "dev": 0o755,
    "etc": 0o755,
    "opt": 0o755,
    "proc": 0o755,
    "root": 0o700,
    "run": 0o755,
    "sys": 0o755,
    "tmp": 0o1777,
    "usr": 0o755,
    "usr/bin": 0o755,
    "var": 0o755,
    "var/lib": 0o755,
    "var/lib/vast": 0o755,
    "var/tmp": 0o1777,
}
FILES = {
    "etc/passwd": "root:x:0:0:root:/root:/bin/sh\nvast:x:1000:1000::/var/lib/vast:/bin/sh\n",
    "etc/group": "root:x:0:\nvast:x:1000:\n",
    "etc/hosts": "127.0.0.1 localhost\n::1 localhost\n",
    "etc/nsswitch.conf": "hosts: files dns\n",
    "etc/resolv.conf": "",
}


class Problem(Exception):
    """The image cannot be made; says why."""


def busybox() -> Path:
    for place in ("/bin/busybox", "/usr/bin/busybox"):
        if os.access(place, os.X_OK):
            return Path(place)
    raise Problem("busybox is missing (Debian's package busybox-static)")


class Layer:
    """A reproducible tar archive: no times, no names of users."""

    def __init__(self, file):
        self._tar = tarfile.open(fileobj=file, mode="w", format=tarfile.GNU_FORMAT)

    def close(self) -> None:
        self._tar.close()

    def _add(self, name: str, kind: bytes, mode: int, **more) -> None:
        entry = tarfile.TarInfo(name)
        entry.type, entry.mode = kind, mode
        content = more.pop("content", None)
        for key, value in more.items():
            setattr(entry, key, value)
        self._tar.addfile(entry, content)

    def directory(self, name: str, mode: int = 0o755) -> None:
        self._add(name, tarfile.DIRTYPE, mode)

    def link(self, name: str, target: str) -> None:
        self._add(name, tarfile.SYMTYPE, 0o777, linkname=target)

    def text(self, name: str, content: str) -> None:
        data = content.encode()
        self._add(name, tarfile.REGTYPE, 0o644, size=len(data), content=io.BytesIO(data))

    def file(self, name: str, source: Path, mode: int) -> None:
        with source.open("rb") as content:
            size = source.stat().st_size
            self._add(name, tarfile.REGTYPE, mode, size=size, content=content)


def base_layer(layer: Layer) -> None:
    """A small system: busybox with a link for each of its commands."""
    for name, mode in DIRECTORIES.items():
        layer.directory(name, mode)
    layer.file("bin/busybox", busybox(), 0o755)
    listed = subprocess.run([busybox(), "--list"], capture_output=True, text=True, check=True)
    for name in sorted(set(listed.stdout.split()) - {"busybox"}):
        layer.link(f"bin/{name}", "busybox")
    for name, content in FILES.items():
        layer.text(name, content)


def engine_layer(layer: Layer) -> None:
    home = engine.directory()
    layer.directory(ENGINE_HOME)
    for path in sorted(home.rglob("*")):
        name = path.relative_to(home).as_posix()
        if path.is_symlink() or name.startswith("share/doc"):
            continue
        if path.is_dir():
            layer.directory(f"{ENGINE_HOME}/{name}")
        else:
            mode = 0o755 if name == engine.BINARY else 0o644
            layer.file(f"{ENGINE_HOME}/{name}", path, mode)
    for name in engine.NAMES:
        layer.link(f"usr/bin/{name}", f"/{ENGINE_HOME}/{engine.BINARY}")


def command_layer(layer: Layer) -> None:
    layer.file("usr/bin/vast", COMMAND, 0o755)


def parts(with_engine: bool) -> list:
    """(text for the image's history, maker, key of its inputs) of each layer."""
    system = [FORMAT, platform.machine(), hash_of(busybox()), repr((DIRECTORIES, FILES))]
    found = [("busybox", base_layer, key(system))]
    if with_engine:
        inputs = [FORMAT, platform.machine(), engine.VERSION, *engine.HASHES]
        found.append((f"tenzir {engine.VERSION}", engine_layer, key(inputs)))
    return [*found, ("vast", command_layer, key([FORMAT, hash_of(COMMAND)]))]


def key(inputs) -> str:
    return hashlib.sha256("\n".join(inputs).encode()).hexdigest()[:32]


def hash_of(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def home() -> Path:
    return engine.cache() / "images"


def directory(with_engine: bool) -> Path:
    """The directory of the image that the present files give."""
    return home() / key([layer_key for _, _, layer_key in parts(with_engine)])


def make(with_engine: bool) -> Path:
    """Make the image if it does not exist; its directory."""
    target = directory(with_engine)
    if target.is_dir():
        return target
    (home() / "layers").mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=home(), prefix="making.") as scratch:
        layout = Path(scratch) / "layout"
        assemble(layout, Path(scratch), parts(with_engine))
        layout.chmod(0o755)
        try:
            layout.rename(target)
        except OSError:
            if not target.is_dir():  # otherwise another process has made it
                raise
    return target


def assemble(layout: Path, scratch: Path, layers) -> None:
    """The layout of an image with one manifest."""
    contents = layout / "blobs/sha256"
    contents.mkdir(parents=True)
    made = [packed(scratch, maker, name) for _, maker, name in layers]
    for facts, (_, _, name) in zip(made, layers):
        place = contents / facts["digest"].partition(":")[2]
        os.link(home() / "layers" / f"{name}.tar.gz", place)
    diffs = [facts["diff_id"] for facts in made]
    config = put(contents, configuration(diffs, [what for what, _, _ in layers]))
    manifest = {
        "schemaVersion": 2,
        "mediaType": oci.OCI_MANIFEST,
        "config": {"mediaType": oci.OCI_CONFIG, **config},
        "layers": [
            {"mediaType": oci.OCI_LAYER, "digest": f["digest"], "size": f["size"]}
            for f in made
        ],
    }
    entry = {"mediaType": oci.OCI_MANIFEST, **put(contents, manifest)}
    entry["annotations"] = {"org.opencontainers.image.ref.name": "latest"}
    index = {"schemaVersion": 2, "mediaType": oci.OCI_INDEX, "manifests": [entry]}
    (layout / "index.json").write_text(json.dumps(index))
    (layout / "oci-layout").write_text('{"imageLayoutVersion": "1.0.0"}')


def configuration(diffs, history) -> dict:
    return {
        "created": EPOCH,
        "architecture": MACHINES.get(platform.machine(), platform.machine()),
        "os": "linux",
        "config": {
            "Env": [f"PATH={PATH}"],
            "Entrypoint": ["/usr/bin/vast"],
            "Cmd": ["--help"],
            "ExposedPorts": {"42000/tcp": {}},
            "Volumes": {"/var/lib/vast": {}},
            "WorkingDir": "/var/lib/vast",
        },
        "rootfs": {"type": "layers", "diff_ids": diffs},
        "history": [{"created": EPOCH, "created_by": what} for what in history],
    }


def put(contents: Path, value: dict) -> dict:
    """Store a JSON document; returns digest and size for its descriptor."""
    data = json.dumps(value, sort_keys=True).encode()
    digest = oci.digest_of(data)
    (contents / digest.partition(":")[2]).write_bytes(data)
    return {"digest": digest, "size": len(data)}


def packed(scratch: Path, maker, name: str) -> dict:
    """A layer's digests and size; packs it if necessary."""
    facts = home() / "layers" / f"{name}.json"
    if facts.exists():
        return json.loads(facts.read_text())
    part = scratch / "part"
    with part.open("wb") as file:
        # level 1: an engine of half a gigabyte is packed in seconds
        with gzip.GzipFile("", "wb", 1, file, mtime=0) as squeezed:
            hashing = Hashing(squeezed)
            layer = Layer(hashing)
            maker(layer)
            layer.close()
    made = {
        "digest": f"sha256:{hash_of(part)}",
        "size": part.stat().st_size,
        "diff_id": f"sha256:{hashing.hash.hexdigest()}",
    }
    part.rename(facts.with_suffix(".tar.gz"))
    part.write_text(json.dumps(made))
    part.rename(facts)
    return made


class Hashing:
    """Writes a file and hashes the bytes that were written."""

    def __init__(self, file):
        self._file = file
        self.hash = hashlib.sha256()
        self._size = 0

    def write(self, data) -> int:
        self.hash.update(data)
        self._size += len(data)
        return self._file.write(data)

    def tell(self) -> int:
        return self._size


def export(layout: Path, target: Path) -> None:
    """Copy the layout to a directory of the user's choice."""
    shutil.copytree(layout, target)


def main(arguments=None) -> int:
    parser = argparse.ArgumentParser(prog="make-image", description=__doc__.splitlines()[0])
    parser.add_argument(
        "--without-engine", action="store_true", help="busybox and the vast command only"
    )
    parser.add_argument("--export", type=Path, metavar="DIR", help="copy the layout there")
    options = parser.parse_args(arguments)
    if not options.without_engine and not engine.installed():
        sys.exit(
            f"make-image: no engine in {engine.directory()}; run: contrib/setup sandbox "
            "(installed: /usr/share/vastfs/setup sandbox)"
        )
    try:
        made = make(not options.without_engine)
        if options.export:
            export(made, options.export)
    except (Problem, OSError, subprocess.CalledProcessError) as problem:
        sys.exit(f"make-image: {problem}")
    print(made)
    return 0


if __name__ == "__main__":
    sys.exit(main())
