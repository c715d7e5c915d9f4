"""Queries that read versions: by row number, current, as of a snapshot, in a person's own SQL."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import duckdb
from duckdb import DuckDBPyConnection

from feedengine.errors import UsageError
from feedengine.store.arrow import Result, source
from feedengine.store.database import ALIAS, literal, quoted
from feedengine.store.model import ArrowStream
from feedengine.store.schema import Table


def reader(con: DuckDBPyConnection) -> DuckDBPyConnection:
    """A cursor for one result, so that the connection stays free while it is read."""
    cursor = con.cursor()
    cursor.execute("SET enable_progress_bar = false").fetchall()
    return cursor


def outputs(table: Table, columns: Sequence[str] | None) -> list[str]:
    """SELECT items: each column of `h` asked for, under its own name."""
    return [f"h.{table.column(column.name)} AS {quoted(column.name)}" for column in table.chosen(columns)]


def rows(con: DuckDBPyConnection, table: Table, columns: Sequence[str] | None, wanted: ArrowStream | None) -> Result:
    """See `Catalog.rows`."""
    cursor = reader(con)
    items = ", ".join(["h._row AS _row", *outputs(table, columns)])
    if wanted is None:
        return Result(cursor, f"SELECT {items} FROM {table.history} AS h WHERE h._to IS NULL")
    _stage(cursor, wanted)
    return Result(cursor, f"SELECT {items} FROM {table.history} AS h JOIN wanted ON h._row = wanted._row")


def _stage(cursor: DuckDBPyConnection, wanted: ArrowStream) -> None:
    """Keep `_row` of the stream in a temporary table.

    DuckDB then knows how many there are, joins from the small side and prunes row groups by `_row`.
    """
    with source(cursor, wanted) as (view, names):
        cursor.execute(
            f"CREATE OR REPLACE TEMP TABLE wanted AS SELECT c{names.index('_row')}::BIGINT AS _row FROM {view}"
        ).fetchall()


def state(con: DuckDBPyConnection, table: Table, columns: Sequence[str], at: int | None) -> Result:
    """The records at a snapshot."""
    items = ", ".join(outputs(table, columns))
    return Result(reader(con), f"SELECT {items} FROM {table.history} AS h WHERE {visible(at)}")


def visible(at: int | None) -> str:
    """The predicate "`h` is stored at snapshot `at`"; None = now."""
    return "h._to IS NULL" if at is None else f"(h._from <= {at} AND (h._to IS NULL OR h._to > {at}))"


class Answer(Result):
    """The result of a person's query: what DuckDB has to say about it is theirs to read."""

    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object:
        """Run the query. Raises `UsageError`."""
        try:
            return super().__arrow_c_stream__(requested_schema)
        except (duckdb.Error, AttributeError) as error:
            text = str(error) if isinstance(error, duckdb.Error) else "the statement gives no rows"
            raise UsageError(f"the query failed: {text}", state="Nothing was changed.", code="SQL") from error


def ask(con: DuckDBPyConnection, query: str, schema: str | None) -> Result:
    """See `Catalog.sql`."""
    cursor = reader(con)
    path = [f"{ALIAS}.{quoted(schema)}"] if schema else []
    shared = f"SELECT 1 FROM duckdb_schemas() WHERE database_name = '{ALIAS}' AND schema_name = 'shared'"
    if cursor.execute(shared).fetchall():
        path.append(f"{ALIAS}.shared")
    # Last, so that its names hide nobody's; with it every schema of the file goes without the file's name.
    path.append(f"{ALIAS}.feedengine")
    cursor.execute(f"SET search_path = {literal(','.join(path))}").fetchall()
    return Answer(cursor, query)


def dangling(
    con: DuckDBPyConnection, groups: Table, named: Table, field: str, rows: ArrowStream, but: ArrowStream | None
) -> int:
    """See `Catalog.dangling_groups`; `field` of `named` holds ids of `groups`."""
    cursor = reader(con)
    _stage(cursor, rows)
    cursor.execute(
        f"CREATE OR REPLACE TEMP TABLE gone AS SELECT g.{groups.id} AS id FROM {groups.history} AS g "
        "JOIN wanted ON g._row = wanted._row"
    ).fetchall()
    names = f"SELECT _row, unnest({named.column(field)}) AS name FROM {named.history} WHERE _to IS NULL"
    dangle = f"SELECT DISTINCT _row FROM ({names}) WHERE name IN (SELECT id FROM gone)"
    if but is not None:
        _stage(cursor, but)
        dangle += " EXCEPT SELECT _row FROM wanted"
    return int(cursor.execute(f"SELECT count(*) FROM ({dangle})").fetchall()[0][0])


def breakdown(
    con: DuckDBPyConnection, table: Table, column: str, rows: ArrowStream, limit: int
) -> list[dict[str, Any]]:
    """See `Catalog.breakdown`."""
    cursor = reader(con)
    _stage(cursor, rows)
    kind = next(each.kind for each in table.columns if each.name == column)
    value = f"unnest(h.{table.column(column)})" if kind == "list" else f"h.{table.column(column)}"
    found = cursor.execute(
        f"SELECT value, count(*) AS lost FROM (SELECT {value} AS value FROM {table.history} AS h "
        f"JOIN wanted ON h._row = wanted._row) WHERE value IS NOT NULL GROUP BY value ORDER BY lost DESC, value "
        f"LIMIT {limit}"
    ).fetchall()
    return [{"column": column, "value": each, "lost": lost} for each, lost in found]
