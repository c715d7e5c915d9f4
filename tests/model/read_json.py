"""JSON and JSONL to rows, by the standard library."""

from __future__ import annotations

import re

from .columns import free, meaning, put
from .faults import Fault
from .read_csv import sniff
from .rows import NULL, SET, Cell, Row, Section
from .spec import ENTITIES, FLAG, INTEGER, LIST, TEXT, Entity
from .values import BadJson, Raw, canonical, parse


def read_json(text: str, entity_name: str | None) -> tuple[list[Section], list[Fault]]:
    """One JSON document: an object with lists by entity, or a bare list."""
    try:
        value = parse(text)
    except BadJson:
        return [], [Fault("BAD_JSON", entity_name)]
    if isinstance(value, list):
        value = {entity_name or "items": value}
    if not isinstance(value, dict):
        return [], [Fault("BAD_JSON", entity_name)]
    sections, faults = [], []
    for name, records in value.items():
        if name not in ENTITIES:
            faults.append(Fault("UNKNOWN_ENTITY", name))
        elif not isinstance(records, list):
            faults.append(Fault("BAD_TYPE", name))
        else:
            sections.append(_section(ENTITIES[name], records, list(range(1, len(records) + 1))))
    return sections, faults


def read_jsonl(text: str, entity_name: str | None) -> tuple[list[Section], list[Fault]]:
    """One JSONL file: an element a line; blank lines are left out."""
    records, numbers = [], []
    lines = [line for line in text.split("\n") if line.strip()]
    for number, line in enumerate(lines, 1):
        try:
            records.append(parse(line))
        except BadJson:
            return [], [Fault("BAD_JSON", entity_name, number)]
        numbers.append(number)
    if not records:
        return [], [Fault("EMPTY_FILE", entity_name)]
    if entity_name is None:
        first = records[0] if isinstance(records[0], dict) else {}
        entity_name = sniff(["id", *first])
    return [_section(ENTITIES[entity_name], records, numbers)], []


def flat(record: dict[str, object]) -> bool:
    """The dialect with CSV column names (spec 3)."""
    return any(
        name in ("item_name", "variation_id") or (":" in name and not name.endswith((":add", ":remove")))
        for name in record
    )


def _section(entity: Entity, records: list[object], numbers: list[int]) -> Section:
    section = Section(entity.name)
    for number, record in zip(numbers, records, strict=True):
        row = Row(number)
        if not isinstance(record, dict):
            row.faults.append(Fault("BAD_TYPE", entity.name, number))
        elif flat(record):
            if not any(fault.code == "FLAT_JSONL" for one in section.rows for fault in one.faults):
                row.faults.append(Fault("FLAT_JSONL", entity.name, number))
            _flat(row, entity, record)
        else:
            _nested(row, entity, record)
        section.rows.append(row)
        section.columns += [name for name in (*row.cells, *row.add, *row.remove) if name not in section.columns]
    return section


def _flat(row: Row, entity: Entity, record: dict[str, object]) -> None:
    for column, value in record.items():
        found = meaning(entity, column)
        if found is None:
            row.faults.append(Fault("UNKNOWN_COLUMN", entity.name, row.record, None, column))
        elif isinstance(value, str) and not isinstance(value, Raw):
            put(row, entity, *found, value)
        else:
            _typed(row, entity, found[0], found[1], value)


def _nested(row: Row, entity: Entity, record: dict[str, object]) -> None:
    tops = {one.json: one for one in entity.fields if one.place == "top"}
    for name, value in record.items():
        if name in tops:
            _typed(row, entity, tops[name].name, tops[name].kind, value)
        elif name == "data" and isinstance(value, dict):
            _data(row, entity, value)
        elif name == "data" and value is None:
            continue
        elif entity.parents and name == "parent_id":
            put(row, entity, entity.parents, "parent", value if isinstance(value, str) else "")
        elif match := re.fullmatch(r"(.*):(add|remove)", name):
            _list_change(row, entity, match[1], match[2], value)
        else:
            row.faults.append(Fault("UNKNOWN_MEMBER", entity.name, row.record, None, name))


