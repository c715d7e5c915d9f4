"""Numbers and days that come as such mean what they mean, however the sender writes them in text."""

from __future__ import annotations

import datetime as dt
import io
import json
import random
import tempfile
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from checks.bench import entity, field, plan, text
from sheets.write import Workbook

NUMBERS = st.decimals(-99_999, 99_999, places=3)
DAYS = st.dates(dt.date(1904, 1, 2), dt.date(9999, 12, 30))
TAGS = st.lists(st.text("ab ", min_size=1, max_size=3).filter(str.strip).map(str.strip), max_size=3)
COLUMNS = ("id", "price", "weight", "stock", "day", "tags")


def things(point: str, group: str | None, form: str) -> Any:
    """Amounts, weights, counts, days and tags in this hand."""
    decimal = {"decimal": {"point": point, "group": group}}
    unit = {"unit": {"factors": [["kg", "1"], ["g", "0.001"]]}}
    return entity(
        field("price", steps=["trim", decimal], rules=[{"decimal": {"scale": None}}]),
        field("weight", steps=[unit, decimal], rules=[{"decimal": {"scale": None}}]),
        field("stock", "integer", steps=[decimal]),
        field("day", steps=[{"date": {"forms": [form, "YYYY/MM/DD"]}}], rules=["date"]),
        field("tags", "list", steps=[{"split": {"separator": ","}}]),
    )


def hand(value: object, point: str, form: str) -> str:
    """What the sender writes."""
    if isinstance(value, dt.date):
        day, month = f"{value.day:02}", f"{value.month:02}"
        return form.replace("YYYY", f"{value.year:04}").replace("MM", month).replace("DD", day)
    if isinstance(value, list):
        return ",".join(value)
    return str(value).replace(".", point)


@pytest.mark.feature("P2", "P5")
@settings(max_examples=20, deadline=None)
@given(
    rows=st.lists(st.tuples(NUMBERS, NUMBERS, st.integers(0, 10**6), DAYS, TAGS), min_size=1, max_size=5),
    point=st.sampled_from([(".", ","), (".", None), (",", "."), (",", None)]),
    form=st.sampled_from(["DD.MM.YYYY", "YYYY-MM-DD", "MM/DD/YYYY", "YYYYDDMM"]),
    dice=st.randoms(use_true_random=False),
)
def test_one_table_is_the_same_in_text_and_in_types(
    rows: list[Any], point: tuple[str, str | None], form: str, dice: random.Random
) -> None:
    spec = things(*point, form)
    table = [(f"{number:03}", *row) for number, row in enumerate(rows)]
    in_text = text(COLUMNS, [[hand(value, point[0], form) for value in row] for row in table])
    lines = "".join(
        json.dumps(
            dict(
                zip(COLUMNS, (float(v) if isinstance(v, Decimal) else v for v in row[:4]), strict=False),
                day=hand(row[4], point[0], form),
                tags=row[5],
            )
        )
        + "\n"
        for row in table
    )
    cells = [
        [float(v) if isinstance(v, Decimal) else ",".join(v) if isinstance(v, list) else v for v in row]
        for row in table
    ]
    book = Workbook(dice).write([list(COLUMNS), *cells])
    parquet = io.BytesIO()
    kinds = [pa.string(), pa.float64(), pa.float64(), pa.int64(), pa.date32(), pa.list_(pa.string())]
    arrays = [
        pa.array([float(v) if isinstance(v, Decimal) else v for v in column], kind)
        for column, kind in zip(zip(*table, strict=True), kinds, strict=True)
    ]
    pq.write_table(pa.table(arrays, names=list(COLUMNS)), parquet)
    expected = {
        row[0]: {
            "id": row[0],
            "price": plain(row[1]),
            "weight": plain(row[2]),
            "stock": row[3],
            "day": row[4].isoformat(),
            **({"tags": row[5]} if row[5] else {}),
        }
        for row in table
    }
    with tempfile.TemporaryDirectory() as folder:
        for name, content in {
            "things.csv": in_text,
            "things.jsonl": lines,
            "things.xlsx": book,
            "things.parquet": parquet.getvalue(),
        }.items():
            answer = plan(Path(folder), spec, content, name=name)
            assert answer.faults == [], name
            found = {
                key: {n: plain(Decimal(v)) if n in ("price", "weight") else v for n, v in row.items() if v != []}
                for key, row in answer.rows.items()
            }
            assert found == expected, name


def plain(number: Decimal) -> str:
    """A number without zeros at its end, which a binary fraction does not have."""
    digits = format(number or Decimal(0), "f")
    return digits.rstrip("0").rstrip(".") if "." in digits else digits


