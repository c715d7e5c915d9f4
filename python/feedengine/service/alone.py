"""One process or thread at a time for a named piece of work; the kernel ends a claim with the process that has it."""

from __future__ import annotations

import fcntl
import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from feedengine.store import Store


@contextmanager
def alone(store: Store, work: str, name: str) -> Iterator[bool]:
    """Be the only one at `work` (`send`, `export`) for `name`; gives False where another process or thread is."""
    folder = store.root / "run"
    folder.mkdir(mode=0o700, exist_ok=True)
    path = folder / f"{work}.{hashlib.sha256(name.encode()).hexdigest()[:16]}.lock"
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
            return
        yield True
    finally:
        os.close(descriptor)
