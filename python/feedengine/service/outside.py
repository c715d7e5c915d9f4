"""What senders are told of an error: what is wrong with their file, but nothing of our folders."""

from __future__ import annotations

from typing import Any

from feedengine.ledger import Task

#: Outcomes that are no fault of the file; their messages may name our folders.
OURS = ("failed", "interrupted", "quarantined")
_TOLD = ("code", "message", "state", "expected", "did_you_mean")


def error_for_sender(task: Task) -> dict[str, Any]:
    """The task's error as its sender may see it; empty where there is none."""
    error = task.error or {}
    if not error.get("message"):
        return {}
    if task.outcome in OURS:
        message = "the service could not work on it; it is our fault, not the file's"
        return {"code": error.get("code"), "message": message}
    return {name: error[name] for name in _TOLD if error.get(name)}
