"""The generated matrix: what the model allows goes through the engine together, what it refuses one by one."""

from __future__ import annotations

import copy
from pathlib import Path

import pytest

from compare import same_answer, same_state
from matrix.squares import GRID, Square, squares
from model.apply import apply
from model.read import read
from model.rows import BLANK, SET, Cell, Row
from model.spec import ENTITIES, GROUPS, ITEMS, Entity
from model.state import State
from model.values import Value
from model.write import FORMATS, csv_able
from shop import Shop

KEEP = {
    ITEMS.name: {"KEEP": {"id": Value("text", "KEEP"), "item_name": Value("text", "Keep")}},
    GROUPS.name: {
        "KEEP": {"id": Value("text", "KEEP"), "name": Value("text", "Keep"), "parent_ids": Value("list", ())}
    },
}


def state_of(entity: Entity, chosen: list[Square]) -> State:
    """The stored records of these squares, and what they refer to."""
    tables = {name: dict(table) for name, table in KEEP.items()}
    tables.setdefault(entity.name, {}).update({one.key: one.stored for one in chosen if one.stored is not None})
    return State().with_tables("Products", tables)


def rows_of(entity: Entity, chosen: list[Square], operation: str) -> list[Row]:
    """The file's rows; the record that the others refer to is kept."""
    rows = [copy.deepcopy(one.row) for one in chosen if one.row is not None]
    if entity.name in KEEP and operation in ("sync", "whitelist"):
        keep = {name: Cell(SET, value.kind, value.plain) for name, value in KEEP[entity.name]["KEEP"].items()}
        rows.append(Row(0, keep if operation == "sync" else {"id": keep["id"]}))
    for number, row in enumerate(rows, 1):
        row.record = number
    return rows


def write(folder: Path, form: str, entity: Entity, rows: list[Row]) -> Path:
    """A loose feed file."""
    path = folder / f"feed.{form}"
    path.write_text(FORMATS[form](entity, rows), newline="")
    return path


def speakable(form: str, entity: Entity, one: Square) -> bool:
    """Whether the format can say what the square says."""
    if one.row is None:
        return True
    if form == "csv":
        return csv_able(entity, [one.row])
    return all(cell.state != BLANK for cell in one.row.cells.values())


@pytest.mark.parametrize("form", sorted(FORMATS))
@pytest.mark.parametrize(("operation", "name"), GRID)
@pytest.mark.feature("C14", "C15", "C17", "C18", "C19", "C20", "C21", "C22", "C31")
def test_every_square_of_the_truth_tables(operation: str, name: str, form: str, tmp_path: Path) -> None:
    entity = ENTITIES[name]
    chosen = [one for one in squares(entity, operation) if speakable(form, entity, one)]
    allowed, refused = [], []
    for one in chosen:
        rows = rows_of(entity, [one], operation)
        if not rows:
            continue
        path = write(tmp_path, form, entity, rows)
        outcome = apply(state_of(entity, [one]), "Products", read_loose(path, entity), operation, force=True)
        (refused if outcome.verdict == "invalid" else allowed).append(one)
    shop = Shop(tmp_path / "shop")
    shop.load(state_of(entity, chosen))
    for one in refused:
        path = write(tmp_path, form, entity, rows_of(entity, [one], operation))
        state = state_of(entity, chosen)
        outcome = apply(state, "Products", read_loose(path, entity), operation, force=True)
        same_answer(shop.plan(packed(tmp_path, entity, path), operation, force=True), outcome)
    assert shop.tables() == state_of(entity, chosen).plain("Products")
    together = [*allowed, *[one for one in squares(entity, operation) if one.row is None]]
    path = write(tmp_path, form, entity, rows_of(entity, together, operation))
    outcome = apply(state_of(entity, chosen), "Products", read_loose(path, entity), operation, force=True)
    assert outcome.verdict in ("apply", "no_change")
    same_answer(shop.run(packed(tmp_path, entity, path), operation, force=True), outcome)
    same_state(shop, outcome)


def packed(folder: Path, entity: Entity, path: Path) -> Path:
    """The same file inside an archive, where its name says what it holds."""
    from model.write import pack

    return pack(folder / "feed.tar.gz", {f"{entity.name}{path.suffix}": path.read_bytes()})


def read_loose(path: Path, entity: Entity) -> object:
    """The model's reading of the file as that entity."""
    return read(packed(path.parent, entity, path))
