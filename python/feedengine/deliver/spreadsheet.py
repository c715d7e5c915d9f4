"""CSV for people: cells that a spreadsheet would run as a formula are made harmless."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, TextIO

from feedengine.errors import from_os_error

_DANGEROUS = ("=", "+", "-", "@", "\t", "\r")


def safe(value: Any) -> str:
    """A cell; text that begins a formula gets a leading apostrophe, numbers stay numbers."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return str(value)
    text = "|".join(str(each) for each in value) if isinstance(value, list | tuple) else str(value)
    return "'" + text if text.startswith(_DANGEROUS) else text


def write_rows(stream: TextIO, columns: Sequence[str], rows: Iterable[Mapping[str, Any]]) -> int:
    """Header and rows; gives the number of rows."""
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow([safe(column) for column in columns])
    count = 0
    for row in rows:
        writer.writerow([safe(row.get(column)) for column in columns])
        count += 1
    return count


def write_file(path: Path, columns: Sequence[str], rows: Iterable[Mapping[str, Any]]) -> int:
    """The same into a file, which appears only when it is whole."""
    part = path.with_name(path.name + ".part")
    try:
        with part.open("w", encoding="utf-8", newline="") as stream:
            count = write_rows(stream, columns, rows)
        part.replace(path)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise from_os_error(error, f"write {path}") from error
    return count
