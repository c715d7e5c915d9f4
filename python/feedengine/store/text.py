"""A snapshot as a file, written by DuckDB itself: CSV with feeds' columns, JSON lines as feeds nest them, Parquet."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping
from pathlib import Path

from duckdb import DuckDBPyConnection

from feedengine.errors import UsageError
from feedengine.store.database import literal, quoted
from feedengine.store.entities import owner_of
from feedengine.store.model import Column
from feedengine.store.reading import reader, visible
from feedengine.store.schema import Table

#: How COPY writes text as it is: nothing to quote with, nothing to separate.
LINES = "csv, HEADER false, QUOTE '', ESCAPE '', DELIMITER ''"


def write(
    con: DuckDBPyConnection,
    table: Table,
    columns: list[Column],
    at: int | None,
    form: str,
    path: Path,
    *,
    ids: Mapping[str, str] | None = None,
) -> tuple[bytes, int]:
    """Write the records at a snapshot to `path`, ordered by id: form csv, jsonl or parquet.

    Gives what belongs before the file's content (CSV's header) and the number of records. Raises `UsageError` for what
    the form cannot hold.
    """
    rows = f"FROM {table.history} AS h WHERE {visible(at)} ORDER BY h.{table.id}"
    header = b""
    if ids is not None:
        columns = _identifying(table, columns)
    if form == "csv":
        _refuse_what_csv_cannot_hold(con, table, columns, at)
        names, cells = _csv(table, columns)
        if ids is not None:
            names = [ids.get(column.name, column.name) for column in columns]
        line = io.StringIO()
        csv.writer(line, lineterminator="\n").writerow(names)
        # DuckDB would rename columns that differ only in case, so the header is ours.
        header, query, how = line.getvalue().encode(), f"SELECT {', '.join(cells)} {rows}", "csv, HEADER false"
    elif form == "jsonl":
        _refuse_what_json_cannot_hold(con, table, columns, at)
        query = f"SELECT {record(table, columns)} {rows}"
        how = LINES
    elif form == "parquet":
        items = ", ".join(f"h.{table.column(column.name)} AS {quoted(column.name)}" for column in columns)
        query, how = f"SELECT {items} {rows}", "parquet, COMPRESSION zstd"
    else:
        raise ValueError(form)
    copied = reader(con).execute(f"COPY ({query}) TO {literal(str(path))} (FORMAT {how})").fetchall()
    return header, int(copied[0][0])


def _identifying(table: Table, columns: list[Column]) -> list[Column]:
    """The key, what else a record is found by, and what no two records share; in that order."""
    spec = table.spec
    named = [table.key, *(each["field"] for each in spec.get("identity") or ()), *(spec.get("unique") or ())]
    known = {column.name: column for column in columns}
    return [known[name] for name in dict.fromkeys(named) if name in known]


def _csv(table: Table, columns: list[Column]) -> tuple[list[str], list[str]]:
    """Header and cells. Metadata of an entity with parents (groups) are members of its `data`.

    A field with values of both kinds has one column, the JSON one: a feed may not name a field twice.
    """
    names, cells, data = [], [], []
    parents, own_name = table.spec.get("parents"), _key_in_csv(table)
    known = {column.name for column in columns}
    for column in columns:
        cell = f"h.{table.column(column.name)}"
        if parents and column.name.startswith("metadata:"):
            data.append(column)
            continue
        plain, of_json = _twins(column.name)
        if column.name in (plain, of_json) and {plain, of_json} <= known:
            if column.name == plain:
                continue
            text = f"h.{table.column(plain)}"
            cell = f"coalesce({cell}, CASE WHEN {text} IS NOT NULL THEN to_json({text}) END)"
        names.append(own_name if column.name == table.key else column.name)
        if column.name == parents:
            cell = f"CASE WHEN {cell} IS NOT NULL THEN to_json({cell}) END"
        elif column.kind == "list":
            cell = f"array_to_string({cell}, '|')"
        cells.append(cell)
    if data:
        names.append("data")
        cells.append(f"nullif('{{' || {_members(table, data)} || '}}', '{{}}')")
    return names, cells


def _key_in_csv(table: Table) -> str:
    """The heading of the key: an owned entity is told from its owner by another name of it (`variation_id`)."""
    aliases = table.spec["fields"][0]["aliases"]
    return str(aliases[0]) if aliases and owner_of(table.spec) else table.key


def _twins(name: str) -> tuple[str, str]:
    """The names of a metadata field's plain and JSON columns."""
    bare = name.removeprefix("metadata:json:").removeprefix("metadata:")
    return f"metadata:{bare}", f"metadata:json:{bare}"


