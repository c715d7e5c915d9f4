"""Bells between processes: who puts work into the ledger rings, who waits for work wakes at once instead of polling."""

from __future__ import annotations

import os
import select
import socket
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

from feedengine.store import Store

# A Unix socket's path may have 107 bytes; a store deep in the file system is reached through the folder's descriptor.
_LONGEST = 100


def _folder(store: Store) -> Path:
    return store.root / "run"


class Bell:
    """Where one process waits. A ring that comes while it works is not lost: the next `wait` returns at once."""

    def __init__(self, store: Store, kind: str) -> None:
        folder = _folder(store)
        folder.mkdir(mode=0o700, exist_ok=True)
        self._path = folder / f"{kind}.{os.getpid()}.{os.urandom(3).hex()}.bell"
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        with _short(self._path) as path:
            self._socket.bind(path)
        self._socket.setblocking(False)

    def wait(self, seconds: float) -> bool:
        """Wait for a ring, `seconds` at most; says whether there was one."""
        ready, _, _ = select.select([self._socket], [], [], seconds)
        with suppress(BlockingIOError):
            while self._socket.recv(16):
                pass
        return bool(ready)

    def close(self) -> None:
        """Take the bell down."""
        self._socket.close()
        self._path.unlink(missing_ok=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self.close()


def ring(store: Store, kind: str) -> None:
    """Wake every process that waits for work of this kind (worker, courier, fetcher, keeper); never fails."""
    for path in _folder(store).glob(f"{kind}.*.bell"):
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender, suppress(OSError):
            sender.setblocking(False)
            try:
                with _short(path) as short:
                    sender.sendto(b"!", short)
            except ConnectionRefusedError:
                # Its process was killed.
                path.unlink(missing_ok=True)


class _short:
    """A path as short as a Unix socket wants it, while the block lasts."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._folder: int | None = None

    def __enter__(self) -> str:
        if len(os.fsencode(self._path)) <= _LONGEST:
            return str(self._path)
        self._folder = os.open(self._path.parent, os.O_RDONLY | os.O_DIRECTORY)
        return f"/proc/self/fd/{self._folder}/{self._path.name}"

    def __exit__(self, *_: object) -> None:
        if self._folder is not None:
            os.close(self._folder)
