"""What a harmful feed looks like, said in the same pass: truncation, segments, values."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest

from model.rows import SET, Cell, Row
from model.spec import ITEMS
from model.state import State
from model.values import Value
from model.write import to_csv
from shop import Shop

BRANDS = ("North", "South", "East", "West", "Hill")


def row(n: int, price: str = "10", **more: str) -> Row:
    """Item ``n``; every fifth is of one brand."""
    cells = {
        "id": Cell(SET, "text", f"A{n:04}"),
        "item_name": Cell(SET, "text", f"Item {n}"),
        "metadata:price": Cell(SET, "text", price),
        "facet:Brand": Cell(SET, "list", (BRANDS[n % 5],)),
    }
    cells.update({name: Cell(SET, "text", value) for name, value in more.items()})
    return Row(n, cells)


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    """Five hundred items of five brands, in the order of their numbers."""
    shop = Shop(tmp_path)
    items = {
        f"A{n:04}": {name: Value(cell.kind, cell.plain) for name, cell in row(n, url="/x").cells.items()}
        for n in range(500)
    }
    shop.load(State().with_tables("Products", {"items": items}))
    return shop


def sync(shop: Shop, folder: Path, rows: list[Row], safeguard: str = "", cut: int = 0) -> dict[str, Any]:
    """The report of a plan of a full feed of these rows."""
    path = folder / "feed.csv"
    text = to_csv(ITEMS, rows)
    path.write_text(text[: len(text) - cut], newline="")
    return shop.plan(path, "sync", extra=safeguard).report


@pytest.mark.feature("U5")
def test_a_feed_cut_between_records_is_named(shop: Shop, tmp_path: Path) -> None:
    report = sync(shop, tmp_path, [row(n, url="/x") for n in range(200)])
    assert report["verdict"] == "refused"
    assert report["safeguard"]["signature"]["kind"] == "contiguous_tail"


@pytest.mark.feature("U5")
def test_a_feed_cut_within_a_record_is_named(shop: Shop, tmp_path: Path) -> None:
    report = sync(shop, tmp_path, [row(n, url="/x") for n in range(200)], cut=15)
    assert report["verdict"] == "refused"
    assert report["safeguard"]["signature"]["kind"] == "unfinished_record"


@pytest.mark.feature("U5")
def test_scattered_removals_are_not_a_truncation(shop: Shop, tmp_path: Path) -> None:
    chosen = sorted(random.Random(1).sample(range(500), 200))
    report = sync(shop, tmp_path, [row(n, url="/x") for n in chosen])
    assert report["verdict"] == "refused"
    assert report["safeguard"]["signature"] is None


@pytest.mark.feature("C24")
def test_the_numbers_are_in_the_report(shop: Shop, tmp_path: Path) -> None:
    report = sync(shop, tmp_path, [row(n, url="/x") for n in range(249)])
    items = report["safeguard"]["entities"]["items"]
    assert (items["lost"], items["base"], items["limit"], items["decision"]) == (251, 500, "50%", "blocked")
    report = sync(shop, tmp_path, [row(n, url="/x") for n in range(250)])
    items = report["safeguard"]["entities"]["items"]
    assert (items["lost"], items["base"], items["decision"]) == (250, 500, "warn")
    report = sync(shop, tmp_path, [row(n, url="/x") for n in range(450)])
    assert report["safeguard"]["entities"]["items"]["decision"] == "ok"
    assert report["safeguard"]["decision"] == "ok"


@pytest.mark.feature("U3")
def test_a_brand_that_vanishes_is_refused_though_the_total_is_small(shop: Shop, tmp_path: Path) -> None:
    rows = [row(n, url="/x") for n in range(500) if n % 5]
    segments = 'segments = [{ column = "facet:Brand", limit = "80%" }]'
    assert sync(shop, tmp_path, rows)["verdict"] == "apply"
    report = sync(shop, tmp_path, rows, segments)
    assert report["verdict"] == "refused"
    (segment,) = report["safeguard"]["segments"]
    assert (segment["column"], segment["value"], segment["lost"], segment["base"]) == ("facet:Brand", "North", 100, 100)


@pytest.mark.feature("U4")
def test_prices_that_become_zero_are_refused(shop: Shop, tmp_path: Path) -> None:
    values = 'values = [{ column = "metadata:price", zero_share = "5%" }]'
    few = [row(n, "0" if n < 25 else "10", url="/x") for n in range(500)]
    many = [row(n, "0.00" if n < 26 else "10", url="/x") for n in range(500)]
    assert sync(shop, tmp_path, few, values)["verdict"] == "apply"
    report = sync(shop, tmp_path, many, values)
    assert report["verdict"] == "refused"
    assert report["safeguard"]["values"][0]["guard"] == "zero_share"
    assert report["safeguard"]["values"][0]["column"] == "metadata:price"


@pytest.mark.feature("U4")
def test_a_column_that_vanished_is_refused(shop: Shop, tmp_path: Path) -> None:
    rows = [row(n) for n in range(500)]
    assert sync(shop, tmp_path, rows)["verdict"] == "apply"
    report = sync(shop, tmp_path, rows, 'values = [{ column = "*", vanished = true }]')
    assert report["verdict"] == "refused"
    assert [(one["guard"], one["column"]) for one in report["safeguard"]["values"]] == [("column_vanished", "url")]


@pytest.mark.feature("U4")
def test_a_rise_of_blanks_is_refused(shop: Shop, tmp_path: Path) -> None:
    rows = [row(n, url="/x") if n >= 101 else row(n) for n in range(500)]
    report = sync(shop, tmp_path, rows, 'values = [{ column = "*", null_rise = "20%" }]')
    assert report["verdict"] == "refused"
    assert [(one["guard"], one["column"]) for one in report["safeguard"]["values"]] == [("null_rise", "url")]
