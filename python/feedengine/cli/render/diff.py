"""Changes as text: a table for people, CSV, JSON lines, daff and HTML for other tools; one change at a time."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from feedengine.cli.changes import Change
from feedengine.cli.render import text
from feedengine.cli.render.trace import cell
from feedengine.deliver.spreadsheet import safe

FORMATS = ("table", "csv", "jsonl", "daff", "html")
_SIGNS = {"added": "+", "removed": "−", "changed": "~"}


def lines(changes: Iterable[Change], form: str) -> Iterator[str]:
    """The changes in one of `FORMATS`."""
    return {"table": _table, "csv": _csv, "jsonl": _jsonl, "daff": _daff, "html": _html}[form](changes)


def counts(found: Mapping[str, Mapping[str, int]], a: str, b: str) -> list[str]:
    """How many records differ, by entity."""
    rows: list[tuple[str, ...]] = [("", "added", "changed", "removed")]
    for entity, each in found.items():
        cells = (text.signed(_SIGNS[kind], each.get(kind, 0)) for kind in ("added", "changed", "removed"))
        rows.append((text.entity_words(entity), *cells))
    return [f"from {text.clean(a)} to {text.clean(b)}", "", *text.table(rows, right=(1, 2, 3), indent="  ")]


def _table(changes: Iterable[Change]) -> Iterator[str]:
    for change in changes:
        name = (change.after or change.before).get("item_name") or (change.after or change.before).get("name")
        title = f"  {text.cut(name, 50)}" if name and change.kind != "changed" else ""
        yield f"{_SIGNS[change.kind]} {change.entity.rstrip('s')} {text.clean(change.id)}{title}"
        if change.kind == "changed":
            for field in change.fields:
                yield f"    {text.cut(field, 40)}: {cell(change.before.get(field))} → {cell(change.after.get(field))}"


def _csv(changes: Iterable[Change]) -> Iterator[str]:
    yield "entity,change,id,field,before,after"
    for change in changes:
        fields: tuple[str, ...] = change.fields if change.kind == "changed" else change.fields or ("",)
        for field in fields:
            yield csv_line(
                [change.entity, change.kind, change.id, field, change.before.get(field), change.after.get(field)]
            )


def csv_line(cells: Iterable[Any]) -> str:
    """One line of CSV, safe for spreadsheets."""
    return ",".join(_quoted(safe(each)) for each in cells)


def _quoted(value: str) -> str:
    if any(char in value for char in ',"\r\n'):
        return '"' + value.replace('"', '""') + '"'
    return value


def _jsonl(changes: Iterable[Change]) -> Iterator[str]:
    for change in changes:
        yield json.dumps(change.as_dict(), ensure_ascii=False, default=str)


def _by_entity(changes: Iterable[Change]) -> Iterator[tuple[Change, list[str] | None]]:
    """Each change, with the columns when a new table begins."""
    entity, columns = None, list[str]()
    for change in changes:
        begins = change.entity != entity
        if begins:
            entity = change.entity
            others = (name for name in dict.fromkeys([*change.after, *change.before]) if name != change.key)
            columns = [change.key, *others]
        yield change, columns if begins else None


def _daff(changes: Iterable[Change]) -> Iterator[str]:
    """Daff's tabular diff: `@@` the header, `+++` added, `---` removed, `->` changed with `old->new` cells."""
    columns: list[str] = []
    for change, begins in _by_entity(changes):
        if begins is not None:
            columns = begins
            yield "@@," + csv_line(columns)
        mark = {"added": "+++", "removed": "---", "changed": "->"}[change.kind]
        # The first cell is daff's own mark and written as it is; the others are data.
        yield mark + "," + csv_line(_daff_cell(change, name) for name in columns)


def _daff_cell(change: Change, name: str) -> Any:
    if change.kind == "changed" and name in change.fields:
        return f"{_bare(change.before.get(name))}->{_bare(change.after.get(name))}"
    if name == change.key:
        return change.id
    return (change.before if change.kind == "removed" else change.after).get(name)


def _bare(value: Any) -> str:
    if isinstance(value, list | tuple):
        return "|".join(str(each) for each in value)
    return "" if value is None else str(value).lower() if isinstance(value, bool) else str(value)


_STYLE = (
    "body{font:14px sans-serif}table{border-collapse:collapse;margin:1em 0}td,th{border:1px solid #ccc;padding:2px 8px;"
    "text-align:left;vertical-align:top}.added{background:#e6ffec}.removed{background:#ffebe9}"
    "del{background:#ffc0c0}ins{background:#abf2bc;text-decoration:none}"
)


def _html(changes: Iterable[Change]) -> Iterator[str]:
    from html import escape

    yield f'<!doctype html><html lang="en"><meta charset="utf-8"><title>Changes</title><style>{_STYLE}</style>'
    columns: list[str] = []
    for change, begins in _by_entity(changes):
        if begins is not None:
            if columns:
                yield "</table>"
            columns = begins
            heads = "".join(f"<th>{escape(name)}</th>" for name in columns)
            yield f"<h2>{escape(text.entity_words(change.entity))}</h2><table><tr><th></th>{heads}</tr>"
        cells = []
        for name in columns:
            old, new = escape(_bare(change.before.get(name))), escape(_bare(change.after.get(name)))
            if change.kind == "changed" and name in change.fields:
                cells.append(f"<td><del>{old}</del> <ins>{new}</ins></td>")
            else:
                cells.append(f"<td>{old if change.kind == 'removed' else new}</td>")
        yield f'<tr class="{change.kind}"><td>{_SIGNS[change.kind]}</td>{"".join(cells)}</tr>'
    yield ("</table>" if columns else "<p>No changes.</p>") + "</html>"
