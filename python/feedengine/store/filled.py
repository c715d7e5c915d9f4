"""How much of what could be said about a record is said: filled fields, by field and by record."""

from __future__ import annotations

from collections.abc import Sequence

from duckdb import DuckDBPyConnection

from feedengine.store import reading
from feedengine.store.schema import Table

#: Key, how many of the fields are filled, the names of those that are not.
Lacking = tuple[str, int, list[str]]


def by_field(con: DuckDBPyConnection, table: Table, fields: Sequence[str]) -> tuple[int, dict[str, int]]:
    """How many current records there are, and how many of them have each field."""
    there = [field for field in fields if field in table.physical]
    counts = "".join(f", count(*) FILTER (WHERE {_filled(table, field)})" for field in there)
    sql = f"SELECT count(*){counts} FROM {table.history} AS h WHERE h._to IS NULL"
    row = reading.reader(con).execute(sql).fetchone()
    total, *filled = row or (0,)
    found = dict.fromkeys(fields, 0) | dict(zip(there, map(int, filled), strict=True))
    return int(total), found


def by_record(con: DuckDBPyConnection, table: Table, fields: Sequence[str], limit: int | None) -> list[Lacking]:
    """Records that lack one of the fields, those that lack most first."""
    there = [field for field in fields if field in table.physical]
    absent = [field for field in fields if field not in table.physical]
    flags = ", ".join(f"{_filled(table, field)}" for field in there)
    order = " + ".join(f"({_filled(table, field)})::INTEGER" for field in there) or "0"
    cursor = reading.reader(con).execute(
        f"SELECT h.{table.id}{', ' + flags if flags else ''} FROM {table.history} AS h "
        f"WHERE h._to IS NULL AND ({order}) < {len(fields)} ORDER BY {order}, h.{table.id}"
        + (f" LIMIT {limit}" if limit is not None else "")
    )
    found = []
    while block := cursor.fetchmany(16384):
        for key, *filled in block:
            missing = [field for field, there_is in zip(there, filled, strict=True) if not there_is]
            found.append((str(key), len(there) - len(missing), [*missing, *absent]))
    return found


def _filled(table: Table, field: str) -> str:
    kind = next(column.kind for column in table.columns if column.name == field)
    name = f"h.{table.column(field)}"
    if kind == "list":
        return f"len(coalesce({name}, [])) > 0"
    return f"coalesce({name}, '') <> ''" if kind in ("text", "json") else f"{name} IS NOT NULL"
