"""A year of real price changes replayed as patches; any day can be exported again."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from data.retail import Prices, days, named
from shop import Shop


@pytest.mark.feature("C18", "U8")
def test_every_day_of_a_year_of_patches_can_be_exported(shared_data: Path, tmp_path: Path) -> None:
    shop = Shop(tmp_path)
    known: Prices = {}
    history: dict[int, Prices] = {}
    for day, prices in days(shared_data):
        # a product without a name cannot be created, and a name that names nothing is left alone
        feed = {
            code: (name if named(name) else "", price)
            for code, (name, price) in prices.items()
            if named(name) or code in known
        }
        path = tmp_path / f"key_a1_Products_patchdeltacreate_{day}.csv"
        with path.open("w", newline="") as out:
            writer = csv.writer(out)
            writer.writerow(["id", "item_name", "metadata:price"])
            writer.writerows((code, *values) for code, values in feed.items())
        after = {**known, **{code: (name or known[code][0], price) for code, (name, price) in feed.items()}}
        answer = shop.run(path, "patchdeltacreate")
        assert answer.count("items", "added") == len(after) - len(known), day
        assert answer.count("items", "changed") == sum(known[code] != after[code] for code in known), day
        known = after
        history[shop.snapshot()] = dict(known)
    assert len(history) == 305
    for at in [*list(history)[::30], max(history)]:
        want = [
            {"id": code, "item_name": name, "metadata:price": price}
            for code, (name, price) in sorted(history[at].items(), key=lambda pair: pair[0].encode())
        ]
        assert shop.table("items", at) == want, at
