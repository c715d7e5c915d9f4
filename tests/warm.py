"""Spares tests what a process does once and every store of a test would do anew: DuckDB's start, the ledger's tables.

A service has one store for all its life, the process of the tests has thousands. DuckDB, which a store keeps for its
next catalog, is kept for the next store; a new ledger is a copy of one that was made as all are. The tests of the two
rooms themselves, and every command and service in a process of its own, know nothing of this.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from sqlite3 import Connection
from typing import TYPE_CHECKING
from unittest import mock

from feedengine.ledger.database import Database
from feedengine.store import Options, Store

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

#: DuckDB without a file and what it was last set to; at most one, as a store keeps it.
_kept: list[tuple[DuckDBPyConnection, Path, Options]] = []
#: Those of a process that this one was forked from: their threads are not here, not even to end them.
_elsewhere: list[tuple[DuckDBPyConnection, Path, Options]] = []


class _Idle:
    """What a store keeps for its next catalog: where it has none, another store's, made to suit it."""

    def __init__(self, store: Store) -> None:
        self._tmp, self._options = store.tmp, store.options

    def __len__(self) -> int:
        return len(_kept)

    def append(self, connection: DuckDBPyConnection) -> None:
        _kept.append((connection, self._tmp, self._options))

    def pop(self) -> DuckDBPyConnection:
        """One with the store's settings. A temporary folder that was used cannot be changed: then a new one."""
        import duckdb

        from feedengine.store.database import literal, start, threads

        connection, tmp, options = _kept.pop()
        if (tmp, options) == (self._tmp, self._options):
            return connection
        try:
            connection.execute(f"SET temp_directory = {literal(str(self._tmp))}").fetchall()
            connection.execute(f"SET memory_limit = '{max(self._options.memory >> 20, 32)}MiB'").fetchall()
            connection.execute(threads(self._options)).fetchall()
        except duckdb.Error:
            connection.close()
            return start(self._tmp, self._options)
        return connection


@cache
def _tables() -> bytes:
    """A new ledger's file."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "ledger.sqlite"
        path.touch()  # What is there is not copied.
        made = Database(path)
        with made.read():
            pass
        made.close()
        return path.read_bytes()


def _copied(path: Path) -> None:
    """Make a new ledger, whole at once, unless somebody else was first."""
    part = path.with_name(f"{path.name}.{os.urandom(4).hex()}")
    # Where it cannot be made so, it is made as usual, with whatever error belongs there.
    with suppress(OSError):
        part.write_bytes(_tables())
        try:
            os.link(part, path)
        finally:
            part.unlink()


@contextmanager
def warm() -> Iterator[None]:
    """Stores and ledgers of this process are made so within the block."""
    plain, connection = Store.__init__, Database._connection

    def keeps(store: Store, root: Path, secret: bytes, options: Options) -> None:
        plain(store, root, secret, options)
        store._idle = _Idle(store)  # type: ignore[assignment]

    def opened(database: Database) -> Connection:
        if database._con is None and not database.path.exists():
            _copied(database.path)
        return connection(database)

    with mock.patch.object(Store, "__init__", keeps), mock.patch.object(Database, "_connection", opened):
        yield


def _forked() -> None:
    _elsewhere.extend(_kept)
    _kept.clear()


os.register_at_fork(after_in_child=_forked)
