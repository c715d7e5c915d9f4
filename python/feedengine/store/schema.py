"""Tables of a key's file: where a section's entities live, and which physical column holds which field."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import duckdb
from duckdb import DuckDBPyConnection

from feedengine.errors import StoreDamaged
from feedengine.store.database import ALIAS, quoted
from feedengine.store.entities import Entities, Spec, constructor, key_of
from feedengine.store.model import KINDS, Column

#: Bookkeeping lives in this schema, entities that all sections share in `SHARED`.
META = f"{ALIAS}.feedengine"
SHARED = "shared"

#: The file's format: of Constructor's entities without saying so, or with a table `profile` that says which there are.
_PLAIN, _DECLARED = 1, 2

#: Schema names a section can't have: they are taken, or would make `name.table` ambiguous in a person's SQL.
_TAKEN = frozenset(
    {"feedengine", SHARED, "main", "temp", "system", "information_schema", "pg_catalog", "catalog", ALIAS}
)
_SERVICE = {"_row": "BIGINT", "_from": "INTEGER", "_to": "INTEGER", "_record": "BIGINT"}

_META_TABLES = f"""
CREATE SCHEMA {META};
CREATE TABLE {META}.format (version INTEGER);
INSERT INTO {META}.format VALUES (1);
CREATE TABLE {META}.sections (section VARCHAR, schema VARCHAR);
CREATE TABLE {META}.columns (schema VARCHAR, entity VARCHAR, name VARCHAR, kind VARCHAR, physical VARCHAR,
    position INTEGER, since INTEGER);
CREATE TABLE {META}.snapshots (snapshot INTEGER, section VARCHAR, operation VARCHAR, force BOOLEAN, task BIGINT,
    reason VARCHAR, actor VARCHAR, file VARCHAR, fingerprint VARCHAR, created TIMESTAMP, counts VARCHAR,
    pinned BOOLEAN, pruned BOOLEAN);
CREATE TABLE {META}.states (snapshot INTEGER, schema VARCHAR, entity VARCHAR, records BIGINT, active BIGINT,
    data_bytes BIGINT, next_row BIGINT, digest VARCHAR, runs VARCHAR);
CREATE TABLE {META}.removals (snapshot INTEGER, schema VARCHAR, entity VARCHAR, id VARCHAR, _row BIGINT,
    reason INTEGER);
CREATE TABLE {META}.learnings_purged (snapshot INTEGER, schema VARCHAR, entity VARCHAR, id VARCHAR);
"""


@dataclass(frozen=True)
class Table:
    """One entity's history: its place and its columns with their physical names, in order of appearance."""

    schema: str
    entity: str
    columns: tuple[Column, ...]
    physical: dict[str, str] = field(hash=False)
    #: The snapshot that brought each column.
    since: dict[str, int] = field(hash=False)
    #: The entity's declaration.
    spec: Spec = field(hash=False, compare=False)

    @property
    def history(self) -> str:
        """The history table's full SQL name."""
        return f"{ALIAS}.{quoted(self.schema)}.{quoted(self.entity + '_history')}"

    @property
    def view(self) -> str:
        """The full SQL name of the view of current rows."""
        return f"{ALIAS}.{quoted(self.schema)}.{quoted(self.entity)}"

    @property
    def key(self) -> str:
        """The field that a record is known by."""
        return key_of(self.spec)

    @property
    def id(self) -> str:
        """The quoted physical column of the key."""
        return self.column(self.key)

    def column(self, name: str) -> str:
        """The quoted physical column of field `name`."""
        return quoted(self.physical[name])

    def chosen(self, names: Sequence[str] | None) -> list[Column]:
        """The columns asked for that exist; all of them for None."""
        if names is None:
            return list(self.columns)
        wanted = set(names)
        return [column for column in self.columns if column.name in wanted]


def create_meta(con: DuckDBPyConnection) -> None:
    """Make the bookkeeping tables in an empty file."""
    for statement in _META_TABLES.split(";"):
        if statement.strip():
            con.execute(statement).fetchall()


def entities(con: DuckDBPyConnection) -> Entities:
    """What entities the file has."""
    if _version(con) == _PLAIN:
        return constructor()
    profile, version, digest, source, specs = con.execute(f"FROM {META}.profile").fetchall()[0]
    return Entities(profile, version, digest, source, tuple(json.loads(specs)))


