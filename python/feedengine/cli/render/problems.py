"""Problems with a life as text: the list by owner, and one of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from feedengine.cli.render import text
from feedengine.cli.render.task import moment

Problem = Mapping[str, Any]


def listing(found: Sequence[Problem], total: int) -> list[str]:
    """A table for each owner; says how many there are beyond those shown."""
    if not found:
        return ["no problems"]
    lines: list[str] = []
    owners = list(dict.fromkeys(each["owner"] for each in found))
    for owner in owners:
        if len(owners) > 1 or owner:
            lines += [*([""] if lines else []), text.cut(owner, 60) if owner else "without an owner"]
        rows = [("problem", "state", "days", "code", "entity", "record", "column", "task")]
        for each in found:
            if each["owner"] == owner:
                rows.append(
                    (
                        *(str(each["id"]), each["state"], str(each["age"]), each["code"], each["entity"]),
                        *(text.cut(record(each), 40), text.cut(each["column"], 30), str(each["last_task"])),
                    )
                )
        lines += text.table(rows, right=(0, 2, 7))
    if total > len(found):
        lines.append(f"{text.number(len(found))} of {text.number(total)}; --limit shows more")
    return lines


def record(problem: Problem) -> str:
    """The record as its rows name it."""
    names = [field for field, _ in problem["identity"]]
    if "file" in names:
        return "the whole file"
    if set(names) <= {"row", "record"}:
        return f"{problem['file']} row {problem['record_number']}"
    return _named(problem["identity"])


def _named(identity: Sequence[Sequence[str]]) -> str:
    return " ".join(f"{field}={value}" for field, value in identity)


def details(problem: Problem) -> list[str]:
    """One problem with its life."""
    times = f"{problem['times']} times" if problem["times"] > 1 else ""
    place = f"{problem['file'] or ''}:{problem['line']}" if problem["line"] else problem["file"] or ""
    closed = f"{moment(problem['closed'])}" if problem["closed"] else ""
    by = f" by task {problem['closed_task']}" if problem["closed_task"] else ""
    who = f" by {problem['decided_by']}: {problem['decided_reason']}" if problem["decided_by"] else ""
    rows = [
        ("problem", f"{problem['id']}, {problem['state']}"),
        ("what", f"{problem['code']}: {problem['message'] or ''}"),
        ("catalog", f"{problem['key']}/{problem['section']}"),
        ("entity", problem["entity"]),
        ("record", record(problem)),
        ("column", problem["column"]),
        ("value", problem["value"]),
        ("owner", problem["owner"]),
        ("might be", ", ".join(problem["related"])),
        ("first seen", f"{moment(problem['first_seen'])} in task {problem['first_task']}"),
        ("opened", f"{moment(problem['opened'])}, {text.counted(problem['age'], 'day')}"),
        ("last seen", ", ".join(each for each in (f"task {problem['last_task']}", place, times) if each)),
        ("closed", f"{closed}{by}{who}"),
        ("to do", problem["hint"]),
    ]
    return text.table([(name, text.clean(str(value))) for name, value in rows if value])


def parked(rows: Sequence[Mapping[str, Any]], total: int) -> list[str]:
    """Rows that wait, one a line; says how many there are beyond those shown."""
    if not rows:
        return ["no rows"]
    lines = [("row", "state", "entity", "record", "waits for", "since", "until", "task")]
    for each in rows:
        waits = f"{each['waits_entity']} {each['waits_field']}={each['waits_value']}"
        lines.append(
            (
                *(str(each["id"]), each["state"], each["entity"], text.cut(_named(each["identity"]), 40)),
                *(text.cut(waits, 40), text.moment(each["since"]), text.moment(each["until"]), str(each["task"])),
            )
        )
    shown = text.table(lines, right=(0, 7))
    if total > len(rows):
        shown.append(f"{text.number(len(rows))} of {text.number(total)}; --limit shows more")
    return shown
