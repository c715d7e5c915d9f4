"""How records are named: by their identifiers; by the engine, of a row, from which ledger and people know it again."""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Mapping, Sequence
from typing import Any

Pair = tuple[str, str]


class Naming:
    """What names a record of one entity, in order of priority."""

    def __init__(self, spec: Mapping[str, Any]) -> None:
        given = spec.get("identity") or ()
        key = spec["fields"][0]["name"]
        strong = [key, *(each["field"] for each in given if not each.get("weak")), *(spec.get("unique") or ())]
        self.strong: tuple[str, ...] = tuple(dict.fromkeys(strong))
        self.weak: tuple[str, ...] = tuple(each["field"] for each in given if each.get("weak"))


def loose(spec: Mapping[str, Any], field: str) -> bool:
    """Whether values of a field that are stored in different ways may mean the same: paths, and names that are weak."""
    path = spec.get("path")
    return field in Naming(spec).weak or bool(path and path["field"] == field)


def fold(name: str) -> str:
    """A name without regard to case, white space and punctuation."""
    plain = unicodedata.normalize("NFKC", name).casefold()
    return "".join(char for char in plain if char.isalnum())


def text(pairs: Sequence[Sequence[str]]) -> str:
    """An identity as the ledger keeps it."""
    return json.dumps([list(pair) for pair in pairs], ensure_ascii=False)
