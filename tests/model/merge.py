"""One row against one stored record: replaced whole, or merged field by field (spec 2b)."""

from __future__ import annotations

from .faults import FILE, Fault
from .rows import NULL, SET, Row
from .settings import Settings
from .spec import LIST, PATCHES, TEXT, Entity
from .state import Record, data_size
from .values import Value, canonical, parse


def result(entity: Entity, row: Row, stored: Record | None, operation: str, settings: Settings) -> Record:
    """The record after ``row``; faults are added to the row."""
    patch = operation in PATCHES
    record: Record = dict(stored) if patch and stored is not None else {}
    for name, cell in row.cells.items():
        if cell.state == SET:
            record[name] = _split(name, Value(cell.kind, cell.plain), settings)
        elif row.legacy and name == entity.parents and not patch:
            record[name] = Value(LIST, ())  # a blank parent_id is a root (spec 3); in a patch it is a blank cell (2b)
        elif cell.state == NULL and patch and settings.patch_null == "clear":
            record.pop(name, None)
    if (row.add or row.remove) and operation == "patchdeltacreate":
        row.faults.append(Fault("ADD_UNDER_CREATE", entity.name, row.record))
    elif (row.add or row.remove) and not patch:
        row.faults.append(Fault("ADD_NEEDS_PATCH", entity.name, row.record))
    elif patch:
        for name in {*row.add, *row.remove}:
            _change_list(entity, row, record, name)
    _check(entity, row, record)
    return record


def _split(name: str, value: Value, settings: Settings) -> Value:
    if name.removeprefix("metadata:") in settings.split_metadata and value.kind == TEXT:
        return Value("json", canonical(value.plain.split("|")))
    return value


def _change_list(entity: Entity, row: Row, record: Record, name: str) -> None:
    """Take out, then add: the order stays, nothing comes twice."""
    old = record.get(name)
    items: list[object] = []
    if old is not None:
        value = list(old.plain) if old.kind == LIST else parse(old.plain) if old.kind == "json" else old.plain
        if not isinstance(value, list):
            row.faults.append(Fault("BAD_TYPE", entity.name, row.record, None, name))
            return
        items = value
    items = [one for one in items if one not in row.remove.get(name, ())]
    items = [one for place, one in enumerate(items) if one not in items[:place]]
    for one in row.add.get(name, ()):
        if one not in items:
            items.append(one)
    if name.startswith("metadata:"):
        record[name] = Value("json", canonical(items))
    else:
        record[name] = Value(LIST, tuple(str(one) for one in items))


def _check(entity: Entity, row: Row, record: Record) -> None:
    """Rules on the values of one record (spec 2c, 3)."""

    def fault(code: str, column: str) -> None:
        row.faults.append(Fault(code, entity.name, row.record, None, column))

    for one in entity.fields[1:]:
        value = record.get(one.name)
        if value is None:
            if one.required:
                fault("MISSING_FIELD", one.name)
            continue
        if value.kind == TEXT and one.required and value.plain == "":
            fault("MISSING_FIELD", one.name)
        length = len("|".join(value.plain)) if value.kind == LIST else len(str(value.plain))
        if one.max_chars is not None and length > one.max_chars:
            fault("TOO_LONG", one.name)
        elif one.warn_chars is not None and length > one.warn_chars:
            fault("LONG_TEXT", one.name)
        if one.alphanumeric and not any(letter.isalnum() for letter in value.plain):
            fault("NO_ALPHANUMERIC", one.name)
        if one.range is not None and not one.range[0] <= value.plain <= one.range[1]:
            fault("OUT_OF_RANGE", one.name)
    for name, value in record.items():
        if name.startswith("facet:") and value.kind == LIST and any(len(one) > 200 for one in value.plain):
            fault("TOO_LONG", name)
    if data_size(entity, record) > entity.max_data:
        fault("DATA_TOO_LARGE", "data")


def key_fault(entity: Entity, row: Row) -> str | None:
    """The code for a row whose id cannot be used, or None."""
    key = row.set_text("id")
    if key is None or key == "":
        return "MISSING_KEY"
    if len(key) > (entity.fields[0].max_chars or 250):
        return "TOO_LONG"
    return None


def extra_columns(entity: Entity, row: Row) -> bool:
    """Whether a row of a delete or whitelist file says more than its id (spec 2b, last line)."""
    return bool({*row.cells, *row.add, *row.remove} - {entity.fields[0].name})


def file_fault(code: str, entity: Entity, row: Row | None = None) -> Fault:
    """A fault that fails the file."""
    return Fault(code, entity.name, row.record if row else 0, raised=FILE)
