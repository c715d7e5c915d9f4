"""Sources and their schedules as text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from feedengine.cli.render.text import clean, cut, moment, paragraph, size, table

Facts = Mapping[str, Any]


def listing(found: Sequence[Facts]) -> list[str]:
    """A line per source."""
    if not found:
        return ["no sources; write [sources.NAME] into the settings file (docs/fetching.md)"]
    rows = [("source", "state", "schedule", "last file", "next look", "where")]
    rows += [
        (each["name"], each["state"], each["schedule"], moment(each["file"]), _next(each), cut(each["place"]))
        for each in found
    ]
    return table(rows)


def details(found: Facts) -> list[str]:
    """One source."""
    lines = [f"{found['name']}: {found['state']}", ""]
    pairs = [
        ("where", clean(found["place"])),
        ("pattern", clean(found["pattern"])),
        ("schedule", f"{found['schedule']} ({found['time_zone']})"),
        ("next look", _next(found)),
        ("last look", moment(found["ended"])),
        ("last good look", moment(found["good"])),
        ("last file", moment(found["file"])),
    ]
    lines += table(pairs, indent="  ")
    if found["paused"]:
        lines += ["", *paragraph("Paused", f"{moment(found['paused'])} by {found['paused_by']}: {found['paused_why']}")]
    elif found["error"]:
        lines += ["", *paragraph("Failed", f"{found['failures']} times in a row: {found['error']}")]
    for alarm in found["alarms"]:
        lines += ["", *paragraph("Alarm", f"{alarm['kind']}: {alarm['about'].get('message', '')}")]
    if found["files"]:
        rows = [("file", "bytes", "state", "task", "ended")]
        rows += [
            (
                cut(each["name"]),
                _size(each["bytes"]),
                each["state"],
                str(each["task"] or ""),
                moment(each["ended"]),
            )
            for each in found["files"]
        ]
        lines += ["", *table(rows, right=(1,))]
    return lines


def checked(found: Facts) -> list[str]:
    """What a listing showed."""
    new = sum(1 for each in found["files"] if each["state"] == "new")
    lines = [f"{found['name']}: connected to {clean(found['place'])}"]
    lines += [f"warning: {clean(each)}" for each in found["warnings"]]
    lines.append(f"{len(found['files']):,} files, {new:,} of them wanted and new; nothing was changed")
    if found["files"]:
        rows = [("file", "bytes", "modified", "state")]
        rows += [
            (cut(each["name"]), _size(each["bytes"]), moment(each["modified"]), each["state"])
            for each in found["files"][:100]
        ]
        lines += ["", *table(rows, right=(1,))]
        if len(found["files"]) > 100:
            lines.append(f"and {len(found['files']) - 100:,} more; --json lists them all")
    return lines


def ran(found: Facts) -> list[str]:
    """What a run did."""
    lines = [f"task {each['task']}: {clean(each['file'])}" for each in found["tasks"]]
    lines += [f"as before: {clean(each)}" for each in found["same"]]
    lines += [f"refused: {clean(each['file'])}: {clean(each['message'])}" for each in found["refused"]]
    lines += [f"not whole yet: {clean(each)}" for each in found["unsure"]]
    return lines or ["nothing new"]


def schedules(found: Sequence[Facts]) -> list[str]:
    """A line per schedule."""
    if not found:
        return ["no sources; write [sources.NAME] into the settings file (docs/fetching.md)"]
    rows = [("source", "schedule", "time zone", "next")]
    rows += [
        (each["name"], each["schedule"], each["time_zone"], each["idle"] or _local(each["next"][0]["local"]))
        for each in found
    ]
    return table(rows)


def upcoming(found: Sequence[Facts]) -> list[str]:
    """The next times of each."""
    lines: list[str] = []
    for each in found:
        lines += [f"{each['name']}: {each['schedule']} ({each['time_zone']}){_idle(each['idle'])}"]
        lines += [f"  {_local(when['local'])}   {when['utc']}" for when in each["next"]]
    return lines or schedules(found)


def _idle(word: str | None) -> str:
    return f", {word}" if word else ""


def _local(text: str) -> str:
    return text.replace("T", " ")


def _next(each: Facts) -> str:
    return "" if each["state"] in ("off", "paused") else moment(each["next_run"])


def _size(count: int | None) -> str:
    return "" if count is None else size(count)
