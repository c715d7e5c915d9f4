"""Rows to feed files in each format: the inverse of reading, for generated tests."""

from __future__ import annotations

import csv
import io
import json
import tarfile
from pathlib import Path
from typing import Any

from .rows import BLANK, NULL, SET, Cell, Row
from .spec import ENTITIES, Entity
from .state import Table
from .values import Raw, parse

_MARK = "\x00number\x00"


def dumps(value: object, **options: Any) -> str:
    """JSON text in which :class:`Raw` numbers stand as they are."""

    def mark(one: object) -> object:
        if isinstance(one, Raw):
            return f"{_MARK}{one}{_MARK}"
        if isinstance(one, dict):
            return {name: mark(member) for name, member in one.items()}
        if isinstance(one, list | tuple):
            return [mark(member) for member in one]
        return one

    escaped = json.dumps(_MARK)[1:-1]
    return json.dumps(mark(value), **options).replace(f'"{escaped}', "").replace(f'{escaped}"', "")


def rows_of(table: Table) -> list[Row]:
    """A stored table as the rows that a full feed of it has."""
    return [
        Row(number, {name: Cell(SET, value.kind, value.plain) for name, value in record.items()})
        for number, record in enumerate(table.values(), 1)
    ]


def plain(cell: Cell) -> object:
    """A cell as parsed JSON."""
    if cell.state != SET:
        return None
    if cell.kind == "json":
        return parse(cell.plain)
    if cell.kind == "integer":
        return Raw(str(cell.plain))
    return list(cell.plain) if cell.kind == "list" else cell.plain


def nested(entity: Entity, row: Row) -> dict[str, object]:
    """A row as an element of the published JSON; blank cells are left out."""
    record: dict[str, object] = {}
    data: dict[str, object] = {}
    facets: dict[str, object] = {}

    def place(name: str) -> tuple[dict[str, object], str]:
        declared = entity.by_name.get(name)
        if declared is not None:
            return (record if declared.place == "top" else data), declared.json
        prefix, rest = name.split(":", 1)
        return (facets if prefix == "facet" else data), rest

    for name, cell in row.cells.items():
        if cell.state != BLANK:
            into, member = place(name)
            into[member] = plain(cell)
    for suffix, lists in (("add", row.add), ("remove", row.remove)):
        for name, items in lists.items():
            into, member = place(name)
            into[f"{member}:{suffix}"] = list(items)
    if facets:
        data["facets"] = facets
    if data:
        record["data"] = data
    return record


def to_json(entity: Entity, rows: list[Row], **options: Any) -> str:
    """The JSON document of one entity."""
    return dumps({entity.name: [nested(entity, row) for row in rows]}, **options)


def to_jsonl(entity: Entity, rows: list[Row], **options: Any) -> str:
    """The JSONL file of one entity."""
    return "".join(dumps(nested(entity, row), **options) + "\n" for row in rows)


def csv_able(entity: Entity, rows: list[Row]) -> bool:
    """Whether CSV can say the same: no nulls, no empty values, no list changes, no separators inside lists."""
    for row in rows:
        if row.add or row.remove:
            return False
        for name, cell in row.cells.items():
            if cell.state == NULL:
                return False
            if cell.state != SET:
                continue
            if cell.kind == "list" and name != "parent_ids":
                if not cell.plain or cell.plain == ("",) or any("|" in one for one in cell.plain):
                    return False
            elif cell.plain == "" or (cell.kind == "json" and not name.startswith("metadata:")):
                return False
    return True


def to_csv(entity: Entity, rows: list[Row], columns: list[str] | None = None, **options: Any) -> str:
    """The CSV file of one entity; ``metadata:json:`` columns where a field has a value that is not text."""
    names = columns or list(dict.fromkeys(name for row in rows for name in row.cells))
    structured = {n for n in names if any(r.cells.get(n, Cell(BLANK)).kind == "json" for r in rows)}

    def header(name: str) -> str:
        if name == "id" and entity.name == "variations":
            return "variation_id"
        return "metadata:json:" + name.removeprefix("metadata:") if name in structured else name

    def text(row: Row, name: str) -> str:
        cell = row.cells.get(name, Cell(BLANK))
        if cell.state != SET:
            return ""
        if name in structured or name == "parent_ids":
            return dumps(plain(cell))
        if cell.kind == "list":
            return "|".join(cell.plain)
        return str(cell.plain).lower() if cell.kind == "flag" else str(cell.plain)

    out = io.StringIO()
    writer = csv.writer(out, **{"lineterminator": "\n", **options})
    writer.writerow([header(name) for name in names])
    for row in rows:
        writer.writerow([text(row, name) for name in names])
    return out.getvalue()


FORMATS = {"csv": to_csv, "json": to_json, "jsonl": to_jsonl}


def pack(path: Path, files: dict[str, bytes | str]) -> Path:
    """A tar.gz archive with these members at its root."""
    with tarfile.open(path, "w:gz", compresslevel=1) as archive:
        for name, content in files.items():
            content = content.encode() if isinstance(content, str) else content
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return path


def write(path: Path, feeds: dict[str, tuple[str, list[Row]]]) -> Path:
    """An upload: entity -> (format, rows), as an archive."""
    files = {f"{name}.{form}": FORMATS[form](ENTITIES[name], rows) for name, (form, rows) in feeds.items()}
    return pack(path, dict(files))
