"""The ledger's file: one connection, short transactions, formats brought up to date, errors turned into ours."""

from __future__ import annotations

import errno
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

from feedengine.errors import CatalogBusy, DiskFull, FeedEngineError, StoreDamaged
from feedengine.ledger.schema import SCRIPTS

_BUSY_SECONDS = 30.0


class Database:
    """One SQLite file (WAL): readers never wait for a writer.

    Safe for several threads and processes. Raises `DiskFull`, `StoreDamaged`, `CatalogBusy`.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = threading.RLock()
        self._con: sqlite3.Connection | None = None

    def close(self) -> None:
        """Let go of the file; the next call opens it again."""
        with self._lock:
            if self._con is not None:
                self._con.close()
                self._con = None

    @contextmanager
    def read(self) -> Iterator[sqlite3.Connection]:
        with self._lock, mapped():
            yield self._connection()

    @contextmanager
    def write(self, *, lasting: bool = False) -> Iterator[sqlite3.Connection]:
        """A transaction; one inside another is part of it.

        A `lasting` one is on the disk before this returns. The others survive the death of the process, and a power
        failure takes at most the last of them, never the order: what they say can be found out again.
        """
        with self._lock, mapped():
            con = self._connection()
            if con.in_transaction:
                yield con
                return
            con.execute(f"PRAGMA synchronous = {'FULL' if lasting else 'NORMAL'}")
            con.execute("BEGIN IMMEDIATE")
            try:
                yield con
                con.execute("COMMIT")
            except BaseException:
                # One that could not be committed is open still, and the next would become part of it.
                if con.in_transaction:
                    con.execute("ROLLBACK")
                raise

    def _connection(self) -> sqlite3.Connection:
        if self._con is None:
            con = sqlite3.connect(self.path, timeout=_BUSY_SECONDS, isolation_level=None, check_same_thread=False)
            try:
                con.execute("PRAGMA journal_mode = WAL")
                con.execute("PRAGMA foreign_keys = ON")
                if _format(con) < len(SCRIPTS):
                    _bring_up_to_date(con)
                if _format(con) != len(SCRIPTS):
                    raise StoreDamaged(
                        f"the ledger has format {_format(con)}; this feedengine reads format {len(SCRIPTS)}"
                    )
            except BaseException:
                con.close()
                raise
            self._con = con
        return self._con


def _format(con: sqlite3.Connection) -> int:
    return int(con.execute("PRAGMA user_version").fetchone()[0])


def _bring_up_to_date(con: sqlite3.Connection) -> None:
    con.execute("BEGIN IMMEDIATE")
    try:
        # Another process may have been first.
        for script in SCRIPTS[_format(con) :]:
            for statement in script.split(";\n"):
                if statement.strip():
                    con.execute(statement)
        con.execute(f"PRAGMA user_version = {len(SCRIPTS)}")
    except BaseException:
        con.execute("ROLLBACK")
        raise
    con.execute("COMMIT")


def now() -> str:
    """The time as the ledger writes it: UTC, seconds."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def moment(seconds: float = 0.0) -> str:
    """The time so many seconds from now, to the millisecond: for leases and waits, which are compared as text."""
    when = datetime.now(UTC) + timedelta(seconds=seconds)
    return when.strftime("%Y-%m-%dT%H:%M:%S.") + f"{when.microsecond // 1000:03}Z"


@contextmanager
def mapped() -> Iterator[None]:
    """Turn SQLite's and the system's exceptions into ours."""
    try:
        yield
    except FeedEngineError:
        raise
    except sqlite3.OperationalError as error:
        if "full" in str(error):
            raise DiskFull(f"the disk is full; the ledger could not be written: {error}") from error
        if "locked" in str(error) or "busy" in str(error):
            raise CatalogBusy(f"the ledger is locked by another program: {error}") from error
        raise StoreDamaged(f"the ledger can't be used: {error}") from error
    except sqlite3.DatabaseError as error:
        raise StoreDamaged(f"the ledger is damaged: {error}") from error
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise DiskFull(f"the disk is full; the ledger could not be written: {error}") from error
        raise
