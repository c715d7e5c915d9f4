"""The one door to DuckDB: opening a key's file, its settings, its exceptions as ours."""

from __future__ import annotations

import ctypes
import errno
import os
import resource
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path

import duckdb
from duckdb import DuckDBPyConnection

from feedengine.errors import CatalogBusy, DiskFull, FeedEngineError, StoreDamaged, StoreError
from feedengine.store.lock import wait_for
from feedengine.store.model import Options

#: The name the file has inside DuckDB, always: a name taken from the file or the section could be ambiguous.
ALIAS = "feedstore"

#: Readable by DuckDB 1.3 and newer; 2.0's own format is no faster or smaller for this data (measured).
STORAGE_VERSION = "v1.3.0"

#: A quarter of DuckDB's default: less memory per thread and finer zone maps. It is a property of the attachment as
#: well as of the file: attached with another size, the next checkpoint would rewrite the whole table.
ROW_GROUP_SIZE = 30720

#: A commit stays in the log until the log is this long. Opening a file replays its log: 1 ms for a patch of ten rows,
#: twice a task; moving the log of a few such patches into the file costs 25 ms, of a large commit more.
CHECKPOINT_BYTES = 1 << 17


def start(temp: Path, options: Options) -> DuckDBPyConnection:
    """DuckDB itself, without a file: about 50 ms, so a catalog does it once."""
    config: dict[str, str | int | bool | float | list[str]] = {
        "memory_limit": f"{_least(options.memory) >> 20}MiB",
        "temp_directory": str(temp),
        # Order is kept by `_row`; without this DuckDB would buffer whole inserts.
        "preserve_insertion_order": "false",
        # Closed networks: nothing is fetched at run time.
        "autoinstall_known_extensions": "false",
        "autoload_known_extensions": "false",
    }
    if options.threads:
        config["threads"] = options.threads
    connection = duckdb.connect(":memory:", config=config)
    for setting in (
        # It would go to stdout, even in a pipe.
        "SET enable_progress_bar = false",
        # When to is decided after the commit, by the length of the log; DuckDB's own estimate takes ten rows for many.
        "SET checkpoint_threshold = '1GiB'",
        # Leaving the process must not cost what the commit saved.
        "PRAGMA disable_checkpoint_on_shutdown",
    ):
        connection.execute(setting).fetchall()
    return connection


@contextmanager
def room_to_sort(connection: DuckDBPyConnection, options: Options, columns: int) -> Iterator[None]:
    """Memory and threads for sorting whole records of so many columns.

    DuckDB spills what it sorts, but needs up to 256 MiB a thread to do so, whatever the number of records.
    """
    memory = max(options.memory, _SORTING + columns * _COLUMN)
    connection.execute(f"SET memory_limit = '{memory >> 20}MiB'").fetchall()
    connection.execute(f"SET threads = {min(options.threads or os.cpu_count() or 1, memory // _SORTING)}").fetchall()
    try:
        yield
    finally:
        connection.execute(f"SET memory_limit = '{_least(options.memory) >> 20}MiB'").fetchall()
        connection.execute(threads(options)).fetchall()


_SORTING = 256 << 20
_COLUMN = 320 << 10


def threads(options: Options) -> str:
    """The statement that gives a connection its usual threads back."""
    return f"SET threads = {options.threads}" if options.threads else "RESET threads"


def room_for(connection: DuckDBPyConnection, options: Options, columns: int) -> Options:
    """Memory to write a table of so many columns; gives the options that hold from now on.

    DuckDB keeps 32 KiB several times for each column and thread, however few rows there are; a comparison most.
    """
    memory = columns * _COLUMN
    if memory <= _least(options.memory):
        return options
    global _widened
    _widened = True  # `worn` is to take this back.
    wide = replace(options, memory=memory, threads=1)
    connection.execute(f"SET memory_limit = '{memory >> 20}MiB'").fetchall()
    connection.execute(threads(wide)).fetchall()
    return wide


def worn(connection: DuckDBPyConnection, options: Options) -> bool:
    """Give back what DuckDB has cached; says whether it holds on to more than that, so that it is to be given up.

    It keeps blocks of files that are no longer attached, up to its limit: a lower limit for a moment gives them back.
    And it keeps some 170 bytes for each row whose update it replayed from a file's log when that was opened, which only
    its end gives back: a worker that opens files a few times for each task grew by 28 KB a task (measured, 2.0.0).
    The lower limit takes 3 ms, so nothing is done while the process has hardly grown since the last time.
    """
    global _settled, _widened
    known = _resident()
    if known is not None and _settled and not _widened and known < _settled + _GROWN:
        return False
    for memory in (32 << 20, _least(options.memory)):
        connection.execute(f"SET memory_limit = '{memory >> 20}MiB'").fetchall()
    connection.execute(threads(options)).fetchall()
    trim()
    resident, before = _resident(), _settled
    _widened = False
    if resident is None:
        return False
    # Another DuckDB begins a new account: what the process itself holds by then is no fault of it.
    _settled = 0 if before and resident >= before + _GROWN else min(resident, before or resident)
    return not _settled


