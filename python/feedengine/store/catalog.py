"""A key's catalog: what the other rooms see of the snapshot store."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType

from duckdb import DuckDBPyConnection

from feedengine.errors import BaseMoved
from feedengine.faults import point
from feedengine.store import reading, registry, schema
from feedengine.store.commit import Commit
from feedengine.store.database import mapped, open_file
from feedengine.store.lock import writer_lock
from feedengine.store.model import ENTITIES, ArrowStream, Base, EntityBase, Options, SnapshotInfo

FILE = "catalog.duckdb"


class Catalog:
    """All sections of one key. Opens its file read-only when first read, for writing only while committing.

    A context manager. Not for use by two threads at once. Streams it gave must be read before it is closed or
    committed to.
    """

    def __init__(self, key: str, folder: Path, temp: Path, secret: bytes, options: Options) -> None:
        self.key = key
        self.folder = folder
        self.index_dir = folder / "index"
        self.index_dir.mkdir(exist_ok=True)
        self.temp = temp
        self.secret = secret
        self.options = options
        self._reader: DuckDBPyConnection | None = None

    def __enter__(self) -> Catalog:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the file, so that a writer may have it; the next read opens it again."""
        if self._reader is not None:
            self._reader.close()
            self._reader = None

    def path(self) -> Path:
        """The DuckDB file, for other tools: open it read-only."""
        return self.folder / FILE

    def sections(self) -> list[str]:
        """The sections that have a snapshot."""
        con = self._read()
        return sorted(schema.sections(con)) if con else []

    def base(self, section: str) -> Base:
        """What is stored now, from bookkeeping alone."""
        con = self._read()
        if con is None:
            return Base(self.key, section, 0, {entity: EntityBase(entity) for entity in ENTITIES})
        return registry.base(con, self.key, section)

    def rows(self, section: str, entity: str, columns: Sequence[str] | None, rows: ArrowStream | None) -> ArrowStream:
        """Versions by `_row`, old ones too; all current rows when `rows` is None.

        The stream has `_row` and the columns asked for (None = all), without those that don't exist. `rows` is a
        stream with a column `_row`. No order.
        """
        con = self._read()
        with mapped():
            return reading.rows(con, registry.table(con, section, entity), columns, rows)

    @contextmanager
    def commit(self, section: str, base: Base) -> Iterator[Commit]:
        """Write one task: everything or nothing.

        Leaving the block without `Commit.finish` changes nothing. Raises `CatalogBusy` after the wait, `BaseMoved`
        if something was committed to the section since `base`.
        """
        with self.writing() as con:
            point("commit.locked")
            con.execute("BEGIN").fetchall()
            point("commit.begun")
            if not schema.has_meta(con):
                schema.create_meta(con)
            now = registry.base(con, self.key, section)
            if now.snapshot != base.snapshot:
                raise BaseMoved(
                    f"snapshot {base.snapshot} is no longer the newest of {self.key}/{section}: "
                    f"{now.snapshot} was committed meanwhile",
                    state=f"Nothing was changed. Snapshot {now.snapshot} is current.",
                    hints=[{"text": "Plan again", "argv": []}],
                )
            commit = Commit(con, section, now, self.index_dir)
            yield commit
            if not commit.finished:
                con.execute("ROLLBACK").fetchall()
        if commit.finished:
            registry.collect_garbage(self.index_dir, commit.live_runs)

    @contextmanager
    def writing(self) -> Iterator[DuckDBPyConnection]:
        """A read-write connection under the writer's lock; closed, and so rolled back, at the end."""
        self.close()
        wait, notify = self.options.wait_seconds, self.options.notify
        with writer_lock(self.folder / "lock", wait, notify), mapped():
            con = open_file(self.path(), self.temp, self.options, write=True)
            try:
                yield con
            finally:
                con.close()

    def applied(self, task: int) -> SnapshotInfo | None:
        """The snapshot that `task` made, if it made one: its applied mark."""
        con = self._read()
        if con is None:
            return None
        found = [info for info in registry.snapshots(con) if info.task == task]
        return found[0] if found else None

    def snapshots(self, section: str | None = None) -> list[SnapshotInfo]:
        """Snapshots by number; of all sections for None."""
        con = self._read()
        return [] if con is None else registry.snapshots(con, section)

    def snapshot(self, number: int) -> SnapshotInfo:
        """One snapshot. Raises `SnapshotNotFound`."""
        return registry.one(self.snapshots(), number)

    def _read(self) -> DuckDBPyConnection | None:
        """The read-only connection; None while there is nothing to read."""
        if self._reader is None:
            if not self.path().exists():
                return None
            with mapped():
                con = open_file(self.path(), self.temp, self.options, write=False)
                if not schema.has_meta(con):
                    con.close()
                    return None
            self._reader = con
        return self._reader
