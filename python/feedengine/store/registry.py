"""The bookkeeping of a key's file: states of entities, the list of snapshots, index files in use."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from duckdb import DuckDBPyConnection

from feedengine.errors import SnapshotNotFound
from feedengine.store import schema
from feedengine.store.model import (
    Base,
    EntityBase,
    EntityState,
    SnapshotInfo,
    SnapshotMeta,
)
from feedengine.store.schema import META, SHARED

#: An index file without a snapshot may belong to a plan that is about to commit, or to one that still reads it.
_GRACE_SECONDS = 600.0


def base(con: DuckDBPyConnection, key: str, section: str, layout: schema.Layout) -> Base:
    """What is stored now for a section and the entities it shares."""
    states = newest(con)
    entities = {}
    number = 0
    for entity in layout.entities.names:
        scope = layout.place(section, entity)
        held = layout.table(section, entity)
        snapshot, state = states.get((scope, entity), (0, None)) if scope else (0, None)
        number = max(number, snapshot)
        columns = held.columns if held else ()
        if state is None:
            entities[entity] = EntityBase(entity, columns=columns)
        else:
            entities[entity] = EntityBase(
                entity, state.records, state.active, state.data_bytes, state.next_row, state.digest, columns, state.runs
            )
    return Base(key, section, number, entities)


def newest_number(con: DuckDBPyConnection, section: str) -> int:
    """The number of the newest snapshot that changed the section or what it shares; 0 before the first."""
    found = con.execute(
        f"SELECT max(snapshot) FROM {META}.states WHERE schema = '{SHARED}' "
        f"OR schema = (SELECT schema FROM {META}.sections WHERE section = ?)",
        [section],
    ).fetchall()
    return int(found[0][0] or 0)


_STATE = "records, active, data_bytes, next_row, digest, runs"


def newest(con: DuckDBPyConnection, at: int | None = None) -> dict[tuple[str, str], tuple[int, EntityState]]:
    """The newest state of every (schema, entity), with the snapshot that wrote it; as of `at` if given."""
    until = f"WHERE snapshot <= {at}" if at is not None else ""
    rows = con.execute(
        f"SELECT schema, entity, snapshot, {_STATE} FROM {META}.states {until} "
        "QUALIFY row_number() OVER (PARTITION BY schema, entity ORDER BY snapshot DESC) = 1"
    ).fetchall()
    return {(row[0], row[1]): (row[2], _state(row[3:])) for row in rows}


def _state(row: Sequence[Any]) -> EntityState:
    records, active, data_bytes, next_row, digest, runs = row
    return EntityState(records, active, data_bytes, next_row, digest, tuple(json.loads(runs)))


#: Fields of `SnapshotInfo` that are columns, in the table's order.
_SNAPSHOT = (
    *("number", "section", "operation", "force", "task", "reason", "actor", "file", "fingerprint"),
    *("created", "counts", "pinned", "pruned"),
)


def written(con: DuckDBPyConnection, number: int, states: Mapping[str, EntityState]) -> SnapshotInfo:
    """Snapshot `number`, which `write` has just added with these states by entity."""
    row = con.execute(f"SELECT * FROM {META}.snapshots WHERE snapshot = ?", [number]).fetchall()[0]
    return _info(row, states, current=True)


def _info(row: Sequence[Any], states: Mapping[str, EntityState], *, current: bool) -> SnapshotInfo:
    values = dict(zip(_SNAPSHOT, row, strict=True)) | {"counts": json.loads(row[10])}
    return SnapshotInfo(**values, entities=states, current=current)


def snapshots(con: DuckDBPyConnection, section: str | None = None) -> list[SnapshotInfo]:
    """All snapshots in order, with the states each one wrote."""
    states: dict[int, dict[str, EntityState]] = {}
    for number, entity, *rest in con.execute(f"SELECT snapshot, entity, {_STATE} FROM {META}.states").fetchall():
        states.setdefault(number, {})[entity] = _state(rest)
    rows = con.execute(f"SELECT * FROM {META}.snapshots ORDER BY snapshot").fetchall()
    last = {row[1]: row[0] for row in rows}
    return [
        _info(row, states.get(row[0], {}), current=last[row[1]] == row[0])
        for row in rows
        if section is None or row[1] == section
    ]


def one(known: Iterable[SnapshotInfo], number: int, *, readable: bool = False) -> SnapshotInfo:
    """Snapshot `number` of `known`; `readable` also wants its rows to be there. Raises `SnapshotNotFound`."""
    known = list(known)
    found = next((info for info in known if info.number == number), None)
    if found and not (readable and found.pruned):
        return found
    what = f"snapshot {number} was pruned" if found else f"no snapshot {number}"
    raise SnapshotNotFound(f"{what}; available: {_ranges(info.number for info in known if not info.pruned)}")


def _ranges(numbers: Iterable[int]) -> str:
    """1, 3-5."""
    spans: list[list[int]] = []
    for number in numbers:
        if spans and spans[-1][1] == number - 1:
            spans[-1][1] = number
        else:
            spans.append([number, number])
    return ", ".join(str(a) if a == b else f"{a}-{b}" for a, b in spans) or "none"


def next_number(con: DuckDBPyConnection) -> int:
    """The number of the snapshot a commit is making."""
    return int(con.execute(f"SELECT coalesce(max(snapshot), 0) + 1 FROM {META}.snapshots").fetchall()[0][0])


def write(
    con: DuckDBPyConnection,
    number: int,
    section: str,
    meta: SnapshotMeta,
    states: Mapping[tuple[str, str], EntityState],
) -> None:
    """Add the snapshot's row and the states it wrote, by (schema, entity)."""
    con.execute(
        f"INSERT INTO {META}.snapshots VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, now() AT TIME ZONE 'UTC', ?, false, false)",
        [
            number,
            section,
            meta.operation,
            meta.force,
            meta.task,
            meta.reason,
            meta.actor,
            meta.file,
            meta.fingerprint,
            json.dumps(meta.counts),
        ],
    ).fetchall()
    for (place, entity), state in states.items():
        con.execute(
            f"INSERT INTO {META}.states VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            [
                number,
                place,
                entity,
                state.records,
                state.active,
                state.data_bytes,
                state.next_row,
                state.digest,
                json.dumps(state.runs),
            ],
        ).fetchall()


