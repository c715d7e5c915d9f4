"""Queries that read versions: by row number, current, as of a snapshot."""

from __future__ import annotations

from collections.abc import Sequence

from duckdb import DuckDBPyConnection

from feedengine.store.arrow import Result, source
from feedengine.store.database import quoted
from feedengine.store.model import ArrowStream
from feedengine.store.schema import Table


def reader(con: DuckDBPyConnection | None) -> DuckDBPyConnection:
    """A cursor for one result, so that the connection stays free while it is read."""
    if con is None:
        raise ValueError("nothing is stored")
    cursor = con.cursor()
    cursor.execute("SET enable_progress_bar = false").fetchall()
    return cursor


def outputs(table: Table, columns: Sequence[str] | None, source: str = "h") -> list[str]:
    """SELECT items: each column asked for under its own name."""
    return [f"{source}.{table.column(column.name)} AS {quoted(column.name)}" for column in table.chosen(columns)]


def rows(
    con: DuckDBPyConnection | None, table: Table, columns: Sequence[str] | None, wanted: ArrowStream | None
) -> Result:
    """See `Catalog.rows`."""
    cursor = reader(con)
    items = ", ".join(["h._row AS _row", *outputs(table, columns)])
    if wanted is None:
        return Result(cursor, f"SELECT {items} FROM {table.history} AS h WHERE h._to IS NULL")
    with source(cursor, wanted) as (view, names):
        # Staged: DuckDB then knows how many there are, joins from the small side and prunes row groups by `_row`.
        cursor.execute(
            f"CREATE OR REPLACE TEMP TABLE wanted AS SELECT c{names.index('_row')}::BIGINT AS _row FROM {view}"
        ).fetchall()
    return Result(cursor, f"SELECT {items} FROM {table.history} AS h JOIN wanted ON h._row = wanted._row")


def visible(snapshot: int, source: str = "h") -> str:
    """The predicate "stored at `snapshot`"."""
    return f"({source}._from <= {snapshot} AND ({source}._to IS NULL OR {source}._to > {snapshot}))"
