"""Looking after a key's file: pruning old versions, giving space back, checking that everything agrees."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from duckdb import DuckDBPyConnection

from feedengine.faults import point
from feedengine.store import registry, schema
from feedengine.store.arrow import Result
from feedengine.store.database import ALIAS, ROW_GROUP_SIZE, STORAGE_VERSION, literal
from feedengine.store.indexing import Index
from feedengine.store.model import EntityBase
from feedengine.store.reading import reader
from feedengine.store.schema import META, Layout, Table


def prune(con: DuckDBPyConnection, section: str, keep: int) -> list[int]:
    """Within a transaction: forget all but the newest `keep` and the pinned snapshots of `section`."""
    known = registry.snapshots(con, section)
    gone = [info.number for info in known[: max(len(known) - max(keep, 1), 0)] if not info.pinned and not info.pruned]
    if not gone:
        return []
    con.execute(f"UPDATE {META}.snapshots SET pruned = true WHERE snapshot IN (SELECT unnest(?))", [gone]).fetchall()
    kept = f"SELECT snapshot FROM {META}.snapshots WHERE NOT pruned"
    for table in schema.layout(con).tables.values():
        # Few pairs however many rows: whether a version is still seen depends on its two ends only.
        con.execute(
            f"CREATE OR REPLACE TEMP TABLE unseen AS SELECT _from, _to FROM "
            f"(SELECT DISTINCT _from, _to FROM {table.history} WHERE _to IS NOT NULL) AS h "
            f"WHERE NOT EXISTS (FROM ({kept}) AS k WHERE k.snapshot >= h._from AND k.snapshot < h._to)"
        ).fetchall()
        con.execute(
            f"DELETE FROM {table.history} AS h USING unseen WHERE h._from = unseen._from AND h._to = unseen._to"
        ).fetchall()
        con.execute("DROP TABLE unseen").fetchall()
    point("prune.before_commit")
    return gone


def compact(con: DuckDBPyConnection, path: Path) -> None:
    """Copy the database, since DuckDB keeps the room of deleted rows; the copy takes the file's place in one step.

    Needs as much free disk as the catalog takes. The connection has the file open for writing, outside a transaction.
    """
    copy = path.with_name(path.name + ".compact")
    for leftover in (copy, copy.with_name(copy.name + ".wal")):
        leftover.unlink(missing_ok=True)
    try:
        con.execute(
            f"ATTACH {literal(str(copy))} AS compacted "
            f"(STORAGE_VERSION '{STORAGE_VERSION}', ROW_GROUP_SIZE {ROW_GROUP_SIZE})"
        ).fetchall()
        con.execute(f"COPY FROM DATABASE {ALIAS} TO compacted").fetchall()
        con.execute("CHECKPOINT compacted").fetchall()
        con.execute("DETACH compacted").fetchall()
        con.execute(f"CHECKPOINT {ALIAS}").fetchall()
        con.execute(f"DETACH {ALIAS}").fetchall()
        with copy.open("rb") as file:
            os.fsync(file.fileno())
        point("prune.before_swap")
        # After the checkpoint the old file has no log; one left behind would be replayed into the new file.
        path.with_name(path.name + ".wal").unlink(missing_ok=True)
        os.replace(copy, path)
    finally:
        copy.unlink(missing_ok=True)


def check(
    con: DuckDBPyConnection, key: str, section: str, layout: Layout, index: Index, *, engine: bool = True
) -> dict[str, Any]:
    """See `Catalog.check`."""
    base_now = registry.base(con, key, section, layout)
    problems: list[str] = []
    entities: dict[str, Any] = {}
    for entity, base in base_now.entities.items():
        table = layout.table(section, entity)
        if table is None:
            continue
        found = _rows(con, table)
        entities[entity] = found
        problems += [f"{entity}: {each}" for each in _judge(base, found)]
        if engine:
            current = f"SELECT h._row AS _row, {_values(table)} FROM {table.history} AS h WHERE h._to IS NULL"
            problems += [f"{entity}: {each}" for each in _index(table, base, index, Result(reader(con), current))]
    return {"ok": not problems, "snapshot": base_now.snapshot, "problems": problems, "entities": entities}


def _values(table: Table) -> str:
    from feedengine.store.reading import outputs

    return ", ".join(outputs(table, None))


def _rows(con: DuckDBPyConnection, table: Table) -> dict[str, int]:
    names = ("versions", "current", "largest_row", "twice", "backwards")
    twice = f"SELECT 1 FROM {table.history} WHERE _to IS NULL GROUP BY {table.id} HAVING count(*) > 1"
    row = con.execute(
        f"SELECT count(*), count(*) FILTER (_to IS NULL), coalesce(max(_row), 0), (SELECT count(*) FROM ({twice})), "
        f"count(*) FILTER (_to <= _from) FROM {table.history}"
    ).fetchall()[0]
    return dict(zip(names, row, strict=True))


def _judge(base: EntityBase, found: dict[str, int]) -> list[str]:
    problems = []
    if found["current"] != base.records:
        problems.append(f"{found['current']} current rows where the snapshot says {base.records}")
    if found["largest_row"] >= base.next_row:
        problems.append(f"row number {found['largest_row']} is used but the next one is said to be {base.next_row}")
    if found["twice"]:
        problems.append(f"{found['twice']} ids have more than one current row")
    if found["backwards"]:
        problems.append(f"{found['backwards']} versions end before they start")
    return problems


def _index(table: Table, base: EntityBase, index: Index, rows: Result) -> Sequence[str]:
    problems = []
    missing = [run for run in base.runs if not (index.folder / run).is_file()]
    if missing:
        problems.append(f"index files are missing: {', '.join(missing)} (the next plan makes them again)")
    totals = index.totals(table.spec, rows)
    for name in ("records", "active", "data_bytes", "digest"):
        if totals[name] != getattr(base, name):
            problems.append(f"the rows' {name} is {totals[name]}, the index and the snapshot say {getattr(base, name)}")
    return problems
