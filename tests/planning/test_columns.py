"""A partial file touches the columns that it has, and no others: a stock file can never blank a description."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from planning.desk import Desk, text

_TEXT = st.text(st.characters(codec="utf-8", exclude_categories=("Cs", "Cc", "Zs", "Zl", "Zp")), max_size=8)
_OTHERS = {
    "name": st.text("abcXYZ", min_size=1, max_size=5),
    "description": _TEXT,
    "price": st.sampled_from(["", "1", "2.50", "0.005"]),
    "stock": st.sampled_from(["", "0", "7", "120"]),
}
_KEYS = ("007", "7", "A-1", "Ä")
_products = st.lists(
    st.fixed_dictionaries({"sku": st.sampled_from(_KEYS), **_OTHERS}), min_size=1, unique_by=lambda row: row["sku"]
)


@st.composite
def _partial(draw: st.DrawFn) -> tuple[list[str], list[dict[str, str]]]:
    columns = draw(st.lists(st.sampled_from(sorted(_OTHERS)), min_size=1, max_size=2, unique=True))
    row = st.fixed_dictionaries({"sku": st.sampled_from(_KEYS), **{name: _OTHERS[name] for name in columns}})
    return columns, draw(st.lists(row, min_size=1, unique_by=lambda each: each["sku"]))


@pytest.mark.feature("L4")
@given(_products, st.lists(_partial(), min_size=1, max_size=3))
def test_columns_outside_a_files_set_stay_as_they_are(
    products: list[dict[str, str]], files: list[tuple[list[str], list[dict[str, str]]]]
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        desk = Desk(Path(folder))
        desk.first("PRODUCT_20261121.csv", text(products))
        for number, (columns, rows) in enumerate(files, 1):
            before = {row["sku"]: row for row in desk.rows("products")}
            desk.apply(f"PRODUCT_20261121_{number}.csv", text(rows), operation="patchdeltaignore")
            after = {row["sku"]: row for row in desk.rows("products")}
            assert after.keys() == before.keys()
            for sku, row in after.items():
                kept = {name: value for name, value in row.items() if name not in columns}
                assert kept == {name: value for name, value in before[sku].items() if name not in columns}
        assert desk.sound() == []


@pytest.mark.feature("L4")
@given(
    _products, st.lists(st.fixed_dictionaries({"sku": st.sampled_from(_KEYS), "price": _OTHERS["price"]}), min_size=1)
)
def test_a_file_of_another_entity_leaves_the_products_alone(
    products: list[dict[str, str]], prices: list[dict[str, str]]
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        desk = Desk(Path(folder))
        desk.first("PRODUCT_20261121.csv", text(products))
        digest, rows = desk.digest("products"), desk.rows("products")
        desk.apply("PRICE_20261121.csv", text(prices))
        assert (desk.digest("products"), desk.rows("products")) == (digest, rows)