@pytest.mark.feature("P5", "W37")
def test_wrong_values_are_told_as_they_were_sent(tmp_path: Path) -> None:
    decimal = {"decimal": {"point": ",", "group": "."}}
    spec = entity(
        field(
            "price", steps=["trim", decimal], rules=[{"decimal": {"scale": 2}}, {"range": {"min": "0", "max": None}}]
        ),
        field("stock", "integer", steps=[decimal], range=[0, 2**63 - 1]),
        field(
            "state",
            steps=["lower", {"map": {"words": [["neu", "new"]]}}],
            rules=[{"one_of": {"words": ["new", "old"]}}],
        ),
        field("day", steps=[{"date": {"forms": ["DD.MM.YYYY", "YYYYMMDD"]}}]),
        field("tags", "list", steps=[{"split": {"separator": ","}}, "upper"], rules=[{"length": {"max": 2}}]),
        field("on", "flag", steps=[{"flag": {"yes": ["ja"], "no": ["nein"]}}]),
        field("ean", steps=["gtin_pad"], rules=["gtin"]),
        field("cost", steps=[{"currency": {"signs": ["EUR", "€"]}}, decimal]),
        field("weight", steps=[{"unit": {"factors": [["kg", "1"], ["g", "0.001"]]}}, decimal]),
    )
    columns = ("id", "price", "stock", "state", "day", "tags", "on", "ean", "cost", "weight")
    rows = [
        ("A", "1.234,567", "1,5", "ALT", "31.02.2026", "a,bcd", "1", "12", "USD 5", "5 lb"),
        ("B", " -1,5", "-1", "NEU", "2026-02-03", "a", "JA", "", "5 €", "500 g"),
        ("C", "1.5", "1.000", "old", "03.02.2026", "", "nein", "", "", ""),
    ]
    answer = plan(tmp_path, spec, text(columns, rows))
    assert answer.faults == [
        (1, "BAD_CURRENCY", "cost", "USD 5"),
        (1, "BAD_DATE", "day", "31.02.2026"),
        (1, "BAD_DECIMAL", "price", "1.234,567"),
        (1, "BAD_FLAG", "on", "1"),
        (1, "BAD_GTIN", "ean", "12"),
        (1, "BAD_INTEGER", "stock", "1,5"),
        (1, "BAD_UNIT", "weight", "5 lb"),
        (1, "NOT_ALLOWED", "state", "ALT"),
        (1, "TOO_LONG", "tags", "BCD"),
        (2, "BAD_DATE", "day", "2026-02-03"),
        (2, "OUT_OF_RANGE", "price", " -1,5"),
        (2, "OUT_OF_RANGE", "stock", "-1"),
        (3, "BAD_DECIMAL", "price", "1.5"),
    ]
    said = {(each["record"], each["code"]): each["message"] for each in answer.report["problems"]["list"]}
    assert said[1, "BAD_DATE"] == "day is not a real date as DD.MM.YYYY or YYYYMMDD"
    assert said[1, "BAD_FLAG"] == "on is neither ja nor nein"
    assert said[1, "BAD_CURRENCY"] == "cost is not an amount in EUR or €"
    assert said[1, "BAD_UNIT"] == "weight is not a number with the unit kg or g"
    assert said[1, "NOT_ALLOWED"] == "state is none of new, old"
    assert said[2, "OUT_OF_RANGE"] in ("price must be at least 0", "stock must be at least 0")
    assert said[3, "BAD_DECIMAL"] == "price is not a number such as 1.234,5"


@pytest.mark.feature("P2", "P5")
@pytest.mark.parametrize(
    ("name", "content", "more"),
    [
        ("things.csv", 'id,tags\nA,"a,b c"\nB,d\nC,\n', {}),
        ("things.jsonl", '{"id":"A","tags":["a","b c"]}\n{"id":"B","tags":"d"}\n{"id":"C","tags":[]}\n', {}),
        ("things.jsonl", '{"id":"A","Tags":["a","b c"]}\n{"id":"B","Tags":"d"}\n{"id":"C","Tags":[]}\n', {}),
        (
            "things.xml",
            "<c><p><id>A</id><t><i>a</i><i>b c</i></t></p><p><id>B</id><t><i>d</i></t></p><p><id>C</id></p></c>",
            {"format": {"xml": {"record": "c/p"}}},
        ),
    ],
)
def test_a_list_is_one_in_every_format(name: str, content: str, more: Any, tmp_path: Path) -> None:
    tags = field("tags", "list", steps=[{"split": {"separator": ","}}, "trim"], aliases=["Tags", "t/i"])
    answer = plan(tmp_path, entity(tags, flat_by=["Tags"]), content, name=name, **more)
    assert (answer.faults, {key: row.get("tags") or [] for key, row in answer.rows.items()}) == (
        [],
        {"A": ["a", "b c"], "B": ["d"], "C": []},
    )
