"""polars, streaming, file against file; what differs is written as CSV. Arguments: OLD NEW OUT hashes|columns.

`hashes` compares one hash a record and writes the new values; `columns` compares every column and writes both.
"""

from __future__ import annotations

import json
import sys

import polars as pl


def main(old: str, new: str, out: str, how: str) -> None:
    """Compare, write, print the counts."""
    a = pl.scan_csv(old, infer_schema=False)
    b = pl.scan_csv(new, infer_schema=False)
    columns = a.collect_schema().names()
    if how == "hashes":
        a = a.select(pl.col("id").alias("oid"), pl.struct(columns).hash().alias("before"))
        b = b.with_columns(pl.struct(columns).hash().alias("after"))
        differs = pl.col("before").ne_missing(pl.col("after"))
    else:
        a = a.rename({column: "oid" if column == "id" else f"before:{column}" for column in columns})
        pairs = [pl.col(column).ne_missing(pl.col(f"before:{column}")) for column in columns[1:]]
        differs = pl.any_horizontal(pl.col("id").is_null(), pl.col("oid").is_null(), *pairs)
    joined = b.join(a, left_on="id", right_on="oid", how="full").filter(differs)
    joined.sink_csv(out, engine="streaming")
    written = pl.scan_csv(out, infer_schema=False).select(
        added=pl.col("oid").is_null().sum(),
        removed=pl.col("id").is_null().sum(),
        changed=(pl.col("id").is_not_null() & pl.col("oid").is_not_null()).sum(),
    )
    print(json.dumps(written.collect(engine="streaming").row(0, named=True)))


if __name__ == "__main__":
    main(*sys.argv[1:])
