"""One file on its way in: a hidden part file beside its place, hashed on the way, given its name when whole."""

from __future__ import annotations

import fcntl
import hashlib
import os
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime

from feedengine import faults
from feedengine.transport.landing import home as homes
from feedengine.transport.landing.home import Home
from feedengine.transport.reception import Landed, Refused

_BLOCK = 1 << 20

#: A file with this name is there already; said in one place because it is what partners read most often.
TAKEN = "exists already; feeds are never replaced, send it under a new name (with a new timestamp)"


class Upload:
    """An open part file. `write` from one thread at a time; then exactly one of `commit` and `abandon`.

    While it is open the part file is locked, so that nobody resumes or clears away what is still being written.
    """

    def __init__(
        self,
        place: Home,
        virtual: str,
        part: str,
        file: int,
        *,
        most: int,
        land: Callable[[Upload, str], Landed],
        forget: Callable[[Upload, bool], None],
    ) -> None:
        self.home = place
        self.virtual = virtual
        self.part = part
        self.bytes = 0
        self.most = most
        self.resumed_at = 0
        self.started = utc()
        self.begun = time.monotonic()
        self._file = file
        self._hash = hashlib.sha256()
        self._in_order = True
        self._land = land
        self._forget = forget

    @property
    def open(self) -> bool:
        """Whether neither `commit` nor `abandon` was called."""
        return self._file >= 0

    @property
    def sha256(self) -> str:
        """The hash of what was written so far, in hex."""
        return self._hash.hexdigest()

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Append. Raises `Refused` for a file that is too large or a disk that is full."""
        size = len(data)
        if self.bytes + size > self.most:
            raise Refused(f"{self.virtual} is larger than the {self.most} bytes that are left for it")
        self._write(data)
        self._hash.update(data)
        self.bytes += size

    def write_at(self, offset: int, data: bytes) -> None:
        """Write anywhere, for protocols that name the place of each block; out of order the hash is made afterwards."""
        if offset == self.bytes and self._in_order:
            self.write(data)
            return
        if offset + len(data) > self.most:
            raise Refused(f"{self.virtual} is larger than the {self.most} bytes that are left for it")
        self._in_order = False
        with full_disk():
            os.pwrite(self._file, data, offset)
        self.bytes = max(self.bytes, offset + len(data))

    def _write(self, data: bytes | bytearray | memoryview) -> None:
        with full_disk():
            done = os.write(self._file, data)
            while done < len(data):
                done += os.write(self._file, memoryview(data)[done:])

    def continue_at(self, offset: int, known: hashlib._Hash | None) -> None:
        """Take the first `offset` bytes of the part as they are. Reads them, unless their hash is `known`."""
        os.ftruncate(self._file, offset)
        if known is None:
            self._hash = hashlib.sha256()
            self._rehash(offset)
        else:
            self._hash = known
        os.lseek(self._file, offset, os.SEEK_SET)
        self.bytes = self.resumed_at = offset

    def _rehash(self, size: int) -> None:
        at = 0
        while at < size:
            block = os.pread(self._file, min(_BLOCK, size - at), at)
            if not block:
                raise OSError(f"{self.part} became shorter while it was read")
            self._hash.update(block)
            at += len(block)

    def state(self) -> hashlib._Hash | None:
        """A copy of the hash so far, for a later resume; None after writes out of order."""
        return self._hash.copy() if self._in_order else None

    def commit(self, eof: str = "clean") -> Landed:
        """The file is whole: sync it, name it, tell the engine. On return it has landed, whatever happens then.

        Blocks for some milliseconds (disk). Raises `Refused`; then no file is left. `eof` as in `Landed`.
        """
        try:
            if not self._in_order:
                self._hash = hashlib.sha256()
                self._rehash(self.bytes)
            with full_disk():
                os.fsync(self._file)
            faults.point("serve.landing.synced")
            landed = self._land(self, eof)
        except BaseException:
            self.abandon(keep=False)
            raise
        self._close(keep=False)
        return landed

    def abandon(self, *, keep: bool = True) -> None:
        """The file is not whole: keep the part for a resume, where there is anything in it. Never raises."""
        if not self.open:
            return
        keep = keep and self.bytes > 0
        self._close(keep)
        if not keep:
            with suppress(OSError), self.home.above(self.virtual) as (folder, _):
                os.unlink(self.part, dir_fd=folder)

    def _close(self, keep: bool) -> None:
        file, self._file = self._file, -1
        self._forget(self, keep)
        os.close(file)


class full_disk:
    """Where the disk is full, or the quota of the file system, the sender is told so and may try again later."""

    def __enter__(self) -> None:
        return None

    def __exit__(self, _: object, error: BaseException | None, __: object) -> None:
        from feedengine.errors import DiskFull, from_os_error

        if isinstance(error, OSError) and isinstance(from_os_error(error, "write"), DiskFull):
            raise Refused("there is no room on the disk; nothing was kept", later=True) from error


def lock(file: int) -> bool:
    """Claim a part file; False while somebody else writes it. The claim ends with the descriptor, or the process."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def publish(folder: int, part: str, name: str, *, replace: bool) -> None:
    """Give a synced file its name, atomically; without `replace` never that of another file (Refused)."""
    if replace:
        os.rename(part, name, src_dir_fd=folder, dst_dir_fd=folder)
    else:
        try:
            os.link(part, name, src_dir_fd=folder, dst_dir_fd=folder, follow_symlinks=False)
        except FileExistsError:
            raise Refused(f"{name} {TAKEN}") from None
    homes.sync_folder(folder)


def same_file(folder: int, one: str, other_folder: int, other: str) -> bool:
    """Whether both names are of one file."""
    try:
        first = os.stat(one, dir_fd=folder, follow_symlinks=False)
        second = os.stat(other, dir_fd=other_folder, follow_symlinks=False)
    except FileNotFoundError:
        return False
    return (first.st_dev, first.st_ino) == (second.st_dev, second.st_ino)


def utc() -> str:
    """Now, UTC in ISO 8601 with milliseconds."""
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
