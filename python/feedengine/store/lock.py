"""The writer's lock of one key, and waiting for locks with a word to the user."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from feedengine.errors import CatalogBusy
from feedengine.store.model import Notify

T = TypeVar("T")

_FIRST_WORD = 0.5
_PAUSE = 0.05


def wait_for(attempt: Callable[[], T | None], seconds: float, what: str, notify: Notify | None) -> T:
    """Call `attempt` until it gives something; `CatalogBusy` after `seconds`."""
    started = time.monotonic()
    told = False
    while True:
        got = attempt()
        if got is not None:
            return got
        waited = time.monotonic() - started
        if waited >= seconds:
            raise CatalogBusy(
                f"{what}; waited {seconds:g} s",
                state="Nothing was changed.",
                hints=[{"text": "Close the other program, or wait longer", "argv": []}],
            )
        if notify and not told and waited >= min(_FIRST_WORD, seconds / 2):
            notify(f"{what}; waiting up to {seconds:g} s")
            told = True
        time.sleep(_PAUSE)


@contextmanager
def writer_lock(path: Path, seconds: float, notify: Notify | None) -> Iterator[None]:
    """Hold the key's writer lock. `flock`, so that two threads of one process exclude each other too.

    The kernel drops it when the process dies: a killed writer leaves no stale lock.
    """
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)

    def attempt() -> bool | None:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return None
        return True

    try:
        wait_for(attempt, seconds, "another feedengine process is writing to this catalog", notify)
        yield
    finally:
        os.close(descriptor)
