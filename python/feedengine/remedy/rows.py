"""The rows of a feed as texts by field, read once more: to say which record a faulty row means, and to keep it.

The engine decides what a row is worth; this only reads what it said. Text is read here; what only the engine can read
(workbooks, XML, columns of fixed width, another compression) it reads itself.
"""

from __future__ import annotations

import csv
import gzip
import io
import json
import tarfile
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

_GZIP = b"\x1f\x8b"
_LARGEST_JSON = 64 << 20
_LONGEST_CELL = 32 << 20
#: What only the engine reads.
_FOREIGN = (".zst", ".xlsx", ".parquet", ".xml")
_DELIMITERS = (",", ";", "\t", "|")


@dataclass(frozen=True)
class Row:
    """One row. `record` counts from 1 within member and entity; `values` are by field, or as its column is called."""

    member: str
    entity: str
    record: int
    values: Mapping[str, str]


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


#: The engine's own reading: gives member, entity, record and texts by column.
Foreign = Callable[[Path], Iterable[tuple[str, str, int, Mapping[str, str]]]]


def read(
    feed: Path,
    entities: Sequence[Mapping[str, Any]],
    uploaded: Sequence[str],
    form: Mapping[str, Any] | None = None,
    foreign: Foreign | None = None,
) -> Iterator[Row]:
    """Rows in the order of the file. `uploaded` are the entities that the engine found in it, `form` its format.

    Raises OSError, ValueError and FeedRejected where the file cannot be read on.
    """
    form = form or {}
    if set(form) & {"xml", "fixed", "sheet"} or feed.name.lower().endswith(_FOREIGN):
        known = {str(spec["name"]): Columns(spec) for spec in entities}
        for member, name, record, values in foreign(feed) if foreign else ():
            yield Row(member, name, record, {known[name].field(column): text for column, text in values.items()})
        return
    columns = {str(spec["name"]): Columns(spec) for spec in entities}
    csv.field_size_limit(_LONGEST_CELL)
    try:
        for member, stream, archived in _members(feed):
            entity = _stem(member) if archived else uploaded[0] if len(uploaded) == 1 else None
            kind = kind_of(member)
            encoding = str(form.get("encoding") or "utf-8").replace("utf-8", "utf-8-sig")
            plain = io.BufferedReader(_Forward(stream))
            text = io.TextIOWrapper(plain, encoding=encoding, errors="replace", newline="")
            if kind == "json":
                yield from _document(member, text.read(_LARGEST_JSON + 1), columns, entity)
            elif kind == "jsonl":
                yield from _lines(member, text, columns, entity)
            elif entity in columns:
                yield from _table(member, text, columns[str(entity)], form.get("delimiter"))
    except (tarfile.TarError, EOFError, csv.Error, zlib.error) as error:
        raise ValueError(f"{feed.name}: {error}") from error


def kind_of(name: str) -> str:
    """csv, json or jsonl, by a file's name."""
    low = name.lower().removesuffix(".gz")
    return next((kind for kind in ("jsonl", "json") if low.endswith("." + kind)), "csv")


def _stem(member: str) -> str:
    return member.rpartition("/")[2].partition(".")[0]


class _Forward(io.RawIOBase):
    """A stream that is read once, from its beginning to its end; a member of an archive can't be asked for more."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        data = self._stream.read(len(buffer))
        buffer[: len(data)] = data
        return len(data)


def _members(feed: Path) -> Iterator[tuple[str, Any, bool]]:
    """Name, content and whether it lies in an archive."""
    with feed.open("rb") as raw:
        packed = raw.read(2) == _GZIP
    low = feed.name.lower()
    if low.endswith((".tar", ".tar.gz", ".tgz")):
        with tarfile.open(feed, "r|*") as archive:
            for member in archive:
                stream = archive.extractfile(member)
                if stream is not None:
                    yield member.name.removeprefix("./"), stream, True
    else:
        with gzip.open(feed, "rb") if packed else feed.open("rb") as opened:
            yield feed.name, opened, False


def _table(member: str, text: IO[str], columns: Columns, delimiter: str | None) -> Iterator[Row]:
    first = text.readline()
    while first and _open_quote(first) and len(first) < _LONGEST_CELL:
        more = text.readline()
        if not more:
            break
        first += more
    delimiter = delimiter or delimiter_of(first, columns)
    fields = [columns.field(name) for name in _cells(first, delimiter)]
    number = 0
    for cells in csv.reader(text, delimiter=delimiter):
        if not cells:
            continue
        number += 1
        yield Row(member, columns.entity, number, dict(zip(fields, cells, strict=False)))


def delimiter_of(header: str, columns: Columns) -> str:
    """What separates the names in a header: where most of them are declared."""
    return max(_DELIMITERS, key=lambda each: columns.known(_cells(header, each)))


def _open_quote(line: str) -> bool:
    return line.count('"') % 2 == 1


def _cells(line: str, delimiter: str) -> list[str]:
    return next(csv.reader(io.StringIO(line, newline=""), delimiter=delimiter), [])


def _document(member: str, text: str, columns: Mapping[str, Columns], entity: str | None) -> Iterator[Row]:
    if len(text) > _LARGEST_JSON:
        return
    found = json.loads(text)
    lists = {entity: found} if isinstance(found, list) else found if isinstance(found, dict) else {}
    for name, records in lists.items():
        if name in columns and isinstance(records, list):
            for number, record in enumerate(records, 1):
                yield Row(member, str(name), number, flat(record, columns[str(name)]))


def _lines(member: str, text: IO[str], columns: Mapping[str, Columns], entity: str | None) -> Iterator[Row]:
    if entity not in columns:
        return
    number = 0
    for line in text:
        if line.strip():
            number += 1
            try:
                record = json.loads(line)
            except ValueError:
                record = {}
            yield Row(member, str(entity), number, flat(record, columns[str(entity)]))


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
