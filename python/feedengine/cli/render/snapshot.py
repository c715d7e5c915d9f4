"""Snapshots as text: the list, one snapshot, a check."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from feedengine.cli.render import text

Snapshot = Mapping[str, Any]


def listing(snapshots: Sequence[Snapshot]) -> list[str]:
    """One line a snapshot, newest first."""
    if not snapshots:
        return ["no snapshots"]
    # Of other profiles' entities none is the one that counts: all that a snapshot wrote are summed up.
    items = any("items" in each["entities"] for each in snapshots)
    held = "items" if items else "records"
    rows: list[tuple[str, ...]] = [
        ("", "snapshot", "made", "section", "operation", held, "added", "changed", "removed", "file")
    ]
    for each in snapshots:
        rows.append(
            (
                "*" if each.get("current") else "",
                str(each["snapshot"]),
                text.moment(each["created"]),
                text.cut(each["section"], 20),
                ("force" if each.get("force") else "") + str(each["operation"]),
                text.number(_held(each, "items" if items else None)),
                *(
                    text.signed(sign, _sum(each, name))
                    for sign, name in (("+", "added"), ("~", "changed"), ("−", "removed"))
                ),
                text.cut(each.get("file") or "", 50) + _marks(each),
            )
        )
    return text.table(rows, right=(1, 5, 6, 7, 8))


def _held(snapshot: Snapshot, entity: str | None) -> int:
    states = snapshot["entities"]
    wanted = [entity] if entity else list(states)
    return sum(int((states.get(each) or {}).get("records") or 0) for each in wanted)


def _marks(snapshot: Snapshot) -> str:
    marks = [word for word in ("pinned", "pruned") if snapshot.get(word)]
    return f" ({', '.join(marks)})" if marks else ""


def _sum(snapshot: Snapshot, name: str) -> int:
    return sum(
        int(each.get(name) or 0) for each in (snapshot.get("counts") or {}).values() if isinstance(each, Mapping)
    )


def details(snapshot: Snapshot) -> list[str]:
    """One snapshot."""
    rows = [
        ("snapshot", f"{snapshot['snapshot']}{', current' if snapshot.get('current') else ''}{_marks(snapshot)}"),
        ("made", text.moment(snapshot["created"]) + " UTC"),
        ("section", text.clean(snapshot["section"])),
        ("operation", ("force" if snapshot.get("force") else "") + str(snapshot["operation"])),
        ("file", text.clean(snapshot.get("file") or "")),
        ("fingerprint", str(snapshot.get("fingerprint") or "")),
        ("task", str(snapshot.get("task") or "")),
        ("by", text.clean(snapshot.get("actor") or "")),
        ("reason", text.clean(snapshot.get("reason") or "")),
    ]
    lines = [*text.table([row for row in rows if row[1]]), ""]
    counts = [("", "records", "active", "added", "changed", "removed", "digest")]
    for name, state in snapshot["entities"].items():
        fates = (snapshot.get("counts") or {}).get(name) or {}
        counts.append(
            (
                text.entity_words(name),
                text.number(int(state["records"])),
                text.number(int(state["active"])),
                text.signed("+", int(fates.get("added") or 0)),
                text.signed("~", int(fates.get("changed") or 0)),
                text.signed("−", int(fates.get("removed") or 0)),
                str(state.get("digest") or "")[:16],
            )
        )
    return lines + text.table(counts, right=(1, 2, 3, 4, 5))


def rows(found: Sequence[Mapping[str, Any]]) -> list[str]:
    """Any few rows as a table."""
    if not found:
        return ["no rows"]
    head = list(found[0])
    body = [["" if row[name] is None else text.cut(row[name], 40) for name in head] for row in found]
    return text.table([head, *body])
