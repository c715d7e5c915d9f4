"""A key's catalog: what the other rooms see of the snapshot store."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from duckdb import DuckDBPyConnection

from feedengine.errors import BaseMoved, StoreDamaged, UsageError
from feedengine.faults import point
from feedengine.store import reading, registry, schema, text
from feedengine.store.arrow import Result
from feedengine.store.changes import changes
from feedengine.store.commit import Commit
from feedengine.store.database import (
    ALIAS,
    CHECKPOINT_BYTES,
    mapped,
    quoted,
    room_for,
    room_to_sort,
)
from feedengine.store.difference import Difference
from feedengine.store.hold import FILE, Hold
from feedengine.store.indexing import Index
from feedengine.store.lookup import Lookup
from feedengine.store.maintain import check, prune
from feedengine.store.maintain import compact as shrink
from feedengine.store.model import (
    ArrowStream,
    Base,
    Column,
    EntityBase,
    EntityState,
    SnapshotInfo,
    SnapshotMeta,
)
from feedengine.store.rollback import roll_back
from feedengine.store.schema import SHARED
from feedengine.store.trace import find, provenance, trace


class Catalog(Hold):
    """All sections of one key.

    A context manager. Not for use by two threads at once. Streams it gave must be read before it is closed or
    committed to.
    """

    @mapped()
    def sections(self) -> list[str]:
        """The sections that have a snapshot."""
        con = self._read()
        return sorted(schema.sections(con)) if con else []

    @mapped()
    def base(self, section: str) -> Base:
        """What is stored now, from bookkeeping alone."""
        con = self._read()
        if con is None:
            return Base(self.key, section, 0, {entity: EntityBase(entity) for entity in self.entities.names})
        return registry.base(con, self.key, section, self._layout(con))

    @mapped()
    def rows(self, section: str, entity: str, columns: Sequence[str] | None, rows: ArrowStream | None) -> ArrowStream:
        """Versions by `_row`, old ones too; all current rows when `rows` is None.

        The stream has `_row` and the columns asked for (None = all), without those that don't exist. `rows` is a
        stream with a column `_row`. No order.
        """
        # A section's first feed may already name groups that other sections brought.
        con = self._must_read(None if entity in self.entities.shared else section)
        table = self._table(con, section, entity)
        if table is None:
            return Result(reading.reader(con), "SELECT 0::BIGINT AS _row WHERE false")
        return reading.rows(con, table, columns, rows)

    @contextmanager
    def commit(self, section: str, base: Base) -> Iterator[Commit]:
        """Write one task: everything or nothing.

        Leaving the block without `Commit.finish` changes nothing. Raises `CatalogBusy` after the wait, `BaseMoved`
        if something was committed to the section since `base`.
        """
        with self.writing() as con:
            point("commit.locked")
            # Asked before the transaction, which would be lost if the answer is no.
            empty = not schema.has_meta(con)
            con.execute("BEGIN").fetchall()
            point("commit.begun")
            if empty:
                schema.create_meta(con)
            newest = registry.newest_number(con, section)
            if newest != base.snapshot:
                raise BaseMoved(
                    f"snapshot {base.snapshot} is no longer the newest of {self.key}/{section}: "
                    f"{newest} was committed meanwhile",
                    state=f"Nothing was changed. Snapshot {newest} is current.",
                )
            commit = Commit(con, section, base, self.options, self._profile)
            yield commit
            if not commit.finished:
                con.execute("ROLLBACK").fetchall()
                return
            with mapped(f"Snapshot {commit.number} is current."):
                point("commit.after_commit")
                self._checkpoint(con, always=commit.restructured)
                registry.collect_garbage(con, self.index_dir, commit.runs)

    def _checkpoint(self, con: DuckDBPyConnection, *, always: bool = False) -> None:
        """Move the log into the file if it is long.

        `always` after new tables: replayed from the log, they would forget their row group size, and the next
        checkpoint would rewrite them whole.
        """
        log = self.path().with_name(FILE + ".wal")
        if log.exists() and (always or log.stat().st_size > CHECKPOINT_BYTES):
            con.execute(f"CHECKPOINT {ALIAS}").fetchall()
            point("commit.after_checkpoint")

    @mapped()
    def applied(self, task: int, fingerprint: str | None) -> SnapshotInfo | None:
        """The snapshot that `task` made of the file with this fingerprint (None = not known): its applied mark."""
        found = [info for info in self.snapshots() if info.task == task]
        return next((info for info in reversed(found) if fingerprint in (None, info.fingerprint)), None)

    @mapped()
    def newest_task(self) -> int:
        """The highest task number that any snapshot names; 0 for none."""
        return max((info.task or 0 for info in self.snapshots()), default=0)

    @mapped()
    def snapshots(self, section: str | None = None) -> list[SnapshotInfo]:
        """Snapshots by number; of all sections for None."""
        con = self._read()
        return [] if con is None else registry.snapshots(con, section)

    def snapshot(self, number: int) -> SnapshotInfo:
        """One snapshot. Raises `SnapshotNotFound`."""
        return registry.one(self.snapshots(), number)

    @mapped()
    def rebuild_index(self, section: str) -> None:
        """Make the index files of a section and of what it shares again, from the rows. No new snapshot.

        Raises `StoreDamaged` if the rows are not what the snapshot says: then the rows are wrong, not the index.
        """
        index = Index(self.index_dir, self.secret, self.temp)
        with self.writing() as con:
            states: dict[tuple[str, str], EntityState] = {}
            # By the file's own declarations: the sums of what is stored follow from them.
            layout = schema.layout(con)
            for entity, base in registry.base(con, self.key, section, layout).entities.items():
                table = layout.table(section, entity)
                if table is None or not base.runs:
                    continue
                state = index.build(table.spec, reading.rows(con, table, None, None), base.next_row)
                if (state.records, state.digest) != (base.records, base.digest):
                    raise StoreDamaged(
                        f"{entity}: the stored rows are not those of snapshot {self.base(section).snapshot}",
                        state="Nothing was changed.",
                        hints=[{"text": "See what differs", "argv": ["feedengine", "snapshot", "check"]}],
                    )
                states[(table.schema, entity)] = state
            con.execute("BEGIN").fetchall()
            registry.replace_runs(con, states)
            point("index.before_commit")
            con.execute("COMMIT").fetchall()

    @mapped()
    def rollback(
        self,
        section: str,
        to: int,
        *,
        task: int | None = None,
        actor: str | None = None,
        reason: str | None = None,
        groups: bool | None = None,
    ) -> SnapshotInfo:
        """Make a new snapshot that equals snapshot `to`; the current one is given back if it already does.

        `groups` says whether what all sections share (item groups) goes back too; None = yes, unless another section
        changed it since: then `UsageError` asks. Raises `SnapshotNotFound`, `CatalogBusy`.
        """
        base = self.base(section)
        entities = self.entities
        registry.one(self.snapshots(), to, readable=True)
        if groups is None:
            others = sorted(
                {
                    info.section
                    for info in self.snapshots()
                    if info.number > to
                    and info.section != section
                    and any(entity in entities.shared for entity in info.entities)
                }
            )
            if others:
                what = " and ".join(sorted(each.replace("_", " ") for each in entities.shared))
                raise UsageError(
                    f"{what} were changed by {', '.join(others)} since snapshot {to}, and they share them: "
                    f"say whether the {what.removeprefix('item ')} go back too",
                    state="Nothing was changed.",
                )
        wanted = [entity for entity in entities.names if groups is not False or entity not in entities.shared]
        index = Index(self.index_dir, self.secret, self.temp)
        with self.commit(section, base) as commit:
            states: dict[str, EntityState] = {}
            counts: dict[str, Any] = {"to": to}
            for entity in wanted:
                if not commit.stores(entity):
                    continue
                done = roll_back(commit, entity, to, index)
                if done:
                    counts[entity], states[entity] = done
            if not states:
                return registry.one(self.snapshots(), base.snapshot)
            point("rollback.before_finish")
            return commit.finish(SnapshotMeta("rollback", states, task=task, actor=actor, reason=reason, counts=counts))

    @mapped()
    def changes(self, section: str, entity: str, a: int, b: int) -> ArrowStream:
        """What differs between snapshots `a` and `b` (0 = the empty catalog), one row a record.

        Columns: `_change` (added, removed, changed), the key, `fields` (changed ones only: the columns that differ),
        the stored columns as at `b`, and `before:<column>` as at `a`. Raises `SnapshotNotFound`.
        """
        con = self._must_read(section)
        known = registry.snapshots(con)
        for number in (a, b):
            if number:
                registry.one(known, number, readable=True)
        return changes(con, self._table(con, section, entity), self.entities.key(entity), a, b)

    @contextmanager
    def difference(self, section: str, a: int, b: int, also: Sequence[int] = ()) -> Iterator[Difference]:
        """What differs between snapshots `a` (0 = the empty catalog) and `b` as text for feeds; see `Difference`.

        Raises `SnapshotNotFound`, `DiskFull`.
        """
        con = self._must_read(section)
        known = registry.snapshots(con)
        for number in (a, b, *also):
            if number:
                registry.one(known, number, readable=True)
        place, entities = schema.sections(con)[section], self.entities
        tables = {entity: self._table(con, section, entity) for entity in entities.names}
        states = {
            at: {
                entity: state
                for (where, entity), (_, state) in registry.newest(con, at).items()
                if where in (place, SHARED)
            }
            for at in {a, b, *also}
        }
        widest = max((len(table.columns) for table in tables.values() if table), default=1)
        cursor = reading.reader(con)
        try:
            with mapped("Nothing was published."), room_to_sort(con, self.options, widest):
                yield Difference(cursor, entities, tables, states, a, b, also)
        finally:
            cursor.close()

    @mapped()
    def columns_at(self, section: str, entity: str, at: int | None = None) -> tuple[Column, ...]:
        """The columns an entity had at a snapshot; None = now. Raises `SnapshotNotFound`."""
        con = self._must_read(section)
        if at is not None:
            registry.one(registry.snapshots(con), at, readable=True)
        table = self._table(con, section, entity)
        if table is None:
            return ()
        there = tuple(column for column in table.columns if at is None or table.since[column.name] <= at)
        # Before the entity's first record it has its key at least.
        return there or table.columns[:1]

    @mapped()
    def export_rows(self, section: str, entity: str, at: int | None = None) -> ArrowStream:
        """The records at a snapshot (None = now): the stored columns, in no order. Raises `SnapshotNotFound`."""
        columns = [column.name for column in self.columns_at(section, entity, at)]
        con = self._must_read(section)
        table = self._table(con, section, entity)
        if table is None:
            return Result(reading.reader(con), f"SELECT '' AS {quoted(self.entities.key(entity))} WHERE false")
        return reading.state(con, table, columns, at)

    def write_text(
        self, section: str, entity: str, at: int | None, form: str, path: Path, *, ids: Mapping[str, str] | None = None
    ) -> tuple[bytes, int]:
        """Write the records at a snapshot to `path`, ordered by id: form csv, jsonl or parquet.

        `ids`: only what identifies them, in CSV, with these headings by column. Gives the bytes that belong before the
        file's content, and the number of records. Raises `SnapshotNotFound`, `DiskFull`, `UsageError` for a value that
        CSV cannot hold.
        """
        columns = self.columns_at(section, entity, at)
        con = self._must_read(section)
        table = self._table(con, section, entity)
        if table is None:
            path.write_bytes(b"")
            return b"", 0
        with mapped("The export was not written."), room_to_sort(con, self.options, len(columns)):
            return text.write(con, table, list(columns), at, form, path, ids=ids)

    @mapped()
    def meant(self, section: str, entity: str, named: str) -> str:
        """The id of the record that is meant by an id or, where that is unknown, by another of its identifiers.

        `named` itself where nothing is found. Raises `UsageError` where several records are.
        """
        con = self._must_read(section)
        table = self._table(con, section, entity)
        found = find(con, table, named) if table else []
        if len(found) > 1:
            raise UsageError(f"{named!r} may be {' or '.join(found)}: say which {entity} are meant by their id")
        return found[0] if found else named

    @mapped()
    def trace(self, section: str, entity: str, record: str) -> list[dict[str, Any]]:
        """A record's life, oldest first.

        Events are dicts: snapshot, created, operation, task, file, record (number in the file), change (added,
        changed, removed, purged, cascaded, cascade_purged), row, fields ({column: {before, after}}). Empty for an
        unknown id.
        """
        con = self._must_read(section)
        table = self._table(con, section, entity)
        return trace(con, table, record) if table else []

    @mapped()
    def provenance(self, section: str, entity: str, record: str) -> dict[str, dict[str, Any]]:
        """Where each value of a current record came from: {column: {value, snapshot, file, record, task, ...}}.

        It names the first version of the value's present run: a feed that repeats a value doesn't become its source,
        and a rollback gives it back to the feed that had set it. Empty for a record that is not there now.
        """
        con = self._must_read(section)
        table = self._table(con, section, entity)
        return provenance(con, table, record) if table else {}

    @mapped()
    def pin(self, number: int, on: bool = True) -> None:
        """Keep a snapshot from being pruned, or let it be again. Raises `SnapshotNotFound`."""
        registry.one(self.snapshots(), number, readable=True)
        with self.writing() as con:
            con.execute(f"UPDATE {schema.META}.snapshots SET pinned = ? WHERE snapshot = ?", [on, number]).fetchall()

    @mapped()
    def prune(self, section: str, *, keep: int, compact: bool = True) -> list[int]:
        """Forget all but the newest `keep` snapshots of a section, pinned ones aside; gives the numbers forgotten.

        Versions that a kept snapshot (of any section) can see stay. `compact` copies the file to give space back, for
        which as much disk must be free.
        """
        self._must_read(section)
        with self.writing() as con:
            widest = max((len(table.columns) for table in schema.layout(con).tables.values()), default=0)
            room_for(con, self.options, widest)
            con.execute("BEGIN").fetchall()
            gone = prune(con, section, keep)
            con.execute("COMMIT").fetchall()
            if gone:
                with mapped(f"Snapshots {', '.join(map(str, gone))} are forgotten; the file was not made smaller."):
                    con.execute(f"CHECKPOINT {ALIAS}").fetchall()
                    if compact:
                        shrink(con, self.path())
                        self._open = False
        return gone

    @mapped()
    def check(self, section: str, *, engine: bool = True) -> dict[str, Any]:
        """Whether rows, snapshot and index agree: {"ok", "snapshot", "problems": [sentences], "entities"}.

        Reads everything. `engine=False` leaves the index out.
        """
        con = self._must_read(section)
        with mapped():
            index = Index(self.index_dir, self.secret, self.temp)
            return check(con, self.key, section, self._layout(con), index, engine=engine)

    @mapped()
    def sql(self, query: str, section: str | None = None) -> ArrowStream:
        """Ask in SQL. The section's views come without its name: `FROM items`. Raises `UsageError` for bad SQL."""
        con = self._must_read(section)
        return reading.ask(con, query, schema.sections(con).get(section) if section else None)

    @mapped()
    def dangling_groups(self, section: str, entity: str, rows: ArrowStream, but: ArrowStream | None) -> int:
        """How many current records of `entity` refer to a record (an item to a group) whose stored row is in `rows`
        (`_row`).

        Those in `but` (`_row`) are left out: the task closes them.
        """
        con = self._must_read(section)
        field, target = self.entities.spec(entity)["refers"]
        groups, named = (self._table(con, section, each) for each in (target, entity))
        if groups is None or named is None or field not in named.physical:
            return 0
        return reading.dangling(con, groups, named, field, rows, but)

    @mapped()
    def breakdown(self, section: str, entity: str, column: str, rows: ArrowStream, limit: int) -> list[dict[str, Any]]:
        """The commonest values of a column among the versions in `rows` (`_row`): column, value, lost.

        Every member of a list counts.
        """
        con = self._must_read(section)
        table = self._table(con, section, entity)
        return reading.breakdown(con, table, column, rows, limit) if table and column in table.physical else []

    @mapped()
    def lookup(self, section: str, entity: str) -> Lookup | None:
        """Questions about a few current records; None where the entity has none yet. Raises `CatalogNotFound`."""
        con = self._must_read(None if entity in self.entities.shared else section)
        table = self._table(con, section, entity)
        return Lookup(con, table) if table else None
