"""Makes streams and stores for the store's tests; pyarrow stands in for the engine."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa

from feedengine.store import Column, EntityState, SnapshotInfo, SnapshotMeta, Store
from feedengine.store.catalog import Catalog

TYPES = {
    "text": pa.string(),
    "json": pa.string(),
    "list": pa.list_(pa.string()),
    "flag": pa.bool_(),
    "integer": pa.int64(),
}
SERVICE = {"_row": pa.int64(), "_old_row": pa.int64(), "_record": pa.int64(), "_reason": pa.int32()}
KINDS = {
    "group_ids": "list",
    "keywords": "list",
    "parent_ids": "list",
    "active": "flag",
    "suggested_score": "integer",
}


def kind(name: str) -> str:
    """The kind a column of this name has in the tests."""
    if name in KINDS:
        return KINDS[name]
    if name.startswith(("metadata:json:", "facet:json:")):
        return "json"
    return "list" if name.startswith("facet:") else "text"


def columns(*names: str) -> list[Column]:
    """Columns with the kinds their names imply."""
    return [Column(name, kind(name)) for name in names]


class Once:
    """A stream that can be had once, as the engine's."""

    def __init__(self, table: pa.Table) -> None:
        self._table: pa.Table | None = table

    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object:
        """The stream; a second call fails."""
        assert self._table is not None, "the stream was asked for twice"
        table, self._table = self._table, None
        return table.__arrow_c_stream__(requested_schema)


def stream(rows: Sequence[Mapping[str, Any]], names: Sequence[str] | None = None) -> Once:
    """Rows as a one-shot stream; absent keys are NULL."""
    names = list(names or dict.fromkeys(name for row in rows for name in row))
    fields = [pa.field(name, SERVICE.get(name) or TYPES[kind(name)]) for name in names]
    arrays = [pa.array([row.get(field.name) for row in rows], field.type) for field in fields]
    return Once(pa.Table.from_arrays(arrays, schema=pa.schema(fields)))


def table(stream: Any) -> list[dict[str, Any]]:
    """A stream's rows as dicts, without NULLs; names that differ only in case stay apart."""
    read = pa.RecordBatchReader.from_stream(stream).read_all()
    columns = [column.to_pylist() for column in read.columns]
    return [
        {name: value for name, value in zip(read.schema.names, values, strict=True) if value is not None}
        for values in zip(*columns, strict=True)
    ]


def plain(rows: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """Rows by id."""
    return {row["id"]: {name: value for name, value in row.items() if name != "id"} for row in rows}


def state(records: int, next_row: int, digest: str = "d", runs: Sequence[str] = ()) -> EntityState:
    """A state as the engine reports it."""
    return EntityState(records, records, 0, next_row, digest, tuple(runs))


class Writer:
    """A tiny engine: keeps the catalog as a dict and turns changes into commits."""

    def __init__(self, catalog: Catalog, section: str = "Products") -> None:
        self.catalog = catalog
        self.section = section
        self.rows: dict[str, dict[str, int]] = {}
        self.next: dict[str, int] = {}
        self.task = 0

    def write(
        self,
        entity: str = "items",
        put: Sequence[Mapping[str, Any]] = (),
        remove: Mapping[str, int] | None = None,
        operation: str = "delta",
    ) -> SnapshotInfo:
        """Replace or add the records of `put`, close those of `remove` (id: reason)."""
        self.task += 1
        rows = self.rows.setdefault(entity, {})
        following = self.next.get(entity, 1)
        with self.catalog.commit(self.section, self.catalog.base(self.section)) as commit:
            closing = [{"_row": rows[row["id"]], "_reason": 0} for row in put if row["id"] in rows]
            closing += [{"_row": rows.pop(id), "_reason": reason} for id, reason in (remove or {}).items()]
            if closing:
                commit.close(entity, stream(closing))
            full = []
            for record, row in enumerate(put, 1):
                full.append({"_row": following, "_record": record, **row})
                rows[row["id"]] = following
                following += 1
            if full:
                commit.add_columns(entity, columns(*dict.fromkeys(name for row in put for name in row)))
                commit.insert(entity, stream(full))
            self.next[entity] = following
            meta = SnapshotMeta(
                operation,
                {entity: state(len(rows), following, f"digest-{self.task}")},
                task=self.task,
                file=f"feed-{self.task}.csv",
            )
            return commit.finish(meta)


def new_catalog(root: Path, key: str = "key_a1") -> Catalog:
    """A catalog in a fresh store."""
    return Store.create(root).catalog(key, create=True)
