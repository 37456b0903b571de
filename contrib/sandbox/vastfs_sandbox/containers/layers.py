# SPDX-License-Identifier: BSD-3-Clause
"""Unpacks layers of images; no path in an archive leads out of the root directory.

A layer is spooled once: the contents of its files, by number, and an index of
its entries. Root directories are assembled from spooled layers with hard links,
so that a large layer takes time and space only once, however many images have
it.

Set-user-ID bits and device files are omitted: they have no effect without
privileges. Directories remain writable for their owner, who has to remove them.
"""

import gzip
import hashlib
import json
import os
import shutil
import tarfile
import tempfile
import threading
import zlib
from pathlib import Path

WHITEOUT = ".wh."
OPAQUE = ".wh..wh..opq"
MAX_LINKS = 40
#: layers of this size are kept in the user's cache
LARGE = 16 << 20

_lock = threading.Lock()
_busy = {}


class Malformed(Exception):
    """A layer cannot be used; says why."""


def spooled(blob: Path, digest: str, diff_id: str, places) -> Path:
    """The spool of a layer, made in `places(size)` if it does not exist."""
    target = places(blob.stat().st_size) / digest.partition(":")[2]
    with _lock:
        lock = _busy.setdefault(target, threading.Lock())
    with lock:
        if target.is_dir():
            return target
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=target.parent, prefix="making.") as scratch:
            part = Path(scratch) / "layer"
            part.mkdir()
            spool(blob, diff_id, part)
            try:
                part.rename(target)
            except OSError:
                if not target.is_dir():  # otherwise another process has made it
                    raise
    return target


def spool(blob: Path, diff_id: str, directory: Path) -> None:
    """Write the contents and the index of a layer; Malformed if the archive or its digest is wrong."""
    try:
        with blob.open("rb") as file:
            zipped = file.read(2) == b"\x1f\x8b"
            file.seek(0)
            source = Hashed(gzip.GzipFile(fileobj=file) if zipped else file)
            with tarfile.open(fileobj=source, mode="r|", bufsize=1 << 20) as archive:
                entries = [entry(archive, member, directory) for member in archive]
            source.drain()
    except (tarfile.TarError, EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise Malformed(f"a layer is not a tar archive: {error}") from error
    if source.diff_id != diff_id:
        raise Malformed(f"a layer has the digest {source.diff_id}, but the configuration names {diff_id}")
    index = [item for item in entries if item]
    (directory / "index.json").write_text(json.dumps(index))


class Hashed:
    """Reads a file and hashes the bytes that were read."""

    def __init__(self, file):
        self._file = file
        self._hash = hashlib.sha256()

    def read(self, size: int) -> bytes:
        data = self._file.read(size)
        self._hash.update(data)
        return data

    def drain(self) -> None:
        while self.read(1 << 20):
            pass

    @property
    def diff_id(self) -> str:
        return "sha256:" + self._hash.hexdigest()


def entry(archive, member, directory: Path):
    """A row of the index: kind, path, mode, and target or number."""
    row = [split(member.name), member.mode & 0o1777]
    if member.isdir():
        return ["dir", *row, ""]
    if member.issym():
        return ["symlink", *row, member.linkname]
    if member.islnk():
        return ["link", *row, split(member.linkname)]
    if not member.isreg():
        return None
    path = directory / str(member.offset)
    with path.open("wb") as file:
        shutil.copyfileobj(archive.extractfile(member), file, 1 << 20)
    os.utime(path, (member.mtime, member.mtime))
    path.chmod(member.mode & 0o777)
    return ["file", *row, path.name]


def split(name: str) -> list:
    """The components of a path in an archive, below the root."""
    parts = [part for part in name.split("/") if part not in ("", ".")]
    if ".." in parts or "\0" in name:
        raise Malformed(f"a layer has an entry outside the root directory: {name}")
    return parts


class Root:
    """A root directory; paths are resolved as a process inside it would resolve them."""

    def __init__(self, path: Path):
        self.path = path

    def resolve(self, parts, make=False):
        """The path on this machine after all symbolic links; None if it does not exist."""
        todo, done, links = list(parts), [], 0
        while todo:
            part = todo.pop(0)
            if part in ("", "."):
                continue
            if part == "..":
                del done[-1:]
                continue
            here = self.path.joinpath(*done, part)
            if here.is_symlink():
                links += 1
                if links > MAX_LINKS:
                    return None
                target = os.readlink(here)
                if target.startswith("/"):
                    done = []
                todo = target.split("/") + todo
                continue
            done.append(part)
            if not here.exists() and not make:
                return None
            if make and not here.is_dir():
                if here.exists():
                    raise Malformed(f"/{'/'.join(done)} is not a directory")
                here.mkdir(mode=0o755)
        return self.path.joinpath(*done)

    def apply(self, layer: Path) -> None:
        """Apply one layer on top of the earlier ones."""
        made = set()
        for kind, parts, mode, extra in json.loads((layer / "index.json").read_text()):
            if not parts:
                continue
            place = self.resolve(parts[:-1], make=True)
            name = parts[-1]
            if name == OPAQUE:
                for old in list(place.iterdir()):
                    if old not in made:
                        remove(old)
            elif name.startswith(WHITEOUT):
                hidden = name.removeprefix(WHITEOUT)
                if hidden in ("", ".", ".."):
                    raise Malformed(f"a whiteout without a name: {name}")
                remove(place / hidden)
            else:
                self._put(layer, kind, place / name, mode, extra)
                self._note(made, place / name)

    def _note(self, made: set, path: Path) -> None:
        while path != self.path:
            made.add(path)
            path = path.parent

    def _put(self, layer: Path, kind: str, path: Path, mode: int, extra) -> None:
        if kind == "dir":
            if path.is_symlink() or not path.is_dir():
                remove(path)
                path.mkdir()
            path.chmod(mode | 0o700)
            return
        source = self._source(layer, kind, extra)
        if source == path:
            return
        remove(path)
        if kind == "symlink":
            path.symlink_to(extra)
        else:
            link(source, path)

    def _source(self, layer: Path, kind: str, extra):
        if kind == "file":
            return layer / extra
        if kind == "symlink":
            return None
        place = self.resolve(extra[:-1])
        source = place / extra[-1] if place and extra else None
        if source is None or source.is_symlink() or not source.is_file():
            raise Malformed(f"the target of a hard link does not exist: {'/'.join(extra)}")
        return source


def remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def link(source: Path, path: Path) -> None:
    """Hard-link the file, or copy it if the cache is on another file system."""
    try:
        os.link(source, path)
    except OSError:
        shutil.copy2(source, path)
