"""One table as CSV, as a workbook and as Parquet: one digest, whatever the ways to write it."""

from __future__ import annotations

import datetime as dt
import random
import struct
import tempfile
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from model.write import pack
from properties.test_digests import SECRET
from shop import Shop

from .write import Formula, Workbook, csv_text, text

WORDS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0\r\ufffe\uffff"), max_size=12).filter(
    lambda words: all(letter >= " " or letter in "\t\n" for letter in words)
)
# A workbook's days begin with the first of March 1900, past the day that never was; times are kept to the second.
DAYS = st.dates(dt.date(1904, 1, 2), dt.date(9999, 12, 30))
MOMENTS = st.datetimes(dt.datetime(1904, 1, 2), dt.datetime(2200, 1, 1)).map(
    # A day's midnight is a day in a workbook.
    lambda moment: moment.replace(microsecond=0, second=moment.second or 1)
)
TIMES = st.times().map(lambda time: time.replace(microsecond=0))
INTEGERS = st.integers(-(10**15), 10**15)
FLOATS = st.floats(allow_nan=False, allow_infinity=False)
PLAIN = st.one_of(st.none(), WORDS, st.booleans(), INTEGERS, FLOATS, DAYS, MOMENTS, TIMES)
CELLS = st.one_of(PLAIN, PLAIN.filter(lambda value: value is not None).map(Formula))
NAMES = ["id", "item_name", "metadata:a", "metadata:b", "metadata:c"]


def digests(folder: Path, name: str, content: bytes | str) -> dict[str, Any]:
    """The catalog after a first load of this member, whose rows are all sound."""
    shop = Shop(folder, secret=SECRET, threads=1, block=100)
    answer = shop.run(pack(folder / "feed.tar.gz", {name: content}), "sync", force=True)
    assert answer.verdict in ("apply", "no_change"), answer.report["problems"]["list"]
    return {"digest": shop.digests(), "rows": shop.table("items")}


@pytest.mark.feature("P2", "P38", "C31")
@settings(max_examples=25, deadline=None)
@given(
    cells=st.lists(st.lists(CELLS, min_size=3, max_size=3), min_size=1, max_size=8),
    dice=st.randoms(use_true_random=False),
    from_1904=st.booleans(),
    gap=st.integers(1, 3),
)
def test_a_workbook_is_its_csv(cells: list[list[object]], dice: random.Random, from_1904: bool, gap: int) -> None:
    rows: list[list[object]] = [[f"{number:05}", f"Name {number}", *row] for number, row in enumerate(cells)]
    with tempfile.TemporaryDirectory() as folder:
        as_csv = digests(Path(folder) / "csv", "items.csv", csv_text([NAMES, *rows]))
        book = Workbook(dice, from_1904=from_1904).write([NAMES, *rows], gap=gap)
        as_book = digests(Path(folder) / "xlsx", "items.xlsx", book)
    assert as_book == as_csv


KINDS: dict[str, tuple[pa.DataType, st.SearchStrategy[Any]]] = {
    "text": (pa.string(), WORDS),
    "long text": (pa.large_string(), WORDS),
    "word": (pa.dictionary(pa.int16(), pa.string()), st.sampled_from(["S", "M", "L"])),
    "flag": (pa.bool_(), st.booleans()),
    "byte": (pa.int8(), st.integers(-128, 127)),
    "short": (pa.uint16(), st.integers(0, 65535)),
    "number": (pa.int64(), st.integers(-(2**63), 2**63 - 1)),
    "count": (pa.uint64(), st.integers(0, 2**64 - 1)),
    "small count": (pa.uint32(), st.integers(0, 2**32 - 1)),
    "price": (
        pa.decimal128(12, 2),
        st.integers(-(10**12) + 1, 10**12 - 1).map(lambda cents: Decimal(cents).scaleb(-2)),
    ),
    "amount": (pa.decimal256(50, 7), st.integers(-(10**49), 10**49).map(lambda n: Decimal(f"{n}e-7"))),
    "weight": (pa.float64(), FLOATS),
    "day": (pa.date32(), st.dates()),
    "millis": (pa.timestamp("ms"), st.datetimes().map(lambda moment: moment.replace(microsecond=250_000))),
    "micros": (pa.timestamp("us", tz="UTC"), st.datetimes(timezones=st.just(dt.UTC))),
    "time": (pa.time64("us"), st.times()),
    "list": (
        pa.list_(pa.string()),
        st.lists(WORDS.filter(lambda word: word != "" and "|" not in word), min_size=1, max_size=3),
    ),
    "numbers": (pa.list_(pa.int32()), st.lists(st.integers(0, 99), min_size=1, max_size=3)),
}


