"""Tasks as text: the list, one task, its problems."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from feedengine.cli.render import refusal, report, text

Task = Mapping[str, Any]


def listing(tasks: Sequence[Task], total: int) -> list[str]:
    """One line a task, newest first; says how many there are beyond those shown."""
    if not tasks:
        return ["no tasks"]
    rows = [("task", "submitted", "status", "outcome", "operation", "catalog", "file")]
    for task in tasks:
        rows.append(
            (
                str(task["id"]),
                text.moment(task.get("submission_time")),
                _status(task),
                _outcome(task),
                ("force" if task.get("force") else "") + str(task.get("operation") or ""),
                catalog(task),
                text.cut(task.get("filename") or "", 60),
            )
        )
    lines = text.table(rows, right=(0,))
    if total > len(tasks):
        lines.append(f"{text.number(len(tasks))} of {text.number(total)}; --limit and --offset show others")
    return lines


def _status(task: Task) -> str:
    """With the position of a task that waits in its key's line."""
    return f"{task['status']} {task['position']}" if task.get("position") else str(task["status"])


def _outcome(task: Task) -> str:
    outcome = str(task.get("outcome") or "")
    if task.get("decision"):
        return f"{outcome}, {task['decision']}"
    return f"{outcome}, waits" if task.get("waiting") else outcome


def catalog(task: Task) -> str:
    """The task's catalog as `key/section`; empty where the name could not be read."""
    return f"{task['key']}/{task['section']}" if task.get("key") else ""


def details(task: Task) -> list[str]:
    """One task with its report."""
    rows = [
        ("task", str(task["id"])),
        ("status", f"{task['status']}, {_outcome(task)}".rstrip(", ")),
        ("file", text.clean(task.get("filename") or "")),
        ("catalog", catalog(task)),
        ("operation", ("force" if task.get("force") else "") + str(task.get("operation") or "")),
        ("by", text.clean(task.get("actor") or "")),
        ("reason", text.clean(task.get("reason") or "")),
        ("submitted", moment(task.get("submission_time"))),
        ("started", moment(task.get("start_time"))),
        ("ended", moment(task.get("last_update"))),
        ("base", _snapshot(task.get("base_snapshot"))),
        ("made", _snapshot(task.get("new_snapshot"))),
        ("decision", _decision(task)),
    ]
    lines = text.table([row for row in rows if row[1]])
    error = task.get("error") or {}
    if error.get("message"):
        lines += ["", *text.paragraph("ERROR", f"{text.clean(error['message'])} [{error.get('code')}]")]
    found = task.get("report") or {}
    if found:
        lines += report.summary(found)
        if found.get("verdict") == "refused":
            lines += refusal.refusal(found)
        lines += report.problems(found)
    return lines


def _decision(task: Task) -> str:
    if not task.get("decision"):
        return ""
    why = f": {text.clean(task['decided_reason'])}" if task.get("decided_reason") else ""
    return f"{task['decision']} by {text.clean(task.get('decided_by') or '')}, {moment(task.get('decided_time'))}{why}"


def moment(value: Any) -> str:
    """A time to the second, in UTC."""
    return str(value)[:19].replace("T", " ") + " UTC" if value else ""


def _snapshot(number: Any) -> str:
    return f"snapshot {number}" if number else ""


def problems(found: Iterable[Mapping[str, Any]]) -> list[str]:
    """Problems, one a line, with their place."""
    lines = []
    for problem in found:
        where = text.cut(problem.get("member") or problem.get("file") or "", 40)
        place = f"{where}:{problem['line']}" if problem.get("line") else where
        value = f'="{text.cut(problem["value"], 40)}"' if problem.get("value") is not None else ""
        column = f" {text.cut(problem['column'], 40)}{value}" if problem.get("column") else ""
        key = f" {text.cut(problem['key'], 40)}" if problem.get("key") else ""
        lines.append(f"{place}: {problem['code']}{key}{column}: {text.clean(problem['message'])}")
    return lines
