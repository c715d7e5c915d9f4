"""The desk for arriving files: may this be sent, and this has been sent; a task exists before the sender is told."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from feedengine import names
from feedengine.errors import FeedRejected
from feedengine.faults import point
from feedengine.ledger import Queue
from feedengine.service import spool
from feedengine.service.bell import ring
from feedengine.settings import Settings
from feedengine.store import Store
from feedengine.transport.landing.names import engines, unfinished
from feedengine.transport.reception import Landed, Refused

#: How a feed is called, as messages to senders quote it.
FORM = "KEY_SECTION_[force]OPERATION_TIME.EXTENSION, for example key_7AeG_Products_sync_2026-11-21-02-00-00.tar.gz"

_COMPANIONS = (".sha256", ".md5", ".done", ".ok", ".ready")


def is_feed(virtual: str) -> bool:
    """Whether a file at this place is meant as a feed: in `/` or below `/in`, finished, not a mark for another file."""
    folder, _, name = virtual.rpartition("/")
    if folder not in ("", "/in") and not folder.startswith("/in/"):
        return False
    return not unfinished(virtual) and not name.lower().endswith(_COMPANIONS)


@dataclass(frozen=True)
class _Reading:
    """What a file name says to the queue; `bad` where it says nothing usable."""

    name: names.FeedName | None
    error: dict[str, Any] | None


class Desk:
    """Implements `Reception` on a store. Safe for several threads. `settings` may be a function that gives them."""

    def __init__(self, store: Store, settings: Settings | Callable[[], Settings]) -> None:
        self.store = store
        self._settings = settings
        self.queue = Queue(store.ledger)

    @property
    def settings(self) -> Settings:
        """The settings as they are now."""
        return self._settings if isinstance(self._settings, Settings) else self._settings()

    def admit(self, account: Any, virtual: str) -> None:
        """Before a file is taken: its name, its folder, room on the disk, the queue's limit. Raises `Refused`."""
        if engines(virtual):
            raise Refused(f"/{virtual.split('/')[1]} is written by the server; put feeds into / or /in")
        if shutil.disk_usage(self.store.root).free < self.settings.get("queue.min_free"):
            raise Refused("not enough room on the server's disk; try again later", later=True)
        if not is_feed(virtual):
            return
        read = self._read(virtual.rpartition("/")[2], account.keys)
        if read.name is None:
            code = (read.error or {}).get("code")
            if code == "KEY_NOT_OWNED" or self.settings.get("queue.name_check") == "reply":
                raise Refused(_sentence(read.error or {}))
            return
        self._room_in_line(read.name.key)

    def landed(self, file: Landed) -> int | None:
        """A whole file has its final name: keep a copy, make its task, wake a worker. Gives the task's number."""
        if not is_feed(file.virtual):
            return None
        facts = file.path.lstat()
        depth = len([part for part in file.virtual.split("/") if part])
        return self._take(
            file.path, file.path.name, file.account.keys, account=file.account.name, actor=file.account.name,
            home=str(file.path.parents[depth - 1]), virtual=file.virtual, visible=str(file.path),
            device=_signed(facts.st_dev), inode=_signed(facts.st_ino), bytes=file.bytes, sha256=file.sha256,
            eof=file.eof, protocol=file.protocol, peer=file.peer, upload_started=file.started,
            upload_ended=file.ended,
        )  # fmt: skip

    def knows(self, path: Path) -> bool:
        """Whether the file that lies there is a task already."""
        try:
            return known(self.queue, path, path.lstat())
        except FileNotFoundError:
            return False

    def submit(self, path: Path, *, actor: str, protocol: str | None = None, reason: str | None = None) -> int:
        """Put a file of this machine into the queue; what happens to it afterwards changes nothing. Gives the task.

        Raises `FeedRejected` for a wrong name, `Refused` when the line is full, OSError.
        """
        read = self._read(path.name, ())
        if read.name is None:
            error = read.error or {}
            raise FeedRejected(
                str(error["message"]),
                code=str(error["code"]),
                state="Nothing was put into the queue.",
                hints=[f"Did you mean {error['did_you_mean']}?"] if error["did_you_mean"] else [],
            )
        self._room_in_line(read.name.key)
        digest = hash_of(path)
        return self._take(
            path, path.name, (), copy=True, actor=actor, bytes=path.stat().st_size, sha256=digest, protocol=protocol,
            reason=reason,
        )  # fmt: skip

    def _take(self, path: Path, name: str, keys: tuple[str, ...], *, copy: bool = False, **values: Any) -> int:
        read = self._read(name, keys)
        kept = spool.keep(self.store, path, name, copy=copy)
        point("serve.kept")
        if read.name is None:
            error = read.error or {}
            task = self.queue.add_rejected(
                error=error, filename=name, path=str(kept), key=None, section=None, operation=None, **values
            )
            ring(self.store, "keeper")
            return task
        found = read.name
        task = self.queue.add(
            key=found.key, section=found.section, operation=found.operation, force=found.force, filename=name,
            path=str(kept), registered=int(found.key in keys),
            sent=found.parsed_time.strftime("%Y-%m-%dT%H:%M:%SZ") if found.parsed_time else None, **values,
        )  # fmt: skip
        point("serve.queued")
        ring(self.store, "worker")
        return task

    def _read(self, name: str, keys: tuple[str, ...]) -> _Reading:
        found = names.parse(name, {*self.store.keys(), *self.settings.keys, *keys})
        if isinstance(found, names.BadName):
            meant = found.did_you_mean
            error = {"code": found.code, "message": found.message, "expected": FORM, "did_you_mean": meant}
            return _Reading(None, error)
        if keys and found.key not in keys:
            message = f"this account may not send feeds for the key {found.key}"
            return _Reading(None, {"code": "KEY_NOT_OWNED", "message": message, "expected": FORM, "did_you_mean": None})
        return _Reading(found, None)

    def _room_in_line(self, key: str) -> None:
        limit = int(self.settings.get("queue.limit"))
        waiting = self.queue.waiting(key)
        if waiting >= limit:
            raise Refused(f"{waiting:,} feeds of this key are waiting, which is the limit; try again later", later=True)


def _sentence(error: dict[str, Any]) -> str:
    """A rejected name in one line: what is wrong, what was meant, what is right."""
    meant = f"; did you mean {error['did_you_mean']}" if error.get("did_you_mean") else ""
    return f"{error['message']}{meant} (expected: {error['expected']})"


def hash_of(path: Path) -> str:
    """SHA-256 of a file in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _signed(number: int) -> int:
    """A number of the file system's as SQLite can hold it."""
    return number - (1 << 64) if number >= 1 << 63 else number


def known(queue: Queue, path: Path, facts: os.stat_result) -> bool:
    """Whether a file that lies in a home is a task already."""
    return queue.knows(_signed(facts.st_dev), _signed(facts.st_ino), str(path), facts.st_size)
