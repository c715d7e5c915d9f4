"""The outbox's files: our own copy of what is to be sent, so that the original may go or change."""

from __future__ import annotations

import hashlib
import os
import shutil
import time
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from feedengine.errors import UsageError, from_os_error
from feedengine.faults import point
from feedengine.ledger.exports import Exports
from feedengine.ledger.outbox import NewDelivery, Outbox, clock, stamp

if TYPE_CHECKING:
    from feedengine.store import Store

_BLOCK = 1 << 20
# A folder without a delivery may belong to one that is being put in right now.
_STRAY_SECONDS = 3600


def new_folder(store: Store) -> Path:
    """A folder of its own for the files of a delivery."""
    outbox = store.root / "outbox"
    outbox.mkdir(mode=0o700, exist_ok=True)
    folder = outbox / os.urandom(8).hex()
    folder.mkdir(mode=0o700)
    return folder


def keep(store: Store, source: Path, target: str, path: str, about: Mapping[str, Any]) -> NewDelivery:
    """Copy a file for sending; `path` is where it goes, below the target's folder. Raises `UsageError`, `DiskFull`.

    Not a hard link: a program that writes the same file anew would change what is sent.
    """
    name = checked_path(path)
    try:
        folder = new_folder(store)
        digest = hashlib.sha256()
        # Its name there may be longer than names can be here.
        kept = folder / "file"
        with source.open("rb") as given, kept.open("xb") as copy:
            while block := given.read(_BLOCK):
                digest.update(block)
                copy.write(block)
            copy.flush()
            os.fsync(copy.fileno())
        _sync(folder)
        _sync(folder.parent)
    except OSError as error:
        raise from_os_error(error, f"take {source} into the outbox") from error
    point("serve.send.kept")
    file = str(kept.relative_to(store.root))
    return NewDelivery(target, name, path, file, kept.stat().st_size, digest.hexdigest(), about)


def adopt(store: Store, kept: Path, target: str, name: str, about: Mapping[str, Any]) -> NewDelivery:
    """A delivery of a file that was written into a folder of the outbox."""
    with kept.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
        os.fsync(file.fileno())
    _sync(kept.parent)
    _sync(kept.parent.parent)
    return NewDelivery(target, name, name, str(kept.relative_to(store.root)), kept.stat().st_size, digest, about)


def checked_path(path: str) -> str:
    """The last part of a path on the target. Raises `UsageError` for one that no server should be sent."""
    name = path.rpartition("/")[2]
    if not name or name in (".", "..") or ".." in path.split("/") or any(ord(c) < 32 or ord(c) == 127 for c in path):
        raise UsageError(
            f"{path!r} is no name for a file there: no control characters, no .., not empty.", state="Nothing was sent."
        )
    return name


def tidy(store: Store, outbox: Outbox, keep_days: int) -> int:
    """Remove files that were sent long ago, and folders that a dying process left; gives how many files."""
    gone = outbox.forget_files(clock() - timedelta(days=keep_days))
    for delivery in gone:
        shutil.rmtree((store.root / delivery.file).parent, ignore_errors=True)
    # Records are many; that each was sent is noted elsewhere.
    Exports(outbox).forget(stamp(clock() - timedelta(days=keep_days)))
    folder = store.root / "outbox"
    known = {Path(file).parent.name for file in outbox.files()}
    for each in folder.iterdir() if folder.is_dir() else ():
        if each.name not in known and time.time() - each.stat().st_mtime > _STRAY_SECONDS:
            shutil.rmtree(each, ignore_errors=True)
    return len(gone)


def _sync(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
