"""A process's hold on the file of a catalog: open for reading, for writing under the writer's lock, or let go."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import Self

from duckdb import DuckDBPyConnection
from duckdb import Error as DuckDBError

from feedengine.errors import CatalogNotFound, StoreDamaged
from feedengine.store import schema
from feedengine.store.database import ALIAS, attach, mapped, room_for, start, trim, worn
from feedengine.store.entities import Entities, constructor
from feedengine.store.lock import writer_lock
from feedengine.store.model import Options

FILE = "catalog.duckdb"


class Hold:
    """Opens the file read-only when it is first read, for writing only while something is written."""

    def __init__(
        self,
        key: str,
        folder: Path,
        temp: Path,
        secret: bytes,
        options: Options,
        idle: list[DuckDBPyConnection] | None = None,
        profile: Entities | None = None,
    ) -> None:
        self.key = key
        self.folder = folder
        self.index_dir = folder / "index"
        self.index_dir.mkdir(exist_ok=True)
        self.temp = temp
        self.secret = secret
        self.options = options
        # DuckDB without a file, left by a store's last catalog for its next one: starting it takes longer than a patch.
        self._idle = [] if idle is None else idle
        self._duckdb: DuckDBPyConnection | None = None
        self._open = False
        # Whether the file is open for reading only, and what was learnt of it since.
        self._fixed = False
        self._known: schema.Layout | None = None
        # What a feed is read by; None = what the file says.
        self._profile = profile

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the file, so that a writer may have it; the next read opens it again."""
        self._detach()
        if self._duckdb is not None and not self._idle:
            with suppress(DuckDBError):  # Where something holds on to its memory, all of it goes, too.
                if not worn(self._duckdb, self.options):
                    self._idle.append(self._duckdb)
                    self._duckdb = None
        self._drop()

    def _drop(self) -> None:
        """Give DuckDB up, whatever state it is in."""
        if self._duckdb is not None:
            self._duckdb.close()
            trim()
            self._duckdb = None
            self._open = False

    def path(self) -> Path:
        """The DuckDB file, for other tools: open it read-only."""
        return self.folder / FILE

    @property
    @mapped()
    def entities(self) -> Entities:
        """What entities there are: the profile's, else the file's own, else Constructor's.

        Raises `IncompatibleProfile`.
        """
        con = self._read()
        return self._layout(con).entities if con else self._profile or constructor()

    @property
    @mapped()
    def stored_profile(self) -> Entities | None:
        """What the file itself says its entities are; None while there is no file."""
        con = self._read()
        if con is None:
            return None
        return schema.entities(con) if self._profile else self._layout(con).entities

    def read_by(self, profile: Entities) -> None:
        """Read what is stored by the declarations of `profile` from now on, and keep them with the next commit."""
        self._profile = profile
        if self._known and profile.differs(self._known.entities):
            self._known = None

    @contextmanager
    def writing(self) -> Iterator[DuckDBPyConnection]:
        """A connection with the file open for writing under the writer's lock; what is not committed is undone."""
        self._detach()
        with writer_lock(self.folder / "lock", self.options.wait_seconds, self.options.notify), mapped():
            self._lost()
            con = self._start()
            attach(con, self.path(), self.options, write=True)
            self._open, self._fixed = True, False
            self._known = None
            try:
                yield con
            except BaseException:
                # Whatever state the connection is in: closing it undoes the transaction.
                self._drop()
                raise
            self._detach()

    def _must_read(self, section: str | None) -> DuckDBPyConnection:
        """The open file. Raises `CatalogNotFound` if it or the section is not there."""
        con = self._read()
        known = self._layout(con).sections if con else {}
        if con is None or (section is not None and section not in known):
            raise CatalogNotFound(
                f"no section {section!r} in {self.key}; known: {', '.join(sorted(known)) or 'none'}",
                state="Nothing was changed.",
            )
        return con

    def _table(self, con: DuckDBPyConnection, section: str, entity: str) -> schema.Table | None:
        layout = self._layout(con)
        layout.entities.spec(entity)
        table = layout.table(section, entity)
        if table is not None:
            room_for(con, self.options, len(table.columns))
        return table

    def _layout(self, con: DuckDBPyConnection) -> schema.Layout:
        """What the file holds; while it is open for reading nobody can change it."""
        known = self._known or schema.layout(con, self._profile)
        self._known = known if self._fixed else None
        return known

    def _start(self) -> DuckDBPyConnection:
        if self._duckdb is None:
            with mapped():
                self._duckdb = self._idle.pop() if self._idle else start(self.temp, self.options)
        return self._duckdb

    def _detach(self) -> None:
        """Let go of the file but keep DuckDB, which costs more to start than to attach."""
        if self._duckdb is None or not self._open:
            return
        try:
            self._duckdb.execute(f"DETACH {ALIAS}").fetchall()
            self._open = False
        except DuckDBError:
            # A result somebody left half read: give up the whole of it.
            self._drop()

    def _read(self) -> DuckDBPyConnection | None:
        """DuckDB with the file open, read-only unless a commit is under way; None while there is nothing to read."""
        if not self._open:
            if not self.path().exists():
                self._lost()
                return None
            con = self._start()
            attach(con, self.path(), self.options, write=False)
            self._open = self._fixed = True
            self._known = None
            with mapped():
                if not schema.has_meta(con):
                    self._detach()
                    return None
        return self._duckdb

    def _lost(self) -> None:
        """Raise `StoreDamaged` if the file is gone although there was one: taken for empty, it would be overwritten.

        Index files are only written while the file is open for writing, so they tell.
        """
        if not self.path().exists() and any(self.index_dir.glob("*.run")):
            raise StoreDamaged(
                f"the catalog file {self.path()} is gone, its index is still there",
                state="Nothing was changed.",
                hints=[{"text": f"Restore the file from a backup, or remove {self.folder} to begin anew", "argv": []}],
            )