def trim() -> None:
    """Give the system what was freed between blocks that are in use still; some C libraries do so by themselves."""
    with suppress(AttributeError):
        ctypes.CDLL(None).malloc_trim(0)


_GROWN = 16 << 20
_settled = 0
_widened = False


def _resident() -> int | None:
    """Bytes of this process in memory; None where the system doesn't say."""
    try:
        with open("/proc/self/statm", "rb") as file:
            return int(file.read().split()[1]) * resource.getpagesize()
    except OSError:
        return None


def _least(memory: int) -> int:
    """DuckDB's share of memory: with less than this it can't even load."""
    return max(memory, 32 << 20)


def attach(connection: DuckDBPyConnection, path: Path, options: Options, *, write: bool) -> None:
    """Open `path` (made when `write`) as `ALIAS`, waiting while another process holds it.

    Raises `CatalogBusy` after the wait, `StoreDamaged` if the file is no database.
    """
    how = f"STORAGE_VERSION '{STORAGE_VERSION}', ROW_GROUP_SIZE {ROW_GROUP_SIZE}" if write else "READ_ONLY"
    sql = f"ATTACH {literal(str(path))} AS {ALIAS} ({how})"

    def attempt() -> bool | None:
        try:
            connection.execute(sql).fetchall()
        except duckdb.Error as error:
            if _is_lock(error):
                return None
            raise
        return True

    with mapped():
        wait_for(attempt, options.wait_seconds, f"{path} is in use by another program", options.notify)


def _is_lock(error: duckdb.Error) -> bool:
    text = str(error)
    return "Could not set lock" in text or "Unique file handle conflict" in text or "already attached" in text


@contextmanager
def mapped(state: str = "Nothing was changed.") -> Iterator[None]:
    """Turn DuckDB's exceptions into ours; `state` says what a failure here leaves behind."""
    try:
        yield
    except FeedEngineError:
        raise
    except duckdb.Error as error:
        text = str(error)
        if _is_lock(error):
            raise CatalogBusy("another program is using the catalog", state=state) from error
        if _is_full(text):
            raise DiskFull(f"the disk is full: {_first_line(text)}", state=state, hints=_ROOM) from error
        if isinstance(error, duckdb.OutOfMemoryException):
            raise DiskFull(
                f"the store needs more working memory: {_first_line(text)}",
                state=state,
                hints=[{"text": "Raise --memory-limit, or free space in the store's tmp folder", "argv": []}],
            ) from error
        if _is_damage(error, text):
            raise StoreDamaged(
                f"the catalog file is damaged: {_first_line(text)}", state=state, hints=_CHECK
            ) from error
        if isinstance(error, duckdb.IOException):
            # Whatever else the system says of the file: no permission, a failing disk.
            raise StoreError(
                f"the catalog file cannot be used: {_first_line(text)}", code="STORE_IO", state=state
            ) from error
        raise
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise DiskFull(f"the disk is full: {error}", state=state, hints=_ROOM) from error
        raise


def _is_full(text: str) -> bool:
    return any(sign in text for sign in ("No space left", "Disk quota exceeded", "File too large"))


def _is_damage(error: duckdb.Error, text: str) -> bool:
    if isinstance(error, (duckdb.SerializationException, duckdb.InternalException, duckdb.FatalException)):
        return True
    return any(sign in text for sign in _DAMAGE)


_DAMAGE = (
    "Corrupt database file",
    "Could not read enough bytes",
    "not a valid DuckDB database",
    "Failure while replaying WAL",
    "checksum",
)
_ROOM = [{"text": "Free some space, then run the same command again", "argv": []}]
_CHECK = [{"text": "See what is wrong", "argv": ["feedengine", "snapshot", "check"]}]


def _first_line(text: str) -> str:
    return text.splitlines()[0] if text else "no details"


def quoted(name: str) -> str:
    """`name` as an SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    """`text` as an SQL string."""
    return "'" + text.replace("'", "''") + "'"
