"""A file on its way in over SFTP: blocks come with their places, and only a CLOSE says that it is whole."""

from __future__ import annotations

import threading
from contextlib import suppress

from feedengine.transport.landing import Upload
from feedengine.transport.reception import Landed, Refused


class Receiving:
    """An open handle for writing. All methods may be called from any thread.

    `appending` handles ignore the places that blocks name. What was written without a gap is kept when the connection
    dies, so that the sender can go on there.
    """

    def __init__(self, upload: Upload, *, appending: bool) -> None:
        self.upload = upload
        self.appending = appending
        #: Time of change that the sender set while it wrote, in seconds since 1970.
        self.modified: float | None = None
        self._lock = threading.Lock()
        self._started = False
        # Bytes without a gap from the beginning, and bytes in blocks that came ahead of it.
        self._whole = upload.bytes
        self._ahead: dict[int, int] = {}

    @property
    def size(self) -> int:
        """Bytes that are there, with those that came ahead."""
        return self.upload.bytes

    @property
    def begun(self) -> bool:
        """Whether a block came; the first one may take long, because what is kept is read again."""
        return self._started

    def write(self, offset: int, data: bytes) -> None:
        """Take a block. Raises `Refused`."""
        with self._lock:
            if not self.upload.open:
                raise Refused("the file is closed")
            if self.appending:
                offset = self.upload.bytes
            if not self._started:
                self._begin(offset)
            self.upload.write_at(offset, data)
            self._account(offset, offset + len(data))

    def cut(self, size: int) -> None:
        """Make the file shorter, as some clients do before they go on. Raises `Refused`."""
        with self._lock:
            if size > self._whole:
                raise Refused("a file can't be made longer without its bytes")
            if size < self.upload.bytes:
                self._shorten(size)

    def close(self) -> Landed:
        """The sender closed the file: it is whole, unless blocks are missing. Raises `Refused`."""
        with self._lock:
            if not self.upload.open:
                raise Refused("the file is closed")
            if self._ahead:
                self._leave()
                raise Refused(f"bytes from {self._whole} on never came; what came before is kept")
            if self.upload.resumed_at and not self._started:
                self._leave()
                raise Refused("nothing was sent; the incomplete file is kept as it was")
            return self.upload.commit()

    def leave(self) -> None:
        """The connection died: the file is not whole. Never raises."""
        with self._lock:
            self._leave()

    def _begin(self, offset: int) -> None:
        """The first block says where the sender goes on: what is kept behind that is of another attempt."""
        self._started = True
        if offset < self.upload.bytes:
            self._shorten(offset)

    def _shorten(self, size: int) -> None:
        self.upload.continue_at(size, None)
        self._whole = size
        self._ahead.clear()

    def _account(self, start: int, end: int) -> None:
        if start > self._whole:
            self._ahead[start] = max(end, self._ahead.get(start, 0))
            return
        self._whole = max(self._whole, end)
        while self._ahead and (first := min(self._ahead)) <= self._whole:
            self._whole = max(self._whole, self._ahead.pop(first))

    def _leave(self) -> None:
        if self.upload.open and self._ahead:
            with suppress(OSError):
                self._shorten(self._whole)
        self.upload.abandon(keep=not self._ahead)
