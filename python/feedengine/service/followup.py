"""After a task: reports into the sender's home, people told, the file into its folder; each step may be done twice."""

from __future__ import annotations

import os
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

from feedengine.faults import point
from feedengine.ledger import Queue, Task
from feedengine.ledger.database import now
from feedengine.remedy import rejects
from feedengine.service import homes, reports
from feedengine.service.files import put
from feedengine.service.part import Log
from feedengine.service.telling import tell_task
from feedengine.settings import Settings
from feedengine.store import Store


def follow(store: Store, settings: Settings, task: Task, log: Log) -> bool:
    """Do what is due for an ended task; False where something is left, which the keeper does when it is time.

    A file stays where its sender put it while its task waits for a person, and for `queue.visible_min` seconds.
    """
    queue = Queue(store.ledger)
    try:
        if task.reported is None or (task.decision and not task.waiting):
            reports.write(store, settings, task)
            point("serve.reported")
        if task.reported is None:
            tell_task(store, settings, task.id)
            queue.mark(task.id, reported=now())
            point("serve.told")
        if task.waiting or not _due(task, float(settings.get("queue.visible_min"))):
            return False
        place = _move(task)
        point("serve.moved")
        queue.mark(task.id, followed=now(), **({"visible": str(place)} if place else {}))
        rejects.forget(store, task.id)
    except OSError as error:
        log("followup.failed", level="error", task=task.id, error=str(error))
        return False
    log("task.followed", task=task.id, moved=homes.destination(task) if place else None)
    return True


def _due(task: Task, seconds: float) -> bool:
    landed = datetime.strptime(task.submission_time, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
    return task.visible is None or datetime.now(UTC) - landed >= timedelta(seconds=seconds)


def _move(task: Task) -> Path | None:
    """Put the visible file where it belongs; gives its place, None where there is none any more."""
    if task.home is None or task.visible is None:
        return None
    source, target = Path(task.visible), homes.inside(task, homes.destination(task))
    target.parent.mkdir(mode=0o750, parents=True, exist_ok=True)
    if target.parent.parts[len(Path(task.home).parts)] == "failed":
        put(target.with_name(target.name + ".error.txt"), reports.sentence(task).encode())
    elif source.name == target.name:
        # It failed before, and was tried again.
        source.with_name(source.name + ".error.txt").unlink(missing_ok=True)
    with suppress(FileNotFoundError):
        facts = source.lstat()
        # Its sender may have taken it away, or put another one there.
        if (facts.st_ino, facts.st_size) == (task.inode, task.bytes) and source != target:
            os.rename(source, target)
    return target if target.exists() else None
