"""What the keeper does now and then: files nobody told of become tasks, old files and tasks go."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from feedengine.accounts import Account, Accounts
from feedengine.ledger import Queue
from feedengine.service import spool
from feedengine.service.part import Log
from feedengine.service.reception import Desk, hash_of, known
from feedengine.settings import Settings
from feedengine.store import Store
from feedengine.transport.landing.names import ENGINES
from feedengine.transport.reception import Landed, Refused

#: Seconds after its last change from which on a file that nobody told of is taken: a server needs milliseconds.
_STABLE = 10.0
#: Seconds after which a copy without a task is the leftover of a crash.
_ORPHAN = 3600.0


@dataclass
class Reconciler:
    """Finds files in homes that no task knows: their server died between naming them and telling the ledger."""

    store: Store
    settings: Settings
    log: Log
    _seen: dict[Path, tuple[int, int]] = field(default_factory=dict)

    def run(self) -> list[int]:
        """Take what is there, unknown and no longer changing; gives the tasks that were made."""
        made = []
        desk = Desk(self.store, self.settings)
        seen: dict[Path, tuple[int, int]] = {}
        for account, home, path in self._files(desk):
            with suppress(FileNotFoundError):
                facts = path.lstat()
                if known(desk.queue, path, facts):
                    continue
                state = (facts.st_size, facts.st_mtime_ns)
                seen[path] = state
                if self._seen.get(path) != state or time.time() - facts.st_ctime < _STABLE:
                    continue
                virtual = "/" + str(path.relative_to(home))
                landed = Landed(account, virtual, path, facts.st_size, hash_of(path), "found")
                with suppress(Refused):
                    task = desk.landed(landed)
                    if task is not None:
                        made.append(task)
                        self.log("file.found", level="warning", task=task, account=account.name, file=virtual)
        self._seen = seen
        return made

    def _files(self, desk: Desk) -> Iterator[tuple[Account, Path, Path]]:
        accounts = Accounts(self.store.root)
        done = set()
        for entry in accounts.every():
            if entry.account.home in done:
                continue
            done.add(entry.account.home)
            home = accounts.home(entry.account)
            for folder, below, names in os.walk(home):
                if Path(folder) == home:
                    below[:] = [name for name in below if name not in ENGINES]
                below[:] = [name for name in below if not name.startswith(".")]
                for name in names:
                    path = Path(folder) / name
                    virtual = "/" + str(path.relative_to(home))
                    if desk.is_feed(entry.account.keys, virtual) and path.is_file() and not path.is_symlink():
                        yield entry.account, home, path


def retain(store: Store, settings: Settings, log: Log) -> None:
    """Delete what is older than the settings keep it. Never what a task that waits for a person needs."""
    queue = Queue(store.ledger)
    rules = (
        ("keep_processed_days", ("DONE",), "visible"),
        ("keep_failed_days", ("FAILED", "CANCELED"), "visible"),
        ("keep_spool_days", ("DONE", "FAILED", "CANCELED"), "path"),
    )
    for name, statuses, column in rules:
        days = int(settings.get(f"queue.{name}"))
        if not days:
            continue
        for task in queue.ended_before(_ago(days), statuses, column):
            if task.waiting:
                continue
            path = Path(str(getattr(task, column)))
            if column == "path":
                _drop_copy(store, path)
                shutil.rmtree(store.root / "quarantine" / str(task.id), ignore_errors=True)
                queue.mark(task.id, path=None)
            else:
                path.unlink(missing_ok=True)
                path.with_name(path.name + ".error.txt").unlink(missing_ok=True)
                queue.mark(task.id, visible=None)
            log("file.dropped", task=task.id, file=task.filename, what=column)
    days = int(settings.get("queue.keep_reports_days"))
    if days and (gone := _drop_reports(store, time.time() - days * 86400)):
        log("reports.dropped", count=gone)
    days = int(settings.get("queue.keep_tasks_days"))
    if days and (gone := queue.forget(_ago(days))):
        log("tasks.dropped", count=gone)


def _drop_reports(store: Store, before: float) -> int:
    """Delete reports that were written before a time: folders of tasks, and the newest report by a file's name."""
    count = 0
    for old in list((store.root / "homes").glob("*/reports/*/*")):
        with suppress(FileNotFoundError):
            if old.lstat().st_mtime >= before:
                continue
            if old.is_dir() and not old.is_symlink():
                shutil.rmtree(old)
            else:
                old.unlink()
            count += 1
    return count


def _drop_copy(store: Store, path: Path) -> None:
    """The engine's copy, wherever it was put meanwhile: the spool, with the held ones, in quarantine."""
    if path.is_relative_to(store.root):
        spool.drop(path)


def sweep_spool(store: Store) -> int:
    """Delete copies without a task, which a crash left behind; gives how many."""
    queue = Queue(store.ledger)
    count = 0
    with suppress(FileNotFoundError):
        for folder in spool.folder(store).iterdir():
            names = list(folder.iterdir()) if folder.is_dir() else []
            old = time.time() - folder.stat().st_ctime > _ORPHAN
            if old and not any(queue.has_path(str(path)) for path in names):
                shutil.rmtree(folder, ignore_errors=True)
                count += 1
    return count


def _ago(days: int) -> str:
    return (datetime.now(UTC) - timedelta(days=days)).strftime("%Y-%m-%dT%H:%M:%SZ")
