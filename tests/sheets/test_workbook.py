"""Written workbooks hold exactly what was given, and what a partner needs to fill them in."""

from __future__ import annotations

import zipfile
from pathlib import Path
from xml.etree import ElementTree

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from feedengine.deliver.workbook import Column, address, write

from .obvious import MAIN, texts

# A carriage return alone would be a line feed for every XML reader: it is written as an escape like other controls.
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
COLUMNS = [
    Column("sku", required=True, note="your own number, at most 40 characters"),
    Column("status", allowed=("active", "out of stock, for now", "gone")),
    Column("size", allowed=("S", "M")),
    Column("note"),
]


@pytest.mark.feature("L8")
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=st.lists(st.lists(TEXT, min_size=3, max_size=3), max_size=6), names=st.lists(TEXT, min_size=3, max_size=3))
def test_every_text_comes_back(rows: list[list[str]], names: list[str], tmp_path: Path) -> None:
    path = tmp_path / "t.xlsx"
    write(path, "Products", [Column(name) for name in names], rows)
    found = texts(path)["Products"]
    assert [line + [""] * (3 - len(line)) for line in found] == [names, *rows]


@pytest.mark.feature("L8")
def test_a_template_offers_what_is_allowed(tmp_path: Path) -> None:
    path = tmp_path / "t.xlsx"
    write(path, "Products", COLUMNS, [["00017", "active", None, ""]], ["Template 3", "Required columns are yellow"])
    assert texts(path) == {
        "Products": [["sku", "status", "size", "note"], ["00017", "active"]],
        "Values": [["status", "size"], ["active", "S"], ["out of stock, for now", "M"], ["gone"]],
        "Notes": [["Template 3"], ["Required columns are yellow"]],
    }
    with zipfile.ZipFile(path) as archive:
        sheet = ElementTree.fromstring(archive.read("xl/worksheets/sheet1.xml"))
        styles = ElementTree.fromstring(archive.read("xl/styles.xml"))
    lists = {
        check.attrib["sqref"].split(":")[0]: check.findtext(f"{MAIN}formula1")
        for check in sheet.iter(f"{MAIN}dataValidation")
    }
    assert lists == {"A2": None, "B2": "Values!$A$2:$A$4", "C2": "Values!$B$2:$B$3"}
    formats = [look.attrib.get("numFmtId", "0") for look in styles.iter(f"{MAIN}xf")][1:]
    columns = [formats[int(column.attrib["style"])] for column in sheet.iter(f"{MAIN}col")]
    assert columns == ["49"] * 4, "an empty cell is text, too: ids keep their zeros"
    cells = {cell.attrib["r"]: int(cell.attrib["s"]) for cell in sheet.iter(f"{MAIN}c")}
    assert cells["A1"] != cells["B1"] == cells["D1"], "required columns look different"


def test_equal_content_is_an_equal_file(tmp_path: Path) -> None:
    one, two = tmp_path / "1.xlsx", tmp_path / "2.xlsx"
    write(one, "P", COLUMNS, [["1"]])
    write(two, "P", COLUMNS, [["1"]])
    assert one.read_bytes() == two.read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["1.xlsx", "2.xlsx"]


@pytest.mark.parametrize("name", ["", "x" * 32, "a/b", "a[1]", "'a", "values"])
def test_names_that_no_sheet_can_have_are_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="named"):
        write(tmp_path / "t.xlsx", name, COLUMNS)
    assert not list(tmp_path.iterdir())


def test_addresses() -> None:
    assert [address(7, column) for column in (1, 3, 26, 27, 702, 703, 16_384)] == [
        "A7",
        "C7",
        "Z7",
        "AA7",
        "ZZ7",
        "AAA7",
        "XFD7",
    ]
