"""Deliveries as text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from feedengine.cli.render.text import clean, counted, cut, entity_words, moment, paragraph, size, table


def listing(deliveries: Sequence[Mapping[str, Any]], counts: Mapping[str, int]) -> list[str]:
    """A table of deliveries, and what there is in all."""
    if not deliveries:
        return ["no deliveries"]
    rows: list[Sequence[str]] = [("", "status", "target", "file", "bytes", "tries", "last")]
    rows += [
        (
            str(each["id"]),
            each["status"].lower(),
            cut(each["target"], 24),
            cut(each["name"], 60),
            size(each["bytes"]),
            str(each["attempts"]),
            moment(each["sent"] or each["not_before"]),
        )
        for each in deliveries
    ]
    total = ", ".join(f"{count:,} {status.lower()}" for status, count in counts.items() if count)
    lines = [*table(rows, right=[0, 4, 5]), "", total]
    for each in deliveries:
        if each["error"] and each["status"] in ("WAITING", "DEAD"):
            lines += paragraph(f"{each['id']}", clean(each["error"]))
    return lines


def details(delivery: Mapping[str, Any]) -> list[str]:
    """One delivery."""
    rows = [
        ("delivery", str(delivery["id"])),
        ("status", delivery["status"].lower()),
        ("target", delivery["target"]),
        ("file", delivery["path"]),
        ("size", size(delivery["bytes"])),
        ("sha256", delivery["sha256"]),
        ("attempts", str(delivery["attempts"])),
        ("created", moment(delivery["created"])),
    ]
    if delivery["sent"]:
        rows += [("sent", moment(delivery["sent"])), ("verified", str(delivery["verified"]))]
    elif delivery["status"] == "WAITING":
        rows.append(("next try", moment(delivery["not_before"])))
    if delivery["publication"]:
        rows.append(("publication", str(delivery["publication"])))
    rows += [(name, str(value)) for name, value in delivery["about"].items()]
    lines = table(rows)
    if delivery["error"]:
        lines += ["", *paragraph("Last", clean(delivery["error"]))]
    return lines


def sent(delivery: Mapping[str, Any]) -> list[str]:
    """What became of a delivery that was waited for."""
    tries = counted(delivery["attempts"], "attempt")
    where = f"{delivery['name']} to {delivery['target']}"
    if delivery["status"] == "SENT":
        how = {"hash": "its hash is right there", "size": "its size is right there", "taken": "it was taken there"}
        return [
            f"Sent      {where}: {size(delivery['bytes'])}, {tries}, {how.get(delivery['verified'], 'not verified')}"
        ]
    return [f"Not sent  {where}: {delivery['status'].lower()} after {tries}"]


def answer(report: Mapping[str, Any]) -> list[str]:
    """What the receiver says of a feed."""
    outcome = str(report.get("outcome") or "").replace("_", " ")
    lines = paragraph("There", f"task {report.get('task_id')}: {report.get('status')}, {outcome}")
    for entity, counts in (report.get("entities") or {}).items():
        said = ", ".join(
            f"{counts[name]:,} {name}"
            for name in ("added", "changed", "removed", "unchanged", "rejected")
            if isinstance(counts.get(name), int) and (counts[name] or name == "unchanged")
        )
        lines += paragraph("", f"{entity_words(entity)}: {said}")
    error = report.get("error") or {}
    if error.get("message"):
        lines += paragraph("ERROR", clean(error["message"]))
    return lines
