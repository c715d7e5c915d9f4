"""Questions about a few current records: are they there, what do they hold, which go by the same name."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from duckdb import DuckDBPyConnection

from feedengine.store import reading
from feedengine.store.database import mapped
from feedengine.store.filled import Lacking, by_field, by_record
from feedengine.store.schema import Table


@dataclass(frozen=True)
class Lookup:
    """Current records of one entity, while its catalog is open. Values are compared as texts."""

    _con: DuckDBPyConnection
    _table: Table

    @mapped()
    def known(self, column: str, values: Iterable[str]) -> set[str]:
        """Those of `values` that a record has in a column; of a list, as one of its items."""
        if column not in self._table.physical:
            return set()
        rows = reading.reader(self._con).execute(
            f"{self._values(column)} WHERE value IN (SELECT unnest(?::VARCHAR[]))", [list(values)]
        )
        return {str(value) for (value,) in rows.fetchall()}

    @mapped()
    def told(self, column: str, of: Callable[[list[str]], Sequence[str | None]]) -> dict[str, str]:
        """Values of a column, or items of its lists, for which `of` gives something, with what it gives.

        `of` is asked for many at once.
        """
        if column not in self._table.physical:
            return {}
        cursor = reading.reader(self._con).execute(f"{self._values(column)} WHERE value IS NOT NULL")
        found: dict[str, str] = {}
        while block := cursor.fetchmany(65536):
            values = [str(value) for (value,) in block]
            found |= {value: said for value, said in zip(values, of(values), strict=True) if said is not None}
        return found

    def _values(self, column: str) -> str:
        table = self._table
        kind = next(each.kind for each in table.columns if each.name == column)
        value = f"unnest(h.{table.column(column)})" if kind == "list" else f"h.{table.column(column)}::VARCHAR"
        return f"SELECT DISTINCT value FROM (SELECT {value} AS value FROM {table.history} AS h WHERE h._to IS NULL)"

    @mapped()
    def records(self, values: Iterable[str], column: str | None = None) -> list[dict[str, Any]]:
        """Records whose key (or another column, or an item of its list) is one of `values`, in order of the key.

        Absent fields are left out.
        """
        table = self._table
        if (column or table.key) not in table.physical:
            return []
        names = [each.name for each in table.columns]
        place = f"h.{table.column(column or table.key)}"
        listed = any(each.name == column and each.kind == "list" for each in table.columns)
        among = f"list_has_any({place}, ?::VARCHAR[])" if listed else f"list_contains(?::VARCHAR[], {place}::VARCHAR)"
        rows = reading.reader(self._con).execute(
            f"SELECT {', '.join(map(table.column, names))} FROM {table.history} AS h WHERE h._to IS NULL "
            f"AND {among} ORDER BY h.{table.id}",
            [list(values)],
        )
        return [
            {name: value for name, value in zip(names, row, strict=True) if value is not None}
            for row in rows.fetchall()
        ]

    @mapped()
    def filled(self, fields: Sequence[str]) -> tuple[int, dict[str, int]]:
        """How many records there are, and how many of them have each field."""
        return by_field(self._con, self._table, fields)

    @mapped()
    def lacking(self, fields: Sequence[str], limit: int | None = None) -> list[Lacking]:
        """Records that lack one of the fields, those that lack most first: key, how many they have, what they lack."""
        return by_record(self._con, self._table, fields, limit)

    @mapped()
    def alike(self, column: str, fold: Callable[[str], str]) -> list[list[str]]:
        """Keys of records that have the same value in a column once it is folded, in groups of at least two.

        The oldest record of each group comes first. A value that is folded to nothing is like no other.
        """
        table = self._table
        if column not in table.physical:
            return []
        cursor = reading.reader(self._con).execute(
            f"SELECT h.{table.id}, h.{table.column(column)} FROM {table.history} AS h "
            f"WHERE h._to IS NULL AND h.{table.column(column)} IS NOT NULL ORDER BY h._row"
        )
        groups: dict[str, list[str]] = {}
        while block := cursor.fetchmany(65536):
            for key, value in block:
                if name := fold(str(value)):
                    groups.setdefault(name, []).append(str(key))
        return [keys for keys in groups.values() if len(keys) > 1]
