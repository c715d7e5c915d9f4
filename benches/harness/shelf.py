"""Rows of twenty columns with known faults, and the fifteen checks that find them: one truth for all contenders."""

from __future__ import annotations

import csv
import json
import random
import uuid
from pathlib import Path
from typing import Any

COLUMNS = (
    *("id", "sku", "name", "description", "price", "sale", "stock", "pack", "moq", "gtin", "since", "color", "url"),
    *("system_id", "flag", "country", "brand", "material", "note", "weight"),
)
COLORS = ("red", "green", "blue", "black", "white", "grey", "brown", "beige", "pink", "orange", "yellow", "violet")
#: Check, its column, the engine's rule, and a value that fails it and no other check.
CHECKS: tuple[tuple[str, str, Any, str], ...] = (
    ("sku_pattern", "sku", {"pattern": {"regex": "[A-Z]{3}-[0-9]{5}"}}, "abc-12345"),
    ("name_length", "name", {"length": {"min": 3, "max": 120}}, "ab"),
    ("price_decimal", "price", {"decimal": {"scale": 2}}, "9999.995"),
    ("price_range", "price", {"range": {"min": "0.01", "max": "99999.99"}}, "100000"),
    ("sale_at_most", "sale", {"at_most": {"field": "price"}}, "99999.5"),
    ("stock_integer", "stock", "integer", "many"),
    ("stock_range", "stock", {"range": {"min": "0", "max": "1000000"}}, "-1"),
    ("moq_multiple", "moq", {"multiple_of": {"field": "pack"}}, "7919"),
    ("gtin", "gtin", "gtin", "4006381333932"),
    ("since_date", "since", "date", "2026-02-30"),
    ("color_one_of", "color", {"one_of": {"words": list(COLORS)}}, "mauve"),
    ("url", "url", "url", "ftp://shop.example/a"),
    ("uuid", "system_id", "uuid", "f81d4fae-7dec-11d0-a765-00a0c91e6bfx"),
    ("flag", "flag", "flag", "maybe"),
    ("country_pattern", "country", {"pattern": {"regex": "[A-Z]{2}"}}, "Deu"),
)
#: One row of so many has a fault.
EVERY = 97


def make(folder: Path, rows: int, day: int = 1) -> tuple[Path, dict[str, int]]:
    """The file of a day, and how many of its rows fail each check; kept from run to run.

    On the second day 1 % of the rows are new, 5 % changed and 1 % gone; what was wrong is as wrong as before.
    """
    feed, truth = folder / f"shelf-{rows}-{day}.csv", folder / f"shelf-{rows}-{day}.json"
    if not (feed.exists() and truth.exists()):
        folder.mkdir(parents=True, exist_ok=True)
        counts = dict.fromkeys((name for name, *_ in CHECKS), 0)
        rng = random.Random(rows)
        with feed.open("w", newline="", encoding="utf-8") as out:
            writer = csv.writer(out, lineterminator="\n")
            writer.writerow(COLUMNS)
            for number in range(rows if day == 1 else rows + rows // 100):
                row = _row(rng, number)
                if day > 1 and number % 100 == 50 and number < rows:
                    continue
                if day > 1 and number % 20 == 7:
                    row["brand"] = "Kestrel"
                if number % EVERY == 0:
                    name, column, _, value = CHECKS[number // EVERY % len(CHECKS)]
                    row[column] = value
                    counts[name] += 1
                writer.writerow(row.values())
        truth.write_text(json.dumps(counts))
    return feed, json.loads(truth.read_text())


def _row(rng: random.Random, number: int) -> dict[str, str]:
    pack = rng.choice((1, 2, 3, 4, 6, 10, 12, 24))
    # A prime above every pack's multiples but those of 1 would pass with it: the fault needs a larger pack.
    pack = 2 if pack == 1 else pack
    cents = rng.randrange(100, 900_000)
    body = f"{rng.randrange(10**12):012}"
    weighed = sum(int(digit) * (3 if at % 2 else 1) for at, digit in enumerate(body))
    values = (
        f"R{number:08}",
        f"{rng.choice('ABCDEFGH') * 3}-{rng.randrange(100_000):05}",
        f"Thing {number} of {rng.choice(COLORS)} wood",
        f"A thing with {rng.randrange(90) + 10} parts, for rooms where {rng.choice(COLORS)} things stand well together",
        f"{cents // 100}.{cents % 100:02}",
        f"{cents // 200}.{cents % 100:02}",
        str(rng.randrange(5_000)),
        str(pack),
        str(pack * rng.randrange(1, 20)),
        body + str(-weighed % 10),
        f"20{rng.randrange(10, 26)}-{rng.randrange(1, 13):02}-{rng.randrange(1, 29):02}",
        rng.choice(COLORS),
        f"https://shop.example/p/{number}?c={rng.randrange(1000)}",
        str(uuid.UUID(int=rng.getrandbits(128), version=4)),
        rng.choice(("true", "false")),
        rng.choice(("DE", "FR", "US", "IT", "PL")),
        rng.choice(("Acme", "Bolt", "Nordlicht", "Koru")),
        rng.choice(("oak", "pine", "steel", "glass")),
        "",
        str(rng.randrange(1, 90)),
    )
    return dict(zip(COLUMNS, values, strict=True))


def entity(checked: bool) -> dict[str, Any]:
    """The engine's declaration, with the checks or without."""
    fields = []
    for column in COLUMNS:
        rules = [{"rule": rule, "policy": "reject"} for _, name, rule, _ in CHECKS if name == column and checked]
        field = {"name": column, "json": column, "place": "top", "kind": "text"}
        fields.append(field | ({"checks": rules} if rules else {}) | ({"required": True} if column == "id" else {}))
    spec = {"name": "things", "fields": fields, "metadata": False, "facets": False, "shared": False}
    return spec | {"max_data": 200_000, "max_average": 200_000, "size_class": "things"}
