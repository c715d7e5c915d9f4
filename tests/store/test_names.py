"""Names from the outside as names in DuckDB: sections and columns of any shape, and what people type in SQL."""

from __future__ import annotations

from pathlib import Path

import pytest

from feedengine.deliver.export import export
from store.helpers import Writer, columns, new_catalog, table

SECTIONS = [
    "Search Suggestions",
    'a"b',
    "it's; DROP TABLE x; --",
    "select",
    "main",
    "shared",
    "feedengine",
    "feedstore",
    "catalog",
    "temp",
    "information_schema",
    "Größe 👢",
    "a.b",
    "products",
    "Products",
]


@pytest.mark.feature("C13")
def test_sections_of_any_name_live_side_by_side(tmp_path: Path) -> None:
    catalog = new_catalog(tmp_path)
    for number, section in enumerate(SECTIONS):
        writer = Writer(catalog, section)
        writer.task = number
        writer.write(put=[{"id": section, "item_name": str(number)}])
    assert sorted(catalog.sections()) == sorted(SECTIONS)
    for number, section in enumerate(SECTIONS):
        assert table(catalog.export_rows(section, "items")) == [{"id": section, "item_name": str(number)}]
        assert table(catalog.sql("FROM items", section)) == [{"id": section, "item_name": str(number)}]
        assert catalog.check(section, engine=False)["ok"]
    assert catalog.prune("Products", keep=1) == []


COLUMNS = [
    "facet:Color",
    "facet:color",
    "facet:COLOR",
    "facet:color~2",
    'metadata:a"b',
    "metadata:it's",
    "metadata:" + "x" * 1000,
    "metadata:_row",
    "_ROW",
    "_to",
    "metadata:select",
    "metadata:",
    "metadata: \n\t",
    "metadata:ß",
    "metadata:ẞ",
    "before:x",
]


def test_columns_of_any_name_keep_their_values_apart(tmp_path: Path) -> None:
    catalog = new_catalog(tmp_path / "s")
    writer = Writer(catalog)
    row = {"id": "a", **{name: [str(n)] if name.startswith("facet:") else str(n) for n, name in enumerate(COLUMNS)}}
    writer.write(put=[row])
    [got] = table(catalog.rows("Products", "items", None, None))
    assert got == {"_row": 1, **row}
    assert {column.name for column in catalog.base("Products").entities["items"].columns} == {"id", *COLUMNS}
    assert table(catalog.export_rows("Products", "items")) == [row]
    changed = {**row, "facet:color": ["new"]}
    writer.write(put=[changed])
    [change] = table(catalog.changes("Products", "items", 1, 2))
    assert change["fields"] == ["facet:color"]
    assert (change["facet:Color"], change["facet:color"], change["before:facet:color"]) == (["0"], ["new"], ["1"])
    export(catalog, "Products", tmp_path / "x.csv", form="csv")
    assert (tmp_path / "x.csv").read_text().startswith("id,facet:Color,facet:color,facet:COLOR,facet:color~2,")
    export(catalog, "Products", tmp_path / "x.jsonl", form="jsonl")


def test_a_column_keeps_its_kind(tmp_path: Path) -> None:
    catalog = new_catalog(tmp_path)
    Writer(catalog).write(put=[{"id": "a", "metadata:x": "1"}])
    with (
        pytest.raises(ValueError, match="stored as text, not list"),
        catalog.commit("Products", catalog.base("Products")) as commit,
    ):
        commit.add_columns("items", [type(columns("a")[0])("metadata:x", "list")])