def _refuse_what_csv_cannot_hold(con: DuckDBPyConnection, table: Table, columns: list[Column], at: int | None) -> None:
    """A list's members are joined with `|`, and a facet has no JSON form there."""
    tests = {}
    for column in columns:
        cell = f"h.{table.column(column.name)}"
        if column.kind == "list" and column.name != table.spec.get("parents"):
            awkward = "m IS NULL OR m = '' OR contains(m, '|') OR m <> trim(m)"
            tests[column.name] = f"len(list_filter({cell}, lambda m: {awkward})) > 0"
        elif column.name.startswith("facet:json:"):
            tests[column.name] = f"{cell} IS NOT NULL"
    if not tests:
        return
    counts = ", ".join(f"count(*) FILTER ({test}), min(h.{table.id}) FILTER ({test})" for test in tests.values())
    found = reader(con).execute(f"SELECT {counts} FROM {table.history} AS h WHERE {visible(at)}").fetchall()[0]
    for position, name in enumerate(tests):
        count, first = found[2 * position : 2 * position + 2]
        if count:
            raise UsageError(
                f"{count} {table.entity} have a value in {name} that CSV cannot hold (first: id {first!r}): "
                "members of lists may not be empty or contain | there",
                state="Nothing was written.",
                hints=["Export as jsonl, which holds every value"],
                code="NOT_IN_CSV",
            )


def alike_in_json(table: Table, columns: list[Column]) -> list[Column]:
    """Metadata that JSON cannot tell from others: called like a field of the records' own, or like a patch's words for
    members of lists."""
    taken = {field["json"] for field in table.spec["fields"] if field["place"] == "data"} | {"facets"}
    found = []
    for column in columns:
        bare = column.name.removeprefix("metadata:").removeprefix("json:")
        if column.name.startswith("metadata:") and (bare in taken or bare.endswith((":add", ":remove"))):
            found.append(column)
    return found


def _refuse_what_json_cannot_hold(con: DuckDBPyConnection, table: Table, columns: list[Column], at: int | None) -> None:
    for column in alike_in_json(table, columns):
        cell = f"h.{table.column(column.name)}"
        count = (
            f"SELECT count(*), min(h.{table.id}) FROM {table.history} AS h WHERE {visible(at)} AND {cell} IS NOT NULL"
        )
        found, first = reader(con).execute(count).fetchall()[0]
        if found:
            raise UsageError(
                f"{found} {table.entity} have a value in {column.name}, which in JSON would read as another field "
                f"(first: id {first!r})",
                state="Nothing was written.",
                hints=["Export as csv or parquet, where the field keeps its name"],
                code="NOT_IN_JSON",
            )


def record(table: Table, columns: list[Column], only: Mapping[str, str] | None = None) -> str:
    """One record of `h` as a JSON object, in SQL; absent fields are left out.

    `only` gives for columns the condition under which they are said at all.
    """
    beside = {field["name"] for field in table.spec["fields"] if field["place"] == "top"}
    top = [column for column in columns if column.name in beside]
    facets = [column for column in columns if column.name.startswith("facet:")]
    data = [column for column in columns if column not in top and column not in facets]
    inner = _members(table, data, only)
    if facets:
        inner = f"concat_ws(',', nullif({inner}, ''), {_object('facets', _members(table, facets, only))})"
    outer = f"concat_ws(',', {_members(table, top, only)}, {_object('data', inner)})"
    return f"'{{' || {outer} || '}}'"


def _object(name: str, members: str) -> str:
    """`"name":{members}` as SQL; NULL when there are none."""
    opening = f'"{name}":{{'
    return f"nullif('{opening}' || {members} || '}}', '{opening}}}')"


def _members(table: Table, columns: list[Column], only: Mapping[str, str] | None = None) -> str:
    """`"name":value,...` of the columns that are not NULL, as SQL; values of kind json as they stand."""
    if not columns:
        return "''"
    members = []
    declared = {field["name"]: field["json"] for field in table.spec["fields"]}
    for column in columns:
        cell = f"h.{table.column(column.name)}"
        value = cell if column.kind == "json" else f"to_json({cell})"
        name = literal(json.dumps(declared.get(column.name) or _json_name(column.name), ensure_ascii=False) + ":")
        when = f" AND {only[column.name]}" if only and column.name in only else ""
        members.append(f"CASE WHEN {cell} IS NOT NULL{when} THEN {name} || {value} END")
    return f"concat_ws(',', {', '.join(members)})"


def _json_name(name: str) -> str:
    """The name of an open field's member."""
    for prefix in ("metadata:json:", "metadata:", "facet:json:", "facet:"):
        if name.startswith(prefix):
            return name.removeprefix(prefix)
    return name
