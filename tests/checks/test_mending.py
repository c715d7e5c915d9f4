"""Any faults in any rows: the good ones are applied, the bad ones told exactly; mended, all is as if it were clean."""

from __future__ import annotations

import csv
import gzip
import io
import json
import tempfile
from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from feedengine.service import homes
from service.place import Place

PROFILE = """
name = "shop"
extends = "constructor"
version = "1"
[entities.items.fields]
price.type = "decimal"
price.normal = ["trim"]
price.currency = ["EUR"]
price.point = ","
price.group = "."
price.min = 0
price.scale = 2
price.place = "data"
gtin = { type = "gtin", place = "data" }
color = { type = "enum", words = ["red", "green"], place = "data", required = true }
since = { type = "date", forms = ["DD.MM.YYYY"], place = "data" }
code = { pattern = "[A-Z]{2}[0-9]+", max_length = 6, place = "data" }
link = { type = "url", place = "data" }
"""
RULES = '[rules]\nrows = "reject"\nmax_rejected = "100%"\nprofile = "shop.toml"\n[safeguard]\nlimit = "off"'
COLUMNS = ("id", "item_name", "price", "gtin", "color", "since", "code", "link", "suggested_score")
# What can be wrong: column, value, code.
FAULTS = [
    ("item_name", "", "MISSING_FIELD"),
    ("item_name", "n" * 251, "TOO_LONG"),
    ("price", "1.2,5", "BAD_DECIMAL"),
    ("price", "12 USD", "BAD_CURRENCY"),
    ("price", "-0,01", "OUT_OF_RANGE"),
    ("price", "0,001", "BAD_DECIMAL"),
    ("gtin", "4006381333932", "BAD_GTIN"),
    ("color", "pink, \"hot\"", "NOT_ALLOWED"),
    ("color", "", "MISSING_FIELD"),
    ("since", "31.02.2026", "BAD_DATE"),
    ("code", "ab1", "BAD_PATTERN"),
    ("link", "www.shop.example", "BAD_URL"),
    ("suggested_score", "-5", "OUT_OF_RANGE"),
    ("suggested_score", "many\nmore", "BAD_INTEGER"),
]  # fmt: skip


def good(number: int) -> dict[str, str]:
    """A row without a fault."""
    return {
        "id": f"00{number}",
        "item_name": f'The "{number}th", Größe',
        "price": f" {number}.000,5{number % 10} EUR",
        "gtin": "4006381333931",
        "color": ("red", "green")[number % 2],
        "since": f"{number % 28 + 1:02}.02.2026",
        "code": f"AB{number}",
        "link": "https://shop.example/a?b=c",
        "suggested_score": str(number),
    }


def written(rows: list[dict[str, str]], kind: str) -> bytes:
    """The rows as a file."""
    if kind.startswith("jsonl"):
        data = "".join(json.dumps({**row, "suggested_score": row["suggested_score"]}) + "\n" for row in rows).encode()
    else:
        out = io.StringIO(newline="")
        writer = csv.DictWriter(out, COLUMNS, lineterminator="\r\n", delimiter=";" if "semicolon" in kind else ",")
        writer.writeheader()
        writer.writerows(rows)
        data = out.getvalue().encode()
    return gzip.compress(data) if kind.endswith(".gz") else data


def read(data: bytes, kind: str) -> list[dict[str, str]]:
    """The rows of a file."""
    if kind.startswith("jsonl"):
        return [json.loads(line) for line in data.decode().splitlines()]
    return list(csv.DictReader(io.StringIO(data.decode(), newline=""), delimiter=";" if "semicolon" in kind else ","))


def send(place: Place, operation: str, kind: str, data: bytes) -> int:
    number = place.land(place.name(operation, ext=kind.removeprefix("semicolon-")), data)
    place.work()
    assert number is not None
    return number


@pytest.mark.feature("P29", "P31", "W17", "W39")
@pytest.mark.parametrize("kind", ["csv", "semicolon-csv.gz", "jsonl"])
@settings(max_examples=settings.default.max_examples // 2)
@given(
    count=st.integers(1, 12),
    chosen=st.lists(st.tuples(st.integers(0, 11), st.integers(0, len(FAULTS) - 1)), max_size=12),
)
def test_mended_rows_make_what_a_clean_file_makes(kind: str, count: int, chosen: list[tuple[int, int]]) -> None:
    clean = [good(number) for number in range(1, count + 1)]
    bad: dict[int, dict[str, tuple[str, str]]] = {}
    for at, fault in chosen:
        column, value, code = FAULTS[fault]
        bad.setdefault(at % count, {})[column] = (value, code)
    rows = [
        {**row, **{column: value for column, (value, _) in bad.get(at, {}).items()}} for at, row in enumerate(clean)
    ]
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        (root / "shop.toml").write_text(PROFILE)
        place = Place(root, RULES)
        first = place.task(send(place, "sync", kind, written(rows, kind)))
        assert first.status == "DONE", first.error
        counts = (first.report or {})["entities"]["items"]
        assert (counts["rows"], counts["added"], counts["rejected"]) == (count, count - len(bad), len(bad))
        told(place, first.id, bad)
        if bad:
            reports = homes.inside(first, homes.reports(first))
            assert json.loads((reports / "summary.json").read_text())["rejected_rows"] == {
                "written": len(bad),
                "of": len(bad),
            }
            plain = kind.removeprefix("semicolon-").removesuffix(".gz")
            again = read((reports / f"rejected.{plain}").read_bytes(), kind)
            assert again == [rows[at] for at in sorted(bad)]
            mended = [
                {**row, **{name: clean[at][name] for name in bad[at]}}
                for at, row in zip(sorted(bad), again, strict=True)
            ]
            second = place.task(send(place, "delta", kind, written(mended, kind)))
            assert second.outcome == "ok", second.error
        # The whole file without any fault finds nothing left to do.
        last = place.task(send(place, "sync", kind, written(clean, kind)))
        assert last.outcome in ("no_change", "duplicate"), (last.outcome, last.report)


def told(place: Place, task: int, bad: Mapping[int, Mapping[str, tuple[str, str]]]) -> None:
    """The ledger tells of exactly these faults: record, code, column, value."""
    expected = {
        (at + 1, code, column, value[:200] or None)
        for at, faults in bad.items()
        for column, (value, code) in faults.items()
    }
    found = {
        (each["record_number"], each["code"], each["column"], each["value"] or None)
        for each in place.store.ledger.problems(task)
        if each["severity"] != "warning"
    }
    assert found == expected
