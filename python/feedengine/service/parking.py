"""Rows that wait, in the service: those whose record came go first in their key's line, old ones are told of."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from feedengine.ledger import Queue
from feedengine.ledger.parked import Parked
from feedengine.remedy import expiry, parking
from feedengine.service.bell import ring
from feedengine.service.part import Log
from feedengine.service.reception import hash_of
from feedengine.settings import Settings
from feedengine.store import Store

#: Types of tasks whose feeds the engine wrote itself.
OWN = (parking.RETRY,)


def release(store: Store, settings: Settings, key: str, log: Log) -> list[int]:
    """Queue what waited for a key's newest records; gives the tasks."""
    queue = Queue(store.ledger)

    def begin(path: Path, **values: Any) -> int:
        return queue.add_first(**_file(path), **values)

    made = parking.release(store, settings, key, begin)
    for task in made:
        log("parked.released", task=task, key=key)
    if made:
        ring(store, "worker")
    return made


def sweep(store: Store, settings: Settings, log: Log) -> None:
    """What nobody released, because a process died before it did; and what has waited too long."""
    Parked(store.ledger).settle()
    for key in Parked(store.ledger).waiting_keys():
        release(store, settings, key, log)
    queue = Queue(store.ledger)
    for task in expiry.expire(store, settings, lambda path, **values: queue.add(**_file(path), **values)):
        log("parked.expired", level="warning", task=task)
        ring(store, "keeper")


def _file(path: Path) -> dict[str, Any]:
    return {"path": str(path), "filename": path.name, "bytes": path.stat().st_size, "sha256": hash_of(path)}
