"""A catalog as dictionaries: entity -> id -> record, a record being field -> value."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache

from .spec import ENTITIES, GROUPS, Entity
from .values import Value, canonical, to_json

Record = dict[str, Value]
Table = dict[str, Record]


@dataclass
class State:
    """One key: groups belong to it, items and variations to its sections (spec 0.4)."""

    groups: Table = field(default_factory=dict)
    sections: dict[str, dict[str, Table]] = field(default_factory=dict)

    def table(self, section: str, entity: str) -> Table:
        """The records of one entity as one section sees them."""
        if entity == GROUPS.name:
            return self.groups
        return self.sections.get(section, {}).get(entity, {})

    def with_tables(self, section: str, tables: dict[str, Table]) -> State:
        """A copy with these tables of one section replaced."""
        sections = {name: dict(own) for name, own in self.sections.items()}
        own = sections.setdefault(section, {})
        groups = self.groups
        for entity, table in tables.items():
            if entity == GROUPS.name:
                groups = table
            else:
                own[entity] = table
        return State(groups, sections)

    def plain(self, section: str) -> dict[str, list[dict[str, object]]]:
        """The catalog in the form of the case corpus: storage columns, plain JSON values, sorted by id."""
        return {entity: plain_table(self.table(section, entity)) for entity in ENTITIES}


def storage_name(name: str, value: Value) -> str:
    """The stored column of a value: ``metadata:json:x`` when it is not of the field's plain type."""
    if value.kind == "json" and ":" in name:
        prefix, rest = name.split(":", 1)
        return f"{prefix}:json:{rest}"
    return name


def plain_table(table: Table) -> list[dict[str, object]]:
    """Records as dictionaries of storage columns, sorted by the bytes of their ids."""
    rows = []
    for key in sorted(table, key=lambda one: one.encode()):
        row: dict[str, object] = {}
        for name, value in table[key].items():
            row[storage_name(name, value)] = list(value.plain) if value.kind == "list" else value.plain
        rows.append(row)
    return rows


def from_plain(entity: Entity, rows: list[dict[str, object]]) -> Table:
    """The inverse of :func:`plain_table`."""
    table: Table = {}
    for row in rows:
        record: Record = {}
        for column, plain in row.items():
            parts = column.split(":", 2)
            if len(parts) == 3 and parts[1] == "json" and parts[0] in ("metadata", "facet"):
                record[f"{parts[0]}:{parts[2]}"] = Value("json", str(plain))
            elif isinstance(plain, bool):
                record[column] = Value("flag", plain)
            elif isinstance(plain, int):
                record[column] = Value("integer", plain)
            elif isinstance(plain, list):
                record[column] = Value("list", tuple(str(one) for one in plain))
            else:
                record[column] = Value("text", str(plain))
        table[str(record["id"].plain)] = record
    return table


def data_size(entity: Entity, record: Record) -> int:
    """UTF-8 bytes of the members of the record's ``data`` as canonical JSON, each with its comma (spec 2e).

    The braces and the ``facets`` wrapper are not counted, so that a patch can be applied to a size: at most 13 bytes
    of 200,000.
    """
    size = 0
    for name, value in record.items():
        declared = entity.by_name.get(name)
        if declared is not None and declared.place == "top":
            continue
        member = declared.json if declared else name.split(":", 1)[1]
        size += _member_size(member, value, type(value.plain))
    return size


@cache
def _member_size(member: str, value: Value, kind: type) -> int:
    """Asked for again and again; of what kind it is, too: a number's text equals a text."""
    return len(canonical({member: to_json(value)}).encode()) - 2 + 1


def is_active(entity: Entity, record: Record) -> bool:
    """Whether the record counts as present for the safeguard; absent means true (spec 2b)."""
    if entity.active is None:
        return True
    value = record.get(entity.active)
    return value is None or bool(value.plain)
