"""A record's life as text: its versions, oldest first, each with the fields that it set."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from feedengine.cli.render import text

_FIXED = ("snapshot", "created", "change", "file", "record", "operation", "task", "fields")


def life(record: str, entity: str, events: Sequence[Mapping[str, Any]]) -> list[str]:
    """One block an event: when, by which file and record number, and what it set."""
    lines = [f"{text.entity_words(entity)}: {text.clean(record)}"]
    for event in events:
        place = [text.clean(event.get("file") or "")]
        if event.get("record"):
            place.append(f"record {text.number(int(event['record']))}")
        head = f"snapshot {event.get('snapshot')}  {text.moment(event.get('created'))}  {event.get('change') or ''}"
        lines += ["", "  ".join([head, *[part for part in place if part]])]
        fields = event.get("fields") or {}
        lines += [f"    {text.cut(name, 40)}: {_value(value)}" for name, value in fields.items()]
        extra = {name: value for name, value in event.items() if name not in _FIXED and value is not None}
        lines += [f"    ({name} {text.cut(value)})" for name, value in extra.items()]
    return lines


def _value(value: Any) -> str:
    if isinstance(value, Mapping) and {"before", "after"} & set(value):
        return f"{cell(value.get('before'))} → {cell(value.get('after'))}"
    return cell(value)


def cell(value: Any) -> str:
    """A stored value as people read it; an absent one is a dash, so that it differs from an empty one."""
    if value is None:
        return "—"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list | tuple):
        return text.cut("|".join(str(each) for each in value) or "[]")
    return text.cut(value) if value != "" else '""'
