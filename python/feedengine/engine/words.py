"""Texts of feeds and records as the engine compares and rewrites them, for whoever writes feeds of its own."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from feedengine import _engine


def keyed(element: str, entity: Mapping[str, Any], key: str) -> str | None:
    """A line of JSON as the record of that key, whatever key it had; all else as it was sent.

    None where the entity's key is no member of its records.
    """
    found: str | None = _engine.keyed(element, json.dumps(entity), key)
    return found


def compared(values: Sequence[str], entity: Mapping[str, Any], field: str) -> list[str | None]:
    """What values are compared by where they stand for records of an entity by one of its fields.

    Equal for those that mean the same; None for one that means nothing there, such as a path with an empty step.
    """
    found: list[str | None] = _engine.compared(list(values), json.dumps(entity), field)
    return found


def moved(paths: Sequence[str], old: str, new: str, rule: Mapping[str, Any]) -> list[str | None]:
    """Each path once the record at `old` is at `new`, what lies below being written as before; `rule` is the entity's.

    None for one that does not lead through `old`.
    """
    found: list[str | None] = _engine.moved(list(paths), old, new, json.dumps(rule))
    return found
