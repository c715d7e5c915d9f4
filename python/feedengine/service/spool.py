"""The engine's own copy of every landed file: what its sender does afterwards to the one it sees changes nothing."""

from __future__ import annotations

import os
import shutil
from contextlib import suppress
from pathlib import Path

from feedengine.store import Store


def folder(store: Store) -> Path:
    """Where the copies are, each in a folder of its own."""
    return store.root / "spool"


def keep(store: Store, path: Path, name: str, *, copy: bool = False) -> Path:
    """A second name of the file that is on the disk when this returns; a copy on another file system, or if wanted."""
    root = folder(store)
    root.mkdir(mode=0o700, exist_ok=True)
    place = root / os.urandom(8).hex()
    place.mkdir(mode=0o700)
    kept = place / name
    try:
        if copy:
            raise OSError
        os.link(path, kept, follow_symlinks=False)
    except OSError:
        with path.open("rb") as source, kept.open("xb") as target:
            shutil.copyfileobj(source, target, 1 << 20)
            target.flush()
            os.fsync(target.fileno())
    sync(place)
    sync(root)
    return kept


def drop(kept: Path) -> None:
    """Forget a copy and its folder."""
    kept.unlink(missing_ok=True)
    # Something else is in it, or it is gone already.
    with suppress(OSError):
        kept.parent.rmdir()


def sync(place: Path) -> None:
    """Put a folder's entries on the disk."""
    descriptor = os.open(place, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
