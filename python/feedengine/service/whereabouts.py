"""Where a file is and what became of it, in one line: by its name as its sender gave it, or as it was moved."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from feedengine.ledger import Queue, Task
from feedengine.ledger.database import now
from feedengine.ledger.figures import Figures
from feedengine.service import letters
from feedengine.store import Store

# A file that was moved has its task's number in front.
_MOVED = re.compile(r"(\d{1,10})__(.+)", re.DOTALL)


@dataclass(frozen=True)
class Whereabouts:
    """What is known of a file. `state` is landed, queued, running, applied, unchanged, held, rejected or canceled.

    `position` is its turn among those of its key (1 = next), `place` the folder and name as its sender sees it now.
    """

    name: str
    state: str
    said: str
    task: int | None
    position: int | None
    account: str | None
    place: str | None

    def as_dict(self) -> dict[str, Any]:
        """For JSON output."""
        return {**vars(self)}

    @property
    def line(self) -> str:
        """All of it in one line."""
        whose = f" of {self.account}" if self.account else ""
        now = f"; now {self.place}{whose}" if self.place else ""
        number = f" (task {self.task})" if self.task is not None else ""
        return f"{self.name}: {self.said}{number}{now}"


def find(store: Store, name: str, *, most: int = 20) -> list[Whereabouts]:
    """Every file of that name that ever came, the newest first; empty where none did."""
    name = os.path.basename(name)
    tasks = Figures(store.ledger).named(name, most)
    moved = _MOVED.fullmatch(name)
    if not tasks and moved:
        tasks = [task for task in Figures(store.ledger).named(moved[2], most) if task.id == int(moved[1])]
    positions = Queue(store.ledger).positions() if any(task.status == "QUEUED" for task in tasks) else {}
    return [_of(store, task, positions.get(task.id)) for task in tasks] or _landed(store, name)


def _of(store: Store, task: Task, position: int | None) -> Whereabouts:
    state, said = _state(task, position)
    place = _place(store, task)
    return Whereabouts(str(task.filename), state, said, task.id, position, task.account, place)


def _state(task: Task, position: int | None) -> tuple[str, str]:
    since = _moment(task.last_update or task.submission_time)
    message = (task.error or {}).get("message") or task.outcome or "failed"
    if task.status == "QUEUED" and task.due and task.due > now():
        return "queued", f"waits until {_moment(task.due)}, when {task.entity} of {task.key}/{task.section} are taken"
    if task.status == "QUEUED":
        again = f", to be tried again ({message})" if task.retries and task.error else ""
        return "queued", f"queued at position {position or 1} of {task.key}{again}"
    if task.status == "IN_PROGRESS":
        return "running", f"running since {_moment(task.start_time)}"
    if task.status == "CANCELED":
        return "canceled", f"canceled at {since}"
    if task.waiting:
        what = letters.stopped(task) if task.outcome == "refused" else "applied but for its removals"
        return "held", f"{what}, waits for approval since {since}"
    if task.status == "FAILED":
        decided = f"{task.decision} by {task.decided_by}: " if task.decision else ""
        return "rejected", f"rejected at {since}: {decided}{message}"
    if task.new_snapshot is None:
        outcome = (task.outcome or "done").replace("_", " ")
        return "unchanged", f"read at {since}, nothing to change ({outcome}){_left(task)}"
    return "applied", f"applied as snapshot {task.new_snapshot} at {since}{_left(task)}"


def _left(task: Task) -> str:
    """What of the file was not applied."""
    entities = ((task.report or {}).get("entities") or {}).values()
    rejected, parked = (sum(int(each.get(what) or 0) for each in entities) for what in ("rejected", "parked"))
    some = f", some rows rejected: {rejected:,}" if task.outcome == "ok_with_errors" else ""
    return some + (f", {parked:,} wait for other records" if parked else "")


def _place(store: Store, task: Task) -> str | None:
    """The path in its sender's home, if it is there."""
    if not task.visible or not task.home:
        return None
    path, home = Path(task.visible), Path(task.home)
    if not path.exists() or not path.is_relative_to(home):
        return None
    return "/" + str(path.relative_to(home))


def _landed(store: Store, name: str) -> list[Whereabouts]:
    """Files that no task knows: just arrived, or no feeds."""
    homes = store.root / "homes"
    found = []
    for folder, below, files in os.walk(homes):
        below[:] = sorted(each for each in below if not each.startswith("."))
        if name in files:
            path = Path(folder) / name
            home = path.relative_to(homes).parts[0]
            place = "/" + str(path.relative_to(homes / home))
            found.append(Whereabouts(name, "landed", "landed, no task yet", None, None, home, place))
    return found


def _moment(time: str | None) -> str:
    return str(time)[:19].replace("T", " ") + " UTC" if time else "an unknown time"
