"""The file that a download is written to: goes on where an earlier one was cut, if it is still the same file."""

from __future__ import annotations

import os
from pathlib import Path
from typing import BinaryIO, Self

from feedengine.errors import TransportError

#: Bytes that are loaded again when a download goes on: they show that the file is still the one of before.
OVERLAP = 64 << 10


class Appending:
    """Writes from `start` on. The overlap with what is there must be equal, else `TransportError` TRANSPORT_CHANGED."""

    def __init__(self, path: Path, offset: int) -> None:
        self._path = path
        self._file: BinaryIO = path.open("r+b" if offset else "wb")
        there = os.fstat(self._file.fileno()).st_size
        self._known = min(offset, there)
        #: Where the server is asked to begin.
        self.start = max(0, self._known - OVERLAP)
        self.done = self.start
        self._file.seek(self.start)

    def write(self, block: bytes | bytearray | memoryview) -> None:
        """Take the next bytes."""
        overlap = min(len(block), self._known - self.done)
        if overlap > 0:
            if self._file.read(overlap) != bytes(block[:overlap]):
                raise _changed(self._path)
            self.done += overlap
            block = block[overlap:]
            if self.done == self._known:
                # Between reading and writing a file must be positioned.
                self._file.seek(self.done)
        if block:
            self._file.write(block)
            self.done += len(block)

    def finish(self, size: int | None) -> None:
        """The server says that this was all; `size` is what it says of the whole file. On the disk after this."""
        if self.done < self._known:
            raise _changed(self._path)
        if size is not None and size != self.done:
            raise TransportError(
                f"{self._path.name}: {self.done:,} bytes came, but the file has {size:,}.",
                state="What came is kept; the next try goes on there.",
                code="TRANSPORT_CUT",
            )
        self._file.truncate(self.done)
        self._file.flush()
        os.fsync(self._file.fileno())

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()


def _changed(path: Path) -> TransportError:
    return TransportError(
        f"{path.name}: the file changed between two tries to load it.",
        state="What came before is worth nothing; load it from its beginning.",
        code="TRANSPORT_CHANGED",
    )
