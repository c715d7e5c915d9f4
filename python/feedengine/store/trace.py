"""A record's life: its versions, who made them, and where each of today's values came from."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from duckdb import DuckDBPyConnection

from feedengine.store import registry
from feedengine.store.model import REASONS, SnapshotInfo
from feedengine.store.schema import META, Table

#: A version: row, from, to, record and the values that are not NULL.
Version = tuple[int, int, int | None, int | None, dict[str, Any]]


def versions(con: DuckDBPyConnection, table: Table, record: str) -> list[Version]:
    """All stored versions of a record, oldest first."""
    columns = [column.name for column in table.columns]
    items = ", ".join(["_row", "_from", "_to", "_record", *map(table.column, columns)])
    rows = con.execute(
        f"SELECT {items} FROM {table.history} WHERE {table.id} = ? ORDER BY _from, _row", [record]
    ).fetchall()
    return [
        (*row[:4], {name: value for name, value in zip(columns, row[4:], strict=True) if value is not None})
        for row in rows
    ]


def find(con: DuckDBPyConnection, table: Table, named: str) -> list[str]:
    """Ids of the records whose id is `named`; if there is none, of those with another identifier of that value.

    An identifier that a record once had finds it too.
    """
    others = [each["field"] for each in table.spec.get("identity") or () if each["field"] in table.physical]
    for columns in ([table.key], [name for name in others if name != table.key]):
        if columns:
            test = " OR ".join(f"{table.column(name)} = $1" for name in columns)
            query = f"SELECT DISTINCT {table.id} FROM {table.history} WHERE {test} ORDER BY 1 LIMIT 3"
            if found := [str(row[0]) for row in con.execute(query, [named]).fetchall()]:
                return found
    return []


def trace(con: DuckDBPyConnection, table: Table, record: str) -> list[dict[str, Any]]:
    """See `Catalog.trace`."""
    infos = {info.number: info for info in registry.snapshots(con)}
    removed = {
        number: REASONS.get(reason, "removed")
        for number, reason in con.execute(
            f"SELECT snapshot, reason FROM {META}.removals WHERE schema = ? AND entity = ? AND id = ?",
            [table.schema, table.entity, record],
        ).fetchall()
    }
    events: list[dict[str, Any]] = []
    before: dict[str, Any] = {}
    last: int | None = None
    for row, start, end, position, values in versions(con, table, record):
        if last is not None and last != start:
            before = {}
        names = [*values, *(name for name in before if name not in values)]
        fields = {
            name: {"before": before.get(name), "after": values.get(name)}
            for name in names
            if before.get(name) != values.get(name)
        }
        change = "changed" if before else "added"
        events.append({**_said(start, infos), "change": change, "record": position, "row": row, "fields": fields})
        if end is not None and end in removed:
            events.append({**_said(end, infos), "change": removed[end], "record": None, "row": row, "fields": {}})
            before, last = {}, None
        else:
            before, last = values, end
    return events


def _said(number: int, infos: Mapping[int, SnapshotInfo]) -> dict[str, Any]:
    info = infos.get(number)
    if info is None:
        return {"snapshot": number}
    created = info.created.strftime("%Y-%m-%dT%H:%M:%SZ")
    return {
        "snapshot": number,
        "created": created,
        "operation": info.operation,
        "task": info.task,
        "file": info.file,
    }


def provenance(con: DuckDBPyConnection, table: Table, record: str) -> dict[str, dict[str, Any]]:
    """See `Catalog.provenance`."""
    infos = {info.number: info for info in registry.snapshots(con)}
    known = versions(con, table, record)
    if not known or known[-1][2] is not None:
        return {}
    found: dict[str, dict[str, Any]] = {}
    for name, value in known[-1][4].items():
        at = len(known) - 1
        while (earlier := _before(known, at, infos)) is not None and known[earlier][4].get(name) == value:
            at = earlier
        found[name] = {"value": value, **_said(known[at][1], infos), "record": known[at][3]}
    return found


def _before(known: list[Version], at: int, infos: Mapping[int, SnapshotInfo]) -> int | None:
    """The version that version `at` took its values from: the one it replaced, or the one a rollback brought back."""
    start = known[at][1]
    info = infos.get(start)
    if info is not None and info.operation == "rollback":
        target = info.counts.get("to", 0)
        for index, version in enumerate(known[:at]):
            if version[1] <= target and (version[2] is None or version[2] > target):
                return index
    return at - 1 if at and known[at - 1][2] == start else None
