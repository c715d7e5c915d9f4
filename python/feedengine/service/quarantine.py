"""Files that kill their worker are put aside, so that the queue goes on."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from feedengine.ledger import Task
from feedengine.store import Store

#: Deaths of its own worker that a file may cause, and beginnings that may end with the whole service's.
_CRASHES = 2
_BEGINNINGS = 8


def poisonous(task: Task) -> bool:
    """Whether a claimed task was the death of enough workers."""
    return task.crashes >= _CRASHES or task.attempts - task.retries > _BEGINNINGS


def quarantine(store: Store, task: Task) -> None:
    """End a claimed task as FAILED, quarantined; the file is kept aside."""
    folder = store.root / "quarantine" / str(task.id)
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    source = Path(str(task.path))
    kept = folder / source.name
    if source.exists() and not kept.exists():
        try:
            os.link(source, kept)
        except OSError:
            shutil.copyfile(source, kept)
    times = f"{task.crashes} times" if task.crashes >= _CRASHES else f"{task.attempts - 1} times with the service"
    message = f"the process that worked on this file died {times}; it is kept in {kept}"
    hints = [{"text": "Try it once more", "argv": ["feedengine", "task", "retry", str(task.id)]}]
    error = {"code": "QUARANTINED", "message": message, "hints": hints}
    store.ledger.fail(task.id, "quarantined", error=error)
