"""After a task: reports into the sender's home, the file into its folder, people told; each step may be done twice."""

from __future__ import annotations

from feedengine.ledger import Queue, Task
from feedengine.ledger.database import now
from feedengine.service.part import Log
from feedengine.settings import Settings
from feedengine.store import Store


def follow(store: Store, settings: Settings, task: Task, log: Log) -> None:
    """Do what is due for an ended task; what is not done now is done by the keeper."""
    queue = Queue(store.ledger)
    queue.mark(task.id, followed=now())
