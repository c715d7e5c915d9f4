"""Where in a sender's home the engine puts things: folders by what became of a file, reports by task."""

from __future__ import annotations

from pathlib import Path

from feedengine.ledger import Task


def topic(task: Task) -> str | None:
    """The folder that a file came in, below `/in` or not, for instance that of one entity; None for `/` and `/in`."""
    parts = [part for part in (task.virtual or "").split("/") if part]
    within = parts[1:] if parts[:1] == ["in"] else parts
    return within[0] if len(within) > 1 else None


def reports(task: Task) -> str:
    """The folder of a task's reports, as its sender sees it."""
    return f"/reports/{topic(task) or 'feeds'}/{task.id}"


def answer(task: Task) -> str:
    """The newest report of a file of this name, where a sender finds it without knowing the task's number."""
    return f"/reports/{topic(task) or 'feeds'}/{task.filename}.json"


def inside(task: Task, virtual: str) -> Path:
    """The path of ours for one of a task's home."""
    return Path(str(task.home)) / virtual.lstrip("/")


def destination(task: Task) -> str:
    """Where a file goes when its task has ended, as its sender sees it."""
    within = f"/{topic(task)}" if topic(task) else ""
    name = f"{task.id}__{task.filename}"
    applied = task.decision == "approved" or (task.status == "DONE" and task.decision is None)
    if not applied:
        return f"/failed{within}/{name}"
    folder = "processed_with_errors" if task.outcome == "ok_with_errors" else "processed"
    day = (task.last_update or task.submission_time)[:10].replace("-", "/")
    return f"/{folder}{within}/{day}/{name}"
