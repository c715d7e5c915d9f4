"""A task once more: one that failed goes back into the queue, one that was done is done again as a new task."""

from __future__ import annotations

from pathlib import Path

from feedengine.errors import UsageError
from feedengine.ledger import Queue, Task
from feedengine.service.reception import Desk
from feedengine.settings import Settings
from feedengine.store import Store


def again(store: Store, settings: Settings, number: int, *, actor: str) -> Task:
    """Queue the file of a task again. Raises UsageError where its file is gone or it has not ended; TaskNotFound."""
    queue = Queue(store.ledger)
    task = store.ledger.get(number)
    if task.queued and task.status in ("DONE", "FAILED", "CANCELED"):
        if task.path is None or not Path(task.path).is_file():
            raise UsageError(
                f"the file of task {number} is no longer kept",
                state="Nothing was changed.",
                hints=[{"text": "Send it again", "argv": ["feedengine", "submit", str(task.filename)]}],
            )
        if task.outcome == "rejected_name":
            raise UsageError(f"the name {task.filename} stays wrong", state="Nothing was changed.")
        if task.status == "DONE":
            desk = Desk(store, settings)
            if task.entity is not None:
                return store.ledger.get(desk.repeat(task, actor=actor))
            made = desk.submit(Path(task.path), actor=actor, protocol=task.protocol)
            return store.ledger.get(made)
    return queue.again(number)
