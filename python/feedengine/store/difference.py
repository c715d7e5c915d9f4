"""The difference of two snapshots as text that a feed can hold: staged once, measured, cut into parts, written."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from duckdb import DuckDBPyConnection

from feedengine.store.changes import only_at
from feedengine.store.database import literal
from feedengine.store.entities import Entities, owner_of
from feedengine.store.model import EntityState
from feedengine.store.reading import visible
from feedengine.store.schema import Table
from feedengine.store.text import LINES, alike_in_json, record

#: Values that receivers take for "leave the field alone" when a patch holds them, by kind of column.
_SAYS_NOTHING = {
    "text": "{0} = ''",
    "list": "len({0}) = 0",
    "json": "{0} IN ('null', '\"\"', '[]', '{{}}')",
}
_NOTHING = EntityState(0, 0, 0, 0, "", ())

#: Which staged records a form of feed holds, and their text there.
_FORMS = {
    "whole": ("kind IN ('added', 'changed') AND patch IS NULL", "whole"),
    "every": ("kind IN ('added', 'changed')", "whole"),
    "patch": ("patch IS NOT NULL", "patch"),
    "delete": ("kind = 'removed'", "gone"),
}


@dataclass(frozen=True)
class Sizes:
    """What has to be said of one entity. `patches` of the `changed` ones can be said by a patch.

    Bytes are those of the JSON lines: `whole_bytes` of all that were added or changed, `patch_bytes` of the patches,
    `patched_bytes` of the same records whole, `delete_bytes` of the ids to delete; `cascaded` of the removed ones go
    by themselves. `lost` of the `active` records before are gone or not active any more; where nobody knows which of
    several snapshots the receiver has, the worst of them.
    """

    added: int = 0
    changed: int = 0
    removed: int = 0
    cascaded: int = 0
    patches: int = 0
    whole_bytes: int = 0
    patch_bytes: int = 0
    patched_bytes: int = 0
    delete_bytes: int = 0
    active: int = 0
    lost: int = 0
    before: int = 0
    after: int = 0
    after_bytes: int = 0

    @property
    def differs(self) -> bool:
        """Whether there is anything to say."""
        return bool(self.added or self.changed or self.removed)


@dataclass(frozen=True)
class Piece:
    """A part of a form that one file holds."""

    number: int
    records: int
    bytes: int


class Difference:
    """What differs between snapshots `a` (0 = the empty catalog) and `b`, staged in temporary tables of a cursor.

    `also` are snapshots of which some files may have reached the receiver: every record that differs between `a` and
    one of them is said again, whole, or deleted, whatever it is there.
    """

    def __init__(
        self,
        cursor: DuckDBPyConnection,
        entities: Entities,
        tables: Mapping[str, Table | None],
        states: Mapping[int, Mapping[str, EntityState]],
        a: int,
        b: int,
        also: Sequence[int] = (),
    ) -> None:
        self._cursor = cursor
        self._entities = entities
        self._tables = tables
        self._states = states
        self.a, self.b, self.also = a, b, tuple(also)
        self._staged: set[str] = set()
        if not a and not self.also:
            # All there is was added: how much that is stands in the bookkeeping, and a sync needs no more.
            return
        for entity in tables:
            self._stage(entity)
        if not self.also:
            # Removing an item removes its variations: they need not be named.
            for entity, (_, owner) in self._owned():
                self._ask(
                    f"UPDATE diff_{entity} SET kind = 'cascaded' WHERE kind = 'removed' "
                    f"AND owner IN (SELECT id FROM diff_{owner} WHERE kind = 'removed')"
                )

    def _owned(self) -> list[tuple[str, tuple[str, str]]]:
        """Entities whose records have owners: the field that names one, and the owner's entity."""
        owners = ((entity, owner_of(self._entities.spec(entity))) for entity in self._tables)
        return [(entity, owner) for entity, owner in owners if owner]

    def _ask(self, sql: str) -> list[tuple[int, ...]]:
        found: list[tuple[int, ...]] = self._cursor.execute(sql).fetchall()
        return found

    def _stage(self, entity: str) -> None:
        if entity in self._staged:
            return
        self._staged.add(entity)
        table = self._tables[entity]
        before, after = self._state(entity, self.a), self._state(entity, self.b)
        same = before.digest == after.digest and before.records == after.records and not self.also
        if table is None or same:
            self._ask(
                f"CREATE OR REPLACE TEMP TABLE diff_{entity} AS SELECT '' AS id, '' AS kind, '' AS whole, '' AS patch, "
                "'' AS gone, '' AS owner, false AS lost WHERE false"
            )
            return
        columns, key = list(table.columns), table.id
        flag = _active(table)
        inactive, was_active = (f"h.{flag} IS FALSE", f"l.{flag} IS NOT FALSE") if flag else ("false", "true")
        named = owner_of(table.spec)
        owner = f"l.{table.column(named[0])}" if named and named[0] in table.physical else "NULL::VARCHAR"
        lost = f"l.{key} IS NOT NULL AND {was_active} AND (h.{key} IS NULL OR {inactive})"
        member = literal(json.dumps(table.spec["fields"][0]["json"], ensure_ascii=False))
        gone = f"CASE WHEN h.{key} IS NULL THEN '{{' || {member} || ':' || to_json(coalesce(l.{key}, k)) || '}}' END"
        rows, patch = self._changed(table) if not self.also else self._touched(table)
        self._ask(
            f"CREATE OR REPLACE TEMP TABLE diff_{entity} AS SELECT coalesce(h.{key}, l.{key}, k) AS id, "
            f"CASE WHEN h.{key} IS NULL THEN 'removed' WHEN l.{key} IS NULL THEN 'added' ELSE 'changed' END AS kind, "
            f"CASE WHEN h.{key} IS NOT NULL THEN {record(table, columns)} END AS whole, {patch} AS patch, "
            f"{gone} AS gone, {owner} AS owner, {lost} AS lost FROM {rows}"
        )

    def _changed(self, table: Table) -> tuple[str, str]:
        """Rows of versions before (`l`) and after (`h`) that differ, and the patch from one to the other."""
        key = table.id
        others = [column for column in table.columns if column.name != table.key]
        cells = {column.name: table.column(column.name) for column in others}
        differs = {name: f"l.{cell} IS DISTINCT FROM h.{cell}" for name, cell in cells.items()}
        rows = (
            f"(SELECT *, NULL::VARCHAR AS k FROM {table.history} WHERE {only_at(self.a, self.b)}) AS l "
            f"FULL JOIN (SELECT * FROM {table.history} WHERE {only_at(self.b, self.a)}) AS h ON l.{key} = h.{key} "
            f"WHERE l.{key} IS NULL OR h.{key} IS NULL OR {' OR '.join(differs.values()) or 'false'}"
        )
        if table.spec["shared"]:
            # Patches are for what a section owns, items and variations.
            return rows, "NULL::VARCHAR"
        unsaid = []
        for column in others:
            cell = f"h.{cells[column.name]}"
            nothing = _SAYS_NOTHING.get(column.kind, "false").format(cell)
            unsaid.append(f"({differs[column.name]} AND ({cell} IS NULL OR {nothing}))")
        patch = (
            f"CASE WHEN l.{key} IS NOT NULL AND h.{key} IS NOT NULL AND NOT ({' OR '.join(unsaid) or 'false'}) "
            f"THEN {record(table, list(table.columns), differs)} END"
        )
        return rows, patch

    def _touched(self, table: Table) -> tuple[str, str]:
        """Rows of all that may differ at a receiver that got some of what leads to `also`: no patch is safe there."""
        spans = [each for other in (self.b, *self.also) for each in (only_at(self.a, other), only_at(other, self.a))]
        touched = " OR ".join(f"({each})" for each in spans)
        key = table.id
        rows = (
            f"(SELECT DISTINCT {key} AS k FROM {table.history} WHERE {touched}) AS t "
            f"LEFT JOIN (SELECT * FROM {table.history} AS h WHERE {visible(self.b)}) AS h ON h.{key} = k "
            f"LEFT JOIN (SELECT * FROM {table.history} AS h WHERE {visible(self.a)}) AS l ON l.{key} = k"
        )
        return rows, "NULL::VARCHAR"

    def sizes(self, entity: str) -> Sizes:
        """How much there is to say."""
        before, after = self._state(entity, self.a), self._state(entity, self.b)
        after_bytes = after.data_bytes + 40 * after.records
        if entity not in self._staged:
            return Sizes(added=after.records, whole_bytes=after_bytes, after=after.records, after_bytes=after_bytes)
        line = "strlen({}) + 1"
        sums = ", ".join(
            f"coalesce(sum({line.format(text)}) FILTER ({where}), 0)::BIGINT"
            for text, where in (
                ("whole", "kind IN ('added', 'changed')"),
                ("patch", "patch IS NOT NULL"),
                ("whole", "patch IS NOT NULL"),
                (_FORMS["delete"][1], "kind = 'removed'"),
            )
        )
        counts = ", ".join(
            f"count(*) FILTER ({where})"
            for where in (
                *("kind = 'added'", "kind = 'changed'", "kind IN ('removed', 'cascaded')", "kind = 'cascaded'"),
                *("patch IS NOT NULL", "lost"),
            )
        )
        row = self._ask(f"SELECT {counts}, {sums} FROM diff_{entity}")[0]
        added, changed, removed, cascaded, patches, lost, whole, patch, patched, delete = row
        worst = [(lost, before.active), *(self._lost(entity, other) for other in self.also)]
        lost, active = max(worst, key=lambda each: each[0] / each[1] if each[1] else 0.0)
        return Sizes(
            added, changed, removed, cascaded, patches, whole, patch, patched, delete, active, lost,
            before.records, after.records, after_bytes,
        )  # fmt: skip

    def _state(self, entity: str, at: int) -> EntityState:
        return self._states[at].get(entity, _NOTHING)

    def _lost(self, entity: str, at: int) -> tuple[int, int]:
        """Active records at a snapshot that are gone or inactive at `b`, and of how many."""
        table = self._tables[entity]
        if table is None:
            return 0, 0
        key, active = table.id, _active(table) or "NULL::BOOLEAN"
        row = self._ask(
            f"SELECT count(*) FROM (SELECT {key} AS id, {active} AS active FROM {table.history} "
            f"WHERE {only_at(at, self.b)}) AS l LEFT JOIN (SELECT {key} AS id, {active} AS active FROM "
            f"{table.history} WHERE {only_at(self.b, at)}) AS h ON h.id = l.id "
            "WHERE l.active IS NOT FALSE AND (h.id IS NULL OR h.active IS FALSE)"
        )[0]
        return row[0], self._state(entity, at).active

    def orphans(self, *, every: bool) -> tuple[int, str]:
        """Variations at `b` whose item isn't there, that a receiver would refuse or remove; how many, the first one.

        `every`: all of them; else those that this difference sends, or whose item it removes.
        """
        found = [self._orphans(entity, *owner, every=every) for entity, owner in self._owned()]
        return sum(count for count, _ in found), next((first for count, first in found if count), "")

    def _orphans(self, entity: str, field: str, owner: str, *, every: bool) -> tuple[int, str]:
        owners, owned = self._tables.get(owner), self._tables[entity]
        if owned is None:
            return 0, ""
        named = f"v.{owned.column(field)}"
        known = f"SELECT {owners.id} FROM {owners.history} AS h WHERE {visible(self.b)}" if owners else "SELECT ''"
        every = every or entity not in self._staged
        met = (
            f"AND (v.{owned.id} IN (SELECT id FROM diff_{entity} WHERE kind IN ('added', 'changed')) "
            f"OR {named} IN (SELECT id FROM diff_{owner} WHERE kind = 'removed'))"
        )
        at = visible(self.b).replace("h._", "v._")
        row = self._cursor.execute(
            f"SELECT count(*), coalesce(min(v.{owned.id}), '') FROM {owned.history} AS v WHERE {at} "
            f"AND {named} NOT IN ({known}) {'' if every else met}"
        ).fetchall()[0]
        return int(row[0]), str(row[1])

    def clashes(self, entity: str) -> list[str]:
        """Columns with values at `b` that JSON cannot tell from others."""
        table = self._tables.get(entity)
        if table is None:
            return []
        return [
            column.name
            for column in alike_in_json(table, list(table.columns))
            if self._ask(
                f"SELECT 1 FROM {table.history} AS h WHERE {visible(self.b)} "
                f"AND h.{table.column(column.name)} IS NOT NULL LIMIT 1"
            )
        ]

    def pieces(self, entity: str, form: str, *, records: int = 0, bytes: int = 0) -> list[Piece]:
        """Cut a form (whole, every, patch, delete) into parts of at most so many records and bytes; 0 = no limit.

        A single record that is larger than the limit makes a part of its own.
        """
        self._stage(entity)
        where, text = _FORMS[form]
        cut = []
        if records:
            cut.append(f"(row_number() OVER ordered - 1) // {records}")
        if bytes:
            # A part that begins below a boundary may end beyond it by one record.
            room = f"greatest({bytes} - max(size) OVER (), 1)"
            cut.append(f"(sum(size) OVER ordered - size) // {room}")
        number = f"dense_rank() OVER (ORDER BY {', '.join(cut_name(at) for at in range(len(cut)))})" if cut else "1"
        bounds = "".join(f", {sql} AS {cut_name(at)}" for at, sql in enumerate(cut))
        self._ask(
            f"CREATE OR REPLACE TEMP TABLE cut_{entity}_{form} AS SELECT id, size, {number} AS part FROM "
            f"(SELECT id, size{bounds} FROM (SELECT id, strlen({text}) + 1 AS size FROM diff_{entity} WHERE {where}) "
            "WINDOW ordered AS (ORDER BY id))"
        )
        rows = self._ask(
            f"SELECT part, count(*), sum(size)::BIGINT FROM cut_{entity}_{form} GROUP BY part ORDER BY part"
        )
        return [Piece(*row) for row in rows]

    def write(self, entity: str, form: str, part: int, path: Path) -> int:
        """Write a part as JSON lines, ordered by id; gives its records. The form `sync` is all there is at `b`."""
        table = self._tables[entity]
        if form == "sync" and table is not None:
            query = f"SELECT {record(table, list(table.columns))} FROM {table.history} AS h WHERE {visible(self.b)}"
            query += f" ORDER BY h.{table.id}"
        else:
            query = f"SELECT {_FORMS[form][1]} FROM diff_{entity} JOIN cut_{entity}_{form} USING (id) "
            query += f"WHERE part = {part} ORDER BY id"
        copied = self._ask(f"COPY ({query}) TO {literal(str(path))} (FORMAT {LINES})")
        return int(copied[0][0])


def _active(table: Table) -> str | None:
    """The quoted column of the flag that says whether a record counts; None where it was never said."""
    name = table.spec.get("active")
    return table.column(name) if name in table.physical else None


def cut_name(at: int) -> str:
    """The name of the boundary number that a limit gives a record."""
    return f"bound{at}"
