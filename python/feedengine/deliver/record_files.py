"""A record of a catalog as the files that an export wants: CSV by the columns' names that its partner knows."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from typing import Any


def csv_text(headings: Sequence[str], columns: Sequence[str], rows: Iterable[Mapping[str, Any]]) -> bytes:
    """UTF-8 with a header, as a feed with the same values is read: lists joined by `|`, flags as true and false."""
    stream = io.StringIO(newline="")
    writer = csv.writer(stream, lineterminator="\r\n")
    writer.writerow(headings)
    for row in rows:
        writer.writerow([cell(row.get(column)) for column in columns])
    return stream.getvalue().encode("utf-8")


def cell(value: Any) -> str:
    """A stored value as a feed has it; what is absent is empty."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return "|".join(map(str, value))
    return str(value)


def fits(row: Mapping[str, Any], when: Iterable[tuple[str, Sequence[str]]]) -> bool:
    """Whether each field of the record has one of its values; of no values any will do."""
    for field, words in when:
        value = cell(row.get(field))
        if value not in words if words else not value:
            return False
    return True
