"""What differs between two snapshots; the cost follows the differences, not the catalog."""

from __future__ import annotations

from duckdb import DuckDBPyConnection

from feedengine.store.arrow import Result
from feedengine.store.database import literal, quoted
from feedengine.store.reading import reader
from feedengine.store.schema import Table


def changes(con: DuckDBPyConnection, table: Table | None, key: str, a: int, b: int) -> Result:
    """See `Catalog.changes`; `key` is the entity's key."""
    if table is None:
        return Result(reader(con), f"SELECT '' AS _change, '' AS {quoted(key)}, [''] AS fields WHERE false")
    columns = [column for column in table.columns if column.name != key]
    physical = {column.name: table.column(column.name) for column in columns}
    differs = [f"l.{name} IS DISTINCT FROM r.{name}" for name in physical.values()]
    both = "l._row IS NOT NULL AND r._row IS NOT NULL"
    named = ", ".join(
        f"CASE WHEN {test} THEN {literal(column.name)} END" for column, test in zip(columns, differs, strict=True)
    )
    fields = f"list_filter([{named}], lambda f: f IS NOT NULL)" if columns else "[]::VARCHAR[]"
    items = [
        "CASE WHEN l._row IS NULL THEN 'added' WHEN r._row IS NULL THEN 'removed' ELSE 'changed' END AS _change",
        f"coalesce(r.{table.id}, l.{table.id}) AS {quoted(key)}",
        f"CASE WHEN {both} THEN {fields} ELSE []::VARCHAR[] END AS fields",
        *(f"r.{name} AS {quoted(column)}" for column, name in physical.items()),
        *(f"l.{name} AS {quoted('before:' + column)}" for column, name in physical.items()),
    ]
    unequal = " OR ".join(differs) or "false"
    sql = (
        f"SELECT {', '.join(items)} FROM (SELECT * FROM {table.history} WHERE {only_at(a, b)}) AS l "
        f"FULL JOIN (SELECT * FROM {table.history} WHERE {only_at(b, a)}) AS r ON l.{table.id} = r.{table.id} "
        f"WHERE NOT ({both}) OR {unequal}"
    )
    return Result(reader(con), sql)


def only_at(here: int, there: int) -> str:
    """The predicate "stored at `here` and not at `there`", in ranges that zone maps can use."""
    if here < there:
        return f"_from <= {here} AND _to > {here} AND _to <= {there}"
    return f"_from > {there} AND _from <= {here} AND (_to IS NULL OR _to > {here})"
