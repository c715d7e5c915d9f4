"""Arrow streams crossing into and out of DuckDB, without pyarrow: exact names, one-shot streams, lazy results."""

from __future__ import annotations

import ctypes
import itertools
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import duckdb
from duckdb import DuckDBPyConnection

from feedengine.store.database import mapped
from feedengine.store.model import ArrowStream

#: Rows of a batch that leaves DuckDB: as many as it works on at a time. Larger ones are no faster, and several of them
#: are on their way at once (measured: 30 MiB more with 16,384).
_BATCH = 2048

_names = itertools.count(1)


class _Schema(ctypes.Structure):
    """`struct ArrowSchema` of the Arrow C data interface."""


_Schema._fields_ = [
    ("format", ctypes.c_char_p),
    ("name", ctypes.c_char_p),
    ("metadata", ctypes.c_void_p),
    ("flags", ctypes.c_int64),
    ("n_children", ctypes.c_int64),
    ("children", ctypes.POINTER(ctypes.POINTER(_Schema))),
    ("dictionary", ctypes.c_void_p),
    ("release", ctypes.CFUNCTYPE(None, ctypes.POINTER(_Schema))),
    ("private_data", ctypes.c_void_p),
]


class _Stream(ctypes.Structure):
    """`struct ArrowArrayStream`, as far as its schema is read here."""


_Stream._fields_ = [
    ("get_schema", ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(_Stream), ctypes.POINTER(_Schema))),
]

_pointer = ctypes.pythonapi.PyCapsule_GetPointer
_pointer.restype = ctypes.c_void_p
_pointer.argtypes = [ctypes.py_object, ctypes.c_char_p]


def _columns(capsule: object) -> list[str]:
    """The column names of the stream in `capsule`, which stays unread.

    DuckDB renames columns that differ only in case; read here they keep their names, and SQL uses positions.
    """
    stream = ctypes.cast(_pointer(capsule, b"arrow_array_stream"), ctypes.POINTER(_Stream))
    schema = _Schema()
    status = stream.contents.get_schema(stream, ctypes.byref(schema))
    if status:
        raise OSError(status, "the stream did not give its schema")
    try:
        return [schema.children[i].contents.name.decode() for i in range(schema.n_children)]
    finally:
        if schema.release:
            schema.release(ctypes.byref(schema))


@contextmanager
def source(con: DuckDBPyConnection, stream: ArrowStream) -> Iterator[tuple[str, list[str]]]:
    """`stream` as something to select FROM, once: gives `name AS s(c0, c1, ...)` and the column names in that order."""
    capsule = stream.__arrow_c_stream__()
    names = _columns(capsule)
    view = f"_stream_{next(_names)}"
    # The capsule, not its owner: DuckDB asks an owner twice, and a stream can be had only once.
    con.register(view, capsule)
    try:
        aliases = ", ".join(f"c{position}" for position in range(len(names)))
        yield f"{view} AS s({aliases})", names
    finally:
        # After a failure the transaction takes no more statements; the view then goes with the connection.
        with suppress(duckdb.Error):
            con.unregister(view)


class Result:
    """A query that runs when its Arrow stream is asked for, once.

    It works on a cursor of its own, so that the connection stays free. The stream must be read before the catalog is
    closed or committed to.
    """

    def __init__(self, cursor: DuckDBPyConnection, sql: str) -> None:
        self._cursor = cursor
        self._sql = sql

    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object:
        """Run the query; the rows come as they are asked for. Raises `StoreDamaged`, `DiskFull`."""
        with mapped():
            relation = self._cursor.sql(self._sql)
            # DuckDB's own batches have 131,072 rows, 70 MB of a usual catalog, and it offers no other way to ask for
            # smaller ones without loading pyarrow; a release that lacks this one gives the large batches.
            submit = getattr(relation, "_submit", None)
            if submit is None:
                return relation.__arrow_c_stream__(requested_schema)
            return submit("stream", _BATCH).arrow_capsule()
