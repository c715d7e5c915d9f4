"""The same checks as a pandera schema over polars. Argument: FEED."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path

# One thread, as the others; polars looks at this when it is imported.
os.environ["POLARS_MAX_THREADS"] = "1"

import pandera.polars as pa
import polars as pl
from pandera.errors import SchemaErrors

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from harness.shelf import CHECKS, COLORS, COLUMNS


def _full(column: str, regex: str) -> pl.Expr:
    return pl.col(column).str.contains(f"^(?:{regex})$")


def _gtin() -> pl.Expr:
    digits = (pl.col("gtin").str.slice(at, 1).cast(pl.Int32, strict=False) * (3 if at % 2 else 1) for at in range(13))
    return (_full("gtin", "[0-9]{13}") & (pl.sum_horizontal(*digits) % 10 == 0)).fill_null(False)


def _decimal(column: str) -> pl.Expr:
    return pl.col(column).cast(pl.Decimal(18, 4), strict=False)


def _integer(column: str) -> pl.Expr:
    return pl.col(column).cast(pl.Int64, strict=False)


def _bound(text: str) -> pl.Expr:
    return pl.lit(text).cast(pl.Decimal(18, 4))


RIGHT: dict[str, pl.Expr] = {
    "sku_pattern": _full("sku", "[A-Z]{3}-[0-9]{5}"),
    "name_length": pl.col("name").str.len_chars().is_between(3, 120),
    "price_decimal": _full("price", r"-?[0-9]+(\.[0-9]{1,2})?"),
    "price_range": _decimal("price").is_between(_bound("0.01"), _bound("99999.99")).fill_null(True),
    "sale_at_most": (_decimal("sale") <= _decimal("price")).fill_null(True),
    "stock_integer": _full("stock", "-?[0-9]+"),
    "stock_range": _integer("stock").is_between(0, 1_000_000).fill_null(True),
    "moq_multiple": (_integer("moq") % _integer("pack") == 0).fill_null(True),
    "gtin": _gtin(),
    "since_date": pl.col("since").str.to_date("%Y-%m-%d", strict=False).is_not_null(),
    "color_one_of": pl.col("color").is_in(COLORS),
    "url": _full("url", r"https?://[A-Za-z0-9_.-]+(:[0-9]{1,5})?([/?#][^\s\x00-\x1f\"<>\\]*)?"),
    "uuid": _full("system_id", "[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"),
    "flag": pl.col("flag").is_in(["true", "false"]),
    "country_pattern": _full("country", "[A-Z]{2}"),
}  # fmt: skip


def _check(name: str) -> Callable[[pa.PolarsData], pl.LazyFrame]:
    return lambda data: data.lazyframe.select(RIGHT[name])


def main(feed: str) -> None:
    """Validate all of the file, and count the failures of each check."""
    started, cpu = time.perf_counter(), time.process_time()
    columns = {name: pa.Column(pl.String, nullable=True) for name in COLUMNS}
    schema = pa.DataFrameSchema(columns, checks=[pa.Check(_check(name), name=name) for name, *_ in CHECKS])
    found = dict.fromkeys((name for name, *_ in CHECKS), 0)
    try:
        schema.validate(pl.read_csv(feed, infer_schema=False), lazy=True)
    except SchemaErrors as errors:
        for row in errors.failure_cases.group_by("check").agg(pl.col("index").n_unique()).iter_rows():
            found[row[0]] = row[1]
    spent = {"seconds": time.perf_counter() - started, "cpu": time.process_time() - cpu}
    print(json.dumps({"faults": found, **spent}))


if __name__ == "__main__":
    main(*sys.argv[1:])