@st.composite
def tables(draw: st.DrawFn) -> tuple[list[str], dict[str, list[Any]]]:
    """Columns of some kinds, with nulls."""
    kinds = draw(st.lists(st.sampled_from(sorted(KINDS)), min_size=1, max_size=5, unique=True))
    count = draw(st.integers(1, 40))
    values = {kind: draw(st.lists(st.none() | KINDS[kind][1], min_size=count, max_size=count)) for kind in kinds}
    return kinds, values


def exact(value: object) -> str:
    """The text of a value; decimals keep the digits of their type."""
    return format(value, "f") if isinstance(value, Decimal) else text(value)


@pytest.mark.feature("P2", "C31", "U19")
@settings(max_examples=25, deadline=None)
@given(
    table=tables(),
    packing=st.sampled_from(["none", "snappy", "zstd", "gzip", "lz4"]),
    version=st.sampled_from(["1.0", "2.0"]),
    dictionary=st.booleans(),
    group=st.integers(1, 50),
)
def test_parquet_is_its_csv(
    table: tuple[list[str], dict[str, list[Any]]], packing: str, version: Any, dictionary: bool, group: int
) -> None:
    kinds, values = table
    count = len(values[kinds[0]])
    ids = [f"{number:05}" for number in range(count)]
    header = ["id", "item_name", *(f"metadata:{kind}" for kind in kinds)]
    plain = [[ids[at], ids[at], *(exact(values[kind][at]) for kind in kinds)] for at in range(count)]
    columns = [pa.array(ids), pa.array(ids), *(pa.array(values[kind], KINDS[kind][0]) for kind in kinds)]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "items.parquet"
        pq.write_table(
            pa.table(columns, names=header),
            path,
            compression=packing,
            data_page_version=version,
            use_dictionary=dictionary,
            row_group_size=group,
            data_page_size=64,
        )
        as_csv = digests(Path(folder) / "csv", "items.csv", csv_text([header, *plain]))
        as_parquet = digests(Path(folder) / "parquet", "items.parquet", path.read_bytes())
    assert as_parquet == as_csv


def short(value: float) -> str:
    """The fewest digits that mean a number of four bytes."""
    single = struct.unpack("f", struct.pack("f", value))[0]
    digits = next(d for d in range(1, 10) if struct.pack("f", float(f"{single:.{d}g}")) == struct.pack("f", single))
    plain = format(Decimal(f"{single:.{digits}g}"), "f")
    return plain.rstrip("0").rstrip(".") if "." in plain else plain


@pytest.mark.feature("P2")
def test_numbers_of_four_bytes_are_short(tmp_path: Path) -> None:
    dice = random.Random(7)
    numbers = [0.1, 19.99, 1e10, 1.5e-7, 3.4e38, *(dice.uniform(-1000, 1000) for _ in range(200))]
    ids = [str(number) for number in range(len(numbers))]
    path = tmp_path / "items.parquet"
    pq.write_table(
        pa.table(
            [pa.array(ids), pa.array(ids), pa.array(numbers, pa.float32())], names=["id", "item_name", "metadata:n"]
        ),
        path,
    )
    shop = Shop(tmp_path / "shop", secret=SECRET)
    assert shop.run(path, "sync").verdict == "apply"
    found = {row["id"]: row["metadata:n"] for row in shop.table("items")}
    assert found == {number: short(value) for number, value in zip(ids, numbers, strict=True)}


@pytest.mark.feature("P2", "P38")
def test_many_rows_keep_their_order(tmp_path: Path) -> None:
    """Rows come back in their order over many blocks, row groups and shared texts."""
    rows: list[list[object]] = [[f"{number:06}", f"Name {number}", number % 97] for number in range(5000)]
    header = ["id", "item_name", "metadata:n"]
    book = Workbook(random.Random(1)).write([header, *rows])
    pq.write_table(
        pa.table([[row[at] for row in rows] for at in range(3)], names=header), tmp_path / "p", row_group_size=700
    )
    wanted = [{"id": row[0], "item_name": row[1], "metadata:n": str(row[2])} for row in rows]
    for name, content in (("b.xlsx", book), ("p.parquet", (tmp_path / "p").read_bytes())):
        (tmp_path / name).write_bytes(content)
        shop = Shop(tmp_path / f"shop {name}", secret=SECRET)
        assert shop.run(tmp_path / name, "sync").verdict == "apply"
        assert shop.table("items") == wanted
