"""After a crash: what the dead worker's task came to is in the store; applied ones are closed, the others go back."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from feedengine import ingest
from feedengine.errors import CatalogBusy
from feedengine.faults import point
from feedengine.ledger import Queue, Task, process
from feedengine.service.part import Log
from feedengine.settings import Settings
from feedengine.store import Store


def recover(store: Store, settings: Settings, log: Log) -> list[int]:
    """Settle the tasks whose worker is gone or silent; gives their numbers. Several may do it at once."""
    queue = Queue(store.ledger)
    lease = float(settings.get("queue.lease"))
    settled = []
    for task in queue.abandoned():
        try:
            adopted = queue.adopt(task, lease)
        except CatalogBusy:
            # Nobody can write while a worker that is silent holds the ledger itself; with it goes what it had begun.
            process.end(task.worker)
            adopted = queue.adopt(task, lease)
        if not adopted:
            continue
        # One that is silent but not dead holds the catalog's lock, perhaps, and must not wake up and go on.
        process.end(task.worker)
        point("serve.adopted")
        number = settle(store, settings, task)
        log("task.recovered", level="warning", task=task.id, worker=task.worker, applied=number)
        settled.append(task.id)
    return settled


def settle(store: Store, settings: Settings, task: Task) -> int | None:
    """Close a task of this process that has been applied, put one that has not back. Gives the snapshot it made."""
    number = ingest.applied(store, task)
    if number is None:
        Queue(store.ledger).requeue(task.id)
        return None
    ingest.close_done(store, settings, task.id, Path(str(task.path)), _report(store, task, number), number)
    return number


def _report(store: Store, task: Task, number: int) -> dict[str, Any]:
    """The plan's report that the worker left, or, where a power failure took it, what the snapshot remembers."""
    if task.report:
        return dict(task.report)
    with store.catalog(str(task.key)) as catalog:
        info = catalog.snapshot(number)
    return {
        "operation": info.operation,
        "force": info.force,
        "catalog": f"{task.key}/{info.section}",
        "file": {"name": info.file, "bytes": task.bytes, "fingerprint": info.fingerprint},
        "entities": dict(info.counts),
        "problems": {"errors": 0, "warnings": 0, "listed": 0, "by_code": [], "list": []},
        "verdict": "apply",
        "task": task.id,
    }
