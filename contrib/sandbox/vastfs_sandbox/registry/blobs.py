# SPDX-License-Identifier: BSD-3-Clause
"""Blobs on disk, by digest: none is ever held in memory as a whole."""

import hashlib
import os
import uuid
from pathlib import Path

from ..wire.bodies import CHUNK


class Blobs:
    """A directory of files that are named by their digest."""

    def __init__(self, directory: Path):
        self._blobs = directory / "sha256"
        self._uploads = directory / "uploads"
        for path in (self._blobs, self._uploads):
            path.mkdir(parents=True, exist_ok=True)

    def path(self, digest: str) -> Path:
        return self._blobs / digest.partition(":")[2]

    def upload(self) -> "Upload":
        return Upload(self, self._uploads / uuid.uuid4().hex)


class Upload:
    """A blob that is being uploaded."""

    def __init__(self, blobs: Blobs, path: Path):
        self._blobs = blobs
        self._path = path
        self._hash = hashlib.sha256()
        self.size = 0
        path.touch()

    @property
    def id(self) -> str:
        return self._path.name

    @property
    def digest(self) -> str:
        return "sha256:" + self._hash.hexdigest()

    def append(self, chunks) -> None:
        with self._path.open("ab") as file:
            for chunk in chunks:
                self._hash.update(chunk)
                self.size += len(chunk)
                file.write(chunk)

    def keep(self) -> None:
        """Store the finished upload as a blob."""
        os.replace(self._path, self._blobs.path(self.digest))

    def drop(self) -> None:
        self._path.unlink(missing_ok=True)


def read(path: Path, start: int, length: int):
    """A part of a file, chunk by chunk."""
    with path.open("rb") as file:
        file.seek(start)
        while length > 0 and (chunk := file.read(min(CHUNK, length))):
            length -= len(chunk)
            yield chunk
