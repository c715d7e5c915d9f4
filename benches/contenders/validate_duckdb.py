"""The same checks as one SQL query over the file. Argument: FEED."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

import duckdb

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from harness.shelf import COLORS

_DIGITS = " + ".join(f"CAST(substr(gtin, {at + 1}, 1) AS INTEGER) * {3 if at % 2 else 1}" for at in range(13))
_NUMBER = r"regexp_full_match({0}, '-?[0-9]+(\.[0-9]+)?')"
RIGHT = {
    "sku_pattern": "regexp_full_match(sku, '[A-Z]{3}-[0-9]{5}')",
    "name_length": "length(name) BETWEEN 3 AND 120",
    "price_decimal": r"regexp_full_match(price, '-?[0-9]+(\.[0-9]{1,2})?')",
    "price_range": "coalesce(TRY_CAST(price AS DECIMAL(18, 4)) BETWEEN 0.01 AND 99999.99, true)",
    "sale_at_most": "coalesce(TRY_CAST(sale AS DECIMAL(18, 4)) <= TRY_CAST(price AS DECIMAL(18, 4)), true)",
    "stock_integer": "regexp_full_match(stock, '-?[0-9]+')",
    "stock_range": "coalesce(TRY_CAST(stock AS BIGINT) BETWEEN 0 AND 1000000, true)",
    "moq_multiple": "coalesce(TRY_CAST(moq AS BIGINT) % TRY_CAST(pack AS BIGINT) = 0, true)",
    "gtin": f"CASE WHEN regexp_full_match(gtin, '[0-9]{{13}}') THEN ({_DIGITS}) % 10 = 0 ELSE false END",
    "since_date": "regexp_full_match(since, '[0-9]{4}-[0-9]{2}-[0-9]{2}') AND TRY_CAST(since AS DATE) IS NOT NULL",
    "color_one_of": f"color IN {COLORS}",
    "url": r"regexp_full_match(url, 'https?://[A-Za-z0-9_.-]+(:[0-9]{1,5})?([/?#][^\s\x00-\x1f\"<>\\]*)?')",
    "uuid": "regexp_full_match(system_id, '[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}')",
    "flag": "flag IN ('true', 'false')",
    "country_pattern": "regexp_full_match(country, '[A-Z]{2}')",
}


def main(feed: str) -> None:
    """Count the rows that fail each check; one thread, as the others."""
    started, cpu = time.perf_counter(), time.process_time()
    con = duckdb.connect(config={"threads": 1})
    counts = ", ".join(f"count(*) FILTER (NOT ({right})) AS {name}" for name, right in RIGHT.items())
    row = con.execute(f"SELECT {counts} FROM read_csv(?, all_varchar = true, header = true)", [feed]).fetchone()
    spent = {"seconds": time.perf_counter() - started, "cpu": time.process_time() - cpu}
    print(json.dumps({"faults": dict(zip(RIGHT, row or (), strict=True)), **spent}))


if __name__ == "__main__":
    main(*sys.argv[1:])
