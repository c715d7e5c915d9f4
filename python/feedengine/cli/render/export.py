"""Exports as text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from feedengine.cli.render.text import clean, cut, moment, table

if TYPE_CHECKING:
    from feedengine.ledger.exports import Progress


def listing(progress: Sequence[Progress], records: Sequence[Mapping[str, Any]]) -> list[str]:
    """How far each export is, and the records that were sent last."""
    if not progress:
        return ["no exports are set"]
    rows: list[Sequence[str]] = [("export", "snapshot", "records", "waiting", "incomplete", "dead", "oldest")]
    rows += [
        (
            each.name, str(each.snapshot or "-"), f"{each.records:,}", f"{each.waiting:,}", f"{each.awaited:,}",
            f"{each.dead:,}", moment(each.oldest) if each.oldest else "-",
        )
        for each in progress
    ]  # fmt: skip
    lines = table(rows, right=[1, 2, 3, 4, 5])
    if records:
        shown: list[Sequence[str]] = [("export", "record", "status", "delivery", "at")]
        shown += [
            (each["export"], cut(clean(each["record"]), 40), each["status"].lower(), str(each["delivery"]),
             moment(each["at"]))
            for each in records
        ]  # fmt: skip
        lines += ["", *table(shown, right=[3])]
    return lines


def details(records: Sequence[Mapping[str, Any]]) -> list[str]:
    """Where a record was sent."""
    lines: list[str] = []
    for each in records:
        sent = each["sent"]
        rows = [("export", each["export"]), ("record", each["record"]), ("snapshot", str(each["snapshot"]))]
        if sent is None:
            skipped = "skipped: it was there before the export"
            rows.append(("status", f"sent {moment(each['at'])}" if each["delivery"] else skipped))
        else:
            rows += [("status", sent["status"].lower()), ("target", sent["target"]), ("folder", sent["path"])]
            rows += [("delivery", str(sent["id"])), ("put out", moment(each["at"]))]
            rows += [("arrived", f"{moment(sent['sent'])} ({sent['verified']})")] if sent["sent"] else []
            rows += [("last error", clean(sent["error"]))] if sent["error"] else []
        rows += [("replayed", str(each["replays"]))] if each["replays"] else []
        lines += [*([""] if lines else []), *table(rows)]
    return lines