def _data(row: Row, entity: Entity, data: dict[str, object]) -> None:
    declared = {one.json: one for one in entity.fields if one.place == "data"}
    for name, value in data.items():
        if name in declared:
            _typed(row, entity, declared[name].name, declared[name].kind, value)
        elif entity.facets and name == "facets":
            for facet, one in (value or {}).items() if isinstance(value, dict) or value is None else ():
                if match := re.fullmatch(r"(.*):(add|remove)", facet):
                    _list_change(row, entity, "facet:" + match[1], match[2], one)
                else:
                    _facet(row, entity, "facet:" + facet, one)
        elif match := re.fullmatch(r"(.*):(add|remove)", name):
            plain = match[1] if match[1] in declared else "metadata:" + match[1]
            _list_change(row, entity, plain, match[2], value)
        else:
            row.cells["metadata:" + name] = free(value)


def _facet(row: Row, entity: Entity, name: str, value: object) -> None:
    """A facet: a list of texts, a scalar being a list of one (spec 3); a list of anything else stays JSON."""
    items = value if isinstance(value, list) else [value]
    if value is None:
        row.cells[name] = Cell(NULL)
    elif all(isinstance(one, str) and not isinstance(one, Raw) for one in items):
        row.cells[name] = Cell(SET, LIST, tuple(items))
    elif isinstance(value, bool | dict):
        row.faults.append(Fault("BAD_TYPE", entity.name, row.record, None, name))
    else:
        row.cells[name] = Cell(SET, "json", canonical(items))


def _list_change(row: Row, entity: Entity, name: str, what: str, value: object) -> None:
    if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
        row.faults.append(Fault("BAD_TYPE", entity.name, row.record, None, name))
        return
    (row.add if what == "add" else row.remove)[name] = tuple(str(one) for one in value)


def _typed(row: Row, entity: Entity, name: str, kind: str, value: object) -> None:
    """A value of a declared field; scalars are taken as written where that can be meant, with a warning."""

    def fault(code: str) -> None:
        row.faults.append(Fault(code, entity.name, row.record, None, name))

    if value is None:
        row.cells[name] = Cell(NULL)
    elif name.startswith("metadata:"):
        row.cells[name] = free(value)
    elif name.startswith("facet:"):
        _facet(row, entity, name, value)
    elif kind == TEXT and isinstance(value, str | bool):
        if isinstance(value, Raw | bool):
            fault("ID_NOT_TEXT" if name == "id" else "NOT_TEXT")
        row.cells[name] = Cell(SET, TEXT, str(value).lower() if isinstance(value, bool) else str(value))
    elif kind in (LIST, "parents") and isinstance(value, list) and all(_is_text(one) for one in value):
        row.cells[name] = Cell(SET, LIST, tuple(value))
    elif kind == LIST and _is_text(value) and name != "parent_ids":
        fault("NOT_LIST")
        row.cells[name] = Cell(SET, LIST, (value,))
    elif kind == FLAG and isinstance(value, bool):
        row.cells[name] = Cell(SET, FLAG, value)
    elif kind == FLAG and isinstance(value, str):
        if value.lower() in ("true", "1", "false", "0"):
            row.cells[name] = Cell(SET, FLAG, value.lower() in ("true", "1"))
        else:
            fault("BAD_FLAG")
    elif kind == INTEGER and isinstance(value, str):
        if re.fullmatch(r"-?[0-9]{1,18}", value):
            row.cells[name] = Cell(SET, INTEGER, int(value))
        else:
            fault("BAD_INTEGER")
    else:
        fault("BAD_TYPE")


def _is_text(value: object) -> bool:
    return isinstance(value, str) and not isinstance(value, Raw)
