"""The accounts' file: read again when it changed, written whole, changed by one process at a time."""

from __future__ import annotations

import fcntl
import json
import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from feedengine.accounts.entry import Entry, from_json, to_json
from feedengine.errors import Conflict, Hint, StoreDamaged, from_os_error

_FORMAT = 1
_WAIT_SECONDS = 15.0
_PAUSE = 0.02

_Seen = tuple[int, int, int]


class AccountsFile:
    """`accounts.json`: entries by login name. A missing file has none; a damaged one raises `StoreDamaged`."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = threading.Lock()
        self._seen: _Seen | None = None
        self._entries: dict[str, Entry] = {}

    def entries(self) -> dict[str, Entry]:
        """All entries as they are now; not to be changed."""
        with self._lock:
            try:
                about = os.stat(self.path)
            except FileNotFoundError:
                self._seen, self._entries = None, {}
                return self._entries
            seen = (about.st_ino, about.st_mtime_ns, about.st_size)
            if seen != self._seen:
                # Forgotten first: what can't be read must not leave the old entries open.
                self._seen, self._entries = None, {}
                self._entries = self._read()
                self._seen = seen
            return self._entries

    @contextmanager
    def change(self) -> Iterator[dict[str, Entry]]:
        """Entries to change; written when the block ends well. Other processes wait. Raises `Conflict`, `DiskFull`."""
        try:
            descriptor = os.open(self.path.with_suffix(".lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise from_os_error(error, "lock the accounts") from error
        try:
            _wait_for(descriptor)
            entries = dict(self.entries())
            yield entries
            self._write(entries)
        finally:
            os.close(descriptor)

    def _read(self) -> dict[str, Entry]:
        try:
            document = json.loads(self.path.read_bytes())
            if document.get("format") != _FORMAT:
                raise ValueError(f"format {document.get('format')!r} is not {_FORMAT}")
            entries = [from_json(each) for each in document["accounts"]]
            found = {each.account.name: each for each in entries}
            if len(found) != len(entries):
                raise ValueError("a login name is there twice")
            return found
        except OSError as error:
            raise StoreDamaged(f"{self.path} can't be read: {error.strerror}", state=_CLOSED, hints=_RESTORE) from error
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            # The value is not repeated: it may be part of a hash.
            raise StoreDamaged(
                f"{self.path} is damaged ({type(error).__name__})", state=_CLOSED, hints=_RESTORE
            ) from None

    def _write(self, entries: dict[str, Entry]) -> None:
        document = {"format": _FORMAT, "accounts": [to_json(entries[name]) for name in sorted(entries)]}
        try:
            replace(self.path, json.dumps(document, indent=1, ensure_ascii=False).encode("utf-8") + b"\n")
        except OSError as error:
            raise from_os_error(error, "write the accounts") from error


def replace(path: Path, content: bytes, *, lasting: bool = True) -> None:
    """Write a private file whole or not at all; a `lasting` one survives a power failure. Raises OSError."""
    part = path.with_name(f".{path.name}.{os.urandom(4).hex()}.part")
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            if lasting:
                os.fsync(file.fileno())
        os.replace(part, path)
    except BaseException:
        part.unlink(missing_ok=True)
        raise
    if lasting:
        folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def _wait_for(descriptor: int) -> None:
    began = time.monotonic()
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        except BlockingIOError:
            if time.monotonic() - began > _WAIT_SECONDS:
                raise Conflict(
                    f"another feedengine process changes the accounts; waited {_WAIT_SECONDS:g} s",
                    state="Nothing was changed.",
                ) from None
            time.sleep(_PAUSE)


_CLOSED = "Nobody can log in until it is repaired."
_RESTORE = [Hint("Restore accounts.json from a backup, or move it away and add the accounts again")]
