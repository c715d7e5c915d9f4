"""Workbooks and Parquet files that cannot be read get their exact answer, and leave nothing behind."""

from __future__ import annotations

import random
import zipfile
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from feedengine.deliver.workbook import Column, write
from shop import Shop

from .write import Error, Workbook, package

HEAD: list[object] = ["id", "item_name", "metadata:n"]
GOOD: list[object] = ["A1", "Boot", 1]


def book(*rows: list[object], **options: Any) -> bytes:
    return Workbook(random.Random(3)).write([HEAD, *rows], **options)


def parquet(columns: dict[str, Any], **options: Any) -> bytes:
    sink = pa.BufferOutputStream()
    pq.write_table(pa.table(columns), sink, **options)
    return bytes(sink.getvalue())


def one(**more: Any) -> dict[str, Any]:
    return {"id": ["A1"], "item_name": ["Boot"], **more}


FLAT = parquet(one())


def bomb() -> bytes:
    """A workbook whose directory says that its sheet grows to two gigabytes."""
    content = bytearray(book(GOOD))
    record = content.rindex(b"xl/worksheets/sheet1.xml") - 46
    content[record + 24 : record + 28] = (2**31 - 1).to_bytes(4, "little")
    return bytes(content)


CASES: list[tuple[str, bytes, str, str]] = [
    (
        "merged.xlsx",
        book(GOOD, behind='<mergeCells><mergeCell ref="B2:C2"/></mergeCells>'),
        "BAD_SHEET",
        "Products!B2:C2",
    ),
    ("no header.xlsx", book(GOOD, first=3), "BAD_SHEET", "row 1 of Products holds no column names"),
    ("empty.xlsx", book(), "EMPTY_ENTITY", ""),
    ("twice.xlsx", Workbook(random.Random(1)).write([["id", "id"], ["A", "B"]]), "DUPLICATE_COLUMN", ""),
    ("dtd.xlsx", package('<!DOCTYPE x [<!ENTITY a "b">]>'), "XML_FORBIDDEN", "DTD"),
    ("cut.xlsx", book(GOOD)[:-50], "ARCHIVE_TRUNCATED", "zip"),
    ("wide.xlsx", package('<row><c r="ZZZZ1"/></row>'), "BAD_SHEET", "Products!ZZZZ1"),
    ("bomb.xlsx", bomb(), "ARCHIVE_BOMB", "grows from"),
    ("tail.parquet", FLAT[:-4] + b"....", "BAD_PARQUET", "last bytes are not PAR1"),
    ("cut.parquet", FLAT[: len(FLAT) // 2], "BAD_PARQUET", "ends early"),
    ("struct.parquet", parquet(one(x=[{"a": 1}])), "BAD_PARQUET", "nested"),
    ("deep list.parquet", parquet(one(x=[[["a"]]])), "BAD_PARQUET", "nested"),
    ("map.parquet", parquet(one(x=pa.array([[("a", 1)]], pa.map_(pa.string(), pa.int8())))), "BAD_PARQUET", "nested"),
    ("bytes.parquet", parquet(one(x=pa.array([b"ab"], pa.binary(2)))), "BAD_PARQUET", "no text, number or time"),
    ("brotli.parquet", parquet(one(), compression="brotli"), "BAD_PARQUET", "snappy, zstd, gzip or lz4_raw"),
    (
        "none.parquet",
        parquet({"id": pa.array([], pa.string()), "item_name": pa.array([], pa.string())}),
        "EMPTY_ENTITY",
        "",
    ),
]
ROWS: list[tuple[str, bytes, str, str]] = [
    ("error.xlsx", book(["A1", "Boot", Error("#N/A")]), "CELL_ERROR", "Products!C2: the cell holds the error #N/A"),
    (
        "formula.xlsx",
        package(
            "<row><c t='str'><v>id</v></c><c t='str'><v>item_name</v></c></row>"
            "<row><c t='str'><v>A</v></c><c><f>A1</f></c></row>"
        ),
        "CELL_ERROR",
        "Products!B2",
    ),
    ("nan.parquet", parquet(one(**{"metadata:n": [float("nan")]})), "CELL_ERROR", "the value is no number"),
    ("pipe.parquet", parquet(one(group_ids=[["a|b"]])), "CELL_ERROR", "holds |"),
    ("text.parquet", parquet(one(**{"metadata:n": pa.array([b"\xff"], pa.binary())})), "CELL_ERROR", "no UTF-8 text"),
]


@pytest.mark.feature("P38", "P2")
@pytest.mark.parametrize(("name", "content", "code", "message"), CASES + ROWS, ids=[case[0] for case in CASES + ROWS])
def test_what_cannot_be_read_is_refused(name: str, content: bytes, code: str, message: str, tmp_path: Path) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    shop = Shop(tmp_path / "shop")
    answer = shop.run(path, "sync")
    assert answer.verdict == "invalid"
    told = [fault["message"] for fault in answer.report["problems"]["list"] if fault["code"] == code]
    assert told and message in told[0], answer.report["problems"]["list"]
    assert shop.snapshot() == 0


@pytest.mark.feature("P38")
def test_positions_are_those_of_the_sheet(tmp_path: Path) -> None:
    path = tmp_path / "items.xlsx"
    path.write_bytes(book(GOOD, ["A2", "Shoe", Error("#DIV/0!")], first=1, gap=4))
    answer = Shop(tmp_path / "shop").run(path, "sync")
    (fault,) = [fault for fault in answer.report["problems"]["list"] if fault["code"] == "CELL_ERROR"]
    assert (fault["line"], fault["column"]) == (9, "metadata:n")
    assert "Products!C9" in fault["message"]


@pytest.mark.feature("P38")
def test_ids_that_are_numbers_and_formulas_are_told_of(tmp_path: Path) -> None:
    from .write import Formula

    path = tmp_path / "items.xlsx"
    path.write_bytes(book([12, "Boot", Formula(3)], ["0013", "Shoe", 4], [1e15, "Hat", None]))
    shop = Shop(tmp_path / "shop")
    answer = shop.run(path, "sync")
    assert answer.verdict == "apply"
    assert {"NUMERIC_ID", "FORMULA_CELLS"} <= set(answer.codes)
    assert [row["id"] for row in shop.table("items")] == ["0013", "1000000000000000", "12"]


@pytest.mark.feature("L8")
def test_a_filled_in_template_loads(tmp_path: Path) -> None:
    path = tmp_path / "items.xlsx"
    columns = [
        Column("id", required=True),
        Column("item_name", note="as customers read it"),
        Column("active", allowed=("true", "false")),
    ]
    write(
        path,
        "Products",
        columns,
        [["00017", 'Boot & "Shoe"', "true"], ["1e5", "Hat", "false"]],
        ["Fill in one row each"],
    )
    shop = Shop(tmp_path / "shop")
    answer = shop.run(path, "sync")
    assert (answer.verdict, answer.codes) == ("apply", {})
    assert shop.table("items") == [
        {"id": "00017", "item_name": 'Boot & "Shoe"', "active": True},
        {"id": "1e5", "item_name": "Hat", "active": False},
    ]


def damage(content: bytes, dice: random.Random) -> bytes:
    """A few bytes changed."""
    changed = bytearray(content)
    for _ in range(dice.randint(1, 4)):
        at = dice.randrange(len(changed))
        changed[at] = dice.choice([dice.randrange(256), changed[at] ^ 1 << dice.randrange(8)])
    return bytes(changed)


@pytest.mark.feature("P2")
@pytest.mark.parametrize("packing", ["none", "snappy", "zstd", "gzip", "lz4"])
def test_damaged_parquet_never_ends_the_engine(packing: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    dice = random.Random(packing)
    words = [dice.choice(["red", "green", "blue"]) for _ in range(200)]
    content = parquet(
        {
            "id": [f"A{n}" for n in range(200)],
            "item_name": words,
            "metadata:n": [dice.random() if dice.random() < 0.8 else None for _ in range(200)],
            "group_ids": [words[: n % 4] for n in range(200)],
        },
        compression=packing,
        data_page_size=100,
        row_group_size=90,
        data_page_version=dice.choice(["1.0", "2.0"]),
    )
    shop = Shop(tmp_path / "shop")
    path = tmp_path / "items.parquet"
    verdicts = set()
    for _ in range(60):
        path.write_bytes(damage(content, dice))
        verdicts.add(shop.plan(path, "sync").verdict)
    assert "invalid" in verdicts
    assert "panicked" not in capfd.readouterr().err


@pytest.mark.feature("P38")
def test_unknown_zips_stay_zips(tmp_path: Path) -> None:
    path = tmp_path / "items.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("items.csv", "id,item_name\nA,Boot\n")
    assert "ZIP_NOT_SUPPORTED" in Shop(tmp_path / "shop").run(path, "sync").codes