def replace_runs(con: DuckDBPyConnection, states: Mapping[tuple[str, str], EntityState]) -> None:
    """Name other index files for the newest states."""
    for (place, entity), state in states.items():
        con.execute(
            f"UPDATE {META}.states AS s SET runs = ? WHERE schema = ? AND entity = ? AND snapshot = "
            f"(SELECT max(snapshot) FROM {META}.states WHERE schema = s.schema AND entity = s.entity)",
            [json.dumps(state.runs), place, entity],
        ).fetchall()


def live_runs(con: DuckDBPyConnection) -> frozenset[str]:
    """Names of the index files in use."""
    return frozenset(run for _, state in newest(con).values() for run in state.runs)


def collect_garbage(con: DuckDBPyConnection, index_dir: Path, sure: Iterable[str]) -> int:
    """Delete index files no state names, unless they are young; gives how many. `sure` ones are known to be named."""
    oldest = time.time() - _GRACE_SECONDS
    known = set(sure)
    old = [entry for entry in index_dir.iterdir() if entry.name not in known and _is_old(entry, oldest)]
    if not old:
        return 0
    live = live_runs(con)
    gone = [entry for entry in old if entry.name not in live]
    for entry in gone:
        entry.unlink(missing_ok=True)
    return len(gone)


def _is_old(entry: Path, oldest: float) -> bool:
    return entry.is_file() and entry.stat().st_mtime < oldest