def declare(con: DuckDBPyConnection, entities: Entities) -> None:
    """Write down what entities the file has from now on."""
    if _version(con) == _PLAIN:
        con.execute(
            f"CREATE TABLE {META}.profile (profile VARCHAR, version VARCHAR, digest VARCHAR, source VARCHAR, "
            "entities VARCHAR)"
        ).fetchall()
        con.execute(f"UPDATE {META}.format SET version = {_DECLARED}").fetchall()
    con.execute(f"DELETE FROM {META}.profile").fetchall()
    con.execute(
        f"INSERT INTO {META}.profile VALUES (?, ?, ?, ?, ?)",
        [entities.profile, entities.version, entities.digest, entities.source, entities.text()],
    ).fetchall()


def has_meta(con: DuckDBPyConnection) -> bool:
    """Whether the file holds a store at all; a newer format is refused."""
    try:
        version = _version(con)
    except (duckdb.CatalogException, duckdb.BinderException):
        return False
    if version not in (_PLAIN, _DECLARED):
        raise StoreDamaged(
            f"the catalog file has format {version}; this feedengine reads formats {_PLAIN} and {_DECLARED}",
            state="Nothing was changed.",
            hints=[{"text": "Use the newer feedengine that wrote it", "argv": []}],
        )
    return True


def _version(con: DuckDBPyConnection) -> int:
    return int(con.execute(f"SELECT max(version) FROM {META}.format").fetchall()[0][0])


def sections(con: DuckDBPyConnection) -> dict[str, str]:
    """Schema by section."""
    rows = con.execute(f"SELECT section, schema FROM {META}.sections ORDER BY section").fetchall()
    return dict(rows)


def add_section(con: DuckDBPyConnection, section: str) -> str:
    """Make a section's schema; its name is the section's unless that would collide."""
    known = sections(con)
    if section in known:
        return known[section]
    schema = _free_name(section, {name.casefold() for name in known.values()} | _TAKEN)
    con.execute(f"CREATE SCHEMA {ALIAS}.{quoted(schema)}").fetchall()
    con.execute(f"INSERT INTO {META}.sections VALUES (?, ?)", [section, schema]).fetchall()
    return schema


def tables(con: DuckDBPyConnection, entities: Entities) -> dict[tuple[str, str], Table]:
    """All tables of the file by (schema, entity), with the declarations of `entities`."""
    rows = con.execute(
        f"SELECT schema, entity, name, kind, physical, since FROM {META}.columns ORDER BY schema, entity, position"
    ).fetchall()
    found: dict[tuple[str, str], tuple[list[Column], dict[str, str], dict[str, int]]] = {}
    for schema, entity, name, kind, physical, snapshot in rows:
        columns, names, since = found.setdefault((schema, entity), ([], {}, {}))
        columns.append(Column(name, kind))
        names[name] = physical
        since[name] = snapshot
    return {
        place: Table(*place, tuple(columns), names, since, entities.spec(place[1]))
        for place, (columns, names, since) in found.items()
    }


class Layout(NamedTuple):
    """What a file holds: schema by section, the tables by (schema, entity), and what entities there are."""

    sections: dict[str, str]
    tables: dict[tuple[str, str], Table]
    entities: Entities

    def place(self, section: str, entity: str) -> str | None:
        """The schema that holds `entity` of `section`; None if the section has none."""
        return SHARED if entity in self.entities.shared else self.sections.get(section)

    def table(self, section: str, entity: str) -> Table | None:
        """The table of `entity` as `section` sees it; None before the first record."""
        place = self.place(section, entity)
        return self.tables.get((place, entity)) if place else None


def layout(con: DuckDBPyConnection, wanted: Entities | None = None) -> Layout:
    """What the file holds; by the declarations of `wanted` instead of its own, once they are known to fit.

    Raises `IncompatibleProfile`.
    """
    own = entities(con)
    found = tables(con, own)
    if wanted is None or not wanted.differs(own):
        return Layout(sections(con), found, own)
    stored: dict[str, dict[str, None]] = {}
    for (_, entity), table in found.items():
        stored.setdefault(entity, {}).update(dict.fromkeys(table.physical))
    own.check_successor(wanted, stored)
    return Layout(sections(con), tables(con, wanted), wanted)


