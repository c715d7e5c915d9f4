"""A store, a source whose server is a folder, and a queue that counts."""

from __future__ import annotations

import os
import threading
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from feedengine.ledger.sources import Sources
from feedengine.service.fetching.perform import perform, to_queue
from feedengine.service.fetching.run import Result, Submit
from feedengine.service.fetching.source import Source
from feedengine.settings import Settings
from feedengine.settings.table import NAMED
from feedengine.store import Store

FEED = "key_a1_Products_{op}_2026-11-{day:02}-00-00-00.csv"


def feed(day: int, op: str = "sync") -> str:
    """A feed's name, by its day."""
    return FEED.format(op=op, day=day)


def source(url: str | Path, name: str = "erp", **given: Any) -> Source:
    """A source as the settings would describe it; quick where the defaults are patient."""
    quick = {"url": str(url), "settle": 0.0, "backoff": 0.0, "retries": 0}
    unknown = set(given) - {key.name for key in NAMED["sources"]}
    assert not unknown, unknown
    table = {key.name: key.default for key in NAMED["sources"]} | quick | given
    return Source.read(name, table, None)


class Rig:
    """A folder `there` is the other server; `log` keeps what was said."""

    def __init__(self, base: Path) -> None:
        self.there = base / "there"
        self.there.mkdir()
        self.store = Store.create(base / "store")
        self.settings = Settings.load(None, env={})
        self.ledger = Sources(self.store.ledger)
        self.said: list[tuple[str, dict[str, Any]]] = []
        self.stop = threading.Event()

    def log(self, event: str, *, level: str = "info", **facts: Any) -> None:
        self.said.append((event, facts))

    def events(self) -> list[str]:
        return [event for event, _ in self.said]

    def put(self, name: str, content: bytes | str = b"id,item_name\nA1,x\n", age: float = 0.0) -> Path:
        """A file on the other server, so many seconds old."""
        path = self.there / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        when = datetime.now(UTC).timestamp() - age
        os.utime(path, (when, when))
        return path

    def run(self, wanted: Source | None = None, submit: Submit | None = None, **given: Any) -> Result:
        """One run; sources of `given` keys where none is named."""
        return perform(
            self.store, self.settings, wanted or source(self.there, **given), self.log, wait=self.stop.wait,
            submit=submit or to_queue(self.store, self.settings),
        )  # fmt: skip

    def tasks(self) -> list[str]:
        """File names of the queue's tasks, oldest first."""
        return [str(task.filename) for task in reversed(self.store.ledger.list(limit=1000).tasks)]
