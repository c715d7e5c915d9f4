"""What the columns and members of a file of rejected rows mean: for who shows only some of them."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping
from typing import Any

_DELIMITERS = (",", ";", "\t", "|")


class Columns:
    """What a file calls the fields of an entity."""

    def __init__(self, spec: Mapping[str, Any]) -> None:
        self.entity = str(spec["name"])
        self._loose = bool((spec.get("columns") or {}).get("loose"))
        self._fields: dict[str, str] = {}
        for field in spec["fields"]:
            for name in (field["name"], field["json"], *field["aliases"]):
                self._fields.setdefault(self._fold(name), field["name"])

    def field(self, column: str) -> str:
        """The field that a column means; one that is not declared keeps its name."""
        return self._fields.get(self._fold(column), column)

    def known(self, columns: Iterable[str]) -> int:
        """How many of the columns are declared."""
        return sum(self._fold(column) in self._fields for column in columns)

    def _fold(self, name: str) -> str:
        name = name.strip()
        return "".join(each for each in name.casefold() if each not in " _-") if self._loose else name


def kind_of(name: str) -> str:
    """csv, json or jsonl, by a file's name."""
    low = name.lower().removesuffix(".gz")
    return next((kind for kind in ("jsonl", "json") if low.endswith("." + kind)), "csv")


def delimiter_of(header: str, columns: Columns) -> str:
    """What separates the names in a header: where most of them are declared."""
    return max(_DELIMITERS, key=lambda each: columns.known(_cells(header, each)))


def _cells(line: str, delimiter: str) -> list[str]:
    return next(csv.reader(io.StringIO(line, newline=""), delimiter=delimiter), [])


def flat(record: Any, columns: Columns) -> dict[str, str]:
    """Members of a record and of its `data`, as texts by field."""
    found: dict[str, str] = {}
    if isinstance(record, dict):
        for name, value in (*record.items(), *_members_of(record.get("data"))):
            if isinstance(value, str | int | float | bool):
                found[columns.field(name)] = str(value).lower() if isinstance(value, bool) else str(value)
            elif isinstance(value, list) and all(isinstance(each, str) for each in value):
                found[columns.field(name)] = "|".join(value)
    return found


def _members_of(value: Any) -> Iterable[tuple[str, Any]]:
    return value.items() if isinstance(value, dict) else ()
