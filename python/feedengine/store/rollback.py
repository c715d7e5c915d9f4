"""Going back: a new snapshot that equals an old one, written as one more commit; the cost follows the difference."""

from __future__ import annotations

from duckdb import DuckDBPyConnection

from feedengine.faults import point
from feedengine.store.arrow import Result
from feedengine.store.changes import only_at
from feedengine.store.commit import Commit
from feedengine.store.indexing import Index
from feedengine.store.model import REMOVED, REPLACED, EntityState
from feedengine.store.reading import outputs
from feedengine.store.schema import Table

_KINDS = ("added", "changed", "removed")


def roll_back(commit: Commit, entity: str, to: int, index: Index) -> tuple[dict[str, int], EntityState] | None:
    """Bring one entity back to snapshot `to` within `commit`; gives counts and new state, None if it is as it was."""
    con, base = commit.con, commit.base.entities[entity]
    table = commit.table(entity)
    now = commit.number - 1
    # A hash of each version keeps the comparison narrow: joining whole rows would hold both sides in memory.
    content = f"hash({', '.join(map(table.column, table.physical))}) AS _hash"
    con.execute(
        f"CREATE OR REPLACE TEMP TABLE back AS SELECT {base.next_row}::BIGINT AS _row, "
        f"_row AS _old_row, {table.id} AS id, {content} FROM {table.history} WHERE {only_at(to, now)}"
    ).fetchall()
    con.execute(
        f"CREATE OR REPLACE TEMP TABLE leaving AS SELECT h._row, h.id, h._hash, "
        f"CASE WHEN back._row IS NULL THEN {REMOVED} ELSE {REPLACED} END::INTEGER AS _reason "
        f"FROM (SELECT _row, {table.id} AS id, {content} FROM {table.history} WHERE {only_at(now, to)}) AS h "
        f"LEFT JOIN back ON back.id = h.id"
    ).fetchall()
    same = " AND ".join(f"l.{name} IS NOT DISTINCT FROM b.{name}" for name in map(table.column, table.physical))
    # What was changed and changed back, by a feed or an earlier rollback, stays as it is.
    con.execute(
        f"CREATE OR REPLACE TEMP TABLE equal AS SELECT back.id "
        f"FROM leaving JOIN back ON back.id = leaving.id AND back._hash = leaving._hash "
        f"JOIN {table.history} AS l ON l._row = leaving._row JOIN {table.history} AS b ON b._row = back._old_row "
        f"WHERE {same}"
    ).fetchall()
    for staged in ("leaving", "back"):
        con.execute(f"DELETE FROM {staged} WHERE id IN (FROM equal)").fetchall()
    con.execute(
        f"UPDATE back SET _row = {base.next_row} + n.position - 1 FROM "
        "(SELECT _old_row, row_number() OVER (ORDER BY _old_row) AS position FROM back) AS n "
        "WHERE n._old_row = back._old_row"
    ).fetchall()
    added, changed, removed = _counts(con)
    if not (added or changed or removed):
        return None
    gone = [row[0] for row in con.execute(f"SELECT id FROM leaving WHERE _reason = {REMOVED}").fetchall()]
    commit.close_staged(table, "leaving")
    columns = ", ".join(table.column(column.name) for column in table.columns)
    # No record number: the values came from no file but from the version that is brought back.
    con.execute(
        f"INSERT INTO {table.history} (_row, _from, {columns}) SELECT back._row, {commit.number}, {columns_of(table)} "
        f"FROM back JOIN {table.history} AS h ON h._row = back._old_row"
    ).fetchall()
    point("rollback.after_insert")
    next_row = base.next_row + added + changed
    state = index.overlay(table.spec, base, gone, _returned(con, table, commit.number), next_row)
    return dict(zip(_KINDS, (added, changed, removed), strict=True)), state


def _counts(con: DuckDBPyConnection) -> tuple[int, int, int]:
    back, leaving, removed = con.execute(
        f"SELECT (SELECT count(*) FROM back), count(*), count(*) FILTER (_reason = {REMOVED}) FROM leaving"
    ).fetchall()[0]
    changed = leaving - removed
    return back - changed, changed, removed


def columns_of(table: Table) -> str:
    """All stored columns of `h`, for a SELECT."""
    return ", ".join(f"h.{table.column(column.name)}" for column in table.columns)


def _returned(con: DuckDBPyConnection, table: Table, number: int) -> Result:
    """The versions that came back, as they now stand; read within the open transaction, which alone can see them."""
    items = ", ".join(["h._row AS _row", *outputs(table, None)])
    return Result(con, f"SELECT {items} FROM {table.history} AS h WHERE h._from = {number}")