def add_columns(
    con: DuckDBPyConnection,
    layout: Layout,
    schema: str,
    entity: str,
    new: Iterable[Column],
    snapshot: int,
) -> Table:
    """Add columns to an entity as of `snapshot`, making its table first if need be; known ones are passed over."""
    known = layout.tables.get((schema, entity))
    table = known or Table(schema, entity, (), {}, {}, layout.entities.spec(entity))
    kinds = {column.name: column.kind for column in table.columns}
    columns, physical, since = list(table.columns), dict(table.physical), dict(table.since)
    taken = {name.casefold() for name in physical.values()} | set(_SERVICE)
    for column in (*(() if known else (Column(table.key, "text"),)), *new):
        if column.name in kinds:
            if kinds[column.name] != column.kind:
                raise ValueError(f"{column.name} is stored as {kinds[column.name]}, not {column.kind}")
            continue
        name = _free_name(column.name, taken)
        taken.add(name.casefold())
        columns.append(column)
        physical[column.name] = name
        since[column.name] = snapshot
        kinds[column.name] = column.kind
    if known and len(columns) == len(known.columns):
        return known
    grown = Table(schema, entity, tuple(columns), physical, since, table.spec)
    if known is None:
        if schema == SHARED:
            con.execute(f"CREATE SCHEMA IF NOT EXISTS {ALIAS}.{SHARED}").fetchall()
        _create(con, grown, grown.history)
    else:
        _grow(con, known, grown)
    _register(con, grown, len(table.columns), snapshot)
    _view(con, grown)
    layout.tables[(schema, entity)] = grown
    return grown


#: Within a transaction DuckDB keeps a description of the table for each column that is added: about 500 bytes a column
#: of the table, each time. From this many columns described in all, the table is copied instead.
_DESCRIBED = 200_000


def _grow(con: DuckDBPyConnection, known: Table, grown: Table) -> None:
    """Give a table the columns it lacks."""
    new = grown.columns[len(known.columns) :]
    if len(new) * len(grown.columns) < _DESCRIBED:
        for column in new:
            kind = KINDS[column.kind]
            con.execute(f"ALTER TABLE {grown.history} ADD COLUMN {grown.column(column.name)} {kind}").fetchall()
        return
    copy = f"{ALIAS}.{quoted(grown.schema)}.{quoted(grown.entity + '_grown')}"
    _create(con, grown, copy)
    names = ", ".join([*_SERVICE, *(known.column(column.name) for column in known.columns)])
    con.execute(f"INSERT INTO {copy} ({names}) SELECT {names} FROM {known.history}").fetchall()
    con.execute(f"DROP TABLE {known.history}").fetchall()
    con.execute(f"ALTER TABLE {copy} RENAME TO {quoted(grown.entity + '_history')}").fetchall()


def _create(con: DuckDBPyConnection, table: Table, name: str) -> None:
    columns = [f"{name} {kind}" for name, kind in _SERVICE.items()]
    columns += [f"{table.column(column.name)} {KINDS[column.kind]}" for column in table.columns]
    con.execute(f"CREATE TABLE {name} ({', '.join(columns)})").fetchall()


def _register(con: DuckDBPyConnection, table: Table, first: int, since: int) -> None:
    """Note the columns from number `first` on."""
    new = table.columns[first:]
    con.execute(
        f"INSERT INTO {META}.columns SELECT ?, ?, unnest(?), unnest(?), unnest(?), unnest(?), ?",
        [
            table.schema,
            table.entity,
            [column.name for column in new],
            [column.kind for column in new],
            [table.physical[column.name] for column in new],
            list(range(first, len(table.columns))),
            since,
        ],
    ).fetchall()


def _view(con: DuckDBPyConnection, table: Table) -> None:
    columns = ", ".join(table.column(column.name) for column in table.columns)
    # DuckDB keeps the body without our alias, so that the view also works when a person opens the file directly.
    body = f"SELECT {columns} FROM {table.history} WHERE _to IS NULL"
    con.execute(f"CREATE OR REPLACE VIEW {table.view} AS {body}").fetchall()


def _free_name(name: str, taken: set[str] | frozenset[str]) -> str:
    """`name`, or `name~2`, `name~3`...: DuckDB's identifiers ignore case, ours don't."""
    candidate, number = name, 1
    while candidate.casefold() in taken:
        number += 1
        candidate = f"{name}~{number}"
    return candidate
