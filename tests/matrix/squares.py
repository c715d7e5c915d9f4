"""The squares: operation x entity x exists or not x in the file or not x field x what its cell says."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from model.rows import BLANK, NULL, SET, Cell, Row
from model.spec import FLAG, GROUPS, ID_ONLY, INTEGER, JSON, LIST, OPERATIONS, PATCHES, TEXT, VARIATIONS, Entity
from model.state import Record
from model.values import Value

STORED: dict[str, Value] = {
    "url": Value(TEXT, "/old"),
    "keywords": Value(LIST, ("a", "b")),
    "active": Value(FLAG, True),
    "suggested_score": Value(INTEGER, 5),
    "metadata:m": Value(TEXT, "old"),
    "metadata:j": Value(JSON, '["x","y"]'),
    "facet:F": Value(LIST, ("Red",)),
}
NEW: dict[str, list[Cell]] = {
    "url": [Cell(SET, TEXT, "/new"), Cell(SET, TEXT, "")],
    "keywords": [Cell(SET, LIST, ("c", "a")), Cell(SET, LIST, ())],
    "active": [Cell(SET, FLAG, False), Cell(SET, FLAG, True)],
    "suggested_score": [Cell(SET, INTEGER, 7), Cell(SET, INTEGER, 5)],
    "metadata:m": [Cell(SET, TEXT, "new"), Cell(SET, TEXT, ""), Cell(SET, TEXT, "old"), Cell(SET, JSON, "19.5")],
    "metadata:j": [
        Cell(SET, JSON, '{"a":1}'),
        Cell(SET, JSON, "{}"),
        Cell(SET, JSON, "[]"),
        Cell(SET, TEXT, "now text"),
    ],
    "facet:F": [Cell(SET, LIST, ("Red", "Blue")), Cell(SET, LIST, ()), Cell(SET, LIST, ("Red",))],
}
CHANGES = ("keywords", "metadata:j", "facet:F")


@dataclass(frozen=True)
class Square:
    """One square: a record that is stored or not, and what the file says of it, if anything."""

    key: str
    what: str
    stored: Record | None
    row: Row | None


def fields(entity: Entity) -> list[str]:
    """The fields whose cells are tried."""
    if entity is GROUPS:
        return ["name", "metadata:m", "metadata:j"]
    return ["item_name", *STORED]


def base(entity: Entity, key: str) -> dict[str, Cell]:
    """A row's required cells."""
    cells = {"id": Cell(SET, TEXT, key), "name" if entity is GROUPS else "item_name": Cell(SET, TEXT, f"Name {key}")}
    if entity is VARIATIONS:
        cells["item_id"] = Cell(SET, TEXT, "KEEP")
    if entity is GROUPS:
        cells["parent_ids"] = Cell(SET, LIST, ("KEEP",))
    return cells


def stored_record(entity: Entity, key: str) -> Record:
    """A record with every field."""
    record = {name: Value(cell.kind, cell.plain) for name, cell in base(entity, key).items()}
    record.update({name: value for name, value in STORED.items() if name in fields(entity)})
    return record


def cells(name: str) -> Iterator[tuple[str, Row]]:
    """Every way in which a file can speak of one field, as a row with that cell alone."""
    yield "absent", Row(0)
    yield "blank", Row(0, {name: Cell(BLANK)})
    yield "null", Row(0, {name: Cell(NULL)})
    for cell in NEW.get(name, [Cell(SET, TEXT, "Newer name"), Cell(SET, TEXT, "")]):
        yield f"{cell.kind} {cell.plain!r}", Row(0, {name: cell})
    if name in CHANGES:
        yield "add", Row(0, add={name: ("z", "a")})
        yield "remove", Row(0, remove={name: ("a", "x", "Red")})
        yield "add and remove", Row(0, add={name: ("a", "x")}, remove={name: ("a", "x")})


def squares(entity: Entity, operation: str) -> Iterator[Square]:
    """All squares of one operation on one entity; every key is different."""
    number = 0
    for exists in (True, False):
        for name in fields(entity):
            for what, cell in cells(name):
                number += 1
                key = f"K{number:03}"
                whole = base(entity, key)
                if operation in ID_ONLY or (operation in PATCHES and exists):
                    whole = {"id": whole["id"]}
                row = Row(0, {**whole, **cell.cells}, cell.add, cell.remove)
                if what == "absent":
                    row.cells.pop(name, None)
                where = "exists" if exists else "new"
                yield Square(key, f"{where} {name} {what}", stored_record(entity, key) if exists else None, row)
    number += 1
    yield Square(f"K{number:03}", "exists, not in file", stored_record(entity, f"K{number:03}"), None)


GRID = [(operation, entity) for operation in OPERATIONS for entity in ("items", "variations", "item_groups")]
