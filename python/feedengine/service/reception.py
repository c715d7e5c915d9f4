"""The desk for arriving files: may this be sent, and this has been sent; a task exists before the sender is told."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from feedengine import names
from feedengine.errors import FeedEngineError, FeedRejected
from feedengine.faults import point
from feedengine.ledger import Queue, Task
from feedengine.service import intake, spool
from feedengine.service.bell import ring
from feedengine.settings import Settings
from feedengine.store import Store
from feedengine.transport.landing.names import engines, unfinished
from feedengine.transport.reception import Landed, Refused

#: How a feed is called, as messages to senders quote it.
FORM = "KEY_SECTION_[force]OPERATION_TIME.EXTENSION, for example key_7AeG_Products_sync_2026-11-21-02-00-00.tar.gz"

# Faults of names that may as well be by another grammar.
_VAGUE = ("NAME_FORM", "NAME_ENTITY", "NAME_EXTENSION")
_COMPANIONS = (".sha256", ".md5", ".done", ".ok", ".ready")


def is_feed(virtual: str) -> bool:
    """Whether a file at this place is meant as a feed: in `/` or below `/in`, finished, not a mark for another file."""
    folder, _, name = virtual.rpartition("/")
    if folder not in ("", "/in") and not folder.startswith("/in/"):
        return False
    return not unfinished(virtual) and not name.lower().endswith(_COMPANIONS)


@dataclass(frozen=True)
class _Reading:
    """What a file's name says to the queue: columns of its task, or what is wrong with it."""

    values: dict[str, Any] | None
    error: dict[str, Any] | None = None
    arrived: intake.Arrived | None = None

    @property
    def key(self) -> str | None:
        """The catalog's key."""
        return None if self.values is None else str(self.values["key"])


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
        if not self.is_feed(account.keys, virtual):
            return
        read = self._read(virtual, account.keys)
        if read.key is None:
            code = (read.error or {}).get("code")
            if code == "KEY_NOT_OWNED" or self.settings.get("queue.name_check") == "reply":
                raise Refused(_sentence(read.error or {}))
            return
        self._room_in_line(read.key)

    def is_feed(self, keys: tuple[str, ...], virtual: str) -> bool:
        """Whether a file at this place is meant as a feed: as `is_feed`, and in entities' folders wherever they are."""
        if is_feed(virtual):
            return True
        folder, _, name = virtual.rpartition("/")
        if engines(virtual) or unfinished(virtual) or name.lower().endswith(_COMPANIONS):
            return False
        with suppress(FeedEngineError):
            return any(folder and each.entity_of(folder) for each in intake.catalogs(self.settings, keys))
        return False

    def landed(self, file: Landed) -> int | None:
        """A whole file has its final name: keep a copy, make its task, wake a worker. Gives the task's number."""
        if not self.is_feed(file.account.keys, file.virtual):
            return None
        facts = file.path.lstat()
        depth = len([part for part in file.virtual.split("/") if part])
        return self._take(
            file.path, self._read(file.virtual, file.account.keys), account=file.account.name, actor=file.account.name,
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
        if read.key is None:
            error = read.error or {}
            raise FeedRejected(
                str(error["message"]),
                code=str(error["code"]),
                state="Nothing was put into the queue.",
                hints=[f"Did you mean {error['did_you_mean']}?"] if error["did_you_mean"] else [],
            )
        self._room_in_line(read.key)
        digest = hash_of(path)
        return self._take(
            path, read, copy=True, actor=actor, bytes=path.stat().st_size, sha256=digest, protocol=protocol,
            reason=reason,
        )  # fmt: skip

    def repeat(self, task: Task, *, actor: str) -> int:
        """Put the file of a task that is done into the queue once more, for the same catalog and entity."""
        kept = spool.keep(self.store, Path(str(task.path)), str(task.filename), copy=True)
        number = self.queue.add(
            key=task.key, section=task.section, operation=task.operation, force=task.force, filename=task.filename,
            path=str(kept), registered=int(task.registered), sent=task.sent, entity=task.entity, rank=task.rank,
            bytes=task.bytes, sha256=task.sha256, protocol=task.protocol, actor=actor,
        )  # fmt: skip
        ring(self.store, "worker")
        return number

    def _take(self, path: Path, read: _Reading, *, copy: bool = False, **values: Any) -> int:
        name = path.name
        kept = spool.keep(self.store, path, name, copy=copy)
        point("serve.kept")
        if read.values is None:
            error = read.error or {}
            task = self.queue.add_rejected(
                error=error, filename=name, path=str(kept), key=None, section=None, operation=None, **values
            )
            ring(self.store, "keeper")
            return task
        # Together: a file that a death leaves behind must not find its pass taken.
        with self.store.ledger.write(lasting=True):
            waits = self._waits(read)
            task = self.queue.add(filename=name, path=str(kept), **read.values, **waits, **values)
        point("serve.queued")
        ring(self.store, "worker")
        return task

    def _waits(self, read: _Reading) -> dict[str, Any]:
        """Until when a file of an entity waits by its schedule."""
        if read.arrived is None:
            return {}
        return {"due": intake.due(self.store, intake.catalogs(self.settings), read.arrived)}

    def _read(self, virtual: str, keys: tuple[str, ...]) -> _Reading:
        """What a path in a home says, or a bare name: by Constructor's grammar, or by that of a catalog's profile."""
        plain = self._read_name(virtual.rpartition("/")[2], keys)
        try:
            candidates = intake.catalogs(self.settings, keys)
        except FeedEngineError as error:
            wrong = {"code": error.code, "message": error.message, "expected": FORM, "did_you_mean": None}
            return plain if plain.values else _Reading(None, wrong)
        named = f"{plain.key}/{(plain.values or {}).get('section')}"
        decided = plain.key is not None and named not in [each.name for each in candidates]
        if not candidates or decided or (plain.error or {}).get("code") == "KEY_NOT_OWNED":
            return plain
        found = intake.read(candidates, virtual)
        if isinstance(found, intake.Misnamed):
            # Who may send for any key may have meant either: the folder or the word of an entity tells.
            folder, _, _ = virtual.rpartition("/")
            known = any(each.entity_of(folder) for each in candidates) if folder else found.code not in _VAGUE
            return _Reading(None, found.as_dict()) if keys or plain.key or known else plain
        key, _, section = found.catalog.partition("/")
        values = {
            "key": key, "section": section, "operation": found.operation, "force": found.force, "registered": 1,
            "sent": _stamp(found.sent), "entity": found.entity, "rank": found.rank,
        }  # fmt: skip
        return _Reading(values, arrived=found)

    def _read_name(self, name: str, keys: tuple[str, ...]) -> _Reading:
        found = names.parse(name, {*self.store.keys(), *self.settings.keys, *keys})
        if isinstance(found, names.BadName):
            meant = found.did_you_mean
            error = {"code": found.code, "message": found.message, "expected": FORM, "did_you_mean": meant}
            return _Reading(None, error)
        if keys and found.key not in keys:
            message = f"this account may not send feeds for the key {found.key}"
            return _Reading(None, {"code": "KEY_NOT_OWNED", "message": message, "expected": FORM, "did_you_mean": None})
        values = {
            "key": found.key, "section": found.section, "operation": found.operation, "force": found.force,
            "registered": int(found.key in keys), "sent": _stamp(found.parsed_time),
        }  # fmt: skip
        return _Reading(values)

    def _room_in_line(self, key: str) -> None:
        limit = int(self.settings.get("queue.limit"))
        waiting = self.queue.waiting(key)
        if waiting >= limit:
            raise Refused(f"{waiting:,} feeds of this key are waiting, which is the limit; try again later", later=True)


def _sentence(error: dict[str, Any]) -> str:
    """A rejected name in one line: what is wrong, what was meant, what is right."""
    meant = f"; did you mean {error['did_you_mean']}" if error.get("did_you_mean") else ""
    return f"{error['message']}{meant} (expected: {error['expected']})"


def _stamp(when: datetime | None) -> str | None:
    """A time as the ledger writes it."""
    return when.strftime("%Y-%m-%dT%H:%M:%SZ") if when else None


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
