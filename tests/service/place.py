"""A store with an account, feeds that land in it, and a worker that runs in the test's own process."""

from __future__ import annotations

import hashlib
import itertools
from pathlib import Path
from typing import Any

from feedengine.accounts import Account
from feedengine.ledger import Queue, Task
from feedengine.service.followup import follow
from feedengine.service.part import Part
from feedengine.service.reception import Desk
from feedengine.service.worker import Worker
from feedengine.settings import Settings
from feedengine.store import Store
from feedengine.transport.reception import Landed

_numbers = itertools.count(10)


class Diary:
    """Takes what parts log."""

    def __init__(self) -> None:
        self.events: list[tuple[str, dict[str, Any]]] = []

    def __call__(self, event: str, *, level: str = "info", **facts: Any) -> None:
        self.events.append((event, facts))

    def names(self) -> list[str]:
        return [event for event, _ in self.events]


class Place:
    """Everything of the queue without a server; `rules` are lines of the settings file."""

    def __init__(self, root: Path, rules: str = "", keys: tuple[str, ...] = ("key_a1", "key_b2")) -> None:
        root.mkdir(parents=True, exist_ok=True)
        self.root = root
        self.file = root / "feedengine.toml"
        self.file.write_text(f'[store]\npath = "store"\n[queue]\nvisible_min = 0\n{rules}\n')
        self.settings = Settings.load(self.file, env={})
        self.store = Store.create(root / "store")
        self.account = Account("shop@example.com", "shop", keys=keys)
        self.home = root / "store" / "homes" / "shop"
        (self.home / "in").mkdir(parents=True, exist_ok=True)
        self.diary = Diary()
        self.part = Part("worker", self.store, self.settings, self.diary)
        self.desk = Desk(self.store, self.settings)
        self.queue = Queue(self.store.ledger)
        self._worker: Worker | None = None

    def name(self, operation: str, key: str = "key_a1", ext: str = "csv") -> str:
        """A feed's name that was not used before."""
        hour, rest = divmod(next(_numbers), 3600)
        return f"{key}_Products_{operation}_2026-11-21-{hour:02}-{rest // 60:02}-{rest % 60:02}.{ext}"

    def land(self, name: str, content: str | bytes, folder: str = "/", **more: Any) -> int | None:
        """A file arrives, as a server would tell."""
        data = content.encode() if isinstance(content, str) else content
        virtual = f"{folder.rstrip('/')}/{name}"
        path = self.home / virtual.lstrip("/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        digest = hashlib.sha256(data).hexdigest()
        return self.desk.landed(Landed(self.account, virtual, path, len(data), digest, "ftps", **more))

    def task(self, number: int | None) -> Task:
        assert number is not None
        return self.store.ledger.get(number)

    @property
    def worker(self) -> Worker:
        if self._worker is None:
            self._worker = Worker(self.part)
        return self._worker

    def work(self) -> None:
        """Work until nothing waits."""
        while self.worker.step():
            pass

    def follow(self, number: int | None) -> bool:
        """The keeper's follow-up."""
        return follow(self.store, self.settings, self.task(number), self.diary)

    def seen(self, virtual: str) -> str:
        """The text of a file in the home."""
        return (self.home / virtual.lstrip("/")).read_text()

    def files(self) -> list[str]:
        """All files of the home but the reports."""
        found = [path for path in self.home.rglob("*") if path.is_file() and "reports" not in path.parts]
        return sorted("/" + str(path.relative_to(self.home)) for path in found)

    def items(self, key: str = "key_a1") -> dict[str, str]:
        """Names of the items by id."""
        import pyarrow as pa

        with self.store.catalog(key) as opened:
            rows = pa.table(opened.export_rows("Products", "items", None)).to_pylist()
        return {row["id"]: row["item_name"] for row in rows}
