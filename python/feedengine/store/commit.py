"""One task's write: close versions, insert versions, add the snapshot; one DuckDB transaction."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress

import duckdb
from duckdb import DuckDBPyConnection

from feedengine.errors import BaseMoved, StoreDamaged
from feedengine.faults import point
from feedengine.store import registry, schema
from feedengine.store.arrow import source
from feedengine.store.database import ROW_GROUP_SIZE, literal, room_for, threads
from feedengine.store.entities import Entities
from feedengine.store.model import (
    CASCADE_PURGED,
    PURGED,
    REPLACED,
    ArrowStream,
    Base,
    Column,
    EntityState,
    Options,
    SnapshotInfo,
    SnapshotMeta,
)
from feedengine.store.schema import META, Table


class Commit:
    """The open transaction of one task; `Catalog.commit` makes it. Call `close` before `insert` for an entity."""

    def __init__(
        self, con: DuckDBPyConnection, section: str, base: Base, options: Options, wanted: Entities | None = None
    ) -> None:
        self.base = base
        self._options = options
        self.section = section
        self.number = registry.next_number(con)
        self.finished = False
        #: Index files of the states that were written.
        self.runs: frozenset[str] = frozenset()
        #: Whether tables or columns were made.
        self.restructured = False
        self.con = con
        self._schema = schema.add_section(con, section)
        # Refuses what does not fit, before it is written down.
        self._layout = schema.layout(con, wanted)
        if wanted is not None and wanted.differs(schema.entities(con)):
            schema.declare(con, wanted)

    def table(self, entity: str) -> Table:
        """The entity's table, made if need be."""
        return self.add_columns(entity, ())

    def add_columns(self, entity: str, columns: Sequence[Column]) -> Table:
        """Make columns known to the entity; those it has are passed over. Rows stay as they are stored."""
        place = self._place(entity)
        known = self._layout.tables.get((place, entity))
        most = len(known.columns if known else ()) + len(columns)
        self._options = room_for(self.con, self._options, most)
        table = schema.add_columns(self.con, self._layout, place, entity, columns, self.number)
        self.restructured = self.restructured or table != known
        return table

    def stores(self, entity: str) -> bool:
        """Whether anything of the entity was ever stored."""
        return (self._place(entity), entity) in self._layout.tables

    def close(self, entity: str, stream: ArrowStream) -> int:
        """End current versions: a stream of `_row`, `_reason` (see `model.REASONS`; 0 = replaced). Gives how many.

        Raises `StoreDamaged` if a row is not current: the index that named it is of another state.
        """
        table, con = self.table(entity), self.con
        with source(con, stream) as (view, names):
            row, reason = f"c{names.index('_row')}", f"c{names.index('_reason')}"
            con.execute(
                f"CREATE OR REPLACE TEMP TABLE closing AS SELECT {row}::BIGINT AS _row, {reason}::INTEGER AS _reason "
                f"FROM {view}"
            ).fetchall()
        closed = self.close_staged(table, "closing")
        point("commit.after_close")
        return closed

    def close_staged(self, table: Table, staged: str) -> int:
        """`close` for a temporary table with `_row` and `_reason`, which is dropped."""
        con, entity = self.con, table.entity
        wanted, removals = con.execute(
            f"SELECT count(*), count(*) FILTER (_reason <> {REPLACED}) FROM {staged}"
        ).fetchall()[0]
        closed = con.execute(
            f"UPDATE {table.history} AS h SET _to = {self.number} FROM {staged} AS s "
            "WHERE h._row = s._row AND h._to IS NULL"
        ).fetchall()[0][0]
        if closed != wanted:
            raise self._disagreement(f"{wanted - closed} of {wanted} {entity} to be closed are not current")
        if removals:
            self._remember_removals(table, staged)
        con.execute(f"DROP TABLE {staged}").fetchall()
        return int(closed)

    def _remember_removals(self, table: Table, staged: str) -> None:
        place = f"{self.number}, {literal(table.schema)}, {literal(table.entity)}"
        found = f"FROM {staged} AS s JOIN {table.history} AS h ON h._row = s._row"
        self.con.execute(
            f"INSERT INTO {META}.removals SELECT {place}, h.{table.id}, h._row, s._reason {found} "
            f"WHERE s._reason <> {REPLACED}"
        ).fetchall()
        self.con.execute(
            f"INSERT INTO {META}.learnings_purged SELECT {place}, h.{table.id} {found} "
            f"WHERE s._reason IN ({PURGED}, {CASCADE_PURGED})"
        ).fetchall()

    def insert(self, entity: str, stream: ArrowStream, expected: int = 0) -> int:
        """Add whole records: a stream of `_row`, `_record` and columns that were made known. Gives how many.

        `expected` is about how many there will be.
        """
        table = self.table(entity)
        with self._hands(expected), source(self.con, stream) as (view, names):
            position = {name: f"c{index}" for index, name in enumerate(names)}
            fields = [name for name in names if name not in ("_row", "_record")]
            targets = ["_row", "_from", "_record", *(table.column(name) for name in fields)]
            values = [position["_row"], str(self.number), position.get("_record", "NULL")]
            values += [position[name] for name in fields]
            count = self.con.execute(
                f"INSERT INTO {table.history} ({', '.join(targets)}) SELECT {', '.join(values)} FROM {view}"
            ).fetchall()[0][0]
        point("commit.after_insert")
        return int(count)

    @contextmanager
    def _hands(self, rows: int) -> Iterator[None]:
        """As many threads as are good for inserting `rows`.

        Each thread leaves a row group half filled, which the checkpoint then writes again with those beside it:
        60,000 rows take one thread 0.4 s and two threads 1.1 s (measured). Many rows make up for that.
        """
        if rows >= 8 * ROW_GROUP_SIZE:
            yield
            return
        self.con.execute("SET threads = 1").fetchall()
        try:
            yield
        finally:
            # After a failure the transaction takes no more statements; the connection then goes as a whole.
            with suppress(duckdb.Error):
                self.con.execute(threads(self._options)).fetchall()

    def insert_patched(self, entity: str, stream: ArrowStream) -> int:
        """Add records as copies of old versions with some columns changed. Gives how many.

        The stream has `_old_row`, `_row`, `_record` and the changed columns with their final values; everything else
        is copied from version `_old_row`.
        """
        table, con = self.table(entity), self.con
        with source(con, stream) as (view, names):
            service = ("_old_row", "_row", "_record")
            fields = [name for name in names if name not in service]
            # Staged, so that DuckDB knows how few they are and joins the right way round.
            chosen = ", ".join(f"c{index} AS p{index}" for index in range(len(names)))
            con.execute(f"CREATE OR REPLACE TEMP TABLE patched AS SELECT {chosen} FROM {view}").fetchall()
        position = {name: f"p.p{index}" for index, name in enumerate(names)}
        targets = ["_row", "_from", "_record", *(table.column(column.name) for column in table.columns)]
        values = [position["_row"], str(self.number), position.get("_record", "NULL")]
        values += [position[name] if name in fields else f"h.{table.column(name)}" for name in table.physical]
        for name in fields:
            table.column(name)
        count, wanted = (
            con.execute(sql).fetchall()[0][0]
            for sql in (
                f"INSERT INTO {table.history} ({', '.join(targets)}) SELECT {', '.join(values)} "
                f"FROM patched AS p JOIN {table.history} AS h ON h._row = {position['_old_row']}",
                "SELECT count(*) FROM patched",
            )
        )
        con.execute("DROP TABLE patched").fetchall()
        if count != wanted:
            raise self._disagreement(f"{wanted - count} of {wanted} {entity} to be patched are not stored")
        point("commit.after_patched")
        return int(count)

    def finish(self, meta: SnapshotMeta) -> SnapshotInfo:
        """Add the snapshot and commit. Raises `BaseMoved` if `meta.task` has already been applied.

        A number alone is no mark: a ledger that was lost or restored gives numbers a second time, to other files.
        """
        con = self.con
        if meta.task is not None:
            before = con.execute(
                f"SELECT snapshot FROM {META}.snapshots WHERE task = ? AND fingerprint IS NOT DISTINCT FROM ?",
                [meta.task, meta.fingerprint],
            ).fetchall()
            if before:
                raise BaseMoved(
                    f"task {meta.task} was already applied as snapshot {before[0][0]}",
                    state=f"Nothing was changed. Snapshot {self.base.snapshot} is current.",
                )
        states = {entity: _state(state) for entity, state in meta.entities.items()}
        placed = {(self._place(entity), entity): state for entity, state in states.items()}
        registry.write(con, self.number, self.section, meta, placed)
        info = registry.written(con, self.number, states)
        point("commit.before_commit")
        con.execute("COMMIT").fetchall()
        self.finished = True
        self.runs = frozenset(run for state in states.values() for run in state.runs)
        return info

    def _disagreement(self, what: str) -> StoreDamaged:
        return StoreDamaged(
            f"{what}: the index disagrees with the store",
            state=f"Nothing was changed. Snapshot {self.base.snapshot} is current.",
            hints=[{"text": "Compare and repair", "argv": ["feedengine", "snapshot", "check"]}],
        )

    def _place(self, entity: str) -> str:
        return self._layout.place(self.section, entity) or self._schema


def _state(state: EntityState | Mapping[str, object]) -> EntityState:
    return state if isinstance(state, EntityState) else EntityState.of(state)
