"""CSV to rows, by the standard library."""

from __future__ import annotations

import csv
import io

from .columns import meaning, put
from .faults import FILE, Fault
from .rows import Row, Section
from .settings import Settings
from .spec import ENTITIES

csv.field_size_limit(1 << 30)


def sniff(header: list[str]) -> str:
    """The entity of a loose file, by its columns (spec 1, single file)."""
    if "variation_id" in header or ("item_id" in header and "id" in header):
        return "variations"
    if ("parent_id" in header or "parent_ids" in header) and "item_name" not in header:
        return "item_groups"
    return "items"


def table(text: str) -> list[list[str]]:
    """Rows of cells; the delimiter is the one that occurs most in the header; blank lines are left out."""
    first = text.lstrip("\n\r").split("\n", 1)[0]
    delimiter = max(",;\t|", key=lambda one: (first.count(one), one == ","))
    return [row for row in csv.reader(io.StringIO(text, newline=""), delimiter=delimiter) if row]


def read(text: str, entity_name: str | None, settings: Settings) -> tuple[Section | None, list[Fault]]:
    """One CSV file: its section and the faults of the file as such."""
    lines = table(text)
    if not lines:
        return None, [Fault("EMPTY_FILE", entity_name)]
    header, *body = lines
    entity = ENTITIES[entity_name or sniff(header)]
    section = Section(entity.name, header=True)
    faults: list[Fault] = []
    known: list[tuple[str, str] | None] = []
    for column in header:
        if column == "":
            faults.append(Fault("EMPTY_COLUMN", entity.name))
        found = meaning(entity, column)
        known.append(found)
        if found is None:
            section.extra.append(column)
            if column:
                faults.append(Fault("UNKNOWN_COLUMN", entity.name, column=column))
        else:
            section.columns.append(found[0])
    if len(set(header)) < len(header):
        faults.append(Fault("DUPLICATE_COLUMN", entity.name))
    if entity.fields[0].name not in section.columns:
        faults.append(Fault("MISSING_COLUMN", entity.name, column=entity.fields[0].name))
    for number, cells in enumerate(body, 1):
        row = Row(number)
        if len(cells) > len(header):
            faults.append(Fault("LONG_ROW", entity.name, number))
        if len(cells) < len(header):
            raised = FILE if settings.short_rows == "fail" else None
            row.faults.append(Fault("SHORT_ROW", entity.name, number, raised=raised))
        for found, cell in zip(known, cells, strict=False):
            if found is not None:
                put(row, entity, *found, cell)
        section.rows.append(row)
    return section, faults
