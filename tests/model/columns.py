"""From a CSV column's name (or a flat JSONL member's) to the field it means and how its text is read."""

from __future__ import annotations

import re

from .faults import Fault
from .rows import BLANK, NULL, SET, Cell, Row
from .spec import FLAG, INTEGER, JSON, LIST, TEXT, Entity
from .values import BadJson, Raw, canonical, parse


def meaning(entity: Entity, column: str) -> tuple[str, str] | None:
    """The canonical field of a column and the way its text is read, or None for an unknown column.

    Ways: the plain kinds, ``json`` (parsed), ``facets``, ``data``, ``parent`` and ``parents``.
    """
    for one in entity.fields:
        if column == one.name or column in one.aliases:
            return (one.name, "parents") if one.name == "parent_ids" else (one.name, one.kind)
    if entity.parents and column == "parent_id":
        return entity.parents, "parent"
    if entity.parents and column == "data":
        return "data", "data"
    if entity.facets and column == "facets":
        return "facets", "facets"
    for prefix, way in (("metadata:json:", JSON), ("metadata:", TEXT)):
        if column.startswith(prefix) and len(column) > len(prefix):
            return "metadata:" + column.removeprefix(prefix), way
    if entity.facets and column.startswith("facet:") and len(column) > len("facet:"):
        return column, LIST
    return None


def free(value: object) -> Cell:
    """A free-form JSON value: text where it is a string, null where it is null, canonical JSON otherwise."""
    if value is None:
        return Cell(NULL)
    if isinstance(value, str) and not isinstance(value, Raw):
        return Cell(SET, TEXT, value)
    return Cell(SET, JSON, canonical(value))


def split_facets(text: str) -> dict[str, tuple[str, ...]]:
    r"""``color: red|color: blue|size: medium`` with ``\:`` and ``\|`` escaped (spec 3, items.csv)."""
    facets: dict[str, tuple[str, ...]] = {}
    for part in re.findall(r"(?:\\.|[^|\\])+", text, re.S):
        pieces = re.match(r"((?:\\.|[^:\\])+):\s*(.*)\Z", part, re.S)
        if pieces is None:
            raise BadJson(f"no name in {part!r}")
        name, value = (re.sub(r"\\(.)", r"\1", piece, flags=re.S) for piece in pieces.groups())
        facets[name.strip()] = (*facets.get(name.strip(), ()), value)
    return facets


def put(row: Row, entity: Entity, name: str, way: str, text: str) -> None:
    """Read one cell of text into ``row``; a fault where it cannot be read."""

    def fault(code: str) -> None:
        row.faults.append(Fault(code, entity.name, row.record, None, name))

    if way == "parent":
        row.legacy = True
        row.cells[name] = Cell(SET, LIST, (text,)) if text else Cell(BLANK)
    elif text == "":
        if way not in ("data", "facets"):
            row.cells.setdefault(name, Cell(BLANK))
    elif way == TEXT:
        row.cells[name] = Cell(SET, TEXT, text)
    elif way == LIST:
        row.cells[name] = Cell(SET, LIST, tuple(text.split("|")))
    elif way == FLAG:
        if text.lower() in ("true", "1", "false", "0"):
            row.cells[name] = Cell(SET, FLAG, text.lower() in ("true", "1"))
        else:
            fault("BAD_FLAG")
    elif way == INTEGER:
        if re.fullmatch(r"-?[0-9]{1,18}", text):
            row.cells[name] = Cell(SET, INTEGER, int(text))
        else:
            fault("BAD_INTEGER")
    else:
        try:
            _structured(row, name, way, text)
        except BadJson:
            fault("BAD_JSON")


def _structured(row: Row, name: str, way: str, text: str) -> None:
    if way == "facets":
        for facet, items in split_facets(text).items():
            row.cells["facet:" + facet] = Cell(SET, LIST, items)
        return
    value = parse(text)
    if way == "parents":
        if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
            raise BadJson("parent_ids is not a list of texts")
        row.cells[name] = Cell(SET, LIST, tuple(value))
    elif way == "data":
        if not isinstance(value, dict):
            raise BadJson("data is not an object")
        for member, one in value.items():
            row.cells["metadata:" + member] = free(one)
    else:
        row.cells[name] = free(value)
