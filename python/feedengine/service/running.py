"""Which supervisor runs on a store: one at a time, and none beside what a killed one has left."""

from __future__ import annotations

import fcntl
import json
import os
import signal
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from feedengine.errors import Conflict
from feedengine.ledger import process
from feedengine.store import Store


class Running:
    """The lock of a store's supervisor, with a note of its children. The kernel drops the lock when it dies."""

    def __init__(self, store: Store) -> None:
        folder = store.root / "run"
        folder.mkdir(mode=0o700, exist_ok=True)
        self._path = folder / "serve.lock"
        self._children = folder / "children.json"
        self._descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(self._descriptor)
            number = pid(store)
            raise Conflict(
                f"feedengine serve already runs on the store {store.root}" + (f": process {number}" if number else ""),
                code="ALREADY_SERVING",
                state="Nothing was started; the one that runs goes on.",
                hints=[{"text": "See how it is", "argv": ["feedengine", "status"]}],
            ) from None
        os.ftruncate(self._descriptor, 0)
        os.pwrite(self._descriptor, str(os.getpid()).encode(), 0)

    def children(self, identities: Mapping[str, str]) -> None:
        """Note the children by their parts' names, those that are down as empty texts: for a supervisor that comes
        after us if we are killed, and for who wants to know how the service is."""
        part = self._children.with_suffix(".part")
        part.write_text(json.dumps(dict(identities)))
        part.replace(self._children)

    def end_previous(self, seconds: float) -> int:
        """Wait until the children of a supervisor that was killed are gone, then kill them; gives how many there were.

        They were told to stop when it died, and hold its ports until they have.
        """
        left = [each for each in self._noted() if not process.gone(each)]
        count = len(left)
        deadline = time.monotonic() + seconds
        while left and time.monotonic() < deadline:
            time.sleep(0.02)
            left = [each for each in left if not process.gone(each)]
        for each in left:
            with suppress(ProcessLookupError):
                os.kill(int(each.split()[1]), signal.SIGKILL)
        self._children.unlink(missing_ok=True)
        return count

    def _noted(self) -> list[str]:
        with suppress(OSError, ValueError):
            found: Any = json.loads(self._children.read_text())
            here = os.uname().nodename
            return [each for each in found.values() if each.partition(" ")[0] == here]
        return []

    def close(self) -> None:
        """Let another supervisor have the store."""
        with suppress(OSError):
            os.ftruncate(self._descriptor, 0)
        os.close(self._descriptor)


def parts(store: Store) -> dict[str, bool]:
    """The parts of the service that runs on the store, and whether each is up."""
    with suppress(OSError, ValueError):
        found: Any = json.loads((store.root / "run" / "children.json").read_text())
        return {name: bool(identity) and not process.gone(identity) for name, identity in found.items()}
    return {}


def pid(store: Store) -> int | None:
    """The process of the supervisor that runs on the store; None where none does."""
    path: Path = store.root / "run" / "serve.lock"
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        text = os.pread(descriptor, 20, 0).decode()
        return int(text) if text.isdigit() else None
    finally:
        os.close(descriptor)
    return None
