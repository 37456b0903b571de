# SPDX-License-Identifier: BSD-3-Clause
"""Request bodies that are too large for memory."""

CHUNK = 256 * 1024


class Body:
    """A request's body, chunk by chunk, with a length or in chunked encoding."""

    def __init__(self, file, headers):
        self._file = file
        self.trailers = {}
        chunked = headers.get("Transfer-Encoding", "").lower() == "chunked"
        length = int(headers.get("Content-Length") or 0)
        self._chunks = self._chunked() if chunked else self._counted(length)

    def __iter__(self):
        return self._chunks

    def whole(self) -> bytes:
        """The rest of the body."""
        return b"".join(self._chunks)

    def discard(self) -> None:
        """Read the rest of the body: otherwise the connection cannot be reused."""
        for _ in self._chunks:
            pass

    def _counted(self, length: int):
        while length:
            yield self._exactly(min(CHUNK, length))
            length -= min(CHUNK, length)

    def _chunked(self):
        while size := int(self._line().split(b";")[0], 16):
            yield from self._counted(size)
            self._line()
        while line := self._line().strip():
            name, _, value = line.decode("latin-1").partition(":")
            self.trailers[name.strip().lower()] = value.strip()

    def _exactly(self, size: int) -> bytes:
        data = self._file.read(size)
        if len(data) < size:
            raise ConnectionError("cut")
        return data

    def _line(self) -> bytes:
        line = self._file.readline()
        if not line:
            raise ConnectionError("cut")
        return line
